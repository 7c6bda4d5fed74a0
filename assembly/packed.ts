import { apart, product, span } from "./check";
import { addRows, next, plain, shares } from "./dense";
import { slope, slopeScalar } from "./simd";

/*
 * Dense layers whose weights stay integers of 8 or 4 bits in memory. A few rows at a time become floats, from which the
 * kernels of dense layers compute.
 */

/** Rows of weights of which sums are made before they are added to those of others. */
const ROWS: i32 = 32;
/** Columns that are worked on together. */
const BLOCK: i32 = 2048;

/** Sixteen integers of 8 bits as floats: f((q − z) · s). */
// @ts-ignore: decorator
@inline
function store16(y: usize, bytes: v128, z: v128, s: v128, isPlain: bool, p: v128, q: v128): void {
  const low = i16x8.extend_low_i8x16_s(bytes), high = i16x8.extend_high_i8x16_s(bytes);
  store4(y, i32x4.extend_low_i16x8_s(low), z, s, isPlain, p, q);
  store4(y + 16, i32x4.extend_high_i16x8_s(low), z, s, isPlain, p, q);
  store4(y + 32, i32x4.extend_low_i16x8_s(high), z, s, isPlain, p, q);
  store4(y + 48, i32x4.extend_high_i16x8_s(high), z, s, isPlain, p, q);
}

// @ts-ignore: decorator
@inline
function store4(y: usize, integers: v128, z: v128, s: v128, isPlain: bool, p: v128, q: v128): void {
  const v = f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(integers), z), s);
  v128.store(y, isPlain ? v : slope(v, p, q));
}

