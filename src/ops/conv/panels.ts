import type { Emitter } from "../../program/emitter.ts";
import type { Value } from "../../program/step.ts";

/*
 * What the kernels of a convolution work on: an image that is padded, and weights in panels of 8 outputs.
 */

/** Outputs of one panel. */
export const PANEL = 8;
/** Pixels, or tiles, that a kernel works on together. */
export const TILE = 6;
export const roundUp = (count: number, to: number) => Math.ceil(count / to) * to;

/** One convolution over an image that is already padded, written wherever the table says. */
export interface Sweep {
  readonly x: Value;
  readonly xOffset: number;
  readonly y: Value;
  readonly yOffset: number;
  readonly n: number;
  readonly oh: number;
  readonly ow: number;
  readonly xStrides: readonly [image: number, row: number, pixel: number];
  readonly yStrides: readonly [image: number, row: number, pixel: number];
  readonly rows: number;
  readonly columns: number;
  readonly tapRow: number;
  readonly tapColumn: number;
  /** Whether Winograd's tiles do it; the image is then padded up to whole tiles. */
  readonly tiled: boolean;
}

/** How many channels each group reads and writes. */
export interface Channels {
  readonly group: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly depthwise: boolean;
}

/** Distances of images, rows and pixels of x, in units of so many numbers, and of y. */
export function strides({ xStrides, yStrides }: Sweep, unit = 1) {
  const [xImage, xRow, xPixel] = xStrides.map((distance) => distance / unit);
  const [yImage, yRow, yPixel] = yStrides;
  return { xImage, xRow, xPixel, yImage, yRow, yPixel };
}

/** x with zeros around it (a negative pad cuts off), channels last. */
export function padded(
  e: Emitter,
  x: Value,
  n: number,
  h: number,
  w: number,
  c: number,
  pads: readonly [number, number, number, number],
): { value: Value; width: number; height: number } {
  const [top, bottom, left, right] = pads;
  const height = h + top + bottom;
  const width = w + left + right;
  if (pads.every((p) => p === 0)) return { value: x, width, height };
  const value = e.scratch(`${x.name}:padded`, n * height * width * c);
  e.fill(value, 0);
  const [cutTop, cutLeft] = [Math.max(0, -top), Math.max(0, -left)];
  e.copy(x, value, [
    {
      dims: [n, Math.min(h - cutTop, height - Math.max(0, top)), Math.min(w - cutLeft, width - Math.max(0, left)), c],
      from: (cutTop * w + cutLeft) * c,
      fromStrides: [h * w * c, w * c, c, 1],
      to: (Math.max(0, top) * width + Math.max(0, left)) * c,
      toStrides: [height * width * c, width * c, c, 1],
    },
  ]);
  return { value, width, height };
}
