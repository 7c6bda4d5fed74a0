import { convForward, convTable } from "../conv";
import { depthwiseForward } from "../depthwise";
import { Block, UNTOUCHED, begin, expected, integer, near, quarters, room, same, tails } from "./support";

const SIX: i32 = 6;

/** One convolution as ONNX describes it: x[n, h, w, c], m outputs. */
class Conv {
  n: i32 = 1; h: i32 = 1; w: i32 = 1; c: i32 = 1; m: i32 = 1; groups: i32 = 1;
  kh: i32 = 1; kw: i32 = 1; strideH: i32 = 1; strideW: i32 = 1; dilationH: i32 = 1; dilationW: i32 = 1;
  top: i32 = 0; left: i32 = 0; bottom: i32 = 0; right: i32 = 0;
  /** Numbers left free after every pixel, row and image of y, and at its start. */
  gap: i32 = 0;

  get height(): i32 { return this.h + this.top + this.bottom; }
  get width(): i32 { return this.w + this.left + this.right; }
  get oh(): i32 { return (this.height - (this.kh - 1) * this.dilationH - 1) / this.strideH + 1; }
  get ow(): i32 { return (this.width - (this.kw - 1) * this.dilationW - 1) / this.strideW + 1; }
  get yPixel(): i32 { return this.m + this.gap; }
  get yRow(): i32 { return this.ow * this.yPixel + this.gap; }
  get yImage(): i32 { return this.oh * this.yRow + this.gap; }
  get yCount(): i32 { return this.gap + this.n * this.yImage; }
  get taps(): i32 { return this.kh * this.kw * (this.c / this.groups); }

  /** Where tap (r, q) of output (a, b) stands in image i of x, or −1 in the padding. */
  at(i: i32, a: i32, b: i32, r: i32, q: i32): i32 {
    const row = a * this.strideH - this.top + r * this.dilationH, column = b * this.strideW - this.left +
      q * this.dilationW;
    return row < 0 || row >= this.h || column < 0 || column >= this.w ? -1
      : ((i * this.h + row) * this.w + column) * this.c;
  }

  /** y[i, a, b, o] = b[o] + Σ_{r,q,j} x[i, a·strideH − top + r·dilationH, …, group(o), j] · w[o, j, r, q] */
  definition(x: Block, w: Block, bias: Block): Float64Array {
    const want = expected(this.yCount, UNTOUCHED);
    const inputs = this.c / this.groups, outputs = this.m / this.groups;
    for (let i = 0; i < this.n; i++) for (let a = 0; a < this.oh; a++) for (let b = 0; b < this.ow; b++)
      for (let o = 0; o < this.m; o++) {
      let sum = bias.get(o);
      for (let r = 0; r < this.kh; r++) for (let q = 0; q < this.kw; q++) {
        const from = this.at(i, a, b, r, q);
        if (from < 0) continue;
        for (let j = 0; j < inputs; j++) {
          sum += x.get(from + o / outputs * inputs + j) * w.get(((o * inputs + j) * this.kh + r) * this.kw + q);
        }
      }
      want[this.gap + i * this.yImage + a * this.yRow + b * this.yPixel + o] = sum;
    }
    return want;
  }

  padded(x: Block): Block {
    const wide = room(this.n * this.height * this.width * this.c);
    memory.fill(wide.at, 0, wide.count << 2);
    for (let i = 0; i < this.n; i++) for (let a = 0; a < this.h; a++) for (let b = 0; b < this.w; b++)
      for (let j = 0; j < this.c; j++) {
      wide.set(((i * this.height + a + this.top) * this.width + b + this.left) * this.c + j,
        x.get(((i * this.h + a) * this.w + b) * this.c + j));
    }
    return wide.freeze();
  }

  table(): Block {
    const pixels = this.n * this.oh * this.ow;
    const table = room(2 * ((pixels + SIX - 1) / SIX * SIX));
    convTable(
      table.at, this.n, this.oh, this.ow, this.height * this.width * this.c, this.strideH * this.width * this.c,
      this.strideW * this.c,
      this.yImage, this.yRow, this.yPixel,
    );
    return table.freeze();
  }

