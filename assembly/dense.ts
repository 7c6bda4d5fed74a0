import { horizontal, madd, slope, slopeScalar } from "./simd";

/** Weights as they are, or through the two-slope map: the choice is made once per call, not once per number. */
// @ts-ignore: decorator
@unmanaged
abstract class Weights {
  abstract vector(v: v128, p: v128, q: v128): v128;
  abstract scalar(v: f32, p: f32, q: f32): f32;
}

// @ts-ignore: decorator
@final @unmanaged
class Plain extends Weights {
  // @ts-ignore: decorator
  @inline vector(v: v128, p: v128, q: v128): v128 { return v; }
  // @ts-ignore: decorator
  @inline scalar(v: f32, p: f32, q: f32): f32 { return v; }
}

// @ts-ignore: decorator
@final @unmanaged
class Sloped extends Weights {
  // @ts-ignore: decorator
  @inline vector(v: v128, p: v128, q: v128): v128 { return slope(v, p, q); }
  // @ts-ignore: decorator
  @inline scalar(v: f32, p: f32, q: f32): f32 { return slopeScalar(v, p, q); }
}

// @ts-ignore: decorator
@inline
function dot<T extends Weights>(x: usize, w: usize, k: i32, p: f32, q: f32): f32 {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  let sum = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= k; i += 4) sum = madd(v128.load(x + (i << 2)), map.vector(v128.load(w + (i << 2)), pv, qv), sum);
  let total = horizontal(sum);
  for (; i < k; i++) total += f32.load(x + (i << 2)) * map.scalar(f32.load(w + (i << 2)), p, q);
  return total;
}

/** Three rows of x against four rows of w: 12 sums in registers, each weight read once for three rows. */
// @ts-ignore: decorator
@inline
function tile3x4<T extends Weights>(x: usize, w: usize, b: usize, y: usize, m: i32, k: i32, p: f32, q: f32): void {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  const zero = f32x4.splat(0);
  const kBytes: usize = k << 2, mBytes: usize = m << 2;
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero;
  let s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  let s20 = zero, s21 = zero, s22 = zero, s23 = zero;
  const end: usize = (k & ~3) << 2;
  const x1 = x + kBytes, x2 = x1 + kBytes, w1 = w + kBytes, w2 = w1 + kBytes, w3 = w2 + kBytes;
  for (let i: usize = 0; i < end; i += 16) {
    const a0 = v128.load(x + i), a1 = v128.load(x1 + i), a2 = v128.load(x2 + i);
    let v = map.vector(v128.load(w + i), pv, qv);
    s00 = madd(a0, v, s00); s10 = madd(a1, v, s10); s20 = madd(a2, v, s20);
    v = map.vector(v128.load(w1 + i), pv, qv);
    s01 = madd(a0, v, s01); s11 = madd(a1, v, s11); s21 = madd(a2, v, s21);
    v = map.vector(v128.load(w2 + i), pv, qv);
    s02 = madd(a0, v, s02); s12 = madd(a1, v, s12); s22 = madd(a2, v, s22);
    v = map.vector(v128.load(w3 + i), pv, qv);
    s03 = madd(a0, v, s03); s13 = madd(a1, v, s13); s23 = madd(a2, v, s23);
  }
  finish<T>(x, w, b, y, k, kBytes, p, q, s00, s01, s02, s03);
  finish<T>(x1, w, b, y + mBytes, k, kBytes, p, q, s10, s11, s12, s13);
  finish<T>(x2, w, b, y + 2 * mBytes, k, kBytes, p, q, s20, s21, s22, s23);
}

// @ts-ignore: decorator
@inline
function tile1x4<T extends Weights>(x: usize, w: usize, b: usize, y: usize, k: i32, p: f32, q: f32): void {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  const zero = f32x4.splat(0);
  const kBytes: usize = k << 2;
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const end: usize = (k & ~3) << 2;
  const w1 = w + kBytes, w2 = w1 + kBytes, w3 = w2 + kBytes;
  for (let i: usize = 0; i < end; i += 16) {
    const a = v128.load(x + i);
    s0 = madd(a, map.vector(v128.load(w + i), pv, qv), s0);
    s1 = madd(a, map.vector(v128.load(w1 + i), pv, qv), s1);
    s2 = madd(a, map.vector(v128.load(w2 + i), pv, qv), s2);
    s3 = madd(a, map.vector(v128.load(w3 + i), pv, qv), s3);
  }
  finish<T>(x, w, b, y, k, kBytes, p, q, s0, s1, s2, s3);
}

