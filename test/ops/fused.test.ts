import { describe, expect, it } from "vitest";
import type { ExplainOptions, Tensor } from "../../src/entries/index.ts";
import { expectClose, largest } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { fusedCases, graphsOf } from "./fused-cases.ts";

/*
 * The operators that onnxruntime's optimizers make, against the same written out in ONNX's own.
 */

describe("a fused operator is what it is written out", () => {
  it.each(fusedCases.map((of) => [of.name, of] as const))("%s", async (_, of) => {
    const { fused, plain } = graphsOf(of);
    const opset = of.opset ?? 18;
    const input = Object.fromEntries(of.computed.map((name) => [name, of.inputs[name] as Tensor]));
    using model = await loadInMode(onnx(fused, opset), { batch: false });
    using twin = await loadInMode(onnx(plain, opset), { batch: false });
    const [own, wanted] = [model, twin].map((each) => each.predict(input).outputs);
    for (const [name, { dims, data }] of Object.entries(wanted)) {
      expect(own[name].dims).toEqual(dims);
      expectClose(own[name].data as Float32Array, data as Float32Array, 5e-6);
    }
    // In proportion to the output, so that nothing is divided by what is close to zero.
    const r = numbers(wanted.y0.data.length, 5).map((v, i) => v * Number(wanted.y0.data[i]));
    const options: ExplainOptions = { composite: "attnLrp", output: "y0", target: r, start: "one" };
    const [a, b] = [model, twin].map((each) => each.explain(input, options).inputs);
    const most = Math.max(...Object.values(b).map(({ data }) => largest(data)));
    for (const [name, { data }] of Object.entries(b)) expectClose(a[name].data, data, 5e-6, most);
  });
});
