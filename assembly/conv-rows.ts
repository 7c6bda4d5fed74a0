import { apart, block, product, rowsOf, windows } from "./check";
import { horizontal, madd, storeLanes } from "./simd";
import { clearRows, endTap, firstTap } from "./taps";

/*
 * Convolution, neuron by neuron, for relevance that is mostly zero: behind ReLU and max pooling often nine neurons in
 * ten have none, and what has none needs no denominator and passes nothing on. Weights lie as rows, one for each
 * neuron: [m, kh, kw, c / group].
 *
 *   live(pixel, group) = { o : r[pixel, o] ≠ 0 }
 *
 * A pixel's window is laid out as one line, as long as a row, and all its live neurons meet it there, four at a time.
 * Neurons are worked on in blocks whose rows stay in the second-level cache.
 */

/** Numbers of a block's rows: 512 kB. */
const BLOCK: i32 = 131072;
/** Neurons of a block at most, whose shares are added up before they are given to the image. */
const MOST: i32 = 256;

/** Lists the live neurons: (row of weights in bytes, number of the neuron · 4); gives the end of the list. */
// @ts-ignore: decorator
@inline
function listLive(r: usize, list: usize, count: i32, rowBytes: usize): usize {
  let to = list, row: usize = 0;
  for (let o: usize = 0; o < <usize>count << 2; o += 4, row += rowBytes) {
    i32.store(to, <i32>row);
    i32.store(to, <i32>o, 4);
    to += <usize>(f32.load(r + o) != 0) << 3;
  }
  return to;
}

/** A window: where its taps begin and how far they go. */
// @ts-ignore: decorator
@unmanaged
abstract class Move {
  /** `count` numbers between the image and the line. */
  abstract run(image: usize, line: usize, count: i32): void;
  /** Numbers of the line that no pixel of the image stands for. */
  abstract outside(line: usize, count: i32): void;
}

/** From the image to the line, 0 outside. */
// @ts-ignore: decorator
@final @unmanaged
class Take extends Move {
  // @ts-ignore: decorator
  @inline run(image: usize, line: usize, count: i32): void { memory.copy(line, image, <usize>count << 2); }
  // @ts-ignore: decorator
  @inline outside(line: usize, count: i32): void { memory.fill(line, 0, <usize>count << 2); }
}

/** Adds the line to the image; what falls outside is lost. */
// @ts-ignore: decorator
@final @unmanaged
class Give extends Move {
  // @ts-ignore: decorator
  @inline run(image: usize, line: usize, count: i32): void {
    for (let i = 0; i < count; i += 4) {
      const at = <usize>i << 2;
      storeLanes(image + at, f32x4.add(v128.load(image + at), v128.load(line + at)), count - i);
    }
  }
  // @ts-ignore: decorator
  @inline outside(line: usize, count: i32): void {}
}

