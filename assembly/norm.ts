import { apart, product } from "./check";
import { addWide, high, horizontalWide, loadLanes, low, narrow, storeLanes } from "./simd";

/** What is taken from the numbers of a row before their size counts: their mean, or nothing. */
// @ts-ignore: decorator
@unmanaged
abstract class Centre {
  abstract of(x: usize, n: i32): f64;
  abstract takes(total: f64, n: i32): f64;
  /** 1 / divisor, if there is one. */
  abstract factor(divisor: f64): f64;
}

// @ts-ignore: decorator
@final @unmanaged
class Mean extends Centre {
  // @ts-ignore: decorator
  @inline of(x: usize, n: i32): f64 { return total(x, n) / <f64>n; }
  // @ts-ignore: decorator
  @inline takes(total: f64, n: i32): f64 { return total / <f64>n; }
  // @ts-ignore: decorator
  @inline factor(divisor: f64): f64 { return 1 / divisor; }
}

/** Numbers that all are 0 stay 0. */
// @ts-ignore: decorator
@final @unmanaged
class Origin extends Centre {
  // @ts-ignore: decorator
  @inline of(x: usize, n: i32): f64 { return 0; }
  // @ts-ignore: decorator
  @inline takes(total: f64, n: i32): f64 { return 0; }
  // @ts-ignore: decorator
  @inline factor(divisor: f64): f64 { return divisor == 0 ? 0 : 1 / divisor; }
}

// @ts-ignore: decorator
@inline
function total(x: usize, n: i32): f64 {
  let sum = f64x2.splat(0);
  for (let i = 0; i < n; i += 4) sum = addWide(sum, loadLanes(x + (i << 2), n - i));
  return horizontalWide(sum);
}

/** √(Σ (x_i − centre)² / divisor + ε) */
// @ts-ignore: decorator
@inline
function rootOf(x: usize, n: i32, centre: f64, divisor: f64, epsilon: f64): f64 {
  const cv = f64x2.splat(centre);
  let sum = f64x2.splat(0);
  for (let i = 0; i < n; i += 4) {
    const v = v128.load(x + (i << 2)), a = f64x2.sub(low(v), cv), b = f64x2.sub(high(v), cv), left = n - i;
    sum = f64x2.add(sum, among(f64x2.mul(a, a), left));
    sum = f64x2.add(sum, among(f64x2.mul(b, b), left - 2));
  }
  return Math.sqrt(horizontalWide(sum) / divisor + epsilon);
}

/** The first `lanes` of two, and zeros behind them. */
// @ts-ignore: decorator
@inline
function among(v: v128, lanes: i32): v128 {
  return lanes >= 2 ? v : lanes == 1 ? f64x2.replace_lane(v, 1, 0) : f64x2.splat(0);
}

function check(x: usize, w: usize, y: usize, rows: i32, n: i32): void {
  assert(n >= 1, "rows have no numbers");
  apart(y, product(rows, n), x, product(rows, n), w, n);
}

// @ts-ignore: decorator
@inline
function forward<T extends Centre>(
  x: usize, w: usize, b: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  if (!ASC_NO_ASSERT) {
    check(x, w, y, rows, n);
    apart(y, product(rows, n), b, n);
  }
  for (let row = 0; row < rows; row++) {
    const at = <usize>(row * n) << 2, from = x + at, to = y + at;
    const centre = changetype<T>(0).of(from, n), cv = f64x2.splat(centre);
    const root = rootOf(from, n, centre, divisor, epsilon);
    const fv = f64x2.splat(changetype<T>(0).factor(max(root, floor) + delta));
    for (let i = 0; i < n; i += 4) {
      const xv = v128.load(from + (i << 2)), wv = v128.load(w + (i << 2)), bv = v128.load(b + (i << 2));
      const a = f64x2.mul(f64x2.mul(f64x2.sub(low(xv), cv), fv), low(wv));
      const c = f64x2.mul(f64x2.mul(f64x2.sub(high(xv), cv), fv), high(wv));
      storeLanes(to + (i << 2), narrow(f64x2.add(a, low(bv)), f64x2.add(c, high(bv))), n - i);
    }
  }
}

/**
 * Each row without its mean, divided by how far it spreads.
 *
 *   root = √(Σ (x_i − mean)² / divisor + ε),   y_i = w_i (x_i − mean) / (max(root, floor) + δ) + b_i
 *
 * Source: Ba, Kiros and Hinton 2016; ONNX LayerNormalization-17.
 *
 * @param x f32[rows, n] @param w f32[n] @param b f32[n] @param y f32[rows, n], written; overlaps nothing
 * @param divisor n for a mean, 1 for a sum
 */
export function standardForward(
  x: usize, w: usize, b: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  forward<Mean>(x, w, b, y, rows, n, divisor, epsilon, floor, delta);
}

/**
 * As `standardForward` with 0 in the place of the mean: by the root of the mean square, or by the length. Rows of
 * zeros stay zeros. Source: Zhang and Sennrich 2019; ONNX RMSNormalization-23, LpNormalization-22.
 */
export function lengthForward(
  x: usize, w: usize, b: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  forward<Origin>(x, w, b, y, rows, n, divisor, epsilon, floor, delta);
}

