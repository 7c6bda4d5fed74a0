import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../src/entries/image.ts";
import { load, preprocess } from "../../src/entries/index.ts";
import { dataFile, hasData } from "../data.ts";

const file = (name: string) => new Uint8Array(readFileSync(new URL(`../../demo/${name}`, import.meta.url)));

describe("the demo", () => {
  it.each([
    ["three.png", 3],
    ["seven.png", 7],
  ] as const)("%s is read as %d, and both normalizations are found", async (name, digit) => {
    const model = await load(file("digits.onnx"));
    const e = model.explain(preprocess(decodeImage(file(name), { name }), "unit", model.inputs[0].dims));
    expect(e.targets[0][0].index).toBe(digit);
    expect(e.rules.filter((r) => r.type === "LRN" && r.rule === "taylor")).toHaveLength(2);
    const largest = Math.max(...e.ledger.map((row) => row.magnitude));
    for (const row of e.ledger) expect(Math.abs(row.gap)).toBeLessThanOrEqual(1e-5 * largest);
  });

  it("its normalization is strong: Taylor and identity differ", async () => {
    const model = await load(file("digits.onnx"));
    const input = preprocess(decodeImage(file("three.png")), "unit", model.inputs[0].dims);
    const [taylor, identity] = (["taylor", "identity"] as const).map(
      (lrn) => model.explain(input, { composite: "epsilonPlus", lrn }).relevance.data,
    );
    const difference = Math.max(...taylor.map((v, i) => Math.abs(v - identity[i])));
    expect(difference).toBeGreaterThan(0.1 * Math.max(...identity));
  });

  it.runIf(hasData)("at least 97 % of the digits that it was not trained on", async () => {
    const model = await load(file("digits.onnx"));
    const [first, count] = [8000, 2000];
    const images = dataFile("datasets/mnist/t10k-images-idx3-ubyte.gz").subarray(16 + first * 784);
    const labels = dataFile("datasets/mnist/t10k-labels-idx1-ubyte.gz").subarray(8 + first);
    const batch = 100;
    let right = 0;
    for (let from = 0; from < count; from += batch) {
      const pixels = images.subarray(from * 784, (from + batch) * 784);
      const { data } = model.predict({
        data: Float32Array.from(pixels, (v) => v / 255),
        dims: [batch, 1, 28, 28],
      }).output;
      for (let i = 0; i < batch; i++) {
        const scores = data.subarray(i * 10, (i + 1) * 10);
        if (scores.indexOf(Math.max(...scores)) === labels[from + i]) right++;
      }
    }
    console.log(`digits.onnx: ${((100 * right) / count).toFixed(2)} % of ${count}`);
    expect(right / count).toBeGreaterThanOrEqual(0.97);
  });
});
