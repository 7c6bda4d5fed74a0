import { apart, inPlace, product } from "./check";
import { addWide, BLOCK, CHUNK, horizontalWide, loadLanes, madd, storeLanes } from "./simd";

/** What a node absorbs is summed where `ledger` points: f64[3] = bias, stabilizer, dead. */
const BIAS: usize = 0;
const STABILIZER: usize = 8;
const DEAD: usize = 16;

/** Its length in numbers of four bytes. */
const LEDGER: i32 = 6;

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
function divide<T extends Stabilizer>(
  r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize,
): void {
  if (!ASC_NO_ASSERT) {
    inPlace(s, r, count);
    inPlace(s, z, count);
    apart(ledger, LEDGER, r, count, z, count, s, count);
  }
  for (let i = 0; i < count; i += CHUNK) {
    const at = <usize>i << 2, stabilizer = f64.load(ledger + STABILIZER), dead = f64.load(ledger + DEAD);
    f64.store(ledger + STABILIZER, 0);
    f64.store(ledger + DEAD, 0);
    divideChunk<T>(r + at, z + at, s + at, min(CHUNK, count - i), coefficient, epsilon, ledger);
    book(ledger, STABILIZER, stabilizer);
    book(ledger, DEAD, dead);
  }
}

// @ts-ignore: decorator
@inline
function divideChunk<T extends Stabilizer>(
  r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize,
): void {
  const whole = count & ~3;
  for (let i = 0; i < whole; i += BLOCK) {
    const at = <usize>i << 2;
    divideBlock<T>(r + at, z + at, s + at, min(BLOCK, whole - i), 4, coefficient, epsilon, ledger);
  }
  const at = <usize>whole << 2;
  if (whole < count) divideBlock<T>(r + at, z + at, s + at, 1, count - whole, coefficient, epsilon, ledger);
}

// @ts-ignore: decorator
@inline
function divideBlock<T extends Stabilizer>(
  r: usize, z: usize, s: usize, count: i32, lanes: i32, coefficient: f32, epsilon: f32, ledger: usize,
): void {
  const zero = f32x4.splat(0), cv = f32x4.splat(coefficient), ev = f32x4.splat(epsilon);
  let shifted = zero, lost = zero;
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const rv = f32x4.mul(cv, loadLanes(r + at, lanes)), zv = loadLanes(z + at, lanes);
    const denominator = changetype<T>(0).apply(zv, ev), none = f32x4.eq(zv, zero);
    // 0 / 0 and R / 0 are 0: a neuron that nothing reached passes nothing on.
    const sv = v128.and(f32x4.div(rv, denominator), f32x4.ne(denominator, zero));
    storeLanes(s + at, sv, lanes);
    shifted = f32x4.add(shifted, v128.andnot(f32x4.mul(sv, f32x4.sub(denominator, zv)), none));
    lost = f32x4.add(lost, v128.and(rv, none));
  }
  book(ledger, STABILIZER, sumLanes(shifted));
  book(ledger, DEAD, sumLanes(lost));
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
export function divideStabilized(
  r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize,
): void {
  divide<Shift>(r, z, s, count, coefficient, epsilon, ledger);
}

/** As `divideStabilized`, with the denominator bounded below: s_j = coefficient · R_j / (max(|z_j|, ε) · sign(z_j)). */
export function divideClipped(
  r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize,
): void {
  divide<Bound>(r, z, s, count, coefficient, epsilon, ledger);
}

/** As `divideStabilized` of one sample, with ε relative to its root mean square: ε · √(mean z²). */
export function divideRelative(
  r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize,
): void {
  let squares = f64x2.splat(0);
  for (let i = 0; i < count; i += 4) {
    // In double precision before they are squared: squares leave the range of f32.
    const v = loadLanes(z + (<usize>i << 2), count - i);
    const low = f64x2.promote_low_f32x4(v), high = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
    squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  divide<Shift>(r, z, s, count, coefficient, <f32>(<f64>epsilon * Math.sqrt(horizontalWide(squares) / <f64>count)),
    ledger);
}

/**
 * Books Σ s[i, j] · b[j] as absorbed by the bias.
 *
 * @param s f32[rows, m] @param b f32[m] @param ledger f64[3], added to
 */
export function absorbBias(s: usize, b: usize, rows: i32, m: i32, ledger: usize): void {
  if (!ASC_NO_ASSERT) {
    assert(m >= 1, "rows have no numbers");
    apart(ledger, LEDGER, s, product(rows, m), b, m);
  }
  const chunk = max(1, CHUNK / m);
  for (let i = 0; i < rows; i += chunk) absorbChunk(s + (<usize>(i * m) << 2), b, min(chunk, rows - i), m, ledger);
}

function absorbChunk(s: usize, b: usize, rows: i32, m: i32, ledger: usize): void {
  let total: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const row = s + (<usize>(i * m) << 2);
    for (let j = 0; j < m;) {
      let even = f32x4.splat(0), odd = even;
      const end = min(m, j + BLOCK);
      for (; j <= end - 8; j += 8) {
        even = madd(v128.load(row + (j << 2)), v128.load(b + (j << 2)), even);
        odd = madd(v128.load(row + (j << 2), 16), v128.load(b + (j << 2), 16), odd);
      }
      for (; j < end; j += 4) even = madd(loadLanes(row + (j << 2), m - j), loadLanes(b + (j << 2), m - j), even);
      total += sumLanes(f32x4.add(even, odd));
    }
  }
  book(ledger, BIAS, total);
}