/** Adds bias and the last k % 4 products to four sums and stores them. */
// @ts-ignore: decorator
@inline
function finish<T extends Weights>(
  x: usize, w: usize, b: usize, y: usize, k: i32, kBytes: usize, p: f32, q: f32,
  s0: v128, s1: v128, s2: v128, s3: v128,
): void {
  const map = changetype<T>(0);
  let t0 = horizontal(s0), t1 = horizontal(s1), t2 = horizontal(s2), t3 = horizontal(s3);
  for (let i = k & ~3; i < k; i++) {
    const a = f32.load(x + (i << 2));
    const at = w + (i << 2);
    t0 += a * map.scalar(f32.load(at), p, q);
    t1 += a * map.scalar(f32.load(at + kBytes), p, q);
    t2 += a * map.scalar(f32.load(at + 2 * kBytes), p, q);
    t3 += a * map.scalar(f32.load(at + 3 * kBytes), p, q);
  }
  f32.store(y, t0 + f32.load(b));
  f32.store(y, t1 + f32.load(b, 4), 4);
  f32.store(y, t2 + f32.load(b, 8), 8);
  f32.store(y, t3 + f32.load(b, 12), 12);
}

// @ts-ignore: decorator
@inline
function forward<T extends Weights>(x: usize, w: usize, b: usize, y: usize, n: i32, m: i32, k: i32, p: f32, q: f32): void {
  const kBytes: usize = k << 2, mBytes: usize = m << 2;
  let o = 0;
  for (; o + 4 <= m; o += 4) {
    const wo = w + <usize>o * kBytes, bo = b + (o << 2), yo = y + (o << 2);
    let i = 0;
    for (; i + 3 <= n; i += 3) tile3x4<T>(x + <usize>i * kBytes, wo, bo, yo + <usize>i * mBytes, m, k, p, q);
    for (; i < n; i++) tile1x4<T>(x + <usize>i * kBytes, wo, bo, yo + <usize>i * mBytes, k, p, q);
  }
  for (; o < m; o++) {
    for (let i = 0; i < n; i++) {
      const value = dot<T>(x + <usize>i * kBytes, w + <usize>o * kBytes, k, p, q) + f32.load(b + (o << 2));
      f32.store(y + <usize>i * mBytes + (o << 2), value);
    }
  }
}

/**
 * Dense layer.
 *
 *   y[n, m] = b[m] + Σ_k x[n, k] · f(w[m, k]),   f(v) = p · max(v, 0) + q · min(v, 0)
 *
 * Weights stay as the file has them, rows of k: one layout serves this kernel and `denseVjp`, and W⁺, W⁻ need no copy.
 *
 * @param x f32[n, k] @param w f32[m, k] @param b f32[m] @param y f32[n, m], written; overlaps nothing
 */
export function denseForward(x: usize, w: usize, b: usize, y: usize, n: i32, m: i32, k: i32, p: f32, q: f32): void {
  if (p == 1 && q == 1) forward<Plain>(x, w, b, y, n, m, k, p, q);
  else forward<Sloped>(x, w, b, y, n, m, k, p, q);
}

/** Columns of w that are worked on together, so that the sums stay in the first-level cache. */
const BLOCK: i32 = 2048;

// @ts-ignore: decorator
@inline
function vjp<T extends Weights>(s: usize, w: usize, y: usize, n: i32, m: i32, k: i32, p: f32, q: f32): void {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  memory.fill(y, 0, <usize>n * <usize>k << 2);
  for (let from = 0; from < k; from += BLOCK) {
    const count = min(BLOCK, k - from);
    const end: usize = (count & ~3) << 2;
    for (let o = 0; o < m; o++) {
      const row = w + ((<usize>o * <usize>k + <usize>from) << 2);
      for (let i = 0; i < n; i++) {
        const scale = f32.load(s + ((<usize>i * <usize>m + <usize>o) << 2));
        // A neuron without relevance passes none on: its weights are not even read.
        if (scale == 0) continue;
        const sum = y + ((<usize>i * <usize>k + <usize>from) << 2);
        const sv = f32x4.splat(scale);
        for (let j: usize = 0; j < end; j += 16) {
          v128.store(sum + j, madd(sv, map.vector(v128.load(row + j), pv, qv), v128.load(sum + j)));
        }
        for (let j: usize = end; j < <usize>count << 2; j += 4) {
          f32.store(sum + j, f32.load(sum + j) + scale * map.scalar(f32.load(row + j), p, q));
        }
      }
    }
  }
}

/**
 * Transposed dense layer: the vector-Jacobian product of `denseForward`.
 *
 *   y[n, k] = Σ_m s[n, m] · f(w[m, k])
 *
 * @param s f32[n, m] @param w f32[m, k] @param y f32[n, k], written; overlaps nothing
 */
export function denseVjp(s: usize, w: usize, y: usize, n: i32, m: i32, k: i32, p: f32, q: f32): void {
  if (p == 1 && q == 1) vjp<Plain>(s, w, y, n, m, k, p, q);
  else vjp<Sloped>(s, w, y, n, m, k, p, q);
}
