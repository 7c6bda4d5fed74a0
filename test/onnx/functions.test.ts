import { describe, expect, test } from "vitest";
import { LrpError } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { field, fixed32, type FileGraph, onnx, utf8, varint } from "../onnx-writer.ts";

/*
 * Functions of a file stand in the place of the nodes that call them.
 */

type Bytes = readonly number[];

/** A node of a function; `refers`: which of its attributes is one of the node that calls. */
function node(type: string, inputs: readonly string[], output: string, refers: Readonly<Record<string, string>> = {}) {
  const attributes = Object.entries(refers).map(([name, to]) => [
    ...field(1, utf8(name)),
    ...field(21, utf8(to)),
    ...field(20, 1),
  ]);
  return [
    ...inputs.flatMap((name) => field(1, utf8(name))),
    ...field(2, utf8(output)),
    ...field(4, utf8(type)),
    ...attributes.flatMap((bytes) => field(5, bytes)),
    ...field(7, utf8(type.startsWith("My") ? "own" : "")),
  ];
}

const float = (name: string, value: number): Bytes => [
  ...field(1, utf8(name)),
  ...varint((2 << 3) | 5),
  ...fixed32(value),
  ...field(20, 1),
];

/** A FunctionProto with inputs x and z, and the output y. */
const fn = (name: string, nodes: readonly Bytes[], more: Bytes = []): Bytes => [
  ...field(1, utf8(name)),
  ...field(4, utf8("x")),
  ...field(4, utf8("z")),
  ...field(5, utf8("y")),
  ...nodes.flatMap((bytes) => field(7, bytes)),
  ...field(10, utf8("own")),
  ...more,
];

const file = (graph: Partial<FileGraph>, ...functions: readonly Bytes[]) =>
  Uint8Array.from([
    ...onnx({ nodes: [], inputs: { x: [1, 3] }, outputs: { y: [] }, ...graph }),
    ...functions.flatMap((bytes) => field(25, bytes)),
  ]);

const call = (type: string, inputs: string[], output: string, attributes = {}) => ({
  type,
  domain: "own",
  inputs,
  outputs: [output],
  attributes,
});

const x = { dims: [1, 3], data: Float32Array.of(-2, 1, 3) };

async function outcome(source: Uint8Array): Promise<number[] | string> {
  try {
    using model = await loadInMode(source);
    return [...model.predict(x).output.data] as number[];
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    return (error as LrpError).message;
  }
}

// y = leaky(x) + z, where there is a z.
const LEAKY = fn(
  "MyLeaky",
  [node("LeakyRelu", ["x"], "t", { alpha: "slope" }), node("Add", ["t", "z"], "y")],
  field(11, float("slope", 0.5)),
);

describe("functions", () => {
  test("their attributes are those of the node, or their own; names stay apart", async () => {
    const nodes = [call("MyLeaky", ["x", "x"], "t", { slope: { float: 0.25 } }), call("MyLeaky", ["t", "x"], "y")];
    expect(await outcome(file({ nodes }, LEAKY))).toEqual([-2.5 / 2 - 2, 2 + 1, 6 + 3]);
  });

  test("call each other", async () => {
    const twice = fn("MyTwice", [node("MyLeaky", ["x", "z"], "t"), node("MyLeaky", ["t", "x"], "y")]);
    expect(await outcome(file({ nodes: [call("MyTwice", ["x", "x"], "y")] }, twice, LEAKY))).toEqual([-3.5, 3, 9]);
  });

  test("are in branches, too", async () => {
    const branch = (inputs: string[]) => ({ graph: { nodes: [call("MyLeaky", inputs, "b")], outputs: { b: [] } } });
    const nodes = [
      {
        type: "If",
        inputs: ["yes"],
        outputs: ["y"],
        attributes: { then_branch: branch(["x", "x"]), else_branch: branch(["x", "yes"]) },
      },
    ];
    const source = file({ nodes, initializers: { yes: { dims: [], data: [true] } } }, LEAKY);
    expect(await outcome(source)).toEqual([-3, 2, 6]);
  });

  test("what is wrong with them is told", async () => {
    const one = { nodes: [call("MyLoop", ["x", "x"], "y")] };
    expect(await outcome(file(one, fn("MyLoop", [node("MyLoop", ["x", "z"], "y")])))).toContain(
      "(MyLoop): expected functions that do not call themselves, got MyLoop",
    );
    const later = [...field(1, []), ...field(2, 22)];
    expect(await outcome(file(one, fn("MyLoop", [node("Relu", ["x"], "y")], field(9, later))))).toBe(
      "node 'y' (MyLoop): expected a function of the model's opset, 17, got 22.",
    );
    // Each calls the next twice.
    const many = Array.from({ length: 30 }, (_, i) =>
      fn(`My${i}`, [node(`My${i + 1}`, ["x", "z"], "t"), node(`My${i + 1}`, ["t", "z"], "y")]),
    );
    expect(await outcome(file({ nodes: [call("My0", ["x", "x"], "y")] }, ...many))).toContain(
      "expected at most 262144 nodes, got more",
    );
  });
});
