import type { Emitter, Value } from "../step.ts";
import type { Axis } from "./window.ts";

/*
 * How a convolution is laid out for its kernels: panels of weights, padded images, and the phases of a strided transpose.
 */

const TILE = 6;
export const PANEL = 8;
export const roundUp = (count: number, to: number) => Math.ceil(count / to) * to;

/** Taps along one axis that meet one phase of a strided input: in the order in which the transposed map reads them. */
export interface Phase {
  /** Kernel positions, by ascending position in s. */
  readonly taps: readonly number[];
  /** Where in s the first output of the phase begins to read; may be negative. */
  readonly start: number;
  readonly step: number;
  /** Outputs are at first, first + stride, … */
  readonly first: number;
  readonly count: number;
}

/**
 * The transposed map of a convolution with stride t is t convolutions with stride 1, one for each phase of the input position.
 *
 *   input i meets kernel position k at output o where i + before = o · t + k · dilation
 */
export function phasesOf(axis: Axis): Phase[] {
  return Array.from({ length: Math.min(axis.stride, axis.length) }, (_, first) => {
    const count = Math.ceil((axis.length - first) / axis.stride);
    const hits = Array.from({ length: axis.kernel }, (_, k) => k)
      .map((k) => ({ k, o: (first + axis.before - k * axis.dilation) / axis.stride }))
      .filter(({ o }) => Number.isInteger(o))
      .reverse();
    return { taps: hits.map((hit) => hit.k), start: hits[0]?.o ?? 0, step: hits.length > 1 ? hits[1].o - hits[0].o : 1, first, count };
  });
}

/** Weights of one group in panels of 8 outputs: [ceil(outputs / 8)][taps][inputs][8]. */
export function packPanels(
  to: Float32Array,
  outputs: number,
  taps: number,
  inputs: number,
  at: (o: number, tap: number, i: number) => number,
): void {
  to.fill(0);
  for (let o = 0; o < outputs; o++) {
    const panel = (o >> 3) * taps * inputs * PANEL + (o & 7);
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0; i < inputs; i++) to[panel + (tap * inputs + i) * PANEL] = at(o, tap, i);
    }
  }
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

/** One stride-1-or-more convolution over an image that is already padded, written wherever the table says. */
interface Pass {
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
}

export function run(
  e: Emitter,
  name: string,
  p: Pass,
  g: { group: number; inputs: number; outputs: number; depthwise: boolean },
  weights: (group: number) => Value,
  bias: (group: number) => Value,
): void {
  const pixels = p.n * p.oh * p.ow;
  const table = e.scratch(`${name}:table`, 2 * roundUp(pixels, TILE));
  e.emit("convTable", table, p.n, p.oh, p.ow, ...p.xStrides, ...p.yStrides);
  if (g.depthwise) {
    e.emit(
      "depthwiseForward",
      { value: p.x, offset: p.xOffset },
      weights(0),
      bias(0),
      { value: p.y, offset: p.yOffset },
      table,
      pixels,
      g.outputs * g.group,
      p.rows,
      p.columns,
      p.tapRow,
      p.tapColumn,
    );
    return;
  }
  // Neighbouring taps of an undilated row are neighbours in memory as well: the whole row is one run.
  const joined = g.group === 1 && p.tapColumn === g.inputs;
  const [columns, runLength] = joined ? [1, p.columns * g.inputs] : [p.columns, g.inputs];
  for (let i = 0; i < g.group; i++) {
    e.emit(
      "convForward",
      { value: p.x, offset: p.xOffset + i * g.inputs },
      weights(i),
      bias(i),
      { value: p.y, offset: p.yOffset + i * g.outputs },
      table,
      pixels,
      g.outputs,
      p.rows,
      columns,
      runLength,
      p.tapRow,
      p.tapColumn,
    );
  }
}
