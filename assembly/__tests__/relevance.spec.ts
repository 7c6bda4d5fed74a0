import {
  absorbBias, divideClipped, divideRelative, divideStabilized, gateNegative, gatePositive,
  halvesForward, halvesMultiply, halvesMultiplyAdd, multiply, multiplyAdd,
} from "../relevance";
import { BLOCK, CHUNK } from "../simd";
import { Block, begin, close, copyOf, expected, intact, list, near, number, quarters, room, same, spread,
tails } from "./support";

/** f64[3] = bias, stabilizer, dead; starts with something in it, for kernels add. */
class Ledger {
  block: Block = room(6);

  constructor() {
    store<f64>(this.block.at, 5);
    store<f64>(this.block.at + 8, 7);
    store<f64>(this.block.at + 16, 11);
  }

  check(bias: f64, stabilizer: f64, dead: f64, tolerance: f64): void {
    number(load<f64>(this.block.at), 5 + bias, tolerance, "ledger, bias");
    number(load<f64>(this.block.at + 8), 7 + stabilizer, tolerance, "ledger, stabilizer");
    number(load<f64>(this.block.at + 16), 11 + dead, tolerance, "ledger, dead");
    intact(this.block);
  }
}

type Divide = (r: usize, z: usize, s: usize, count: i32, coefficient: f32, epsilon: f32, ledger: usize) => void;
const divisions: Divide[] = [divideStabilized, divideClipped, divideRelative];
const names: string[] = ["stabilized", "clipped", "relative"];

/** The denominator: sign(0) = +1. */
function stabilize(kind: i32, z: f64, epsilon: f64, rms: f64): f64 {
  const sign: f64 = z < 0 ? -1 : 1;
  if (kind == 1) return max(abs(z), epsilon) * sign;
  return z + (kind == 2 ? epsilon * rms : epsilon) * sign;
}

function check(kind: i32, r: Block, z: Block, coefficient: f64, epsilon: f64): void {
  const count = r.count, c = <f64><f32>coefficient, e = <f64><f32>epsilon;
  let squares: f64 = 0, stabilizer: f64 = 0, dead: f64 = 0, passed: f64 = 0, magnitude: f64 = 0;
  for (let i = 0; i < count; i++) squares += z.get(i) * z.get(i);
  const rms = count > 0 ? Math.sqrt(squares / count) : 0;
  const want = expected(count), size = expected(count);
  for (let i = 0; i < count; i++) {
    const zi = z.get(i), denominator = stabilize(kind, zi, e, rms);
    want[i] = denominator == 0 ? 0 : c * r.get(i) / denominator;
    size[i] = abs(want[i]);
    if (zi == 0) dead += c * r.get(i);
    else stabilizer += want[i] * (denominator - zi);
    passed += want[i] * zi;
    magnitude += abs(c * r.get(i));
  }
  const ledger = new Ledger(), s = room(count), ofR = copyOf(r), ofZ = copyOf(z);
  divisions[kind](r.at, z.at, s.at, count, <f32>coefficient, <f32>epsilon, ledger.block.at);
  near(s, want, size, 3e-7);
  ledger.check(0, stabilizer, dead, 3e-7 * magnitude);
  // What goes in goes on or is booked.
  let gone: f64 = 0, came: f64 = 0;
  for (let i = 0; i < count; i++) { gone += s.get(i) * z.get(i); came += c * r.get(i); }
  number(gone + (load<f64>(ledger.block.at + 8) - 7) + (load<f64>(ledger.block.at + 16) - 11), came, 3e-7 * magnitude,
    "columns add up");

  divisions[kind](ofR.at, z.at, ofR.at, count, <f32>coefficient, <f32>epsilon, new Ledger().block.at);
  near(ofR, want, size, 3e-7);
  divisions[kind](r.at, ofZ.at, ofZ.at, count, <f32>coefficient, <f32>epsilon, new Ledger().block.at);
  near(ofZ, want, size, 3e-7);
}

/** z with zeros of both signs and numbers on both sides of every ε below. */
function sums(count: i32): Block {
  const z = spread(count, 3);
  for (let i = 0; i < count; i++) {
    if (i % 5 == 1) z.set(i, i % 2 == 0 ? -0.0 : 0.0);
    if (i % 5 == 3) z.set(i, z.get(i) * 1e-6);
  }
  return z.freeze();
}

const epsilons: f64[] = [0, 1e-9, 1e-6, 0.01, 0.25, 10];

