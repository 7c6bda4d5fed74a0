import { apart, product, sizes, span } from "./check";
import { convTable, sumTiles } from "./conv";
import { madd } from "./simd";

/*
 * Winograd's minimal filtering: F(4x4, 3x3), 16 outputs of a 3x3 convolution from 36 products instead of 144, and
 * F(2x2, 5x5), 4 outputs of a 5x5 convolution from 36 products instead of 100.
 *
 *   y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A         x: 6x6 inputs, w: 3x3 or 5x5, y: 4x4 or 2x2 outputs
 *
 * The 36 products, summed over input channels, are 36 matrix products of [tiles, c] by [c, m].
 * Source: Lavin and Gray 2016, arXiv 1509.09308, with the points 0, ±√½, ±√2, ∞: Bᵀ is one for both, and a quarter of
 * the error that 0, ±1, ±2, ∞ make.
 */

/** Inputs along one side of a tile, products of a tile, and outputs of a panel of weights. */
const IN: usize = 6;
const PLANES: usize = 36;
const PANEL: i32 = 8;
/** Room for one tile of vectors, and for a line of it. */
const SQUARE: usize = (PLANES + IN) << 4;

/** Between neighbouring planes, so that the same place in all of them does not fall into one set of the cache. */
const SKEW: usize = 64;

/** √½ and √2. */
const NEAR: f32 = 0.7071067811865476;
const FAR: f32 = 1.4142135623730951;

/** G d for `taps` vectors `step` bytes apart, 3 or 5, to six places. */
// @ts-ignore: decorator
@inline
function weightLine(from: usize, step: usize, taps: usize, to: usize, toStep: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  let last = d2;
  let nearEven = madd(f32x4.splat(0.5), d2, d0), nearOdd = d1, farEven = madd(f32x4.splat(2), d2, d0), farOdd = d1;
  if (taps == 5) {
    const d3 = v128.load(from + 3 * step);
    last = v128.load(from + 4 * step);
    nearEven = madd(f32x4.splat(0.25), last, nearEven);
    nearOdd = madd(f32x4.splat(0.5), d3, nearOdd);
    farEven = madd(f32x4.splat(4), last, farEven);
    farOdd = madd(f32x4.splat(2), d3, farOdd);
  }
  nearEven = f32x4.mul(f32x4.splat(-2.0 / 3), nearEven);
  nearOdd = f32x4.mul(f32x4.splat(-2.0 / 3 * NEAR), nearOdd);
  farEven = f32x4.mul(f32x4.splat(1.0 / 6), farEven);
  farOdd = f32x4.mul(f32x4.splat(1.0 / 6 * FAR), farOdd);
  v128.store(to, d0);
  v128.store(to + toStep, f32x4.add(nearEven, nearOdd));
  v128.store(to + 2 * toStep, f32x4.sub(nearEven, nearOdd));
  v128.store(to + 3 * toStep, f32x4.add(farEven, farOdd));
  v128.store(to + 4 * toStep, f32x4.sub(farEven, farOdd));
  v128.store(to + 5 * toStep, last);
}

/** Bᵀ d for six vectors `step` bytes apart. */
// @ts-ignore: decorator
@inline
function inputLine(from: usize, step: usize, to: usize, toStep: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  const d3 = v128.load(from + 3 * step), d4 = v128.load(from + 4 * step), d5 = v128.load(from + 5 * step);
  const two = f32x4.splat(-2), half = f32x4.splat(-0.5), ends = f32x4.splat(-2.5);
  const nearEven = madd(two, d2, d4), nearOdd = f32x4.mul(f32x4.splat(NEAR), madd(two, d1, d3));
  const farEven = madd(half, d2, d4), farOdd = f32x4.mul(f32x4.splat(FAR), madd(half, d1, d3));
  v128.store(to, madd(ends, d2, f32x4.add(d0, d4)));
  v128.store(to + toStep, f32x4.add(nearEven, nearOdd));
  v128.store(to + 2 * toStep, f32x4.sub(nearEven, nearOdd));
  v128.store(to + 3 * toStep, f32x4.add(farEven, farOdd));
  v128.store(to + 4 * toStep, f32x4.sub(farEven, farOdd));
  v128.store(to + 5 * toStep, madd(ends, d3, f32x4.add(d1, d5)));
}

