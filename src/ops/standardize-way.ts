import { broadcastStrides, otherAxes } from "../base/loops.ts";
import { size, strides } from "../base/tensor.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Ref, stridesOf, type Value } from "../program/step.ts";
import { reduceTo, zip, type ZipKernel } from "./arithmetic.ts";
import { type Back, computedOf, type OwnRule, type Places, type Site, type Way } from "./op.ts";
import { splitSteps, type Standard, standardize, standardizeVjp } from "./standardize.ts";
import { divided } from "./taken.ts";

/** How relevance passes a normalization. */
export const layerNormModes = Object.freeze({
  identity: { summary: "the standard deviation is a constant, the bias takes its share; without a mean, all passes" },
  gradient: { summary: "the gradient; not LRP" },
});
export type LayerNormMode = keyof typeof layerNormModes;

/** A normalization as the kernels have it: rows of n numbers that are normalized together. */
interface Rows {
  readonly rows: number;
  readonly n: number;
  /** A value in rows. */
  pack(e: Emitter, value: Value): Value;
  /** Rows as a value of x's shape, which lies as x does. */
  unpack(e: Emitter, name: string, rows: Value, like: Value): Value;
  /** A parameter as one number for each place in a row, where it is the same for all rows. */
  row(e: Emitter, i: number, value: Value): Value | undefined;
}

function rowsOf(a: Standard): Rows {
  const order = [...otherAxes(a.split, a.axes), ...a.axes];
  const n = size(a.axes.map((axis) => a.split[axis]));
  const rows = size(a.split) / n;
  const packed = strides(order.map((axis) => a.split[axis]));
  const toStrides = a.split.map((_, axis) => packed[order.indexOf(axis)]);
  const stepsOf = (value: Value) => splitSteps(stridesOf(value), a);
  const lies = (value: Value) => stepsOf(value).every((step, axis) => a.split[axis] === 1 || step === toStrides[axis]);
  return {
    rows,
    n,
    pack(e, value) {
      if (lies(value)) return e.view(value, [rows, n]);
      const to = e.temp(`${value.name}:rows`, [rows, n]);
      e.copy(value, to, [{ dims: a.split, from: 0, fromStrides: stepsOf(value), to: 0, toStrides }]);
      return to;
    },
    unpack(e, name, from, like) {
      if (lies(like)) return e.view(from, like.dims, like.layout);
      const to = e.temp(name, like.dims, like.layout);
      e.copy(from, to, [{ dims: a.split, from: 0, fromStrides: toStrides, to: 0, toStrides: stepsOf(like) }]);
      return to;
    },
    row(e, i, value) {
      const dims = a.parameters[i - 1];
      const lead = a.split.length - dims.length;
      if (dims.some((d, axis) => d > 1 && !a.axes.includes(axis + lead))) return undefined;
      const along = a.axes.map((axis) => a.split[axis]);
      const whole = broadcastStrides(dims, strides(dims), a.split);
      const fromStrides = a.axes.map((axis) => whole[axis]);
      if (size(dims) === n && fromStrides.every((step, k) => along[k] === 1 || step === strides(along)[k]))
        return value;
      const to = e.scratch(`${value.name}:row`, n);
      e.copy(value, to, [{ dims: along, from: 0, fromStrides, to: 0, toStrides: strides(along) }]);
      return to;
    },
  };
}

/** Steps of one node in one program. */
interface Steps {
  readonly e: Emitter;
  readonly at: Places;
}

/**
 * y = w (x − m) / σ + b, with m and σ of the numbers that are normalized together.
 *
 *   identity:  q = R / y ⊙ w / σ,  R_x = x ⊙ (q − mean q);  without a mean, R_x = R
 *   gradient:  R_x = Jᵀ R
 *
 * The mean takes nothing: Σ_i x_i (q_i − mean q) = Σ_k R_k / y_k · (y_k − b_k). A computed scale is a gate, which gets
 * nothing by the first; a computed bias gets its share, b ⊙ R / y.
 * Source: Ali et al. 2022; Achtibat et al. 2024 (AttnLRP), proposition 3.4.
 */
