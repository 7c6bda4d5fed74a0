import { describe, expect, it } from "vitest";
import { load } from "../../src/entries/index.ts";
import { dataFile, dataFloats, dataJson, hasData, relativeError } from "../data.ts";

interface Reference {
  readonly input_shape: number[];
  readonly input: number[];
  readonly logits: number[];
  readonly target: number[];
  readonly relevance: number[];
  readonly relevance_identity: number[];
}

describe.runIf(hasData)("LRN as PyTorch and Caffe spell it out", () => {
  it.each([
    { name: "conv_lrn5_opset13", before: 2, after: 2 },
    // PyTorch's even windows reach further back than ONNX's.
    { name: "conv_lrn4_even_opset13_dynamic_batch", before: 2, after: 1 },
  ])("$name: logits and relevance of an independent implementation", async ({ name, before, after }) => {
    const model = await load(dataFile(`models/pytorch_lrn_export/${name}.onnx`));
    const reference = dataJson<Reference>(`models/pytorch_lrn_export/${name}.json`);
    const input = { data: Float32Array.from(reference.input), dims: reference.input_shape };
    const e = model.explain(input, { composite: "epsilonPlus" });
    expect(e.targets.map(([t]) => t.index)).toEqual(reference.target);
    expect(relativeError(e.output.data, reference.logits)).toBeLessThan(1e-6);
    expect(relativeError(e.relevance.data, reference.relevance)).toBeLessThan(1e-5);
    expect(
      relativeError(
        model.explain(input, { composite: "epsilonPlus", lrn: "identity" }).relevance.data,
        reference.relevance_identity,
      ),
    ).toBeLessThan(1e-5);
    expect(model.inspect().nodes.find((n) => n.type === "LRN")?.note).toContain(`window channels −${before}…+${after}`);
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Conv", "Relu", "LRN", "Flatten", "Gemm"]);
  });

  it("gives the same relevance as the LRN operator itself", async () => {
    const input = { data: dataFloats("models/alexnet_lrn_cifar10/ref_input_20x3x32x32.f32"), dims: [20, 3, 32, 32] };
    const [direct, disguised] = await Promise.all(
      ["alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx", "pytorch_lrn_export/alexnet_lrn_cifar10.torch_export.onnx"].map(
        (path) => load(dataFile(`models/${path}`)),
      ),
    );
    expect(relativeError(disguised.explain(input).relevance.data, direct.explain(input).relevance.data)).toBeLessThan(
      1e-5,
    );
  });

  it("finds Caffe's normalization within a channel", async () => {
    const model = await load(dataFile("models/cifar10_full_caffe/cifar10_full.v1.onnx"));
    const found = model.inspect().nodes.filter((n) => n.type === "LRN");
    expect(found.map((n) => n.note)).toEqual(
      [0, 1].map(
        () => "stands for 6 nodes of the file: window rows and columns −1…+1, a 0.00000555556, beta 0.75, bias 1",
      ),
    );
  });
});