  /** Every kernel row one run where that is possible and asked for, else every tap a run of its own. */
  check(x: Block, w: Block, bias: Block, joined: bool): void {
    const inputs = this.c / this.groups, outputs = this.m / this.groups;
    const wide = this.padded(x), table = this.table(), y = room(this.yCount);
    for (let g = 0; g < this.groups; g++) {
      convForward(
        wide.at + (g * inputs << 2), panels(w, g * outputs, outputs, this.kh * this.kw, inputs).at,
        biasPanels(bias, g * outputs, outputs).at,
        y.at + ((this.gap + g * outputs) << 2), table.at, this.n * this.oh * this.ow, outputs,
        this.kh, joined ? 1 : this.kw, joined ? this.kw * inputs
          : inputs, this.dilationH * this.width * this.c, this.dilationW * this.c,
      );
    }
    same(y, this.definition(x, w, bias));
  }

  checkDepthwise(x: Block, w: Block, bias: Block): void {
    const wide = this.padded(x), table = this.table(), y = room(this.yCount);
    const packed = room(w.count);
    for (let i = 0; i < this.c; i++) {
      for (let t = 0; t < this.kh * this.kw; t++) packed.set(t * this.c + i, w.get(i * this.kh * this.kw + t));
    }
    depthwiseForward(
      wide.at, packed.freeze().at, bias.at, y.at + (this.gap << 2), table.at, this.n * this.oh * this.ow, this.c,
      this.kh, this.kw, this.dilationH * this.width * this.c, this.dilationW * this.c,
    );
    same(y, this.definition(x, w, bias));
  }

  x(): Block { return quarters(this.n * this.h * this.w * this.c); }
  weights(): Block { return quarters(this.m * this.taps); }
  random(joined: bool): void { this.check(this.x(), this.weights(), quarters(this.m), joined); }
  randomDepthwise(): void { this.checkDepthwise(this.x(), this.weights(), quarters(this.m)); }
}

/** w[first … first + outputs][inputs][taps] as f32[ceil(outputs / 8), taps, inputs, 8], zero beyond. */
function panels(w: Block, first: i32, outputs: i32, taps: i32, inputs: i32): Block {
  const packed = room((outputs + 7) / 8 * taps * inputs * 8);
  for (let i = 0; i < packed.count; i++) {
    const o = i / (taps * inputs * 8) * 8 + i % 8, tap = i / (inputs * 8) % taps, j = i / 8 % inputs;
    packed.set(i, o < outputs ? w.get(((first + o) * inputs + j) * taps + tap) : 0);
  }
  return packed.freeze();
}

function biasPanels(bias: Block, first: i32, outputs: i32): Block {
  const packed = room((outputs + 7) / 8 * 8);
  for (let o = 0; o < packed.count; o++) packed.set(o, o < outputs ? bias.get(first + o) : 0);
  return packed.freeze();
}

function image(n: i32, h: i32, w: i32, c: i32, m: i32, kh: i32, kw: i32): Conv {
  const conv = new Conv();
  conv.n = n; conv.h = h; conv.w = w; conv.c = c; conv.m = m; conv.kh = kh; conv.kw = kw;
  return conv;
}

function pads(conv: Conv, top: i32, left: i32, bottom: i32, right: i32): Conv {
  conv.top = top; conv.left = left; conv.bottom = bottom; conv.right = right;
  return conv;
}

function strides(conv: Conv, h: i32, w: i32, dilationH: i32, dilationW: i32): Conv {
  conv.strideH = h; conv.strideW = w; conv.dilationH = dilationH; conv.dilationW = dilationW;
  return conv;
}

