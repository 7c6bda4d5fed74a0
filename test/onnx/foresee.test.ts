import { describe, expect, test } from "vitest";
import { LrpError, load } from "../../src/entries/index.ts";
import { type Attribute, type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";

/*
 * Sizes that a file leaves free hide nothing that is wrong whatever they are.
 */

const node = (
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): FileNode => ({ type, inputs, outputs, attributes });

const BOOL = 9;
const file = (nodes: readonly FileNode[], more: Partial<FileGraph> = {}) =>
  onnx({ nodes, inputs: { x: ["n", 3, "h", "w"] }, outputs: { y: [] }, ...more });

async function refusal(source: Uint8Array): Promise<string[]> {
  const error = await load(source).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(LrpError);
  return (error as LrpError).message.split("\n");
}

const relu = node("Relu", ["x"], ["r"]);
const x = (h: number, w: number) => ({ dims: [1, 3, h, w], data: new Float32Array(3 * h * w).fill(1) });

describe("load tells", () => {
  test("everything at once, of every kind", async () => {
    const nodes = [
      node("Conv", ["x", "v"], ["c"]),
      node("Transpose", ["x"], ["v"], { perm: [1, 0, 2, 3] }),
      node("Greater", ["x", "x"], ["b"]),
      node("Softmax", ["b"], ["s"]),
      node("Mod", ["x", "b"], ["m"]),
      node("Dropout", ["x", "half", "yes"], ["d"]),
      node("Sum", ["c", "s", "m", "d"], ["y"]),
    ];
    const initializers = {
      half: { dims: [], data: Float32Array.of(0.5) },
      yes: { dims: [], data: [true] },
    };
    const told = await refusal(file(nodes, { initializers }));
    expect(told.map((text) => text.replace(/:.*/, ""))).toEqual([
      "node 'c' (Conv)",
      "node 's' (Softmax)",
      "node 'm' (Mod)",
      "node 'd' (Dropout)",
    ]);
    // With sizes that are known it is the same.
    expect(told).toEqual(await refusal(file(nodes, { initializers, inputs: { x: [1, 3, 8, 8] } })));
  });

  test("an operator that is unknown, and attributes, as ever", async () => {
    const nodes = [node("Foo", ["x"], ["f"]), node("Relu", ["f"], ["r"], { alpha: 1 }), node("Add", ["r", "x"], ["y"])];
    expect((await refusal(file(nodes))).map((text) => text.replace(/:.*/, ""))).toEqual([
      "node 'f' (Foo)",
      "node 'r' (Relu)",
    ]);
  });

  test("which outputs are left", async () => {
    const nodes = [relu, node("Greater", ["x", "x"], ["b"]), node("Softmax", ["b"], ["s"])];
    using model = await load(file(nodes, { outputs: { s: [], r: [] } }));
    expect(model.outputs.map(({ name }) => name)).toEqual(["r"]);
    expect(model.inspect({ dims: [1, 3, 4, 4] }).notes.join()).toContain("Output 's' is left out: node 's' (Softmax)");
    expect(Object.keys(model.predict(x(5, 7)).outputs)).toEqual(["r"]);
  });
});

describe("load waits for sizes", () => {
  const same: FileGraph = { nodes: [node("Neg", ["x"], ["t"])], outputs: { t: [] } };
  const wrong: FileGraph = {
    nodes: [node("Greater", ["x", "x"], ["b"]), node("Softmax", ["b"], ["e"])],
    outputs: { e: [] },
  };
  const initializers = {
    three: { dims: [], data: [3] },
    limit: { dims: [], data: [200] },
    shape: { dims: [2], data: [1, 3 * 49] },
  };

  test.each<[string, FileNode[], [number, number], [number, number]]>([
    [
      "where a shape chooses the branch with what is wrong",
      [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "three"], ["width"]),
        node("Less", ["width", "limit"], ["c"]),
        node("If", ["c"], ["y"], { then_branch: { graph: wrong }, else_branch: { graph: same } }),
      ],
      [1, 200],
      [1, 199],
    ],
    ["where only one shape fits", [node("Reshape", ["x", "shape"], ["y"])], [7, 7], [7, 8]],
  ])("%s", async (_, nodes, fits, not) => {
    using model = await load(file(nodes, { initializers }));
    expect(model.predict(x(...fits)).output.data.length).toBe(3 * fits[0] * fits[1]);
    expect(() => model.predict(x(...not))).toThrow(LrpError);
  });

  test("where the numbers of an input decide", async () => {
    const nodes = [node("If", ["c"], ["y"], { then_branch: { graph: wrong }, else_branch: { graph: same } })];
    const source = file(nodes, { inputs: { x: ["n", 3, "h", "w"], c: [] }, types: { c: BOOL } });
    using model = await load(source);
    expect(model.predict({ x: x(2, 2), c: { dims: [], data: [0] } }).output.data[0]).toBe(-1);
    expect(() => model.predict({ x: x(2, 2), c: { dims: [], data: [1] } })).toThrow("node 'y/e' (Softmax)");
  });
});
