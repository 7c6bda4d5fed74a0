import { along, otherAxes } from "../base/loops.ts";
import { type Dims, strides } from "../base/tensor.ts";
import { type Axis, isStill } from "./conv/window.ts";

export type Numbers = Float32Array | Float64Array;
export type Taps = Int32Array | number[];

/** One output, y[to], and the inputs it is made of, x[base + tap] for each tap; `count`: by how many a mean divides. */
type Visit = (to: number, base: number, taps: Taps, count: number) => void;

/** Goes through all outputs of a reduction or a pool. */
export type Walk = (visit: Visit) => void;

/** Cells that reach over whole axes, given in ascending order; y is row-major. */
export function overAxes(axes: readonly number[], dims: Dims, steps: readonly number[] = strides(dims)): Walk {
  return (visit) => {
    const taps = along(axes, dims, steps);
    for (const [to, base] of along(otherAxes(dims, axes), dims, steps).entries()) visit(to, base, taps, taps.length);
  };
}

/**
 * Cells that are windows over the axes after [n, c]; their taps come in row-major order, padding left out.
 * @param from, to steps of x and y along each axis @param countPads whether `count` has padding in it
 */
export function overWindows(
  axes: readonly Axis[],
  dims: Dims,
  from: readonly number[],
  to: readonly number[],
  countPads = false,
): Walk {
  // An axis along which no window reaches is one more axis of separate planes.
  const moving = axes.flatMap((axis, k) => (isStill(axis) ? [] : [k + 2]));
  return (visit) => {
    const still = otherAxes(dims, moving);
    const [bases, starts] = [from, to].map((steps) => along(still, dims, steps));
    const descend = (depth: number, at: number, base: number, taps: number[], count: number): void => {
      if (depth === moving.length) {
        for (let i = 0; i < bases.length; i++) visit(starts[i] + at, bases[i] + base, taps, count);
        return;
      }
      const k = moving[depth];
      const { length, kernel, stride, dilation, before, after, out } = axes[k - 2];
      // Windows that are cut off alike share their taps.
      let [next, shape]: [number[], string] = [[], ""];
      for (let p = 0; p < out; p++) {
        const start = p * stride - before;
        // One after the last tap that is before `end`.
        const endBefore = (end: number) => Math.min(kernel, Math.ceil((end - start) / dilation));
        const first = Math.max(0, Math.ceil(-start / dilation));
        const inside = Math.max(0, endBefore(length) - first);
        if (`${first} ${inside}` !== shape) {
          [next, shape] = [[], `${first} ${inside}`];
          for (const tap of taps) for (let i = 0; i < inside; i++) next.push(tap + (first + i) * dilation * from[k]);
        }
        const counted = countPads ? endBefore(length + after) : inside;
        descend(depth + 1, at + p * to[k], base + start * from[k], next, count * counted);
      }
    };
    descend(0, 0, 0, [0], 1);
  };
}

/** A number from those of one cell. */
export type Reducer = (x: Numbers, base: number, taps: Taps, count: number) => number;

/** end(… add(add(start, v₀), v₁) …) */
export function reducer(start: number, add: (sum: number, v: number) => number, end = (sum: number) => sum): Reducer {
  return (x, base, taps) => {
    let sum = start;
    for (let i = 0; i < taps.length; i++) sum = add(sum, x[base + taps[i]]);
    return end(sum);
  };
}

export const total: Reducer = (x, base, taps) => {
  let sum = 0;
  for (let i = 0; i < taps.length; i++) sum += x[base + taps[i]];
  return sum;
};
export const mean: Reducer = (x, base, taps, count) => total(x, base, taps, count) / count;
export const maximum = reducer(-Infinity, Math.max);

/** y = reducer of each cell */
export function reduceCells(walk: Walk, reduce: Reducer, x: Numbers, y: Numbers): void {
  walk((to, base, taps, count) => {
    y[to] = reduce(x, base, taps, count);
  });
}

/**
 * The transpose of a sum or a mean: every input receives of each cell it is in, as much as `weight` of the cell's
 * count.
 */
export function spreadCells(walk: Walk, weight: (count: number) => number, s: Float32Array, out: Float32Array): void {
  const sums = new Float64Array(out.length);
  walk((to, base, taps, count) => {
    const v = s[to] * weight(count);
    for (let i = 0; i < taps.length; i++) sums[base + taps[i]] += v;
  });
  out.set(sums);
}

/** Where the first number of a cell lies that is its maximum or minimum, y. */
export function winner(x: Numbers, y: number, base: number, taps: Taps): number {
  let i = 0;
  while (x[base + taps[i]] !== y && i < taps.length - 1) i++;
  return base + taps[i];
}

/** Every cell's relevance goes to its winner. */
export function routeCells(walk: Walk, x: Float32Array, y: Float32Array, r: Float32Array, out: Float32Array): void {
  const sums = new Float64Array(out.length);
  walk((to, base, taps) => {
    sums[winner(x, y[to], base, taps)] += r[to];
  });
  out.set(sums);
}
