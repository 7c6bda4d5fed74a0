import { describe, expect, it } from "vitest";
import { conv2d, load, relu, ruleOf, sequential, type Tensor } from "../../src/entries/index.ts";
import { baseEntries, type Composite } from "../../src/rules/composite.ts";
import { chain } from "../onnx-writer.ts";
import { dataFile, hasData, photo, relativeError } from "../data.ts";

/** Numbers between −1 and 1 that are the same in every run. */
function noise(seed: number, ...dims: number[]): Tensor {
  let state = seed;
  const count = dims.reduce((a, b) => a * b);
  return {
    dims,
    data: Float32Array.from({ length: count }, () => {
      state = (state * 16807) % 2147483647;
      return (state / 2147483647) * 2 - 1;
    }),
  };
}

const both = (network: Parameters<typeof load>[0]) =>
  Promise.all([true, false].map((winograd) => load(network, { winograd })));
const usesTiles = (plan: string) => plan.includes("winogradForward");

describe("Winograd's tiles against the direct kernel", () => {
  const shapes = [
    { c: 16, m: 24, size: [13, 17], kernel: 3, pads: 1 },
    { c: 20, m: 16, size: [12, 9], kernel: 3, pads: 0 },
    { c: 16, m: 20, size: [11, 14], kernel: 3, pads: [2, 0, 1, 1] },
    { c: 16, m: 24, size: [13, 17], kernel: 5, pads: 2 },
    { c: 20, m: 16, size: [14, 13], kernel: 5, pads: 0 },
    { c: 16, m: 20, size: [11, 14], kernel: 5, pads: [3, 0, 1, 4] },
  ] as const;
  it.each(shapes)("$c to $m channels at $size, window $kernel, pads $pads", async ({ c, m, size, kernel, pads }) => {
    const [h, w] = size;
    const network = sequential({ input: [c, h, w] }, [
      relu(),
      conv2d({ weight: noise(3, m, c, kernel, kernel), bias: noise(5, m), pads }),
      relu(),
    ]);
    const [tiled, direct] = await both(network);
    const x = noise(7, 2, c, h, w);
    expect(usesTiles(tiled.printPlan(x.dims))).toBe(true);
    expect(usesTiles(direct.printPlan(x.dims))).toBe(false);
    expect(relativeError(tiled.predict(x).output.data, direct.predict(x).output.data)).toBeLessThan(2e-6);
    for (const composite of ["epsilonPlus", "epsilon", "epsilonAlpha2Beta1", "epsilonPlusFlat"]) {
      const [a, b] = [tiled, direct].map((model) => model.explain(x, { composite }).relevance.data);
      expect(relativeError(a, b), composite).toBeLessThan(1e-5);
    }
  });

  it.each([
    { type: "ConvTranspose", x: [2, 16, 13, 17], w: [16, 24, 3, 3], pads: [1, 1, 1, 1] },
    { type: "ConvTranspose", x: [1, 16, 11, 14], w: [16, 20, 5, 5], pads: [2, 0, 1, 3] },
    { type: "Conv", x: [1, 16, 3, 12, 13], w: [20, 16, 3, 3, 3], pads: [1, 1, 1, 1, 1, 1] },
    { type: "ConvTranspose", x: [1, 16, 3, 12, 13], w: [16, 20, 2, 3, 3], pads: [0, 1, 1, 0, 1, 1] },
  ])("$type $x * $w", async ({ type, x: dims, w, pads }) => {
    const m = type === "Conv" ? w[0] : w[1];
    const layer = { type, attributes: { pads }, parameters: [noise(3, ...w), noise(5, m)] };
    const [tiled, direct] = await both(chain(["n", ...dims.slice(1)], [{ type: "Relu" }, layer, { type: "Relu" }]));
    const x = noise(7, ...dims);
    expect(usesTiles(tiled.printPlan(dims).split("ledger")[0])).toBe(true);
    expect(usesTiles(direct.printPlan(dims))).toBe(false);
    expect(relativeError(tiled.predict(x).output.data, direct.predict(x).output.data)).toBeLessThan(2e-6);
    for (const composite of ["epsilonPlus", "epsilon", "epsilonAlpha2Beta1", "epsilonPlusFlat"]) {
      const [a, b] = [tiled, direct].map((model) => model.explain(x, { composite }).relevance.data);
      expect(relativeError(a, b), composite).toBeLessThan(1e-5);
    }
  });

  it.each([
    { kernel: [3, 3], strides: [1, 2], dilations: [1, 1] },
    { kernel: [3, 3], strides: [2, 1], dilations: [1, 1] },
    { kernel: [3, 3], strides: [1, 1], dilations: [1, 2] },
    { kernel: [5, 5], strides: [1, 1], dilations: [2, 1] },
    { kernel: [3, 5], strides: [1, 1], dilations: [1, 1] },
    { kernel: [4, 4], strides: [1, 1], dilations: [1, 1] },
    { kernel: [1, 3], strides: [1, 1], dilations: [1, 1] },
  ] as const)(
    "not for window $kernel, strides $strides, dilations $dilations",
    async ({ kernel, strides, dilations }) => {
      const network = sequential({ input: [16, 16, 17] }, [
        relu(),
        conv2d({ weight: noise(3, 16, 16, ...kernel), strides, dilations }),
        relu(),
      ]);
      const [tiled, direct] = await both(network);
      const x = noise(7, 1, 16, 16, 17);
      expect(usesTiles(tiled.printPlan(x.dims))).toBe(false);
      expect(tiled.predict(x)).toEqual(direct.predict(x));
    },
  );

  it("relevance at nearly dead neurons stays where it was", async () => {
    // One output in seven has a z⁺ that is millions of times smaller than its neighbours', and relevance arrives at it
    // all the same.
    const [c, m, size] = [16, 16, 16];
    const x = noise(11, 1, c, size, size);
    for (let i = 0; i < x.data.length; i++) x.data[i] = i % 7 === 0 ? 3 : 1e-6 * Math.abs(x.data[i]);
    const network = sequential({ input: [c, size, size] }, [
      relu(),
      conv2d({ weight: noise(13, m, c, 3, 3), pads: 1 }),
      relu(),
    ]);
    const composite: Composite = [{ type: "convolution", rule: ruleOf.zPlus() }, ...baseEntries()];
    const target = noise(17, m * size * size).data;
    const [a, b] = (await both(network)).map((model) => model.explain(x, { composite, target }).relevance.data);
    expect(relativeError(a, b)).toBeLessThan(1e-4);
  });

  it.each(["Conv", "ConvTranspose"])("no neuron passes on more than its output: %s", async (type) => {
    // The tile of columns 4 … 7 reads large numbers in 3 and 4; neurons from 6 on see tiny ones alone, whose z⁺ its
    // rounding drowns. For R_j = max(z_j, 0), z⁺ gives input i at most Σ_j x_i w⁺_ij and no less than 0, because z⁺_j
    // is never below z_j.
    const [c, size] = [16, 16];
    const weight = noise(13, c, c, 3, 3);
    const layer = { type, attributes: { pads: [1, 1, 1, 1] }, parameters: [weight] };
    const model = await load(chain(["n", c, size, size], [{ type: "Relu" }, layer, { type: "Relu" }]));
    const x = noise(11, 1, c, size, size);
    x.data.forEach((v, i) => {
      x.data[i] = (i % size < 5 ? 3 : 3e-8) * Math.abs(v);
    });
    expect(usesTiles(model.printPlan(x.dims))).toBe(true);
    const target = x.data.map((_, i) => Number(i % size >= 6));
    const composite: Composite = [{ type: "convolution", rule: ruleOf.zPlus() }, ...baseEntries()];
    const { relevance } = model.explain(x, { composite, target });
    const most = new Float64Array(c);
    weight.data.forEach((w, at) => {
      most[type === "Conv" ? Math.floor(at / 9) % c : Math.floor(at / (9 * c))] += Math.max(w, 0);
    });
    const shares = relevance.data.map((r, i) => r / (x.data[i] * most[Math.floor(i / size ** 2)]));
    expect(Math.max(...shares)).toBeLessThan(1);
    expect(Math.min(...shares)).toBeGreaterThan(-1e-3);
  });

  it.runIf(hasData)("GoogLeNet's explanation of a photo", async () => {
    const [tiled, direct] = await both(dataFile("models/bvlc_googlenet/bvlc_googlenet.onnx") as never);
    const x = photo("cat.jpg", "caffe", [1, 3, 224, 224]);
    for (const composite of ["epsilonPlus", "epsilonAlpha2Beta1"]) {
      const [a, b] = [tiled, direct].map((model) => model.explain(x, { composite }).relevance.data);
      expect(relativeError(a, b), composite).toBeLessThan(1e-4);
    }
  });
});