/** Aᵀ d for six vectors `step` bytes apart, to `out` places, 4 or 2. */
// @ts-ignore: decorator
@inline
function outputLine(from: usize, step: usize, out: i32, to: usize, toStep: usize): void {
  const d0 = v128.load(from), d1 = v128.load(from + step), d2 = v128.load(from + 2 * step);
  const d3 = v128.load(from + 3 * step), d4 = v128.load(from + 4 * step), d5 = v128.load(from + 5 * step);
  const nearEven = f32x4.add(d1, d2), nearOdd = f32x4.mul(f32x4.splat(NEAR), f32x4.sub(d1, d2));
  const farEven = f32x4.add(d3, d4), farOdd = f32x4.mul(f32x4.splat(FAR), f32x4.sub(d3, d4));
  const odd = f32x4.add(nearOdd, farOdd);
  v128.store(to, f32x4.add(d0, f32x4.add(nearEven, farEven)));
  if (out == 2) v128.store(to + toStep, f32x4.add(d5, odd));
  else {
    const two = f32x4.splat(2), half = f32x4.splat(0.5);
    v128.store(to + toStep, odd);
    v128.store(to + 2 * toStep, madd(two, farEven, f32x4.mul(half, nearEven)));
    v128.store(to + 3 * toStep, f32x4.add(d5, madd(two, farOdd, f32x4.mul(half, nearOdd))));
  }
}

/** One panel of weights, [taps, taps, c, 8], to its places in the 36 planes, [36, c, 8]. */
function weightPanel(w: usize, u: usize, planeBytes: usize, c: i32, taps: usize, square: usize): void {
  const tap: usize = <usize>(c * PANEL) << 2, row = IN * planeBytes, line = IN << 4;
  for (let at: usize = 0; at < tap; at += 16) {
    const from = w + at, to = u + at;
    if (taps == 3) {
      // Spelled out, which is a third faster: where tiles are few, a third of the time goes into weights.
      weightLine(from, 3 * tap, 3, square, line);
      weightLine(from + tap, 3 * tap, 3, square + 16, line);
      weightLine(from + 2 * tap, 3 * tap, 3, square + 32, line);
      weightLine(square, 16, 3, to, planeBytes);
      weightLine(square + line, 16, 3, to + row, planeBytes);
      weightLine(square + 2 * line, 16, 3, to + 2 * row, planeBytes);
      weightLine(square + 3 * line, 16, 3, to + 3 * row, planeBytes);
      weightLine(square + 4 * line, 16, 3, to + 4 * row, planeBytes);
      weightLine(square + 5 * line, 16, 3, to + 5 * row, planeBytes);
    } else {
      for (let column: usize = 0; column < 5; column++) {
        weightLine(from + column * tap, 5 * tap, 5, square + (column << 4), line);
      }
      for (let i: usize = 0; i < IN; i++) weightLine(square + i * line, 16, 5, to + i * row, planeBytes);
    }
  }
}

/** One 6x6 tile of all channels to its places in the 36 planes. */
function inputTile(x: usize, xRow: usize, xPixel: usize, v: usize, planeBytes: usize, c: i32, square: usize): void {
  for (let i = 0; i < c; i += 4) {
    const from = x + (i << 2), to = v + (i << 2);
    for (let column: usize = 0; column < IN; column++) {
      inputLine(from + column * xPixel, xRow, square + (column << 4), IN << 4);
    }
    for (let row: usize = 0; row < IN; row++) {
      inputLine(square + row * (IN << 4), 16, to + row * IN * planeBytes, planeBytes);
    }
  }
}

/**
 * One tile of a panel's products to its outputs, `out` by `out` or what is left of them, of `lanes` channels, bias
 * added.
 */
function outputTile(
  p: usize, planeBytes: usize, b: usize, y: usize, yRow: usize, yPixel: usize, out: i32, rows: usize, columns: usize,
  lanes: i32, square: usize,
): void {
  const line = square + (PLANES << 4);
  for (let i = 0; i < lanes; i += 4) {
    const from = p + (i << 2), bias = v128.load(b + (i << 2));
    for (let column: usize = 0; column < IN; column++) {
      outputLine(from + column * planeBytes, IN * planeBytes, out, square + (column << 4), IN << 4);
    }
    for (let row: usize = 0; row < rows; row++) {
      outputLine(square + row * (IN << 4), 16, out, line, 16);
      const to = y + row * yRow + (i << 2);
      for (let column: usize = 0; column < columns; column++) {
        v128.store(to + column * yPixel, f32x4.add(v128.load(line + (column << 4)), bias));
      }
    }
  }
}

