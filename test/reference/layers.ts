import { type Dims, place, positions, type Window, windowsOf } from "./linear.ts";

/*
 * The layers that are not linear, literally.
 */

type Numbers = ArrayLike<number>;

/** The inputs of each window, in row-major order, without the padding. */
export function windowInputs(dims: Dims, window: Window): { dims: number[]; inputs: number[][] } {
  const [n, c, ...spatial] = dims;
  const { out, windows } = windowsOf(spatial, window);
  const inputs = positions([n, c]).flatMap(([sample, channel]) =>
    windows.map(({ taps }) => taps.filter((t) => t.inside).map((t) => place(dims, [sample, channel, ...t.at]))),
  );
  return { dims: [n, c, ...out], inputs };
}

/** The first of the largest. */
export const firstMaximum = (x: Numbers, inputs: readonly number[]): number =>
  inputs.reduce((best, i) => (x[i] > x[best] ? i : best));

/** Where each window has its first maximum, in row-major order; the padding never wins. */
export function maxima(x: Numbers, dims: Dims, window: Window): { dims: number[]; at: number[] } {
  const { dims: out, inputs } = windowInputs(dims, window);
  return { dims: out, at: inputs.map((list) => firstMaximum(x, list)) };
}

/** y_i = exp(x_i) / Σ exp(x_j) over groups of `length` that lie `inner` apart. */
export function softmax(x: Numbers, length: number, inner: number): Float64Array {
  return Float64Array.from(x, (v, i) => {
    const first = i - (Math.floor(i / inner) % length) * inner;
    let sum = 0;
    for (let j = 0; j < length; j++) sum += Math.exp(x[first + j * inner] - v);
    return 1 / sum;
  });
}

/** y = γ (x − μ) / √(σ² + ε) + β for each channel */
export function batchNorm(
  x: Numbers,
  dims: Dims,
  p: { scale: Numbers; shift: Numbers; mean: Numbers; variance: Numbers; epsilon: number },
): Float64Array {
  return Float64Array.from(
    positions(dims),
    (q, i) => (p.scale[q[1]] * (x[i] - p.mean[q[1]])) / Math.sqrt(p.variance[q[1]] + p.epsilon) + p.shift[q[1]],
  );
}

/** A BatchNormalization as y = factor · x + offset. */
export function batchNormAffine(p: {
  scale: Numbers;
  shift: Numbers;
  mean: Numbers;
  variance: Numbers;
  epsilon: number;
}): {
  factor: number[];
  offset: number[];
} {
  const factor = Array.from(p.scale, (g, c) => g / Math.sqrt(p.variance[c] + p.epsilon));
  return { factor, offset: factor.map((f, c) => p.shift[c] - p.mean[c] * f) };
}

/** J v by central differences of f, or rather of ⟨f, u⟩ along v: ⟨J v, u⟩. */
export function directional(f: (x: Float64Array) => Numbers, x: Numbers, v: Numbers, u: Numbers, step = 1e-6): number {
  const side = (sign: number) => f(Float64Array.from(x, (value, i) => value + sign * step * v[i]));
  const [up, down] = [side(1), side(-1)];
  return Array.from(u).reduce((sum, w, i) => sum + (w * (up[i] - down[i])) / (2 * step), 0);
}
