import { packedForward, packedVjp } from "../packed";
import { Block, begin, expected, integer, quarters, room, same, tails } from "./support";

/** Weights of few bits, with their scales and zero points, and what they stand for. */
class Weights {
  w: Block;
  scales: Block;
  zeros: Block;
  floats: Float64Array;

  constructor(m: i32, k: i32, public block: i32, public bits: i32) {
    const blocks = (k + block - 1) / block, row = bits == 8 ? k : (k + 1) >> 1;
    this.w = room((m * row + 3) >> 2);
    this.scales = room(m * blocks);
    this.zeros = room(m * blocks);
    this.floats = new Float64Array(m * k);
    memory.fill(this.w.at, 0, this.w.count << 2);
    const low = bits == 8 ? -128 : 0, high = bits == 8 ? 127 : 15;
    for (let i = 0; i < m * blocks; i++) {
      this.scales.set(i, 1 / <f64>(1 << integer(4, 7)));
      this.zeros.set(i, <f64>integer(low, high));
    }
    for (let o = 0; o < m; o++) for (let i = 0; i < k; i++) {
      const q = integer(low, high), g = o * blocks + i / block;
      const at = this.w.at + o * row + (bits == 8 ? i : i >> 1);
      if (bits == 8) store<i8>(at, <i8>q);
      else store<u8>(at, load<u8>(at) | <u8>(q << ((i & 1) << 2)));
      this.floats[o * k + i] = (<f64>q - this.zeros.get(g)) * this.scales.get(g);
    }
    this.w.freeze();
    this.scales.freeze();
    this.zeros.freeze();
  }

  get(i: i32, p: f64, q: f64): f64 {
    const v = this.floats[i];
    return p * max<f64>(v, 0) + q * min<f64>(v, 0);
  }
}

function forward(n: i32, m: i32, k: i32, block: i32, bits: i32, p: f64, q: f64): void {
  begin(`n ${n}, m ${m}, k ${k}, blocks of ${block}, ${bits} bits, slopes ${p} ${q}`);
  const x = quarters(n * k), w = new Weights(m, k, block, bits), b = quarters(m), y = room(n * m), scratch = room(4 * k);
  packedForward(x.at, w.w.at, w.scales.at, w.zeros.at, b.at, y.at, scratch.at, n, m, k, m, block, bits, <f32>p, <f32>q);
  const want = expected(n * m);
  for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) {
    want[i * m + o] = b.get(o);
    for (let j = 0; j < k; j++) want[i * m + o] += x.get(i * k + j) * w.get(o * k + j, p, q);
  }
  same(y, want);
}

/** Some of the neurons have no relevance. @param half columns of a first call; a second one has the others */
function vjp(n: i32, m: i32, k: i32, half: i32, block: i32, bits: i32, p: f64, q: f64): void {
  begin(`n ${n}, m ${m}, k ${k}, blocks of ${block}, ${bits} bits, slopes ${p} ${q}`);
  const s = room(n * m), w = new Weights(m, k, block, bits), y = room(n * k);
  for (let i = 0; i < n * m; i++) s.set(i, integer(1, 3) == 1 ? 0 : <f64>integer(-4, 4) / 4);
  s.freeze();
  const scratch = room((32 + n) * min(2048, k) + n * 32);
  packedVjp(s.at, w.w.at, w.scales.at, w.zeros.at, y.at, scratch.at, n, m, k, 0, half, block, bits, <f32>p, <f32>q);
  packedVjp(s.at, w.w.at, w.scales.at, w.zeros.at, y.at + (half << 2), scratch.at, n, m, k, half, k - half, block, bits,
    <f32>p, <f32>q);
  const want = expected(n * k);
  for (let i = 0; i < n; i++) for (let o = 0; o < m; o++) for (let j = 0; j < k; j++)
    want[i * k + j] += s.get(i * m + o) * w.get(o * k + j, p, q);
  same(y, want);
}

const slopes: f64[][] = [[1, 1], [1, 0], [0, 1], [1, -1], [1.25, 1]];

describe("packedForward", () => {
  it("sums over k for every tail of m and k, of 8 and of 4 bits", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++) for (let bits = 4; bits <= 8; bits += 4)
      forward(1 + (a + b) % 4, tails[a], tails[b], tails[b], bits, 1, 1);
  });

  it("has a scale and a zero point for each block of a row", () => {
    for (let k = 1; k <= 70; k += 3) for (let block = 2; block <= 32; block *= 2)
      for (let bits = 4; bits <= 8; bits += 4) forward(2, 5, k, block, bits, 1, 1);
  });

  it("maps the weights through two slopes", () => {
    for (let a = 0; a < slopes.length; a++) for (let b = 0; b < tails.length; b++)
      forward(3, 6, tails[b], 16, a % 2 == 0 ? 8 : 4, slopes[a][0], slopes[a][1]);
  });

  it("is the bias without inputs", () => {
    for (let m = 0; m <= 5; m++) forward(2, m, 0, 1, 8, 1, 1);
  });
});

describe("packedVjp", () => {
  it("sums over m for every tail of m and k, of 8 and of 4 bits", () => {
    for (let a = 0; a < tails.length; a++) for (let b = 0; b < tails.length; b++) for (let bits = 4; bits <= 8; bits += 4)
      vjp(1 + (a + b) % 3, tails[a], tails[b], tails[b] / 4 * 2, tails[b], bits, 1, 1);
  });

  it("takes any columns of blocks", () => {
    for (let k = 6; k <= 70; k += 7) for (let block = 2; block <= 32; block *= 4) for (let bits = 4; bits <= 8; bits += 4)
      vjp(2, 5, k, 5, block, bits, 1, 1);
  });

  it("maps the weights through two slopes", () => {
    for (let a = 0; a < slopes.length; a++) vjp(2, 40, 37, 16, 16, a % 2 == 0 ? 8 : 4, slopes[a][0], slopes[a][1]);
  });

  it("goes on from rows to rows, and from columns to columns", () => {
    for (let m = 31; m <= 100; m += 23) vjp(2, m, 9, 4, 9, 8, 1, 1);
    const ks: i32[] = [2047, 2049, 4100];
    for (let a = 0; a < ks.length; a++) vjp(2, 3, ks[a], 16, 64, 4, 1, 1);
  });

  it("passes nothing on without relevance", () => {
    begin("no relevance");
    const s = room(4), w = new Weights(4, 5, 5, 8), y = room(5), scratch = room(33 * 5 + 32);
    memory.fill(s.at, 0, 16);
    packedVjp(s.freeze().at, w.w.at, w.scales.at, w.zeros.at, y.at, scratch.at, 1, 4, 5, 0, 5, 5, 8, 1, 1);
    same(y, expected(5));
  });
});
