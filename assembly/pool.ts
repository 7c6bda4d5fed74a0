import { storeLanes } from "./simd";

/** Taps of one window along one axis that fall inside [-before, length + after). */
// @ts-ignore: decorator
@inline
function taps(start: i32, kernel: i32, dilation: i32, length: i32, before: i32, after: i32): i32 {
  let count = 0;
  for (let t = 0; t < kernel; t++) {
    const at = start + t * dilation;
    if (at >= -before && at < length + after) count++;
  }
  return count;
}

/**
 * Maximum over windows; padding never wins.
 *
 *   y[n, oh, ow, c] = max_{r,q} x[n, oh·strideH − top + r·dilationH, ow·strideW − left + q·dilationW, c]
 *
 * @param x f32[n, h, w, c] @param y f32[n, oh, ow, c], written; overlaps nothing
 */
export function maxPoolForward(
  x: usize, y: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
): void {
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      for (let b = 0; b < ow; b++) {
        const to = y + ((((i * oh + a) * ow + b) * c) << 2);
        for (let j = 0; j < c; j += 4) {
          let best = f32x4.splat(-Infinity);
          for (let r = 0; r < kh; r++) {
            const row = a * strideH - top + r * dilationH;
            if (<u32>row >= <u32>h) continue;
            for (let q = 0; q < kw; q++) {
              const column = b * strideW - left + q * dilationW;
              if (<u32>column >= <u32>w) continue;
              best = f32x4.pmax(best, v128.load(x + ((((i * h + row) * w + column) * c + j) << 2)));
            }
          }
          storeLanes(to + (j << 2), best, c - j);
        }
      }
    }
  }
}

/**
 * Gives every window's relevance to its first maximum in row-major order; windows that overlap add up.
 *
 *   out[argmax of the window] += r[n, oh, ow, c]
 *
 * @param x f32[n, h, w, c], the pool's input @param y f32[n, oh, ow, c], its output @param r f32[n, oh, ow, c]
 * @param out f32[n, h, w, c], written; overlaps nothing
 */
export function maxPoolVjp(
  x: usize, y: usize, r: usize, out: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
): void {
  memory.fill(out, 0, <usize>(n * h * w * c) << 2);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      for (let b = 0; b < ow; b++) {
        const window = (((i * oh + a) * ow + b) * c) << 2;
        for (let j = 0; j < c; j += 4) {
          const best = v128.load(y + window + (j << 2));
          const share = v128.load(r + window + (j << 2));
          let open = i32x4.splat(-1);
          for (let p = 0; p < kh; p++) {
            const row = a * strideH - top + p * dilationH;
            if (<u32>row >= <u32>h) continue;
            for (let q = 0; q < kw; q++) {
              const column = b * strideW - left + q * dilationW;
              if (<u32>column >= <u32>w) continue;
              const at = (((i * h + row) * w + column) * c + j) << 2;
              const won = v128.and(open, f32x4.eq(v128.load(x + at), best));
              storeLanes(out + at, f32x4.add(v128.load(out + at), v128.and(share, won)), c - j);
              open = v128.andnot(open, won);
            }
          }
        }
      }
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
 */
export function averagePoolForward(
  x: usize, y: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
  countTop: i32, countBottom: i32, countLeft: i32, countRight: i32,
): void {
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      const rows = taps(a * strideH - top, kh, dilationH, h, countTop, countBottom);
      for (let b = 0; b < ow; b++) {
        const count = rows * taps(b * strideW - left, kw, dilationW, w, countLeft, countRight);
        const to = y + ((((i * oh + a) * ow + b) * c) << 2);
        memory.fill(to, 0, c << 2);
        for (let r = 0; r < kh; r++) {
          const row = a * strideH - top + r * dilationH;
          if (<u32>row >= <u32>h) continue;
          for (let q = 0; q < kw; q++) {
            const column = b * strideW - left + q * dilationW;
            if (<u32>column >= <u32>w) continue;
            addRow(to, x + ((((i * h + row) * w + column) * c) << 2), c);
          }
        }
        divideRow(to, to, c, <f32>count);
      }
    }
  }
}

/**
 * The vector-Jacobian product of `averagePoolForward`: every tap receives s / count.
 *
 * @param s f32[n, oh, ow, c] @param scratch f32[c] @param out f32[n, h, w, c], written; overlaps nothing
 */
export function averagePoolVjp(
  s: usize, scratch: usize, out: usize, n: i32, h: i32, w: i32, c: i32, oh: i32, ow: i32, kh: i32, kw: i32,
  strideH: i32, strideW: i32, top: i32, left: i32, dilationH: i32, dilationW: i32,
  countTop: i32, countBottom: i32, countLeft: i32, countRight: i32,
): void {
  memory.fill(out, 0, <usize>(n * h * w * c) << 2);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < oh; a++) {
      const rows = taps(a * strideH - top, kh, dilationH, h, countTop, countBottom);
      for (let b = 0; b < ow; b++) {
        const count = rows * taps(b * strideW - left, kw, dilationW, w, countLeft, countRight);
        divideRow(s + ((((i * oh + a) * ow + b) * c) << 2), scratch, c, <f32>count);
        for (let r = 0; r < kh; r++) {
          const row = a * strideH - top + r * dilationH;
          if (<u32>row >= <u32>h) continue;
          for (let q = 0; q < kw; q++) {
            const column = b * strideW - left + q * dilationW;
            if (<u32>column >= <u32>w) continue;
            addRow(out + ((((i * h + row) * w + column) * c) << 2), scratch, c);
          }
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addRow(y: usize, x: usize, c: i32): void {
  let j: usize = 0;
  const end: usize = (c & ~3) << 2, all: usize = c << 2;
  for (; j < end; j += 16) v128.store(y + j, f32x4.add(v128.load(y + j), v128.load(x + j)));
  for (; j < all; j += 4) f32.store(y + j, f32.load(y + j) + f32.load(x + j));
}

/** A window that lies wholly outside has no taps: 0 / 0 is left as the NaN that it is. */
// @ts-ignore: decorator
@inline
function divideRow(x: usize, y: usize, c: i32, by: f32): void {
  let j: usize = 0;
  const end: usize = (c & ~3) << 2, all: usize = c << 2;
  const divisor = f32x4.splat(by);
  for (; j < end; j += 16) v128.store(y + j, f32x4.div(v128.load(x + j), divisor));
  for (; j < all; j += 4) f32.store(y + j, f32.load(x + j) / by);
}
