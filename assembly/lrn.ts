import { madd, storeLanes } from "./simd";

/*
 * Notation (method: Binder et al. 2016, arXiv 1604.00825, section 3, for any bias and scale):
 *   N(k)  the window of k: in the channels k − before … k + after, or in space the same around row and column
 *   U_k = Σ_{j ∈ N(k), j ≠ k} x_j²      s_k = bias + a · (U_k + x_k²)      t_k = bias + a · x_k²
 * Every rule is  R_j = own_j + x_j^e · Σ_{k: j ∈ N(k), k ≠ j} cross_k + Σ_{k: j ∈ N(k), k ≠ j} share_k,
 * so a rule is a row of four small functions and both kinds of window share them.
 */

// @ts-ignore: decorator
@inline
function powLane(s: f32, beta: f32): f32 {
  return <f32>Math.pow(<f64>s, -<f64>beta);
}

/** s^(−beta); for beta = 0.75 two square roots and one division. */
// @ts-ignore: decorator
@inline
function power(s: v128, beta: f32): v128 {
  if (beta == 0.75) {
    const root = f32x4.sqrt(s);
    return f32x4.div(f32x4.splat(1), f32x4.mul(root, f32x4.sqrt(root)));
  }
  return f32x4(
    powLane(f32x4.extract_lane(s, 0), beta), powLane(f32x4.extract_lane(s, 1), beta),
    powLane(f32x4.extract_lane(s, 2), beta), powLane(f32x4.extract_lane(s, 3), beta),
  );
}

/** −2 · a · beta · s^(−beta−1), the factor of every derivative across. */
// @ts-ignore: decorator
@inline
function slopeAcross(s: v128, a: f32, beta: f32): v128 {
  return f32x4.mul(f32x4.splat(-2 * a * beta), f32x4.div(power(s, beta), s));
}

/** s of x² = xx and neighbours U, or t with U = 0. */
// @ts-ignore: decorator
@inline
function base(xx: v128, u: v128, a: f32, bias: f32): v128 {
  return madd(f32x4.splat(a), f32x4.add(xx, u), f32x4.splat(bias));
}

// @ts-ignore: decorator
@unmanaged
abstract class Rule {
  /** What k keeps. */
  abstract own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128;
  /** What k hands its neighbours, to be weighed with their x^e. */
  abstract cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128;
  /** What k hands every neighbour alike; read only where `shares()`. */
  abstract share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128;
  abstract shares(): bool;
  /** x^e */
  abstract weigh(x: v128): v128;
}

/** q_k = R_k / D_k with D_k = t_k^−β − 2aβ s_k^(−β−1) U_k, which is never below (1 − 2/e) t_k^−β: no stabilizer. */
// @ts-ignore: decorator
@inline
function taylorQuotient(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
  const xx = f32x4.mul(x, x);
  const across = slopeAcross(base(xx, u, a, bias), a, beta);
  return f32x4.div(r, madd(across, u, power(base(xx, f32x4.splat(0), a, bias), beta)));
}

