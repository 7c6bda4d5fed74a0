import type { Block } from "../../base/loops.ts";
import type { Value } from "../../program/step.ts";
import type { Emitter } from "../../program/emitter.ts";
import type { Geometry } from "./geometry.ts";
import { isStill } from "./window.ts";

/*
 * Convolution over a volume as one over its slices: what the window's taps along the depth meet is laid side by side,
 * as channels.
 */

/**
 * Where each tap finds its slices, from an image [n, depth, h, w, c] to [n, out depth, h, w, group, taps, c / group].
 *
 *   slice p of tap k is the image's at p · stride − before + k · dilation
 */
function slicesOf({ n, c, group, d, h, w }: Geometry): Block[] {
  const channels = c / d.kernel;
  const [pixels, width] = [h.length * w.length, channels / group];
  return Array.from({ length: d.kernel }, (_, k): Block => {
    const shift = k * d.dilation - d.before;
    const first = Math.max(0, Math.ceil(-shift / d.stride));
    const end = Math.min(d.out, Math.floor((d.length - 1 - shift) / d.stride) + 1);
    return {
      dims: [n / d.out, Math.max(0, end - first), pixels, group, width],
      from: (first * d.stride + shift) * pixels * channels,
      fromStrides: [d.length * pixels * channels, d.stride * pixels * channels, channels, width, 1],
      to: first * pixels * c + k * width,
      toStrides: [d.out * pixels * c, pixels * c, c, d.kernel * width, 1],
    };
  });
}

/** The slices that each output depth reads; zeros outside the image. */
export function unfolded(e: Emitter, x: Value, site: Geometry): Value {
  if (isStill(site.d)) return x;
  const { n, c, h, w } = site;
  const slices = e.scratch(`${x.name}:slices`, n * h.length * w.length * c);
  e.fill(slices, 0);
  e.copy(x, slices, slicesOf(site));
  return slices;
}

/**
 * The transposed map: out = the slices that `write` makes, each added where it came from. Without a depth, what `write`
 * makes.
 */
export function folded(e: Emitter, out: Value, site: Geometry, write: (slices: Value) => void): void {
  if (isStill(site.d)) {
    write(out);
    return;
  }
  const { n, c, h, w } = site;
  const slices = e.scratch(`${out.name}:slices`, n * h.length * w.length * c);
  write(slices);
  e.fill(out, 0);
  const back = slicesOf(site).map(({ dims, from, fromStrides, to, toStrides }) => ({
    dims,
    from: to,
    fromStrides: toStrides,
    to: from,
    toStrides: fromStrides,
  }));
  e.copy(slices, out, back, "addBlock");
}
