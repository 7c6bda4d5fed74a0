import { undefinedFor, usage } from "../base/error.ts";
import { type Attribution, numbersOf, sum } from "./attribution.ts";

type Numbers = Attribution | ArrayLike<number>;

const valuesOf = (where: string, x: Numbers): Float64Array =>
  numbersOf(where, "dims" in x ? x : { data: x, dims: [x.length] });

function both(name: string, a: Numbers, b: Numbers): [Float64Array, Float64Array] {
  const [x, y] = [valuesOf(`the first of ${name}`, a), valuesOf(`the second of ${name}`, b)];
  if (x.length !== y.length || ("dims" in a && "dims" in b && a.dims.join() !== b.dims.join()))
    throw usage(name, "two of the same dims", `${x.length} and ${y.length} numbers`);
  return [x, y];
}

const dot = (x: Float64Array, y: Float64Array) => sum(x.map((v, i) => v * y[i]));

/** The largest becomes 1, so that squares neither overflow nor vanish. */
function scaled(name: string, x: Float64Array): Float64Array {
  const largest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  if (largest === 0)
    throw undefinedFor(
      name,
      name === "cosine" ? "numbers other than 0" : "numbers that vary",
      "numbers that are all the same",
    );
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
