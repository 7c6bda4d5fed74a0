import { addForward, divForward, maxForward, mulForward, pReluForward, powForward, subForward } from "../binary";
import {
  clipForward, clipVjp, geluForward, geluTanhForward, geluTanhVjp, geluVjp, hardSwishForward, hardSwishVjp, reluForward,
  reluVjp, sigmoidForward, sigmoidVjp, slopeForward, slopeVjp, swishForward, swishVjp, tanhForward, tanhVjp,
} from "../unary";
import * as math from "../math";
import { Block, UNTOUCHED, begin, close, copyOf, expected, list, quarters, room, same, spread, tails } from "./support";

type Curve = (v: f64, a: f64, b: f64) => f64;
type Forward = (x: usize, y: usize, count: i32, a: f32, b: f32) => void;
type Vjp = (x: usize, r: usize, y: usize, count: i32, a: f32, b: f32) => void;

/** One function of one number: kernels, definition, derivative, and what to try for a and b. */
class Unary {
  constructor(public name: string, public forward: Forward, public vjp: Vjp, public value: Curve, public slope: Curve,
    public attributes: f64[][]) {}
}

/** v · w, and 0 where w is, which has gone to 0 faster than v has grown. */
function product(v: f64, w: f64): f64 { return w == 0 && !isNaN(v) ? v < 0 ? -0.0 : 0 : v * w; }

function sigma(u: f64): f64 { return 1 / (1 + Math.exp(-u)); }

function gated(v: f64, a: f64, b: f64): f64 { return product(v, sigma(a * v)); }

/** The slope of v σ(u), where w = v du/dv. */
function gatedSlope(w: f64, u: f64): f64 { return sigma(u) + product(w, sigma(u) * sigma(-u)); }

const root: f64 = Math.sqrt(8 / Math.PI);

/** The normal distribution: ½ + Σ x^(2n+1) / (1 · 3 · … · (2n+1)) · e^(−x²/2) / √(2π), far out by Laplace's fraction. */
function normal(x: f64): f64 {
  if (isNaN(x)) return x;
  const z = abs(x), bell = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  let tail: f64;
  if (z < 3) {
    let sum: f64 = 0, term = z;
    for (let n: f64 = 1; term > 1e-20; n++) {
      sum += term;
      term *= z * z / (2 * n + 1);
    }
    tail = 0.5 - bell * sum;
  } else {
    let fraction = z;
    for (let n: f64 = 60; n > 0; n--) fraction = z + n / fraction;
    tail = bell / fraction;
  }
  return x < 0 ? tail : 1 - tail;
}

const unaries: Unary[] = [
  new Unary("relu", reluForward, reluVjp,
    (v: f64, a: f64, b: f64): f64 => max<f64>(v, 0), (v: f64, a: f64, b: f64): f64 => (v > 0 ? 1.0 : 0.0), [[0, 0]]),
  new Unary("slope", slopeForward, slopeVjp,
    (v: f64, a: f64, b: f64): f64 => a * max<f64>(v, 0) + b * min<f64>(v, 0),
    (v: f64, a: f64, b: f64): f64 => (v > 0 ? a : b), [[1, 0.25], [1, 0], [0, 1], [-2, 3]]),
  new Unary("clip", clipForward, clipVjp,
    (v: f64, a: f64, b: f64): f64 => min(max(v, a), b), (v: f64, a: f64, b: f64): f64 => (v > a && v < b ? 1.0 : 0.0),
    [[0, 6], [-1, 1], [-Infinity, 0.5], [-0.5, Infinity], [2, -1]]),
  new Unary("sigmoid", sigmoidForward, sigmoidVjp,
    (v: f64, a: f64, b: f64): f64 => 1 / (1 + Math.exp(-v)),
    (v: f64, a: f64, b: f64): f64 => Math.exp(-abs(v)) / (1 + Math.exp(-abs(v))) / (1 + Math.exp(-abs(v))), [[0, 0]]),
  new Unary("tanh", tanhForward, tanhVjp,
    (v: f64, a: f64, b: f64): f64 => Math.tanh(v), (v: f64, a: f64, b: f64): f64 => 1 / Math.cosh(v) / Math.cosh(v),
    [[0, 0]]),
  new Unary("hardSwish", hardSwishForward, hardSwishVjp,
    (v: f64, a: f64, b: f64): f64 => v * (min<f64>(max<f64>(v + 3, 0), 6) / 6),
    (v: f64, a: f64, b: f64): f64 => min<f64>(max<f64>(v + 3, 0), 6) / 6 + (abs(v) < 3 ? v / 6 : 0), [[0, 0]]),
  new Unary("swish", swishForward, swishVjp, gated, (v: f64, a: f64, b: f64): f64 => gatedSlope(a * v, a * v),
    [[1, 0], [1.702, 0], [-2, 0]]),
  new Unary("gelu", geluForward, geluVjp, (v: f64, a: f64, b: f64): f64 => product(v, normal(v)),
    (v: f64, a: f64, b: f64): f64 => normal(v) + product(v, Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI)), [[0, 0]]),
  new Unary("geluTanh", geluTanhForward, geluTanhVjp,
    (v: f64, a: f64, b: f64): f64 => product(v, sigma(root * (v + 0.044715 * v * v * v))),
    (v: f64, a: f64, b: f64): f64 =>
      gatedSlope(root * (v + 0.134145 * v * v * v), root * (v + 0.044715 * v * v * v)), [[0, 0]]),
];

