import { LrpError, shown, usage } from "../../base/error.ts";
import { type Picture, type Pixels, planes } from "../image/pixels.ts";
import { resize } from "../image/resize.ts";
import { type Layout, layoutOf } from "../../base/layout.ts";
import { shapeText, size, type Tensor } from "../../base/tensor.ts";
import { colormap } from "./colormap.ts";
import { percentile, smoothed } from "./smooth.ts";

export interface HeatmapOptions {
  /** One of `colormaps`. Default: "bwr", red for the target, blue against it, white for no relevance. */
  readonly colormap?: string;
  /** Every value becomes a square of scale x scale pixels. Default: 1. */
  readonly scale?: number;
  /** A picture to see through the heatmap, stretched to its size: usually what `viewed` returns. */
  readonly over?: Pixels;
  /** Which sample of the batch. Default: 0. */
  readonly sample?: number;
  /**
   * Deviation, in pixels of the map, of a Gaussian that spreads each number over its neighbours; the sum is kept.
   * `false`: none. Default: 2.5 at 224 pixels and in proportion, none where a side is below 64.
   */
  readonly smooth?: number | false;
  /**
   * The percentile of |relevance| that has full colour: what is larger is drawn no stronger. `false`: the largest has.
   * Default: 99.5, and `false` where a side is below 64.
   */
  readonly cap?: number | false;
}

/** A heatmap, and how it was made. */
export interface Heatmap extends Picture {
  /** Deviation of the Gaussian in pixels of the map; 0: not smoothed. */
  readonly smooth: number;
  /** The magnitude that has full colour. */
  readonly full: number;
  /** How many values of the map are larger. */
  readonly capped: number;
}

/** From this side on, a map is one of a photo: neighbouring pixels say little apart. */
const PHOTO = 64;
/** Deviation of the Gaussian, as a share of the shorter side. */
const SMOOTH = 2.5 / 224;
const CAP = 99.5;

/** How much of its contrast a picture keeps under a heatmap: enough to know it by, too little to compete. */
const CONTRAST = 0.4;
const MAX_PIXELS = 2 ** 26;

/**
 * Relevance as a picture. Channels are summed (in double precision), the sums divided by the magnitude that has full
 * colour, and the resulting [-1, 1] coloured; 0 is always the middle of the colour map, so that the sign can be read
 * off.
 *
 * Maps of photos are smoothed, since a strided layer leaves a lattice that is no evidence, and capped, since a few
 * pixels would make the rest pale. The result says how; the relevance itself stays what it is.
 *
 * Of an explanation that has exploded (`stability` of `explain`) the picture has a strip of black and yellow: it says
 * nothing about the input.
 *
 * With `over`, the grey picture takes the place of the map's middle colour: where there is no relevance it alone is
 * seen, at reduced contrast, and in proportion to |relevance| it gives way to the colours of the map.
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
export function heatmap(relevance: Tensor, options: HeatmapOptions = {}): Heatmap {
  const { scale = 1, sample = 0 } = options;
  const colour = colormap(options.colormap ?? "bwr");
  const layout = pictureLayout(relevance);
  const [h, w] = layout.places;
  checkInteger("sample", sample, 0, layout.samples - 1);
  checkInteger("scale", scale, 1, Math.max(1, Math.floor(Math.sqrt(MAX_PIXELS / (h * w)))));
  const isPhoto = Math.min(h, w) >= PHOTO;
  const smooth = deviationOf(options.smooth ?? (isPhoto && SMOOTH * Math.min(h, w)), Math.max(h, w));
  const cap = capOf(options.cap ?? (isPhoto && CAP));
  const sums = sumChannels(relevance.data, layout, sample);
  checkFinite(sums);
  const map = smooth > 0 ? smoothed(sums, w, smooth) : sums;
  const full = percentile(map, cap);
  const capped = map.reduce((count, v) => count + Number(Math.abs(v) > full), 0);
  // Zeros stay zeros.
  const values = full > 0 ? map.map((v) => Math.max(-1, Math.min(1, v / full))) : map;
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
  if (relevance.amplified) warn(data, width, height);
  return { data, width, height, smooth, full, capped };
}

/** Draws a strip of black and yellow, along the top or, of a picture of few rows, down the left. */
function warn(data: Uint8ClampedArray, width: number, height: number): void {
  const thick = Math.max(1, Math.floor(Math.min(width, height) / 16));
  const [across, down] = height < 16 && width > height ? [Math.ceil(width / 16), height] : [width, thick];
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++)
      data.set(Math.floor((x + y) / (2 * thick)) % 2 === 0 ? [0, 0, 0] : [255, 204, 0], 4 * (y * width + x));
  }
}

/** How relevance lies that can be drawn. */
function pictureLayout({ data, dims, batchAxis = 0, channelAxis }: Tensor): Layout {
  const layout = size(dims) === data.length && data.length > 0 && layoutOf({ dims, batchAxis, channelAxis });
  if (layout && dims.length > 1 && layout.places.length === 2) return layout;
  throw new LrpError("shape", {
    where: "heatmap",
    expected: "relevance of the shape f32[n, c, h, w], f32[n, h, w] or f32[n, f]",
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

function checkFinite(values: Float64Array): void {
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw usage("heatmap", "finite relevance", `${values[bad]} at position ${bad}`);
}

function deviationOf(smooth: unknown, side: number): number {
  if (smooth === false) return 0;
  if (typeof smooth === "number" && smooth > 0 && smooth <= side) return smooth;
  throw usage("option 'smooth'", `a number of pixels above 0 and up to ${side}, or false`, shown(smooth));
}

/** The percentile: all, where nothing is capped. */
function capOf(cap: unknown): number {
  if (cap === false) return 100;
  if (typeof cap === "number" && cap > 0 && cap <= 100) return cap;
  throw usage("option 'cap'", "a percentile above 0 and up to 100, or false", shown(cap));
}