export function standardizeWay({ node, inputs, outputs }: Site<unknown>, a: Standard): Way {
  const { type, name } = node;
  const { centred, p, mean, epsilon, floor, delta } = a.spread;
  const layout = rowsOf(a);
  const { rows, n } = layout;
  const sizes = { rows, n, divisor: mean ? n : 1, epsilon, floor, delta };
  const work = 4 * rows * n;
  const computed = computedOf(inputs);
  const [byScale, byShift] = [1, 2].map((i) => computed.includes(i));

  const parameter = ({ e, at }: Steps, i: number) => (inputs[i] ? e.as(at.x(i), "first") : undefined);
  const filled = (e: Emitter, value: number) => {
    const to = e.scratch(`${name}:${value}s`, n);
    e.fill(to, value);
    return to;
  };
  /** A value and a parameter, number by number. */
  const beside = (e: Emitter, kernel: ZipKernel, value: Value, i: number, other: Value): Value => {
    const whole = e.view(e.as(value, "first"), a.split);
    return e.view(zip(e, kernel, `${name}:${i}`, whole, e.view(other, a.parameters[i - 1]), a.split), value.dims);
  };
  /** What is left to do for rows that are scaled: the scale of each place, or values that have been scaled. */
  const scaled = (steps: Steps, value: Value): readonly [value: Value, w: Value] => {
    const scale = parameter(steps, 1);
    const w = scale && layout.row(steps.e, 1, scale);
    if (w) return [value, w];
    return [scale ? beside(steps.e, "mulForward", value, 1, scale) : value, filled(steps.e, 1)];
  };
  const onHost = (
    e: Emitter,
    x: Value,
    to: string,
    parameters: readonly (Value | undefined)[],
    further: readonly Value[],
  ) => {
    const y = e.temp(to, x.dims, x.layout);
    const steps = splitSteps(stridesOf(x), a);
    const given = parameters.filter((value) => value !== undefined);
    e.host(type, [x, y, ...given, ...further], (from, made, ...rest) => {
      const [scale, shift] = parameters[0] ? rest : [undefined, rest[0]];
      standardize(a, steps, from, made, [scale, parameters[1] && shift], rest.slice(given.length));
    });
    return y;
  };
  const byRows = (e: Emitter, x: Value, to: string, w: Value, b: Value) => {
    const y = e.temp(to, [rows, n]);
    const kernel = centred ? "standardForward" : "lengthForward";
    e.emit(kernel, { x: layout.pack(e, x), w, b, y, ...sizes }, work);
    return layout.unpack(e, to, y, x);
  };
  const run = (e: Emitter, x: Value, to: string, scale: Value | undefined, shift: Value | undefined) => {
    if (p === 1) return onHost(e, x, to, [scale, shift], []);
    const w = scale ? layout.row(e, 1, scale) : filled(e, 1);
    const b = shift ? layout.row(e, 2, shift) : filled(e, 0);
    if (w && b) return byRows(e, x, to, w, b);
    const plain = byRows(e, x, `${name}:plain`, filled(e, 1), filled(e, 0));
    const times = scale ? beside(e, "mulForward", plain, 1, scale) : plain;
    return shift ? beside(e, "addForward", times, 2, shift) : times;
  };
  /** What parameter i gets of a value for each output. */
  const toParameter = ({ e, at }: Steps, i: number, value: Value): Value => {
    const whole = e.view(e.as(value, "first"), a.split);
    return e.view(reduceTo(e, whole, { dims: a.parameters[i - 1], layout: "first" }), at.x(i).dims);
  };
  /** A kernel that reads x and another value in rows, and gives what x receives. */
  const back = (steps: Steps, kernel: "standardVjp" | "lengthVjp" | "standardIdentity", value: Value, to: string) => {
    const { e, at } = steps;
    const [given, w] = scaled(steps, value);
    const [x, other] = [at.x(0), e.as(given, at.x(0).layout)].map((v) => layout.pack(e, v));
    const y = e.temp(to, [rows, n]);
    if (kernel === "standardIdentity") e.emit(kernel, { x, s: other, w, y, ...sizes }, work);
    else e.emit(kernel, { x, r: other, w, y, ...sizes }, work);
    return layout.unpack(e, to, y, at.x(0));
  };
  const vjpOnHost = (steps: Steps, r: Value) => {
    const { e, at } = steps;
    const x = at.x(0);
    const out = e.temp(`${name}:vjp`, x.dims, x.layout);
    const scale = parameter(steps, 1);
    const [places, args] = [splitSteps(stridesOf(x), a), [x, e.as(r, x.layout), out, ...(scale ? [scale] : [])]];
    e.host(`${type} back`, args, (from, arrived, to, given?) => standardizeVjp(a, places, from, arrived, to, given));
    return out;
  };
  const gradient: Back = (e, at, r) => {
    const steps = { e, at };
    const kernel = centred ? "standardVjp" : "lengthVjp";
    const plain = byScale ? run(e, at.x(0), `${name}:plain`, undefined, undefined) : undefined;
    return [
      p === 1 ? vjpOnHost(steps, r) : back(steps, kernel, r, `${name}:vjp`),
      plain && toParameter(steps, 1, zip(e, "mulForward", `${name}:toScale`, r, plain, r.dims)),
      byShift ? toParameter(steps, 2, r) : undefined,
    ];
  };
  /** Books what a constant bias takes. */
  const absorb = ({ e }: Steps, s: Value, shift: Value, ledger: Ref) => {
    const b = layout.row(e, 2, shift);
    const value = b ? s : beside(e, "mulForward", s, 2, shift);
    e.emit("absorbBias", { s: layout.pack(e, value), b: b ?? filled(e, 1), rows, m: n, ledger });
  };
  const identity: OwnRule = {
    conserves: true,
    skips: byScale ? [1] : undefined,
    back(e, at, received, ledger) {
      const steps = { e, at };
      const shift = parameter(steps, 2);
      if (!centred && !shift) return [received];
      const z = e.as(at.y(0), at.x(0).layout);
      const s = divided(e, name, received, z, ledger, z.layout);
      if (shift && !byShift) absorb(steps, s, shift, ledger);
      // Without a mean, each number is all that its output is made of, but for the bias.
      const own = () => zip(e, "mulForward", `${name}:relevance`, s, beside(e, "subForward", z, 2, shift!), z.dims);
      return [
        centred ? back(steps, "standardIdentity", s, `${name}:relevance`) : own(),
        undefined,
        byShift ? toParameter(steps, 2, beside(e, "mulForward", s, 2, shift!)) : undefined,
      ];
    },
  };
  return {
    kind: "own",
    rules: { identity, gradient: { conserves: false, back: gradient } },
    run(e, at) {
      const [scale, shift] = [1, 2].map((i) => parameter({ e, at }, i));
      if (node.outputs.length === 1) return [run(e, at.x(0), outputs[0].name, scale, shift)];
      const further = a.further.map((dims, i) => e.temp(node.outputs[i + 1] || `${name}:${i}`, dims));
      return [onHost(e, at.x(0), outputs[0].name, [scale, shift], further), ...further];
    },
  };
}
