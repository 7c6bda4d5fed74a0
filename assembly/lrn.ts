import { apart, product, sizes } from "./check";
import { AnyPower, base, Beta, Gradient, members, Power, Rule, Taylor, TaylorUniform, ThreeQuarters,
Unnormalised } from "./lrn-rules";
import { madd, storeLanes } from "./simd";

/**
 * For each of the four numbers at `line`, the sum of the `before` numbers before it and the `after` numbers after it.
 */
// @ts-ignore: decorator
@inline
function neighbours(line: usize, before: i32, after: i32): v128 {
  // The window of AlexNet and GoogLeNet, without a loop.
  if (before == 2 && after == 2) {
    return f32x4.add(
      f32x4.add(v128.load(line - 8), v128.load(line - 4)),
      f32x4.add(v128.load(line, 4), v128.load(line, 8)),
    );
  }
  // In parts, which keeps sums short.
  let sum = f32x4.splat(0), part = sum;
  for (let t = -before; t <= after; t++) {
    if (t != 0) part = f32x4.add(part, v128.load(line + (t << 2)));
    if ((t & 31) == 31) { sum = f32x4.add(sum, part); part = f32x4.splat(0); }
  }
  return f32x4.add(sum, part);
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
  if (!ASC_NO_ASSERT) {
    sizes(before, after);
    apart(y, product(pixels, c), x, product(pixels, c), scratch, c + before + after + 4);
    apart(scratch, c + before + after + 4, x, product(pixels, c));
  }
  if (beta == 0.75) forward<ThreeQuarters>(x, y, scratch, pixels, c, before, after, a, beta, bias);
  else forward<AnyPower>(x, y, scratch, pixels, c, before, after, a, beta, bias);
}

// @ts-ignore: decorator
@inline
function forward<P extends Power>(
  x: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32, bias: f32,
): void {
  const av = f32x4.splat(a), bv = f32x4.splat(bias);
  const squares = scratch + (before << 2);
  memory.fill(scratch, 0, (c + before + after + 4) << 2);
  for (let p = 0; p < pixels; p++) {
    const from = x + <usize>(p * c << 2), to = y + <usize>(p * c << 2);
    squareLine(from, squares, c);
    for (let k = 0; k < c; k += 4) {
      const v = v128.load(from + (k << 2));
      const s = base(f32x4.mul(v, v), neighbours(squares + (k << 2), before, after), av, bv);
      storeLanes(to + (k << 2), f32x4.div(v, changetype<P>(0).of(s, beta)), c - k);
    }
  }
}

// @ts-ignore: decorator
@inline
function channels<T extends Rule>(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
): void {
  if (!ASC_NO_ASSERT) {
    sizes(before, after);
    const count = product(pixels, c), lines = product(3, c + before + after + 4);
    apart(y, count, x, count, r, count, scratch, lines);
    apart(scratch, lines, x, count, r, count);
  }
  const rule = changetype<T>(0);
  const lineBytes: usize = (c + before + after + 4) << 2;
  // Between margins; relevance goes backwards through the window, so there they change sides.
  const av = f32x4.splat(a), bv = f32x4.splat(bias);
  const squares = scratch + (before << 2), crosses = scratch + lineBytes + (after << 2), shares = crosses + lineBytes;
  memory.fill(scratch, 0, 3 * lineBytes);
  for (let p = 0; p < pixels; p++) {
    const offset = <usize>(p * c << 2);
    squareLine(x + offset, squares, c);
    for (let k = 0; k < c; k += 4) {
      const at = offset + (k << 2);
      const xv = v128.load(x + at), rv = v128.load(r + at);
      const u = neighbours(squares + (k << 2), before, after);
      const m = rule.across(xv, u, av, beta, bv), q = rule.quota(xv, u, rv, m, av, beta, bv);
      const own = rule.own(xv, u, rv, m, q, windowCount(k, c, before, after), av, beta, bv);
      storeLanes(y + at, own, c - k);
      storeLanes(crosses + (k << 2), rule.cross(xv, u, rv, m, q), c - k);
      if (rule.shares()) storeLanes(shares + (k << 2), own, c - k);
    }
    for (let j = 0; j < c; j += 4) {
      const at = offset + (j << 2);
      let sum = madd(rule.weigh(v128.load(x + at)), neighbours(crosses + (j << 2), after, before), v128.load(y + at));
      if (rule.shares()) sum = f32x4.add(sum, neighbours(shares + (j << 2), after, before));
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
export function lrnTaylor(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
): void {
  if (beta == 0.75) channels<Taylor<ThreeQuarters>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
  else channels<Taylor<AnyPower>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnTaylorUniform(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
): void {
  if (beta == 0.75) channels<TaylorUniform<ThreeQuarters>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
  else channels<TaylorUniform<AnyPower>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnBeta(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
): void {
  channels<Beta>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnVjp(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
): void {
  if (beta == 0.75) channels<Gradient<ThreeQuarters>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
  else channels<Gradient<AnyPower>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
export function lrnUnnormalised(
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
): void {
  if (beta == 0.75) channels<Unnormalised<ThreeQuarters>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
  else channels<Unnormalised<AnyPower>>(x, r, y, scratch, pixels, c, before, after, a, beta, bias);
}
