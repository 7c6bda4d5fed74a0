import { apart, product, span } from "./check";
import { convTable, sumTiles, wholeTiles } from "./conv";
import { slope } from "./simd";

/*
 * Dense layers of many rows. Eight outputs at a time have their weights laid as a panel in scratch, and the tile of
 * convolutions goes along all rows: to it, a row of k numbers is a pixel of k channels. Long sums are made in parts, so
 * that the panel stays in the first cache, and that part of all rows in the second, while one panel follows another.
 *
 *   scratch   i32[2 · (n rounded up to 6)] pixel table | f32[8] bias | f32[panels, terms of a part, 8]
 */

/** Columns of a panel. */
const PANEL: i32 = 8;
/** Columns that are laid as panels at once: two lines of the caches of each row, as a row is far from the next. */
const GROUP: i32 = 32;
/** Terms of a part: at most so many, and as many numbers of all rows; a multiple of what the tile sums in one go. */
const PART: i32 = 1024;
const ROOM: i32 = 131072;
const UNIT: i32 = 256;

/** Terms that n rows are given at once. */
// @ts-ignore: decorator
@inline
function partOf(n: i32): i32 { return max(UNIT, min(PART, ROOM / max(n, 1) / UNIT * UNIT)); }

/** Numbers of the scratch before the bias and the panel. */
// @ts-ignore: decorator
@inline
function tableLength(n: i32): i32 { return 2 * wholeTiles(n); }

/** What both kernels demand: y, which is written, and scratch, with so many columns of panels, overlap nothing. */
function check(
  y: usize, ny: i32, x: usize, w: usize, nw: i32, b: usize, nb: i32, scratch: usize, n: i32, terms: i32, columns: i32,
): void {
  assert(terms >= 1, "sums have no terms");
  const room = tableLength(n) + PANEL + product(columns, min(terms, PART)), nx = product(n, terms);
  apart(y, ny, x, nx, w, nw, b, nb, scratch, room);
  apart(scratch, room, x, nx, w, nw, b, nb);
}

/** Four weights as they are, or through the two-slope map. */
// @ts-ignore: decorator
@inline
function mapped(v: v128, plain: bool, p: v128, q: v128): v128 { return plain ? v : slope(v, p, q); }

/** `length` numbers of rows of w as columns: panel[i, o] = f(w[o, i]) of `lanes` rows; the others are not used. */
function packRows(w: usize, panel: usize, lanes: i32, length: i32, k: i32, p: f32, q: f32): void {
  const kBytes = <usize>k << 2, bytes = <usize>length << 2;
  const plain = p == 1 && q == 1, pv = f32x4.splat(p), qv = f32x4.splat(q);
  for (let o = 0; o < lanes; o += 4, w += kBytes << 2, panel += 16) {
    // Where fewer than four rows are left, the last one stands for those that are not there.
    const w1 = w + (o + 1 < lanes ? kBytes : 0), w2 = w1 + (o + 2 < lanes ? kBytes : 0);
    const w3 = w2 + (o + 3 < lanes ? kBytes : 0);
    let to = panel, i: usize = 0;
    for (const end = bytes & ~15; i < end; i += 16, to += 128) {
      const a = mapped(v128.load(w + i), plain, pv, qv), b = mapped(v128.load(w1 + i), plain, pv, qv);
      const c = mapped(v128.load(w2 + i), plain, pv, qv), d = mapped(v128.load(w3 + i), plain, pv, qv);
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7), CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
      v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 32);
      v128.store(to, v128.shuffle<i64>(AB, CD, 0, 2), 64);
      v128.store(to, v128.shuffle<i64>(AB, CD, 1, 3), 96);
    }
    for (; i < bytes; i += 4, to += 32) {
      const v = f32x4(f32.load(w + i), f32.load(w1 + i), f32.load(w2 + i), f32.load(w3 + i));
      v128.store(to, mapped(v, plain, pv, qv));
    }
  }
}

/**
 * Columns of `length` rows of w, in panels one behind the other: panels[j / 8, o, j % 8] = f(w[o, j]); what is beyond
 * the last column is not used.
 */