// @ts-ignore: decorator
@final @unmanaged
class Taylor extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.mul(power(base(f32x4.mul(x, x), f32x4.splat(0), a, bias), beta), taylorQuotient(x, u, r, a, beta, bias));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.mul(slopeAcross(base(f32x4.mul(x, x), u, a, bias), a, beta), taylorQuotient(x, u, r, a, beta, bias));
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** As Taylor, with the zero-order term split evenly over the `count` members of the window. */
// @ts-ignore: decorator
@final @unmanaged
class TaylorUniform extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.div(changetype<Taylor>(0).own(x, u, r, count, a, beta, bias), count);
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return changetype<Taylor>(0).cross(x, u, r, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return this.own(x, u, r, count, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline shares(): bool { return true; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** The β rule with β = 1: only the centre counts as positive, its neighbours share −1 by x². */
// @ts-ignore: decorator
@final @unmanaged
class Beta extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    // Without a neighbour that fired there is nobody to take the −1: all stays at the centre.
    return f32x4.add(r, v128.and(r, f32x4.gt(u, f32x4.splat(0))));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return v128.and(f32x4.div(f32x4.neg(r), u), f32x4.gt(u, f32x4.splat(0)));
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** Jᵀ R. */
// @ts-ignore: decorator
@final @unmanaged
class Gradient extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    const xx = f32x4.mul(x, x);
    const s = base(xx, u, a, bias);
    return f32x4.mul(r, madd(slopeAcross(s, a, beta), xx, power(s, beta)));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.mul(f32x4.mul(x, r), slopeAcross(base(f32x4.mul(x, x), u, a, bias), a, beta));
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return x; }
}

/** The Taylor messages z_jk without the division by their sum, as the paper's authors released them. */
// @ts-ignore: decorator
@final @unmanaged
class Unnormalised extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.mul(f32x4.mul(r, x), power(base(f32x4.mul(x, x), f32x4.splat(0), a, bias), beta));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return changetype<Gradient>(0).cross(x, u, r, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** Σ of the window [0, size) after `line`, without the element `skip` (−1: none). */
// @ts-ignore: decorator
@inline
function windowSum(line: usize, size: i32, skip: i32): v128 {
  let sum = f32x4.splat(0);
  for (let t = 0; t < size; t++) {
    if (t != skip) sum = f32x4.add(sum, v128.load(line + (t << 2)));
  }
  return sum;
}

/** Squares of one pixel's channels, between margins of zeros that the caller has laid out. */
// @ts-ignore: decorator
@inline
function squareLine(x: usize, line: usize, c: i32): void {
  for (let j = 0; j < c; j += 4) {
    const v = v128.load(x + (j << 2));
    storeLanes(line + (j << 2), f32x4.mul(v, v), c - j);
  }
}

/**
 * Local response normalization across channels.
 *
 *   y_k = x_k · (bias + a · Σ_{j ∈ N(k)} x_j²)^(−beta),   N(k) = max(0, k − before) … min(c − 1, k + after)
 *
 * Source: Krizhevsky et al. 2012, section 3.3; ONNX LRN-13 with a = alpha / size.
 *
 * @param x f32[pixels, c] @param y f32[pixels, c], written; overlaps nothing
 * @param scratch f32[c + before + after + 4]
 */
export function lrnForward(
  x: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32,
): void {
  const size = before + after + 1;
  memory.fill(scratch, 0, (c + size + 3) << 2);
  for (let p = 0; p < pixels; p++) {
    const from = x + <usize>(p * c << 2), to = y + <usize>(p * c << 2);
    squareLine(from, scratch + (before << 2), c);
    for (let k = 0; k < c; k += 4) {
      const s = base(windowSum(scratch + (k << 2), size, -1), f32x4.splat(0), a, bias);
      storeLanes(to + (k << 2), f32x4.mul(v128.load(from + (k << 2)), power(s, beta)), c - k);
    }
  }
}

// @ts-ignore: decorator
@inline
function channels<T extends Rule>(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32,
): void {
  const rule = changetype<T>(0);
  const size = before + after + 1;
  const lineBytes: usize = (c + size + 3) << 2;
  const squares = scratch, crosses = scratch + lineBytes, shares = scratch + 2 * lineBytes;
  memory.fill(scratch, 0, 3 * lineBytes);
  const skip = before;
  for (let p = 0; p < pixels; p++) {
    const offset = <usize>(p * c << 2);
    squareLine(x + offset, squares + (before << 2), c);
    for (let k = 0; k < c; k += 4) {
      const at = offset + (k << 2);
      const xv = v128.load(x + at), rv = v128.load(r + at);
      const u = windowSum(squares + (k << 2), size, skip);
      const count = windowCount(k, c, before, after);
      storeLanes(y + at, rule.own(xv, u, rv, count, a, beta, bias), c - k);
      // The window is walked backwards here, so its margins change sides.
      storeLanes(crosses + ((k + after) << 2), rule.cross(xv, u, rv, a, beta, bias), c - k);
      if (rule.shares()) storeLanes(shares + ((k + after) << 2), rule.share(xv, u, rv, count, a, beta, bias), c - k);
    }
    for (let j = 0; j < c; j += 4) {
      const at = offset + (j << 2);
      const own = v128.load(y + at);
      let sum = madd(rule.weigh(v128.load(x + at)), windowSum(crosses + (j << 2), size, after), own);
      if (rule.shares()) sum = f32x4.add(sum, windowSum(shares + (j << 2), size, after));
      storeLanes(y + at, sum, c - j);
    }
  }
}

// @ts-ignore: decorator
@inline
function members(k: i32, c: i32, before: i32, after: i32): i32 {
  return min(c - 1, k + after) - max(0, k - before) + 1;
}

// @ts-ignore: decorator
@inline
function windowCount(k: i32, c: i32, before: i32, after: i32): v128 {
  return f32x4.convert_i32x4_s(i32x4(
    members(k, c, before, after), members(k + 1, c, before, after),
    members(k + 2, c, before, after), members(k + 3, c, before, after),
  ));
}

/*
 * Relevance through normalization across channels, one export per rule.
 *
 * @param x f32[pixels, c], the input of the forward pass @param r f32[pixels, c], relevance of its output
 * @param y f32[pixels, c], relevance of its input, written; overlaps nothing
 * @param scratch f32[3 · (c + before + after + 4)]
 */
export function lrnTaylor(x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  channels<Taylor>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnTaylorUniform(x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  channels<TaylorUniform>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnBeta(x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  channels<Beta>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnVjp(x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  channels<Gradient>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnUnnormalised(x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  channels<Unnormalised>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}

/** Σ over the spatial window around (row, column) of x² or, for x = relevance terms, of x; the centre left out. */
// @ts-ignore: decorator
@inline
function spatialSum(image: usize, row: i32, column: i32, h: i32, w: i32, c: i32, before: i32, after: i32, squared: bool): v128 {
  let sum = f32x4.splat(0);
  for (let i = max(0, row - before); i <= min(h - 1, row + after); i++) {
    for (let j = max(0, column - before); j <= min(w - 1, column + after); j++) {
      if (i == row && j == column) continue;
      const v = v128.load(image + (((i * w + j) * c) << 2));
      sum = squared ? madd(v, v, sum) : f32x4.add(sum, v);
    }
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
  for (let i = 0; i < n; i++) {
    const image = <usize>(i * h * w * c) << 2;
    for (let p = 0; p < h * w; p++) {
      for (let j = 0; j < c; j += 4) {
        const at = image + <usize>((p * c + j) << 2);
        const v = v128.load(x + at);
        const u = spatialSum(x + image + (j << 2), p / w, p % w, h, w, c, before, after, true);
        storeLanes(y + at, f32x4.mul(v, power(base(f32x4.mul(v, v), u, a, bias), beta)), c - j);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function spatial<T extends Rule>(
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32,
): void {
  const rule = changetype<T>(0);
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
        storeLanes(y + image + local, rule.own(xv, u, rv, count, a, beta, bias), c - j);
        storeLanes(crosses + local, rule.cross(xv, u, rv, a, beta, bias), c - j);
        if (rule.shares()) storeLanes(shares + local, rule.share(xv, u, rv, count, a, beta, bias), c - j);
      }
    }
    for (let p = 0; p < h * w; p++) {
      for (let j = 0; j < c; j += 4) {
        const at = image + <usize>((p * c + j) << 2);
        const own = v128.load(y + at);
        // Those whose window holds j: the window the other way round.
        let sum = madd(rule.weigh(v128.load(x + at)), spatialSum(crosses + (j << 2), p / w, p % w, h, w, c, after, before, false), own);
        if (rule.shares()) sum = f32x4.add(sum, spatialSum(shares + (j << 2), p / w, p % w, h, w, c, after, before, false));
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
export function lrnSpatialTaylor(x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  spatial<Taylor>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialTaylorUniform(x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  spatial<TaylorUniform>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialBeta(x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  spatial<Beta>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialVjp(x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  spatial<Gradient>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
export function lrnSpatialUnnormalised(x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32): void {
  spatial<Unnormalised>(x, r, y, scratch, n, h, w, c, before, after, a, beta, bias);
}
