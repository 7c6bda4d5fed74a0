import { describe, expect, it } from "vitest";
// @ts-expect-error The studies are plain JavaScript.
import { ratioOf } from "../../docs/studies/lrn/analysis.mjs";
// @ts-expect-error
import { againstPaper } from "../../docs/studies/lrn/claims.mjs";
// @ts-expect-error
import { numbersIn, observed, withStrength } from "../../docs/studies/lrn/lrn-file.mjs";
// @ts-expect-error
import { CIFAR } from "../../docs/studies/lrn/networks.mjs";
import { dataFile, dataFloats, hasData } from "../data.ts";

describe("sentences of the LRN study", () => {
  const row = (value: number, low: number, high: number, holm: number) => ({
    key: "cifar10_full",
    symbol: "ε = 0.01",
    ratio: { value, low, high },
    holm,
    paperRatio: 0.956,
  });

  it(
    "claim a direction only where interval and test both show it, and the paper's size only inside the " + "interval",
    () => {
      expect(againstPaper(row(0.96, 0.95, 0.97, 0.01))).toMatch(/reproduced in direction\*\*; the interval contains/);
      expect(againstPaper(row(0.96, 0.95, 0.97, 0.06))).toMatch(/no difference shown\)\*\*; the interval contains/);
      expect(againstPaper(row(0.99, 0.97, 1.01, 0.01))).toMatch(
        /no difference shown\)\*\*; the interval does not contain/,
      );
      expect(againstPaper(row(1.05, 1.02, 1.08, 0.01))).toMatch(
        /the other direction\)\*\*; the interval does not contain/,
      );
    },
  );

  it("a ratio is of means, not a mean of ratios", () => {
    expect(ratioOf([1, 9], [2, 2]).value).toBe(2.5);
    expect(ratioOf([1, 9, 3], [1, 9, 3])).toMatchObject({ value: 1, low: 1, high: 1 });
  });
});

describe.skipIf(!hasData)("a network with stronger LRN", () => {
  it("has a / bias ten times as large, and outputs of the same root mean square", async () => {
    const network = CIFAR.alexnet_lrn;
    const bytes = Buffer.from(dataFile("models/alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx"));
    const all = dataFloats("models/alexnet_lrn_cifar10/ref_input_20x3x32x32.f32");
    const inputs = [0, 1, 2].map((n) => ({ data: all.slice(3072 * n, 3072 * (n + 1)), dims: [1, 3, 32, 32] }));
    const changed = await withStrength(bytes, network, 10, inputs);
    const before = numbersIn(bytes, network);
    expect(before.map(({ bias }: { bias: number }) => bias)).toEqual([1, 2]);
    numbersIn(changed, network).forEach(({ a, bias }: { a: number; bias: number }, i: number) => {
      expect(a / bias / (before[i].a / before[i].bias)).toBeCloseTo(10, 4);
    });
    const energy = async (file: Buffer, output: string) => {
      const model = await observed(file, network.layers);
      const squares = inputs.flatMap((input) =>
        Array.from(model.predict(input).outputs[output].data as Float32Array, (y) => y * y),
      );
      model.dispose();
      return squares.reduce((a, b) => a + b);
    };
    for (const { output } of network.layers)
      expect((await energy(changed, output)) / (await energy(bytes, output))).toBeCloseTo(1, 3);
  });
});
