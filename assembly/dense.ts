import { apart, product, span } from "./check";
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

/**
 * Inputs that are summed in one go. Sums are carried from block to block in y: a sum of n numbers one after another
 * loses up to n roundings, and the relevance that passes a layer is held to 1e-5.
 */
const RUN: i32 = 1024;

// @ts-ignore: decorator
@inline
function dot<T extends Weights>(x: usize, w: usize, length: i32, p: f32, q: f32): f32 {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  let sum = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= length; i += 4) sum = madd(v128.load(x + (i << 2)), map.vector(v128.load(w + (i << 2)), pv, qv), sum);
  let total = horizontal(sum);
  for (; i < length; i++) total += f32.load(x + (i << 2)) * map.scalar(f32.load(w + (i << 2)), p, q);
  return total;
}

/** Three rows of x against four rows of w: 12 sums in registers, each weight read once for three rows. */
// @ts-ignore: decorator
@inline
function tile3x4<T extends Weights>(
  x: usize, w: usize, from: usize, y: usize, fromBytes: usize, mBytes: usize, kBytes: usize, length: i32, p: f32,
  q: f32,
): void {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  const zero = f32x4.splat(0);
  let s00 = zero, s01 = zero, s02 = zero, s03 = zero;
  let s10 = zero, s11 = zero, s12 = zero, s13 = zero;
  let s20 = zero, s21 = zero, s22 = zero, s23 = zero;
  const end: usize = (length & ~3) << 2;
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
  finish<T>(x, w, from, y, length, kBytes, p, q, s00, s01, s02, s03);
  finish<T>(x1, w, from + fromBytes, y + mBytes, length, kBytes, p, q, s10, s11, s12, s13);
  finish<T>(x2, w, from + 2 * fromBytes, y + 2 * mBytes, length, kBytes, p, q, s20, s21, s22, s23);
}