describe("convTable", () => {
  it("has one row per pixel, in bytes, and repeats the last up to a multiple of six", () => {
    for (let n = 1; n <= 3; n++) for (let oh = 1; oh <= 3; oh++) for (let ow = 1; ow <= 7; ow++) {
      begin(`n ${n}, oh ${oh}, ow ${ow}`);
      const pixels = n * oh * ow, rounded = (pixels + 5) / SIX * SIX;
      const table = room(2 * rounded);
      convTable(table.at, n, oh, ow, 1009, 101, 11, 2003, 211, 13);
      for (let i = 0; i < rounded; i++) {
        const p = min(i, pixels - 1);
        const image = p / (oh * ow), a = p / ow % oh, b = p % ow;
        expect<i32>(load<i32>(table.at + (i << 3))).toBe(4 * (image * 1009 + a * 101 + b * 11), `x of ${i}`);
        expect<i32>(load<i32>(table.at + (i << 3), 4)).toBe(4 * (image * 2003 + a * 211 + b * 13), `y of ${i}`);
      }
    }
  });

  it("writes nothing for no pixels, and nothing past its end", () => {
    for (let ow = 0; ow <= 13; ow++) {
      begin(`ow ${ow}`);
      const table = room(2 * ((ow + 5) / SIX * SIX));
      convTable(table.at, 1, 1, ow, 1, 1, 1, 1, 1, 1);
      for (let i = 0; i < table.count; i++) expect<bool>(table.untouched(i)).toBe(false, `${i} written`);
      same(room(0), expected(0));
    }
  });
});

