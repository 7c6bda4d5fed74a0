import { shown, undefinedFor, usage } from "../base/error.ts";
import { type Attributed, type Attribution, attributionOf, numbersOf, sum } from "./attribution.ts";

type Numbers = Attributed | ArrayLike<number>;

/** A list is of any dims. */
function read(where: string, given: Numbers): Attribution & { readonly isList: boolean } {
  if (typeof given !== "object" || given === null)
    throw usage(where, "numbers, { data, dims } or the result of explain", shown(given));
  if ("length" in given) return { data: given, dims: [given.length], isList: true };
  const { data, dims } = attributionOf(where, given);
  return { data, dims, isList: false };
}

function both(name: string, a: Numbers, b: Numbers): [Float64Array, Float64Array] {
  const [first, second] = [`the first of ${name}`, `the second of ${name}`];
  const [x, y] = [read(first, a), read(second, b)];
  const [u, v] = [numbersOf(first, x), numbersOf(second, y)];
  if (u.length === v.length && (x.isList || y.isList || x.dims.join() === y.dims.join())) return [u, v];
  throw usage(name, "two tensors of the same dims", `dims [${x.dims}] and [${y.dims}]`);
}

const dot = (x: Float64Array, y: Float64Array) => sum(x.map((v, i) => v * y[i]));

/** The largest becomes 1, so that squares neither overflow nor vanish. */
function scaled(name: string, x: Float64Array): Float64Array {
  const largest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  if (largest === 0)
    throw undefinedFor(name, name === "cosine" ? "numbers other than 0" : "numbers that vary", "equal numbers only");
  return x.map((v) => v / largest);
}

function cosineOf(name: string, x: Float64Array, y: Float64Array): number {
  const [a, b] = [scaled(name, x), scaled(name, y)];
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function centred(x: Float64Array): Float64Array {
  // Numbers that are all the same must become 0, whatever their mean is rounded to.
  if (x.every((v) => v === x[0])) return new Float64Array(x.length);
  const mean = sum(x) / x.length;
  return x.map((v) => v - mean);
}

/** Ranks from 1; equal values get the mean of theirs. */
function ranks(x: Float64Array): Float64Array {
  const order = Uint32Array.from(x, (_, i) => i).sort((a, b) => x[a] - x[b]);
  const out = new Float64Array(x.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && x[order[to]] === x[order[from]]) to++;
    for (let i = from; i < to; i++) out[order[i]] = (from + 1 + to) / 2;
  }
  return out;
}

/**
 * Σ x y / (‖x‖ ‖y‖), between all numbers of two attributions, channels apart.
 * @throws LrpError "usage" where dims differ, "undefined" where one is 0 everywhere
 * @example cosine([1, 0], [1, 1]); // 0.7071067811865475
 */
export function cosine(a: Numbers, b: Numbers): number {
  const [x, y] = both("cosine", a, b);
  return cosineOf("cosine", x, y);
}

/**
 * The linear correlation of two attributions, channels apart.
 * @throws LrpError "usage" where dims differ, "undefined" where one has the same number everywhere
 * @example pearson([1, 2, 3], [2, 4, 6]); // 1
 */
export function pearson(a: Numbers, b: Numbers): number {
  const [x, y] = both("pearson", a, b);
  return cosineOf("pearson", centred(x), centred(y));
}

/**
 * Spearman's ρ: the linear correlation of the ranks, equal numbers sharing the mean of theirs.
 * @throws LrpError "usage" where dims differ, "undefined" where one has the same number everywhere
 * @example spearman([1, 2, 3], [1, 20, 300]); // 1
 */
export function spearman(a: Numbers, b: Numbers): number {
  const [x, y] = both("spearman", a, b);
  return cosineOf("spearman", centred(ranks(x)), centred(ranks(y)));
}
