/*
 * Normalizations and their rule, number by number.
 */

/** Numbers that are normalized together: y_k = (x_k − centre) · factor · w_k + b_k. */
export interface Cell {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly b: readonly number[];
  readonly centre: number;
  readonly factor: number;
  /** Whether the centre is the mean of x; else it is 0. */
  readonly centred: boolean;
}

const outputOf = ({ x, w, b, centre, factor }: Cell): number[] => x.map((v, k) => (v - centre) * factor * w[k] + b[k]);

/**
 * LRP-0 of the linear map that is left where factor is a constant: each y_k is shared by what each x_i adds to it, and
 * its bias takes the rest.
 */
export function identity(cell: Cell, r: readonly number[]): { relevance: number[]; bias: number[] } {
  const { x, w, b, factor, centred } = cell;
  const y = outputOf(cell);
  const slope = (k: number, i: number) => w[k] * factor * ((i === k ? 1 : 0) - (centred ? 1 / x.length : 0));
  const share = (part: number, k: number) => (r[k] === 0 ? 0 : (part / y[k]) * r[k]);
  return {
    relevance: x.map((v, i) => y.reduce((sum, _, k) => sum + share(v * slope(k, i), k), 0)),
    bias: y.map((_, k) => share(b[k], k)),
  };
}
