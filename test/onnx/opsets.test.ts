import { describe, expect, test } from "vitest";
import { LrpError } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";

/*
 * What operators of old opsets say otherwise than those of today.
 */

const floats = (dims: readonly number[], ...data: number[]): FileTensor => ({ dims, data: Float32Array.from(data) });
const ramp = (dims: readonly number[]) => ({
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i + 1),
});

interface Old {
  readonly opset: number;
  readonly type: string;
  readonly attributes?: FileNode["attributes"];
  readonly x: readonly number[];
  readonly more?: readonly FileTensor[];
  readonly y: readonly number[];
  readonly dims?: readonly number[];
}

async function answer({ opset, type, attributes, x, more = [], dims }: Old) {
  const names = more.map((_, i) => `p${i}`);
  const source = onnx(
    {
      nodes: [{ type, attributes, inputs: ["x", ...names], outputs: ["y"] }],
      initializers: Object.fromEntries(more.map((t, i) => [names[i], t])),
      inputs: { x },
      outputs: { y: [] },
    },
    opset,
  );
  using model = await loadInMode(source);
  const { output } = model.predict(ramp(x));
  if (dims) expect(output.dims).toEqual(dims);
  return Array.from<number | bigint, number>(output.data, Number);
}

const cases: readonly Old[] = [
  // B has the axes of A from `axis` on.
  {
    opset: 6,
    type: "Add",
    attributes: { broadcast: 1, axis: 0 },
    x: [2, 3],
    more: [floats([2], 10, 20)],
    y: [11, 12, 13, 24, 25, 26],
  },
  {
    opset: 1,
    type: "Mul",
    attributes: { broadcast: 1, axis: 1, consumed_inputs: [0, 0] },
    x: [1, 2, 2],
    more: [floats([2], 1, -1)],
    y: [1, 2, -3, -4],
  },
  { opset: 6, type: "Sub", attributes: { broadcast: 1 }, x: [2, 2], more: [floats([2], 1, 2)], y: [0, 0, 2, 2] },
  {
    opset: 6,
    type: "Div",
    attributes: { broadcast: 1, axis: -2 },
    x: [2, 2],
    more: [floats([2], 1, 2)],
    y: [1, 2, 1.5, 2],
  },
  // A slope for each channel.
  { opset: 6, type: "PRelu", x: [1, 2, 1, 2], more: [floats([2], 3, 5)], y: [1, 2, 3, 4] },
  { opset: 4, type: "Reshape", attributes: { shape: [0, -1] }, x: [2, 3, 1], y: [1, 2, 3, 4, 5, 6], dims: [2, 3] },
  { opset: 1, type: "Pad", attributes: { paddings: [0, 1, 0, 0] }, x: [1, 2], y: [0, 1, 2], dims: [1, 3] },
  { opset: 5, type: "Tile", x: [1, 2], more: [floats([1], 2), floats([1], 1)], y: [1, 2, 1, 2], dims: [1, 4] },
  { opset: 3, type: "Concat", x: [1, 2], more: [floats([1, 1], 7)], y: [1, 2, 7], dims: [1, 3] },
  { opset: 1, type: "GlobalLpPool", attributes: { p: { float: 1 } }, x: [1, 1, 2, 2], y: [10] },
  {
    opset: 1,
    type: "Upsample",
    attributes: { height_scale: { float: 2 }, width_scale: { float: 1 } },
    x: [1, 1, 1, 2],
    y: [1, 2, 1, 2],
  },
  { opset: 6, type: "Dropout", attributes: { is_test: 1 }, x: [1, 2], y: [1, 2] },
  {
    opset: 6,
    type: "BatchNormalization",
    attributes: { is_test: 1, epsilon: { float: 0 } },
    x: [1, 2],
    more: [floats([2], 2, 3), floats([2], 1, 1), floats([2], 0, 1), floats([2], 1, 4)],
    y: [3, 2.5],
  },
  { opset: 5, type: "Selu", attributes: { consumed_inputs: [0] }, x: [1, 1], y: [Math.fround(1.0507)] },
  { opset: 27, type: "Relu", x: [1, 2], y: [1, 2] },
];

describe("opset", () => {
  test.each(cases.map((c) => [c.opset, c.type, c] as const))("%i: %s", async (_opset, _type, c) => {
    expect(await answer(c)).toEqual(c.y);
  });

  test.each<[number, string, FileNode["attributes"], FileTensor[], string]>([
    [6, "Dropout", {}, [], "expected is_test = 1, got 0"],
    [6, "BatchNormalization", {}, [1, 2, 3, 4].map(() => floats([2], 1, 1)), "expected is_test = 1, got 0"],
    [3, "Reshape", {}, [], "expected a shape, got none"],
    [7, "Add", { axis: 0, broadcast: 1 }, [floats([1], 1)], "relprop does not know the attributes 'axis', 'broadcast'"],
    [28, "Relu", {}, [], "expected an opset from 1 to 27, got 28"],
    [0, "Relu", {}, [], "expected an opset from 1 to 27, got 0"],
  ])("%i: %s is refused", async (opset, type, attributes, more, says) => {
    const error = await answer({ opset, type, attributes, more, x: [1, 2], y: [] }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LrpError);
    expect((error as LrpError).message).toContain(says);
  });
});

describe("what is empty", () => {
  test("has no numbers, and is known while loading", async () => {
    const source = onnx({
      nodes: [
        { type: "Slice", inputs: ["x", "two", "two"], outputs: ["none"] },
        { type: "Relu", inputs: ["none"], outputs: ["empty"] },
        { type: "Concat", inputs: ["x", "empty"], outputs: ["y"], attributes: { axis: 0 } },
        { type: "ReduceSum", inputs: ["empty", "zero"], outputs: ["z"], attributes: { keepdims: 0 } },
      ],
      initializers: { two: { dims: [1], data: [2] }, zero: { dims: [1], data: [0] } },
      inputs: { x: ["n", 3] },
      outputs: { y: [], z: [], empty: [] },
    });
    using model = await loadInMode(source);
    const { y, z, empty } = model.predict(ramp([2, 3])).outputs;
    expect([y.dims, z.dims, empty.dims]).toEqual([[2, 3], [3], [0, 3]]);
    expect([...y.data, ...z.data, ...empty.data]).toEqual([1, 2, 3, 4, 5, 6, 0, 0, 0]);
    expect(model.predict({ dims: [0, 3], data: new Float32Array() }).outputs.y).toMatchObject({ dims: [0, 3] });
  });
});
