import { winogradForward } from "../winograd";
import { begin, Block, expected, intact, near, room, spread } from "./support";

/** The rows of G, for weights from the definition. */
const G: f64[] = [0.25, 0, 0, -1 / 6.0, -1 / 6.0, -1 / 6.0, -1 / 6.0, 1 / 6.0, -1 / 6.0, 1 / 24.0, 1 / 12.0, 1 / 6.0, 1 / 24.0, -1 / 12.0, 1 / 6.0, 0, 0, 1];

function panels(m: i32): i32 { return (m + 7) / 8; }

/** (G w Gᵀ)[r, s] of every output and input, in panels of 8 outputs. */
function transformed(w: Block, c: i32, m: i32): Block {
  const packed = room(36 * panels(m) * c * 8);
  memory.fill(packed.at, 0, packed.count << 2);
  for (let o = 0; o < m; o++) for (let i = 0; i < c; i++) for (let r = 0; r < 6; r++) for (let s = 0; s < 6; s++) {
    let sum: f64 = 0;
    for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) sum += G[3 * r + a] * w.get((o * c + i) * 9 + 3 * a + b) * G[3 * s + b];
    packed.set((((6 * r + s) * panels(m) + o / 8) * c + i) * 8 + o % 8, sum);
  }
  return packed.freeze();
}

function check(n: i32, oh: i32, ow: i32, c: i32, m: i32, some: i32): void {
  begin(`${n} images ${oh} x ${ow}, ${c} to ${m}, ${some} tiles together`);
  const height = (oh + 3) / 4 * 4 + 2, width = (ow + 3) / 4 * 4 + 2;
  const x = spread(n * height * width * c, 1), w = spread(m * c * 9, 1), b = spread(m, 1);
  const zeros = room(panels(m) * 8);
  memory.fill(zeros.at, 0, zeros.count << 2);
  zeros.freeze();
  const packed = transformed(w, c, m);
  const y = room(n * oh * ow * m), scratch = room(some * (36 * (c + m) + 2) + 160);
  winogradForward(x.at, packed.at, b.at, zeros.at, y.at, scratch.at, n, oh, ow, c, m, height * width * c, width * c, some);
  // Its rounding goes with the sum of magnitudes, 9 · c at most, not with the result.
  const want = expected(y.count), size = expected(y.count, <f64>(9 * c));
  for (let i = 0; i < n; i++) for (let p = 0; p < oh; p++) for (let q = 0; q < ow; q++) for (let o = 0; o < m; o++) {
    let sum = b.get(o);
    for (let r = 0; r < 3; r++) for (let s = 0; s < 3; s++) for (let j = 0; j < c; j++) {
      sum += x.get(((i * height + p + r) * width + q + s) * c + j) * w.get((o * c + j) * 9 + 3 * r + s);
    }
    want[((i * oh + p) * ow + q) * m + o] = sum;
  }
  near(y, want, size, 1e-6);
  intact(y);
}

describe("winogradForward", () => {
  it("is a 3x3 convolution, for every remainder of a tile", () => {
    for (let oh = 1; oh <= 5; oh++) for (let ow = 1; ow <= 5; ow++) check(1, oh, ow, 4, 4, 6);
  });

  it("for whole and half panels of outputs", () => {
    for (let m = 4; m <= 20; m += 4) check(1, 4, 7, 8, m, 6);
  });

  it("for several images, and more tiles than are worked on together", () => {
    check(3, 9, 5, 4, 8, 6);
    check(2, 13, 11, 12, 16, 12);
    check(1, 25, 17, 4, 4, 18);
  });
});