describe("convForward", () => {
  it("has every tail of output and input channels", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++)
      for (let joined = 0; joined < 2; joined++) {
      begin(`c ${tails[a]}, m ${tails[b]}, joined ${joined}`);
      image(1, 3, 5, tails[a], tails[b], 2, 3).random(joined == 1);
    }
  });

  it("has every number of pixels of a tile, over rows and images", () => {
    for (let n = 1; n <= 3; n++) for (let w = 1; w <= 13; w++) {
      begin(`n ${n}, w ${w}`);
      image(n, 1, w, 3, 5, 1, 1).random(true);
    }
  });

  it("reads zeros over every edge and corner, for windows odd, even and larger than the image", () => {
    for (let kh = 1; kh <= 5; kh++) for (let kw = 1; kw <= 5; kw++) for (let side = 0; side < 6; side++) {
      begin(`kernel ${kh} x ${kw}, side ${side}`);
      const conv = image(1, 2, 3, 2, 3, kh, kw);
      const t = kh - 1, l = kw - 1;
      // All sides, then only one of the four, then more at the end than at the start.
      if (side == 0) pads(conv, t, l, t, l);
      else if (side < 5) pads(conv, side == 1 ? t : 0, side == 2 ? l : 0, side == 3 ? t : 0, side == 4 ? l : 0);
      else pads(conv, t / 2, l / 2, t - t / 2, l - l / 2);
      if (conv.height >= kh && conv.width >= kw) conv.random(kw % 2 == 0);
    }
  });

  it("finds one pixel alone, wherever it is", () => {
    for (let at = 0; at < 7 * 5; at++) {
      begin(`pixel ${at}`);
      const conv = pads(image(1, 7, 5, 1, 9, 3, 2), 1, 0, 1, 1);
      const x = room(7 * 5);
      for (let i = 0; i < x.count; i++) x.set(i, i == at ? 1 : 0);
      conv.check(x.freeze(), conv.weights(), quarters(9), true);
    }
  });

  it("strides and dilates", () => {
    for (let sh = 1; sh <= 3; sh++) for (let sw = 1; sw <= 4; sw++) for (let dh = 1; dh <= 2; dh++)
      for (let dw = 1; dw <= 3; dw++) {
      begin(`strides ${sh}, ${sw}, dilations ${dh}, ${dw}`);
      strides(pads(image(2, 7, 11, 3, 5, 3, 2), 1, 2, 0, 1), sh, sw, dh, dw).random(dw == 1);
    }
  });

  it("works on one group of channels at a time", () => {
    const cases: i32[][] = [[2, 6, 10], [3, 9, 6], [5, 5, 5], [2, 2, 22], [7, 14, 7]];
    for (let i = 0; i < cases.length; i++) for (let dilation = 1; dilation <= 2; dilation++) {
      const groups = cases[i][0], c = cases[i][1], m = cases[i][2];
      begin(`groups ${groups}, c ${c}, m ${m}, dilation ${dilation}`);
      const conv = strides(pads(image(2, 5, 3, c, m, 3, 2), 1, 1, 1, 1), 2, 1, 1, dilation);
      conv.groups = groups;
      conv.random(false);
    }
  });

  it("writes m numbers per pixel and leaves the gaps between pixels, rows and images alone", () => {
    for (let a = 0; a < tails.length; a++) for (let gap = 1; gap <= 3; gap += 2) {
      begin(`m ${tails[a]}, gap ${gap}`);
      const conv = pads(image(2, 3, 5, 2, tails[a], 3, 3), 1, 1, 1, 1);
      conv.gap = gap;
      conv.random(true);
    }
  });

  it("does not read what lies between its windows", () => {
    begin("strides 3, 4");
    const conv = strides(image(1, 8, 11, 3, 4, 2, 3), 3, 4, 1, 1);
    const x = conv.x(), read = expected(x.count);
    for (let a = 0; a < conv.oh; a++) for (let b = 0; b < conv.ow; b++) for (let r = 0; r < 2; r++)
      for (let q = 0; q < 3; q++) {
      for (let j = 0; j < 3; j++) read[conv.at(0, a, b, r, q) + j] = 1;
    }
    let unread = 0;
    for (let i = 0; i < x.count; i++) if (read[i] == 0) { x.set(i, NaN); unread++; }
    expect<i32>(unread).toBeGreaterThan(0);
    conv.check(x.freeze(), conv.weights(), quarters(4), true);
  });

  it("passes NaN and infinity to the windows that hold them", () => {
    const bad: f64[] = [NaN, Infinity, -Infinity];
    for (let v = 0; v < 3; v++) for (let t = 0; t < 10; t++) {
      begin(`${bad[v]}, ${t}`);
      const conv = pads(image(1, 5, 7, 3, 9, 3, 3), 1, 1, 1, 1);
      const x = conv.x();
      x.set(integer(0, x.count - 1), bad[v]);
      conv.check(x.freeze(), conv.weights(), quarters(9), true);
    }
  });

  it("carries sums over more taps than one go has, for every tail of outputs and pixels", () => {
    // Taps in one go: 256. One long run, runs of less than that, and both.
    const shapes: i32[][] = [[255, 1, 1], [256, 1, 1], [257, 1, 1], [515, 1, 1], [90, 2, 3], [200, 3, 2], [300, 2, 2]];
    for (let i = 0; i < shapes.length; i++) for (let m = 1; m <= 9; m++) for (let joined = 0; joined < 2; joined++) {
      const c = shapes[i][0], kh = shapes[i][1], kw = shapes[i][2], pixels = 1 + (m + i) % 7;
      begin(`c ${c}, kernel ${kh} x ${kw}, m ${m}, pixels ${pixels}, joined ${joined}`);
      const conv = image(1, kh, kw - 1 + pixels, c, m, kh, kw);
      conv.gap = joined;
      conv.random(joined == 1);
    }
  });

  it("carries over images, dilated taps and several panels", () => {
    for (let n = 1; n <= 3; n++) {
      begin(`n ${n}`);
      strides(pads(image(n, 5, 6, 130, 21, 2, 3), 1, 2, 0, 1), 2, 1, 2, 2).random(false);
    }
  });

  it("loses no digits in long sums", () => {
    // One after the other, 8192 times a tenth would be off by a thousandth.
    const count = 8192, pixels = 6, x = room(count), w = room(8 * count), table = room(12), y = room(8 * pixels),
      bias = room(8);
    begin("a tenth, again and again");
    for (let i = 0; i < count; i++) x.set(i, 0.1);
    for (let i = 0; i < w.count; i++) w.set(i, 1);
    memory.fill(bias.at, 0, 32);
    convTable(table.at, 1, 1, pixels, 0, 0, 0, 0, 0, 8);
    convForward(x.at, w.at, bias.at, y.at, table.at, pixels, 8, 1, 1, count, 0, 0);
    const sum = <f64>count * <f64><f32>0.1;
    near(y, expected(y.count, sum), expected(y.count, sum), 3e-6);
  });

  it("adds a large bias once", () => {
    // Begun at the bias, each product would be rounded to what 1e6 can hold, a sixteenth.
    const counts: i32[] = [1, 7, 255, 256, 257, 3001];
    for (let a = 0; a < counts.length; a++) {
      const count = counts[a], x = room(count), w = room(8 * count), table = room(12), y = room(6), bias = room(8);
      begin(`${count} taps`);
      for (let i = 0; i < count; i++) x.set(i, 0.1);
      for (let i = 0; i < w.count; i++) w.set(i, 0.1);
      for (let i = 0; i < 8; i++) bias.set(i, 1e6);
      convTable(table.at, 1, 1, 6, 0, 0, 0, 0, 0, 1);
      convForward(x.at, w.at, bias.at, y.at, table.at, 6, 1, 1, 1, count, 0, 0);
      near(y, expected(6, 1e6 + <f64>count * 0.01), expected(6, 1e6), 7e-8);
    }
  });

  it("has more taps than tiles hold", () => {
    begin("183 x 181");
    image(1, 185, 182, 1, 1, 183, 181).random(false);
  });

  it("is the bias where there are no taps", () => {
    for (let a = 0; a < tails.length; a++) {
      const m = tails[a], pixels = 7;
      begin(`m ${m}`);
      const bias = quarters(m), y = room(pixels * m), table = room(24);
      convTable(table.at, 1, 1, pixels, 0, 0, 1, 0, 0, m);
      convForward(quarters(1).at, quarters(0).at, biasPanels(bias, 0, m).at, y.at, table.freeze().at, pixels, m, 0, 1,
        3, 0, 0);
      const want = expected(pixels * m);
      for (let i = 0; i < want.length; i++) want[i] = bias.get(i % m);
      same(y, want);
    }
  });
});

