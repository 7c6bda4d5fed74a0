/**
 * P-values adjusted for how many there are: the k-th smallest of m times m − k + 1, at least the one before, at most 1.
 * Rejecting those below α errs on any of them with probability α at most.
 * Source: Holm 1979.
 *
 * @param p in any order
 * @returns in the same order
 * @example holm([0.01, 0.04, 0.03]); // [0.03, 0.06, 0.06]
 */
export function holm(p: readonly number[]): readonly number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a] - p[b]);
  const adjusted = new Array<number>(p.length);
  let least = 0;
  order.forEach((i, k) => {
    least = Math.max(least, Math.min(1, (p.length - k) * p[i]));
    adjusted[i] = least;
  });
  return adjusted;
}
