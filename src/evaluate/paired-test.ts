import { sum } from "./attribution.ts";
import { mean } from "./bootstrap.ts";
import { checkNames, checkPairs, checkWhole } from "./check.ts";
import { random } from "./random.ts";

export interface PairedTestOptions {
  /** Default 10 000. */
  readonly resamples?: number;
  /** Default 0. */
  readonly seed?: number;
}

/** How often signs by chance give a mean difference as far from 0 as the one that was found. */
export interface PairedTest {
  /** mean(a − b) */
  readonly difference: number;
  readonly p: number;
  /** Number of pairs. */
  readonly n: number;
  /** Number of choices of signs that were compared. */
  readonly resamples: number;
  /** Whether these were all 2^n of them, each once. */
  readonly exact: boolean;
  readonly seed: number;
}

/**
 * A two-sided test of mean(a − b) = 0, for two methods on the same samples. Were there no difference between them,
 * every d_i = a_i − b_i might as well have the other sign; so signs s are drawn by chance, again and again:
 *
 *   p = (1 + #{|Σ s_i d_i| ≥ |Σ d_i|}) / (1 + resamples)
 *
 * Where 2^n is not above `resamples`, every choice of signs is taken once, and p is the share of them that are as far:
 * then it is exact.
 * Source: Fisher 1935, *The design of experiments*, chapter 3; Good 2005, *Permutation, parametric and bootstrap tests
 * of hypotheses*.
 *
 * @throws LrpError "usage" for options, numbers that are not finite, no pairs, or not as many of both
 * @example pairedTest([3, 4, 6], [1, 2, 4]).p; // 0.25: two of the eight choices of signs, + + + and − − −
 */
export function pairedTest(a: readonly number[], b: readonly number[], options: PairedTestOptions = {}): PairedTest {
  checkNames("pairedTest", options, ["resamples", "seed"]);
  const { resamples: most = 10_000, seed = 0 } = options;
  checkWhole("option 'resamples'", most, 1);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  checkPairs("pairedTest", a, b, 1);
  const n = a.length;
  const d = a.map((v, i) => v - b[i]);
  const exact = 2 ** n <= most;
  const resamples = exact ? 2 ** n : most;
  const { uniform } = random(seed);
  const flips = exact ? (k: number, i: number) => Math.floor(k / 2 ** i) % 2 === 1 : () => uniform() < 0.5;
  // Sums that are equal may differ as they are rounded: n additions and what a and b were rounded by, each at most by
  // half an epsilon of Σ (|a| + |b|), on both sides of the comparison.
  const enough = Math.abs(sum(d)) - (n + 1) * Number.EPSILON * sum([...a, ...b].map(Math.abs));
  let count = 0;
  for (let k = 0; k < resamples; k++) {
    let total = 0;
    for (let i = 0; i < n; i++) total += flips(k, i) ? -d[i] : d[i];
    if (Math.abs(total) >= enough) count++;
  }
  const p = exact ? count / resamples : (1 + count) / (1 + resamples);
  return Object.freeze({ difference: mean(d), p, n, resamples, exact, seed });
}
