import { type Budget, HOST } from "../base/budget.ts";
import { demand } from "../base/complaint.ts";
import type { Node, Operands } from "../graph/graph.ts";
import { type Layout, stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { addScaled, type Constant, type Dims, isFloat, size } from "../base/tensor.ts";
import { type Linear, mapOf, type NumberMap, type Op, PLAIN, type Site, type Slopes, type Way } from "./op.ts";
import { type ResizedAxis, type Resizing, readResize, resizedAxes } from "./taps.ts";

interface ResizeAttributes extends Resizing {
  readonly resized?: readonly ResizedAxis[];
  /**
   * Where the output lies outside of the input and extrapolation is not 0: one number for each of the output, channels
   * last.
   */
  readonly bias?: Constant;
}

/** A sum along one axis: for every entry y[o, to, i] += weight · x[o, from, i]. */
interface Stage {
  readonly entries: readonly (readonly [to: number, from: number, weight: number])[];
  readonly length: number;
  readonly out: number;
  readonly outer: number;
  readonly inner: number;
}

/** The axes one after another, for an input of these dims. */
function stagesOf(resized: readonly ResizedAxis[], input: Dims, layout: Layout): readonly Stage[] {
  const dims = [...input];
  return resized.map(({ axis, taps }) => {
    const [length, out] = [dims[axis], taps.length];
    const inner = stridesOf({ dims, layout })[axis];
    const outer = size(dims) / (length * inner);
    dims[axis] = out;
    return {
      entries: taps.flatMap((t, to) => [...t].map(([from, w]) => [to, from, w] as const)),
      length,
      out,
      outer,
      inner,
    };
  });
}

const transposed = (stages: readonly Stage[]): readonly Stage[] =>
  [...stages]
    .reverse()
    .map((s) => ({ ...s, length: s.out, out: s.length, entries: s.entries.map(([to, from, w]) => [from, to, w]) }));

function addStage(
  { entries, length, out, outer, inner }: Stage,
  x: Float64Array,
  f: (w: number) => number,
  y: Float64Array,
): Float64Array {
  for (const [to, from, w] of entries) {
    const factor = f(w);
    if (factor !== 0)
      for (let o = 0; o < outer; o++)
        addScaled(y, (o * out + to) * inner, x, (o * length + from) * inner, inner, factor);
  }
  return y;
}

/** Multiply-adds: of each entry as many as there are numbers beside the axis. */
const workOf = (stages: readonly Stage[]) =>
  stages.reduce((sum, { entries, outer, inner }) => sum + entries.length * outer * inner, 0);

const positive = (w: number) => Math.max(w, 0);
const negative = (w: number) => Math.min(w, 0);

/**
 * Σ f(w) x, where every w is the product of one weight of each axis. Squares and ones are products as well; for slopes
 * the sums over positive and over negative w are kept apart:  (w v)⁺ = w⁺ v⁺ + w⁻ v⁻,  (w v)⁻ = w⁺ v⁻ + w⁻ v⁺.
 */
function weightedSums(stages: readonly Stage[], x: Float64Array, map: NumberMap): Float64Array {
  const fresh = ({ out, outer, inner }: Stage) => new Float64Array(outer * out * inner);
  const each = (f: (w: number) => number) => stages.reduce((v, stage) => addStage(stage, v, f, fresh(stage)), x);
  if (typeof map === "string") return each(mapOf(map));
  const [p, q] = map;
  if (p === q || stages.every((s) => s.entries.every(([, , w]) => w > 0))) return each((w) => w).map((v) => p * v);
  let [up, down]: readonly Float64Array[] = [x, new Float64Array(x.length)];
  for (const stage of stages) {
    const both = (a: Float64Array, b: Float64Array) =>
      addStage(stage, b, negative, addStage(stage, a, positive, fresh(stage)));
    [up, down] = [both(up, down), both(down, up)];
  }
  return up.map((v, i) => p * v + q * down[i]);
}

/** Entries for each output, beyond which sums are those of the host, in double precision. */
const FEW = 32;

/** Whether a map of every product of weights is one factor, and a kernel may add up so few. */
const isOneFactor = (stages: readonly Stage[], map: NumberMap): map is Slopes =>
  typeof map !== "string" &&
  (map[0] === map[1] || stages.every(({ entries }) => entries.every(([, , w]) => w > 0))) &&
  stages.every(({ entries, out }) => entries.length <= FEW * out);

/** The sums of one axis by a kernel. @param source for which the session keeps the tables */
function emitStage(e: Emitter, source: Constant, x: Value, y: Value, stage: Stage, factor: number): void {
  const { entries, length, out, outer, inner } = stage;
  const sorted = [...entries].sort((a, b) => a[0] - b[0]);
  const starts = e.weight(`${y.name}:starts`, source, `starts of ${y.name}`, [out + 1], (to) => {
    const whole = new Int32Array(to.buffer, to.byteOffset, to.length).fill(0);
    for (const [at] of sorted) whole[at + 1]++;
    for (let i = 1; i <= out; i++) whole[i] += whole[i - 1];
  });
  const list = e.weight(`${y.name}:list`, source, `list of ${y.name} · ${factor}`, [2 * sorted.length], (to) => {
    const whole = new Int32Array(to.buffer, to.byteOffset, to.length);
    for (const [i, [, from, w]] of sorted.entries()) {
      whole[2 * i] = from;
      to[2 * i + 1] = factor * w;
    }
  });
  e.emit("weightedRows", { x, starts, list, y, outer, length, rows: out, inner }, outer * inner * sorted.length);
}

function emitSums(
  e: Emitter,
  name: string,
  x: Value,
  y: Value,
  stages: readonly Stage[],
  map: NumberMap,
  source: Constant,
  bias?: ArrayLike<number>,
): Value {
  if (!bias && stages.length > 0 && isOneFactor(stages, map)) {
    stages.reduce((from, stage, i) => {
      const isLast = i === stages.length - 1;
      const to = isLast ? y : e.scratch(`${name}:axis ${i}`, stage.outer * stage.out * stage.inner);
      emitStage(e, source, from, to, stage, isLast ? map[0] : 1);
      return to;
    }, x);
    return y;
  }
  const run = (from: Float32Array, to: Float32Array) => {
    const sums = weightedSums(stages, Float64Array.from(from), map);
    to.set(bias ? sums.map((v, i) => v + bias[i]) : sums);
  };
  e.host(name, [x, y], run, HOST * workOf(stages));
  return y;
}

/** The way of one node. */
function wayOf({ node, inputs: [x], outputs: [y], attributes: { resized, bias } }: Site<ResizeAttributes>): Way {
  const stages = stagesOf(resized!, x!.dims, "last");
  const back = transposed(stages);
  const tables: Constant = { type: "float32", dims: [0], data: new Float32Array(0) };
  const linear: Linear = {
    kind: "linear",
    layout: "last",
    data: [0],
    z(e, [given], weight, biasMap) {
      const mapped = bias && biasMap && Array.from(bias.data, mapOf(biasMap));
      return emitSums(e, y.name, given, e.temp(y.name, y.dims, "last"), stages, weight as NumberMap, tables, mapped);
    },
    vjp(e, s, weight) {
      const name = `${node.name}:vjp`;
      return [emitSums(e, name, s, e.temp(name, x!.dims, "last"), back, weight as NumberMap, tables)];
    },
    bias,
  };
  return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(0), "last")], PLAIN, PLAIN, "exact")] };
}

