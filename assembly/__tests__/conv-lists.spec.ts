import { convTable } from "../conv";
import { convListForward, listNonzero } from "../conv-lists";
import { Block, UNTOUCHED, begin, expected, integer, quarters, room, same, tails } from "./support";

/** Quarters, one in `oneIn` of them not 0. */
function sparse(count: i32, oneIn: i32): Block {
  const b = room(count);
  for (let i = 0; i < count; i++) b.set(i, integer(1, oneIn) == 1 ? <f64>integer(1, 8) / 4 : 0);
  return b.freeze();
}

/**
 * A convolution of n images [h, w, c], already padded, from pixel (top, left) on, into channels of y that lie `gap`
 * apart.
 */
function check(
  n: i32, h: i32, w: i32, c: i32, m: i32, kh: i32, kw: i32, stride: i32, oneIn: i32, top: i32 = 0, left: i32 = 0,
  gap: i32 = 0,
): void {
  begin(`${n} images ${h} x ${w} x ${c} to ${m}, kernel ${kh} x ${kw}, stride ${stride}, one in ${oneIn}`);
  const oh = (h - top - kh) / stride + 1, ow = (w - left - kw) / stride + 1, panels = (m + 7) / 8;
  const x = sparse(n * h * w * c, oneIn), weights = quarters(m * kh * kw * c), bias = quarters(panels * 8);
  const packed = room(panels * kh * kw * c * 8);
  for (let i = 0; i < packed.count; i++) {
    const o = i / (kh * kw * c * 8) * 8 + i % 8;
    packed.set(i, o < m ? weights.get(o * kh * kw * c + i / 8 % (kh * kw * c)) : 0);
  }
  const yPixel = m + gap, y = room(n * oh * ow * yPixel), table = room(2 * ((n * oh * ow + 5) / 6 * 6));
  const starts = room((c + 127) / 128 * (n * h * w + 1)), lists = room(2 * x.count + 2);
  listNonzero(x.at, starts.at, lists.at, n * h * w, c);
  convTable(table.at, n, oh, ow, h * w, stride * w, stride, oh * ow * yPixel, ow * yPixel, yPixel);
  convListForward(lists.at, starts.at + ((top * w + left) << 2), packed.freeze().at, bias.at, y.at, table.at,
    n * oh * ow, m, kh, kw, c, n * h * w, w, 1);
  const want = expected(y.count, UNTOUCHED);
  for (let p = 0; p < n * oh * ow; p++) for (let o = 0; o < m; o++) {
    let sum = bias.get(o);
    for (let r = 0; r < kh; r++) for (let q = 0; q < kw; q++) for (let i = 0; i < c; i++) {
      const row = top + p / ow % oh * stride + r, column = left + p % ow * stride + q;
      sum += x.get(((p / (oh * ow) * h + row) * w + column) * c + i) * weights.get(((o * kh + r) * kw + q) * c + i);
    }
    want[p * yPixel + o] = sum;
  }
  same(y, want);
}

describe("convolution of listed numbers", () => {
  it("of none, a few, half and all of them", () => {
    const densities: i32[] = [1000003, 7, 2, 1];
    for (let d = 0; d < densities.length; d++) check(2, 4, 5, 9, 37, 3, 2, 1, densities[d]);
  });

  it("tails of channels and of outputs", () => {
    for (let t = 0; t < tails.length; t++) {
      check(1, 2, 3, tails[t], 5, 1, 2, 1, 2);
      check(1, 2, 3, 5, tails[t], 2, 1, 1, 2);
    }
    for (let m = 24; m <= 72; m += 8) check(1, 2, 2, 3, m, 1, 1, 1, 2);
  });

  it("blocks of channels", () => {
    check(1, 3, 3, 127, 8, 2, 2, 1, 5);
    check(1, 3, 3, 128, 8, 2, 2, 1, 5);
    check(1, 3, 3, 129, 40, 2, 2, 1, 5);
    check(2, 2, 3, 300, 9, 1, 2, 1, 3);
  });

  it("more numbers than are summed in one go", () => {
    check(1, 23, 29, 3, 5, 19, 23, 1, 1);
    check(1, 3, 5, 140, 33, 3, 2, 1, 1);
  });

  it("strides, a first pixel inside the image, and room between the pixels of y", () => {
    check(2, 9, 8, 5, 12, 3, 3, 2, 3);
    check(1, 7, 8, 4, 33, 2, 3, 1, 3, 2, 1);
    check(2, 5, 5, 4, 7, 3, 3, 1, 3, 0, 0, 3);
  });
});