// @ts-ignore: decorator
@inline
function tile1x4<T extends Weights>(
  x: usize, w: usize, from: usize, y: usize, kBytes: usize, length: i32, p: f32, q: f32,
): void {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  const zero = f32x4.splat(0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const end: usize = (length & ~3) << 2;
  const w1 = w + kBytes, w2 = w1 + kBytes, w3 = w2 + kBytes;
  for (let i: usize = 0; i < end; i += 16) {
    const a = v128.load(x + i);
    s0 = madd(a, map.vector(v128.load(w + i), pv, qv), s0);
    s1 = madd(a, map.vector(v128.load(w1 + i), pv, qv), s1);
    s2 = madd(a, map.vector(v128.load(w2 + i), pv, qv), s2);
    s3 = madd(a, map.vector(v128.load(w3 + i), pv, qv), s3);
  }
  finish<T>(x, w, from, y, length, kBytes, p, q, s0, s1, s2, s3);
}

/** Adds four sums and the last length % 4 products to what stands at `from`, and stores them at y. */
// @ts-ignore: decorator
@inline
function finish<T extends Weights>(
  x: usize, w: usize, from: usize, y: usize, length: i32, kBytes: usize, p: f32, q: f32,
  s0: v128, s1: v128, s2: v128, s3: v128,
): void {
  const map = changetype<T>(0);
  let t0 = horizontal(s0), t1 = horizontal(s1), t2 = horizontal(s2), t3 = horizontal(s3);
  for (let i = length & ~3; i < length; i++) {
    const a = f32.load(x + (i << 2));
    const at = w + (i << 2);
    t0 += a * map.scalar(f32.load(at), p, q);
    t1 += a * map.scalar(f32.load(at + kBytes), p, q);
    t2 += a * map.scalar(f32.load(at + 2 * kBytes), p, q);
    t3 += a * map.scalar(f32.load(at + 3 * kBytes), p, q);
  }
  f32.store(y, f32.load(from) + t0);
  f32.store(y, f32.load(from, 4) + t1, 4);
  f32.store(y, f32.load(from, 8) + t2, 8);
  f32.store(y, f32.load(from, 12) + t3, 12);
}

// @ts-ignore: decorator
@inline
function forward<T extends Weights>(
  x: usize, w: usize, b: usize, y: usize, n: i32, m: i32, k: i32, yRow: i32, p: f32, q: f32,
): void {
  const kBytes: usize = k << 2, mBytes: usize = yRow << 2;
  const adds = b == y, long = k > RUN && !adds;
  const bBytes: usize = adds ? mBytes : 0;
  let o = 0;
  for (; o + 4 <= m; o += 4) {
    const yo = y + (o << 2);
    if (long) for (let i = 0; i < n; i++) v128.store(yo + <usize>i * mBytes, f32x4.splat(0));
    for (let first = 0; first == 0 || first < k; first += RUN) {
      const length = min(RUN, k - first);
      const xo = x + (first << 2), wo = w + <usize>o * kBytes + (first << 2);
      // The bias is the same for all rows; blocks of a long sum go on with what stands in y, and the bias comes last.
      const from = long ? yo : b + (o << 2);
      const fromBytes: usize = long ? mBytes : bBytes;
      let i = 0;
      for (; i + 3 <= n; i += 3) {
        tile3x4<T>(xo + <usize>i * kBytes, wo, from + <usize>i * fromBytes, yo + <usize>i * mBytes, fromBytes, mBytes,
          kBytes, length, p, q);
      }
      for (; i < n; i++) {
        tile1x4<T>(xo + <usize>i * kBytes, wo, from + <usize>i * fromBytes, yo + <usize>i * mBytes, kBytes, length, p,
          q);
      }
    }
    if (long) {
      for (let i = 0; i < n; i++) {
        const at = yo + <usize>i * mBytes;
        v128.store(at, f32x4.add(v128.load(at), v128.load(b + (o << 2))));
      }
    }
  }
  for (; o < m; o++) {
    for (let i = 0; i < n; i++) {
      let value: f64 = 0;
      for (let first = 0; first == 0 || first < k; first += RUN) {
        value += dot<T>(x + <usize>i * kBytes + (first << 2), w + <usize>o * kBytes +
        (first << 2), min(RUN, k - first), p, q);
      }
      f32.store(y + <usize>i * mBytes + (o << 2), <f32>(value + <f64>f32.load(b + <usize>i * bBytes + (o << 2))));
    }
  }
}

/** With the weights as they are. Where b is y, what stands in y has the place of the bias. */
export function plain(x: usize, w: usize, b: usize, y: usize, n: i32, m: i32, k: i32, yRow: i32): void {
  forward<Plain>(x, w, b, y, n, m, k, yRow, 1, 1);
}

/** y += x · wᵀ, for other kernels; arguments as those of `denseForward`. */
export function accumulate(x: usize, w: usize, y: usize, n: i32, m: i32, k: i32, yRow: i32): void {
  plain(x, w, y, y, n, m, k, yRow);
}

/**
 * Dense layer.
 *
 *   y[n, m] = b[m] + Σ_k x[n, k] · f(w[m, k]),   f(v) = p · max(v, 0) + q · min(v, 0)
 *
 * Weights stay as the file has them, rows of k: one layout serves this kernel and `denseVjp`, and W⁺, W⁻ need no copy.
 *
 * @param x f32[n, k] @param w f32[m, k] @param b f32[m]
 * @param y f32[n, m], written, its rows `yRow` apart; overlaps nothing
 */
export function denseForward(
  x: usize, w: usize, b: usize, y: usize, n: i32, m: i32, k: i32, yRow: i32, p: f32, q: f32,
): void {
  if (!ASC_NO_ASSERT) {
    assert(yRow >= m, "rows of y overlap");
    apart(y, span(n, yRow, m, 1), x, product(n, k), w, product(m, k), b, m);
  }
  if (p == 1 && q == 1) plain(x, w, b, y, n, m, k, yRow);
  else forward<Sloped>(x, w, b, y, n, m, k, yRow, p, q);
}

/** Columns of w that are worked on together, so that the sums stay in the first-level cache. */
const BLOCK: i32 = 2048;
/** Neurons whose shares are added up before they are added to those of others. */
const MOST: i32 = 1024;

/** Whether any sample has relevance at neuron o. */
// @ts-ignore: decorator
@inline
function lives(s: usize, n: i32, m: i32, o: i32): bool {
  for (let i = 0; i < n; i++) if (f32.load(s + ((i * m + o) << 2)) != 0) return true;
  return false;
}

/** The first neuron from o on that has relevance; m where none has. */
// @ts-ignore: decorator
@inline
export function next(s: usize, n: i32, m: i32, o: i32): i32 {
  while (o < m && !lives(s, n, m, o)) o++;
  return o;
}

/** Relevance of neuron o of a sample; beyond the last there is none. */
// @ts-ignore: decorator
@inline
function scaleOf(s: usize, m: i32, o: i32): f32 {
  return o < m ? f32.load(s + (o << 2)) : 0;
}

/** Its row of weights; beyond the last any row will do, the scale being 0. */
// @ts-ignore: decorator
@inline
function rowOf(w: usize, m: i32, k: i32, o: i32): usize {
  return w + (<usize>min(o, m - 1) * <usize>k << 2);
}

/** Adds rows of `count` numbers to those of y, and clears them. */
export function addRows(x: usize, y: usize, n: i32, count: i32, yBytes: usize): void {
  for (let i = 0; i < n; i++, y += yBytes) {
    for (let j = 0; j < count; j++, x += 4) f32.store(y + (<usize>j << 2), f32.load(y + (<usize>j << 2)) + f32.load(x));
  }
  const bytes = <usize>(n * count) << 2;
  memory.fill(x - bytes, 0, bytes);
}

/** Eight neurons at a time, which makes the sums in y eight times shorter; where they are many, in two stages. */
// @ts-ignore: decorator
@inline
function vjp<T extends Weights>(
  s: usize, w: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32, columns: i32, p: f32, q: f32,
): void {
  const map = changetype<T>(0);
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  const many = m > MOST;
  for (let i = 0; i < n; i++) memory.fill(y + (<usize>i * <usize>k << 2), 0, <usize>columns << 2);
  if (many) memory.fill(scratch, 0, <usize>(n * min(BLOCK, columns)) << 2);
  for (let first = 0; first < columns; first += BLOCK) {
    const count = min(BLOCK, columns - first);
    const end: usize = (count & ~3) << 2;
    const from = w + (<usize>first << 2), to = y + (<usize>first << 2);
    const sums = many ? scratch : to, row = <usize>(many ? count : k) << 2;
    let eights = 0;
    // A neuron without relevance passes none on: its weights are not even read.
    for (let o0 = next(s, n, m, 0); o0 < m;) {
      const o1 = next(s, n, m, o0 + 1), o2 = next(s, n, m, o1 + 1), o3 = next(s, n, m, o2 + 1),
        o4 = next(s, n, m, o3 + 1);
      const o5 = next(s, n, m, o4 + 1), o6 = next(s, n, m, o5 + 1), o7 = next(s, n, m, o6 + 1);
      const w0 = rowOf(from, m, k, o0), w1 = rowOf(from, m, k, o1), w2 = rowOf(from, m, k, o2),
        w3 = rowOf(from, m, k, o3);
      const w4 = rowOf(from, m, k, o4), w5 = rowOf(from, m, k, o5), w6 = rowOf(from, m, k, o6),
        w7 = rowOf(from, m, k, o7);
      for (let i = 0; i < n; i++) {
        const at = s + (<usize>(i * m) << 2);
        const a0 = scaleOf(at, m, o0), a1 = scaleOf(at, m, o1), a2 = scaleOf(at, m, o2), a3 = scaleOf(at, m, o3);
        const a4 = scaleOf(at, m, o4), a5 = scaleOf(at, m, o5), a6 = scaleOf(at, m, o6), a7 = scaleOf(at, m, o7);
        const v0 = f32x4.splat(a0), v1 = f32x4.splat(a1), v2 = f32x4.splat(a2), v3 = f32x4.splat(a3);
        const v4 = f32x4.splat(a4), v5 = f32x4.splat(a5), v6 = f32x4.splat(a6), v7 = f32x4.splat(a7);
        const sum = sums + <usize>i * row;
        for (let j: usize = 0; j < end; j += 16) {
          let low = f32x4.mul(v0, map.vector(v128.load(w0 + j), pv, qv));
          let high = f32x4.mul(v4, map.vector(v128.load(w4 + j), pv, qv));
          low = madd(v1, map.vector(v128.load(w1 + j), pv, qv), low);
          high = madd(v5, map.vector(v128.load(w5 + j), pv, qv), high);
          low = madd(v2, map.vector(v128.load(w2 + j), pv, qv), low);
          high = madd(v6, map.vector(v128.load(w6 + j), pv, qv), high);
          low = madd(v3, map.vector(v128.load(w3 + j), pv, qv), low);
          high = madd(v7, map.vector(v128.load(w7 + j), pv, qv), high);
          v128.store(sum + j, f32x4.add(v128.load(sum + j), f32x4.add(low, high)));
        }
        for (let j: usize = end; j < <usize>count << 2; j += 4) {
          const low = a0 * map.scalar(f32.load(w0 + j), p, q) + a1 * map.scalar(f32.load(w1 + j), p, q)
            + a2 * map.scalar(f32.load(w2 + j), p, q) + a3 * map.scalar(f32.load(w3 + j), p, q);
          const high = a4 * map.scalar(f32.load(w4 + j), p, q) + a5 * map.scalar(f32.load(w5 + j), p, q)
            + a6 * map.scalar(f32.load(w6 + j), p, q) + a7 * map.scalar(f32.load(w7 + j), p, q);
          f32.store(sum + j, f32.load(sum + j) + (low + high));
        }
      }
      o0 = next(s, n, m, o7 + 1);
      if (many && (++eights == MOST >> 3 || o0 >= m)) {
        addRows(sums, to, n, count, <usize>k << 2);
        eights = 0;
      }
    }
  }
}

/** y[n, k] = Σ_m s[n, m] · w[m, k], of at most 1024 neurons, for other kernels. */
export function shares(s: usize, w: usize, y: usize, n: i32, m: i32, k: i32): void {
  plainVjp(s, w, y, 0, n, m, k, k);
}

/** With the weights as they are. */
function plainVjp(s: usize, w: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32, columns: i32): void {
  vjp<Plain>(s, w, y, scratch, n, m, k, columns, 1, 1);
}

/**
 * Transposed dense layer: the vector-Jacobian product of `denseForward`.
 *
 *   y[n, k] = Σ_m s[n, m] · f(w[m, k])
 *
 * @param s f32[n, m] @param w f32[m, k] @param y f32[n, k], written; overlaps nothing
 * @param scratch f32[n, min(columns, 2048)]; where m is at most 1024, f32[1]
 * @param columns how many of the k are computed, from those at which w and y point
 */
export function denseVjp(
  s: usize, w: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32, columns: i32, p: f32, q: f32,
): void {
  if (!ASC_NO_ASSERT) {
    assert(columns <= k, "more columns than there are");
    const room = m > MOST ? product(n, min(columns, BLOCK)) : 1;
    apart(y, span(n, k, columns, 1), s, product(n, m), w, span(m, k, columns, 1), scratch, room);
    apart(scratch, room, s, product(n, m), w, span(m, k, columns, 1));
  }
  if (p == 1 && q == 1) plainVjp(s, w, y, scratch, n, m, k, columns);
  else vjp<Sloped>(s, w, y, scratch, n, m, k, columns, p, q);
}
