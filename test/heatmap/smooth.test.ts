import { describe, expect, test } from "vitest";
import { heatmap } from "../../src/picture/heatmap/heatmap.ts";
import { percentile, smoothed } from "../../src/picture/heatmap/smooth.ts";
import { expectClose } from "../close.ts";
import { dataFile, hasData, photo } from "../data.ts";
import { load } from "../../src/entries/index.ts";
import { numbers } from "../random.ts";

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

describe("a map that is smoothed", () => {
  /** Each number handed out by a table of weights, along columns and along rows. */
  const literal = (data: Float64Array, [h, w]: [number, number], deviation: number) => {
    const g = (d: number) => (Math.abs(d) <= Math.ceil(3 * deviation) ? Math.exp((-d * d) / (2 * deviation ** 2)) : 0);
    const share = (from: number, to: number, length: number) =>
      g(to - from) / sum(Array.from({ length }, (_, k) => g(k - from)));
    return Float64Array.from({ length: h * w }, (_, to) => {
      const [y, x] = [Math.floor(to / w), to % w];
      let total = 0;
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++) total += data[i * w + j] * share(i, y, h) * share(j, x, w);
      return total;
    });
  };

  test.each<[[number, number], number]>([
    [[7, 11], 0.4],
    [[13, 5], 1.7],
    [[1, 9], 2.5],
    [[3, 2], 5],
  ])("is that of the definition, and has the same sum: %j, deviation %s", ([h, w], deviation) => {
    const data = Float64Array.from(numbers(h * w, 3));
    const out = smoothed(data, w, deviation);
    expectClose(out, literal(data, [h, w], deviation), 1e-12);
    expect(sum(out)).toBeCloseTo(sum(data), 10);
  });
});

test("a percentile of what is not 0", () => {
  const data = Float64Array.of(0, -4, 1, 0, 2, 3);
  expect([100, 75, 50, 25, 1].map((p) => percentile(data, p))).toEqual([4, 3, 2, 1, 1]);
  expect(percentile(new Float64Array(3), 50)).toBe(0);
});

describe("what is done unless it is said", () => {
  const map = (side: number) => ({ dims: [1, 1, side, side], data: Float32Array.from(numbers(side * side, 1)) });

  test("from 64 pixels on, 2.5 pixels at 224, and the 99.5th percentile", () => {
    expect(heatmap(map(63))).toMatchObject({ smooth: 0, capped: 0 });
    const { smooth, capped } = heatmap(map(64));
    expect(smooth).toBeCloseTo((2.5 * 64) / 224, 12);
    expect(capped).toBe(Math.floor(0.005 * 64 * 64));
  });

  test("as it is asked for", () => {
    const large = map(64);
    const most = large.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    expect(heatmap(large, { smooth: false, cap: false })).toMatchObject({ smooth: 0, full: most, capped: 0 });
    expect(heatmap(map(9), { smooth: 1, cap: 50 })).toMatchObject({ smooth: 1, capped: 40 });
  });

  test.each([
    [{ smooth: 0 }, /option 'smooth': expected a number of pixels above 0 and up to 9, or false, got 0/],
    [{ smooth: true as never }, /option 'smooth'/],
    [{ cap: 101 }, /option 'cap': expected a percentile above 0 and up to 100, or false, got 101/],
    [{ cap: Number.NaN }, /option 'cap'/],
  ])("refused: %j", (options, says) => {
    expect(() => heatmap(map(9), options)).toThrow(says);
  });
});

describe.runIf(hasData)("the lattice that a strided layer leaves", () => {
  /** Smallest / largest mean of |R| of the pixels at equal places of a grid of P x P, without a margin of 16. */
  const evenness = (data: Float64Array, side: number, period: number) => {
    const [totals, counts] = [new Float64Array(period ** 2), new Float64Array(period ** 2)];
    for (let y = 16; y < side - 16; y++)
      for (let x = 16; x < side - 16; x++) {
        const at = (y % period) * period + (x % period);
        totals[at] += Math.abs(data[y * side + x]);
        counts[at]++;
      }
    const means = Array.from(totals, (t, i) => t / counts[i]);
    return Math.min(...means) / Math.max(...means);
  };

  test.each([
    ["squeezenet_v1.1/squeezenet_v1.1.onnx", "caffe"],
    ["bvlc_googlenet/bvlc_googlenet.onnx", "caffe"],
    ["mobilenet_v1_025_224/mobilenet_v1_025_224.onnx", "mobilenet"],
  ] as const)("is gone: %s", async (file, preset) => {
    using model = await load(dataFile(`models/${file}`));
    const side = model.inputs[0].dims[3] as number;
    const mean = new Float64Array(side ** 2);
    const photos = ["cat.jpg", "flamingo.jpg", "chelsea.png", "coffee.png"];
    for (const name of photos) {
      const { data } = model.explain(photo(name, preset, model.inputs[0].dims)).relevance;
      const map = Float64Array.from(mean, (_, i) => data[i] + data[i + side ** 2] + data[i + 2 * side ** 2]);
      const smooth = smoothed(map, side, (2.5 * side) / 224);
      const total = smooth.reduce((s, v) => s + Math.abs(v), 0);
      for (let i = 0; i < mean.length; i++) mean[i] += Math.abs(smooth[i]) / total;
    }
    expect(evenness(mean, side, 2)).toBeGreaterThan(0.93);
    expect(evenness(mean, side, 4)).toBeGreaterThan(0.93);
    expect(evenness(mean, side, 8)).toBeGreaterThan(0.88);
  });
});
