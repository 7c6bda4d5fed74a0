import { apart, inPlace, product } from "./check";
import { decay, exp, log } from "./math";
import { addWide, BLOCK, CHUNK, high, horizontalWide, low, narrow, storeLanes } from "./simd";

function check(x: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  assert(axis >= 1, "the axis has no numbers");
  inPlace(y, x, product(outer, axis, inner));
}

/** Four neighbours along an axis, `step` bytes apart; behind the last one, what has an exponential of nothing. */
// @ts-ignore: decorator
@inline
function four(x: usize, j: i32, axis: i32, step: usize): v128 {
  const at = x + <usize>j * step, left = axis - j;
  if (left >= 4 && step == 4) return v128.load(at);
  let v = v128.load32_lane(at, f32x4.splat(-Infinity), 0);
  if (left > 1) v = v128.load32_lane(at + step, v, 1);
  if (left > 2) v = v128.load32_lane(at + 2 * step, v, 2);
  return left > 3 ? v128.load32_lane(at + 3 * step, v, 3) : v;
}

/** The largest of `axis` numbers. Where one is NaN it may be any, as their sum is NaN then. */
// @ts-ignore: decorator
@inline
function largest(x: usize, axis: i32, step: usize): f64 {
  let top = four(x, 0, axis, step);
  for (let j = 4; j < axis; j += 4) top = f32x4.pmax(top, four(x, j, axis, step));
  const pairs = f32x4.pmax(top, v128.shuffle<i32>(top, top, 2, 3, 2, 3));
  return <f64>max(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

/** exp(v − top) of two of the four lanes. */
// @ts-ignore: decorator
@inline
function lowExp(v: v128, top: f64): v128 { return decay(f64x2.sub(low(v), f64x2.splat(top))); }

// @ts-ignore: decorator
@inline
function highExp(v: v128, top: f64): v128 { return decay(f64x2.sub(high(v), f64x2.splat(top))); }

// @ts-ignore: decorator
@inline
function sumExp(x: usize, axis: i32, step: usize, top: f64): f64 {
  let sum = f64x2.splat(0);
  for (let j = 0; j < axis; j += 4) {
    const v = four(x, j, axis, step);
    sum = f64x2.add(sum, f64x2.add(lowExp(v, top), highExp(v, top)));
  }
  return horizontalWide(sum);
}

/** Stores four neighbours along the axis, or as many as are left. */
// @ts-ignore: decorator
@inline
function storeFour(y: usize, v: v128, left: i32, step: usize): void {
  if (step == 4) return storeLanes(y, v, left);
  v128.store32_lane(y, v, 0);
  if (left > 1) v128.store32_lane(y + step, v, 1);
  if (left > 2) v128.store32_lane(y + 2 * step, v, 2);
  if (left > 3) v128.store32_lane(y + 3 * step, v, 3);
}

/**
 * Softmax along one axis, in double precision inside.
 *
 *   y_i = exp(x_i − max x) / Σ_j exp(x_j − max x)
 *
 * @param x f32[outer, axis, inner] @param y f32[outer, axis, inner], written; may be x
 */
export function softmaxForward(x: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  if (!ASC_NO_ASSERT) check(x, y, outer, axis, inner);
  const step: usize = inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = <usize>((o * axis * inner + i) << 2);
      const top = largest(x + at, axis, step);
      const share = f64x2.splat(1 / sumExp(x + at, axis, step, top));
      for (let j = 0; j < axis; j += 4) {
        const v = four(x + at, j, axis, step);
        const shares = narrow(f64x2.mul(lowExp(v, top), share), f64x2.mul(highExp(v, top), share));
        storeFour(y + at + <usize>j * step, shares, axis - j, step);
      }
    }
  }
}

/** Logarithm of `softmaxForward`: y_i = x_i − max x − log Σ_j exp(x_j − max x). In place as well. */
export function logSoftmaxForward(x: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  if (!ASC_NO_ASSERT) check(x, y, outer, axis, inner);
  const step: usize = inner << 2;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = <usize>((o * axis * inner + i) << 2);
      const top = largest(x + at, axis, step);
      const total = f64x2.extract_lane(log(f64x2.splat(sumExp(x + at, axis, step, top))), 0);
      for (let j = 0; j < axis; j++) {
        f32.store(y + at + <usize>j * step, <f32>(<f64>f32.load(x + at + <usize>j * step) - top - total));
      }
    }
  }
}

/** What the way back through a softmax makes of one number, from Σ over its group. */
// @ts-ignore: decorator
@unmanaged
abstract class Back {
  /** What is summed. */
  abstract term(p: f64, r: f64): f64;
  abstract value(x: f64, p: f64, r: f64, sum: f64): f64;
}

