import { describe, expect, test } from "vitest";
import { expectClose, total } from "../close.ts";
import { dataFile, dataFloats, hasData } from "../data.ts";
import { golden } from "../golden/read.ts";
import { loadInMode } from "../modes.ts";

/*
 * A trained vision transformer, both as newer files have it and with its LayerNormalization and GELU spelled out, against
 * AttnLRP and CP-LRP in double precision in the limit ε → 0, sample by sample.
 */

interface Case {
  readonly relevance: readonly number[];
  readonly values: Readonly<Record<string, readonly number[]>>;
}
const { targets, cases }: { targets: readonly number[]; cases: Record<string, Case> } =
  golden("attnlrp_vit_tiny_mnist");

describe.runIf(hasData)("a vision transformer", () => {
  test.each([13, 17].flatMap((opset) => ["attnLrp", "cpLrp"].map((composite) => ({ opset, composite }))))(
    "opset $opset, $composite",
    async ({ opset, composite }) => {
      const folder = "models/vit_tiny_mnist";
      const all = dataFloats(`${folder}/ref_input_16x1x28x28.f32`);
      const { relevance, values } = cases[composite];
      using model = await loadInMode(dataFile(`${folder}/vit_tiny_mnist_opset${opset}.onnx`));
      for (const [i, target] of targets.entries()) {
        const part = (numbers: readonly number[]) => {
          const count = numbers.length / targets.length;
          return numbers.slice(i * count, (i + 1) * count);
        };
        const x = { dims: [1, 1, 28, 28], data: all.subarray(784 * i, 784 * (i + 1)) };
        const e = model.explain(x, { composite, target, at: Object.keys(values) });
        expectClose(e.relevance.data, part(relevance), 2e-6);
        for (const [name, numbers] of Object.entries(values)) expectClose(e.at[name].data, part(numbers), 2e-6);
        const types = e.rules.map(({ type }) => type);
        expect(types.filter((type) => type === "DotProductAttention").length).toBe(3);
        expect(types.filter((type) => type === "LayerNormalization").length).toBe(7);
        const taken = e.ledger.reduce((sum, row) => sum + row.received - row.passed, 0);
        expect(Math.abs(e.targets[0][0].score - total(e.relevance.data) - taken)).toBeLessThan(1e-4);
        expect(e.stability.verdict).toBe("stable");
      }
    },
  );
});
