import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { broadcastAt, type Dims, positions } from "../reference/linear.ts";

const [FLOAT, INT32, INT64, BOOL] = [1, 6, 7, 9];

/** Operator, the opset, ONNX's numbers of the types it takes, and what it says. */
const cases: readonly (readonly [string, number, readonly number[], (a: number, b: number) => boolean])[] = [
  ["Equal", 7, [INT32, INT64, BOOL], (a, b) => a === b],
  ["Equal", 19, [FLOAT, INT64, BOOL], (a, b) => a === b],
  ["Greater", 9, [FLOAT, INT32, INT64], (a, b) => a > b],
  ["GreaterOrEqual", 12, [FLOAT, INT64], (a, b) => a >= b],
  ["Less", 13, [FLOAT, INT32, INT64], (a, b) => a < b],
  ["LessOrEqual", 16, [FLOAT, INT64], (a, b) => a <= b],
  ["And", 7, [BOOL], (a, b) => a === 1 && b === 1],
  ["Or", 7, [BOOL], (a, b) => a === 1 || b === 1],
  ["Xor", 7, [BOOL], (a, b) => a !== b],
];

const shapes: readonly (readonly [Dims, Dims, Dims])[] = [
  [
    [2, 3, 5, 7],
    [3, 1, 7],
    [2, 3, 5, 7],
  ],
  [
    [5, 1],
    [2, 3, 1, 7],
    [2, 3, 5, 7],
  ],
  [[13], [], [13]],
  [
    [2, 1, 3, 5, 7],
    [2, 3, 3, 1, 1],
    [2, 3, 3, 5, 7],
  ],
];

/** Few different numbers, so that some are equal. */
const coarse = (dims: Dims, seed: number, type: number): Tensor => {
  const { data } = tensor(dims, seed, 0, type === BOOL ? 2 : 4);
  return { dims, data: data.map((v) => Math.floor(v) - (type === BOOL ? 0 : 2)) };
};
const asFile = ({ dims, data }: Tensor, type: number) => ({
  dims,
  data: type === FLOAT ? data : type === BOOL ? Array.from(data, Boolean) : Array.from(data),
});
const dimsOf = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.fromEntries(Object.entries(tensors).map(([k, t]) => [k, t.dims]));

