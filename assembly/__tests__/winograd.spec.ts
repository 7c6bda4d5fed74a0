import { winogradForward } from "../winograd";
import { begin, Block, expected, intact, near, room, spread, UNTOUCHED } from "./support";

/** w[m, c, taps, taps] in panels of 8 outputs: [ceil(m / 8), taps, taps, c, 8]. */
function panels(w: Block, c: i32, m: i32, area: i32): Block {
  const packed = room((m + 7) / 8 * area * c * 8);
  memory.fill(packed.at, 0, packed.count << 2);
  for (let o = 0; o < m; o++) for (let i = 0; i < c; i++) for (let t = 0; t < area; t++) {
    packed.set(((o / 8 * area + t) * c + i) * 8 + o % 8, w.get((o * c + i) * area + t));
  }
  return packed.freeze();
}

/** `gap` more channels on either side of those that are read, and of those that are written. */
function check(n: i32, oh: i32, ow: i32, c: i32, m: i32, taps: i32, some: i32, gap: i32 = 0): void {
  begin(`${n} images ${oh} x ${ow}, ${c} to ${m}, ${taps}x${taps}, ${some} tiles together, gap ${gap}`);
  const out = 7 - taps;
  const height = (oh + out - 1) / out * out + taps - 1, width = (ow + out - 1) / out * out + taps - 1;
  const xPixel = c + 2 * gap, yPixel = m + 2 * gap;
  const x = spread(n * height * width * xPixel, 1), w = spread(m * c * taps * taps, 1), b = spread((m + 7) / 8 * 8, 1);
  const zeros = room(8);
  memory.fill(zeros.at, 0, zeros.count << 2);
  zeros.freeze();
  const packed = panels(w, c, m, taps * taps);
  const y = room(n * oh * ow * yPixel), scratch = room(some * (36 * (c + 8) + 2) + 36 * 8 * c + 1896);
  winogradForward(
    x.at + (gap << 2), packed.at, b.at, zeros.at, y.at + (gap << 2), scratch.at,
    n, oh, ow, c, m, taps, height * width * xPixel, width * xPixel, xPixel, yPixel, some,
  );
  // Its rounding goes with the sum of magnitudes, taps² · c at most, not with the result.
  const want = expected(y.count, UNTOUCHED), size = expected(y.count, <f64>(taps * taps * c));
  for (let i = 0; i < n; i++) for (let p = 0; p < oh; p++) for (let q = 0; q < ow; q++) for (let o = 0; o < m; o++) {
    let sum = b.get(o);
    for (let r = 0; r < taps; r++) for (let s = 0; s < taps; s++) for (let j = 0; j < c; j++) {
      sum += x.get(((i * height + p + r) * width + q + s) * xPixel + gap + j) * w.get(((o * c + j) * taps + r) * taps +
      s);
    }
    want[((i * oh + p) * ow + q) * yPixel + gap + o] = sum;
  }
  near(y, want, size, 1e-6);
  intact(y);
}

/** The sizes of windows. */
const TAPS: i32[] = [3, 5];

describe("winogradForward", () => {
  it("is a convolution, for every remainder of a tile", () => {
    for (let i = 0; i < 2; i++) {
      for (let oh = 1; oh <= 5; oh++) for (let ow = 1; ow <= 5; ow++) check(1, oh, ow, 4, 4, TAPS[i], 6);
    }
  });

  it("for whole and half panels of outputs", () => {
    for (let i = 0; i < 2; i++) for (let m = 4; m <= 20; m += 4) check(1, 4, 7, 8, m, TAPS[i], 6);
  });

  it("for some of the channels of an image", () => {
    for (let i = 0; i < 2; i++) check(2, 6, 5, 4, 12, TAPS[i], 6, 4);
  });

  it("for several images, and more tiles than are worked on together", () => {
    for (let i = 0; i < 2; i++) {
      check(3, 9, 5, 4, 8, TAPS[i], 6);
      check(2, 13, 11, 12, 16, TAPS[i], 12);
      check(1, 25, 17, 4, 4, TAPS[i], 18);
    }
  });
});