function check(
  x: usize, w: usize, b: usize, zeros: usize, y: usize, scratch: usize,
  n: i32, oh: i32, ow: i32, c: i32, m: i32, taps: i32, xImage: i32, xRow: i32, xPixel: i32, yPixel: i32, some: i32,
): void {
  assert(taps == 3 || taps == 5, "no tile has windows of that size");
  assert(c % 4 == 0 && m % 4 == 0, "channels are no multiple of 4");
  assert(some >= 6 && some % 6 == 0, "tiles that are worked on together are no multiple of 6");
  assert(yPixel >= m, "pixels of y overlap");
  sizes(xImage, xRow, xPixel);
  // The last tile is a whole one, even if outputs end before it does.
  const out = <i32>IN - taps + 1, more = out - 1;
  const height = (oh + more) / out * out + taps - 1, width = (ow + more) / out * out + taps - 1;
  const nx = span(n, xImage, height, xRow, width, xPixel, c, 1), ny = span(product(n, oh, ow), yPixel, m, 1);
  const nb = (m + 7) / 8 * PANEL, nw = product(nb, taps * taps, c);
  const room = product(some, 36 * (c + 8) + 2) + product(36, 8, c) + 1896;
  apart(y, ny, x, nx, w, nw, b, nb, zeros, 8, scratch, room);
  apart(scratch, room, x, nx, w, nw, b, nb, zeros, 8);
  assert((scratch & 15) == 0, "scratch is no multiple of 16");
}

/**
 * 3x3 or 5x5 convolution with stride 1 by Winograd's F(4x4, 3x3) or F(2x2, 5x5).
 *
 * Some tiles are worked on together, so that a panel's weights, transformed on the way, serve all of them, and one
 * panel at a time, so that its products never leave the first caches.
 *
 * @param x f32, channels last, padded: every tile's 6x6 inputs lie inside; c a multiple of 4
 * @param w f32[ceil(m / 8), taps, taps, c, 8], the panels of `convForward`; m a multiple of 4
 * @param b f32[ceil(m / 8) · 8] @param zeros f32[8], all 0
 * @param y f32, m contiguous channels at every pixel, written; overlaps nothing
 * @param scratch f32[some · (36 · (c + 8) + 2) + 36 · 8 · c + 1896], 16-byte aligned
 * @param taps side of the window, 3 or 5
 * @param some tiles that are worked on together, a multiple of 6
 * @param xImage, xRow, xPixel distances of neighbouring images, rows, pixels of x, in elements
 * @param yPixel distance of pixels of y, which are contiguous
 */
export function winogradForward(
  x: usize, w: usize, b: usize, zeros: usize, y: usize, scratch: usize,
  n: i32, oh: i32, ow: i32, c: i32, m: i32, taps: i32, xImage: i32, xRow: i32, xPixel: i32, yPixel: i32, some: i32,
): void {
  if (!ASC_NO_ASSERT) check(x, w, b, zeros, y, scratch, n, oh, ow, c, m, taps, xImage, xRow, xPixel, yPixel, some);
  const out = <i32>IN - taps + 1;
  const down = (oh + out - 1) / out, across = (ow + out - 1) / out;
  const tiles = n * down * across;
  const panelBytes: usize = <usize>(taps * taps * c * PANEL) << 2;
  const vPlane = SKEW + (<usize>(some * c) << 2), uPlane = SKEW +
    (<usize>(c * PANEL) << 2), pPlane = SKEW + (<usize>(some * PANEL) << 2);
  const square = scratch, v = scratch + SQUARE, u = v + PLANES * vPlane, p = u + PLANES * uPlane, table = p +
    PLANES * pPlane;
  convTable(table, 1, 1, some, 0, 0, c, 0, 0, PANEL);
  for (let first = 0; first < tiles; first += some) {
    const count = min(some, tiles - first);
    for (let t = 0; t < count; t++) {
      const tile = first + t;
      const image = tile / (down * across), row = tile / across % down, column = tile % across;
      const from = x + ((<usize>image * xImage + <usize>(row * out) * xRow + <usize>(column * out) * xPixel) << 2);
      inputTile(from, <usize>xRow << 2, <usize>xPixel << 2, v + (<usize>(t * c) << 2), vPlane, c, square);
    }
    for (let o = 0; o < m; o += PANEL) {
      weightPanel(w + <usize>(o / PANEL) * panelBytes, u, uPlane, c, taps, square);
      for (let plane: usize = 0; plane < PLANES; plane++) {
        sumTiles(v + plane * vPlane, u + plane * uPlane, zeros, p + plane * pPlane, table, count, PANEL, 1, 1, c, 0, 0);
      }
      for (let t = 0; t < count; t++) {
        const tile = first + t;
        const image = tile / (down * across), row = tile / across % down, column = tile % across;
        const to = y + ((<usize>((image * oh + row * out) * ow + column * out) * yPixel + o) << 2);
        outputTile(
          p + (<usize>(t * PANEL) << 2), pPlane, b + (o << 2), to, <usize>(ow * yPixel) << 2, <usize>yPixel << 2,
          out, min(out, oh - row * out), min(out, ow - column * out), min(PANEL, m - o), square,
        );
      }
    }
  }
}
