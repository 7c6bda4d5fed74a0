import { denseForward, denseVjp } from "../dense";
import { Block, begin, expected, integer, list, near, number, quarters, room, same, tails } from "./support";

function f(v: f64, p: f64, q: f64): f64 { return p * max<f64>(v, 0) + q * min<f64>(v, 0); }

function forward(x: Block, w: Block, b: Block, n: i32, m: i32, k: i32, p: f64, q: f64): void {
  const y = room(n * m);
  const half = m / 8 * 4;
  denseForward(x.at, w.at, b.at, y.at, n, half, k, m, <f32>p, <f32>q);
  denseForward(x.at, w.at + (half * k << 2), b.at + (half << 2), y.at + (half << 2), n, m - half, k, m, <f32>p, <f32>q);
  const want = expected(n * m);
  for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) {
    want[i * m + o] = b.get(o);
    for (let j = 0; j < k; j++) want[i * m + o] += x.get(i * k + j) * f(w.get(o * k + j), p, q);
  }
  same(y, want);
}

/** What `denseVjp` needs beside its output. */
function sums(n: i32, m: i32, k: i32): Block { return room(m > 1024 ? n * min(k, 2048) : 1); }

/** As the definition, but a row without relevance takes part in nothing. */
function vjp(s: Block, w: Block, n: i32, m: i32, k: i32, p: f64, q: f64): void {
  const y = room(n * k);
  const half = k / 8 * 4, scratch = sums(n, m, k);
  denseVjp(s.at, w.at, y.at, scratch.at, n, m, k, half, <f32>p, <f32>q);
  denseVjp(s.at, w.at + (half << 2), y.at + (half << 2), scratch.at, n, m, k, k - half, <f32>p, <f32>q);
  const want = expected(n * k);
  for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) for (let j = 0; j < k; j++) {
    if (s.get(i * m + o) != 0) want[i * k + j] += s.get(i * m + o) * f(w.get(o * k + j), p, q);
  }
  same(y, want);
}

/** p, q: the weights as they are, W⁺, W⁻, γ's two, none, and a mirror image. */
const slopes: f64[][] = [[1, 1], [1, 0], [0, 1], [1.25, 1], [1, 1.25], [0, 0], [-1, 0.5]];

function inputs(n: i32, k: i32): Block { return quarters(n * k); }

describe("denseForward", () => {
  it("sums over k for every tail of m and k", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++) for (let n = 1; n <= 7; n++) {
      const m = tails[a], k = tails[b];
      begin(`n ${n}, m ${m}, k ${k}`);
      forward(inputs(n, k), inputs(m, k), quarters(m), n, m, k, 1, 1);
    }
  });

  it("carries sums from block to block of 1024 inputs, for every tail of rows and outputs", () => {
    const ks: i32[] = [1023, 1024, 1025, 1030, 2048, 2051, 3075];
    for (let a = 0; a < ks.length; a++) for (let m = 1; m <= 6; m++) for (let n = 1; n <= 4; n++) {
      begin(`n ${n}, m ${m}, k ${ks[a]}`);
      const slope = slopes[(m + n) % 2];
      forward(inputs(n, ks[a]), inputs(m, ks[a]), quarters(m), n, m, ks[a], slope[0], slope[1]);
    }
  });

  it("loses no digits in long sums", () => {
    // One after the other, 32768 times a tenth would be off by a thousandth, in each of four lanes by a ten-thousandth.
    for (let m = 1; m <= 5; m += 4) {
      begin(`a tenth, again and again, m ${m}`);
      const k = 32768, x = room(k), w = room(m * k), b = room(m), y = room(m);
      for (let i = 0; i < k; i++) x.set(i, 0.1);
      for (let i = 0; i < w.count; i++) w.set(i, 1);
      memory.fill(b.at, 0, m << 2);
      denseForward(x.at, w.at, b.at, y.at, 1, m, k, m, 1, 1);
      const sum = expected(m, <f64>k * <f64><f32>0.1);
      near(y, sum, sum, 5e-6);
    }
  });

  it("maps the weights through two slopes", () => {
    for (let a = 0; a < slopes.length; a++) for (let b = 0; b < tails.length; b++) for (let m = 1; m <= 9; m++) {
      const k = tails[b], p = slopes[a][0], q = slopes[a][1];
      begin(`p ${p}, q ${q}, m ${m}, k ${k}`);
      forward(inputs(5, k), inputs(m, k), quarters(m), 5, m, k, p, q);
    }
  });

  it("is the bias without inputs, and nothing without rows or outputs", () => {
    for (let n = 0; n <= 4; n++) for (let m = 0; m <= 6; m++) {
      begin(`n ${n}, m ${m}, k 0`);
      forward(quarters(0), quarters(0), quarters(m), n, m, 0, 1, 1);
    }
  });

  it("keeps NaN and infinity in their own row and column", () => {
    const bad: f64[] = [NaN, Infinity, -Infinity];
    for (let v = 0; v < bad.length; v++) for (let a = 0; a < slopes.length; a++) for (let at = 0; at < 7; at++) {
      const n = 4, m = 5, k = 7;
      begin(`${bad[v]} at ${at}, slopes ${a}`);
      const x = inputs(n, k), w = inputs(m, k);
      x.set(2 * k + at, bad[v]);
      w.set(3 * k + at, bad[v]);
      forward(x.freeze(), w.freeze(), quarters(m), n, m, k, slopes[a][0], slopes[a][1]);
    }
  });
});

