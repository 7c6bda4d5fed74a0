import { type Dims, place, positions } from "./linear.ts";

/*
 * Local response normalization and its rules, message by message.
 *
 *   s_k = κ + a Σ_{i ∈ N(k)} x_i²,   y_k = x_k s_k^(−c)
 *   expansion: the zero-order term is y_k with only x_k firing, x_k t_k^(−c), t_k = κ + a x_k²;
 *   the neighbour j ≠ k has the term −2 a c x_k x_j² s_k^(−c−1)
 *
 * All terms have the factor x_k; it is left out where their ratio is wanted, so that x_k = 0 is no special case.
 */

type Numbers = ArrayLike<number>;

export interface Lrn {
  readonly region: "channels" | "spatial";
  /** N(k) = k − before … k + after, along channels, or along rows and columns. */
  readonly before: number;
  readonly after: number;
  readonly a: number;
  readonly c: number;
  readonly kappa: number;
}

/** One neuron: which input is its own, and which inputs are in its window. */
interface Neighbourhood {
  readonly k: number;
  readonly window: readonly number[];
}

export function neighbourhoods(dims: Dims, { region, before, after }: Lrn): Neighbourhood[] {
  const near = (at: number, length: number) =>
    Array.from({ length }, (_, j) => j).filter((j) => j >= at - before && j <= at + after);
  return positions(dims).map((p) => {
    const [n, channel, ...spatial] = p;
    const window =
      region === "channels"
        ? near(channel, dims[1]).map((j) => [n, j, ...spatial])
        : spatial.reduce<number[][]>(
            (all, at, axis) => all.flatMap((q) => near(at, dims[axis + 2]).map((j) => [...q, j])),
            [[n, channel]],
          );
    return { k: place(dims, p), window: window.map((q) => place(dims, q)) };
  });
}

const scaleOf = (x: Numbers, window: readonly number[], { kappa, a }: Lrn): number =>
  kappa + a * window.reduce((s, i) => s + x[i] * x[i], 0);

export function lrnForward(x: Numbers, dims: Dims, o: Lrn): Float64Array {
  return Float64Array.from(neighbourhoods(dims, o), ({ k, window }) => x[k] * scaleOf(x, window, o) ** -o.c);
}

export type Mode = "identity" | "taylor" | "taylor-uniform" | "beta" | "gradient" | "unnormalised";

/** What neuron k sends to each input of its window for one unit of relevance. */
function messages(x: Numbers, { k, window }: Neighbourhood, o: Lrn, mode: Mode): number[] {
  const { a, c, kappa } = o;
  const s = scaleOf(x, window, o);
  const zero = (kappa + a * x[k] * x[k]) ** -c;
  const slope = (j: number): number => -2 * a * c * x[j] * x[j] * s ** (-c - 1);
  const normalised = (terms: readonly number[]): number[] => {
    const sum = terms.reduce((p, q) => p + q, 0);
    return terms.map((t) => t / sum);
  };
  switch (mode) {
    case "identity":
      return window.map((j) => (j === k ? 1 : 0));
    case "taylor":
      return normalised(window.map((j) => (j === k ? zero : slope(j))));
    case "taylor-uniform":
      return normalised(window.map((j) => zero / window.length + (j === k ? 0 : slope(j))));
    case "unnormalised":
      return window.map((j) => x[k] * (j === k ? zero : slope(j)));
    case "gradient":
      return window.map((j) => (j === k ? s ** -c : 0) - 2 * a * c * x[k] * x[j] * s ** (-c - 1));
    case "beta": {
      // The positive term is the centre's alone, the negative ones the neighbours': 2 R to it, −R by their shares.
      const negative = window.reduce((sum, j) => sum + (j === k ? 0 : x[j] * x[j]), 0);
      if (negative === 0) return window.map((j) => (j === k ? 1 : 0));
      return window.map((j) => (j === k ? 2 : -(x[j] * x[j]) / negative));
    }
  }
}

/** R_j = Σ_k message_jk R_k */
export function lrnRelevance(x: Numbers, dims: Dims, o: Lrn, mode: Mode, r: Numbers): Float64Array {
  const out = new Float64Array(x.length);
  for (const n of neighbourhoods(dims, o))
    messages(x, n, o, mode).forEach((m, i) => {
      out[n.window[i]] += m * r[n.k];
    });
  return out;
}
