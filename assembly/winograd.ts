import { convForward, convTable } from "./conv";
import { madd } from "./simd";

/*
 * Winograd's minimal filtering F(4x4, 3x3): 16 outputs of a 3x3 convolution from 36 products instead of 144.
 *
 *   y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A         x: 6x6 inputs, y: 4x4 outputs
 *
 * The 36 products, summed over input channels, are 36 matrix products of [tiles, c] by [c, m].
 * Source: Lavin and Gray 2016, arXiv 1509.09308, with the points 0, ±1, ±2, ∞.
 */

/** Inputs along one side of a tile, outputs along one side, products of a tile, and outputs of a panel of weights. */
const IN: usize = 6;
const OUT: i32 = 4;
const PLANES: usize = 36;
const PANEL: i32 = 8;
/** Room for one tile of vectors, and for a line of it. */
const SQUARE: usize = (PLANES + IN) << 4;

/** Between neighbouring planes, so that the same place in all of them does not fall into one set of the cache. */
const SKEW: usize = 64;

/** G d for three vectors, to six places. */
// @ts-ignore: decorator
@inline
function weightLine(d0: v128, d1: v128, d2: v128, to: usize, step: usize): void {
  const outer = f32x4.mul(f32x4.splat(1.0 / 6), f32x4.add(d0, d2)), inner = f32x4.mul(f32x4.splat(1.0 / 6), d1);
  const far = madd(f32x4.splat(1.0 / 24), d0, f32x4.mul(f32x4.splat(1.0 / 6), d2)), middle = f32x4.mul(f32x4.splat(1.0 / 12), d1);
  v128.store(to, f32x4.mul(f32x4.splat(0.25), d0));
  v128.store(to + step, f32x4.neg(f32x4.add(outer, inner)));
  v128.store(to + 2 * step, f32x4.sub(inner, outer));
  v128.store(to + 3 * step, f32x4.add(far, middle));
  v128.store(to + 4 * step, f32x4.sub(far, middle));
  v128.store(to + 5 * step, d2);
}

/** Bᵀ d for six vectors `step` bytes apart. */
// @ts-ignore: decorator
@inline
function inputLine(from: usize, step: usize, to: usize, toStep: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  const d3 = v128.load(from + 3 * step), d4 = v128.load(from + 4 * step), d5 = v128.load(from + 5 * step);
  const two = f32x4.splat(2), four = f32x4.splat(4), five = f32x4.splat(-5);
  const even = madd(f32x4.splat(-4), d2, d4), odd = madd(f32x4.splat(-4), d1, d3);
  const near = f32x4.sub(d4, d2), far = f32x4.mul(two, f32x4.sub(d3, d1));
  v128.store(to, madd(five, d2, madd(four, d0, d4)));
  v128.store(to + toStep, f32x4.add(even, odd));
  v128.store(to + 2 * toStep, f32x4.sub(even, odd));
  v128.store(to + 3 * toStep, f32x4.add(near, far));
  v128.store(to + 4 * toStep, f32x4.sub(near, far));
  v128.store(to + 5 * toStep, madd(five, d3, madd(four, d1, d5)));
}

/** Aᵀ d for six vectors `step` bytes apart. */
// @ts-ignore: decorator
@inline
function outputLine(from: usize, step: usize, to: usize, toStep: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  const d3 = v128.load(from + 3 * step), d4 = v128.load(from + 4 * step), d5 = v128.load(from + 5 * step);
  const sumA = f32x4.add(d1, d2), sumB = f32x4.add(d3, d4);
  const difA = f32x4.sub(d1, d2), difB = f32x4.sub(d3, d4);
  v128.store(to, f32x4.add(d0, f32x4.add(sumA, sumB)));
  v128.store(to + toStep, madd(f32x4.splat(2), difB, difA));
  v128.store(to + 2 * toStep, madd(f32x4.splat(4), sumB, sumA));
  v128.store(to + 3 * toStep, f32x4.add(d5, madd(f32x4.splat(8), difB, difA)));
}

