import { type Attributed, checkRelevant, mapOf, sum } from "./attribution.ts";
import { checkAbove } from "./check.ts";

export interface Complexity {
  /** 0: evenly spread; towards 1: all in one place. Chalasani et al. 2020. */
  readonly gini: number;
  /** In nats, from 0 (all in one place) to ln N. Bhatt, Weller and Moura 2020. */
  readonly entropy: number;
  /**
   * How many places have |R| above the threshold, as Quantus counts them. The effective complexity of Nguyen and
   * Martínez 2020 is another number: how many places a prediction needs to stay as good.
   */
  readonly effective: number;
}

/**
 * How concentrated relevance is, on the channel-summed map; a the N values |R|.
 *
 *   gini       Σ_i (2i − N − 1) a_(i) / (N Σ a)      a ascending, i from 1
 *   entropy    − Σ p ln p,  p = a / Σ a
 *   effective  #{a > threshold · max a}
 *
 * @param threshold as a share of the largest |R|
 * @throws LrpError "usage" for several samples; "undefined" where all relevance is 0
 * @example complexity({ data: [0, 0, 0, 1], dims: [4] }); // { gini: 0.75, entropy: 0, effective: 1 }
 */
export function complexity(relevance: Attributed, threshold = 1e-3): Complexity {
  checkAbove("threshold of complexity", threshold, 0);
  const a = mapOf(relevance).data.map(Math.abs).sort();
  checkRelevant("complexity", a);
  const [total, most, n] = [sum(a), a[a.length - 1], a.length];
  const gini = a.reduce((s, v, i) => s + (2 * (i + 1) - n - 1) * v, 0) / (n * total);
  // From 0, so that the entropy of a single place is 0 and not −0.
  const entropy = a.reduce((s, v) => (v > 0 ? s - (v / total) * Math.log(v / total) : s), 0);
  return Object.freeze({ gini, entropy, effective: a.filter((v) => v > threshold * most).length });
}
