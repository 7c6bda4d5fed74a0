import { along, broadcastStrides, otherAxes } from "../base/loops.ts";
import { type Dims, strides } from "../base/tensor.ts";
import type { Numbers } from "./cells.ts";
import { slopeOf, type Spread, statisticsOf } from "./statistics.ts";

/** All that attributes and shapes say of a normalization. */
export interface Standard {
  readonly spread: Spread;
  /** Into how many groups the channels are cut; 0: as many as there are. */
  readonly groups?: number;
  /** x with its channels cut into groups, if there are any. */
  readonly split: Dims;
  /** The axes of `split` along which numbers are normalized together. */
  readonly axes: readonly number[];
  /** Dims of scale and shift, as they broadcast to `split`. */
  readonly parameters: readonly Dims[];
  /** Of centre and factor, where they are outputs. */
  readonly further: readonly Dims[];
}

const ONE = Float32Array.of(1);
const ZERO = Float32Array.of(0);

/**
 * Where cells begin and what belongs to them, in x and in a parameter. @param steps how far the axes of `split` go in x
 */
function places({ split, axes, parameters }: Standard, steps: readonly number[]) {
  const lists = [otherAxes(split, axes), axes];
  const [bases, taps] = lists.map((list) => along(list, split, steps));
  const parameter = (i: number, data: Numbers | undefined, otherwise: Numbers) => {
    const dims = data ? parameters[i] : [];
    const [at, by] = lists.map((list) => along(list, split, broadcastStrides(dims, strides(dims), split)));
    return { data: data ?? otherwise, at, by };
  };
  return { bases, taps, parameter };
}

/** y = (x − centre) · factor · scale + shift, the first two for each cell. */
export function standardize(
  a: Standard,
  steps: readonly number[],
  x: Numbers,
  y: Numbers,
  parameters: readonly (Numbers | undefined)[],
  further: readonly Numbers[],
): void {
  const { bases, taps, parameter } = places(a, steps);
  const [scale, shift] = [ONE, ZERO].map((otherwise, i) => parameter(i, parameters[i], otherwise));
  bases.forEach((base, cell) => {
    const statistics = statisticsOf(a.spread, x, base, taps);
    const [centre, factor] = statistics;
    for (let i = 0; i < taps.length; i++) {
      const v = (x[base + taps[i]] - centre) * factor;
      y[base + taps[i]] = v * scale.data[scale.at[cell] + scale.by[i]] + shift.data[shift.at[cell] + shift.by[i]];
    }
    further.forEach((to, i) => {
      to[cell] = statistics[i];
    });
  });
}

/** Jᵀ r of `standardize` in x. */
export function standardizeVjp(
  a: Standard,
  steps: readonly number[],
  x: Numbers,
  r: Numbers,
  out: Numbers,
  given: Numbers | undefined,
): void {
  const { bases, taps, parameter } = places(a, steps);
  const scale = parameter(0, given, ONE);
  bases.forEach((base, cell) => {
    const [centre, factor] = statisticsOf(a.spread, x, base, taps);
    const g = Float64Array.from(taps, (tap, i) => r[base + tap] * scale.data[scale.at[cell] + scale.by[i]]);
    const mean = a.spread.centred ? g.reduce((sum, v) => sum + v, 0) / g.length : 0;
    const product = g.reduce((sum, v, i) => sum + v * (x[base + taps[i]] - centre), 0);
    taps.forEach((tap, i) => {
      const d = x[base + tap] - centre;
      out[base + tap] = factor * (g[i] - mean) - slopeOf(a.spread, d, factor, g.length) * product;
    });
  });
}

/** The steps of x, cut into groups as `split` is. */
export function splitSteps(steps: readonly number[], { groups, split }: Standard): readonly number[] {
  return groups === undefined ? steps : [steps[0], split[2] * steps[1], ...steps.slice(1)];
}