/** Moves a window of one group's channels, tap by tap; taps that are neighbours in memory in one go. */
// @ts-ignore: decorator
@inline
function moveWindow<T extends Move>(
  image: usize, line: usize, row0: i32, column0: i32, h: i32, w: i32, c: i32, inputs: i32, kh: i32, kw: i32,
  dilationH: i32, dilationW: i32,
): void {
  const move = changetype<T>(0);
  const joined = dilationW == 1 && inputs == c;
  const first = joined ? min(kw, max(0, -column0)) : 0, end = joined ? max(first, min(kw, w - column0)) : kw;
  const rowBytes: usize = (kw * inputs) << 2;
  for (let r = 0; r < kh; r++, line += rowBytes) {
    const row = row0 + r * dilationH;
    if (<u32>row >= <u32>h) {
      move.outside(line, kw * inputs);
    } else if (joined) {
      move.outside(line, first * c);
      move.run(image + ((row * w + column0 + first) * c << 2), line + (first * c << 2), (end - first) * c);
      move.outside(line + (end * c << 2), (kw - end) * c);
    } else {
      for (let q = 0; q < kw; q++) {
        const column = column0 + q * dilationW, to = line + (q * inputs << 2);
        if (<u32>column < <u32>w) move.run(image + ((row * w + column) * c << 2), to, inputs);
        else move.outside(to, inputs);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function lanesOf(bytes: usize): v128 {
  return i32x4.gt_s(i32x4.splat(<i32>bytes), i32x4(0, 4, 8, 12));
}

/** y[o] = b[o] + line · row of o, for four live neurons. Long sums are carried in blocks. */
// @ts-ignore: decorator
@inline
function dots(line: usize, k: i32, w: usize, live: usize, b: usize, y: usize): void {
  const p0 = w + i32.load(live), p1 = w + i32.load(live, 8), p2 = w + i32.load(live, 16), p3 = w + i32.load(live, 24);
  const zero = f32x4.splat(0);
  const whole: usize = (k & ~7) << 2, end: usize = k << 2;
  let t0 = zero, t1 = zero, t2 = zero, t3 = zero;
  let j: usize = 0;
  while (j < whole) {
    const stop = min(whole, j + 4096);
    let a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
    for (; j < stop; j += 32) {
      const low = v128.load(line + j), high = v128.load(line + j, 16);
      a0 = madd(low, v128.load(p0 + j), a0); b0 = madd(high, v128.load(p0 + j, 16), b0);
      a1 = madd(low, v128.load(p1 + j), a1); b1 = madd(high, v128.load(p1 + j, 16), b1);
      a2 = madd(low, v128.load(p2 + j), a2); b2 = madd(high, v128.load(p2 + j, 16), b2);
      a3 = madd(low, v128.load(p3 + j), a3); b3 = madd(high, v128.load(p3 + j, 16), b3);
    }
    t0 = f32x4.add(t0, f32x4.add(a0, b0)); t1 = f32x4.add(t1, f32x4.add(a1, b1));
    t2 = f32x4.add(t2, f32x4.add(a2, b2)); t3 = f32x4.add(t3, f32x4.add(a3, b3));
  }
  for (; j < end; j += 16) {
    // Behind the line and the row lie other numbers; both factors are masked, for one of them might be NaN.
    const lanes = lanesOf(end - j), v = v128.and(v128.load(line + j), lanes);
    t0 = madd(v, v128.and(v128.load(p0 + j), lanes), t0);
    t1 = madd(v, v128.and(v128.load(p1 + j), lanes), t1);
    t2 = madd(v, v128.and(v128.load(p2 + j), lanes), t2);
    t3 = madd(v, v128.and(v128.load(p3 + j), lanes), t3);
  }
  put(y, b, live, t0); put(y, b, live + 8, t1); put(y, b, live + 16, t2); put(y, b, live + 24, t3);
}

// @ts-ignore: decorator
@inline
function put(y: usize, b: usize, live: usize, sum: v128): void {
  const o = <usize>i32.load(live, 4);
  f32.store(y + o, f32.load(b + o) + horizontal(sum));
}

/** What both ways demand of windows and groups; gives the length of a row. */
function check(
  c: i32, oh: i32, ow: i32, m: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, dilationH: i32, dilationW: i32, group: i32,
): i32 {
  windows(oh, kh, strideH, dilationH);
  windows(ow, kw, strideW, dilationW);
  assert(c >= 1 && group >= 1 && c % group == 0 && m % group == 0, "groups do not share out the channels");
  return product(kh, kw, c / group);
}

/**
 * Convolution at the neurons that have relevance, 0 elsewhere.
 *
 *   y[pixel, o] = b[o] + Σ_{r,q,i} x[window(pixel, r, q), i] · w[o, r, q, i]   where live, else 0
 *
 * @param r f32[n, oh, ow, m] @param x f32[n, h, w, c] @param weights f32[m, kh, kw, c / group] @param b f32[m]
 * @param y f32[n, oh, ow, m], written; overlaps nothing @param scratch f32[kh · kw · c / group + 2 · (m / group + 4)]
 */
export function convRowsForward(
  r: usize, x: usize, weights: usize, b: usize, y: usize, scratch: usize,
  n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, m: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32, group: i32,
): void {
  if (!ASC_NO_ASSERT) {
    const k = check(c, oh, ow, m, kh, kw, strideH, strideW, dilationH, dilationW, group);
    const room = k + 2 * (m / group + 4), nx = product(n, h, w, c), ny = product(n, oh, ow, m), nw = product(m, k);
    apart(y, ny, r, ny, x, nx, weights, nw, b, m, scratch, room);
    apart(scratch, room, r, ny, x, nx, weights, nw, b, m);
  }
  const inputs = c / group, outputs = m / group, k = kh * kw * inputs;
  const rowBytes: usize = k << 2, list = scratch + rowBytes;
  const block = max(4, BLOCK / k);
  memory.fill(y, 0, <usize>(n * oh * ow * m) << 2);
  for (let o = 0; o < m; o += min(block, outputs - o % outputs)) {
    const count = min(block, outputs - o % outputs);
    const rows = weights + <usize>o * rowBytes;
    for (let p = 0; p < n * oh * ow; p++) {
      const at = <usize>(p * m + o) << 2;
      const end = listLive(r + at, list, count, rowBytes);
      if (end == list) continue;
      // The last four are filled up with the last neuron, which is computed again.
      const last = i64.load(end - 8);
      i64.store(end, last); i64.store(end, last, 8); i64.store(end, last, 16);
      const image = x + ((p / (oh * ow) * h * w * c + o / outputs * inputs) << 2);
      moveWindow<Take>(image, scratch, p / ow % oh * strideH - top, p % ow * strideW - left, h, w, c, inputs, kh, kw,
        dilationH, dilationW);
      for (let live = list; live < end; live += 32) dots(scratch, k, rows, live, b + (o << 2), y + at);
    }
  }
}

/** line += Σ s[o] · row of o, over four live neurons. */
// @ts-ignore: decorator
@inline
function spread(line: usize, k: i32, w: usize, live: usize, s: usize): void {
  const p0 = w + i32.load(live), p1 = w + i32.load(live, 8), p2 = w + i32.load(live, 16), p3 = w + i32.load(live, 24);
  const v0 = v128.load32_splat(s + i32.load(live, 4)), v1 = share(s, live + 8), v2 = share(s, live + 16),
    v3 = share(s, live + 24);
  const end: usize = k << 2;
  for (let j: usize = 0; j < end; j += 16) {
    const sum = madd(v3, v128.load(p3 + j), madd(v2, v128.load(p2 + j),
      madd(v1, v128.load(p1 + j), f32x4.mul(v0, v128.load(p0 + j)))));
    storeLanes(line + j, f32x4.add(v128.load(line + j), sum), <i32>(end - j) >> 2);
  }
}

/** Relevance of a listed neuron; of what fills up the list, 0. */
// @ts-ignore: decorator
@inline
function share(s: usize, live: usize): v128 {
  const o = i32.load(live, 4);
  return o < 0 ? f32x4.splat(0) : v128.load32_splat(s + o);
}

/**
 * The transposed map: the vector-Jacobian product of convolution.
 *
 *   out[window(pixel, r, q), i] += Σ_{o live} s[pixel, o] · w[o, r, q, i]
 *
 * @param s f32[n, oh, ow, m] @param weights f32[m, kh, kw, c / group]
 * @param out f32[n, h, w, c], written; overlaps nothing @param scratch f32[kh · kw · c / group + 2 · (m / group + 4)]
 * @param from, rows which rows of every image of out are worked on
 */
export function convRowsVjp(
  s: usize, weights: usize, out: usize, scratch: usize,
  n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, m: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32, group: i32, from: i32, rows: i32,
): void {
  if (!ASC_NO_ASSERT) {
    const k = check(c, oh, ow, m, kh, kw, strideH, strideW, dilationH, dilationW, group);
    const room = k + 2 * (m / group + 4), nx = product(n, h, w, c), ns = product(n, oh, ow, m), nw = product(m, k);
    rowsOf(h, from, rows);
    apart(out, nx, s, ns, weights, nw, scratch, room);
    apart(scratch, room, s, ns, weights, nw);
  }
  const inputs = c / group, outputs = m / group, k = kh * kw * inputs;
  const rowBytes: usize = k << 2, list = scratch + rowBytes;
  const block = min(MOST, max(4, BLOCK / k));
  clearRows(out, n, h, w * c, from, rows);
  for (let o = 0; o < m; o += min(block, outputs - o % outputs)) {
    const count = min(block, outputs - o % outputs);
    for (let p = 0; p < n * oh * ow; p++) {
      // Taps of the window that reach the rows of this call.
      const row = p / ow % oh * strideH - top, first = firstTap(row - from, dilationH),
        taps = endTap(row - from, kh, dilationH, rows) - first;
      if (taps <= 0) continue;
      const at = s + (<usize>(p * m + o) << 2);
      const end = listLive(at, list, count, rowBytes);
      if (end == list) continue;
      // The last four are filled up with the first row and no relevance.
      const none: i64 = -1 << 32;
      i64.store(end, none); i64.store(end, none, 8); i64.store(end, none, 16);
      const run = taps * kw * inputs;
      memory.fill(scratch, 0, <usize>run << 2);
      const near = weights + <usize>o * rowBytes + (first * kw * inputs << 2);
      for (let live = list; live < end; live += 32) spread(scratch, run, near, live, at);
      const image = out + ((p / (oh * ow) * h * w * c + o / outputs * inputs) << 2);
      moveWindow<Give>(
        image, scratch, row + first * dilationH, p % ow * strideW - left, h, w, c, inputs, taps, kw, dilationH,
        dilationW,
      );
    }
  }
}

/** How many numbers differ from 0. */
export function countNonzero(x: usize, count: i32): i32 {
  if (!ASC_NO_ASSERT) block(x, count);
  const zero = f32x4.splat(0);
  let found = i32x4.splat(0);
  let i: usize = 0;
  const end: usize = (count & ~3) << 2;
  for (; i < end; i += 16) found = i32x4.sub(found, f32x4.ne(v128.load(x + i), zero));
  let total = i32x4.extract_lane(found, 0) + i32x4.extract_lane(found, 1) + i32x4.extract_lane(found, 2) +
    i32x4.extract_lane(found, 3);
  for (; i < <usize>count << 2; i += 4) total += <i32>(f32.load(x + i) != 0);
  return total;
}
