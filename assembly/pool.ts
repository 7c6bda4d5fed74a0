import { apart, product, rowsOf, sizes, windows } from "./check";
import { high, loadLanes, low, narrow, storeLanes } from "./simd";
import { clearRows, endTap, firstTap } from "./taps";

/** Taps of one window along one axis that fall inside [-before, length + after). */
// @ts-ignore: decorator
@inline
function taps(start: i32, kernel: i32, dilation: i32, length: i32, before: i32, after: i32): i32 {
  return max(0, endTap(start + before, kernel, dilation, length + before + after) - firstTap(start + before, dilation));
}

/** Windows along one axis of the image; the first begins `before` places before it. */
function check(length: i32, out: i32, kernel: i32, stride: i32, dilation: i32, before: i32): void {
  windows(out, kernel, stride, dilation);
  const first = -before, last = first + (out - 1) * stride;
  assert(out == 0 || (first + (kernel - 1) * dilation >= 0 && last < length), "a window lies outside the image");
}

/**
 * Maximum over windows; padding never wins.
 *
 *   y[n, oh, ow, c] = max_{r,q} x[n, oh·strideH − top + r·dilationH, ow·strideW − left + q·dilationW, c]
 *
 * @param x f32[n, h, w, c] @param y f32[n, oh, ow, c], written; overlaps nothing
 * @param oh, ow how many windows, none of which lies before or behind the image
 */
export function maxPoolForward(
  x: usize, y: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
): void {
  if (!ASC_NO_ASSERT) {
    check(h, oh, kh, strideH, dilationH, top);
    check(w, ow, kw, strideW, dilationW, left);
    apart(y, product(n, oh, ow, c), x, product(n, h, w, c));
  }
  const down: usize = (dilationH * w * c) << 2, right: usize = (dilationW * c) << 2;
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      const row = a * strideH - top, r = firstTap(row, dilationH), rows = endTap(row, kh, dilationH, h) - r;
      for (let b = 0; b < ow; b++, y += c << 2) {
        const column = b * strideW - left, q = firstTap(column, dilationW),
          columns = endTap(column, kw, dilationW, w) - q;
        const from = x + ((((i * h + row + r * dilationH) * w + column + q * dilationW) * c) << 2);
        let j = 0;
        for (; j <= c - 16; j += 16) maximum16(from + (j << 2), y + (j << 2), rows, columns, down, right);
        for (; j < c; j += 4) storeLanes(y + (j << 2), maximum(from + (j << 2), rows, columns, down, right), c - j);
      }
    }
  }
}

/** The maximum of 4 channels over rows x columns pixels that lie `down` and `right` bytes apart, the first at x. */
// @ts-ignore: decorator
@inline
function maximum(x: usize, rows: i32, columns: i32, down: usize, right: usize): v128 {
  let best = f32x4.splat(-Infinity);
  for (let r = 0; r < rows; r++, x += down) {
    for (let q = 0, at = x; q < columns; q++, at += right) best = f32x4.pmax(best, v128.load(at));
  }
  return best;
}

/** `maximum` of 16 channels, stored at y: a walk through the window is dear, four vectors share one. */
// @ts-ignore: decorator
@inline
function maximum16(x: usize, y: usize, rows: i32, columns: i32, down: usize, right: usize): void {
  let best0 = f32x4.splat(-Infinity), best1 = best0, best2 = best0, best3 = best0;
  for (let r = 0; r < rows; r++, x += down) {
    for (let q = 0, at = x; q < columns; q++, at += right) {
      best0 = f32x4.pmax(best0, v128.load(at));
      best1 = f32x4.pmax(best1, v128.load(at, 16));
      best2 = f32x4.pmax(best2, v128.load(at, 32));
      best3 = f32x4.pmax(best3, v128.load(at, 48));
    }
  }
  v128.store(y, best0);
  v128.store(y, best1, 16);
  v128.store(y, best2, 32);
  v128.store(y, best3, 48);
}

/**
 * Gives every window's relevance to its first maximum in row-major order; windows that overlap add up.
 *
 *   out[argmax of the window] += r[n, oh, ow, c]
 *
 * @param x f32[n, h, w, c], the pool's input @param y f32[n, oh, ow, c], its output @param r f32[n, oh, ow, c]
 * @param out f32[n, h, w, c], written; overlaps nothing
 * @param from, rows which rows of every image of out are worked on
 */
