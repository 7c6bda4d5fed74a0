import { boundsOf } from "../../evaluate/bootstrap.ts";
import { sum } from "../../evaluate/attribution.ts";
import { normal, student } from "../../evaluate/distributions.ts";
import { pairedTest, random } from "../../evaluate/index.ts";

/** How often an interval is meant to hold the true value; number of resamples of an interval, and of a test. */
export const STATISTICS = Object.freeze({ level: 0.95, resamples: 2000, flips: 10_000 });

/**
 * From how many values on nothing is drawn. Resamples of so many take minutes for each interval, and what they tend to
 * is known.
 */
export const MANY = 100_000;

/** Of n values x. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Σ (x − mean)² */
  readonly square: number;
  /** Σ (x − mean)³ */
  readonly cube: number;
}

export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/**
 * The bounds of a mean of n values, where n is large: what those of `bootstrap` tend to.
 *
 *   mean + s / √n (±t + a (1 + 2 t²))   s² = Σ (x − mean)² / (n − 1),  a = Σ (x − mean)³ / (6 (Σ (x − mean)²)^1.5)
 *
 * Source: Efron 1987, *Better bootstrap confidence intervals*; Hall 1988, *Theoretical comparison of bootstrap
 * confidence intervals*.
 */
export function limitsOf(n: number, level: number): (moments: Moments) => Bounds {
  const t = student(level, n - 1);
  return ({ mean, square, cube }) => {
    const error = Math.sqrt(square / (n - 1) / n);
    const shift = square > 0 ? (cube / (6 * square ** 1.5)) * (1 + 2 * t * t) : 0;
    return { low: mean + error * (shift - t), high: mean + error * (shift + t) };
  };
}

/** Of a sum of n numbers: how far it can be from the normal distribution, at most 0.56 of this. Source: Berry 1941. */
function unevenness(numbers: Float64Array): number {
  let [square, cube] = [0, 0];
  for (const v of numbers) {
    square += v * v;
    cube += Math.abs(v) ** 3;
  }
  return square > 0 ? cube / square ** 1.5 : 0;
}

/** A few values that make up most of the spread are drawn all the same: no limit is near. */
const UNEVEN = 0.05;

/** The mean without each value, as `bootstrap` adds it up: from the first value to the last. */
function without(values: Float64Array): Float64Array {
  const n = values.length;
  const means = new Float64Array(n);
  let before = 0;
  // Four sums at a time, since each addition waits for the one before.
  for (let i = 0; i < n; i += 4) {
    const own = Array.from({ length: Math.min(4, n - i) }, (_, lane) => {
      let total = before;
      for (let k = i; k < Math.min(i + 4, n); k++) if (k !== i + lane) total += values[k];
      return total;
    });
    let [a, b, c, d] = own;
    for (let k = i + 4; k < n; k++) {
      const v = values[k];
      a += v;
      b += v;
      c += v;
      d += v;
    }
    const totals = [a, b, c, d];
    own.forEach((_, lane) => {
      means[i + lane] = totals[lane] / (n - 1);
    });
    for (let k = i; k < Math.min(i + 4, n); k++) before += values[k];
  }
  return means;
}

/** Means of as many values, drawn with replacement again and again. */
function drawnMeans(values: Float64Array, seed: number): Float64Array {
  const n = values.length;
  const { uniform } = random(seed);
  return Float64Array.from({ length: STATISTICS.resamples }, () => {
    let total = 0;
    for (let k = 0; k < n; k++) total += values[Math.floor(uniform() * n)];
    return total / n;
  });
}

/** The interval of the mean of 2 or more values: that of `bootstrap`, to the last bit, for fewer than `MANY`. */
export function meanInterval(values: Float64Array, seed: number): { readonly mean: number } & Bounds {
  const n = values.length;
  const mean = sum(values) / n;
  const { level } = STATISTICS;
  const drawn = () => drawnMeans(values, seed);
  if (n < MANY) return { mean, ...boundsOf({ value: mean, without: without(values), drawn }, level) };
  const off = values.map((v) => v - mean);
  if (unevenness(off) > UNEVEN) {
    const left = off.map((v) => mean - v / (n - 1));
    return { mean, ...boundsOf({ value: mean, without: left, drawn }, level) };
  }
  let [square, cube] = [0, 0];
  for (const v of off) {
    square += v * v;
    cube += v * v * v;
  }
  return { mean, ...limitsOf(n, level)({ n, mean, square, cube }) };
}

/**
 * How often signs by chance give a mean of a − b as far from 0: `pairedTest`, and from `MANY` pairs on what it tends to,
 * the normal distribution of Σ ±d, whose variance is Σ d²; no less than the least that `pairedTest` can find.
 */
export function differenceTest(a: Float64Array, b: Float64Array, seed: number): number {
  const n = a.length;
  const d = a.map((v, i) => v - b[i]);
  const { flips } = STATISTICS;
  if (n < MANY || unevenness(d) > UNEVEN) return pairedTest(Array.from(a), Array.from(b), { resamples: flips, seed }).p;
  const square = d.reduce((total, v) => total + v * v, 0);
  // What additions may have rounded is no difference.
  const rounding =
    (n + 1) * Number.EPSILON * (a.reduce((t, v) => t + Math.abs(v), 0) + b.reduce((t, v) => t + Math.abs(v), 0));
  const reach = Math.max(0, Math.abs(sum(d)) - rounding);
  return reach === 0 ? 1 : Math.max(2 * normal(-reach / Math.sqrt(square)), 1 / (1 + flips));
}