describe("divideStabilized, divideClipped and divideRelative", () => {
  it("divide and book for every tail and ε, in place of r or z too", () => {
    for (let kind = 0; kind < 3; kind++) for (let t = 0; t < tails.length; t++)
      for (let e = 0; e < epsilons.length; e++) {
      begin(`${names[kind]}, count ${tails[t]}, ε ${epsilons[e]}`);
      check(kind, spread(tails[t], 2), sums(tails[t]), 1, epsilons[e]);
    }
  });

  it("divide and book from block to block", () => {
    const counts: i32[] = [BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 3, BLOCK + 4, 2 * BLOCK, 3 * BLOCK + 7, CHUNK - 1,
      CHUNK + 2, 2 * CHUNK + 5];
    for (let kind = 0; kind < 3; kind++) for (let c = 0; c < counts.length; c++) {
      begin(`${names[kind]}, count ${counts[c]}`);
      check(kind, spread(counts[c], 2), sums(counts[c]), 1, 0.01);
    }
  });

  it("multiply by the coefficient", () => {
    const coefficients: f64[] = [2, -1, 0.3, 0];
    for (let kind = 0; kind < 3; kind++) for (let c = 0; c < coefficients.length; c++) {
      begin(`${names[kind]}, coefficient ${coefficients[c]}`);
      check(kind, spread(11, 2), sums(11), coefficients[c], 0.01);
    }
  });

  it("give 0 for 0 / 0 and R / 0, and book R as dead", () => {
    for (let kind = 0; kind < 3; kind++) for (let count = 1; count <= 9; count++) {
      begin(`${names[kind]}, ${count}`);
      const r = quarters(count), z = room(count), s = room(count), ledger = new Ledger();
      let total: f64 = 0;
      for (let i = 0; i < count; i++) { z.set(i, i % 2 == 0 ? 0.0 : -0.0); total += r.get(i); }
      divisions[kind](r.at, z.freeze().at, s.at, count, 1, 0, ledger.block.at);
      same(s, expected(count));
      ledger.check(0, 0, total, 0);
    }
  });

  it("count 0 and −0 as positive", () => {
    for (let kind = 0; kind < 2; kind++) for (let count = 1; count <= 9; count++) {
      begin(`${names[kind]}, ${count}`);
      const r = quarters(count), z = room(count), s = room(count), ledger = new Ledger(), want = expected(count);
      let total: f64 = 0;
      for (let i = 0; i < count; i++) {
        z.set(i, i % 2 == 0 ? 0.0 : -0.0);
        want[i] = r.get(i) / 0.25;
        total += r.get(i);
      }
      divisions[kind](r.at, z.freeze().at, s.at, count, 1, 0.25, ledger.block.at);
      same(s, want);
      ledger.check(0, 0, total, 0);
    }
  });

  it("take what is too small for its ε, and the other way round, in every lane", () => {
    const z: f64[] = [1e-45, -1e-45, 1e-38, -1e-38, 0.01, -0.01, 1e9, -1e9, 1e30, -1e30];
    for (let kind = 0; kind < 2; kind++) for (let shift = 0; shift < 4; shift++) {
      begin(`${names[kind]}, ${shift} lanes on`);
      check(kind, spread(z.length - shift, 2), list(z.slice(shift)), 1, 0.01);
    }
  });

  it("show NaN and infinity where they stand, nowhere else", () => {
    for (let kind = 0; kind < 2; kind++) for (let at = 0; at < 7; at++) {
      begin(`${names[kind]}, at ${at}`);
      const r = quarters(7), z = spread(7, 1), s = room(7), ledger = new Ledger();
      z.set(at, NaN);
      divisions[kind](r.at, z.freeze().at, s.at, 7, 1, 0.01, ledger.block.at);
      for (let i = 0; i < 7; i++) expect<bool>(isNaN(s.get(i))).toBe(i == at, `NaN in z at ${at}: ${i}`);
      expect<bool>(isNaN(load<f64>(ledger.block.at + 8))).toBe(true, "the ledger hides no NaN");
      intact(s);
    }
  });

  it("book nothing of what follows the last number", () => {
    for (let kind = 0; kind < 3; kind++) for (let count = 0; count <= 9; count++) {
      begin(`${names[kind]}, count ${count}`);
      // Past the end: relevance and a z of 0, which would be dead.
      const r = room(count + 4), z = room(count + 4), s = room(count), ledger = new Ledger(), gate = new Ledger();
      for (let i = 0; i < r.count; i++) { r.set(i, i < count ? 2 : 64); z.set(i, i < count ? -4 : 0); }
      divisions[kind](r.freeze().at, z.freeze().at, s.at, count, 1, 0, ledger.block.at);
      same(s, expected(count, -0.5));
      ledger.check(0, 0, 0, 0);
      gateNegative(r.at, z.at, s.at, count, gate.block.at);
      same(s, expected(count, 2));
      gate.check(0, 0, 0, 0);
    }
  });

  it("do nothing to no numbers", () => {
    for (let kind = 0; kind < 3; kind++) {
      begin(names[kind]);
      const none = quarters(0), s = room(0), ledger = new Ledger();
      divisions[kind](none.at, none.at, s.at, 0, 1, 0.01, ledger.block.at);
      ledger.check(0, 0, 0, 0);
    }
  });
});

