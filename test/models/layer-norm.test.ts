import { expect, it } from "vitest";
import { load } from "../../src/entries/index.ts";
import { expectClose, magnitude, total } from "../close.ts";
import { dataFile, hasData } from "../data.ts";
import { golden } from "../golden/read.ts";
import { numbersOf } from "../wild/judge.ts";

/*
 * A published network with LayerNormalization spelled out, against relevance in double precision in the limit of ε.
 */

it.skipIf(!hasData)("LayerNormalization in a published network", async () => {
  const { file, target, logits, sum, sumAbs, rows } = golden("layer_norm");
  using model = await load(dataFile(`wild/${file}`));
  const dims = [1, 25, 96];
  const data = Float32Array.from(numbersOf({ type: "float32", dims, seed: 12345, low: 0, high: 1 }));
  const { relevance, targets, rules, ledger } = model.explain(
    { dims, data },
    { composite: "epsilon", epsilon: 1e-9, target },
  );
  expect(rules.filter(({ type }) => type === "LayerNormalization").map(({ rule }) => rule)).toEqual([
    "identity",
    "identity",
  ]);
  expectClose([targets[0][0].score], logits, 1e-6);
  const frame = (i: number) => total(relevance.data.subarray(96 * i, 96 * (i + 1)));
  expectClose(
    rows.map((_: number, i: number) => frame(i)),
    rows,
    2e-5,
  );
  expectClose([total(relevance.data), magnitude(relevance.data)], [sum, sumAbs], 2e-5);
  for (const row of ledger)
    expect(Math.abs(row.gap)).toBeLessThan(2e-6 * row.magnitude * Math.max(1, row.amplification));
});