/** One panel of 3x3 weights, [3, 3, c, 8], to its places in the 36 planes, [36, c, 8]: row by row of G w, without a detour through memory. */
function weightPanel(w: usize, u: usize, planeBytes: usize, c: i32): void {
  const tap: usize = <usize>(c * PANEL) << 2;
  const quarter = f32x4.splat(0.25), half = f32x4.splat(0.5), sixth = f32x4.splat(1.0 / 6), twentyFourth = f32x4.splat(1.0 / 24);
  for (let at: usize = 0; at < tap; at += 16) {
    const from = w + at, to = u + at, row = IN * planeBytes;
    const a0 = v128.load(from), a1 = v128.load(from + tap), a2 = v128.load(from + 2 * tap);
    const b0 = f32x4.mul(sixth, v128.load(from + 3 * tap)), b1 = f32x4.mul(sixth, v128.load(from + 4 * tap)), b2 = f32x4.mul(sixth, v128.load(from + 5 * tap));
    const d0 = v128.load(from + 6 * tap), d1 = v128.load(from + 7 * tap), d2 = v128.load(from + 8 * tap);
    weightLine(f32x4.mul(quarter, a0), f32x4.mul(quarter, a1), f32x4.mul(quarter, a2), to, planeBytes);
    weightLine(d0, d1, d2, to + 5 * row, planeBytes);
    const e0 = f32x4.mul(sixth, f32x4.add(a0, d0)), e1 = f32x4.mul(sixth, f32x4.add(a1, d1)), e2 = f32x4.mul(sixth, f32x4.add(a2, d2));
    weightLine(f32x4.neg(f32x4.add(e0, b0)), f32x4.neg(f32x4.add(e1, b1)), f32x4.neg(f32x4.add(e2, b2)), to + row, planeBytes);
    weightLine(f32x4.sub(b0, e0), f32x4.sub(b1, e1), f32x4.sub(b2, e2), to + 2 * row, planeBytes);
    const f0 = madd(twentyFourth, a0, f32x4.mul(sixth, d0)), f1 = madd(twentyFourth, a1, f32x4.mul(sixth, d1)), f2 = madd(twentyFourth, a2, f32x4.mul(sixth, d2));
    // b holds a sixth of the middle row, of which the last two rows want a twelfth.
    weightLine(madd(half, b0, f0), madd(half, b1, f1), madd(half, b2, f2), to + 3 * row, planeBytes);
    weightLine(f32x4.sub(f0, f32x4.mul(half, b0)), f32x4.sub(f1, f32x4.mul(half, b1)), f32x4.sub(f2, f32x4.mul(half, b2)), to + 4 * row, planeBytes);
  }
}

/** One 6x6 tile of all channels to its places in the 36 planes. */
function inputTile(x: usize, xRow: usize, xPixel: usize, v: usize, planeBytes: usize, c: i32, square: usize): void {
  for (let i = 0; i < c; i += 4) {
    const from = x + (i << 2), to = v + (i << 2);
    for (let column: usize = 0; column < IN; column++) inputLine(from + column * xPixel, xRow, square + (column << 4), IN << 4);
    for (let row: usize = 0; row < IN; row++) inputLine(square + row * (IN << 4), 16, to + row * IN * planeBytes, planeBytes);
  }
}

/** One tile of a panel's products to its (at most) 4x4 outputs of `lanes` channels, bias added. */
function outputTile(p: usize, planeBytes: usize, b: usize, y: usize, yRow: usize, yPixel: usize, rows: usize, columns: usize, lanes: i32, square: usize): void {
  const line = square + (PLANES << 4);
  for (let i = 0; i < lanes; i += 4) {
    const from = p + (i << 2), bias = v128.load(b + (i << 2));
    for (let column: usize = 0; column < IN; column++) outputLine(from + column * planeBytes, IN * planeBytes, square + (column << 4), IN << 4);
    for (let row: usize = 0; row < rows; row++) {
      outputLine(square + row * (IN << 4), 16, line, 16);
      const to = y + row * yRow + (i << 2);
      for (let column: usize = 0; column < columns; column++) v128.store(to + column * yPixel, f32x4.add(v128.load(line + (column << 4)), bias));
    }
  }
}