/** Sixteen integers of 4 bits, the first in the lowest ones, in a byte each. */
// @ts-ignore: decorator
@inline
function nibbles(x: usize): v128 {
  const pairs = v128.load64_zero(x);
  return i8x16.shuffle(v128.and(pairs, i8x16.splat(15)), i8x16.shr_u(pairs, 4),
    0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

/** Row o of the weights, from column `from` on, as floats: y[i] = f((q − z) · s). */
function unpack(
  w: usize, scales: usize, zeros: usize, y: usize, o: i32, k: i32, from: i32, count: i32, block: i32, bits: i32, p: f32,
  q: f32,
): void {
  const row = w + <usize>o * <usize>(bits == 8 ? k : (k + 1) >> 1);
  const first = <usize>o * <usize>((k + block - 1) / block);
  const isPlain = p == 1 && q == 1;
  const pv = f32x4.splat(p), qv = f32x4.splat(q);
  const end = from + count;
  for (let i = from; i < end;) {
    const at = (first + <usize>(i / block)) << 2;
    const s = f32.load(scales + at), z = f32.load(zeros + at);
    const sv = f32x4.splat(s), zv = f32x4.splat(z);
    const stop = min(end, (i / block + 1) * block);
    if (bits == 8) {
      for (; i + 16 <= stop; i += 16, y += 64) store16(y, v128.load(row + i), zv, sv, isPlain, pv, qv);
    } else if ((i & 1) == 0) {
      for (; i + 16 <= stop; i += 16, y += 64) store16(y, nibbles(row + (i >> 1)), zv, sv, isPlain, pv, qv);
    }
    for (; i < stop; i++, y += 4) {
      const integer = bits == 8 ? <i32>load<i8>(row + i) : (<i32>load<u8>(row + (i >> 1)) >> ((i & 1) << 2)) & 15;
      const v = (<f32>integer - z) * s;
      f32.store(y, isPlain ? v : slopeScalar(v, p, q));
    }
  }
}

/** How many f32 the integers of rows take. */
function room(rows: i32, k: i32, bits: i32): i32 {
  return (product(rows, bits == 8 ? k : (k + 1) >> 1) + 3) >> 2;
}

/**
 * Dense layer of packed weights.
 *
 *   y[n, m] = b[m] + Σ_k x[n, k] · f((q[m, k] − z[m, k / block]) · s[m, k / block]),
 *   f(v) = p · max(v, 0) + q · min(v, 0)
 *
 * @param x f32[n, k] @param b f32[m] @param y f32[n, m], written, its rows `yRow` apart; overlaps nothing
 * @param w rows of k integers: signed ones of 8 bits, or unsigned ones of 4 bits, two in a byte, the first in the lower
 * half; each row begins a byte
 * @param scales f32[m, ceil(k / block)], s @param zeros likewise, z
 * @param scratch f32[4, k] @param block how many neighbours of a row share a scale @param bits 8 or 4
 */
export function packedForward(
  x: usize, w: usize, scales: usize, zeros: usize, b: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32,
  yRow: i32, block: i32, bits: i32, p: f32, q: f32,
): void {
  if (!ASC_NO_ASSERT) {
    assert(yRow >= m, "rows of y overlap");
    assert(block >= 1 && (bits == 8 || bits == 4), "blocks or bits of another kind");
    const groups = product(m, (k + block - 1) / block), nx = product(n, k), nw = room(m, k, bits);
    apart(y, span(n, yRow, m, 1), x, nx, w, nw, scales, groups, zeros, groups, b, m);
    apart(scratch, product(4, k), x, nx, w, nw, scales, groups, zeros, groups, b, m);
    apart(y, span(n, yRow, m, 1), scratch, product(4, k));
  }
  const row = <usize>k << 2;
  for (let o = 0; o < m; o += 4) {
    const rows = min(4, m - o);
    for (let r = 0; r < rows; r++)
      unpack(w, scales, zeros, scratch + <usize>r * row, o + r, k, 0, k, block, bits, p, q);
    const bo = b + (o << 2), yo = y + (o << 2);
    plain(x, scratch, bo, yo, n, rows, k, yRow);
  }
}

/**
 * The vector-Jacobian product of `packedForward`.
 *
 *   y[n, k] = Σ_m s[n, m] · f(the weights)
 *
 * @param s f32[n, m] @param w, scales, zeros, block, bits as those of `packedForward`
 * @param y f32[n, k] from column `first` on, written; overlaps nothing
 * @param scratch f32[32 + n, min(columns, 2048)] and f32[n, 32]
 * @param columns how many of the k are computed, from `first` on
 */
export function packedVjp(
  s: usize, w: usize, scales: usize, zeros: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32, first: i32,
  columns: i32, block: i32, bits: i32, p: f32, q: f32,
): void {
  if (!ASC_NO_ASSERT) {
    assert(first >= 0 && columns <= k - first, "more columns than there are");
    assert(block >= 1 && (bits == 8 || bits == 4), "blocks or bits of another kind");
    const groups = product(m, (k + block - 1) / block), ns = product(n, m), nw = room(m, k, bits);
    const own = product(ROWS + n, min(columns, BLOCK)) + product(n, ROWS);
    apart(y, span(n, k, columns, 1), s, ns, w, nw, scales, groups, zeros, groups, scratch, own);
    apart(scratch, own, s, ns, w, nw, scales, groups, zeros, groups);
  }
  for (let i = 0; i < n; i++) memory.fill(y + (<usize>i * <usize>k << 2), 0, <usize>columns << 2);
  for (let c = 0; c < columns; c += BLOCK) {
    const count = min(BLOCK, columns - c);
    const sums = scratch + (<usize>(ROWS * count) << 2), own = sums + (<usize>(n * count) << 2);
    // A neuron without relevance passes none on: its weights are not even read.
    for (let o = next(s, n, m, 0); o < m;) {
      memory.fill(own, 0, <usize>(n * ROWS) << 2);
      // Where there are fewer rows, `shares` reads the last one, times 0.
      memory.fill(scratch + (<usize>((ROWS - 1) * count) << 2), 0, <usize>count << 2);
      for (let r = 0; r < ROWS && o < m; r++) {
        unpack(w, scales, zeros, scratch + (<usize>(r * count) << 2), o, k, first + c, count, block, bits, p, q);
        for (let i = 0; i < n; i++) f32.store(own + (<usize>(i * ROWS + r) << 2), f32.load(s + (<usize>(i * m + o) << 2)));
        o = next(s, n, m, o + 1);
      }
      shares(own, scratch, sums, n, ROWS, count);
      addRows(sums, y + (<usize>c << 2), n, count, <usize>k << 2);
    }
  }
}
