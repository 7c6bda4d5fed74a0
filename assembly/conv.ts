import { block, product, sizes, span, tabled } from "./check";
import { lost, madd, storeLanes } from "./simd";

/** Output pixels of one tile: with 8 output channels they fill 12 of the 16 vector registers with sums. */
export const TILE: i32 = 6;

/** As many pixels in whole tiles. */
// @ts-ignore: decorator
@inline
export function wholeTiles(pixels: i32): i32 { return (pixels + TILE - 1) / TILE * TILE; }

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
/** Taps beyond which what is lost where sums are carried is carried on too. */
const MANY: i32 = 32768;

/** `convForward` pixel by pixel, of any number of taps: a tile has no room for what many of them lose. */
function manyTaps(
  x: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, m: i32, rows: i32, columns: i32, run: i32, tapRow: i32, tapColumn: i32,
): void {
  for (let o = 0; o < m; o += 4, b += 16, y += 16) {
    for (let p = 0; p < pixels; p++) {
      const window = x + i32.load(table + (p << 3)), to = y + i32.load(table + (p << 3), 4);
      let weight = w + ((o & 4) << 2), room = SEGMENT;
      let s = f32x4.splat(0), t = s;
      for (let r = 0; r < rows; r++) {
        for (let q = 0; q < columns; q++) {
          let at = window + ((r * tapRow + q * tapColumn) << 2);
          for (const end = at + (run << 2); at < end; at += 4, weight += 32) {
            s = madd(v128.load32_splat(at), v128.load(weight), s);
            if (room -= 4) continue;
            room = SEGMENT;
            const u = t;
            t = f32x4.add(u, s);
            s = lost(u, s, t);
          }
        }
      }
      storeLanes(to, f32x4.add(f32x4.add(t, s), v128.load(b)), m - o);
    }
    if (o & 4) w += (rows * columns * run) << 5;
  }
}

/**
 * Convolution over channels-last images, all of whose taps lie inside x (the caller has padded it).
 *
 *   y[pixel, o] = b[o] + Σ_{r,q,i} x[window(pixel) + r·tapRow + q·tapColumn + i] · w[o, r, q, i]
 *
 * A tile of 6 pixels by 8 output channels stays in registers while its taps are read as contiguous runs.
 * With undilated taps and one group a whole kernel row is one run: columns = 1, run = kw · c. The bias comes last: to
 * begin with it would round every product to what the bias can hold.
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
  const taps = rows * columns * run;
  if (taps == 0 || taps > MANY) manyTaps(x, w, b, y, table, pixels, m, rows, columns, run, tapRow, tapColumn);
  else sumTiles(x, w, b, y, table, pixels, m, rows, columns, run, tapRow, tapColumn);
}

/** The same, of 1 to 32768 taps; `added` to what stands in y, if that is asked for. */
export function sumTiles(
  x: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, m: i32, rows: i32, columns: i32, run: i32, tapRow: i32, tapColumn: i32, added: bool = false,
): void {
  const panelBytes: usize = (rows * columns * run) << 5;
  const tableEnd = table + (wholeTiles(pixels) << 3);
  const zero = f32x4.splat(0);
  for (let o = 0; o < m; o += 8, w += panelBytes, b += 32, y += 32) {
    const lanes = m - o;
    const b0 = v128.load(b), b1 = v128.load(b, 16), biased = v128.any_true(v128.or(b0, b1)), panelEnd = w + panelBytes;
    // Where four outputs or fewer are left, what lies behind them may be no memory.
    const far: usize = lanes > 4 ? 16 : 0;
    for (let at = table; at < tableEnd; at += TILE << 3) {
      const y0 = y + i32.load(at, 4), y1 = y + i32.load(at, 12), y2 = y + i32.load(at, 20);
      const y3 = y + i32.load(at, 28), y4 = y + i32.load(at, 36), y5 = y + i32.load(at, 44);
      // The first products begin the sums.
      const p0 = v128.load(w), p1 = v128.load(w, 16);
      const v0 = v128.load32_splat(x + i32.load(at));
      const v1 = v128.load32_splat(x + i32.load(at, 8));
      const v2 = v128.load32_splat(x + i32.load(at, 16));
      const v3 = v128.load32_splat(x + i32.load(at, 24));
      const v4 = v128.load32_splat(x + i32.load(at, 32));
      const v5 = v128.load32_splat(x + i32.load(at, 40));
      let c00 = f32x4.mul(v0, p0), c01 = f32x4.mul(v0, p1), c10 = f32x4.mul(v1, p0), c11 = f32x4.mul(v1, p1);
      let c20 = f32x4.mul(v2, p0), c21 = f32x4.mul(v2, p1), c30 = f32x4.mul(v3, p0), c31 = f32x4.mul(v3, p1);
      let c40 = f32x4.mul(v4, p0), c41 = f32x4.mul(v4, p1), c50 = f32x4.mul(v5, p0), c51 = f32x4.mul(v5, p1);
      let panel = w + 32, room = SEGMENT - 4, skip: usize = 4;
      let carried = added;
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
          a0 += skip; a1 += skip; a2 += skip; a3 += skip; a4 += skip; a5 += skip;
          skip = 0;
          while (a0 < end) {
            const stop = min(end, a0 + room);
            room -= stop - a0;
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
            // The last part is carried with the bias, below.
            if (room != 0 || panel == panelEnd) continue;
            room = SEGMENT;
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
      if (carried) {
        c00 = f32x4.add(c00, v128.load(y0)); c01 = f32x4.add(c01, v128.load(y0 + far));
        c10 = f32x4.add(c10, v128.load(y1)); c11 = f32x4.add(c11, v128.load(y1 + far));
        c20 = f32x4.add(c20, v128.load(y2)); c21 = f32x4.add(c21, v128.load(y2 + far));
        c30 = f32x4.add(c30, v128.load(y3)); c31 = f32x4.add(c31, v128.load(y3 + far));
        c40 = f32x4.add(c40, v128.load(y4)); c41 = f32x4.add(c41, v128.load(y4 + far));
        c50 = f32x4.add(c50, v128.load(y5)); c51 = f32x4.add(c51, v128.load(y5 + far));
      }
      if (biased) {
        c00 = f32x4.add(c00, b0); c01 = f32x4.add(c01, b1);
        c10 = f32x4.add(c10, b0); c11 = f32x4.add(c11, b1);
        c20 = f32x4.add(c20, b0); c21 = f32x4.add(c21, b1);
        c30 = f32x4.add(c30, b0); c31 = f32x4.add(c31, b1);
        c40 = f32x4.add(c40, b0); c41 = f32x4.add(c41, b1);
        c50 = f32x4.add(c50, b0); c51 = f32x4.add(c51, b1);
      }
      storePair(y0, c00, c01, lanes); storePair(y1, c10, c11, lanes); storePair(y2, c20, c21, lanes);
      storePair(y3, c30, c31, lanes); storePair(y4, c40, c41, lanes); storePair(y5, c50, c51, lanes);
    }
  }
}