const corners: f64[] = [
  0, -0.0, 1, -1, 0.5, -0.5, 6, 2, 1e-3, -1e-3, 9, -9, 40, -40, 100, -100, 1000, -1000,
  1e-38, -1e-38, 1e-45, -1e-45, 3e38, -3e38, Infinity, -Infinity, NaN,
];

/** The corners, pushed `shift` lanes on. */
function cornersAt(shift: i32): Block {
  const x = room(corners.length + shift);
  for (let i = 0; i < x.count; i++) x.set(i, i < shift ? 0.25 : corners[i - shift]);
  return x.freeze();
}

function values(f: Unary, x: Block, a: f64, b: f64): Float64Array {
  const want = expected(x.count);
  for (let i = 0; i < x.count; i++) want[i] = f.value(x.get(i), a, b);
  return want;
}

function products(f: Unary, x: Block, r: Block, a: f64, b: f64): Float64Array {
  const want = expected(x.count);
  for (let i = 0; i < x.count; i++) want[i] = r.get(i) * f.slope(x.get(i), a, b);
  return want;
}

describe("functions of one number", () => {
  it("are their definitions for every tail", () => {
    for (let u = 0; u < unaries.length; u++) for (let t = 0; t < tails.length; t++)
      for (let p = 0; p < unaries[u].attributes.length; p++) {
      const f = unaries[u], a = f.attributes[p][0], b = f.attributes[p][1];
      begin(`${f.name} of ${tails[t]}, a ${a}, b ${b}`);
      const x = spread(tails[t], 3), r = spread(tails[t], 2), y = room(tails[t]), back = room(tails[t]);
      f.forward(x.at, y.at, x.count, <f32>a, <f32>b);
      close(y, values(f, x, a, b), 1e-7);
      f.vjp(x.at, r.at, back.at, x.count, <f32>a, <f32>b);
      close(back, products(f, x, r, a, b), 1e-7);
    }
  });

  it("work in place, on x and on r", () => {
    for (let u = 0; u < unaries.length; u++) for (let t = 0; t < tails.length; t++) {
      const f = unaries[u], a = f.attributes[0][0], b = f.attributes[0][1], n = tails[t];
      begin(`${f.name} of ${n}`);
      const x = spread(n, 3), r = spread(n, 2), y = copyOf(x), ofX = copyOf(x), ofR = copyOf(r);
      f.forward(y.at, y.at, n, <f32>a, <f32>b);
      close(y, values(f, x, a, b), 1e-7);
      f.vjp(ofX.at, r.at, ofX.at, n, <f32>a, <f32>b);
      close(ofX, products(f, x, r, a, b), 1e-7);
      f.vjp(x.at, ofR.at, ofR.at, n, <f32>a, <f32>b);
      close(ofR, products(f, x, r, a, b), 1e-7);
    }
  });

  it("are their definitions at zeros, bounds, very small and large numbers, infinities and NaN, in every lane", () => {
    for (let u = 0; u < unaries.length; u++) for (let p = 0; p < unaries[u].attributes.length; p++)
      for (let shift = 0; shift < 4; shift++) {
      const f = unaries[u], a = f.attributes[p][0], b = f.attributes[p][1];
      begin(`${f.name}, a ${a}, b ${b}, ${shift} lanes on`);
      const x = cornersAt(shift), y = room(x.count);
      f.forward(x.at, y.at, x.count, <f32>a, <f32>b);
      close(y, values(f, x, a, b), 1e-7);
    }
  });

  it("have derivatives at zeros, bounds, very small and large numbers and infinities, in every lane", () => {
    for (let u = 0; u < unaries.length; u++) for (let p = 0; p < unaries[u].attributes.length; p++)
      for (let shift = 0; shift < 4; shift++) {
      const f = unaries[u], a = f.attributes[p][0], b = f.attributes[p][1];
      begin(`${f.name}, a ${a}, b ${b}, ${shift} lanes on`);
      const all = cornersAt(shift), x = room(all.count - 1);
      for (let i = 0; i < x.count; i++) x.set(i, all.get(i));
      const r = quarters(x.count), y = room(x.count);
      f.vjp(x.freeze().at, r.at, y.at, x.count, <f32>a, <f32>b);
      close(y, products(f, x, r, a, b), 1e-7);
    }
  });

  it("do nothing to no numbers", () => {
    for (let u = 0; u < unaries.length; u++) {
      begin(unaries[u].name);
      const x = spread(0, 1), y = room(1);
      unaries[u].forward(x.at, y.at, 0, 0, 0);
      unaries[u].vjp(x.at, x.at, y.at, 0, 0, 0);
      same(y, expected(1, UNTOUCHED));
    }
  });
});

