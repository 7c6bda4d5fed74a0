import { type Numbers, total } from "./cells.ts";
import { pNorm } from "./p-norm.ts";

/** What one cell is moved and scaled by, v = (x − centre) · factor. */
export interface Statistics {
  of(x: Numbers, base: number, taps: Int32Array): readonly [centre: number, factor: number];
  /**
   * How centre and factor change with x:
   *
   *   Σ_k g_k ∂v_k/∂x_i = factor · (g_i − centred · mean g) − slope(x_i − centre, factor, n) · Σ_k g_k (x_k − centre)
   */
  readonly centred: 0 | 1;
  slope(d: number, factor: number, n: number): number;
}

/** mean and 1 / (√(var + ε) + δ) */
export const moments = (epsilon: number, delta = 0): Statistics => ({
  of(x, base, taps) {
    const n = taps.length;
    const mean = total(x, base, taps, n) / n;
    let squares = 0;
    for (let i = 0; i < n; i++) squares += (x[base + taps[i]] - mean) ** 2;
    return [mean, 1 / (Math.sqrt(squares / n + epsilon) + delta)];
  },
  centred: 1,
  // ∂factor/∂x_i = −factor² (x_i − mean) / (n √(var + ε)), which is 0 where nothing varies.
  slope: (d, factor, n) => (d === 0 ? 0 : (factor ** 2 * d) / (n * (1 / factor - delta))),
});

/** 1 / √(mean x² + ε) */
export const rootMeanSquare = (epsilon: number): Statistics => ({
  of(x, base, taps) {
    let squares = 0;
    for (let i = 0; i < taps.length; i++) squares += x[base + taps[i]] ** 2;
    return [0, 1 / Math.sqrt(squares / taps.length + epsilon)];
  },
  centred: 0,
  slope: (d, factor, n) => (factor ** 3 * d) / n,
});

/** 1 / ‖x‖, and 0 where that is nothing. */
export function reciprocalNorm(p: number): Statistics {
  const norm = pNorm(p);
  const factor = (z: number) => (z === 0 ? 0 : 1 / z);
  return {
    of: (x, base, taps) => [0, factor(norm(x, base, taps, 1))],
    centred: 0,
    slope: (d, f) => (p === 2 ? f ** 3 * d : f ** 2 * Math.sign(d)),
  };
}
