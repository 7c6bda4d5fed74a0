import { describe, expect, it } from "vitest";
import { load, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { onnx } from "../onnx-writer.ts";
import { fusedCases, graphsOf } from "../ops/fused-cases.ts";
import { graphOf, quantisedCases } from "../ops/quantised-cases.ts";
import { installed, ortOutputs } from "../ort.ts";

/*
 * The operators of com.microsoft, as onnxruntime-web computes them.
 */

describe.runIf(installed)("fused operators", () => {
  it.each(fusedCases.filter(({ peer }) => peer ?? true).map((of) => [of.name, of] as const))("%s", async (_, of) => {
    const bytes = onnx(graphsOf(of).fused, of.opset ?? 18);
    const input = Object.fromEntries(of.computed.map((name) => [name, of.inputs[name] as Tensor]));
    const wanted = await ortOutputs(bytes, input);
    using model = await load(bytes, { batch: false });
    for (const [name, { dims, data }] of Object.entries(model.predict(input).outputs)) {
      expect(dims).toEqual(wanted[name].dims);
      expectClose(data as Float32Array, Array.from<number | bigint, number>(wanted[name].data, Number), 5e-6);
    }
  });
});

describe.runIf(installed)("quantised operators", () => {
  it.each(quantisedCases.filter(({ peer }) => peer ?? true).map((of) => [of.name, of] as const))(
    "%s",
    async (_, of) => {
      const bytes = onnx(graphOf(of), of.opset ?? 18);
      const wanted = await ortOutputs(bytes, of.inputs as Readonly<Record<string, Tensor>>);
      using model = await load(bytes, { batch: false });
      for (const [name, { dims, data, type = "float32" }] of Object.entries(model.predict(of.inputs).outputs)) {
        expect(dims).toEqual(wanted[name].dims);
        const expected = Array.from<number | bigint, number>(wanted[name].data, Number);
        const own = Array.from<number | bigint, number>(data, Number);
        if (type === "float32") {
          expectClose(own, expected, of.tolerance ?? 1e-6);
          continue;
        }
        // Where a number lies close to the middle between two integers, rounding of float32 decides.
        const off = own.map((v, i) => Math.abs(v - expected[i]));
        expect(Math.max(...off)).toBeLessThanOrEqual(1);
        expect(off.filter(Boolean).length).toBeLessThanOrEqual(Math.max(1, own.length / 50));
      }
    },
  );
});
