import { along, broadcastStrides, otherAxes } from "../base/loops.ts";
import type { Emitter } from "../program/emitter.ts";
import { stridesOf, type Value } from "../program/step.ts";
import { type Dims, strides } from "../base/tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import type { Numbers } from "./cells.ts";
import { type Back, computedOf, type OwnRule, type Places, type Site, type Way } from "./op.ts";
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
  parameters: readonly Numbers[],
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
function standardizeVjp(
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

/**
 * x ⊙ Lᵀ s, where L is `standardize` with its factor held fast and without its shift; what the shift takes is booked as
 * the bias's. The centre takes nothing, since Σ_k x_k = n · mean: Σ_i x_i (Lᵀ s)_i = Σ_k s_k (y_k − shift_k).
 */
function standardizeShare(
  a: Standard,
  steps: readonly number[],
  x: Numbers,
  s: Numbers,
  out: Numbers,
  bias: Float64Array,
  given: readonly (Numbers | undefined)[],
): void {
  const { bases, taps, parameter } = places(a, steps);
  const [scale, shift] = [ONE, ZERO].map((otherwise, i) => parameter(i, given[i], otherwise));
  bases.forEach((base, cell) => {
    const [, factor] = statisticsOf(a.spread, x, base, taps);
    const q = Float64Array.from(taps, (tap, i) => s[base + tap] * factor * scale.data[scale.at[cell] + scale.by[i]]);
    const mean = a.spread.centred ? q.reduce((sum, v) => sum + v, 0) / q.length : 0;
    taps.forEach((tap, i) => {
      out[base + tap] = x[base + tap] * (q[i] - mean);
      bias[0] += s[base + tap] * shift.data[shift.at[cell] + shift.by[i]];
    });
  });
}

/** The steps of x, cut into groups as `split` is. */
export function splitSteps(steps: readonly number[], { groups, split }: Standard): readonly number[] {
  return groups === undefined ? steps : [steps[0], split[2] * steps[1], ...steps.slice(1)];
}

/** How relevance passes a normalization. */
export const layerNormModes = Object.freeze({
  identity: { summary: "the standard deviation is a constant, the bias takes its share; without a mean, all passes" },
  gradient: { summary: "the gradient; not LRP" },
});
export type LayerNormMode = keyof typeof layerNormModes;

/** Far below any output that counts: a larger one is a share of the relevance of small ones. */
const EPSILON = 1e-9;

/**
 * y = w (x − m) / σ + b, with m and σ of the numbers that are normalized together.
 *
 *   identity:  q = R / y ⊙ w / σ,  R_x = x ⊙ (q − mean q);  without a mean, R_x = R
 *   gradient:  R_x = Jᵀ R
 *
 * A computed scale is a gate, which gets nothing by the first; a computed bias gets its share, b ⊙ R / y.
 * Source: Ali et al. 2022; Achtibat et al. 2024 (AttnLRP), proposition 3.4.
 */
export function standardizeWay({ node, inputs, outputs }: Site<unknown>, a: Standard): Way {
  const { type, name } = node;
  const parameter = (e: Emitter, at: Places, i: number) => (inputs[i] ? [e.as(at.x(i), "first")] : []);
  const computed = computedOf(inputs);
  const [byScale, byShift] = [1, 2].map((i) => computed.includes(i));
  const hasShift = a.parameters.length > 1 && inputs[2] !== undefined;

  const run = (e: Emitter, x: Value, to: string, parameters: readonly Value[], further: readonly Value[] = []) => {
    const y = e.temp(to, x.dims, x.layout);
    const steps = splitSteps(stridesOf(x), a);
    e.host(type, [x, y, ...parameters, ...further], (from, made, ...rest) =>
      standardize(a, steps, from, made, rest.slice(0, parameters.length), rest.slice(parameters.length)),
    );
    return y;
  };
  /** What parameter i gets of a value for each output, times another one. */
  const toParameter = (e: Emitter, at: Places, i: number, value: Value, other?: Value): Value => {
    const whole = e.view(e.as(value, "first"), a.split);
    const all = other ? zip(e, "mulForward", `${name}:${i}`, whole, other, a.split) : whole;
    return e.view(reduceTo(e, all, { dims: a.parameters[i - 1], layout: "first" }), at.x(i).dims);
  };
  const gradient: Back = (e, at, r) => {
    const x = at.x(0);
    const out = e.temp(`${name}:vjp`, x.dims, x.layout);
    const steps = splitSteps(stridesOf(x), a);
    const args = [x, e.as(r, x.layout), out, ...parameter(e, at, 1)];
    e.host(`${type} back`, args, (from, arrived, to, given?) => standardizeVjp(a, steps, from, arrived, to, given));
    const plain = () => e.view(e.as(run(e, x, `${name}:plain`, []), "first"), a.split);
    return [
      out,
      byScale ? toParameter(e, at, 1, r, plain()) : undefined,
      byShift ? toParameter(e, at, 2, r) : undefined,
    ];
  };
  const identity: OwnRule = {
    conserves: true,
    skips: byScale ? [1] : [],
    back(e, at, received, ledger) {
      if (!a.spread.centred && !hasShift) return [received];
      const [x, z] = [at.x(0), e.as(at.y(0), at.x(0).layout)];
      const s = e.temp(`${name}:s`, z.dims, z.layout);
      const r = e.as(received, z.layout);
      e.emit("divideStabilized", { r, z, s, count: z.count, coefficient: 1, epsilon: EPSILON, ledger });
      const out = e.temp(`${name}:relevance`, x.dims, x.layout);
      const steps = splitSteps(stridesOf(x), a);
      const parameters = [1, 2].map((i) => parameter(e, at, i));
      e.host(`${type} relevance`, [x, s, out, ledger, ...parameters.flat()], (from, shares, to, books, ...given) => {
        const bias = byShift ? new Float64Array(1) : new Float64Array(books.buffer, books.byteOffset, 1);
        const [scale, shift] = inputs[1] ? given : [undefined, given[0]];
        standardizeShare(a, steps, from, shares, to, bias, [scale, shift]);
      });
      if (!byShift) return [out];
      const [bias] = parameters[1];
      return [out, undefined, toParameter(e, at, 2, s, e.view(bias, a.parameters[1]))];
    },
  };
  return {
    kind: "own",
    rules: { identity, gradient: { conserves: false, back: gradient } },
    run(e, at) {
      const further = a.further.map((dims, i) => e.temp(node.outputs[i + 1] || `${name}:${i}`, dims));
      const parameters = [1, 2].flatMap((i) => parameter(e, at, i));
      return [run(e, at.x(0), outputs[0].name, parameters, further), ...further];
    },
  };
}
