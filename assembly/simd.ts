/** a · b + c: fused and rounded once in the relaxed binary, rounded twice in the plain one. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The same of two numbers in double precision. */
// @ts-ignore: decorator
@inline
export function maddWide(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/**
 * The two-slope map p · max(v, 0) + q · min(v, 0), from which W⁺, W⁻, x⁺, x⁻ and γ's weights are all made.
 * `pmax` and `pmin` are one machine instruction, `max` and `min` are not.
 */
// @ts-ignore: decorator
@inline
export function slope(v: v128, p: v128, q: v128): v128 {
  const zero = f32x4.splat(0);
  return f32x4.add(f32x4.mul(p, f32x4.pmax(v, zero)), f32x4.mul(q, f32x4.pmin(v, zero)));
}

// @ts-ignore: decorator
@inline
export function slopeScalar(v: f32, p: f32, q: f32): f32 {
  return v > 0 ? p * v : q * v;
}

/** The sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function horizontal(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/**
 * Numbers that may be added up in f32 before the sum goes on in f64 (`addWide`): 32 to a lane, which loses
 * at most 2e-6 of Σ |x| and as a rule less than 1e-7, and makes the step into f64 cost next to nothing.
 */
export const BLOCK: i32 = 128;

/**
 * Numbers whose sum is made by itself before it is added to the whole: a sum over more than that can be shared out
 * to several threads and comes out the same.
 */
export const CHUNK: i32 = 16384;

/**
 * What t = u + c has lost of c by rounding; 0 where that is not finite. A sum that goes on from it loses nothing where
 * it is carried.
 */
// @ts-ignore: decorator
@inline
export function lost(u: v128, c: v128, t: v128): v128 {
  const rest = f32x4.sub(c, f32x4.sub(t, u));
  return v128.and(rest, f32x4.eq(f32x4.sub(rest, rest), f32x4.splat(0)));
}

/** Lanes 0 and 1 in double precision. */
// @ts-ignore: decorator
@inline
export function low(v: v128): v128 { return f64x2.promote_low_f32x4(v); }

/** Lanes 2 and 3 in double precision. */
// @ts-ignore: decorator
@inline
export function high(v: v128): v128 { return f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3)); }

/** Two and two numbers in double precision, rounded to four lanes. */
// @ts-ignore: decorator
@inline
export function narrow(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}

/** acc + the four lanes of v, in double precision (two partial sums). */
// @ts-ignore: decorator
@inline
export function addWide(acc: v128, v: v128): v128 { return f64x2.add(acc, f64x2.add(low(v), high(v))); }

// @ts-ignore: decorator
@inline
export function horizontalWide(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** Stores the first `lanes` (1 to 4) of v. */
// @ts-ignore: decorator
@inline
export function storeLanes(y: usize, v: v128, lanes: i32): void {
  if (lanes >= 4) {
    v128.store(y, v);
    return;
  }
  f32.store(y, f32x4.extract_lane(v, 0));
  if (lanes > 1) f32.store(y, f32x4.extract_lane(v, 1), 4);
  if (lanes > 2) f32.store(y, f32x4.extract_lane(v, 2), 8);
}

/** The first `lanes` (1 or more) of what stands at x, and zeros after them; reads all four. */
// @ts-ignore: decorator
@inline
export function loadLanes(x: usize, lanes: i32): v128 {
  const v = v128.load(x);
  return lanes >= 4 ? v : v128.and(v, i32x4.gt_s(i32x4.splat(lanes), i32x4(0, 1, 2, 3)));
}