describe("absorbBias", () => {
  it("sums s · b over rows and outputs, for every tail", () => {
    for (let t = 0; t < tails.length; t++) for (let rows = 0; rows <= 3; rows++) {
      const m = tails[t];
      begin(`rows ${rows}, m ${m}`);
      const s = quarters(rows * m), b = quarters(m), ledger = new Ledger();
      absorbBias(s.at, b.at, rows, m, ledger.block.at);
      let total: f64 = 0;
      for (let i = 0; i < rows * m; i++) total += s.get(i) * b.get(i % m);
      ledger.check(total, 0, 0, 0);
    }
  });

  it("goes from chunk to chunk, of rows that are longer and shorter", () => {
    const ms: i32[] = [CHUNK + 3, CHUNK, CHUNK / 2 + 1, CHUNK / 3, 5000, 7];
    for (let i = 0; i < ms.length; i++) {
      const m = ms[i], rows = m == 7 ? CHUNK / 7 + 3 : 7;
      begin(`rows ${rows}, m ${m}`);
      const s = quarters(rows * m), b = quarters(m), ledger = new Ledger();
      absorbBias(s.at, b.at, rows, m, ledger.block.at);
      let total: f64 = 0;
      for (let i = 0; i < rows * m; i++) total += s.get(i) * b.get(i % m);
      ledger.check(total, 0, 0, 0);
    }
  });

  it("loses nothing over many rows", () => {
    begin("rows 5003");
    const rows = 5003, m = 5, s = spread(rows * m, 1), b = spread(m, 1), ledger = new Ledger();
    absorbBias(s.at, b.at, rows, m, ledger.block.at);
    let total: f64 = 0, magnitude: f64 = 0;
    for (let i = 0; i < rows * m; i++) { total += s.get(i) * b.get(i % m); magnitude += abs(s.get(i) * b.get(i % m)); }
    ledger.check(total, 0, 0, 1e-7 * magnitude);
  });
});

describe("gatePositive and gateNegative", () => {
  it("let one sign of z through for every tail, in place too, and book as dead what both stop", () => {
    for (let t = 0; t < tails.length; t++) {
      const count = tails[t];
      begin(`count ${count}`);
      const r = quarters(count), z = sums(count), above = room(count), below = room(count), ledger = new Ledger();
      const inPlaceAbove = copyOf(r), inPlaceBelow = copyOf(r), up = expected(count), down = expected(count);
      let dead: f64 = 0;
      for (let i = 0; i < count; i++) {
        if (z.get(i) > 0) up[i] = r.get(i);
        else if (z.get(i) < 0) down[i] = r.get(i);
        else dead += r.get(i);
      }
      gatePositive(r.at, z.at, above.at, count);
      same(above, up);
      gateNegative(r.at, z.at, below.at, count, ledger.block.at);
      same(below, down);
      ledger.check(0, 0, dead, 0);
      gatePositive(inPlaceAbove.at, z.at, inPlaceAbove.at, count);
      same(inPlaceAbove, up);
      gateNegative(inPlaceBelow.at, z.at, inPlaceBelow.at, count, new Ledger().block.at);
      same(inPlaceBelow, down);
    }
  });

  it("go from chunk to chunk", () => {
    const counts: i32[] = [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 7];
    for (let i = 0; i < counts.length; i++) {
      begin(`count ${counts[i]}`);
      const r = quarters(counts[i]), z = sums(counts[i]), above = room(counts[i]), below = room(counts[i]),
        ledger = new Ledger();
      const up = expected(counts[i]), down = expected(counts[i]);
      let dead: f64 = 0;
      for (let k = 0; k < counts[i]; k++) {
        if (z.get(k) > 0) up[k] = r.get(k);
        else if (z.get(k) < 0) down[k] = r.get(k);
        else dead += r.get(k);
      }
      gatePositive(r.at, z.at, above.at, counts[i]);
      same(above, up);
      gateNegative(r.at, z.at, below.at, counts[i], ledger.block.at);
      same(below, down);
      ledger.check(0, 0, dead, 0);
    }
  });

  it("stop infinite relevance as well", () => {
    begin("infinite");
    const r = list([Infinity, -Infinity, Infinity, NaN, 1]), z = list([-1, 1, 0, -1, 1]);
    const above = room(5), below = room(5);
    gatePositive(r.at, z.at, above.at, 5);
    same(above, new Float64Array(5).fill(0).map((v: f64, i: i32): f64 => (i == 1 ? -Infinity : i == 4 ? 1.0 : 0.0)));
    gateNegative(r.at, z.at, below.at, 5, new Ledger().block.at);
    same(below, new Float64Array(5).fill(0).map((v: f64, i: i32): f64 => (i == 0 ? Infinity : i == 3 ? NaN : 0.0)));
  });
});