// @ts-ignore: decorator
@final @unmanaged
class Slope extends Back {
  // @ts-ignore: decorator
  @inline term(p: f64, r: f64): f64 { return p * r; }
  // @ts-ignore: decorator
  @inline value(x: f64, p: f64, r: f64, sum: f64): f64 { return p * (r - sum); }
}

// @ts-ignore: decorator
@final @unmanaged
class LogSlope extends Back {
  // @ts-ignore: decorator
  @inline term(p: f64, r: f64): f64 { return r; }
  // @ts-ignore: decorator
  @inline value(x: f64, p: f64, r: f64, sum: f64): f64 { return r - f64x2.extract_lane(exp(f64x2.splat(p)), 0) * sum; }
}

// @ts-ignore: decorator
@final @unmanaged
class Taylor extends Back {
  // @ts-ignore: decorator
  @inline term(p: f64, r: f64): f64 { return r; }
  // @ts-ignore: decorator
  @inline value(x: f64, p: f64, r: f64, sum: f64): f64 { return abs(x) < Infinity ? x * (r - p * sum) : 0; }
}

// @ts-ignore: decorator
@inline
function back<T extends Back>(x: usize, p: usize, r: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  if (!ASC_NO_ASSERT) {
    assert(axis >= 1, "the axis has no numbers");
    const count = product(outer, axis, inner);
    inPlace(y, r, count);
    apart(y, count, x, count, p, count);
  }
  const step = <usize>inner << 2, row = <usize>axis * step;
  for (let o = 0; o < outer; o++) {
    const first = <usize>o * row;
    for (let i = 0; i < inner; i++) {
      const start = first + (<usize>i << 2);
      let sum: f64 = 0;
      for (let at = start, end = start + row; at < end; at += step) {
        sum += changetype<T>(0).term(<f64>f32.load(p + at), <f64>f32.load(r + at));
      }
      for (let at = start, end = start + row; at < end; at += step) {
        const v = changetype<T>(0).value(<f64>f32.load(x + at), <f64>f32.load(p + at), <f64>f32.load(r + at), sum);
        f32.store(y + at, <f32>v);
      }
    }
  }
}

/**
 * The transposed Jacobian of the softmax.
 *
 *   y_i = p_i (r_i − Σ_j p_j r_j)
 *
 * @param p f32[outer, axis, inner], the softmax @param y f32[outer, axis, inner], written; may be r
 */
export function softmaxVjp(p: usize, r: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  back<Slope>(p, p, r, y, outer, axis, inner);
}

/** The same of the logarithm l of the softmax: y_i = r_i − exp(l_i) Σ_j r_j. */
export function logSoftmaxVjp(l: usize, r: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  back<LogSlope>(l, l, r, y, outer, axis, inner);
}

/**
 * The rule of AttnLRP (Achtibat et al. 2024, proposition 3.1): the first-order Taylor terms of the softmax p of x.
 *
 *   y_i = x_i (r_i − p_i Σ_j r_j),   0 where x_i is infinite
 *
 * @param y f32[outer, axis, inner], written; may be r
 */
export function softmaxTaylor(x: usize, p: usize, r: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  back<Taylor>(x, p, r, y, outer, axis, inner);
}

/**
 * Sum and sum of magnitudes: blocks in single precision, the rest in double, chunk by chunk.
 *
 *   sums[0] = Σ x_i      sums[1] = Σ |x_i|      both within 1e-7 · Σ |x_i|
 *
 * @param x f32[count] @param sums f64[2], written
 */
export function sum(x: usize, sums: usize, count: i32): void {
  if (!ASC_NO_ASSERT) apart(sums, 4, x, count);
  memory.fill(sums, 0, 16);
  for (let i = 0; i < count; i += CHUNK) addChunk(x + (<usize>i << 2), sums, min(CHUNK, count - i));
}

function addChunk(x: usize, sums: usize, count: i32): void {
  let total = f64x2.splat(0), magnitude = f64x2.splat(0);
  let i = 0;
  for (const whole = count & ~15; i < whole; ) {
    let block = f32x4.splat(0), sizes = f32x4.splat(0);
    for (const end = min(whole, i + BLOCK); i < end; i += 16) {
      const at = x + (<usize>i << 2);
      const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48);
      block = f32x4.add(block, add4(a, b, c, d));
      sizes = f32x4.add(sizes, add4(f32x4.abs(a), f32x4.abs(b), f32x4.abs(c), f32x4.abs(d)));
    }
    total = addWide(total, block);
    magnitude = addWide(magnitude, sizes);
  }
  let t = horizontalWide(total), m = horizontalWide(magnitude);
  for (; i < count; i++) {
    const v = f32.load(x + (<usize>i << 2));
    t += <f64>v;
    m += <f64>abs(v);
  }
  f64.store(sums, f64.load(sums) + t);
  f64.store(sums, f64.load(sums, 8) + m, 8);
}

// @ts-ignore: decorator
@inline
function add4(a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}