describe("denseVjp", () => {
  it("sums over m for every tail of m and k", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++) for (let n = 1; n <= 4; n++) {
      const m = tails[a], k = tails[b];
      begin(`n ${n}, m ${m}, k ${k}`);
      vjp(inputs(n, m), inputs(m, k), n, m, k, 1, 1);
    }
  });

  it("maps the weights through two slopes", () => {
    for (let a = 0; a < slopes.length; a++) for (let b = 0; b < tails.length; b++) {
      const k = tails[b], p = slopes[a][0], q = slopes[a][1];
      begin(`p ${p}, q ${q}, k ${k}`);
      vjp(inputs(2, 3), inputs(3, k), 2, 3, k, p, q);
    }
  });

  it("is the same on both sides of its blocks of 2048 columns", () => {
    const ks: i32[] = [2047, 2048, 2049, 2051, 4096, 4099];
    for (let a = 0; a < ks.length; a++) for (let b = 0; b < 2; b++) {
      begin(`k ${ks[a]}, slopes ${b}`);
      vjp(inputs(2, 3), inputs(3, ks[a]), 2, 3, ks[a], slopes[b][0], slopes[b][1]);
    }
  });

  it("sums over many neurons, of which few to all have relevance", () => {
    for (let oneIn = 1; oneIn <= 9; oneIn += 4) for (let m = 30; m <= 41; m++) for (let n = 1; n <= 3; n++) {
      begin(`n ${n}, m ${m}, one in ${oneIn}`);
      const s = room(n * m);
      for (let i = 0; i < s.count; i++) s.set(i, integer(1, oneIn) == 1 ? <f64>integer(1, 8) / 4 : 0);
      vjp(s.freeze(), inputs(m, 11), n, m, 11, 1, n == 2 ? 0 : 1);
    }
  });

  it("sums in two stages over more neurons than 1024", () => {
    const ms: i32[] = [1024, 1025, 1033, 2048, 3079];
    for (let a = 0; a < ms.length; a++) for (let b = 0; b < 2; b++) {
      begin(`m ${ms[a]}, slopes ${b}`);
      vjp(inputs(2, ms[a]), inputs(ms[a], 7), 2, ms[a], 7, slopes[b][0], slopes[b][1]);
    }
    begin("few of many");
    const few = room(1500);
    for (let i = 0; i < 1500; i++) few.set(i, i % 700 == 3 ? 0.5 : 0);
    vjp(few.freeze(), inputs(1500, 7), 1, 1500, 7, 1, 1);
  });

  it("adds a large bias once", () => {
    // Begun at the bias, every block of 1024 would be rounded to what 1e6 can hold, a sixteenth.
    for (let m = 1; m <= 5; m += 4) {
      begin(`m ${m}`);
      const k = 8192, x = room(k), w = room(m * k), b = room(m), y = room(m);
      for (let i = 0; i < k; i++) x.set(i, 0.001);
      for (let i = 0; i < w.count; i++) w.set(i, 0.01);
      for (let i = 0; i < m; i++) b.set(i, 1e6);
      denseForward(x.at, w.at, b.at, y.at, 1, m, k, m, 1, 1);
      const size = expected(m, 1e6);
      near(y, expected(m, 1e6 + <f64>k * <f64><f32>0.001 * <f64><f32>0.01), size, 7e-8);
    }
  });

  it("loses no digits in sums over many neurons", () => {
    // One after the other, 8192 times a tenth would be off by a ten-thousandth.
    begin("a tenth, again and again");
    const m = 8192, k = 5, s = room(m), w = room(m * k), y = room(k);
    for (let i = 0; i < m; i++) s.set(i, 0.1);
    for (let i = 0; i < w.count; i++) w.set(i, 1);
    denseVjp(s.at, w.at, y.at, sums(1, m, k).at, 1, m, k, k, 1, 1);
    const sum = expected(k, <f64>m * <f64><f32>0.1);
    near(y, sum, sum, 2e-6);
  });

  it("does not read the weights of a neuron without relevance", () => {
    const n = 2, m = 3, k = 7;
    for (let a = 0; a < 2; a++) {
      begin(`slopes ${a}`);
      const s = list([1, 0, -2, 0.5, -0.0, 3]), w = inputs(m, k);
      for (let j = 0; j < k; j++) w.set(k + j, NaN);
      vjp(s, w.freeze(), n, m, k, slopes[a][0], slopes[a][1]);
    }
  });

  it("gives zeros without outputs", () => {
    begin("m 0");
    vjp(quarters(0), quarters(0), 3, 0, 5, 1, 1);
  });

  it("is the adjoint: ⟨forward(x), s⟩ = ⟨x, vjp(s)⟩", () => {
    for (let a = 0; a < slopes.length; a++) {
      const n = 3, m = 7, k = 11, p = <f32>slopes[a][0], q = <f32>slopes[a][1];
      begin(`slopes ${a}`);
      const x = inputs(n, k), w = inputs(m, k), s = inputs(n, m), y = room(n * m), back = room(n * k);
      const none = room(m);
      memory.fill(none.at, 0, m << 2);
      denseForward(x.at, w.at, none.freeze().at, y.at, n, m, k, m, p, q);
      denseVjp(s.at, w.at, back.at, sums(n, m, k).at, n, m, k, k, p, q);
      let left: f64 = 0, right: f64 = 0;
      for (let i = 0; i < n * m; i++) left += y.get(i) * s.get(i);
      for (let i = 0; i < n * k; i++) right += x.get(i) * back.get(i);
      number(left, right, 0, "inner product");
    }
  });
});
