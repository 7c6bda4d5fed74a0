/** The weights of a Gaussian of that deviation, cut off at 3 of them, from the middle on. */
function gaussian(deviation: number): Float64Array {
  const reach = Math.ceil(3 * deviation);
  return Float64Array.from({ length: reach + 1 }, (_, d) => Math.exp(-(d * d) / (2 * deviation * deviation)));
}

/** Spreads each number along lines of so many, which stand `step` apart. Nothing leaves a line. */
function spread(data: Float64Array, length: number, step: number, weights: Float64Array): Float64Array {
  const out = new Float64Array(data.length);
  const reach = weights.length - 1;
  // What a number at each place of a line gives away in all, so that its shares add up to it.
  const totals = Float64Array.from({ length }, (_, at) => {
    let total = 0;
    for (let d = -Math.min(reach, at); d <= reach && at + d < length; d++) total += weights[Math.abs(d)];
    return total;
  });
  for (let i = 0; i < data.length; i++) {
    const at = Math.floor(i / step) % length;
    const share = data[i] / totals[at];
    if (share === 0) continue;
    for (let d = -Math.min(reach, at); d <= reach && at + d < length; d++)
      out[i + d * step] += weights[Math.abs(d)] * share;
  }
  return out;
}

/**
 * A map in which each number is spread by a Gaussian over its neighbours. The sum stays what it is, at edges too.
 *
 *   R'_i = Σ_j g(i − j) / Σ_k g(k − j) · R_j      along columns, then along rows
 *
 * @param deviation of the Gaussian, in pixels; cut off at 3 of them
 */
export function smoothed(data: Float64Array, width: number, deviation: number): Float64Array {
  const weights = gaussian(deviation);
  return spread(spread(data, width, 1, weights), data.length / width, width, weights);
}

/** The magnitude that so many percent of the numbers do not exceed, those that are 0 left out; 0 for zeros alone. */
export function percentile(data: Float64Array, percent: number): number {
  const sizes = data
    .filter((v) => v !== 0)
    .map(Math.abs)
    .sort();
  if (sizes.length === 0) return 0;
  return sizes[Math.max(0, Math.ceil((percent / 100) * sizes.length) - 1)];
}