/**
 * 3x3 convolution with stride 1 by Winograd's F(4x4, 3x3).
 *
 * Some tiles are worked on together, so that a panel's weights, transformed on the way, serve all of them, and one panel at a time,
 * so that its products never leave the first caches.
 *
 * @param x f32, channels last, padded: every tile's 6x6 inputs lie inside; c a multiple of 4
 * @param w f32[ceil(m / 8), 3, 3, c, 8], the panels of `convForward`; m a multiple of 4
 * @param b f32[ceil(m / 8) · 8] @param zeros f32[8], all 0
 * @param y f32, m contiguous channels at every pixel, written; overlaps nothing
 * @param scratch f32[some · (36 · (c + 8) + 2) + 36 · 8 · c + 1896], 16-byte aligned
 * @param some tiles that are worked on together, a multiple of 6
 * @param xImage, xRow, xPixel distances of neighbouring images, rows, pixels of x, in elements; yPixel: of pixels of y, which are contiguous
 */
export function winogradForward(
  x: usize, w: usize, b: usize, zeros: usize, y: usize, scratch: usize,
  n: i32, oh: i32, ow: i32, c: i32, m: i32, xImage: i32, xRow: i32, xPixel: i32, yPixel: i32, some: i32,
): void {
  const down = (oh + OUT - 1) / OUT, across = (ow + OUT - 1) / OUT;
  const tiles = n * down * across;
  const panelBytes: usize = <usize>(9 * c * PANEL) << 2;
  const vPlane = SKEW + (<usize>(some * c) << 2), uPlane = SKEW + (<usize>(c * PANEL) << 2), pPlane = SKEW + (<usize>(some * PANEL) << 2);
  const square = scratch, v = scratch + SQUARE, u = v + PLANES * vPlane, p = u + PLANES * uPlane, table = p + PLANES * pPlane;
  convTable(table, 1, 1, some, 0, 0, c, 0, 0, PANEL);
  for (let first = 0; first < tiles; first += some) {
    const count = min(some, tiles - first);
    for (let t = 0; t < count; t++) {
      const tile = first + t;
      const image = tile / (down * across), row = tile / across % down, column = tile % across;
      const from = x + ((<usize>image * xImage + <usize>(row * OUT) * xRow + <usize>(column * OUT) * xPixel) << 2);
      inputTile(from, <usize>xRow << 2, <usize>xPixel << 2, v + (<usize>(t * c) << 2), vPlane, c, square);
    }
    for (let o = 0; o < m; o += PANEL) {
      weightPanel(w + <usize>(o / PANEL) * panelBytes, u, uPlane, c);
      for (let plane: usize = 0; plane < PLANES; plane++) {
        convForward(v + plane * vPlane, u + plane * uPlane, zeros, p + plane * pPlane, table, count, PANEL, 1, 1, c, 0, 0);
      }
      for (let t = 0; t < count; t++) {
        const tile = first + t;
        const image = tile / (down * across), row = tile / across % down, column = tile % across;
        const to = y + ((<usize>((image * oh + row * OUT) * ow + column * OUT) * yPixel + o) << 2);
        outputTile(
          p + (<usize>(t * PANEL) << 2), pPlane, b + (o << 2), to, <usize>(ow * yPixel) << 2, <usize>yPixel << 2,
          min(OUT, oh - row * OUT), min(OUT, ow - column * OUT), min(PANEL, m - o), square,
        );
      }
    }
  }
}
