import { apart, inPlace, product } from "./check";
import { exp, log } from "./math";
import { addWide, BLOCK, CHUNK, horizontalWide } from "./simd";

function check(x: usize, y: usize, outer: i32, axis: i32, inner: i32): void {
  assert(axis >= 1, "the axis has no numbers");
  inPlace(y, x, product(outer, axis, inner));
}

/** The largest of `axis` numbers that stand `inner` apart. */
// @ts-ignore: decorator
@inline
function largest(x: usize, axis: i32, step: usize): f64 {
  let top = f32.load(x);
  for (let i = 1; i < axis; i++) top = max(top, f32.load(x + <usize>i * step));
  return <f64>top;
}

/** x_j − top of two neighbours along the axis; behind the last one, what has an exponential of nothing. */
// @ts-ignore: decorator
@inline
function two(x: usize, j: i32, axis: i32, step: usize, top: f64): v128 {
  const at = x + <usize>j * step;
  return f64x2(<f64>f32.load(at) - top, j + 1 < axis ? <f64>f32.load(at + step) - top : -Infinity);
}

// @ts-ignore: decorator
@inline
function sumExp(x: usize, axis: i32, step: usize, top: f64): f64 {
  let sum = f64x2.splat(0);
  for (let j = 0; j < axis; j += 2) sum = f64x2.add(sum, exp(two(x, j, axis, step, top)));
  return horizontalWide(sum);
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
      const sum = sumExp(x + at, axis, step, top);
      for (let j = 0; j < axis; j += 2) {
        const share = f64x2.div(exp(two(x + at, j, axis, step, top)), f64x2.splat(sum)), to = y + at + <usize>j * step;
        f32.store(to, <f32>f64x2.extract_lane(share, 0));
        if (j + 1 < axis) f32.store(to + step, <f32>f64x2.extract_lane(share, 1));
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
