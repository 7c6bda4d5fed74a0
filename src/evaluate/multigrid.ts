/**
 * Equations of places on a grid, which has a margin of one place on every side:
 *
 *   (A x)_i = diagonal_i x_i − Σ_j w_ij x_j     j: the eight places around i
 *
 * At places without an equation, in the margin above all, everything is 0.
 */
export interface Grid {
  /** With the margin. */
  readonly width: number;
  readonly diagonal: Float64Array;
  /** w_ij of each place i and the later place j = i + offset, for each of `offsetsOf(width)`. */
  readonly links: readonly Float64Array[];
}

/** A grid, with what a cycle needs of it. */
interface Level extends Grid {
  /** 1 / diagonal, or 0. */
  readonly inverse: Float64Array;
  /** Into which place of the next coarser grid each place goes. */
  readonly parents: Uint32Array;
  /** Room for what is to be corrected on that grid, and the correction. */
  readonly rest: Float64Array;
  readonly correction: Float64Array;
}

/** How far the later four of the eight places around are: right, below left, below, below right. */
export const offsetsOf = (width: number) => [1, width - 1, width, width + 1];

/** Σ_j w_ij x_j over the earlier four of the places around i. */
function earlier({ width, links: { 0: e, 1: sw, 2: s, 3: se } }: Grid, x: Float64Array, i: number): number {
  const k = i - width;
  return se[k - 1] * x[k - 1] + s[k] * x[k] + sw[k + 1] * x[k + 1] + e[i - 1] * x[i - 1];
}

/** Over the later four. */
function later({ width, links: { 0: e, 1: sw, 2: s, 3: se } }: Grid, x: Float64Array, i: number): number {
  const k = i + width;
  return e[i] * x[i + 1] + sw[i] * x[k - 1] + s[i] * x[k] + se[i] * x[k + 1];
}

/** Writes A x to y. */
export function multiply(grid: Grid, x: Float64Array, y: Float64Array): void {
  const { width, diagonal } = grid;
  for (let i = width + 1; i < x.length - width - 1; i++) y[i] = diagonal[i] * x[i] - earlier(grid, x, i) - later(grid, x, i);
}

/** The grid of half the size: 2 × 2 places become one, and their equations are summed. */
function coarser({ width, diagonal, links }: Grid): { grid: Grid; parents: Uint32Array } {
  const half = Math.ceil(width / 2) + 1;
  const parents = new Uint32Array(diagonal.length).map((_, i) => ((Math.floor(i / width) + 1) >> 1) * half + (((i % width) + 1) >> 1));
  const count = parents[parents.length - 1] + half;
  const grid = { width: half, diagonal: new Float64Array(count), links: links.map(() => new Float64Array(count)) };
  diagonal.forEach((d, i) => {
    grid.diagonal[parents[i]] += d;
  });
  const offsets = offsetsOf(half);
  for (const [k, offset] of offsetsOf(width).entries()) {
    for (let i = width + 1; i < diagonal.length - width - 1; i++) {
      const weight = links[k][i];
      if (weight === 0) continue;
      const [p, q] = [parents[i], parents[i + offset]];
      if (p === q) grid.diagonal[p] -= 2 * weight;
      // Below left may become left.
      else grid.links[offsets.indexOf(Math.abs(q - p))][Math.min(p, q)] += weight;
    }
  }
  return { grid, parents };
}

/** The grid and coarser ones, down to a single place. */
export function levelsOf(grid: Grid): Level[] {
  const inverse = grid.diagonal.map((d) => (d > 0 ? 1 / d : 0));
  const { grid: next, parents } = coarser(grid);
  const [rest, correction] = [next.diagonal.map(() => 0), next.diagonal.map(() => 0)];
  return [{ ...grid, inverse, parents, rest, correction }, ...(grid.diagonal.length > 9 ? levelsOf(next) : [])];
}

/**
 * Writes to x what comes near A⁻¹ b, by a V-cycle of multigrid: Gauss and Seidel's method forwards, a correction from the coarser grid,
 * and Gauss and Seidel's method backwards, which makes it symmetric. As the coarse grid sees steps where x is smooth, its correction is
 * too small, and is multiplied by 1.8.
 * Source: Braess 1995, "Towards algebraic multigrid for elliptic problems of second order", Computing 55.
 */
export function vCycle([grid, ...coarse]: readonly Level[], b: Float64Array, x: Float64Array): void {
  const { width, inverse, parents } = grid;
  for (let i = width + 1; i < x.length - width - 1; i++) x[i] = (b[i] + earlier(grid, x, i)) * inverse[i];
  if (coarse.length === 0) return;
  const { rest, correction } = grid;
  rest.fill(0);
  // The later places were 0 when the equations were solved: they are what is missing.
  for (let i = width + 1; i < x.length - width - 1; i++) rest[parents[i]] += later(grid, x, i);
  vCycle(coarse, rest, correction);
  for (let i = width + 1; i < x.length - width - 1; i++) x[i] += 1.8 * correction[parents[i]];
  for (let i = x.length - width - 2; i > width; i--) x[i] = (b[i] + earlier(grid, x, i) + later(grid, x, i)) * inverse[i];
}
