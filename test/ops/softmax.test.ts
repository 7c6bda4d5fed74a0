import { describe, test } from "vitest";

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
