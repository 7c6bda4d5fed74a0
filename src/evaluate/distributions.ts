/* The few distributions that intervals are made of. */

/** Solves cdf(x) = p between two bounds by halving; cdf does not fall. */
function inverse(cdf: (x: number) => number, p: number, low: number, high: number): number {
  let [a, b] = [low, high];
  for (let x = (a + b) / 2; a < x && x < b; x = (a + b) / 2) {
    if (cdf(x) < p) a = x;
    else b = x;
  }
  return b;
}

/**
 * @internal Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + …), the normal distribution. Source: Marsaglia 2004, *Evaluating
 * the normal distribution*. Within 1e-15.
 */
export function normal(z: number): number {
  if (Math.abs(z) > 8) return z > 0 ? 1 : 0;
  let [sum, term] = [z, z];
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-(z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

/** @internal The z below which the share p of the normal distribution lies, from −8 to 8. */
export const normalQuantile = (p: number): number => inverse(normal, p, -8, 8);

/**
 * P(|T| ≤ t) of Student's distribution: with θ = atan(t / √ν) and c = cos² θ,
 *
 *   ν even   sin θ (1 + 1/2 c + (1·3)/(2·4) c² + …)                       ν / 2 terms
 *   ν odd    2/π (θ + sin θ cos θ (1 + 2/3 c + (2·4)/(3·5) c² + …))       (ν − 1) / 2 terms
 *
 * Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
 */
function withinStudent(t: number, freedom: number): number {
  const theta = Math.atan(t / Math.sqrt(freedom));
  const [odd, c] = [freedom % 2, Math.cos(theta) ** 2];
  let [sum, term] = [0, 1];
  for (let k = 0; k < (freedom - odd) / 2; k++) {
    sum += term;
    term *= ((2 * k + 1 + odd) / (2 * k + 2 + odd)) * c;
  }
  if (!odd) return Math.sin(theta) * sum;
  return (2 / Math.PI) * (theta + Math.sin(theta) * Math.cos(theta) * sum);
}

/** @internal The t within whose bounds, −t and t, the share `level` of Student's distribution lies. */
export function student(level: number, freedom: number): number {
  // The angle has bounds, t has none.
  const angle = inverse((a) => withinStudent(Math.tan(a), freedom), level, 0, Math.PI / 2);
  return Math.tan(angle);
}

/** P(X ≥ hits) of n trials that each hit with probability p. */
function atLeast(hits: number, n: number, p: number): number {
  let [total, logChoose] = [0, 0];
  for (let k = 0; k <= n; k++) {
    if (k >= hits) total += Math.exp(logChoose + k * Math.log(p) + (n - k) * Math.log1p(-p));
    logChoose += Math.log(n - k) - Math.log(k + 1);
  }
  return total;
}

/**
 * @internal The interval of a probability, of which n trials have shown `hits`: both bounds p give what was found, or
 * what is further off, with probability (1 − level) / 2. Source: Clopper and Pearson 1934.
 */
export function probabilityInterval(hits: number, n: number, level: number): { low: number; high: number } {
  const tail = (1 - level) / 2;
  return {
    low: hits === 0 ? 0 : inverse((p) => atLeast(hits, n, p), tail, 0, 1),
    high: hits === n ? 1 : inverse((p) => atLeast(hits + 1, n, p), 1 - tail, 0, 1),
  };
}
