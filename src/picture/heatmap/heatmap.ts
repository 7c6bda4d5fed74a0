import { LrpError } from "../../base/error.ts";
import { type Picture, type Pixels, planes } from "../image/pixels.ts";
import { resize } from "../image/resize.ts";
import { type Layout, layoutOf } from "../../base/layout.ts";
import { shapeText, size, type Tensor } from "../../base/tensor.ts";
import { colormap } from "./colormap.ts";

export interface HeatmapOptions {
  /** One of `colormaps`. Default: "bwr", red for the target, blue against it, white for no relevance. */
  readonly colormap?: string;
  /** Every value becomes a square of scale x scale pixels. Default: 1. */
  readonly scale?: number;
  /** A picture to see through the heatmap, stretched to its size: usually what `viewed` returns. */
  readonly over?: Pixels;
  /** Which sample of the batch. Default: 0. */
  readonly sample?: number;
}

/** How much of its contrast a picture keeps under a heatmap: enough to know it by, too little to compete. */
const CONTRAST = 0.4;
const MAX_PIXELS = 2 ** 26;

/**
 * Relevance as a picture. Channels are summed (in double precision), the sums divided by their largest magnitude, and
 * the resulting [-1, 1] coloured; 0 is always the middle of the colour map, so that the sign can be read off.
 *
 * With `over`, the grey picture takes the place of the map's middle colour: where there is no relevance it alone is
 * seen, at reduced contrast, and in proportion to |relevance| it gives way to the colours of the map. Nothing is
 * amplified or cut off: a faint colour is a faint relevance.
 *
 * @param relevance f32[n, c, h, w], f32[n, h, w] or f32[n, f] (one row), unless it says its axes, as that of `explain`
 * does: channels may be last, samples may have no axis, and f32[n, c, w] with `channelAxis: "first"` is one row
 * @returns RGBA, opaque, (w * scale) x (h * scale)
 * @throws LrpError code "shape" for other shapes; code "usage" for options out of range or relevance that is not
 * finite.
 * @example
 * const { data, width, height } = heatmap(explanation.relevance, { colormap: "bwr", scale: 2 });
 * context.putImageData(new ImageData(data, width, height), 0, 0);
 */
export function heatmap(relevance: Tensor, options: HeatmapOptions = {}): Picture {
  const { scale = 1, sample = 0 } = options;
  const colour = colormap(options.colormap ?? "bwr");
  const layout = pictureLayout(relevance);
  const [h, w] = layout.places;
  checkInteger("sample", sample, 0, layout.samples - 1);
  checkInteger("scale", scale, 1, Math.max(1, Math.floor(Math.sqrt(MAX_PIXELS / (h * w)))));
  const values = normalise(sumChannels(relevance.data, layout, sample));
  const [width, height] = [w * scale, h * scale];
  const below = options.over && resize(planes(options.over, 1)[0], width, height).data;
  const middle = colour(0);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let y = 0; y < h; y++) {
    // Once for each value, not for each of its pixels.
    const row = Array.from(values.subarray(y * w, (y + 1) * w), (v) => ({ rgb: colour(v), pale: 1 - Math.abs(v) }));
    for (let i = y * scale * width; i < (y + 1) * scale * width; i++) {
      const { rgb, pale } = row[Math.floor((i % width) / scale)];
      for (let k = 0; k < 3; k++) {
        const shade = below ? CONTRAST * pale * (below[i] - middle[k]) : 0;
        data[4 * i + k] = rgb[k] + shade;
      }
    }
  }
  return { data, width, height };
}

/** How relevance lies that can be drawn. */
function pictureLayout({ data, dims, batchAxis = 0, channelAxis }: Tensor): Layout {
  const layout = size(dims) === data.length && data.length > 0 && layoutOf({ dims, batchAxis, channelAxis });
  if (layout && dims.length > 1 && layout.places.length === 2) return layout;
  throw new LrpError("shape", {
    where: "heatmap",
    expected: "relevance of f32[n, c, h, w], f32[n, h, w] or f32[n, f]",
    received: `${shapeText(dims)} with ${data.length} values`,
  });
}

function checkInteger(option: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  throw new LrpError("usage", {
    where: `option '${option}'`,
    expected: `an integer from ${from} to ${to}`,
    received: `${value}`,
  });
}

function sumChannels(data: Float32Array, { channels, count, positionOf }: Layout, sample: number): Float64Array {
  const sums = new Float64Array(count);
  for (let c = 0; c < channels; c++) for (let i = 0; i < count; i++) sums[i] += data[positionOf(c, i, sample)];
  return sums;
}

/** Divided by the largest magnitude; zeros stay zeros. */
function normalise(values: Float64Array): Float64Array {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new LrpError("usage", {
      where: "heatmap",
      expected: "finite relevance",
      received: `${values[bad]} at position ${bad}`,
    });
  }
  const most = values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  return most > 0 ? values.map((v) => v / most) : values;
}