/** Which numbers lie outside along some axis, times the value that stands there. */
function outside(dims: Dims, resized: readonly ResizedAxis[], value: number): Constant | undefined {
  if (value === 0 || resized.every(({ taps }) => taps.every((t) => t.size > 0))) return undefined;
  const place = stridesOf({ dims, layout: "last" });
  const data = new Float32Array(size(dims));
  for (const { axis, taps } of resized) {
    const inner = place[axis];
    for (let run = 0; run * inner < data.length; run++)
      if (taps[run % taps.length].size === 0) data.fill(value, run * inner, (run + 1) * inner);
  }
  return { type: "float32", dims: [data.length], data };
}

/** A selection along each axis: what is nearest, as nodes that only move numbers. */
function selection(
  inputs: Operands,
  a: ResizeAttributes,
  { name, inputs: [x], outputs: [y] }: Node,
  budget: Budget,
): readonly Node[] | undefined {
  const { axes } = resizedAxes(inputs, a, budget);
  if (!axes.every(({ taps }) => taps.every((t) => t.size === 1))) return undefined;
  if (axes.length === 0) return [{ name, type: "Identity", attributes: {}, inputs: [x], outputs: [y] }];
  return axes.flatMap(({ axis, taps }, i) => {
    const [from, to] = [i === 0 ? x : `${y}:${i - 1}`, i === axes.length - 1 ? y : `${y}:${i}`];
    const value: Constant = {
      type: "int64",
      dims: [taps.length],
      data: Float64Array.from(taps.flatMap((t) => [...t.keys()])),
    };
    const indices = `${y}:axis${axis}`;
    return [
      { name: indices, type: "Constant", attributes: { value }, inputs: [], outputs: [indices] },
      { name: to === y ? name : to, type: "Gather", attributes: { axis }, inputs: [from, indices], outputs: [to] },
    ];
  });
}

function row(type: "Resize" | "Upsample"): Op<ResizeAttributes> {
  return {
    type,
    family: "average",
    summary:
      "In the mode nearest, it moves back to where each number came from. In other modes, the rule norm or any other linear rule shares it.",
    takes:
      type === "Upsample"
        ? { 1: "X:any", 9: "X:any scales:float1" }
        : { 10: "X:any scales:float1", 11: "X:any roi:float1? scales:float2? sizes:int?" },
    attributes: (read) => readResize(read, type),
    instead: selection,
    infer(inputs, a, budget) {
      const { dims, axes } = resizedAxes(inputs, a, budget);
      const attributes = { ...a, resized: axes, bias: outside(dims, axes, a.extrapolation) };
      return { dims: [dims], attributes, work: workOf(stagesOf(axes, inputs[0]!.dims, "first")) };
    },
    fold([x], { resized, bias }, [dims]) {
      demand(!bias, "unsupported", "an extrapolation_value of 0 for constants", "another");
      demand(isFloat(x!.type), "unsupported", "floating-point constants", x!.type);
      return [
        {
          type: x!.type,
          dims,
          data: Float32Array.from(weightedSums(stagesOf(resized!, x!.dims, "first"), new Float64Array(x!.data), PLAIN)),
        },
      ];
    },
    node: wayOf,
    nonnegative: ([x], { mode, extrapolation }) => x && mode !== "cubic" && extrapolation >= 0,
  };
}

/**
 * Weighted sums along each axis; where every number has one source and the weight is 1, a chain of Gather. Source: ONNX
 * Resize-19.
 */
export const resize = row("Resize");

/** Source: ONNX Upsample-9; scales are an attribute before. */
export const upsample = row("Upsample");
