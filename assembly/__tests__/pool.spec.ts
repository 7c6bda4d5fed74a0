import { averagePoolForward, averagePoolVjp, maxPoolForward, maxPoolVjp } from "../pool";
import { Block, begin, close, expected, integer, number, quarters, room, same, tails } from "./support";

/** One pooling layer over x[n, h, w, c]; `more…` windows stand after those that fit, as with ceil_mode. */
class Pool {
  strideH: i32 = 1; strideW: i32 = 1; dilationH: i32 = 1; dilationW: i32 = 1;
  top: i32 = 0; left: i32 = 0; bottom: i32 = 0; right: i32 = 0;
  moreH: i32 = 0; moreW: i32 = 0;
  countPads: bool = false;

  constructor(public n: i32, public h: i32, public w: i32, public c: i32, public kh: i32, public kw: i32) {}

  get oh(): i32 {
    return (this.h + this.top + this.bottom - (this.kh - 1) * this.dilationH - 1) / this.strideH + 1 + this.moreH;
  }
  get ow(): i32 {
    return (this.w + this.left + this.right - (this.kw - 1) * this.dilationW - 1) / this.strideW + 1 + this.moreW;
  }
  get xCount(): i32 { return this.n * this.h * this.w * this.c; }
  get yCount(): i32 { return this.n * this.oh * this.ow * this.c; }

  row(y: i32, r: i32): i32 { return y / (this.c * this.ow) % this.oh * this.strideH - this.top + r * this.dilationH; }
  column(y: i32, q: i32): i32 { return y / this.c % this.ow * this.strideW - this.left + q * this.dilationW; }

  /** Where tap (r, q) of the window of output y stands in x, or −1 outside. */
  tap(y: i32, r: i32, q: i32): i32 {
    const row = this.row(y, r), column = this.column(y, q);
    if (row < 0 || row >= this.h || column < 0 || column >= this.w) return -1;
    return ((y / (this.c * this.ow * this.oh) * this.h + row) * this.w + column) * this.c + y % this.c;
  }

  /** The first of the largest, in row-major order; −1 for a window without taps. */
  winner(x: Block, y: i32): i32 {
    let best = -1;
    for (let r = 0; r < this.kh; r++) for (let q = 0; q < this.kw; q++) {
      const at = this.tap(y, r, q);
      if (at >= 0 && (best < 0 || x.get(at) > x.get(best))) best = at;
    }
    return best;
  }

  /** What the mean divides by: taps in the image, or in the image and the padding that counts. */
  divisor(y: i32): f64 {
    const t = this.countPads ? this.top : 0, b = this.countPads ? this.bottom : 0;
    const l = this.countPads ? this.left : 0, e = this.countPads ? this.right : 0;
    let count = 0;
    for (let r = 0; r < this.kh; r++) for (let q = 0; q < this.kw; q++) {
      const row = this.row(y, r), column = this.column(y, q);
      if (row >= -t && row < this.h + b && column >= -l && column < this.w + e) count++;
    }
    return count;
  }

  checkMax(x: Block, r: Block): void {
    const y = room(this.yCount), out = room(this.xCount);
    maxPoolForward(
      x.at, y.at, this.n, this.h, this.w, this.c, this.oh, this.ow, this.kh, this.kw,
      this.strideH, this.strideW, this.top, this.left, this.dilationH, this.dilationW,
    );
    const want = expected(this.yCount), back = expected(this.xCount);
    for (let i = 0; i < this.yCount; i++) {
      const at = this.winner(x, i);
      want[i] = at < 0 ? -Infinity : x.get(at);
      if (at >= 0) back[at] += r.get(i);
    }
    same(y, want);
    y.freeze();
    for (let half = 0; half < 2; half++) {
      maxPoolVjp(
        x.at, y.at, r.at, out.at, this.n, this.h, this.w, this.c, this.oh, this.ow, this.kh, this.kw,
        this.strideH, this.strideW, this.top, this.left, this.dilationH, this.dilationW, half * (this.h / 2),
        (this.h + half) / 2,
      );
    }
    same(out, back);
  }

  checkAverage(x: Block, r: Block): void {
    const y = room(this.yCount), out = room(this.xCount), scratch = room(2 * (this.oh + this.ow));
    const countTop = this.countPads ? this.top : 0, countBottom = this.countPads ? this.bottom : 0;
    const countLeft = this.countPads ? this.left : 0, countRight = this.countPads ? this.right : 0;
    averagePoolForward(
      x.at, y.at, this.n, this.h, this.w, this.c, this.oh, this.ow, this.kh, this.kw,
      this.strideH, this.strideW, this.top, this.left, this.dilationH, this.dilationW, countTop, countBottom, countLeft,
      countRight,
    );
    for (let half = 0; half < 2; half++) {
      averagePoolVjp(
        r.at, scratch.at, out.at, this.n, this.h, this.w, this.c, this.oh, this.ow, this.kh, this.kw,
        this.strideH, this.strideW, this.top, this.left, this.dilationH, this.dilationW, countTop, countBottom,
        countLeft, countRight,
        half * (this.h / 2), (this.h + half) / 2,
      );
    }
    const want = expected(this.yCount), back = expected(this.xCount);
    for (let i = 0; i < this.yCount; i++) {
      const count = this.divisor(i);
      for (let p = 0; p < this.kh; p++) for (let q = 0; q < this.kw; q++) {
        const at = this.tap(i, p, q);
        if (at < 0) continue;
        want[i] += x.get(at);
        back[at] += r.get(i) / count;
      }
      want[i] /= count;
    }
    same(y, want);
    close(out, back, 1e-6);
  }

