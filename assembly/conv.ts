import { block, product, sizes, span, tabled } from "./check";
import { madd, storeLanes } from "./simd";

/** Output pixels of one tile: with 8 output channels they fill 12 of the 16 vector registers with sums. */
const TILE: i32 = 6;

/** As many pixels in whole tiles. */
// @ts-ignore: decorator
@inline
function wholeTiles(pixels: i32): i32 { return (pixels + TILE - 1) / TILE * TILE; }

/**
 * Writes for every output pixel where its window begins in x and where it goes in y.
 *
 *   table[i] = (x offset, y offset), in bytes; the last pixel is repeated until the count is a multiple of 6
 *
 * @param table i32[2 · (n·oh·ow rounded up to 6)], written
 * @param xImage, xRow, xPixel distances of the windows of neighbouring images, rows, pixels, in elements of x
 * @param yImage, yRow, yPixel the same in y
 */
export function convTable(
  table: usize, n: i32, oh: i32, ow: i32,
  xImage: i32, xRow: i32, xPixel: i32, yImage: i32, yRow: i32, yPixel: i32,
): void {
  if (!ASC_NO_ASSERT) {
    block(table, product(2, wholeTiles(product(n, oh, ow))));
    sizes(xImage, xRow, xPixel);
    sizes(yImage, yRow, yPixel);
    span(n, xImage, oh, xRow, ow, xPixel);
    span(n, yImage, oh, yRow, ow, yPixel);
  }
  let at = table;
  for (let i = 0; i < n; i++) {
    for (let h = 0; h < oh; h++) {
      let x = (i * xImage + h * xRow) << 2;
      let y = (i * yImage + h * yRow) << 2;
      for (let w = 0; w < ow; w++) {
        i32.store(at, x);
        i32.store(at, y, 4);
        at += 8;
        x += xPixel << 2;
        y += yPixel << 2;
      }
    }
  }
  const pixels = n * oh * ow;
  if (pixels == 0) return;
  const last = i64.load(at - 8);
  for (let i = pixels; i % TILE != 0; i++) {
    i64.store(at, last);
    at += 8;
  }
}

// @ts-ignore: decorator
@inline
function storePair(y: usize, low: v128, high: v128, lanes: i32): void {
  if (lanes >= 8) {
    v128.store(y, low);
    v128.store(y, high, 16);
    return;
  }
  storeLanes(y, low, lanes);
  if (lanes > 4) storeLanes(y + 16, high, lanes - 4);
}

/** Taps that are summed in one go, in bytes of x; longer sums are carried on in y, for the sake of rounding. */
const SEGMENT: usize = 1024;

/**
 * Convolution over channels-last images, all of whose taps lie inside x (the caller has padded it).
 *
 *   y[pixel, o] = b[o] + Σ_{r,q,i} x[window(pixel) + r·tapRow + q·tapColumn + i] · w[o, r, q, i]
 *
 * A tile of 6 pixels by 8 output channels stays in registers while its taps are read as contiguous runs.
 * With undilated taps and one group a whole kernel row is one run: columns = 1, run = kw · c.
 *
 * @param x f32, read at the table's offsets; must not overlap y
 * @param w f32[ceil(m / 8), rows, columns, run, 8], panels of 8 output channels, zero beyond m
 * @param b f32[ceil(m / 8) · 8], zero beyond m
 * @param y f32, m contiguous channels written at the table's offsets
 * @param table as `convTable` writes it
 */
