import { base, Beta, Gradient, members, power, Rule, Taylor, TaylorUniform, Unnormalised } from "./lrn-rules";
import { madd, storeLanes } from "./simd";

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
