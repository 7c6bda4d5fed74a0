import { addBlock, copyBlock, fill } from "../copy";
import { Block, UNTOUCHED, begin, copyOf, expected, number, quarters, room, same, tails } from "./support";

/** Dims, then where x and y begin, then the strides of x and of y. */
class Move {
  d: i32[]; x0: i32; y0: i32; xs: i32[]; ys: i32[];

  constructor(public name: string, public xCount: i32, public yCount: i32, d: i32[], x0: i32, xs: i32[], y0: i32,
    ys: i32[]) {
    this.d = d; this.x0 = x0; this.xs = xs; this.y0 = y0; this.ys = ys;
  }

  from(i: i32, j: i32, k: i32, l: i32): i32 {
    return this.x0 + i * this.xs[0] + j * this.xs[1] + k * this.xs[2] + l * this.xs[3];
  }
  to(i: i32, j: i32, k: i32, l: i32): i32 {
    return this.y0 + i * this.ys[0] + j * this.ys[1] + k * this.ys[2] + l * this.ys[3];
  }

  copy(x: Block, y: Block): void {
    const d = this.d, xs = this.xs, ys = this.ys;
    copyBlock(x.at + (this.x0 << 2), y.at + (this.y0 << 2), d[0], d[1], d[2], d[3], xs[0], xs[1], xs[2], xs[3], ys[0],
      ys[1], ys[2], ys[3]);
  }

  add(x: Block, y: Block): void {
    const d = this.d, xs = this.xs, ys = this.ys;
    addBlock(x.at + (this.x0 << 2), y.at + (this.y0 << 2), d[0], d[1], d[2], d[3], xs[0], xs[1], xs[2], xs[3], ys[0],
      ys[1], ys[2], ys[3]);
  }

  /** The same the other way round. */
  get adjoint(): Move {
    return new Move(this.name, this.yCount, this.xCount, this.d, this.y0, this.ys, this.x0, this.xs);
  }

  check(): void {
    const d = this.d;
    begin(`${this.name} ${d}`);
    const x = quarters(this.xCount), y = room(this.yCount), start = quarters(this.yCount), sum = copyOf(start);
    const copied = expected(this.yCount, UNTOUCHED), added = expected(this.yCount);
    for (let i = 0; i < this.yCount; i++) added[i] = start.get(i);
    for (let i = 0; i < d[0]; i++) for (let j = 0; j < d[1]; j++) for (let k = 0; k < d[2]; k++)
      for (let l = 0; l < d[3]; l++) {
      copied[this.to(i, j, k, l)] = x.get(this.from(i, j, k, l));
      added[this.to(i, j, k, l)] += x.get(this.from(i, j, k, l));
    }
    this.copy(x, y);
    same(y, copied);
    this.add(x, sum);
    same(sum, added);
  }
}

function moves(): Move[] {
  const all: Move[] = [
    new Move("long rows", 3 * 131, 3 * 137, [1, 1, 3, 131], 0, [0, 0, 131, 1], 1, [0, 0, 137, 1]),
    new Move("[n, c, h, w] to channels last", 210, 210, [2, 3, 5, 7], 0, [105, 35, 7, 1], 0, [105, 1, 21, 3]),
    new Move("channels last to [n, c, h, w]", 210, 210, [2, 5, 7, 3], 0, [105, 21, 3, 1], 0, [105, 7, 1, 35]),
    new Move("all axes turned round", 210, 210, [2, 3, 5, 7], 0, [105, 35, 7, 1], 0, [1, 2, 6, 30]),
    new Move("mirrored along every axis", 210, 210, [2, 3, 5, 7], 209, [-105, -35, -7, -1], 0, [105, 35, 7, 1]),
    new Move("written from the end", 210, 210, [2, 3, 5, 7], 0, [105, 35, 7, 1], 209, [-105, -35, -7, -1]),
    new Move("slice with steps", 210, 12, [1, 2, 2, 3], 8, [0, 70, 14, 2], 0, [12, 6, 3, 1]),
    new Move("into the middle of a padded image", 30, 126, [1, 3, 5, 2], 0, [30, 10, 2, 1], 18, [126, 18, 2, 1]),
    new Move("one part of a concatenation", 30, 77, [1, 2, 3, 5], 0, [30, 15, 5, 1], 4, [0, 33, 11, 1]),
    new Move("one number everywhere", 1, 210, [2, 3, 5, 7], 0, [0, 0, 0, 0], 0, [105, 35, 7, 1]),
    new Move("one row for every row", 7, 210, [2, 3, 5, 7], 0, [0, 0, 0, 1], 0, [105, 35, 7, 1]),
    new Move("one number for every row", 30, 210, [2, 3, 5, 7], 0, [15, 5, 1, 0], 0, [105, 35, 7, 1]),
  ];
  for (let t = 0; t < tails.length; t++) {
    const w = tails[t];
    all.push(new Move("rows", 6 * w, 6 * (w + 1), [1, 2, 3, w], 0, [0, 3 * w, w, 1], 0, [0, 3 * w + 3, w + 1, 1]));
    for (let u = 0; u < tails.length; u++) {
      const h = tails[u], n = 2 * w * h, down = w + 1;
      all.push(new Move("columns to rows", n, n + 2 * h, [1, 2, h, w], 0, [0, w * h, 1, h], 0, [0, h * down, down, 1]));
    }
    all.push(new Move("columns", 6 * w, 6 * w, [1, 2, 3, w], 0, [0, 3 * w, w, 1], 0, [0, 1, 2, 6]));
  }
  return all;
}