/** y_j = r_j where z_j > 0, else 0. @param r, z f32[count] @param y f32[count], written; may be r */
export function gatePositive(r: usize, z: usize, y: usize, count: i32): void {
  if (!ASC_NO_ASSERT) {
    inPlace(y, r, count);
    apart(y, count, z, count);
  }
  const end: usize = (count & ~3) << 2;
  for (let i: usize = 0; i < end; i += 16) v128.store(y + i, above(r + i, z + i));
  if (count & 3) storeLanes(y + end, above(r + end, z + end), count & 3);
}

// @ts-ignore: decorator
@inline
function above(r: usize, z: usize): v128 { return v128.and(v128.load(r), f32x4.gt(v128.load(z), f32x4.splat(0))); }

/** y_j = r_j where z_j < 0, else 0; books R_j as dead where z_j = 0, which neither gate lets through. y may be r. */
export function gateNegative(r: usize, z: usize, y: usize, count: i32, ledger: usize): void {
  if (!ASC_NO_ASSERT) {
    inPlace(y, r, count);
    apart(y, count, z, count);
    apart(ledger, LEDGER, r, count, z, count, y, count);
  }
  for (let i = 0; i < count; i += CHUNK) {
    const at = <usize>i << 2;
    gateChunk(r + at, z + at, y + at, min(CHUNK, count - i), ledger);
  }
}

function gateChunk(r: usize, z: usize, y: usize, count: i32, ledger: usize): void {
  let dead = f64x2.splat(0);
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2;
    const rv = loadLanes(r + at, count - i), zv = v128.load(z + at);
    storeLanes(y + at, v128.and(rv, f32x4.lt(zv, f32x4.splat(0))), count - i);
    dead = addWide(dead, v128.and(rv, f32x4.eq(zv, f32x4.splat(0))));
  }
  book(ledger, DEAD, horizontalWide(dead));
}

/** y_i = x_i · c_i, the last step of a rule. @param x, c f32[count] @param y f32[count], written; may be x or c */
export function multiply(x: usize, c: usize, y: usize, count: i32): void {
  if (!ASC_NO_ASSERT) {
    inPlace(y, x, count);
    inPlace(y, c, count);
  }
  const end: usize = (count & ~3) << 2;
  for (let i: usize = 0; i < end; i += 16) v128.store(y + i, f32x4.mul(v128.load(x + i), v128.load(c + i)));
  if (count & 3) storeLanes(y + end, f32x4.mul(v128.load(x + end), v128.load(c + end)), count & 3);
}

/** y_i += x_i · c_i. @param x, c f32[count] @param y f32[count], added to */
export function multiplyAdd(x: usize, c: usize, y: usize, count: i32): void {
  if (!ASC_NO_ASSERT) apart(y, count, x, count, c, count);
  const end: usize = (count & ~3) << 2;
  for (let i: usize = 0; i < end; i += 16) {
    v128.store(y + i, madd(v128.load(x + i), v128.load(c + i), v128.load(y + i)));
  }
  if (count & 3) storeLanes(y + end, madd(v128.load(x + end), v128.load(c + end), v128.load(y + end)), count & 3);
}

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): f64 {
  return (<f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1))
    + (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3));
}

/**
 * An image twice over: y[pixel] = [max(x[pixel], 0), min(x[pixel], 0)].
 *
 * @param x f32[pixels, c] @param y f32[pixels, 2 · c], written
 */
export function halvesForward(x: usize, y: usize, pixels: i32, c: i32): void {
  if (!ASC_NO_ASSERT) apart(y, product(2, pixels, c), x, product(pixels, c));
  for (let p = 0; p < pixels; p++, y += <usize>c << 2) {
    for (let i = 0; i < c; i++, x += 4, y += 4) {
      const v = f32.load(x);
      // In this order, so that a NaN stays one in both.
      f32.store(y, v < 0 ? 0 : v);
      f32.store(y + (<usize>c << 2), v > 0 ? 0 : v);
    }
  }
}

/** c of the half that x is in. */
// @ts-ignore: decorator
@inline
function ofHalf(x: usize, c: usize, channels: i32): f32 {
  const v = f32.load(x);
  return v * f32.load(v > 0 ? c : c + (<usize>channels << 2));
}

/**
 * The last step of a rule on halves: y_i = x_i⁺ · c_i⁺ + x_i⁻ · c_i⁻.
 *
 * @param x, y f32[pixels, channels] @param c f32[pixels, 2 · channels]
 */
export function halvesMultiply(x: usize, c: usize, y: usize, pixels: i32, channels: i32): void {
  if (!ASC_NO_ASSERT) {
    const count = product(pixels, channels);
    apart(y, count, x, count, c, product(2, count));
  }
  for (let p = 0; p < pixels; p++, c += <usize>channels << 2) {
    for (let i = 0; i < channels; i++, x += 4, c += 4, y += 4) f32.store(y, ofHalf(x, c, channels));
  }
}

/** As `halvesMultiply`, added to what y holds. */
export function halvesMultiplyAdd(x: usize, c: usize, y: usize, pixels: i32, channels: i32): void {
  if (!ASC_NO_ASSERT) {
    const count = product(pixels, channels);
    apart(y, count, x, count, c, product(2, count));
  }
  for (let p = 0; p < pixels; p++, c += <usize>channels << 2) {
    for (let i = 0; i < channels; i++, x += 4, c += 4, y += 4) f32.store(y, f32.load(y) + ofHalf(x, c, channels));
  }
}
