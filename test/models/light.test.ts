import { describe, expect, it } from "vitest";
import { load } from "../../src/index.ts";
import { buildTensor } from "../onnx-tensor.ts";
import { dataFile, hasData, relativeError } from "../data.ts";

/** Model Zoo graphs with constant weights: they prove shapes and operators. Their input is element i of n = i / n. */
const graphs = ["bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "vgg19", "zfnet512"];

describe.runIf(hasData)("light graphs of the ONNX backend tests", () => {
  it.each(graphs)("%s gives its stored output", async (name) => {
    const model = await load(dataFile(`onnx_backend_tests/light/light_${name}.onnx`));
    const dims = model.inputs[0].dims as number[];
    const count = dims.reduce((a, b) => a * b);
    const { output } = model.predict({ data: Float32Array.from({ length: count }, (_, i) => i / count), dims });
    const stored = buildTensor(dataFile(`onnx_backend_tests/light/light_${name}_output_0.pb`));
    expect(output.dims).toEqual(stored.dims);
    expect(relativeError(output.data, stored.data)).toBeLessThan(1e-5);
    model.dispose();
  });
});
