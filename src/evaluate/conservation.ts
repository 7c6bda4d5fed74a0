import { shown, undefinedFor, usage } from "../base/error.ts";
import type { Explanation } from "../model/report.ts";
import { type Attributed, numbersOf, sum } from "./attribution.ts";
import { checkAbove } from "./check.ts";

export interface Conservation {
  /** Σ R */
  readonly sum: number;
  /** What Σ R should be. */
  readonly expected: number;
  /** Σ R − expected */
  readonly difference: number;
  /** (Σ R − expected) / expected */
  readonly relative: number;
  /** |relative| ≤ tolerance */
  readonly holds: boolean;
}

/**
 * Whether relevance is as much as was started with, or an attribution as much as it should explain; of all samples
 * together. Where none is left, `relative` is −1: all of it was lost.
 *
 *   conservation of LRP    expected = R_out, see `startOf`              Bach et al. 2015, eq. 2
 *   completeness           expected = f(x) − f(baseline)                Sundararajan, Taly and Yan 2017
 *
 * @param tolerance of |relative|; rounding in float32 alone takes 1e-5 or so
 * @throws LrpError "usage" where `expected` is not finite, "undefined" where it is 0
 * @example
 * conservation({ data: [1, 2], dims: [1, 2] }, 4, 0.3);
 * // { sum: 3, expected: 4, difference: -1, relative: -0.25, holds: true }
 */
export function conservation(relevance: Attributed, expected: number, tolerance = 1e-3): Conservation {
  checkAbove("tolerance of conservation", tolerance, 0);
  if (!Number.isFinite(expected)) throw usage("the expected sum", "a finite number", expected);
  if (expected === 0) throw undefinedFor("the expected sum", "a number other than 0", expected);
  const total = sum(numbersOf("the attribution", relevance));
  const difference = total - expected;
  const relative = difference / expected;
  return Object.freeze({ sum: total, expected, difference, relative, holds: Math.abs(relative) <= tolerance });
}

/** The relevance that an explanation started from: Σ weight · logit, or Σ weight, over all samples. */
export function startOf(explanation: Pick<Explanation, "targets" | "start">): number {
  if (!Array.isArray(explanation?.targets)) throw usage("startOf", "the result of explain", shown(explanation));
  const { targets, start } = explanation;
  return targets.flat().reduce((total, { weight, score }) => total + (start === "logit" ? weight * score : weight), 0);
}
