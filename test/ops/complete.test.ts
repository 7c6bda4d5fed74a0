import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ops } from "../../src/ops/index.ts";

/** The layer of `taylor(…)` is no operator of ONNX; its tests are among the rules, with those of LRN. */
const elsewhere = new Set(["TaylorNeurons", "Cone", "DotProductAttention", "Table", "Rounding"]);

test("every operator of the table has a test here", () => {
  const texts = readdirSync(import.meta.dirname)
    .filter((file) => /(\.test|-cases)\.ts$/.test(file))
    .map((file) => readFileSync(new URL(file, import.meta.url), "utf8"))
    .join("\n");
  expect(
    [...ops.keys()].filter(
      (type) =>
        !elsewhere.has(type) &&
        !new RegExp(`\\b${type.replace(/^(ai\.onnx\.ml|com\.microsoft)\./, "")}\\b`).test(texts),
    ),
  ).toEqual([]);
});
