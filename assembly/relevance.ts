import { madd, storeLanes } from "./simd";

/** What a node absorbs is summed where `ledger` points: f64[3] = bias, stabilizer, dead. */
const BIAS: usize = 0;
const STABILIZER: usize = 8;
const DEAD: usize = 16;

// @ts-ignore: decorator
@inline
function book(ledger: usize, column: usize, amount: f64): void {
  f64.store(ledger + column, f64.load(ledger + column) + amount);
}

/** Keeps the denominator from vanishing. sign(0) counts as +1. */
// @ts-ignore: decorator
@unmanaged
abstract class Stabilizer {
  abstract apply(z: v128, epsilon: v128): v128;
}

/** z + ε · sign(z) */
// @ts-ignore: decorator
@final @unmanaged
class Shift extends Stabilizer {
  // @ts-ignore: decorator
  @inline apply(z: v128, epsilon: v128): v128 {
    return f32x4.add(z, v128.bitselect(epsilon, f32x4.neg(epsilon), f32x4.ge(z, f32x4.splat(0))));
  }
}

/** max(|z|, ε) · sign(z) */
// @ts-ignore: decorator
@final @unmanaged
class Bound extends Stabilizer {
  // @ts-ignore: decorator
  @inline apply(z: v128, epsilon: v128): v128 {
    const magnitude = f32x4.pmax(f32x4.abs(z), epsilon);
    return v128.bitselect(magnitude, f32x4.neg(magnitude), f32x4.ge(z, f32x4.splat(0)));
  }
}

// @ts-ignore: decorator
@inline
function divide<T extends Stabilizer>(r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize): void {
  const zero = f32x4.splat(0);
  const ev = f32x4.splat(epsilon), cv = f32x4.splat(coefficient);
  let stabilizer: f64 = 0, dead: f64 = 0;
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const lanes = count - i;
    const live = i32x4.gt_s(i32x4.splat(lanes), i32x4(0, 1, 2, 3));
    const rv = v128.and(f32x4.mul(cv, v128.load(r + at)), live);
    const zv = v128.load(z + at);
    const denominator = changetype<T>(0).apply(zv, ev);
    // 0 / 0 and R / 0 are 0: a neuron that nothing reached passes nothing on.
    const sv = v128.and(f32x4.div(rv, denominator), v128.and(live, f32x4.ne(denominator, zero)));
    storeLanes(s + at, sv, lanes);
    const none = f32x4.eq(zv, zero);
    stabilizer += sumLanes(v128.and(v128.andnot(f32x4.mul(sv, f32x4.sub(denominator, zv)), none), live));
    dead += sumLanes(v128.and(rv, none));
  }
  book(ledger, STABILIZER, stabilizer);
  book(ledger, DEAD, dead);
}

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): f64 {
  return (<f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1))
    + (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3));
}

/**
 * The division of the ε rule, the step from relevance to what the transposed layer spreads.
 *
 *   s_j = coefficient · R_j / (z_j + ε · sign(z_j)),   sign(0) = 1;   s_j = 0 where that denominator is 0
 *
 * Books Σ s_j · ε · sign(z_j) as absorbed by the stabilizer, but where z_j = 0, coefficient · R_j as dead instead.
 * Source: Bach et al. 2015, equation 58; Binder et al. 2016, equation 5.
 *
 * @param r f32[count] @param z f32[count] @param s f32[count], written; may be r or z @param ledger f64[3], added to
 */
export function divideStabilized(r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize): void {
  divide<Shift>(r, z, s, count, coefficient, epsilon, ledger);
}

/** As `divideStabilized`, with the denominator bounded below: s_j = coefficient · R_j / (max(|z_j|, ε) · sign(z_j)). */
export function divideClipped(r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize): void {
  divide<Bound>(r, z, s, count, coefficient, epsilon, ledger);
}

/** As `divideStabilized` of one sample, with ε relative to its root mean square: ε · √(mean z²). */
export function divideRelative(r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize): void {
  let squares: f64 = 0;
  for (let i = 0; i < count; i++) {
    const v = <f64>f32.load(z + (<usize>i << 2));
    squares += v * v;
  }
  divide<Shift>(r, z, s, count, coefficient, <f32>(<f64>epsilon * Math.sqrt(squares / <f64>count)), ledger);
}

/** Books Σ s[i, j] · b[j] as absorbed by the bias. @param s f32[rows, m] @param b f32[m] @param ledger f64[3], added to */
export function absorbBias(s: usize, b: usize, rows: i32, m: i32, ledger: usize): void {
  let total: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const row = s + (<usize>(i * m) << 2);
    let sum = f32x4.splat(0);
    let j = 0;
    for (; j + 4 <= m; j += 4) sum = madd(v128.load(row + (j << 2)), v128.load(b + (j << 2)), sum);
    total += sumLanes(sum);
    for (; j < m; j++) total += <f64>(f32.load(row + (j << 2)) * f32.load(b + (j << 2)));
  }
  book(ledger, BIAS, total);
}

/** y_j = r_j where z_j > 0, else 0. @param r, z f32[count] @param y f32[count], written; may be r */
export function gatePositive(r: usize, z: usize, y: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    storeLanes(y + at, v128.and(v128.load(r + at), f32x4.gt(v128.load(z + at), f32x4.splat(0))), count - i);
  }
}

/** y_j = r_j where z_j < 0, else 0; books R_j as dead where z_j = 0, which neither gate lets through. y may be r. */
export function gateNegative(r: usize, z: usize, y: usize, count: i32, ledger: usize): void {
  let dead: f64 = 0;
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const zv = v128.load(z + at), rv = v128.load(r + at);
    const live = i32x4.gt_s(i32x4.splat(count - i), i32x4(0, 1, 2, 3));
    storeLanes(y + at, v128.and(rv, f32x4.lt(zv, f32x4.splat(0))), count - i);
    dead += sumLanes(v128.and(v128.and(rv, f32x4.eq(zv, f32x4.splat(0))), live));
  }
  book(ledger, DEAD, dead);
}

/** y_i = x_i · c_i, the last step of a rule. @param x, c f32[count] @param y f32[count], written; may be x or c */
export function multiply(x: usize, c: usize, y: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    storeLanes(y + at, f32x4.mul(v128.load(x + at), v128.load(c + at)), count - i);
  }
}

/** y_i += x_i · c_i. @param x, c f32[count] @param y f32[count], added to */
export function multiplyAdd(x: usize, c: usize, y: usize, count: i32): void {
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    storeLanes(y + at, madd(v128.load(x + at), v128.load(c + at), v128.load(y + at)), count - i);
  }
}
