import { describe, expect, test } from "vitest";
import type { Composite } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { chain } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { softmax } from "../reference/layers.ts";
import { expectLayer } from "./check.ts";

/**
 * What the standard says of axis and opset: over `length` numbers that lie `inner` apart. Before opset 13 all axes from
 * `axis` on are one.
 */
const cases: readonly { dims: number[]; axis?: number; opset: number; length: number; inner: number }[] = [
  { dims: [3, 7], opset: 13, length: 7, inner: 1 },
  { dims: [3, 7], axis: 1, opset: 17, length: 7, inner: 1 },
  { dims: [2, 5, 3, 7], axis: 1, opset: 13, length: 5, inner: 21 },
  { dims: [2, 5, 3, 7], axis: -2, opset: 13, length: 3, inner: 7 },
  { dims: [2, 5, 3, 7], opset: 13, length: 7, inner: 1 },
  { dims: [2, 5, 3, 7], opset: 11, length: 105, inner: 1 },
  { dims: [2, 5, 3, 7], axis: 2, opset: 11, length: 21, inner: 1 },
  { dims: [2, 1000, 1, 1], axis: 1, opset: 9, length: 1000, inner: 1 },
];

describe("softmax", () => {
  test.each(cases)("$dims, axis $axis, opset $opset", async ({ dims, axis, opset, length, inner }) => {
    const attributes: Record<string, number> = axis === undefined ? {} : { axis };
    const file = (type: string) => chain(["n", ...dims.slice(1)], [{ type, attributes }], opset);
    const x = tensor(dims, 11, -3, 3);
    await expectLayer(
      file("Softmax"),
      x,
      { dims, forward: (v) => softmax(v, length, inner) },
      { differentiable: false },
    );
    await expectLayer(
      file("LogSoftmax"),
      x,
      { dims, forward: (v) => softmax(v, length, inner).map(Math.log) },
      { differentiable: false },
    );
  });

  test.each(cases)(
    "passes relevance: $dims, axis $axis, opset $opset",
    async ({ dims, axis, opset, length, inner }) => {
      const attributes: Record<string, number> = axis === undefined ? {} : { axis };
      const x = tensor(dims, 11, -3, 3);
      const r = numbers(x.data.length, 5);
      const p = softmax(x.data as Float32Array, length, inner);
      /** Σ over the group of number i. */
      const sumAt = (values: ArrayLike<number>, i: number) => {
        const first = i - (Math.floor(i / inner) % length) * inner;
        return Array.from({ length }, (_, j) => values[first + j * inner]).reduce((a, b) => a + b, 0);
      };
      const log = Float64Array.from(p, Math.log);
      const s = Float64Array.from(r, (v, i) => v / log[i]);
      const pr = Float64Array.from(r, (v, i) => v * p[i]);
      const expected = {
        Softmax: {
          taylor: Array.from(r, (v, i) => x.data[i] * (v - p[i] * sumAt(r, i))),
          gradient: Array.from(r, (v, i) => p[i] * (v - sumAt(pr, i))),
        },
        LogSoftmax: {
          taylor: Array.from(s, (v, i) => x.data[i] * (v - p[i] * sumAt(s, i))),
          gradient: Array.from(r, (v, i) => v - p[i] * sumAt(r, i)),
        },
      };
      for (const type of ["Softmax", "LogSoftmax"] as const) {
        // A layer behind it, or it would be left out at the end.
        using model = await loadInMode(chain(["n", ...dims.slice(1)], [{ type, attributes }, { type: "Relu" }], opset));
        for (const mode of ["taylor", "gradient"] as const) {
          const rule =
            mode === "taylor" ? ({ kind: "own", name: mode, mode } as const) : ({ kind: mode, name: mode } as const);
          const composite: Composite = [{ type: "softmax", rule }, { rule: { kind: "pass", name: "pass" } }];
          const { relevance, ledger } = explainFrom(model, x, r, { composite });
          expectClose(relevance.data, expected[type][mode], 1e-5);
          const row = ledger.find((found) => found.type === type)!;
          expect(Math.abs(row.gap)).toBeLessThan(1e-5 * row.magnitude);
          expect([row.softmax !== 0, row.other !== 0]).toEqual([mode === "taylor", mode === "gradient"]);
        }
      }
    },
  );

  test("large numbers do not overflow", async () => {
    const data = numbers(10, 3, -500, 500).map((v, i) => v + (i < 5 ? 3000 : -3000));
    const forward = (v: ArrayLike<number>) => softmax(v, 5, 1);
    await expectLayer(
      chain(["n", 5], [{ type: "Softmax" }]),
      { dims: [2, 5], data },
      { dims: [2, 5], forward },
      { differentiable: false },
    );
  });
});
