import { describe, expect, it } from "vitest";
import { load } from "../../src/entries/index.ts";
import { dataFile, hasData, photo } from "../data.ts";

/** Top classes, and how probable they are of the same files as Pillow prepares them: libjpeg-turbo's pixels, bilinear. */
const known = [
  ["cat.jpg", 281, 0.4346],
  ["bridge.jpg", 839, 0.8457],
  ["coyote.jpg", 272, 0.5103],
  ["flamingo.jpg", 130, 1.0],
  ["chelsea.png", 285, 0.4938],
  ["coffee.png", 967, 0.9014],
  ["rocket.jpg", 657, 0.3056],
  ["torch.jpg", 644, 0.671],
  ["grace_hopper.jpg", 834, 0.3959],
] as const;

describe.runIf(hasData)("GoogLeNet", () => {
  it("names what is on the nine photos", async () => {
    const model = await load(dataFile("models/bvlc_googlenet/bvlc_googlenet.onnx"));
    for (const [name, index, probability] of known) {
      const { data } = model.predict(photo(name, "caffe", model.inputs[0].dims)).output;
      expect(data.indexOf(Math.max(...data)), name).toBe(index);
      expect(data[index], name).toBeCloseTo(probability, 3);
    }
    model.dispose();
  });

  it("explains the flamingo, and every node's account closes", async () => {
    const model = await load(dataFile("models/bvlc_googlenet/bvlc_googlenet.onnx"));
    const e = model.explain(photo("flamingo.jpg", "caffe", model.inputs[0].dims));
    expect(e.targets[0][0].index).toBe(130);
    expect(e.output.data[130].toFixed(2)).toBe("1.00");
    const largest = Math.max(...e.ledger.map((row) => row.magnitude));
    for (const row of e.ledger) expect(Math.abs(row.gap), row.node).toBeLessThanOrEqual(1e-5 * largest);
    const bias = e.ledger.reduce((sum, row) => sum + row.bias + row.stabilizer + row.dead + row.other + row.gap, 0);
    const total = e.relevance.data.reduce((sum, v) => sum + v, 0);
    expect(Math.abs(total + bias - e.targets[0][0].score)).toBeLessThan(1e-4);
    expect(e.rules.filter((r) => r.rule === "taylor")).toHaveLength(2);
    model.dispose();
  });
});
