import { horizontal, madd, storeLanes } from "./simd";

/*
 * Convolution, neuron by neuron, for relevance that is mostly zero: behind ReLU and max pooling often nine neurons in ten have
 * none, and what has none needs no denominator and passes nothing on. Weights lie as rows, one for each neuron: [m, kh, kw, c / group].
 *
 *   live(pixel, group) = { o : r[pixel, o] ≠ 0 }
 *
 * Neurons are worked on in blocks whose rows stay in the second-level cache, and four at a time.
 */

/** Numbers of a block's rows: 256 kB. */
const BLOCK: i32 = 65536;

/** The first tap of a window that begins at `start` and lies inside the image. */
// @ts-ignore: decorator
@inline
function firstTap(start: i32, dilation: i32): i32 {
  return start >= 0 ? 0 : (dilation - 1 - start) / dilation;
}

/** The tap behind the last one inside. */
// @ts-ignore: decorator
@inline
function endTap(start: i32, dilation: i32, kernel: i32, length: i32): i32 {
  return start >= length ? 0 : min(kernel, (length - start + dilation - 1) / dilation);
}

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

// @ts-ignore: decorator
@inline
function lanesOf(bytes: usize): v128 {
  return i32x4.gt_s(i32x4.splat(<i32>bytes), i32x4(0, 4, 8, 12));
}

/**
 * Convolution at the neurons that have relevance, 0 elsewhere.
 *
 *   y[pixel, o] = b[o] + Σ_{r,q,i} x[window(pixel, r, q), i] · w[o, r, q, i]   where live, else 0
 *
 * @param r f32[n, oh, ow, m] @param x f32[n, h, w, c] @param weights f32[m, kh, kw, c / group] @param b f32[m]
 * @param y f32[n, oh, ow, m], written; overlaps nothing @param list i32[2 · (m / group + 4)], scratch
 */