describe("the normal distribution", () => {
  it("has ten digits as far as f32 goes", () => {
    for (let x: f64 = -14; x <= 8; x += 0.01) {
      const got = f64x2.extract_lane(math.normal(f64x2.splat(x), f64x2.splat(Math.exp(-x * x / 2))), 1);
      expect(abs(got / normal(x) - 1) < 1e-10).toBe(true, "Φ(" + x.toString() + ")");
    }
  });
});

type Two = (a: f64, b: f64) => f64;
type Zip = (
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
) => void;

class Binary {
  constructor(public name: string, public forward: Zip, public value: Two) {}
}

const binaries: Binary[] = [
  new Binary("add", addForward, (a: f64, b: f64): f64 => a + b),
  new Binary("sub", subForward, (a: f64, b: f64): f64 => a - b),
  new Binary("mul", mulForward, (a: f64, b: f64): f64 => a * b),
  new Binary("div", divForward, (a: f64, b: f64): f64 => a / b),
  new Binary("max", maxForward, (a: f64, b: f64): f64 => a < b ? b : a),
  new Binary("pRelu", pReluForward, (a: f64, b: f64): f64 => a < 0 ? a * b : a),
  new Binary("pow", powForward, (a: f64, b: f64): f64 => Math.pow(a, b)),
];

/** Strides of a block with these dims, in order, where `axes` has a bit of 8, 4, 2, 1; 0 elsewhere. */
function stridesOf(d: i32[], axes: i32): i32[] {
  const out: i32[] = [0, 0, 0, 0];
  let step = 1;
  for (let k = 3; k >= 0; k--) {
    if ((axes & (8 >> k)) == 0) continue;
    out[k] = step;
    step *= d[k];
  }
  return out;
}

function countOf(d: i32[], strides: i32[]): i32 {
  let last = 0;
  for (let k = 0; k < 4; k++) last += strides[k] * (d[k] - 1);
  return last + 1;
}

function zipped(f: Binary, a: Block, b: Block, d: i32[], sa: i32[], sb: i32[]): Float64Array {
  const want = expected(d[0] * d[1] * d[2] * d[3]);
  let at = 0;
  for (let i = 0; i < d[0]; i++) for (let j = 0; j < d[1]; j++) for (let k = 0; k < d[2]; k++)
    for (let l = 0; l < d[3]; l++) {
    want[at++] = f.value(a.get(i * sa[0] + j * sa[1] + k * sa[2] + l * sa[3]),
      b.get(i * sb[0] + j * sb[1] + k * sb[2] + l * sb[3]));
  }
  return want;
}

function run(f: Binary, a: usize, b: usize, y: usize, d: i32[], sa: i32[], sb: i32[]): void {
  f.forward(a, b, y, d[0], d[1], d[2], d[3], sa[0], sa[1], sa[2], sa[3], sb[0], sb[1], sb[2], sb[3]);
}

/** Positive, so that every function has a finite value. */
function positive(count: i32): Block {
  const b = spread(count, 1);
  for (let i = 0; i < count; i++) b.set(i, 1.5 + b.get(i));
  return b.freeze();
}

