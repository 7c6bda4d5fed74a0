import { describe, expect, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

/*
 * What depends only on constants and shapes exists no more once a network is loaded.
 */

const ints = (...data: number[]) => ({ dims: [data.length], data });
const node = (
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: FileNode["attributes"] = {},
): FileNode => ({
  type,
  inputs,
  outputs: [output],
  attributes,
});

describe("constants", () => {
  test("a Reshape whose shape is computed from the input's", async () => {
    const graph: FileGraph = {
      nodes: [
        node("Shape", ["x"], "s"),
        node("Constant", [], "first", { value: { tensor: { dims: [], data: [0] } } }),
        node("Gather", ["s", "first"], "n"),
        node("Unsqueeze", ["n", "zero"], "n1"),
        node("Concat", ["n1", "rest"], "shape", { axis: 0 }),
        node("Reshape", ["x", "shape"], "y"),
      ],
      initializers: { zero: ints(0), rest: ints(-1) },
      inputs: { x: ["n", 3, 5] },
      outputs: { y: ["n", 15] },
    };
    using model = await loadInMode(onnx(graph));
    const x = tensor([2, 3, 5], 11);
    expect(model.predict(x).output).toEqual({ dims: [2, 15], data: x.data });
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Reshape"]);
  });

  test.each([
    [3, 2],
    [5, 4],
  ])("an If whose condition the shape decides: %i channels, factor %i", async (channels, factor) => {
    const branch = (value: number): FileGraph => ({
      nodes: [node("Constant", [], "f", { value_float: { float: value } }), node("Mul", ["x", "f"], "out")],
      outputs: { out: [] },
    });
    const graph: FileGraph = {
      nodes: [
        node("Shape", ["x"], "s"),
        node("Gather", ["s", "one"], "c"),
        node("Equal", ["c", "three"], "isThree"),
        node("If", ["isThree"], "y", { then_branch: { graph: branch(2) }, else_branch: { graph: branch(4) } }),
      ],
      initializers: { one: { dims: [], data: [1] }, three: { dims: [], data: [3] } },
      inputs: { x: ["n", channels, 2] },
      outputs: { y: [] },
    };
    using model = await loadInMode(onnx(graph));
    const x = tensor([1, channels, 2], 11);
    expect(Array.from(model.predict(x).output.data)).toEqual(Array.from(x.data, (v) => factor * v));
  });

  test.each([
    [
      "ConstantOfShape",
      [node("ConstantOfShape", ["shape"], "c", { value: { tensor: { dims: [1], data: Float32Array.of(2.5) } } })],
      [2.5, 2.5],
    ],
    ["ConstantOfShape without a value", [node("ConstantOfShape", ["shape"], "c")], [0, 0]],
    ["Cast of integers", [node("Cast", ["pair"], "c", { to: 1 })], [7, -3]],
    ["Cast of booleans", [node("Cast", ["flags"], "c", { to: 1 })], [1, 0]],
    ["floats", [node("Constant", [], "c", { value_floats: { floats: [0.5, -0.25] } })], [0.5, -0.25]],
    ["a sum of constants", [node("Cast", ["pair"], "p", { to: 1 }), node("Add", ["p", "p"], "c")], [14, -6]],
    [
      "a quotient and a power",
      [node("Cast", ["pair"], "p", { to: 1 }), node("Pow", ["p", "p2"], "q"), node("Div", ["q", "p"], "c")],
      [7, -3],
    ],
    ["a comparison", [node("Equal", ["pair", "pair"], "e"), node("Cast", ["e"], "c", { to: 1 })], [1, 1]],
    [
      "a part of a shape",
      [node("Shape", ["x"], "s"), node("Slice", ["s", "one1", "three1"], "p"), node("Cast", ["p"], "c", { to: 1 })],
      [3, 2],
    ],
    [
      "how many numbers",
      [node("Size", ["x"], "s"), node("Cast", ["s"], "s1", { to: 1 }), node("Expand", ["s1", "shape"], "c")],
      [6, 6],
    ],
    ["a range", [node("Range", ["n3", "nMinus3", "nMinus4"], "r"), node("Cast", ["r"], "c", { to: 1 })], [3, -1]],
    ["a range of floats", [node("Range", ["half", "p2", "one"], "c")], [0.5, 1.5]],
    [
      "positions that are not 0",
      [node("NonZero", ["grid"], "p"), node("Cast", ["p"], "p1", { to: 1 }), node("Flatten", ["p1"], "c", { axis: 0 })],
      [1, 2],
    ],
    ["integers divide towards zero", [node("Div", ["pair", "two"], "q"), node("Cast", ["q"], "c", { to: 1 })], [3, -1]],
    [
      "an empty part of a shape",
      [
        node("Shape", ["x"], "s"),
        node("Slice", ["s", "three1", "three1"], "none"),
        node("Concat", ["none", "shape"], "two1", { axis: 0 }),
        node("ConstantOfShape", ["two1"], "c"),
      ],
      [0, 0],
    ],
    [
      "half of the last axis, as exporters spell it",
      [
        node("Shape", ["x"], "s", { start: -1 }),
        node("Mul", ["s", "n3s"], "s3"),
        node("Div", ["s3", "two"], "s4"),
        node("Sub", ["s4", "one1"], "s5"),
        node("ConstantOfShape", ["s5"], "c1", { value: { tensor: { dims: [1], data: Float32Array.of(4) } } }),
        node("Tile", ["c1", "one1"], "c"),
      ],
      [4, 4],
    ],
  ] as const)("%s", async (_name, nodes, expected) => {
    const graph: FileGraph = {
      nodes: [...nodes, node("Add", ["x", "c"], "y")],
      initializers: {
        shape: ints(2),
        pair: ints(7, -3),
        flags: { dims: [2], data: [true, false] },
        p2: { dims: [], data: Float32Array.of(2) },
        one1: ints(1),
        three1: ints(3),
        n3: { dims: [], data: [3] },
        nMinus3: { dims: [], data: [-3] },
        nMinus4: { dims: [], data: [-4] },
        half: { dims: [], data: Float32Array.of(0.5) },
        one: { dims: [], data: Float32Array.of(1) },
        grid: { dims: [2, 3], data: [0, 0, 0, 0, 0, 5] },
        two: ints(2),
        n3s: ints(3),
      },
      inputs: { x: ["n", 3, 2] },
      outputs: { y: [] },
    };
    using model = await loadInMode(onnx(graph));
    const { output } = model.predict({ dims: [1, 3, 2], data: new Float32Array(6) });
    expect(Array.from(output.data)).toEqual([...expected, ...expected, ...expected]);
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Add"]);
  });
});