// @ts-ignore: decorator
@inline
function vjp<T extends Centre>(
  x: usize, r: usize, w: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  if (!ASC_NO_ASSERT) {
    check(x, w, y, rows, n);
    apart(y, product(rows, n), r, product(rows, n));
  }
  for (let row = 0; row < rows; row++) {
    const at = <usize>(row * n) << 2, from = x + at, arrived = r + at, to = y + at;
    const centre = changetype<T>(0).of(from, n), cv = f64x2.splat(centre);
    const root = rootOf(from, n, centre, divisor, epsilon);
    const factor = changetype<T>(0).factor(max(root, floor) + delta);
    let sums = f64x2.splat(0), products = f64x2.splat(0);
    for (let i = 0; i < n; i += 4) {
      const xv = v128.load(from + (i << 2)), rv = v128.load(arrived + (i << 2)), wv = v128.load(w + (i << 2));
      const left = n - i;
      const g = among(f64x2.mul(low(rv), low(wv)), left), h = among(f64x2.mul(high(rv), high(wv)), left - 2);
      sums = f64x2.add(sums, f64x2.add(g, h));
      // Behind the row there may be what is no number.
      const c = among(f64x2.sub(low(xv), cv), left), d = among(f64x2.sub(high(xv), cv), left - 2);
      products = f64x2.add(products, f64x2.add(f64x2.mul(g, c), f64x2.mul(h, d)));
    }
    const mean = f64x2.splat(changetype<T>(0).takes(horizontalWide(sums), n)), fv = f64x2.splat(factor);
    // ∂factor/∂x_i = −factor² (x_i − centre) / (divisor root), which is 0 where the floor holds it or nothing varies.
    const moves = root > floor && root > 0;
    const slope = f64x2.splat(moves ? factor * factor * horizontalWide(products) / (divisor * root) : 0);
    for (let i = 0; i < n; i += 4) {
      const xv = v128.load(from + (i << 2)), rv = v128.load(arrived + (i << 2)), wv = v128.load(w + (i << 2));
      const g = f64x2.mul(fv, f64x2.sub(f64x2.mul(low(rv), low(wv)), mean));
      const h = f64x2.mul(fv, f64x2.sub(f64x2.mul(high(rv), high(wv)), mean));
      const c = f64x2.mul(slope, f64x2.sub(low(xv), cv)), d = f64x2.mul(slope, f64x2.sub(high(xv), cv));
      storeLanes(to + (i << 2), narrow(f64x2.sub(g, c), f64x2.sub(h, d)), n - i);
    }
  }
}

/**
 * The transposed Jacobian of `standardForward`: with d = x − mean, factor = 1 / (max(root, floor) + δ) and g = r ⊙ w,
 *
 *   y_i = factor (g_i − mean g) − factor² d_i / (divisor root) Σ_k g_k d_k,   the latter only where root > floor
 *
 * @param x f32[rows, n] @param r f32[rows, n] @param w f32[n] @param y f32[rows, n], written; overlaps nothing
 */
export function standardVjp(
  x: usize, r: usize, w: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  vjp<Mean>(x, r, w, y, rows, n, divisor, epsilon, floor, delta);
}

/** The same of `lengthForward`, without means. */
export function lengthVjp(
  x: usize, r: usize, w: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  vjp<Origin>(x, r, w, y, rows, n, divisor, epsilon, floor, delta);
}

/**
 * What each number has contributed to the rows that `standardForward` makes, its divisor held fast: with
 * factor = 1 / (max(root, floor) + δ),
 *
 *   q = s ⊙ w · factor,   y_i = x_i (q_i − mean q)
 *
 * Source: Ali et al. 2022; Achtibat et al. 2024 (AttnLRP).
 *
 * @param x f32[rows, n] @param s f32[rows, n], relevance divided by what the row has become @param w f32[n]
 * @param y f32[rows, n], written; overlaps nothing
 */
export function standardIdentity(
  x: usize, s: usize, w: usize, y: usize, rows: i32, n: i32, divisor: f64, epsilon: f64, floor: f64, delta: f64,
): void {
  if (!ASC_NO_ASSERT) {
    check(x, w, y, rows, n);
    apart(y, product(rows, n), s, product(rows, n));
  }
  for (let row = 0; row < rows; row++) {
    const at = <usize>(row * n) << 2, from = x + at, shares = s + at, to = y + at;
    const centre = total(from, n) / <f64>n, root = rootOf(from, n, centre, divisor, epsilon);
    const fv = f64x2.splat(1 / (max(root, floor) + delta));
    let sums = f64x2.splat(0);
    for (let i = 0; i < n; i += 4) {
      const sv = v128.load(shares + (i << 2)), wv = v128.load(w + (i << 2)), left = n - i;
      sums = f64x2.add(sums, among(f64x2.mul(low(sv), low(wv)), left));
      sums = f64x2.add(sums, among(f64x2.mul(high(sv), high(wv)), left - 2));
    }
    const mean = f64x2.splat(horizontalWide(sums) / <f64>n);
    for (let i = 0; i < n; i += 4) {
      const xv = v128.load(from + (i << 2)), sv = v128.load(shares + (i << 2)), wv = v128.load(w + (i << 2));
      const q = f64x2.mul(fv, f64x2.sub(f64x2.mul(low(sv), low(wv)), mean));
      const p = f64x2.mul(fv, f64x2.sub(f64x2.mul(high(sv), high(wv)), mean));
      storeLanes(to + (i << 2), narrow(f64x2.mul(low(xv), q), f64x2.mul(high(xv), p)), n - i);
    }
  }
}