export function maxPoolVjp(
  x: usize, y: usize, r: usize, out: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32, from: i32, rows: i32,
): void {
  if (!ASC_NO_ASSERT) {
    check(h, oh, kh, strideH, dilationH, top);
    check(w, ow, kw, strideW, dilationW, left);
    rowsOf(h, from, rows);
    apart(out, product(n, h, w, c), x, product(n, h, w, c), y, product(n, oh, ow, c), r, product(n, oh, ow, c));
  }
  clearRows(out, n, h, w * c, from, rows);
  const down: usize = (dilationH * w * c) << 2, right: usize = (dilationW * c) << 2;
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      const row = a * strideH - top, p = firstTap(row, dilationH), end = endTap(row, kh, dilationH, h);
      // All taps of a window are asked for the maximum, those in the rows of this call are given to.
      const given = firstTap(row - from, dilationH), givenEnd = min(end, endTap(row - from, kh, dilationH, rows));
      if (given >= givenEnd) continue;
      for (let b = 0; b < ow; b++) {
        const column = b * strideW - left, q = firstTap(column, dilationW),
          columns = endTap(column, kw, dilationW, w) - q;
        const first: usize = (((i * h + row + p * dilationH) * w + column + q * dilationW) * c) << 2;
        const pixel = <usize>(((i * oh + a) * ow + b) * c) << 2;
        let j = 0;
        for (; j <= c - 8; j += 8) {
          const at: usize = j << 2;
          toMaximum8(x + first + at, y + pixel + at, r + pixel + at, out + first + at, givenEnd - p, columns, down,
            right, given - p);
        }
        for (; j < c; j += 4) {
          const at: usize = j << 2;
          toMaximum(x + first + at, y + pixel + at, r + pixel + at, out + first + at, givenEnd - p, columns, down,
            right, given - p, c - j);
        }
      }
    }
  }
}

/**
 * Adds r to `out` where x first equals y and not above row `given`, for up to 4 channels of the window that `maximum`
 * describes.
 */
// @ts-ignore: decorator
@inline
function toMaximum(
  x: usize, y: usize, r: usize, out: usize, rows: i32, columns: i32, down: usize, right: usize, given: i32, lanes: i32,
): void {
  const best = v128.load(y);
  let left = v128.load(r);
  if (!v128.any_true(left)) return;
  for (let p = 0, line: usize = 0; p < rows; p++, line += down) {
    for (let q = 0, at = line; q < columns; q++, at += right) {
      const won = v128.and(left, f32x4.eq(v128.load(x + at), best));
      if (p >= given) storeLanes(out + at, f32x4.add(v128.load(out + at), won), lanes);
      left = v128.xor(left, won);
    }
  }
}

/** `toMaximum` of 8 channels, two vectors at once. */
// @ts-ignore: decorator
@inline
function toMaximum8(
  x: usize, y: usize, r: usize, out: usize, rows: i32, columns: i32, down: usize, right: usize, given: i32,
): void {
  const best0 = v128.load(y), best1 = v128.load(y, 16);
  let left0 = v128.load(r), left1 = v128.load(r, 16);
  if (!v128.any_true(v128.or(left0, left1))) return;
  for (let p = 0, line: usize = 0; p < rows; p++, line += down) {
    for (let q = 0, at = line; q < columns; q++, at += right) {
      const won0 = v128.and(left0, f32x4.eq(v128.load(x + at), best0));
      const won1 = v128.and(left1, f32x4.eq(v128.load(x + at, 16), best1));
      if (p >= given) {
        v128.store(out + at, f32x4.add(v128.load(out + at), won0));
        v128.store(out + at, f32x4.add(v128.load(out + at, 16), won1), 16);
      }
      left0 = v128.xor(left0, won0);
      left1 = v128.xor(left1, won1);
    }
  }
}

/**
 * Mean over windows.
 *
 *   y[n, oh, ow, c] = Σ_{r,q} x[…] / count,   count = taps inside [-top', h + bottom') × [-left', w + right')
 *
 * @param countTop, countBottom, countLeft, countRight how much padding the divisor counts: the pads or 0
 * @param x f32[n, h, w, c] @param y f32[n, oh, ow, c], written; overlaps nothing
 * @param oh, ow how many windows, none of which lies before or behind the image
 */
export function averagePoolForward(
  x: usize, y: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
  countTop: i32, countBottom: i32, countLeft: i32, countRight: i32,
): void {
  if (!ASC_NO_ASSERT) {
    check(h, oh, kh, strideH, dilationH, top);
    check(w, ow, kw, strideW, dilationW, left);
    sizes(countTop, countBottom, countLeft, countRight);
    apart(y, product(n, oh, ow, c), x, product(n, h, w, c));
  }
  const down: usize = (dilationH * w * c) << 2, right: usize = (dilationW * c) << 2;
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      const row = a * strideH - top, r = firstTap(row, dilationH), rows = endTap(row, kh, dilationH, h) - r;
      const counted = taps(row, kh, dilationH, h, countTop, countBottom);
      for (let b = 0; b < ow; b++, y += c << 2) {
        const column = b * strideW - left, q = firstTap(column, dilationW),
          columns = endTap(column, kw, dilationW, w) - q;
        const count = <f64>counted * <f64>taps(column, kw, dilationW, w, countLeft, countRight);
        const from = x + ((((i * h + row + r * dilationH) * w + column + q * dilationW) * c) << 2);
        let j = 0;
        for (; j <= c - 8; j += 8) mean8(from + (j << 2), y + (j << 2), rows, columns, down, right, count);
        for (; j < c; j += 4) storeLanes(y + (j << 2), mean(from + (j << 2), rows, columns, down, right, count), c - j);
      }
    }
  }
}

