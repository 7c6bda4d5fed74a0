import { usage } from "../base/error.ts";
import { checkNames, checkWhole } from "./check.ts";
import { random } from "./random.ts";
import { sum } from "./attribution.ts";

export interface BootstrapOptions {
  /** The share of resamples that lie inside (default 0.95). */
  readonly level?: number;
  /** Default 2000. */
  readonly resamples?: number;
  /** Default 0. */
  readonly seed?: number;
}

/** A value, and between what bounds it lies in all but 1 − level of the resamples. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly level: number;
  /** Number of samples. */
  readonly n: number;
  readonly resamples: number;
  readonly seed: number;
}

/** @internal Linear between the two values that are nearest. @param sorted ascending */
export function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (at % 1) * (high - low);
}

/** @example mean([1, 2, 6]); // 3 */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw usage("mean", "values", "none");
  return sum(values) / values.length;
}

/**
 * A confidence interval by the bootstrap's percentiles: as many samples are drawn, with replacement, again and again.
 * Samples may be anything: pairs, for a difference or a ratio of two methods on the same images.
 * Source: Efron 1979; Efron and Tibshirani 1993, chapter 13.
 *
 * @throws LrpError "usage" for options, fewer than 2 samples, or a statistic that is not finite
 * @example
 * bootstrap(areas, mean);
 * bootstrap(pairs, (some) => mean(some.map((p) => p.taylor)) / mean(some.map((p) => p.identity)));
 */
export function bootstrap<T>(
  samples: readonly T[],
  statistic: (samples: readonly T[]) => number,
  options: BootstrapOptions = {},
): Interval {
  checkNames("bootstrap", options, ["level", "resamples", "seed"]);
  const { level = 0.95, resamples = 2000, seed = 0 } = options;
  if (!(level > 0 && level < 1)) throw usage("option 'level'", "a share between 0 and 1", level);
  checkWhole("option 'resamples'", resamples, 1);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  const n = samples.length;
  if (!(n >= 2)) throw usage("bootstrap", "2 samples or more", n);
  const finite = (some: readonly T[]): number => {
    const value = statistic(some);
    if (!Number.isFinite(value)) throw usage("the statistic of bootstrap", "a finite number", value);
    return value;
  };
  const value = finite(samples);
  const { uniform } = random(seed);
  const draw = () => Array.from({ length: n }, () => samples[Math.floor(uniform() * n)]);
  const sorted = Float64Array.from({ length: resamples }, () => finite(draw())).sort();
  const [low, high] = [(1 - level) / 2, (1 + level) / 2].map((q) => quantile(sorted, q));
  return Object.freeze({ value, low, high, level, n, resamples, seed });
}

/**
 * The interval of mean(a − b), for two methods on the same samples.
 * @throws LrpError "usage" as `bootstrap`, or where there are not as many of both
 * @example pairedDifference([3, 4, 6], [1, 2, 4]).low; // 2
 */
export function pairedDifference(a: readonly number[], b: readonly number[], options: BootstrapOptions = {}): Interval {
  if (a.length !== b.length)
    throw usage("pairedDifference", "as many of the one as of the other", `${a.length} and ${b.length}`);
  return bootstrap(
    a.map((v, i) => v - b[i]),
    mean,
    options,
  );
}
