import { apart, product, sizes } from "./check";
import { AnyPower, base, Beta, Gradient, members, Power, Rule, Taylor, TaylorUniform, ThreeQuarters,
Unnormalised } from "./lrn-rules";
import { madd, storeLanes } from "./simd";

/** Σ over the spatial window around (row, column) of x² or, for x = relevance terms, of x; the centre left out. */
// @ts-ignore: decorator
@inline
function spatialSum(
  image: usize, row: i32, column: i32, h: i32, w: i32, c: i32, before: i32, after: i32, squared: bool,
): v128 {
  let sum = f32x4.splat(0);
  for (let i = max(0, row - before); i <= min(h - 1, row + after); i++) {
    // Row by row, which keeps sums short.
    let line = f32x4.splat(0);
    for (let j = max(0, column - before); j <= min(w - 1, column + after); j++) {
      if (i == row && j == column) continue;
      const v = v128.load(image + (((i * w + j) * c) << 2));
      line = squared ? madd(v, v, line) : f32x4.add(line, v);
    }
    sum = f32x4.add(sum, line);
  }
  return sum;
}

/**
 * Local response normalization within a channel, over a square spatial window (Caffe's WITHIN_CHANNEL).
 *
 *   y_k = x_k · (bias + a · Σ_{j ∈ N(k)} x_j²)^(−beta),   a = alpha / size², cut-off windows included
 *
 * @param x f32[n, h, w, c] @param y f32[n, h, w, c], written; overlaps nothing
 */
export function lrnSpatialForward(
  x: usize, y: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32,
): void {
  if (!ASC_NO_ASSERT) {
    sizes(before, after);
    apart(y, product(n, h, w, c), x, product(n, h, w, c));
  }
  if (beta == 0.75) forward<ThreeQuarters>(x, y, n, h, w, c, before, after, a, beta, bias);
  else forward<AnyPower>(x, y, n, h, w, c, before, after, a, beta, bias);
}

// @ts-ignore: decorator
@inline
function forward<P extends Power>(
  x: usize, y: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32,
): void {
  const av = f32x4.splat(a), bv = f32x4.splat(bias);
  for (let i = 0; i < n; i++) {
    const image = <usize>(i * h * w * c) << 2;
    for (let p = 0; p < h * w; p++) {
      for (let j = 0; j < c; j += 4) {
        const at = image + <usize>((p * c + j) << 2);
        const v = v128.load(x + at);
        const u = spatialSum(x + image + (j << 2), p / w, p % w, h, w, c, before, after, true);
        storeLanes(y + at, f32x4.div(v, changetype<P>(0).of(base(f32x4.mul(v, v), u, av, bv), beta)), c - j);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function spatial<T extends Rule>(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
): void {
  if (!ASC_NO_ASSERT) {
    sizes(before, after);
    const count = product(n, h, w, c), room = product(2, product(h, w, c) + 4);
    apart(y, count, x, count, r, count, scratch, room);
    apart(scratch, room, x, count, r, count);
  }
  const rule = changetype<T>(0);
  const av = f32x4.splat(a), bv = f32x4.splat(bias);
  const crosses = scratch, shares = scratch + (<usize>(h * w * c + 4) << 2);
  for (let i = 0; i < n; i++) {
    const image = <usize>(i * h * w * c) << 2;
    for (let p = 0; p < h * w; p++) {
      const row = p / w, column = p % w;
      const count = f32x4.splat(<f32>(members(row, h, before, after) * members(column, w, before, after)));
      for (let j = 0; j < c; j += 4) {
        const local = <usize>((p * c + j) << 2);
        const xv = v128.load(x + image + local), rv = v128.load(r + image + local);
        const u = spatialSum(x + image + (j << 2), row, column, h, w, c, before, after, true);
        const m = rule.across(xv, u, av, beta, bv), q = rule.quota(xv, u, rv, m, av, beta, bv);
        const own = rule.own(xv, u, rv, m, q, count, av, beta, bv);
        storeLanes(y + image + local, own, c - j);
        storeLanes(crosses + local, rule.cross(xv, u, rv, m, q), c - j);
        if (rule.shares()) storeLanes(shares + local, own, c - j);
      }
    }
    for (let p = 0; p < h * w; p++) {
      for (let j = 0; j < c; j += 4) {
        const at = image + <usize>((p * c + j) << 2);
        const own = v128.load(y + at);
        // Those whose window holds j: the window the other way round.
        let sum = madd(rule.weigh(v128.load(x + at)),
          spatialSum(crosses + (j << 2), p / w, p % w, h, w, c, after, before, false), own);
        if (rule.shares()) sum = f32x4.add(sum, spatialSum(shares +
          (j << 2), p / w, p % w, h, w, c, after, before, false));
        storeLanes(y + at, sum, c - j);
      }
    }
  }
}

/*
 * Relevance through normalization within a channel, one export per rule.
 *
 * @param x f32[n, h, w, c] @param r f32[n, h, w, c] @param y f32[n, h, w, c], written; overlaps nothing
 * @param scratch f32[2 · (h · w · c + 4)]
 */
export function lrnSpatialTaylor(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
): void {
  if (beta == 0.75) spatial<Taylor<ThreeQuarters>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
  else spatial<Taylor<AnyPower>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialTaylorUniform(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
): void {
  if (beta == 0.75) spatial<TaylorUniform<ThreeQuarters>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
  else spatial<TaylorUniform<AnyPower>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialBeta(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
): void {
  spatial<Beta>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialVjp(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
): void {
  if (beta == 0.75) spatial<Gradient<ThreeQuarters>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
  else spatial<Gradient<AnyPower>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialUnnormalised(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
): void {
  if (beta == 0.75) spatial<Unnormalised<ThreeQuarters>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
  else spatial<Unnormalised<AnyPower>>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
