import { product, sizes, span, tabled } from "./check";
import { TILE, wholeTiles } from "./conv";
import { lost, madd, storeLanes } from "./simd";

/** Taps of a channel that are summed in one go. */
const LINE: i32 = 64;

/** `depthwiseForward` pixel by pixel, of any number of taps. */
function longKernels(
  x: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, c: i32, rows: i32, columns: i32, tapRow: i32, tapColumn: i32,
): void {
  const cBytes: usize = c << 2;
  for (let p = 0; p < pixels; p++) {
    const window = x + i32.load(table + (p << 3)), to = y + i32.load(table + (p << 3), 4);
    for (let i: usize = 0; i < cBytes; i += 16) {
      let weight = w + i, room = LINE;
      let s = f32x4.splat(0), t = s;
      for (let r = 0; r < rows; r++) {
        for (let q = 0; q < columns; q++, weight += cBytes) {
          s = madd(v128.load(window + i + ((r * tapRow + q * tapColumn) << 2)), v128.load(weight), s);
          if (--room) continue;
          room = LINE;
          const u = t;
          t = f32x4.add(u, s);
          s = lost(u, s, t);
        }
      }
      storeLanes(to + i, f32x4.add(f32x4.add(t, s), v128.load(b + i)), <i32>(cBytes - i) >> 2);
    }
  }
}

/** Whether the windows of a tile's six pixels are neighbours in memory. */
function areNeighbours(at: usize, distance: i32): bool {
  for (let i = 0; i < TILE - 1; i++, at += 8) if (i32.load(at, 8) - i32.load(at) != distance) return false;
  return true;
}

/**
 * A tile of `depthwiseForward` whose windows are neighbours and three columns wide: a column of x belongs to three of
 * them, and is read once. Each sum is that of the general loop, term by term.
 */
function threeColumns(x: usize, w: usize, b: usize, y: usize, at: usize, c: i32, rows: i32, tapRow: i32): void {
  const column: usize = c << 2;
  const zero = f32x4.splat(0);
  for (let i: usize = 0; i < column; i += 16) {
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero;
    let from = x + i32.load(at) + i, weight = w + i;
    for (let r = 0; r < rows; r++, from += tapRow << 2, weight += 3 * column) {
      const w0 = v128.load(weight), w1 = v128.load(weight + column), w2 = v128.load(weight + 2 * column);
      let v = v128.load(from); s0 = madd(v, w0, s0);
      v = v128.load(from + column); s0 = madd(v, w1, s0); s1 = madd(v, w0, s1);
      v = v128.load(from + 2 * column); s0 = madd(v, w2, s0); s1 = madd(v, w1, s1); s2 = madd(v, w0, s2);
      v = v128.load(from + 3 * column); s1 = madd(v, w2, s1); s2 = madd(v, w1, s2); s3 = madd(v, w0, s3);
      v = v128.load(from + 4 * column); s2 = madd(v, w2, s2); s3 = madd(v, w1, s3); s4 = madd(v, w0, s4);
      v = v128.load(from + 5 * column); s3 = madd(v, w2, s3); s4 = madd(v, w1, s4); s5 = madd(v, w0, s5);
      v = v128.load(from + 6 * column); s4 = madd(v, w2, s4); s5 = madd(v, w1, s5);
      v = v128.load(from + 7 * column); s5 = madd(v, w2, s5);
    }
    storeTile(y + i, at, <i32>(column - i) >> 2, v128.load(b + i), s0, s1, s2, s3, s4, s5);
  }
}

// @ts-ignore: decorator
@inline
function storeTile(
  y: usize, at: usize, lanes: i32, bias: v128, s0: v128, s1: v128, s2: v128, s3: v128, s4: v128, s5: v128,
): void {
  storeLanes(y + i32.load(at, 4), f32x4.add(s0, bias), lanes);
  storeLanes(y + i32.load(at, 12), f32x4.add(s1, bias), lanes);
  storeLanes(y + i32.load(at, 20), f32x4.add(s2, bias), lanes);
  storeLanes(y + i32.load(at, 28), f32x4.add(s3, bias), lanes);
  storeLanes(y + i32.load(at, 36), f32x4.add(s4, bias), lanes);
  storeLanes(y + i32.load(at, 44), f32x4.add(s5, bias), lanes);
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
  const taps = rows * columns;
  if (taps == 0 || taps > LINE) {
    longKernels(x, w, b, y, table, pixels, c, rows, columns, tapRow, tapColumn);
    return;
  }
  const tableEnd = table + (wholeTiles(pixels) << 3);
  const cBytes: usize = c << 2;
  const zero = f32x4.splat(0);
  const areThree = columns == 3 && tapColumn == c;
  for (let at = table; at < tableEnd; at += TILE << 3) {
    if (areThree && areNeighbours(at, c << 2)) {
      threeColumns(x, w, b, y, at, c, rows, tapRow);
      continue;
    }
    const x0 = x + i32.load(at), x1 = x + i32.load(at, 8), x2 = x + i32.load(at, 16);
    const x3 = x + i32.load(at, 24), x4 = x + i32.load(at, 32), x5 = x + i32.load(at, 40);
    for (let i: usize = 0; i < cBytes; i += 16) {
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero;
      let weight = w + i;
      for (let r = 0; r < rows; r++) {
        let tap = i + (r * tapRow << 2);
        let q = 0;
        if (r == 0) {
          const v = v128.load(weight);
          s0 = f32x4.mul(v128.load(x0 + tap), v); s1 = f32x4.mul(v128.load(x1 + tap), v);
          s2 = f32x4.mul(v128.load(x2 + tap), v);
          s3 = f32x4.mul(v128.load(x3 + tap), v); s4 = f32x4.mul(v128.load(x4 + tap), v);
          s5 = f32x4.mul(v128.load(x5 + tap), v);
          q = 1;
          tap += tapColumn << 2;
          weight += cBytes;
        }
        for (; q < columns; q++, tap += tapColumn << 2, weight += cBytes) {
          const v = v128.load(weight);
          s0 = madd(v128.load(x0 + tap), v, s0); s1 = madd(v128.load(x1 + tap), v, s1);
          s2 = madd(v128.load(x2 + tap), v, s2);
          s3 = madd(v128.load(x3 + tap), v, s3); s4 = madd(v128.load(x4 + tap), v, s4);
          s5 = madd(v128.load(x5 + tap), v, s5);
        }
      }
      storeTile(y + i, at, <i32>(cBytes - i) >> 2, v128.load(b + i), s0, s1, s2, s3, s4, s5);
    }
  }
}
