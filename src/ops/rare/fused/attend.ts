import type { Budget } from "../../../base/budget.ts";
import { demand } from "../../../base/complaint.ts";
import { type Dims, shapeText } from "../../../base/tensor.ts";
import type { Operand } from "../../../graph/graph.ts";
import { kept, repeated, type Sized } from "../attention.ts";
import type { Composition } from "../compose.ts";

/** Scores of how many rows over how many columns, of which the first were computed before. */
export interface Window {
  readonly n: number;
  readonly heads: number;
  readonly rows: number;
  readonly total: number;
  readonly past: number;
}

/** float32, in which everything is computed. */
export const float = (c: Composition, { name, type }: Operand): string =>
  type === "float32" ? name : c.add("Cast", [name], { to: "float32" });

/** What is computed, in the type that the file has. */
export const asIn = (c: Composition, x: string, { type }: Operand): string =>
  type === "float32" ? x : c.add("Cast", [x], { to: type });

/** The same operand, as float32. */
export const floats = (c: Composition, x: Operand): Operand => ({ ...x, name: float(c, x), type: "float32" });

/** Some columns of the last axis. */
export const columns = (c: Composition, x: string, axis: number, start: number, width: number): string =>
  c.add("Slice", [x], { starts: [start], ends: [start + width], axes: [axis] });

/** Which of the scores may be looked at, by their places alone. */
export function allowed(
  c: Composition,
  { rows, total }: Window,
  budget: Budget,
  may: (row: number, column: number) => boolean,
) {
  budget.take(8 * rows * total);
  const data = Float64Array.from({ length: rows * total }, (_, i) => Number(may(Math.floor(i / total), i % total)));
  return c.constant({ type: "bool", dims: [rows, total], data });
}

/** Each row up to itself. */
export const causal = (c: Composition, window: Window, budget: Budget) =>
  allowed(c, window, budget, (row, column) => column <= row + window.past);

export const both = (c: Composition, a: string | undefined, b: string | undefined): string | undefined =>
  a && b ? c.add("And", [a, b]) : (a ?? b);

/**
 * What a mask of onnxruntime lets through: ones of [n, total] or [n, rows, total]; or where each row ends, [n]; or that
 * and where it begins, [2 n].
 */
export function passing(c: Composition, { name, type, dims }: Operand, { n, rows, total }: Window): string {
  const integer = (data: readonly number[], shape: Dims) =>
    c.constant({ type, dims: shape, data: Float64Array.from(data) });
  const given = dims.join();
  if (given === `${n},${total}` || given === `${n},${rows},${total}`) {
    const ones = c.add("Greater", [name, integer([0], [])]);
    return c.reshape(ones, [n, 1, ...(dims.length === 2 ? [1] : [rows]), total]);
  }
  const isIndex = dims.length === 1 && (dims[0] === n || dims[0] === 2 * n);
  const expected = `a mask [${n}, ${total}], [${n}, ${rows}, ${total}], [${n}] or [${2 * n}]`;
  demand(isIndex, "unsupported", expected, shapeText(dims, ""));
  const places = integer(
    Array.from({ length: total }, (_, i) => i),
    [total],
  );
  const bound = (start: number) => c.reshape(dims[0] === n ? name : columns(c, name, 0, start, n), [n, 1, 1, 1]);
  const before = c.add("Less", [places, bound(0)]);
  return dims[0] === n ? before : c.add("And", [before, c.add("GreaterOrEqual", [places, bound(n)])]);
}

/** What is done with the scores Q Kᵀ. */
export interface Scores {
  readonly scale: number;
  /** 0: they are not bounded. */
  readonly softcap?: number;
  /** What is added to them. */
  readonly added?: Operand;
  /** Which of them a mask lets through; the others get `filter` added. */
  readonly mask?: string;
  readonly filter?: number;
  /** Which of them are looked at by their places; the others are −∞. */
  readonly keep?: string;
  /** A score of each head, [heads], that takes a share of the softmax and has no value; 0: that score for all. */
  readonly sink?: Operand | 0;
}

/**
 * Scores and values with one more token, that of the sink, whose value is 0:
 *
 *   softmax([s, sink]) [V; 0]
 */
function withSink(c: Composition, s: string, v: Sized, sink: Operand | 0, dims: Dims): [string, string] {
  const [n, heads, rows] = dims;
  const own = sink === 0 ? c.floats([0], [1, 1, 1, 1]) : c.reshape(float(c, sink), [1, heads, 1, 1]);
  const column = c.add("Expand", [own, c.ints([n, heads, rows, 1])]);
  const width = v.dims[3];
  const zeros = c.floats(new Float32Array(n * heads * width), [n, heads, 1, width]);
  return [c.add("Concat", [s, column], { axis: 3 }), c.add("Concat", [repeated(c, v, heads), zeros], { axis: 2 })];
}

/** softmax(f(Q Kᵀ)) V with the heads beside each other again: [n, rows, heads · width]. */
export function attend(c: Composition, q: Sized, k: Sized, v: Sized, scores: Scores): string {
  const [n, heads, rows, width] = q.dims;
  const total = k.dims[2];
  const fits =
    k.dims[0] === n && v.dims[0] === n && k.dims[3] === width && v.dims[1] === k.dims[1] && v.dims[2] === total;
  const received = [q, k, v].map(({ dims }) => shapeText(dims, "")).join(", ");
  demand(fits, "shape", "Q, K and V of the same batch, heads and lengths", received);
  const scale = scores.scale || 1 / Math.sqrt(width);
  const scaled = c.add("Mul", [q.name, c.floats([scale], [])]);
  let s = c.matMul(scaled, c.transpose(repeated(c, k, heads), [0, 1, 3, 2]));
  const { softcap = 0, added, mask, filter = 0, keep, sink } = scores;
  if (softcap !== 0) {
    const cap = c.floats([softcap], []);
    s = c.add("Mul", [c.add("Tanh", [c.add("Div", [s, cap])], { a: 0, b: 0 }), cap]);
  }
  if (added) {
    const isSpread = (given: number, whole: number, axis: number) => given === whole || (given === 1 && axis < 2);
    const wanted = [n, heads, rows, total];
    const isBias = added.dims.length === 4 && added.dims.every((d, axis) => isSpread(d, wanted[axis], axis));
    demand(isBias, "shape", `an attention bias ${shapeText(wanted, "")}`, shapeText(added.dims, ""));
    s = c.add("Add", [s, float(c, added)]);
  }
  if (mask) s = c.add("Add", [s, c.add("Where", [mask, c.floats([0], []), c.floats([filter], [])])]);
  if (keep) s = kept(c, keep, s);
  const [all, values] = sink === undefined ? [s, repeated(c, v, heads)] : withSink(c, s, v, sink, q.dims);
  const mixed = c.matMul(c.add("Softmax", [all], { axis: 3, flattened: false }), values);
  return c.reshape(c.transpose(mixed, [0, 2, 1, 3]), [n, rows, heads * v.dims[3]]);
}