describe("copyBlock and addBlock", () => {
  it("write what their strides say and leave the rest alone", () => {
    const all = moves();
    for (let m = 0; m < all.length; m++) all[m].check();
  });

  it("do nothing where a dimension is 0", () => {
    for (let zero = 0; zero < 4; zero++) {
      const d: i32[] = [2, 3, 5, 7];
      d[zero] = 0;
      new Move("empty", 210, 210, d, 0, [105, 35, 7, 1], 0, [105, 35, 7, 1]).check();
    }
  });

  it("carry NaN, infinities and −0 along", () => {
    begin("special");
    const x = quarters(7);
    x.set(1, NaN); x.set(3, Infinity); x.set(5, -0.0);
    const y = room(7), z = room(7);
    copyBlock(x.freeze().at, y.at, 1, 1, 1, 7, 0, 0, 0, 1, 0, 0, 0, 1);
    copyBlock(x.at, z.at, 1, 1, 1, 7, 0, 0, 0, 1, 0, 0, 0, 1);
    for (let i = 0; i < 7; i++) {
      number(y.get(i), x.get(i), 0, `[${i}]`);
      number(1 / z.get(i), 1 / x.get(i), 0, `sign of [${i}]`);
    }
  });
});

describe("addBlock", () => {
  it("sums over the axes along which y does not move", () => {
    const ds: i32[] = [2, 3, 5, 7];
    for (let axes = 0; axes < 16; axes++) {
      const ys: i32[] = [0, 0, 0, 0];
      let step = 1;
      for (let k = 3; k >= 0; k--) if (axes & (8 >> k)) { ys[k] = step; step *= ds[k]; }
      begin(`axes ${axes}`);
      const x = quarters(210), start = quarters(step), y = copyOf(start), want = expected(step);
      for (let i = 0; i < step; i++) want[i] = start.get(i);
      for (let i = 0; i < 210; i++) {
        want[i / 105 * ys[0] + i / 35 % 3 * ys[1] + i / 7 % 5 * ys[2] + i % 7 * ys[3]] += x.get(i);
      }
      addBlock(x.at, y.at, 2, 3, 5, 7, 105, 35, 7, 1, ys[0], ys[1], ys[2], ys[3]);
      same(y, want);
    }
  });

  it("loses no digits in long sums", () => {
    begin("a tenth, again and again");
    const x = room(3 * 87447), y = room(3);
    for (let i = 0; i < x.count; i++) x.set(i, 0.1);
    for (let i = 0; i < 3; i++) y.set(i, 0);
    addBlock(x.at, y.at, 1, 3, 283, 309, 0, 1, 3 * 309, 3, 0, 1, 0, 0);
    same(y, expected(3, 87447 * <f64><f32>0.1));
  });

  it("is the adjoint of copyBlock: ⟨copy(x), s⟩ = ⟨x, add(s)⟩", () => {
    const all = moves();
    for (let m = 0; m < all.length; m++) {
      begin(`${all[m].name} ${all[m].d}`);
      const x = quarters(all[m].xCount), s = quarters(all[m].yCount), y = room(all[m].yCount),
        back = room(all[m].xCount);
      memory.fill(y.at, 0, y.count << 2);
      memory.fill(back.at, 0, back.count << 2);
      all[m].copy(x, y);
      all[m].adjoint.add(s, back);
      let left: f64 = 0, right: f64 = 0;
      for (let i = 0; i < y.count; i++) left += y.get(i) * s.get(i);
      for (let i = 0; i < x.count; i++) right += x.get(i) * back.get(i);
      number(left, right, 0, "inner product");
    }
  });
});

describe("fill", () => {
  it("writes one value everywhere and nothing beyond", () => {
    const values: f64[] = [0, 1, -2.5, 1e-45, Infinity, NaN];
    for (let v = 0; v < values.length; v++) for (let t = -1; t < tails.length; t++) {
      const count = t < 0 ? 0 : tails[t];
      begin(`${values[v]}, ${count}`);
      const y = room(count);
      fill(y.at, count, <f32>values[v]);
      same(y, expected(count, values[v]));
    }
  });
});