  random(): void {
    this.checkMax(quarters(this.xCount), quarters(this.yCount));
    for (let counted = 0; counted < 2; counted++) {
      this.countPads = counted == 1;
      this.checkAverage(quarters(this.xCount), quarters(this.yCount));
    }
  }
}

function pads(pool: Pool, top: i32, left: i32, bottom: i32, right: i32): Pool {
  pool.top = top; pool.left = left; pool.bottom = bottom; pool.right = right;
  return pool;
}

function strides(pool: Pool, h: i32, w: i32): Pool {
  pool.strideH = h; pool.strideW = w;
  return pool;
}

describe("pools of both kinds, forward and back", () => {
  it("have every tail of channels", () => {
    for (let a = 0; a < tails.length; a++) {
      begin(`c ${tails[a]}`);
      strides(pads(new Pool(2, 5, 7, tails[a], 3, 2), 1, 0, 1, 1), 2, 3).random();
    }
  });

  it("have windows over every edge and corner, odd and even", () => {
    for (let kh = 1; kh <= 4; kh++) for (let kw = 1; kw <= 4; kw++) for (let side = 0; side < 6; side++) {
      begin(`kernel ${kh} x ${kw}, side ${side}`);
      const pool = new Pool(1, 5, 7, 5, kh, kw), t = kh - 1, l = kw - 1;
      // All sides, then only one of the four, then more at the end than at the start.
      if (side == 0) pads(pool, t, l, t, l);
      else if (side < 5) pads(pool, side == 1 ? t : 0, side == 2 ? l : 0, side == 3 ? t : 0, side == 4 ? l : 0);
      else pads(pool, t / 2, l / 2, t - t / 2, l - l / 2);
      pool.random();
    }
  });

  it("have windows that overlap, touch and leave gaps", () => {
    for (let sh = 1; sh <= 4; sh++) for (let sw = 1; sw <= 4; sw++) {
      begin(`strides ${sh}, ${sw}`);
      strides(new Pool(2, 11, 7, 3, 3, 2), sh, sw).random();
    }
  });

  it("have one window, whose stride is as large as a stride may be", () => {
    for (let h = 3; h <= 6; h++) for (let w = 2; w <= 7; w++) {
      begin(`${h} x ${w}`);
      strides(new Pool(2, h, w, 3, 3, 2), i32.MAX_VALUE, i32.MAX_VALUE).random();
    }
  });

  it("dilate", () => {
    for (let dh = 1; dh <= 3; dh++) for (let dw = 1; dw <= 3; dw++) for (let s = 1; s <= 2; s++) {
      begin(`dilations ${dh}, ${dw}, stride ${s}`);
      const pool = strides(pads(new Pool(1, 7, 11, 5, 3, 2), 2, 1, 1, 1), s, 3 - s);
      pool.dilationH = dh;
      pool.dilationW = dw;
      pool.random();
    }
  });

  it("have windows that reach past the padding, as with ceil_mode", () => {
    for (let k = 2; k <= 4; k++) for (let pad = 0; pad < k; pad++) {
      begin(`kernel ${k}, pad ${pad}`);
      const pool = strides(pads(new Pool(1, 5, 7, 5, k, k), pad, pad, pad, pad), 2, 3);
      // One more, where it begins inside the image.
      pool.moreH = <i32>(pool.oh * 2 - pad < 5);
      pool.moreW = <i32>(pool.ow * 3 - pad < 7);
      pool.random();
    }
  });

  it("have one window over the whole image", () => {
    for (let h = 1; h <= 5; h++) for (let w = 1; w <= 7; w += 2) {
      begin(`${h} x ${w}`);
      new Pool(3, h, w, 6, h, w).random();
    }
  });
});

describe("maxPoolForward", () => {
  it("never lets padding win over negative numbers", () => {
    for (let c = 1; c <= 9; c++) {
      begin(`c ${c}`);
      const pool = pads(new Pool(1, 3, 5, c, 3, 3), 1, 1, 1, 1);
      const x = room(pool.xCount);
      for (let i = 0; i < x.count; i++) x.set(i, <f64>integer(-9, -1));
      pool.checkMax(x.freeze(), quarters(pool.yCount));
    }
  });

  it("takes infinities as numbers", () => {
    for (let c = 1; c <= 9; c++) {
      begin(`c ${c}`);
      const pool = pads(new Pool(1, 5, 7, c, 3, 2), 1, 0, 1, 1);
      const x = room(pool.xCount);
      for (let i = 0; i < x.count; i++) x.set(i, integer(0, 3) == 0 ? Infinity : -Infinity);
      pool.checkMax(x.freeze(), quarters(pool.yCount));
    }
  });
});

