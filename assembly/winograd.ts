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

/** Inputs along one side of a tile, outputs along one side, and products of a tile. */
const IN: usize = 6;
const OUT: i32 = 4;
const PLANES: usize = 36;

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

/** One 6x6 tile of all channels to its places in the 36 planes. */
function inputTile(x: usize, xRow: usize, xPixel: usize, v: usize, planeBytes: usize, c: i32, square: usize): void {
  for (let i = 0; i < c; i += 4) {
    const from = x + (i << 2), to = v + (i << 2);
    for (let column: usize = 0; column < IN; column++) inputLine(from + column * xPixel, xRow, square + (column << 4), IN << 4);
    for (let row: usize = 0; row < IN; row++) inputLine(square + row * (IN << 4), 16, to + row * IN * planeBytes, planeBytes);
  }
}

/** One tile of products to its (at most) 4x4 outputs, bias added. */
function outputTile(p: usize, planeBytes: usize, b: usize, y: usize, yRow: usize, yPixel: usize, rows: usize, columns: usize, m: i32, square: usize): void {
  for (let i = 0; i < m; i += 4) {
    const from = p + (i << 2);
    for (let column: usize = 0; column < IN; column++) outputLine(from + column * planeBytes, IN * planeBytes, square + (column << 4), IN << 4);
    const line = square + (PLANES << 4);
    const bias = v128.load(b + (i << 2));
    for (let row: usize = 0; row < rows; row++) {
      outputLine(square + row * (IN << 4), 16, line, 16);
      const to = y + row * yRow + (i << 2);
      for (let column: usize = 0; column < columns; column++) v128.store(to + column * yPixel, f32x4.add(v128.load(line + (column << 4)), bias));
    }
  }
}

/**
 * 3x3 convolution with stride 1 by Winograd's F(4x4, 3x3), some tiles at a time.
 *
 * @param x f32, channels last, padded: every tile's 6x6 inputs lie inside; c a multiple of 4
 * @param w f32[36, ceil(m / 8), c, 8], G w Gᵀ in panels of 8 outputs; m a multiple of 4
 * @param b f32[m] @param zeros f32[ceil(m / 8) · 8], all 0
 * @param y f32[n, oh, ow, m], written; overlaps nothing
 * @param scratch f32[some · (36 · (c + m) + 2) + 4 · 40], 16-byte aligned
 * @param some tiles that are worked on together, a multiple of 6
 * @param xImage, xRow distances of neighbouring images and rows of x, in elements
 */
export function winogradForward(
  x: usize, w: usize, b: usize, zeros: usize, y: usize, scratch: usize,
  n: i32, oh: i32, ow: i32, c: i32, m: i32, xImage: i32, xRow: i32, some: i32,
): void {
  const down = (oh + OUT - 1) / OUT, across = (ow + OUT - 1) / OUT;
  const tiles = n * down * across;
  const vPlane: usize = <usize>(some * c) << 2, pPlane: usize = <usize>(some * m) << 2;
  const square = scratch, v = scratch + (40 << 4), p = v + PLANES * vPlane, table = p + PLANES * pPlane;
  const wPlane: usize = <usize>(((m + 7) / 8) * c) << 5;
  convTable(table, 1, 1, some, 0, 0, c, 0, 0, m);
  for (let first = 0; first < tiles; first += some) {
    const count = min(some, tiles - first);
    for (let t = 0; t < count; t++) {
      const tile = first + t;
      const image = tile / (down * across), row = tile / across % down, column = tile % across;
      const from = x + ((<usize>image * xImage + <usize>(row * OUT) * xRow + <usize>(column * OUT) * c) << 2);
      inputTile(from, <usize>xRow << 2, <usize>c << 2, v + (<usize>(t * c) << 2), vPlane, c, square);
    }
    for (let plane: usize = 0; plane < PLANES; plane++) {
      convForward(v + plane * vPlane, w + plane * wPlane, zeros, p + plane * pPlane, table, count, m, 1, 1, c, 0, 0);
    }
    for (let t = 0; t < count; t++) {
      const tile = first + t;
      const image = tile / (down * across), row = tile / across % down, column = tile % across;
      const to = y + ((<usize>((image * oh + row * OUT) * ow + column * OUT) * m) << 2);
      outputTile(
        p + (<usize>(t * m) << 2), pPlane, b, to, <usize>(ow * m) << 2, <usize>m << 2,
        min(OUT, oh - row * OUT), min(OUT, ow - column * OUT), m, square,
      );
    }
  }
}
