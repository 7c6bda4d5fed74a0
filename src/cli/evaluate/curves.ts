import { type Order, random } from "../../evaluate/index.ts";
import { boundsOf, ENOUGH } from "../../evaluate/bootstrap.ts";
import { type CurveSums, curveOf } from "./curve-sums.ts";
import { type Bounds, limitsOf, MANY } from "./many.ts";
import type { Settings } from "./part.ts";
import type { Parts, Survey } from "./survey.ts";

/** Of the bands: fewer than of intervals, since there is one at every point of every curve. */
export const BAND = Object.freeze({ level: 0.95, resamples: 1000 });

/** How many bytes of numbers of images are held at a time; what needs more goes through the parts again. */
export const HELD = 2 ** 28;

/** The mean curve over n images. */
export interface CurveSummary {
  readonly order: Order;
  /** Null for the random order, which is the same for all methods. */
  readonly method: string | null;
  readonly n: number;
  readonly replaced: readonly number[];
  readonly mean: readonly number[];
  /** Bounds of the mean at each point; null where there are fewer than 2 images. */
  readonly low: readonly number[] | null;
  readonly high: readonly number[] | null;
}

/**
 * Means of all curves, and the interval that `bootstrap` has for them at each point. For these, every image's scores at
 * some points are held at a time.
 */
export async function curvesOf(
  { seed }: Settings,
  parts: Parts,
  { curves, images }: Survey,
  held = HELD,
): Promise<readonly CurveSummary[]> {
  const few = curves.filter(({ n }) => n > 1 && n < MANY);
  const drawn = new Map<CurveSums, Bounds[]>(few.map((curve) => [curve, []]));
  for (const stretches of stretchesOf(few, Math.floor(held / (8 * images))))
    for (const scores of await scoresOf(stretches, parts)) drawn.get(scores.curve)!.push(...bandOf(scores, seed));
  return curves.map((curve) => {
    const { order, method, n, replaced, moments } = curve;
    const mean = moments.map(({ mean }) => mean);
    if (n < 2) return { order, method, n, replaced, mean, low: null, high: null };
    const band = drawn.get(curve) ?? moments.map(limitsOf(n, BAND.level));
    return { order, method, n, replaced, mean, low: band.map(({ low }) => low), high: band.map(({ high }) => high) };
  });
}

/** Some points of a curve, one after another. */
interface Stretch {
  readonly curve: CurveSums;
  readonly from: number;
  readonly to: number;
}

/** All points of the curves, in lists of at most so many points, or of one. */
function stretchesOf(curves: readonly CurveSums[], most: number): Stretch[][] {
  const lists: Stretch[][] = [];
  let room = 0;
  for (const curve of curves)
    for (let from = 0; from < curve.moments.length; ) {
      if (room === 0) {
        lists.push([]);
        room = Math.max(1, most);
      }
      const to = Math.min(curve.moments.length, from + room);
      lists.at(-1)!.push({ curve, from, to });
      room -= to - from;
      from = to;
    }
  return lists;
}

interface Scores extends Stretch {
  /** Of each image that has the curve, one after another. */
  readonly scores: Float64Array;
}

/** The scores of every image at these points. */
async function scoresOf(stretches: readonly Stretch[], parts: Parts): Promise<Scores[]> {
  const all = stretches.map((stretch) => {
    const { curve, from, to } = stretch;
    return { ...stretch, scores: new Float64Array(curve.n * (to - from)), next: 0 };
  });
  for await (const part of parts)
    for (const own of all) {
      const curve = curveOf(part, own.curve);
      if (!curve) continue;
      for (let m = own.from; m < own.to; m++) own.scores[own.next++] = curve[m];
    }
  return all;
}

/** The mean at each point of curves that are drawn again: one list of means for each point. */
function drawnMeans(scores: Float64Array, points: number, seed: number): Float64Array[] {
  const n = scores.length / points;
  const { uniform } = random(seed);
  const means = Array.from({ length: points }, () => new Float64Array(BAND.resamples));
  for (let r = 0; r < BAND.resamples; r++) {
    const sums = new Float64Array(points);
    for (let k = 0; k < n; k++) {
      const row = points * Math.floor(uniform() * n);
      for (let m = 0; m < points; m++) sums[m] += scores[row + m];
    }
    for (let m = 0; m < points; m++) means[m][r] = sums[m] / n;
  }
  return means;
}

/** The interval that `bootstrap` has for the mean at each of these points. */
function bandOf({ curve: { n, moments }, from, to, scores }: Scores, seed: number): Bounds[] {
  const points = to - from;
  const means = n < ENOUGH ? [] : drawnMeans(scores, points, seed);
  return moments.slice(from, to).map(({ mean }, m) => {
    const without = Float64Array.from({ length: n }, (_, k) => mean + (mean - scores[k * points + m]) / (n - 1));
    return boundsOf({ value: mean, without, drawn: () => means[m] }, BAND.level);
  });
}