describe("maxPoolVjp", () => {
  it("gives all to the first maximum in row-major order", () => {
    for (let c = 1; c <= 9; c++) {
      begin(`c ${c}`);
      // All alike (a window's first tap inside the image wins), then two values, −0 and 0 among them.
      const pool = pads(new Pool(2, 5, 7, c, 3, 3), 1, 1, 1, 1);
      const flat = room(pool.xCount), two = room(pool.xCount);
      for (let i = 0; i < flat.count; i++) {
        flat.set(i, -3);
        two.set(i, integer(0, 2) == 0 ? -1.0 : integer(0, 1) == 0 ? -0.0 : 0.0);
      }
      pool.checkMax(flat.freeze(), quarters(pool.yCount));
      pool.checkMax(two.freeze(), quarters(pool.yCount));
    }
  });

  it("passes over zeros, and carries a NaN or an infinity that stands among them", () => {
    for (let j = 0; j < 17; j++) {
      begin(`channel ${j}`);
      const pool = pads(new Pool(1, 3, 5, 17, 3, 3), 1, 1, 1, 1), r = room(pool.yCount);
      for (let i = 0; i < r.count; i++) r.set(i, 0);
      r.set(17 * 7 + j, j % 2 == 0 ? NaN : -Infinity);
      pool.checkMax(quarters(pool.xCount), r.freeze());
    }
  });

  it("keeps the sum", () => {
    for (let k = 1; k <= 4; k++) for (let s = 1; s <= 3; s++) {
      begin(`kernel ${k}, stride ${s}`);
      const pool = strides(pads(new Pool(2, 7, 5, 6, k, k), k / 2, k / 2, k / 2, k / 2), s, s);
      const x = quarters(pool.xCount), r = quarters(pool.yCount), y = room(pool.yCount), out = room(pool.xCount);
      maxPoolForward(x.at, y.at, 2, 7, 5, 6, pool.oh, pool.ow, k, k, s, s, k / 2, k / 2, 1, 1);
      maxPoolVjp(x.at, y.at, r.at, out.at, 2, 7, 5, 6, pool.oh, pool.ow, k, k, s, s, k / 2, k / 2, 1, 1, 0, 7);
      let before: f64 = 0, after: f64 = 0;
      for (let i = 0; i < r.count; i++) before += r.get(i);
      for (let i = 0; i < out.count; i++) after += out.get(i);
      number(after, before, 0, "sum");
    }
  });
});

describe("averagePool", () => {
  it("loses no digits in long windows, one way and the other", () => {
    // In single precision one after another, a quarter of a million tenths would be off by 2e-3.
    const sides: i32[] = [1, 262147, 509, 512];
    for (let a = 0; a < 4; a += 2) {
      const h = sides[a], w = sides[a + 1];
      begin(`[${h}, ${w}]`);
      const x = room(h * w), y = room(1);
      for (let i = 0; i < x.count; i++) x.set(i, 0.1);
      averagePoolForward(x.at, y.at, 1, h, w, 1, 1, 1, h, w, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0);
      same(y, expected(1, <f64><f32>0.1));
    }
    begin("windows that overlap 61 times 59");
    const h = 121, w = 117, kh = 61, kw = 59, s = room(kh * kw), out = room(h * w), shares = room(2 * (kh + kw));
    for (let i = 0; i < s.count; i++) s.set(i, 0.1);
    averagePoolVjp(s.at, shares.at, out.at, 1, h, w, 1, kh, kw, kh, kw, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, h);
    number(out.get(60 * w + 58), <f64><f32>0.1, 1e-8, "the middle, which is in every window");
  });
});

describe("averagePoolForward", () => {
  it("is NaN without taps, and 0 where only padding counts", () => {
    for (let c = 1; c <= 9; c++) for (let counted = 0; counted < 2; counted++) {
      begin(`c ${c}, counted ${counted}`);
      // The two rows of the window stand before and behind the only one of the image.
      const pool = pads(new Pool(1, 1, 3, c, 2, 2), 1, 0, 1, 0);
      pool.dilationH = 2;
      pool.countPads = counted == 1;
      const x = quarters(pool.xCount), y = room(pool.yCount);
      averagePoolForward(x.at, y.at, 1, 1, 3, c, 1, 2, 2, 2, 1, 1, 1, 0, 2, 1, counted, counted, 0, 0);
      for (let j = 0; j < 2 * c; j++) number(y.get(j), counted == 1 ? 0 : NaN, 0, `[${j}]`);
      pool.checkAverage(x, quarters(pool.yCount));
    }
  });

  it("keeps NaN and infinity in their own channel", () => {
    for (let j = 0; j < 9; j++) {
      begin(`channel ${j}`);
      const pool = new Pool(1, 3, 5, 9, 2, 2), x = quarters(pool.xCount);
      x.set(9 * 7 + j, j % 2 == 0 ? NaN : -Infinity);
      pool.checkAverage(x.freeze(), quarters(pool.yCount));
    }
  });
});
