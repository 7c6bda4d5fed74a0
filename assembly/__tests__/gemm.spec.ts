import { gemmForward, gemmVjp } from "../gemm";
import { Block, begin, expected, near, number, quarters, room, same, tails } from "./support";

function f(v: f64, p: f64, q: f64): f64 { return p * max<f64>(v, 0) + q * min<f64>(v, 0); }

/** What both kernels need beside: a table of rows, a bias, and so many columns of so many terms. */
function scratchFor(n: i32, columns: i32, terms: i32): usize {
  return room(2 * ((n + 5) / 6 * 6) + 8 + columns * min(terms, 1024)).at;
}

/** In two calls, as threads make them. */
function forward(n: i32, m: i32, k: i32, p: f64, q: f64): void {
  begin(`n ${n}, m ${m}, k ${k}, p ${p}, q ${q}`);
  const x = quarters(n * k), w = quarters(m * k), b = quarters(m), y = room(n * m), scratch = scratchFor(n, 8, k);
  const half = n > 0 ? m / 16 * 8 : 0;
  gemmForward(x.at, w.at, b.at, y.at, scratch, n, half, k, m, <f32>p, <f32>q);
  gemmForward(x.at, w.at + (half * k << 2), b.at + (half << 2), y.at + (half << 2), scratch, n, m - half, k, m, <f32>p,
    <f32>q);
  const want = expected(n * m);
  for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) {
    want[i * m + o] = b.get(o);
    for (let j = 0; j < k; j++) want[i * m + o] += x.get(i * k + j) * f(w.get(o * k + j), p, q);
  }
  same(y, want);
}

function vjp(n: i32, m: i32, k: i32, p: f64, q: f64): void {
  begin(`n ${n}, m ${m}, k ${k}, p ${p}, q ${q}`);
  const s = quarters(n * m), w = quarters(m * k), y = room(n * k), scratch = scratchFor(n, 32, m);
  const half = n > 0 ? k / 16 * 8 : 0;
  gemmVjp(s.at, w.at, y.at, scratch, n, m, k, half, <f32>p, <f32>q);
  gemmVjp(s.at, w.at + (half << 2), y.at + (half << 2), scratch, n, m, k, k - half, <f32>p, <f32>q);
  const want = expected(n * k);
  for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) for (let j = 0; j < k; j++) {
    want[i * k + j] += s.get(i * m + o) * f(w.get(o * k + j), p, q);
  }
  same(y, want);
}

/** p, q: the weights as they are, W⁺, W⁻, γ's two, none, and a mirror image. */
const slopes: f64[][] = [[1, 1], [1, 0], [0, 1], [1.25, 1], [1, 1.25], [0, 0], [-1, 0.5]];
const rows: i32[] = [0, 1, 5, 6, 7, 13];

describe("gemmForward", () => {
  it("sums over k for every tail of n, m and k", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++) for (let i = 0; i < rows.length; i++) {
      forward(rows[i], tails[a], tails[b], 1, 1);
    }
  });

  it("maps the weights through two slopes", () => {
    for (let a = 0; a < slopes.length; a++) for (let m = 1; m <= 17; m++) forward(7, m, m + 2, slopes[a][0], slopes[a][1]);
  });

  it("carries sums from part to part of 256 terms", () => {
    const ks: i32[] = [255, 256, 257, 512, 1030, 2051];
    for (let a = 0; a < ks.length; a++) for (let m = 1; m <= 9; m++) forward(7, m, ks[a], 1, m % 2);
  });

  it("gives rows fewer terms at once where they are many", () => {
    forward(300, 3, 515, 1, 1);
  });

  it("loses no digits in long sums", () => {
    begin("a tenth, again and again");
    const n = 2, m = 3, k = 32768, x = room(n * k), w = room(m * k), b = room(m), y = room(n * m);
    for (let i = 0; i < x.count; i++) x.set(i, 0.1);
    for (let i = 0; i < w.count; i++) w.set(i, 1);
    memory.fill(b.at, 0, m << 2);
    gemmForward(x.at, w.at, b.at, y.at, scratchFor(n, 8, k), n, m, k, m, 1, 1);
    const sum = expected(n * m, <f64>k * <f64><f32>0.1);
    near(y, sum, sum, 5e-6);
  });

  it("keeps NaN and infinity in their own row and column", () => {
    const bad: f64[] = [NaN, Infinity, -Infinity], n = 8, m = 10, k = 7;
    for (let v = 0; v < bad.length; v++) for (let at = 0; at < k; at++) {
      begin(`${bad[v]} at ${at}`);
      const x = quarters(n * k), w = quarters(m * k), b = quarters(m), y = room(n * m);
      x.set(2 * k + at, bad[v]);
      w.set(3 * k + at, bad[v]);
      gemmForward(x.at, w.at, b.at, y.at, scratchFor(n, 8, k), n, m, k, m, 1, 1);
      for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) {
        let sum = b.get(o);
        for (let j = 0; j < k; j++) sum += x.get(i * k + j) * w.get(o * k + j);
        number(y.get(i * m + o), sum, 0, `row ${i}, column ${o}`);
      }
    }
  });
});

describe("gemmVjp", () => {
  it("sums over m for every tail of n, m and k", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++) for (let i = 0; i < rows.length; i++) {
      vjp(rows[i], tails[a], tails[b], 1, 1);
    }
  });

  it("maps the weights through two slopes", () => {
    for (let a = 0; a < slopes.length; a++) for (let k = 1; k <= 17; k++) vjp(7, k + 2, k, slopes[a][0], slopes[a][1]);
  });

  it("goes on behind 32 columns", () => {
    for (let k = 31; k <= 75; k++) vjp(7, 5, k, 1, k % 2);
  });

  it("carries sums from part to part of 256 neurons", () => {
    const ms: i32[] = [255, 256, 257, 512, 1030];
    for (let a = 0; a < ms.length; a++) for (let k = 1; k <= 9; k++) vjp(7, ms[a], k, 1, k % 2);
  });

  it("gives rows fewer terms at once where they are many", () => {
    vjp(300, 515, 3, 1, 1);
  });
});