/** As many groups as channels. */
function depthwise(conv: Conv): Conv {
  conv.groups = conv.c;
  conv.m = conv.c;
  return conv;
}

describe("depthwiseForward", () => {
  it("has every tail of channels, and numbers of pixels that fill no tile", () => {
    for (let a = 0; a < tails.length; a++) for (let w = 2; w <= 9; w++) {
      begin(`c ${tails[a]}, w ${w}`);
      depthwise(image(2, 3, w, tails[a], 1, 3, 2)).randomDepthwise();
    }
  });

  it("has windows at every edge, strides and dilations", () => {
    for (let kh = 1; kh <= 4; kh++) for (let kw = 1; kw <= 4; kw++) for (let s = 1; s <= 3; s++)
      for (let d = 1; d <= 2; d++) {
      begin(`kernel ${kh} x ${kw}, stride ${s}, dilation ${d}`);
      const t = (kh - 1) * d, l = (kw - 1) * (3 - d);
      depthwise(strides(pads(image(1, 5, 3, 7, 1, kh, kw), t, l, t / 2, l), s, 4 - s, d, 3 - d)).randomDepthwise();
    }
  });

  it("leaves the gaps of y alone", () => {
    for (let a = 0; a < tails.length; a++) {
      begin(`c ${tails[a]}`);
      const conv = depthwise(pads(image(2, 3, 5, tails[a], 1, 3, 3), 1, 1, 1, 1));
      conv.gap = 3;
      conv.randomDepthwise();
    }
  });

  it("carries sums over more taps than one go has, and adds the bias once", () => {
    const sides: i32[] = [63, 64, 65, 129, 257];
    for (let a = 0; a < sides.length; a++) {
      begin(`${sides[a]} taps`);
      depthwise(image(1, 3, sides[a] + 1, 5, 1, 1, sides[a])).randomDepthwise();
      depthwise(image(1, sides[a] + 1, 4, 5, 1, sides[a], 2)).randomDepthwise();
    }
    begin("a tenth, again and again");
    const count = 65521, x = room(count), w = room(count), b = room(1), table = room(12), y = room(1);
    for (let i = 0; i < count; i++) { x.set(i, 0.1); w.set(i, 1); }
    b.set(0, 1000);
    convTable(table.at, 1, 1, 1, 0, 0, 0, 0, 0, 1);
    depthwiseForward(x.at, w.at, b.at, y.at, table.at, 1, 1, 7, 9360, 9360, 1);
    const want = 1000 + 65520 * <f64><f32>0.1;
    near(y, expected(1, want), expected(1, want), 1e-6);
  });

  it("keeps NaN and infinity in their own channel", () => {
    for (let i = 0; i < 9; i++) {
      begin(`channel ${i}`);
      const conv = depthwise(image(1, 3, 5, 9, 1, 2, 2)), x = conv.x();
      x.set(9 * 7 + i, i % 2 == 0 ? NaN : Infinity);
      conv.checkDepthwise(x.freeze(), conv.weights(), quarters(9));
    }
  });
});