describe("functions of two numbers", () => {
  it("broadcast a, b, both or neither along every axis", () => {
    const d: i32[] = [2, 3, 5, 7];
    for (let u = 0; u < binaries.length; u++) for (let p = 0; p < 16; p++) for (let q = 0; q < 16; q++) {
      begin(`${binaries[u].name}, axes of a ${p}, of b ${q}`);
      const sa = stridesOf(d, p), sb = stridesOf(d, q);
      const a = positive(countOf(d, sa)), b = positive(countOf(d, sb)), y = room(2 * 3 * 5 * 7);
      run(binaries[u], a.at, b.at, y.at, d, sa, sb);
      close(y, zipped(binaries[u], a, b, d, sa, sb), 2e-7);
    }
  });

  it("have every tail, with one number of a or b for a whole row as well", () => {
    for (let u = 0; u < binaries.length; u++) for (let t = 0; t < tails.length; t++) for (let p = 0; p < 4; p++) {
      const d: i32[] = [1, 1, 2, tails[t]];
      begin(`${binaries[u].name} of ${tails[t]}, broadcast ${p}`);
      const sa = stridesOf(d, p & 1 ? 2 : 3), sb = stridesOf(d, p & 2 ? 2 : 3);
      const a = positive(countOf(d, sa)), b = positive(countOf(d, sb)), y = room(2 * tails[t]);
      run(binaries[u], a.at, b.at, y.at, d, sa, sb);
      close(y, zipped(binaries[u], a, b, d, sa, sb), 2e-7);
    }
  });

  it("take strides of any size", () => {
    const d: i32[] = [2, 3, 5, 7], sa: i32[] = [1, 2, 6, 30], sb: i32[] = [210, 1, 3, 15];
    for (let u = 0; u < binaries.length; u++) {
      begin(binaries[u].name);
      const a = positive(countOf(d, sa)), b = positive(countOf(d, sb)), y = room(210);
      run(binaries[u], a.at, b.at, y.at, d, sa, sb);
      close(y, zipped(binaries[u], a, b, d, sa, sb), 2e-7);
    }
  });

  it("take strides below zero", () => {
    const d: i32[] = [1, 2, 3, 5], sa: i32[] = [0, -15, 5, -1], sb = stridesOf(d, 15);
    for (let u = 0; u < binaries.length; u++) {
      begin(binaries[u].name);
      const a = positive(30), b = positive(30), y = room(30), first = 15 + 4;
      run(binaries[u], a.at + (first << 2), b.at, y.at, d, sa, sb);
      const want = expected(30);
      for (let i = 0; i < 30; i++) {
        want[i] = binaries[u].value(a.get(first - i / 15 * 15 + i / 5 % 3 * 5 - i % 5), b.get(i));
      }
      close(y, want, 2e-7);
    }
  });

  it("work in place of whichever is not broadcast", () => {
    for (let u = 0; u < binaries.length; u++) for (let t = 0; t < tails.length; t++) for (let q = 0; q < 16; q++) {
      const d: i32[] = [1, 2, 3, tails[t]], all = stridesOf(d, 15), some = stridesOf(d, q);
      begin(`${binaries[u].name} of ${tails[t]}, axes of the other ${q}`);
      const whole = positive(6 * tails[t]), other = positive(countOf(d, some));
      const first = copyOf(whole), second = copyOf(whole);
      run(binaries[u], first.at, other.at, first.at, d, all, some);
      close(first, zipped(binaries[u], whole, other, d, all, some), 2e-7);
      run(binaries[u], other.at, second.at, second.at, d, some, all);
      close(second, zipped(binaries[u], other, whole, d, some, all), 2e-7);
    }
  });

  it("are IEEE at zeros, infinities and NaN, in vectors and tails alike", () => {
    const d: i32[] = [1, 1, 1, 0], one: i32[] = [0, 0, 0, 1], none: i32[] = [0, 0, 0, 0];
    const special: f64[] = [0, -0.0, 1, -1, 2, -3, 0.5, Infinity, -Infinity, NaN, 1e-45, 3e38];
    for (let u = 0; u < binaries.length; u++) for (let s = 0; s < special.length; s++)
      for (let length = 1; length <= special.length; length++) {
      begin(`${binaries[u].name} with ${special[s]}, ${length}`);
      d[3] = length;
      const row = list(special.slice(special.length - length)), alone = list([special[s]]);
      const left = room(length), right = room(length);
      run(binaries[u], row.at, alone.at, left.at, d, one, none);
      same(left, zipped(binaries[u], row, alone, d, one, none));
      run(binaries[u], alone.at, row.at, right.at, d, none, one);
      same(right, zipped(binaries[u], alone, row, d, none, one));
    }
  });
});
