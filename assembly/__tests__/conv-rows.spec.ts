import { convRowsForward, convRowsVjp, countNonzero } from "../conv-rows";
import { Block, begin, expected, integer, quarters, room, same, tails } from "./support";

/** One convolution: x[n, h, w, c], m outputs, pads at the top and left; the bottom and right follow from oh and ow. */
class Site {
  kh: i32 = 1; kw: i32 = 1; strideH: i32 = 1; strideW: i32 = 1; dilationH: i32 = 1; dilationW: i32 = 1;
  top: i32 = 0; left: i32 = 0; group: i32 = 1;

  constructor(public n: i32, public h: i32, public w: i32, public c: i32, public oh: i32, public ow: i32,
    public m: i32) {}

  kernel(kh: i32, kw: i32, top: i32, left: i32): Site {
    this.kh = kh; this.kw = kw; this.top = top; this.left = left;
    return this;
  }

  steps(strideH: i32, strideW: i32, dilationH: i32, dilationW: i32): Site {
    this.strideH = strideH; this.strideW = strideW; this.dilationH = dilationH; this.dilationW = dilationW;
    return this;
  }

  groups(group: i32): Site {
    this.group = group;
    return this;
  }

  /** Where in x tap (r, q) of output p stands, or −1. */
  at(p: i32, r: i32, q: i32): i32 {
    const image = p / (this.oh * this.ow);
    const row = p / this.ow % this.oh * this.strideH - this.top + r * this.dilationH;
    const column = p % this.ow * this.strideW - this.left + q * this.dilationW;
    return row < 0 || row >= this.h || column < 0 || column >= this.w ? -1
      : ((image * this.h + row) * this.w + column) * this.c;
  }

  get outputs(): i32 { return this.n * this.oh * this.ow * this.m; }

  /** Relevance of every `oneIn`-th neuron on average. */
  relevance(oneIn: i32): Block {
    const r = room(this.outputs);
    for (let i = 0; i < r.count; i++) r.set(i, integer(1, oneIn) == 1 ? <f64>integer(1, 8) / 4 : 0);
    return r.freeze();
  }

  check(oneIn: i32): void {
    const inputs = this.c / this.group, k = this.kh * this.kw * inputs;
    const x = quarters(this.n * this.h * this.w * this.c), weights = quarters(this.m * k), b = quarters(this.m),
      r = this.relevance(oneIn);
    const y = room(this.outputs), out = room(x.count), list = room(k + 2 * (this.m / this.group + 4));
    const forward = expected(y.count), back = expected(out.count);
    for (let i = 0; i < y.count; i++) {
      const o = i % this.m, s = r.get(i);
      if (s == 0) continue;
      let sum = b.get(o);
      for (let p = 0; p < this.kh; p++) for (let q = 0; q < this.kw; q++) {
        const from = this.at(i / this.m, p, q);
        if (from < 0) continue;
        for (let j = 0; j < inputs; j++) {
          const place = from + o / (this.m / this.group) * inputs + j,
            tap = weights.get(o * k + (p * this.kw + q) * inputs + j);
          sum += x.get(place) * tap;
          back[place] += s * tap;
        }
      }
      forward[i] = sum;
    }
    convRowsForward(
      r.at, x.at, weights.at, b.at, y.at, list.at, this.n, this.h, this.w, this.c, this.oh, this.ow, this.m, this.kh,
      this.kw,
      this.strideH, this.strideW, this.top, this.left, this.dilationH, this.dilationW, this.group,
    );
    same(y, forward);
    for (let half = 0; half < 2; half++) {
      convRowsVjp(
        r.at, weights.at, out.at, list.at, this.n, this.h, this.w, this.c, this.oh, this.ow, this.m, this.kh, this.kw,
        this.strideH, this.strideW, this.top, this.left, this.dilationH, this.dilationW, this.group,
        half * (this.h / 2), (this.h + half) / 2,
      );
    }
    same(out, back);
  }
}

/** No relevance at all, little, half, and all of it. */
const densities: i32[] = [1000003, 7, 2, 1];

describe("convolution neuron by neuron, forward and transposed", () => {
  it("tails of inputs and of groups of four neurons", () => {
    for (let d = 0; d < densities.length; d++) for (let t = 0; t < tails.length; t++) {
      begin(`c ${tails[t]}, one in ${densities[d]}`);
      new Site(1, 3, 5, tails[t], 2, 3, 5).kernel(2, 3, 0, 0).check(densities[d]);
      begin(`m ${tails[t]}, one in ${densities[d]}`);
      new Site(2, 3, 2, 3, 3, 2, tails[t]).check(densities[d]);
    }
  });

  it("windows that reach over every edge, beyond the image, and wholly outside", () => {
    for (let d = 0; d < densities.length; d++) {
      begin(`pads, one in ${densities[d]}`);
      new Site(2, 5, 7, 3, 7, 9, 5).kernel(3, 3, 2, 2).check(densities[d]);
      begin(`kernel larger than the image, one in ${densities[d]}`);
      new Site(1, 2, 3, 2, 3, 2, 3).kernel(5, 4, 2, 1).check(densities[d]);
      begin(`outside, one in ${densities[d]}`);
      new Site(1, 3, 4, 5, 8, 9, 2).kernel(2, 2, 3, 3).check(densities[d]);
    }
  });

  it("strides, dilations and groups", () => {
    for (let d = 0; d < densities.length; d++) {
      begin(`strides, one in ${densities[d]}`);
      new Site(1, 11, 13, 3, 4, 4, 7).kernel(3, 2, 1, 0).steps(3, 4, 1, 1).check(densities[d]);
      begin(`dilations, one in ${densities[d]}`);
      new Site(2, 9, 11, 2, 5, 4, 3).kernel(3, 3, 2, 3).steps(1, 2, 2, 3).check(densities[d]);
      begin(`groups, one in ${densities[d]}`);
      new Site(1, 5, 4, 6, 5, 4, 15).kernel(3, 3, 1, 1).groups(3).check(densities[d]);
      begin(`groups with everything, one in ${densities[d]}`);
      new Site(2, 9, 7, 10, 3, 3, 4).kernel(2, 3, 1, 2).steps(3, 2, 3, 2).groups(2).check(densities[d]);
    }
  });

  it("more neurons than one block of rows holds", () => {
    begin("two blocks");
    new Site(1, 1, 3, 8191, 1, 3, 17).check(3);
    begin("many short rows");
    new Site(1, 2, 3, 5, 1, 2, 521).check(1);
  });
});

describe("countNonzero", () => {
  it("counts what is not 0, NaN and −0 as they are", () => {
    for (let t = 0; t < tails.length; t++) {
      begin(`count ${tails[t]}`);
      const x = room(tails[t]);
      let want = 0;
      for (let i = 0; i < x.count; i++) {
        const kind = integer(0, 4);
        x.set(i, kind == 0 ? NaN : kind == 1 ? -0.0 : kind == 2 ? 1e-40 : 0);
        want += kind == 0 || kind == 2 ? 1 : 0;
      }
      expect<i32>(countNonzero(x.freeze().at, x.count)).toBe(want, `of ${tails[t]}`);
    }
  });
});
