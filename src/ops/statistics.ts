import type { Numbers, Taps } from "./cells.ts";

/**
 * How far the numbers of a cell spread, and by what they are divided: v = (x − centre) · factor with
 *
 *   root = (Σ |x_i − centre|^p (/ n) + ε)^(1/p),   factor = 1 / (max(root, floor) + δ)
 *
 * Without a centre, numbers that all are 0 stay 0.
 */
export interface Spread {
  /** Whether the centre is the mean; else it is 0. */
  readonly centred: boolean;
  readonly p: 1 | 2;
  /** Whether the sum is divided by how many there are. */
  readonly mean: boolean;
  readonly epsilon: number;
  readonly floor: number;
  readonly delta: number;
}

const PLAIN = { epsilon: 0, floor: 0, delta: 0 } as const;

/** 1 / (√(var + ε) + δ) of the numbers without their mean */
export const moments = (epsilon: number, delta = 0): Spread => ({
  ...PLAIN,
  centred: true,
  p: 2,
  mean: true,
  epsilon,
  delta,
});

/** 1 / √(mean x² + ε) */
export const rootMeanSquare = (epsilon: number): Spread => ({ ...PLAIN, centred: false, p: 2, mean: true, epsilon });

/** 1 / ‖x‖, and 0 where that is nothing. */
export const reciprocalNorm = (p: 1 | 2): Spread => ({ ...PLAIN, centred: false, p, mean: false });

/** @param copies how often each number counts */
export function statisticsOf(
  s: Spread,
  x: Numbers,
  base: number,
  taps: Taps,
  copies = 1,
): [centre: number, factor: number] {
  const n = taps.length;
  let sum = 0;
  if (s.centred) for (let i = 0; i < n; i++) sum += x[base + taps[i]];
  const centre = sum / n;
  let total = 0;
  for (let i = 0; i < n; i++) {
    const d = x[base + taps[i]] - centre;
    total += s.p === 2 ? d * d : Math.abs(d);
  }
  const spread = (s.mean ? total / n : total * copies) + s.epsilon;
  const divisor = Math.max(s.p === 2 ? Math.sqrt(spread) : spread, s.floor) + s.delta;
  return [centre, !s.centred && divisor === 0 ? 0 : 1 / divisor];
}

/**
 * How the factor changes with a number that is d from the centre:
 *
 *   Σ_k g_k ∂v_k/∂x_i = factor · (g_i − mean g, if centred) − slope · Σ_k g_k (x_k − centre)
 */
export function slopeOf({ p, mean, floor, delta }: Spread, d: number, factor: number, n: number): number {
  const root = 1 / factor - delta;
  if (d === 0 || factor === 0 || root <= floor * (1 + 1e-12)) return 0;
  return (factor ** 2 * (p === 2 ? d / root : Math.sign(d))) / (mean ? n : 1);
}
