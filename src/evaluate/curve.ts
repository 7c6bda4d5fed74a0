import { shown, usage } from "../base/error.ts";
import { sum } from "./attribution.ts";
import type { Curve } from "./perturbation.ts";

function valuesOf(where: string, curve: Pick<Curve, "values">): readonly number[] {
  const values = curve?.values;
  if (!(values?.length >= 2)) throw usage(where, "a curve of at least two values", values?.length ?? shown(curve));
  return values;
}

/**
 * The area under a curve, as the mean of its trapezoids; lower is better for "morf", higher for "lerf" and "minAbs".
 *
 *   1/M Σ_{m=1..M} (y_{m−1} + y_m) / 2
 *
 * @example areaUnder({ values: [4, 2, 0] }); // 2
 */
export function areaUnder(curve: Pick<Curve, "values">): number {
  const values = valuesOf("areaUnder", curve);
  const [first, last] = [values[0], values[values.length - 1]];
  return (sum(values) - (first + last) / 2) / (values.length - 1);
}

/**
 * The area over the perturbation curve; higher is better for "morf". L steps:
 *
 *   1/(L + 1) Σ_{k=0..L} (y_0 − y_k)
 *
 * Source: Samek et al. 2017.
 * @example aopc({ values: [4, 2, 0] }); // 2
 */
export function aopc(curve: Pick<Curve, "values">): number {
  const values = valuesOf("aopc", curve);
  return values[0] - sum(values) / values.length;
}

/**
 * The symmetric relevance gain, the area between the two curves; higher is better.
 *
 *   AUC of lerf − AUC of morf
 *
 * Source: Blücher, Vielhaben and Strodthoff 2024.
 * @throws LrpError "usage" where the curves differ in more than their order
 */
export function relevanceGain(lerf: Curve, morf: Curve): number {
  if (lerf?.order !== "lerf" || morf?.order !== "morf")
    throw usage("relevanceGain", "a curve lerf and a curve morf", `${lerf?.order} and ${morf?.order}`);
  const [a, b] = [lerf, morf].map(({ regions, targets, score, replacement, flip, region, step, seed }) =>
    JSON.stringify({
      regions,
      targets: targets.map(({ index, weight }) => [index, weight]),
      score,
      replacement,
      flip,
      region,
      step,
      seed,
    }),
  );
  if (a !== b) throw usage("relevanceGain", "two curves that differ only in their order", `${a} and ${b}`);
  return areaUnder(lerf) - areaUnder(morf);
}
