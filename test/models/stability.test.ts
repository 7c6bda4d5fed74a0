import { describe, expect, it } from "vitest";
import { load } from "../../src/entries/index.ts";
import { dataFile, hasData, photo } from "../data.ts";
import { tensor } from "../random.ts";

describe.runIf(hasData)("stability of real networks", () => {
  it("sees a detector explode under αβ, though no node amplifies much, and stay whole under the default", async () => {
    using model = await load(dataFile("wild/blazeface_back.onnx"));
    const x = tensor([1, 256, 256, 3], 1, 0, 1);
    const { stability, ledger, notes } = model.explain(x, {
      composite: "epsilonAlpha2Beta1",
      target: { index: [100, 0] },
    });
    expect(Math.max(...ledger.map((row) => row.amplification))).toBeLessThan(30);
    expect(stability.verdict).toBe("amplified");
    expect(stability.peak).toBeGreaterThan(1e9);
    expect(notes[0]).toMatch(/^Warning: this explanation has exploded/);
    expect(model.explain(x, { target: { index: [100, 0] } }).stability.verdict).toBe("stable");
  });

  it("sees MobileNet's biases keep all, which is no alarm", async () => {
    using model = await load(dataFile("models/mobilenet_v1_025_224/mobilenet_v1_025_224.onnx"));
    const x = photo("cat.jpg", "mobilenet", model.inputs[0].dims);
    const { stability, notes } = model.explain(x, { composite: "epsilonPlus" });
    expect(stability.verdict).toBe("absorbed");
    expect(Math.abs(stability.arrived!)).toBeLessThan(1e-6);
    expect(notes.some((note) => note.startsWith("Less than 1 % of the relevance reaches the input"))).toBe(true);
  });
});