/**
 * The mean of 4 channels over rows x columns pixels, as `maximum` has them, in double precision. A window all of whose
 * taps lie outside, as dilated ones can: 0 / 0 is left as the NaN that it is.
 */
// @ts-ignore: decorator
@inline
function mean(x: usize, rows: i32, columns: i32, down: usize, right: usize, count: f64): v128 {
  let s0 = f64x2.splat(0), s1 = s0;
  for (let r = 0; r < rows; r++, x += down) {
    for (let q = 0, at = x; q < columns; q++, at += right) {
      const v = v128.load(at);
      s0 = f64x2.add(s0, low(v));
      s1 = f64x2.add(s1, high(v));
    }
  }
  return quotient(s0, s1, count);
}

// @ts-ignore: decorator
@inline
function quotient(a: v128, b: v128, by: f64): v128 {
  const divisor = f64x2.splat(by);
  return narrow(f64x2.div(a, divisor), f64x2.div(b, divisor));
}

/** `mean` of 8 channels, stored at y. */
// @ts-ignore: decorator
@inline
function mean8(x: usize, y: usize, rows: i32, columns: i32, down: usize, right: usize, count: f64): void {
  let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (let r = 0; r < rows; r++, x += down) {
    for (let q = 0, at = x; q < columns; q++, at += right) {
      let v = v128.load(at);
      s0 = f64x2.add(s0, low(v));
      s1 = f64x2.add(s1, high(v));
      v = v128.load(at, 16);
      s2 = f64x2.add(s2, low(v));
      s3 = f64x2.add(s3, high(v));
    }
  }
  v128.store(y, quotient(s0, s1, count));
  v128.store(y, quotient(s2, s3, count), 16);
}

/**
 * The vector-Jacobian product of `averagePoolForward`: every tap receives s / count.
 *
 * @param s f32[n, oh, ow, c] @param scratch f64[oh + ow] @param out f32[n, h, w, c], written; overlaps nothing
 * @param from, rows which rows of every image of out are worked on
 */
export function averagePoolVjp(
  s: usize, scratch: usize, out: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
  countTop: i32, countBottom: i32, countLeft: i32, countRight: i32, from: i32, rows: i32,
): void {
  if (!ASC_NO_ASSERT) {
    check(h, oh, kh, strideH, dilationH, top);
    check(w, ow, kw, strideW, dilationW, left);
    sizes(countTop, countBottom, countLeft, countRight);
    rowsOf(h, from, rows);
    apart(out, product(n, h, w, c), s, product(n, oh, ow, c), scratch, 2 * (oh + ow));
    apart(scratch, 2 * (oh + ow), s, product(n, oh, ow, c));
  }
  const acrossAt = scratch + (<usize>oh << 3);
  shares(scratch, oh, kh, strideH, top, dilationH, h, countTop, countBottom);
  shares(acrossAt, ow, kw, strideW, left, dilationW, w, countLeft, countRight);
  for (let i = 0; i < n; i++) {
    const image = s + (<usize>(i * oh * ow * c) << 2);
    for (let p = from; p < from + rows; p++) {
      const row = p + top, a = firstWindow(row, kh, strideH, dilationH), end = min(oh, row / strideH + 1);
      for (let q = 0; q < w; q++) {
        const column = q + left, b = firstWindow(column, kw, strideW, dilationW), stop = min(ow, column / strideW + 1);
        const to = out + (<usize>(((i * h + p) * w + q) * c) << 2);
        for (let j = 0; j < c; j += 4) {
          let low0 = f64x2.splat(0), high0 = low0;
          for (let k = a; k < end; k++) {
            if ((row - k * strideH) % dilationH != 0) continue;
            const down = f64.load(scratch + (<usize>k << 3));
            for (let l = b; l < stop; l++) {
              if ((column - l * strideW) % dilationW != 0) continue;
              const v = loadLanes(image + (<usize>((k * ow + l) * c + j) << 2), c - j);
              const share = f64x2.splat(down * f64.load(acrossAt + (<usize>l << 3)));
              low0 = f64x2.add(low0, f64x2.mul(low(v), share));
              high0 = f64x2.add(high0, f64x2.mul(high(v), share));
            }
          }
          storeLanes(to + (<usize>j << 2), narrow(low0, high0), c - j);
        }
      }
    }
  }
}

/** 1 / count along one axis, for each window. */
function shares(
  to: usize, out: i32, kernel: i32, stride: i32, before: i32, dilation: i32, length: i32, first: i32, last: i32,
): void {
  for (let i = 0; i < out; i++, to += 8) {
    f64.store(to, 1 / <f64>taps(i * stride - before, kernel, dilation, length, first, last));
  }
}

/** The first window whose reach has a place; places count from where the first window begins. */
// @ts-ignore: decorator
@inline
function firstWindow(place: i32, kernel: i32, stride: i32, dilation: i32): i32 {
  const first = <i64>place - <i64>(kernel - 1) * dilation;
  return first > 0 ? <i32>((first - 1) / stride) + 1 : 0;
}