function packColumns(w: usize, panels: usize, columns: i32, length: i32, k: i32, p: f32, q: f32): void {
  const plain = p == 1 && q == 1, pv = f32x4.splat(p), qv = f32x4.splat(q);
  const panelBytes = <usize>length << 5;
  for (let o = 0; o < length; o++, w += <usize>k << 2, panels += 32) {
    let to = panels, at = w;
    for (let left = columns; left > 0; left -= PANEL, at += 32, to += panelBytes) {
      v128.store(to, mapped(v128.load(at), plain, pv, qv));
      // Where four columns or fewer are left, what lies behind them may be no memory.
      if (left > 4) v128.store(to, mapped(v128.load(at, 16), plain, pv, qv), 16);
    }
  }
}

/**
 * Dense layer of many rows; the numbers are those of `denseForward`, but for rounding.
 *
 *   y[n, m] = b[m] + Σ_k x[n, k] · f(w[m, k]),   f(v) = p · max(v, 0) + q · min(v, 0)
 *
 * @param x f32[n, k], k at least 1 @param w f32[m, k] @param b f32[m]
 * @param y f32[n, m], written, its rows `yRow` apart; overlaps nothing
 * @param scratch f32[2 · (n rounded up to 6) + 8 + 8 · min(k, 1024)], written
 */
export function gemmForward(
  x: usize, w: usize, b: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32, yRow: i32, p: f32, q: f32,
): void {
  if (!ASC_NO_ASSERT) {
    assert(yRow >= m, "rows of y overlap");
    check(y, span(n, yRow, m, 1), x, w, product(m, k), b, m, scratch, n, k, PANEL);
  }
  const table = scratch, bias = table + (<usize>tableLength(n) << 2), panel = bias + 32;
  convTable(table, n, 1, 1, k, 0, 0, yRow, 0, 0);
  memory.fill(bias, 0, 32);
  for (let first = 0, part = partOf(n); first < k; first += part) {
    const length = min(part, k - first), from = w + (<usize>first << 2);
    for (let o = 0; o < m; o += PANEL) {
      const lanes = min(PANEL, m - o);
      // The bias comes last.
      if (first + length == k) memory.copy(bias, b + (o << 2), lanes << 2);
      packRows(from + (<usize>o * <usize>k << 2), panel, lanes, length, k, p, q);
      sumTiles(x + (first << 2), panel, bias, y + (o << 2), table, n, lanes, 1, 1, length, 0, 0, first > 0);
    }
  }
}

/**
 * Transposed dense layer of many rows; the numbers are those of `denseVjp`, but for rounding.
 *
 *   y[n, k] = Σ_m s[n, m] · f(w[m, k])
 *
 * @param s f32[n, m], m at least 1 @param w f32[m, k] @param y f32[n, k], written; overlaps nothing
 * @param scratch f32[2 · (n rounded up to 6) + 8 + 32 · min(m, 1024)], written
 * @param columns how many of the k are computed, from those at which w and y point
 */
export function gemmVjp(
  s: usize, w: usize, y: usize, scratch: usize, n: i32, m: i32, k: i32, columns: i32, p: f32, q: f32,
): void {
  if (!ASC_NO_ASSERT) {
    assert(columns <= k, "more columns than there are");
    check(y, span(n, k, columns, 1), s, w, span(m, k, columns, 1), w, 0, scratch, n, m, GROUP);
  }
  const table = scratch, bias = table + (<usize>tableLength(n) << 2), panels = bias + 32;
  convTable(table, n, 1, 1, m, 0, 0, k, 0, 0);
  memory.fill(bias, 0, 32);
  for (let first = 0, part = partOf(n); first < m; first += part) {
    const length = min(part, m - first), from = w + (<usize>first * <usize>k << 2);
    for (let column = 0; column < columns; column += GROUP) {
      const some = min(GROUP, columns - column);
      packColumns(from + (column << 2), panels, some, length, k, p, q);
      for (let j = 0; j < some; j += PANEL) {
        const panel = panels + (<usize>(j >> 3) * <usize>length << 5), to = y + ((column + j) << 2);
        sumTiles(s + (first << 2), panel, bias, to, table, n, min(PANEL, some - j), 1, 1, length, 0, 0, first > 0);
      }
    }
  }
}
