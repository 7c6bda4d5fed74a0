import { apart, block, greatest, product, sizes, span, tabled } from "./check";
import { countNonzero } from "./conv-rows";
import { madd, storeLanes } from "./simd";

/*
 * Convolution of images that are mostly zero, as ReLU leaves them: the numbers that differ from 0 are listed once,
 * pixel by pixel, and only they meet weights.
 *
 *   y[pixel, o] = b[o] + Σ_taps Σ_{i : x ≠ 0} x[window(pixel, tap), i] · w[o, tap, i]
 */

/** Channels of a list: what a panel holds of them stays in the first-level cache. */
const BLOCK: i32 = 128;
/** Panels of 8 outputs that a list meets in one go. */
const PANELS: i32 = 4;
/** Numbers that are summed in one go, and up to where the next list ends, in bytes of a list. */
const SEGMENT: usize = 1024;

/**
 * Lists what differs from 0: (where its weights begin in a panel, in bytes; the number itself), for blocks of 128
 * channels.
 *
 * @param x f32[pixels, c]
 * @param starts i32[ceil(c / 128), pixels + 1], written: where in `lists` that of each pixel begins, in bytes
 * @param lists i32 and f32 in turn, written; room for one pair more than there are numbers other than 0
 */
export function listNonzero(x: usize, starts: usize, lists: usize, pixels: i32, c: i32): void {
  if (!ASC_NO_ASSERT) {
    const nx = product(pixels, c), ns = product((c + BLOCK - 1) / BLOCK, pixels + 1), nl = 2 * countNonzero(x, nx) + 2;
    apart(starts, ns, x, nx, lists, nl);
    apart(lists, nl, x, nx);
  }
  let to = lists;
  for (let first = 0; first < c; first += BLOCK) {
    const count: usize = min(BLOCK, c - first) << 2;
    let from = x + (first << 2);
    for (let p = 0; p < pixels; p++, from += c << 2, starts += 4) {
      i32.store(starts, <i32>(to - lists));
      let weight = first << 5;
      for (let i: usize = 0; i < count; i += 4, weight += 32) {
        const v = f32.load(from + i);
        i32.store(to, weight);
        f32.store(to, v, 4);
        to += <usize>(v != 0) << 3;
      }
    }
    i32.store(starts, <i32>(to - lists));
    starts += 4;
  }
}

/** Sums that go to y: added to what y holds if they are `carried` on, with the bias once they are `done`. */
// @ts-ignore: decorator
@inline
function put(y: usize, b: usize, low: v128, high: v128, lanes: i32, carried: bool, done: bool): void {
  if (lanes <= 0) return;
  if (carried) {
    low = f32x4.add(low, v128.load(y));
    if (lanes > 4) high = f32x4.add(high, v128.load(y, 16));
  }
  if (done) {
    low = f32x4.add(low, v128.load(b));
    high = f32x4.add(high, v128.load(b, 16));
  }
  storeLanes(y, low, lanes);
  if (lanes > 4) storeLanes(y + 16, high, lanes - 4);
}

function check(
  lists: usize, starts: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, m: i32, rows: i32, columns: i32, c: i32, image: i32, tapRow: i32, tapColumn: i32,
): void {
  sizes(image, tapRow, tapColumn);
  block(table, product(2, pixels));
  if (pixels == 0) return;
  const last = starts + greatest(table, pixels), reach = span(rows, tapRow, columns, tapColumn);
  assert((last - starts >> 2) + reach <= <u32>image, "a window lies outside the image");
  // In the last block of channels as well, up to where the list of the last tap ends.
  const ns = product((c - 1) / BLOCK, image + 1) + reach + 1, nb = (m + 7) / 8 * 8, nw = product(nb, rows, columns, c);
  block(last, ns);
  tabled(starts, ns, y, m, table, pixels, w, nw, b, nb, lists, i32.load(last + (<usize>(ns - 1) << 2)) >> 2);
}

/**
 * As `convForward`, of an image that has been listed.
 *
 * @param lists, starts as `listNonzero` writes them for `image` pixels; starts moved on to the pixel where the first
 * window begins
 * @param w f32[ceil(m / 8), rows, columns, c, 8] @param b f32[ceil(m / 8) · 8]
 * @param y f32, m contiguous channels written at the table's offsets; overlaps nothing
 * @param table as `convTable` writes it, with pixels for elements of x
 * @param tapRow, tapColumn distances of taps, in pixels
 */
export function convListForward(
  lists: usize, starts: usize, w: usize, b: usize, y: usize, table: usize,
  pixels: i32, m: i32, rows: i32, columns: i32, c: i32, image: i32, tapRow: i32, tapColumn: i32,
): void {
  if (!ASC_NO_ASSERT) check(lists, starts, w, b, y, table, pixels, m, rows, columns, c, image, tapRow, tapColumn);
  const taps = rows * columns;
  const tapBytes: usize = c << 5, panelBytes = tapBytes * taps;
  const blockStarts: usize = (image + 1) << 2;
  const zero = f32x4.splat(0);
  for (let o = 0; o < m; o += PANELS * 8) {
    // Beyond the last panel, the last one again, whose sums are then dropped.
    const last = (m - 1) >> 3, panel = o >> 3;
    const w0 = w + panelBytes * panel, w1 = w + panelBytes * min(panel + 1, last);
    const w2 = w + panelBytes * min(panel + 2, last), w3 = w + panelBytes * min(panel + 3, last);
    const bias = b + (o << 2), lanes = m - o;
    for (let first = 0, block = starts; first < c; first += BLOCK, block += blockStarts) {
      const ends = first + BLOCK >= c;
      for (let p = 0; p < pixels; p++) {
        const window = block + i32.load(table + (p << 3)), to = y + i32.load(table + (p << 3), 4) + (o << 2);
        let tap = 0, r = 0, q = 0, carried = first > 0;
        do {
          let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
          for (let summed: usize = 0; tap < taps && summed < SEGMENT; tap++) {
            const at = window + ((r * tapRow + q * tapColumn) << 2), from = <usize>tap * tapBytes;
            const end = lists + i32.load(at, 4);
            let pair = lists + i32.load(at);
            summed += end - pair;
            for (; pair < end; pair += 8) {
              const k = from + i32.load(pair), v = v128.load32_splat(pair, 4);
              c00 = madd(v, v128.load(w0 + k), c00); c01 = madd(v, v128.load(w0 + k, 16), c01);
              c10 = madd(v, v128.load(w1 + k), c10); c11 = madd(v, v128.load(w1 + k, 16), c11);
              c20 = madd(v, v128.load(w2 + k), c20); c21 = madd(v, v128.load(w2 + k, 16), c21);
              c30 = madd(v, v128.load(w3 + k), c30); c31 = madd(v, v128.load(w3 + k, 16), c31);
            }
            if (++q == columns) { q = 0; r++; }
          }
          const done = ends && tap == taps;
          put(to, bias, c00, c01, lanes, carried, done);
          put(to + 32, bias + 32, c10, c11, lanes - 8, carried, done);
          put(to + 64, bias + 64, c20, c21, lanes - 16, carried, done);
          put(to + 96, bias + 96, c30, c31, lanes - 24, carried, done);
          carried = true;
        } while (tap < taps);
      }
    }
  }
}