describe("comparisons and logic", () => {
  test.each(cases)("%s, opset %i", async (type, opset, types, f) => {
    for (const element of types) {
      for (const [left, right, out] of shapes) {
        const [a, b] = [coarse(left, 3, element), coarse(right, 4, element)];
        const data = Uint8Array.from(positions(out), (p) =>
          Number(f(a.data[broadcastAt(left, out, p)], b.data[broadcastAt(right, out, p)])),
        );
        const nodes = [{ type, inputs: ["a", "b"], outputs: ["y"] }];
        // Both computed, one beside a constant, and both constant.
        for (const inputs of [{ a, b }, { a }, { b }, {}] as Record<string, Tensor>[]) {
          if (element === INT32 && Object.keys(inputs).length < 2) continue;
          const constants = Object.entries({ a, b }).filter(([name]) => !(name in inputs));
          const given = Object.keys(inputs).length > 0 ? inputs : { idle: tensor([1], 1) };
          const source = onnx(
            {
              nodes,
              initializers: Object.fromEntries(constants.map(([name, t]) => [name, asFile(t, element)])),
              inputs: dimsOf(given),
              outputs: { y: out },
              types: { a: element, b: element, y: BOOL },
            },
            opset,
          );
          using model = await loadInMode(source);
          expect(model.predict(given).output).toMatchObject({ type: "bool", dims: out, data });
        }
      }
    }
  });

  test("Not", async () => {
    for (const dims of [[], [13], [2, 3, 5, 7]]) {
      const x = coarse(dims, 3, BOOL);
      const nodes = [{ type: "Not", inputs: ["x"], outputs: ["y"] }];
      using model = await loadInMode(
        onnx({ nodes, inputs: { x: dims }, outputs: { y: [] }, types: { x: BOOL, y: BOOL } }),
      );
      expect(model.predict(x).output).toMatchObject({
        type: "bool",
        dims,
        data: Uint8Array.from(x.data, (v) => 1 - v),
      });
    }
  });

  test.each([
    ["And", [FLOAT, FLOAT], "A of type bool, got float32"],
    ["Not", [FLOAT], "X of type bool, got float32"],
    ["Not", [BOOL, BOOL], "at most 1 input (X), got 2"],
    ["Less", [FLOAT, INT64], "B of type float32, as the input before it, got int64"],
    ["Greater", [BOOL, BOOL], "A of a type of numbers, got bool"],
    ["Equal", [INT64], "an input 'B', got none"],
  ])("%s of %s is refused", async (type, types, message) => {
    const names = types.map((_, i) => `x${i}`);
    const source = onnx({
      nodes: [{ type, inputs: names, outputs: ["y"] }],
      inputs: Object.fromEntries(names.map((name) => [name, [3]])),
      outputs: { y: [] },
      types: { ...Object.fromEntries(names.map((name, i) => [name, types[i]])), y: BOOL },
    });
    await expect(loadInMode(source)).rejects.toThrow(`node 'y' (${type}): expected ${message}`);
  });

  test("relevance does not go through what is true or false", async () => {
    const source = onnx({
      nodes: [
        { type: "Greater", inputs: ["x", "zero"], outputs: ["g"] },
        { type: "Cast", inputs: ["g"], outputs: ["y"], attributes: { to: FLOAT } },
      ],
      initializers: { zero: { dims: [], data: Float32Array.of(0) } },
      inputs: { x: [1, 5] },
      outputs: { y: [] },
    });
    using model = await loadInMode(source);
    expect(() => model.explain(tensor([1, 5], 3))).toThrow(
      "node 'g' (Greater): no rule passes relevance through it, since inputs have no shares in a truth value",
    );
  });

  test("and its gradient is 0, so that a mask of the input only scales a gradient", async () => {
    const source = onnx({
      nodes: [
        { type: "Greater", inputs: ["x", "zero"], outputs: ["g"] },
        { type: "Cast", inputs: ["g"], outputs: ["m"], attributes: { to: FLOAT } },
        { type: "Mul", inputs: ["x", "three"], outputs: ["t"] },
        { type: "Mul", inputs: ["t", "m"], outputs: ["y"] },
      ],
      initializers: {
        zero: { dims: [], data: Float32Array.of(0) },
        three: { dims: [5], data: Float32Array.of(1, 2, 3, 4, 5) },
      },
      inputs: { x: [1, 5] },
      outputs: { y: [] },
    });
    using model = await loadInMode(source);
    const x = { dims: [1, 5], data: Float32Array.of(1, -1, 2, -2, 3) };
    const { relevance } = model.explain(x, { composite: "gradient", target: Float32Array.of(1, 1, 1, 1, 1) });
    expect([...relevance.data]).toEqual([1, 0, 3, 0, 5]);
  });

  test.each([
    ["IsInf", ["a"]],
    ["Less", ["a", "x"]],
  ])("an input that only %s reads has the gradient 0", async (type, inputs) => {
    const source = onnx({
      nodes: [
        { type, inputs, outputs: ["g"] },
        { type: "Cast", inputs: ["g"], outputs: ["m"], attributes: { to: FLOAT } },
        { type: "Mul", inputs: ["x", "m"], outputs: ["y"] },
      ],
      inputs: { x: [1, 5], a: [1, 5] },
      outputs: { y: [] },
    });
    using model = await loadInMode(source);
    const [x, a] = [tensor([1, 5], 3, 1, 2), tensor([1, 5], 5, -1, 0)];
    const { inputs: found } = model.explain({ x, a }, { composite: "gradient", target: new Float32Array(5).fill(1) });
    expect([...found.a.data]).toEqual([0, 0, 0, 0, 0]);
    expect([...found.x.data]).toEqual(new Array(5).fill(type === "Less" ? 1 : 0));
  });
});