describe("multiply and multiplyAdd", () => {
  it("work for every tail, in place of x or c too", () => {
    for (let t = 0; t < tails.length; t++) {
      const count = tails[t];
      begin(`count ${count}`);
      const x = quarters(count), c = quarters(count), start = quarters(count);
      const y = room(count), ofX = copyOf(x), ofC = copyOf(c), sum = copyOf(start);
      const product = expected(count), added = expected(count);
      for (let i = 0; i < count; i++) { product[i] = x.get(i) * c.get(i); added[i] = start.get(i) + product[i]; }
      multiply(x.at, c.at, y.at, count);
      same(y, product);
      multiply(ofX.at, c.at, ofX.at, count);
      same(ofX, product);
      multiply(x.at, ofC.at, ofC.at, count);
      same(ofC, product);
      multiplyAdd(x.at, c.at, sum.at, count);
      same(sum, added);
    }
  });

  it("keep infinities and NaN in their lane", () => {
    begin("special");
    const x = list([0, Infinity, NaN, -Infinity, 2, 0]), c = list([1, 2, 3, 0, Infinity, -5]);
    const y = room(6), sum = room(6), want = expected(6);
    for (let i = 0; i < 6; i++) { want[i] = x.get(i) * c.get(i); sum.set(i, 1); }
    multiply(x.at, c.at, y.at, 6);
    close(y, want, 0);
    multiplyAdd(x.at, c.at, sum.at, 6);
    for (let i = 0; i < 6; i++) want[i] += 1;
    close(sum, want, 0);
  });
});

describe("an image in halves", () => {
  it("is laid out twice, and every number meets the half that it is in", () => {
    for (let c = 1; c <= 7; c++) for (let pixels = 1; pixels <= 5; pixels++) {
      begin(`${pixels} pixels of ${c}`);
      const x = quarters(pixels * c), both = quarters(2 * pixels * c), start = quarters(pixels * c);
      const halves = room(2 * x.count), y = room(x.count), sum = copyOf(start);
      const wanted = expected(halves.count), product = expected(x.count), added = expected(x.count);
      for (let i = 0; i < x.count; i++) {
        const at = i / c * 2 * c + i % c, v = x.get(i);
        wanted[at] = max(v, 0);
        wanted[at + c] = min(v, 0);
        product[i] = max(v, 0) * both.get(at) + min(v, 0) * both.get(at + c);
        added[i] = start.get(i) + product[i];
      }
      halvesForward(x.at, halves.at, pixels, c);
      same(halves, wanted);
      halvesMultiply(x.at, both.at, y.at, pixels, c);
      same(y, product);
      halvesMultiplyAdd(x.at, both.at, sum.at, pixels, c);
      same(sum, added);
    }
  });

  it("a NaN stays one in both halves", () => {
    begin("NaN");
    const x = list([NaN, -1]), y = room(4);
    halvesForward(x.at, y.at, 1, 2);
    same(y, new Float64Array(4).fill(0).map((v: f64, i: i32): f64 => (i == 0 || i == 2 ? NaN : i == 3 ? -1.0 : 0.0)));
  });
});