export function convRowsForward(
  r: usize, x: usize, weights: usize, b: usize, y: usize, list: usize,
  n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, m: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32, group: i32,
): void {
  const inputs = c / group, outputs = m / group;
  const rowBytes: usize = (kh * kw * inputs) << 2;
  const block = max(4, BLOCK / (kh * kw * inputs));
  const joined = group == 1 && dilationW == 1;
  const zero = f32x4.splat(0);
  memory.fill(y, 0, <usize>(n * oh * ow * m) << 2);
  for (let o = 0; o < m; o += min(block, outputs - o % outputs)) {
    const count = min(block, outputs - o % outputs);
    const w0 = weights + <usize>o * rowBytes;
    const xGroup = x + <usize>(o / outputs * inputs << 2);
    for (let p = 0; p < n * oh * ow; p++) {
      const at = <usize>(p * m + o) << 2;
      const end = listLive(r + at, list, count, rowBytes);
      if (end == list) continue;
      // The last group is filled up with its first neuron, which is computed again.
      const fill = i64.load(end - 8);
      i64.store(end, fill); i64.store(end, fill, 8); i64.store(end, fill, 16);
      const image = p / (oh * ow), row0 = p / ow % oh * strideH - top, column0 = p % ow * strideW - left;
      const firstRow = firstTap(row0, dilationH), endRow = endTap(row0, dilationH, kh, h);
      const firstColumn = firstTap(column0, dilationW), endColumn = endTap(column0, dilationW, kw, w);
      const run = joined ? (endColumn - firstColumn) * inputs : inputs;
      const columns = joined ? min(1, endColumn - firstColumn) : endColumn - firstColumn;
      const whole: usize = (run & ~7) << 2, runBytes: usize = run << 2;
      for (let live = list; live < end; live += 32) {
        let t0 = zero, t1 = zero, t2 = zero, t3 = zero;
        for (let i = firstRow; i < endRow; i++) {
          const line = xGroup + (((image * h + row0 + i * dilationH) * w + column0 + firstColumn * dilationW) * c << 2);
          const taps = w0 + ((i * kw + firstColumn) * inputs << 2);
          for (let q = 0; q < columns; q++) {
            const from = line + (q * dilationW * c << 2), tap = taps + (q * inputs << 2);
            const p0 = tap + i32.load(live), p1 = tap + i32.load(live, 8), p2 = tap + i32.load(live, 16), p3 = tap + i32.load(live, 24);
            let a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
            let j: usize = 0;
            for (; j < whole; j += 32) {
              const low = v128.load(from + j), high = v128.load(from + j, 16);
              a0 = madd(low, v128.load(p0 + j), a0); b0 = madd(high, v128.load(p0 + j, 16), b0);
              a1 = madd(low, v128.load(p1 + j), a1); b1 = madd(high, v128.load(p1 + j, 16), b1);
              a2 = madd(low, v128.load(p2 + j), a2); b2 = madd(high, v128.load(p2 + j, 16), b2);
              a3 = madd(low, v128.load(p3 + j), a3); b3 = madd(high, v128.load(p3 + j, 16), b3);
            }
            for (; j < runBytes; j += 16) {
              // Behind the run lie other numbers; both factors are masked, for one of them might be NaN.
              const lanes = lanesOf(runBytes - j), v = v128.and(v128.load(from + j), lanes);
              a0 = madd(v, v128.and(v128.load(p0 + j), lanes), a0);
              a1 = madd(v, v128.and(v128.load(p1 + j), lanes), a1);
              a2 = madd(v, v128.and(v128.load(p2 + j), lanes), a2);
              a3 = madd(v, v128.and(v128.load(p3 + j), lanes), a3);
            }
            t0 = f32x4.add(t0, f32x4.add(a0, b0)); t1 = f32x4.add(t1, f32x4.add(a1, b1));
            t2 = f32x4.add(t2, f32x4.add(a2, b2)); t3 = f32x4.add(t3, f32x4.add(a3, b3));
          }
        }
        put(y + at, b + (o << 2), live, t0); put(y + at, b + (o << 2), live + 8, t1);
        put(y + at, b + (o << 2), live + 16, t2); put(y + at, b + (o << 2), live + 24, t3);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put(y: usize, b: usize, live: usize, sum: v128): void {
  const o = <usize>i32.load(live, 4);
  f32.store(y + o, f32.load(b + o) + horizontal(sum));
}

/**
 * The transposed map: the vector-Jacobian product of convolution.
 *
 *   out[window(pixel, r, q), i] += Σ_{o live} s[pixel, o] · w[o, r, q, i]
 *
 * @param s f32[n, oh, ow, m] @param weights f32[m, kh, kw, c / group]
 * @param out f32[n, h, w, c], written; overlaps nothing @param list i32[2 · (m / group + 4)], scratch
 */
export function convRowsVjp(
  s: usize, weights: usize, out: usize, list: usize,
  n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, m: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32, group: i32,
): void {
  const inputs = c / group, outputs = m / group;
  const rowBytes: usize = (kh * kw * inputs) << 2;
  const block = max(4, BLOCK / (kh * kw * inputs));
  const joined = group == 1 && dilationW == 1;
  memory.fill(out, 0, <usize>(n * h * w * c) << 2);
  for (let o = 0; o < m; o += min(block, outputs - o % outputs)) {
    const count = min(block, outputs - o % outputs);
    const w0 = weights + <usize>o * rowBytes;
    const outGroup = out + <usize>(o / outputs * inputs << 2);
    for (let p = 0; p < n * oh * ow; p++) {
      const at = s + (<usize>(p * m + o) << 2);
      const end = listLive(at, list, count, rowBytes);
      if (end == list) continue;
      const image = p / (oh * ow), row0 = p / ow % oh * strideH - top, column0 = p % ow * strideW - left;
      const firstRow = firstTap(row0, dilationH), endRow = endTap(row0, dilationH, kh, h);
      const firstColumn = firstTap(column0, dilationW), endColumn = endTap(column0, dilationW, kw, w);
      const run = joined ? (endColumn - firstColumn) * inputs : inputs;
      const columns = joined ? min(1, endColumn - firstColumn) : endColumn - firstColumn;
      const whole: usize = (run & ~3) << 2, runBytes: usize = run << 2;
      for (let live = list; live < end; live += 32) {
        // The last group is filled up with neurons of relevance 0.
        const v0 = v128.load32_splat(at + i32.load(live, 4)), v1 = share(at, live + 8, end), v2 = share(at, live + 16, end), v3 = share(at, live + 24, end);
        const p0 = i32.load(live), p1 = row(live + 8, end), p2 = row(live + 16, end), p3 = row(live + 24, end);
        for (let i = firstRow; i < endRow; i++) {
          const line = outGroup + (((image * h + row0 + i * dilationH) * w + column0 + firstColumn * dilationW) * c << 2);
          const taps = w0 + ((i * kw + firstColumn) * inputs << 2);
          for (let q = 0; q < columns; q++) {
            const to = line + (q * dilationW * c << 2), tap = taps + (q * inputs << 2);
            let j: usize = 0;
            for (; j < whole; j += 16) {
              const sum = madd(v3, v128.load(tap + p3 + j), madd(v2, v128.load(tap + p2 + j), madd(v1, v128.load(tap + p1 + j), f32x4.mul(v0, v128.load(tap + p0 + j)))));
              v128.store(to + j, f32x4.add(v128.load(to + j), sum));
            }
            if (j < runBytes) {
              const sum = madd(v3, v128.load(tap + p3 + j), madd(v2, v128.load(tap + p2 + j), madd(v1, v128.load(tap + p1 + j), f32x4.mul(v0, v128.load(tap + p0 + j)))));
              storeLanes(to + j, f32x4.add(v128.load(to + j), sum), <i32>(runBytes - j) >> 2);
            }
          }
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function share(s: usize, live: usize, end: usize): v128 {
  return live < end ? v128.load32_splat(s + i32.load(live, 4)) : f32x4.splat(0);
}

// @ts-ignore: decorator
@inline
function row(live: usize, end: usize): usize {
  return live < end ? <usize>i32.load(live) : 0;
}

/** How many numbers differ from 0. */
export function countNonzero(x: usize, count: i32): i32 {
  const zero = f32x4.splat(0);
  let found = i32x4.splat(0);
  let i: usize = 0;
  const end: usize = (count & ~3) << 2;
  for (; i < end; i += 16) found = i32x4.sub(found, f32x4.ne(v128.load(x + i), zero));
  let total = i32x4.extract_lane(found, 0) + i32x4.extract_lane(found, 1) + i32x4.extract_lane(found, 2) + i32x4.extract_lane(found, 3);
  for (; i < <usize>count << 2; i += 4) total += <i32>(f32.load(x + i) != 0);
  return total;
}
