import { type Order, orders, random } from "../../evaluate/index.ts";
import { boundsOf, ENOUGH } from "../../evaluate/bootstrap.ts";
import type { MethodPart, Part, Settings } from "./part.ts";

/** Of the bands: fewer than of intervals, since there is one at every point of every curve. */
export const BAND = Object.freeze({ level: 0.95, resamples: 1000 });

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

/** The orders that parts have curves of, in the order of the library's table. */
export function ordersOf(parts: readonly Part[]): readonly Order[] {
  const names = Object.keys(orders) as Order[];
  return names.filter((order) =>
    parts.some(({ methods }) => methods.some(({ curves }) => Object.hasOwn(curves, order))),
  );
}

/** @returns none where images differ in how many regions are replaced at each point: there is no mean */
export function curvesOf({ methods, seed }: Settings, parts: readonly Part[]): readonly CurveSummary[] {
  const replaced = parts.find((part) => part.replaced)?.replaced ?? [];
  if (parts.some((part) => part.replaced && part.replaced.join() !== replaced.join())) return [];
  const summary = (order: Order, method: string | null, curves: CurveList): CurveSummary[] =>
    curves.length === 0 ? [] : [{ order, method, n: curves.length, replaced, ...bandOf(curves, seed) }];
  return ordersOf(parts).flatMap((order) =>
    order === "random"
      ? summary(order, null, parts.flatMap(randomCurve))
      : methods.flatMap((method, i) =>
          summary(
            order,
            method,
            parts.flatMap((part) => curveOf(part.methods[i], order)),
          ),
        ),
  );
}

type CurveList = readonly (readonly number[])[];

/** A list of one, or of none where the method has no such curve. */
export function curveOf({ curves }: MethodPart, order: Order): CurveList {
  return Object.hasOwn(curves, order) ? [curves[order]] : [];
}

/** The curve of the random order, which is that of any method: a list of one, or of none. */
export function randomCurve({ methods }: Part): CurveList {
  return methods.flatMap((method) => curveOf(method, "random")).slice(0, 1);
}

/** The mean at each point of curves that are drawn again: one list of means for each point. */
function drawnMeans(rows: readonly Float64Array[], seed: number): Float64Array[] {
  const [n, points] = [rows.length, rows[0].length];
  const { uniform } = random(seed);
  const means = Array.from({ length: points }, () => new Float64Array(BAND.resamples));
  for (let r = 0; r < BAND.resamples; r++) {
    const sums = new Float64Array(points);
    for (let k = 0; k < n; k++) {
      const row = rows[Math.floor(uniform() * n)];
      for (let m = 0; m < points; m++) sums[m] += row[m];
    }
    for (let m = 0; m < points; m++) means[m][r] = sums[m] / n;
  }
  return means;
}

/** The mean of curves, and the interval that `bootstrap` has for it at each point. */
function bandOf(curves: CurveList, seed: number): Pick<CurveSummary, "mean" | "low" | "high"> {
  const n = curves.length;
  const mean = curves[0].map((_, m) => curves.reduce((sum, curve) => sum + curve[m], 0) / n);
  if (n < 2) return { mean, low: null, high: null };
  const rows = curves.map((curve) => Float64Array.from(curve));
  const means = n < ENOUGH ? [] : drawnMeans(rows, seed);
  const bounds = mean.map((value, m) => {
    const without = Float64Array.from(rows, (row) => value + (value - row[m]) / (n - 1));
    return boundsOf({ value, without, drawn: () => means[m] }, BAND.level);
  });
  return { mean, low: bounds.map(({ low }) => low), high: bounds.map(({ high }) => high) };
}