export function convForward(
  x: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, m: i32, rows: i32, columns: i32, run: i32, tapRow: i32, tapColumn: i32,
): void {
  if (!ASC_NO_ASSERT) {
    sizes(pixels, tapRow, tapColumn);
    const nx = span(rows, tapRow, columns, tapColumn, run, 1);
    const nb = (m + 7) / 8 * 8, nw = product(nb, rows, columns, run);
    tabled(x, nx, y, m, table, wholeTiles(pixels), w, nw, b, nb);
  }
  const panelBytes: usize = (rows * columns * run) << 5;
  const tableEnd = table + (wholeTiles(pixels) << 3);
  const long = <usize>(rows * columns * run) << 2 > SEGMENT;
  const zero = f32x4.splat(0);
  for (let o = 0; o < m; o += 8, w += panelBytes, b += 32, y += 32) {
    const lanes = m - o;
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    // Where four outputs or fewer are left, what lies behind them may be no memory.
    const far: usize = lanes > 4 ? 16 : 0;
    for (let at = table; at < tableEnd; at += TILE << 3) {
      const y0 = y + i32.load(at, 4), y1 = y + i32.load(at, 12), y2 = y + i32.load(at, 20);
      const y3 = y + i32.load(at, 28), y4 = y + i32.load(at, 36), y5 = y + i32.load(at, 44);
      let c00 = b0, c01 = b1, c10 = b0, c11 = b1, c20 = b0, c21 = b1;
      let c30 = b0, c31 = b1, c40 = b0, c41 = b1, c50 = b0, c51 = b1;
      let panel = w;
      let carried = false;
      for (let r = 0; r < rows; r++) {
        for (let q = 0; q < columns; q++) {
          const tap = x + ((r * tapRow + q * tapColumn) << 2);
          let a0 = tap + i32.load(at);
          let a1 = tap + i32.load(at, 8);
          let a2 = tap + i32.load(at, 16);
          let a3 = tap + i32.load(at, 24);
          let a4 = tap + i32.load(at, 32);
          let a5 = tap + i32.load(at, 40);
          const end = a0 + (run << 2);
          while (a0 < end) {
            const stop = min(end, a0 + SEGMENT);
            while (a0 < stop) {
              const p0 = v128.load(panel), p1 = v128.load(panel, 16);
              let v = v128.load32_splat(a0);
              c00 = madd(v, p0, c00); c01 = madd(v, p1, c01);
              v = v128.load32_splat(a1);
              c10 = madd(v, p0, c10); c11 = madd(v, p1, c11);
              v = v128.load32_splat(a2);
              c20 = madd(v, p0, c20); c21 = madd(v, p1, c21);
              v = v128.load32_splat(a3);
              c30 = madd(v, p0, c30); c31 = madd(v, p1, c31);
              v = v128.load32_splat(a4);
              c40 = madd(v, p0, c40); c41 = madd(v, p1, c41);
              v = v128.load32_splat(a5);
              c50 = madd(v, p0, c50); c51 = madd(v, p1, c51);
              a0 += 4; a1 += 4; a2 += 4; a3 += 4; a4 += 4; a5 += 4; panel += 32;
            }
            if (!long) continue;
            if (carried) {
              // All are read before any is written: a pixel that is repeated at the end of the table is added to once.
              c00 = f32x4.add(c00, v128.load(y0)); c01 = f32x4.add(c01, v128.load(y0 + far));
              c10 = f32x4.add(c10, v128.load(y1)); c11 = f32x4.add(c11, v128.load(y1 + far));
              c20 = f32x4.add(c20, v128.load(y2)); c21 = f32x4.add(c21, v128.load(y2 + far));
              c30 = f32x4.add(c30, v128.load(y3)); c31 = f32x4.add(c31, v128.load(y3 + far));
              c40 = f32x4.add(c40, v128.load(y4)); c41 = f32x4.add(c41, v128.load(y4 + far));
              c50 = f32x4.add(c50, v128.load(y5)); c51 = f32x4.add(c51, v128.load(y5 + far));
            }
            storePair(y0, c00, c01, lanes); storePair(y1, c10, c11, lanes); storePair(y2, c20, c21, lanes);
            storePair(y3, c30, c31, lanes); storePair(y4, c40, c41, lanes); storePair(y5, c50, c51, lanes);
            c00 = zero; c01 = zero; c10 = zero; c11 = zero; c20 = zero; c21 = zero;
            c30 = zero; c31 = zero; c40 = zero; c41 = zero; c50 = zero; c51 = zero;
            carried = true;
          }
        }
      }
      if (long) continue;
      storePair(y0, c00, c01, lanes); storePair(y1, c10, c11, lanes); storePair(y2, c20, c21, lanes);
      storePair(y3, c30, c31, lanes); storePair(y4, c40, c41, lanes); storePair(y5, c50, c51, lanes);
    }
  }
}

/**
 * Depthwise convolution: every channel has its own kernel.
 *
 *   y[pixel, i] = b[i] + Σ_{r,q} x[window(pixel) + r·tapRow + q·tapColumn + i] · w[r, q, i]
 *
 * A tile is 6 pixels by 4 channels, so that a weight is read once for six products.
 *
 * @param x f32, padded, read at the table's offsets; must not overlap y
 * @param w f32[rows, columns, c]
 * @param b f32[c]
 * @param y f32, c contiguous channels written at the table's offsets
 */
export function depthwiseForward(
  x: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, c: i32, rows: i32, columns: i32, tapRow: i32, tapColumn: i32,
): void {
  if (!ASC_NO_ASSERT) {
    sizes(pixels, tapRow, tapColumn);
    const nx = span(rows, tapRow, columns, tapColumn, c, 1), nw = product(rows, columns, c);
    tabled(x, nx, y, c, table, wholeTiles(pixels), w, nw, b, c);
  }
  const tableEnd = table + (wholeTiles(pixels) << 3);
  const cBytes: usize = c << 2;
  for (let at = table; at < tableEnd; at += TILE << 3) {
    const x0 = x + i32.load(at), x1 = x + i32.load(at, 8), x2 = x + i32.load(at, 16);
    const x3 = x + i32.load(at, 24), x4 = x + i32.load(at, 32), x5 = x + i32.load(at, 40);
    for (let i: usize = 0; i < cBytes; i += 16) {
      let s0 = v128.load(b + i);
      let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
      let weight = w + i;
      for (let r = 0; r < rows; r++) {
        let tap = i + (r * tapRow << 2);
        for (let q = 0; q < columns; q++, tap += tapColumn << 2, weight += cBytes) {
          const v = v128.load(weight);
          s0 = madd(v128.load(x0 + tap), v, s0); s1 = madd(v128.load(x1 + tap), v, s1);
          s2 = madd(v128.load(x2 + tap), v, s2);
          s3 = madd(v128.load(x3 + tap), v, s3); s4 = madd(v128.load(x4 + tap), v, s4);
          s5 = madd(v128.load(x5 + tap), v, s5);
        }
      }
      const lanes = <i32>(cBytes - i) >> 2, to = y + i;
      storeLanes(to + i32.load(at, 4), s0, lanes); storeLanes(to + i32.load(at, 12), s1, lanes);
      storeLanes(to + i32.load(at, 20), s2, lanes);
      storeLanes(to + i32.load(at, 28), s3, lanes); storeLanes(to + i32.load(at, 36), s4, lanes);
      storeLanes(to + i32.load(at, 44), s5, lanes);
    }
  }
}
