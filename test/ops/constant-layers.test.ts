import { describe, expect, it } from "vitest";
import { load, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { type Attribute, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

/*
 * Layers whose inputs all are constants, as a recurrent network of convolutions has them at its first step: what is
 * computed while loading is what the layer gives of the same numbers as an input.
 */

type Row = readonly [
  type: string,
  x: readonly number[],
  parameters: readonly (readonly number[])[],
  attributes: Readonly<Record<string, Attribute>>,
];

const rows: readonly Row[] = [
  ["Conv", [2, 3, 7], [[5, 3, 3], [5]], { pads: [1, 0] }],
  ["Conv", [1, 4, 5, 7], [[6, 2, 3, 2], [6]], { group: 2, strides: [2, 1], dilations: [1, 2], pads: [1, 0, 2, 1] }],
  ["Conv", [1, 2, 3, 5], [[3, 2, 11, 1]], { pads: [7, 0, 5, 0], strides: [3, 2] }],
  ["Conv", [1, 2, 3, 4, 5], [[3, 2, 2, 3, 2], [3]], { pads: [0, 1, 1, 1, 0, 0] }],
  ["ConvTranspose", [2, 3, 5], [[3, 2, 4], [2]], { strides: [3], pads: [1, 0] }],
  ["ConvTranspose", [1, 4, 3, 5], [[4, 3, 2, 3], [6]], { group: 2, strides: [2, 1], dilations: [1, 2] }],
  ["Gemm", [3, 5], [[7, 5], [7]], { transB: 1 }],
  ["Gemm", [5, 3], [[5, 7], [3, 1]], { transA: 1, alpha: { float: 0.5 }, beta: { float: -2 } }],
  ["Gemm", [3, 5], [[5, 7]], { alpha: { float: 3 } }],
  ["Softmax", [3, 5, 2], [], { axis: 1 }],
  ["LogSoftmax", [3, 5, 2], [], { axis: -1 }],
];

describe("of constants", () => {
  it.each(rows)("%s of %j", async (type, dims, parameters, attributes) => {
    const x = tensor(dims, 3, -2, 2);
    const initializers = Object.fromEntries(parameters.map((own, i) => [`p${i}`, tensor(own, 5 + i)]));
    const layer = { type, inputs: ["x", ...Object.keys(initializers)], outputs: ["y"], attributes };
    using computed = await load(onnx({ nodes: [layer], initializers, inputs: { x: dims }, outputs: { y: [] } }), {
      batch: false,
    });
    const want = computed.predict(x).output;
    const file = onnx({
      nodes: [layer, { type: "Add", inputs: ["y", "z"], outputs: ["sum"] }],
      initializers: { ...initializers, x },
      inputs: { z: want.dims },
      outputs: { sum: want.dims },
    });
    using model = await load(file, { batch: false });
    const zero: Tensor = { dims: want.dims, data: new Float32Array(want.data.length) };
    const { output } = model.predict(zero);
    expect(output.dims).toEqual(want.dims);
    expectClose(output.data as Float32Array, want.data as Float32Array, 1e-6);
  });

  it("and count as work", async () => {
    const file = onnx({
      nodes: [
        { type: "Conv", inputs: ["x", "w"], outputs: ["y"] },
        { type: "Add", inputs: ["y", "z"], outputs: ["sum"] },
      ],
      initializers: { x: tensor([1, 8, 64, 64], 1), w: tensor([8, 8, 5, 5], 2) },
      inputs: { z: [1] },
      outputs: { sum: [] },
    });
    await expect(load(file, { maxWork: 1e6 })).rejects.toThrow(/'.*' \(Conv\): one sample takes \d+ multiply-adds/);
  });
});
