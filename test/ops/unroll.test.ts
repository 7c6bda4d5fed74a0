import { describe, expect, test } from "vitest";
import { type Input, LrpError } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { type Attribute, type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";

/*
 * If, Loop, Scan, sequences and optional values: what a network is once they are gone.
 */

const node = (
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): FileNode => ({ type, inputs, outputs, attributes });

const [INT64, BOOL] = [7, 9];
const int = (...data: number[]): FileTensor => ({ dims: [], data });
const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const yes: FileTensor = { dims: [], data: [true] };
const floats = (dims: readonly number[], ...data: number[]) => ({ dims, data: Float32Array.from(data) });
const X = floats([2, 3], 1, -2, 3, 4, 5, -6);

const CONSTANTS = { zero: int(0), one: int(1), two: int(2), three: int(3), minusOne: int(-1), parts: ints(1, 2), yes };

/** A file whose input is x, and whose output is y. */
const file = (nodes: readonly FileNode[], more: Partial<FileGraph> = {}, opset = 17) =>
  onnx({ nodes, initializers: CONSTANTS, inputs: { x: [2, 3] }, outputs: { y: [] }, ...more }, opset);

async function outcome(source: Uint8Array, input: Input = X): Promise<unknown> {
  try {
    using model = await loadInMode(source);
    const { output } = model.predict(input);
    return { dims: output.dims, data: Array.from(output.data as ArrayLike<number>, Number) };
  } catch (error) {
    if (!(error instanceof LrpError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** A body of a loop: the iteration is i, what is carried v; where the loop goes on is c. */
const body = (nodes: readonly FileNode[], outputs: readonly string[], more: Partial<FileGraph> = {}) => ({
  body: {
    graph: {
      nodes: [node("Identity", ["go"], ["c"]), ...nodes],
      inputs: { i: [], go: [], v: [2, 3] },
      types: { i: INT64, go: BOOL, c: BOOL },
      outputs: Object.fromEntries(["c", ...outputs].map((name) => [name, []])),
      ...more,
    },
  },
});
const doubling = body([node("Add", ["v", "v"], ["w"])], ["w"]);

describe("Loop", () => {
  test.each<[string, FileNode[], number[], number[]]>([
    ["repeats its body", [node("Loop", ["three", "", "x"], ["y"], doubling)], [2, 3], [8, -16, 24, 32, 40, -48]],
    ["never", [node("Loop", ["zero", "yes", "x"], ["y"], doubling)], [2, 3], [1, -2, 3, 4, 5, -6]],
    [
      "as often as a shape says",
      [node("Shape", ["x"], ["s"]), node("Gather", ["s", "one"], ["n"]), node("Loop", ["n", "", "x"], ["y"], doubling)],
      [2, 3],
      [8, -16, 24, 32, 40, -48],
    ],
    [
      "as long as its condition holds, which the iteration decides",
      [
        node("Loop", ["", "yes", "x"], ["y"], {
          body: {
            graph: {
              ...doubling.body.graph,
              nodes: [node("Less", ["i", "one"], ["c"]), node("Add", ["v", "v"], ["w"])],
            },
          },
        }),
      ],
      [2, 3],
      [4, -8, 12, 16, 20, -24],
    ],
    [
      "with the iteration's number, and values around it",
      [
        node("Loop", ["three", "", "x"], ["y"], {
          ...body(
            [node("Cast", ["i"], ["f"], { to: 1 }), node("Mul", ["x", "f"], ["g"]), node("Add", ["v", "g"], ["w"])],
            ["w"],
          ),
        }),
      ],
      [2, 3],
      [4, -8, 12, 16, 20, -24],
    ],
    [
      "gathers what each time gives",
      [
        node(
          "Loop",
          ["two", "", "x"],
          ["", "g"],
          body([node("Add", ["v", "v"], ["w"]), node("Neg", ["v"], ["n"])], ["w", "n"]),
        ),
        node("Identity", ["g"], ["y"]),
      ],
      [2, 2, 3],
      [-1, 2, -3, -4, -5, 6, -2, 4, -6, -8, -10, 12],
    ],
    [
      "in a loop, which reads what the outer one carries",
      [
        node(
          "Loop",
          ["two", "", "x"],
          ["y"],
          body(
            [
              node("Loop", ["two", "", "v"], ["w"], {
                body: {
                  graph: {
                    nodes: [node("Identity", ["go2"], ["c2"]), node("Add", ["u", "v"], ["t"])],
                    inputs: { i2: [], go2: [], u: [2, 3] },
                    types: { i2: INT64, go2: BOOL, c2: BOOL },
                    outputs: { c2: [], t: [] },
                  },
                },
              }),
            ],
            ["w"],
          ),
        ),
      ],
      [2, 3],
      [9, -18, 27, 36, 45, -54],
    ],
    [
      "two loops of the same names",
      [
        { ...node("Loop", ["one", "", "x"], ["a"], doubling), name: "loop" },
        { ...node("Loop", ["two", "", "a"], ["y"], doubling), name: "loop" },
      ],
      [2, 3],
      [8, -16, 24, 32, 40, -48],
    ],
  ])("%s", async (_, nodes, dims, data) => {
    expect(await outcome(file(nodes))).toEqual({ dims, data });
  });

  test("gathers nothing where it never runs, if the file says of which shape", async () => {
    const gathering = (dims: (string | number)[]) =>
      body([node("Add", ["v", "v"], ["w"]), node("Neg", ["v"], ["n"])], [], {
        outputs: { c: [], w: [], n: dims },
      });
    const nodes = (dims: (string | number)[]) => [
      node("Loop", ["zero", "", "x"], ["l", "g"], gathering(dims)),
      node("Concat", ["g", "h"], ["y"], { axis: 0 }),
      node("Unsqueeze", ["l", "parts0"], ["h"]),
    ];
    const more = { initializers: { ...CONSTANTS, parts0: ints(0) } };
    expect(await outcome(file(nodes([2, 3]), more))).toEqual({ dims: [1, 2, 3], data: [...X.data] });
    expect(await outcome(file(nodes(["n", 3]), more))).toBe(
      "unsupported: node 'l' (Loop): it never runs, and the file does not say which dims 'n' would have.",
    );
  });

  test("relevance passes all its iterations", async () => {
    const source = file([node("Loop", ["three", "", "x"], ["y"], doubling)]);
    using model = await loadInMode(source);
    const { relevance, rules } = model.explain(X, { composite: "epsilon", target: { index: [1] } });
    for (const [i, value] of [0, -16, 0, 0, 40, 0].entries()) expect(relevance.data[i]).toBeCloseTo(value, 3);
    expect(rules.map((rule) => rule.node)).toEqual(["y/0/w", "y/1/w", "y/2/w", "y"]);
  });

  test.each<[string, FileNode, RegExp]>([
    [
      "a trip count that is computed",
      node("Loop", ["n", "", "x"], ["y"], doubling),
      /^unsupported: node 'y' \(Loop\): expected a trip count known while loading, got a value that is computed from the input/,
    ],
    [
      "a condition that is computed",
      node("Loop", ["", "yes", "x"], ["y"], {
        body: {
          graph: {
            ...doubling.body.graph,
            nodes: [
              node("ReduceSum", ["v"], ["s"], { keepdims: 0 }),
              node("Less", ["s", "s"], ["c"]),
              node("Add", ["v", "v"], ["w"]),
            ],
          },
        },
      }),
      /^unsupported: node 'y' \(Loop\): expected a condition to go on known while loading, got a value that is computed/,
    ],
    [
      "a loop without an end",
      node("Loop", ["", "", "x"], ["y"], doubling),
      /^unsupported: node 'y' \(Loop\): expected at most 32768 nodes in the place of those with bodies, got more\. Its loops run too often/,
    ],
    [
      "a body of other inputs",
      node("Loop", ["one", "", "x", "x"], ["y"], doubling),
      /^invalid-model: node 'y' \(Loop\): expected a body of at least 3 outputs, got 2/,
    ],
    [
      "everything that is wrong in it, at once",
      node(
        "Loop",
        ["one", "", "x"],
        ["y"],
        body(
          [node("Foo", ["v"], ["f"]), node("Relu", ["f"], ["r"], { alpha: 1 }), node("Add", ["r", "nobody"], ["w"])],
          ["w"],
        ),
      ),
      /'f' \(Foo\): relprop does not run the operator 'Foo'.*\n.*'r' \(Relu\): relprop does not know the attribute 'alpha'\.\n.*'w' \(Add\): no node that can run before it computes 'nobody'/,
    ],
    [
      "what does not fit, once",
      node("Loop", ["three", "", "x"], ["y"], body([node("MatMul", ["v", "v"], ["w"])], ["w"])),
      /^shape: node 'y\/0\/w' \(MatMul\): [^\n]*$/,
    ],
  ])("refuses %s", async (_, loop, message) => {
    const count = [node("ReduceSum", ["x"], ["s"], { keepdims: 0 }), node("Cast", ["s"], ["n"], { to: INT64 })];
    expect(await outcome(file([...count, loop]))).toMatch(message);
  });

  test("a trip count that the caller hands in", async () => {
    const more = { inputs: { x: [2, 3], n: [] }, types: { n: INT64 } };
    const source = file([node("Loop", ["n", "", "x"], ["y"], doubling)], more);
    using model = await loadInMode(source);
    for (const n of [0, 2, 1]) {
      const { output } = model.predict({ x: X, n: { dims: [], data: [n] } });
      expect([...output.data]).toEqual(Array.from(X.data, (v) => v * 2 ** n));
    }
  });
});

describe("If", () => {
  const wrong = (type: string): FileGraph => ({ nodes: [node(type, ["x"], [type])], outputs: { [type]: [] } });
  const fine: FileGraph = { nodes: [node("Neg", ["x"], ["t"])], outputs: { t: [] } };
  const choice = (then: FileGraph, otherwise: FileGraph, condition = "yes") =>
    node("If", [condition], ["y"], { then_branch: { graph: then }, else_branch: { graph: otherwise } });

  test("what is wrong in the other branch does not matter", async () => {
    expect(await outcome(file([choice(fine, wrong("Foo"))]))).toMatchObject({ data: [-1, 2, -3, -4, -5, 6] });
  });

  test("what is wrong is told at once", async () => {
    const both = await outcome(file([choice(wrong("Foo"), wrong("Bar"))]));
    expect(both).toMatch(/operator 'Foo'.*\n.*operator 'Bar'/);
    const more = { inputs: { x: [2, 3], c: [] }, types: { c: BOOL } };
    // Whatever the caller will say.
    expect(await outcome(file([choice(wrong("Foo"), wrong("Bar"), "c")], more))).toBe(both);
  });

  test("only the outputs that need it are left out", async () => {
    const nodes = [choice(wrong("Foo"), fine), node("Abs", ["x"], ["z"])];
    using model = await loadInMode(file(nodes, { outputs: { y: [], z: [] } }));
    const { outputs } = model.predict(X);
    expect(Object.keys(outputs)).toEqual(["z"]);
    expect(model.inspect().notes.join()).toContain("Output 'y' is left out: node 'Foo' (Foo): relprop does not run");
  });

  test("a branch in a branch reads what the outer one computes", async () => {
    const inner: FileGraph = { nodes: [node("Add", ["t", "x"], ["u"])], outputs: { u: [] } };
    const outer: FileGraph = {
      nodes: [
        node("Neg", ["x"], ["m"]),
        node("Add", ["m", "m"], ["t"]),
        node("If", ["yes"], ["v"], { then_branch: { graph: inner }, else_branch: { graph: inner } }),
      ],
      outputs: { v: [] },
    };
    expect(await outcome(file([choice(outer, fine)]))).toMatchObject({ data: [-1, 2, -3, -4, -5, 6] });
  });
});

describe("Scan", () => {
  /** s + slice is carried, and gathered; so is the slice. */
  const adding: FileGraph = {
    nodes: [node("Add", ["s", "e"], ["t"]), node("Identity", ["t"], ["g"]), node("Neg", ["e"], ["h"])],
    inputs: { s: [], e: [] },
    outputs: { t: [], g: [], h: [] },
  };
  const sums = (start: number, attributes: Readonly<Record<string, Attribute>>, output: number, opset = 17) =>
    file(
      [
        node("Scan", ["start", "x"], ["t", "g", "h"], { body: { graph: adding }, num_scan_inputs: 1, ...attributes }),
        node("Identity", ["tgh"[output]], ["y"]),
      ],
      { initializers: { start: { dims: [start], data: new Float32Array(start) } } },
      opset,
    );

  test.each<[string, number, Readonly<Record<string, Attribute>>, number, number[], number[]]>([
    ["carries", 3, {}, 0, [3], [5, 3, -3]],
    ["gathers", 3, {}, 1, [2, 3], [1, -2, 3, 5, 3, -3]],
    ["gathers something else", 3, {}, 2, [2, 3], [-1, 2, -3, -4, -5, 6]],
    ["walks along another axis", 2, { scan_input_axes: [1] }, 1, [3, 2], [1, 4, -1, 9, 2, 3]],
    ["from the end", 3, { scan_input_directions: [1] }, 1, [2, 3], [4, 5, -6, 5, 3, -3]],
    ["gathers along the last axis", 3, { scan_output_axes: [-1, 0] }, 1, [3, 2], [1, 5, -2, 3, 3, -3]],
    ["gathers from the end", 3, { scan_output_directions: [1, 0] }, 1, [2, 3], [5, 3, -3, 1, -2, 3]],
  ])("%s", async (_, start, attributes, output, dims, data) => {
    expect(await outcome(sums(start, attributes, output))).toEqual({ dims, data });
  });

  test("of opset 8 has an axis of samples", async () => {
    const nodes = [
      node("Scan", ["", "start", "x3"], ["t", "g", "h"], { body: { graph: adding }, num_scan_inputs: 1 }),
      node("Identity", ["g"], ["y"]),
      node("Unsqueeze", ["x"], ["x3"], { axes: [2] }),
    ];
    const more = { initializers: { start: { dims: [2, 1], data: Float32Array.of(0, 10) } } };
    expect(await outcome(file(nodes, more, 8))).toEqual({ dims: [2, 3, 1], data: [1, -1, 2, 14, 19, 13] });
  });

  test.each([
    [
      "an axis that is none",
      { scan_input_axes: [2] },
      /node 't' \(Scan\): expected an axis of a tensor of rank 2, got 2/,
    ],
    ["more inputs than there are", { num_scan_inputs: 3 }, /expected num_scan_inputs from 1 to 2, got 3/],
  ])("refuses %s", async (_, attributes, message) => {
    expect(await outcome(sums(3, attributes, 0))).toMatch(message);
  });
});

describe("sequences", () => {
  const all = (sequence: string) => node("ConcatFromSequence", [sequence], ["y"], { axis: 0 });
  const pair = [node("Neg", ["x"], ["n"]), node("SequenceConstruct", ["x", "n"], ["s"])];
  const [x, n] = [[...X.data], Array.from(X.data, (v) => -v)];

  test.each<[string, FileNode[], number[], number[]]>([
    ["SequenceAt", [...pair, node("SequenceAt", ["s", "one"], ["y"])], [2, 3], n],
    ["SequenceAt from the end", [...pair, node("SequenceAt", ["s", "minusOne"], ["y"])], [2, 3], n],
    ["ConcatFromSequence", [...pair, all("s")], [4, 3], [...x, ...n]],
    [
      "ConcatFromSequence along a new axis",
      [...pair, node("ConcatFromSequence", ["s"], ["y"], { axis: -1, new_axis: 1 })],
      [2, 3, 2],
      x.flatMap((v) => [v, -v]),
    ],
    [
      "SequenceInsert at the end",
      [...pair, node("SequenceInsert", ["s", "x"], ["t"]), all("t")],
      [6, 3],
      [...x, ...n, ...x],
    ],
    [
      "SequenceInsert behind the last",
      [...pair, node("SequenceInsert", ["s", "x", "two"], ["t"]), all("t")],
      [6, 3],
      [...x, ...n, ...x],
    ],
    [
      "SequenceInsert between",
      [...pair, node("SequenceInsert", ["s", "n", "zero"], ["t"]), all("t")],
      [6, 3],
      [...n, ...x, ...n],
    ],
    ["SequenceErase the last", [...pair, node("SequenceErase", ["s"], ["t"]), all("t")], [2, 3], x],
    ["SequenceErase the first", [...pair, node("SequenceErase", ["s", "zero"], ["t"]), all("t")], [2, 3], n],
    [
      "SequenceEmpty",
      [node("SequenceEmpty", [], ["e"]), node("SequenceInsert", ["e", "x"], ["t"]), all("t")],
      [2, 3],
      x,
    ],
    [
      "SequenceLength",
      [
        ...pair,
        node("SequenceLength", ["s"], ["l"]),
        node("Cast", ["l"], ["f"], { to: 1 }),
        node("Mul", ["x", "f"], ["y"]),
      ],
      [2, 3],
      x.map((v) => 2 * v),
    ],
    [
      "SplitToSequence in equal parts",
      [node("SplitToSequence", ["x", "two"], ["s"], { axis: 1 }), node("SequenceAt", ["s", "one"], ["y"])],
      [2, 1],
      [3, -6],
    ],
    [
      "SplitToSequence in parts of given lengths",
      [node("SplitToSequence", ["x", "parts"], ["s"], { axis: 1 }), node("SequenceAt", ["s", "one"], ["y"])],
      [2, 2],
      [-2, 3, 5, -6],
    ],
    [
      "SplitToSequence without the axis",
      [node("SplitToSequence", ["x"], ["s"], { axis: 1, keepdims: 0 }), node("SequenceAt", ["s", "one"], ["y"])],
      [2],
      [-2, 5],
    ],
    ["Identity", [...pair, node("Identity", ["s"], ["t"]), all("t")], [4, 3], [...x, ...n]],
    [
      "SequenceMap",
      [
        ...pair,
        node("SequenceMap", ["s", "x"], ["t"], {
          body: {
            graph: { nodes: [node("Add", ["a", "b"], ["c"])], inputs: { a: [2, 3], b: [2, 3] }, outputs: { c: [] } },
          },
        }),
        all("t"),
      ],
      [4, 3],
      [...x.map((v) => 2 * v), ...x.map(() => 0)],
    ],
    [
      "a sequence that a loop carries",
      [
        node("SequenceEmpty", [], ["e"]),
        node("Loop", ["two", "", "e"], ["s"], body([node("SequenceInsert", ["v", "x"], ["w"])], ["w"])),
        all("s"),
      ],
      [4, 3],
      [...x, ...x],
    ],
    ["OptionalGetElement", [node("Optional", ["x"], ["o"]), node("OptionalGetElement", ["o"], ["y"])], [2, 3], x],
    [
      "OptionalHasElement",
      [
        node("Optional", [], ["o"]),
        ...["o", "x", ""].map((name, i) => node("OptionalHasElement", name ? [name] : [], [`h${i}`])),
        ...[0, 1, 2].map((i) => node("Cast", [`h${i}`], [`f${i}`], { to: 1 })),
        node("Mul", ["x", "f1"], ["m"]),
        node("Add", ["m", "f0"], ["a"]),
        node("Add", ["a", "f2"], ["y"]),
      ],
      [2, 3],
      x,
    ],
  ])("%s", async (_, nodes, dims, data) => {
    expect(await outcome(file(nodes))).toEqual({ dims, data: data.map((v) => v + 0) });
  });

  test.each<[string, FileNode[], string]>([
    [
      "a sequence in the place of a tensor",
      [...pair, node("Relu", ["s"], ["y"])],
      "unsupported: node 'y' (Relu): 's' is a sequence, but this operator takes tensors.",
    ],
    [
      "a tensor in the place of a sequence",
      [node("SequenceAt", ["x", "one"], ["y"])],
      "invalid-model: node 'y' (SequenceAt): expected a sequence, got a tensor.",
    ],
    [
      "an output that is one",
      [...pair, node("Identity", ["s"], ["y"])],
      "unsupported: output 'y': it is a sequence, and relprop gives tensors.",
    ],
    [
      "a position that is none",
      [...pair, node("SequenceAt", ["s", "two"], ["y"])],
      "invalid-model: node 'y' (SequenceAt): expected a position from -2 to 1, got 2.",
    ],
    [
      "nothing from an empty sequence",
      [node("SequenceEmpty", [], ["e"]), all("e")],
      "unsupported: node 'y' (ConcatFromSequence): its sequence is empty.",
    ],
    [
      "the value of an optional one that is none",
      [node("Optional", [], ["o"]), node("OptionalGetElement", ["o"], ["y"])],
      "invalid-model: node 'y' (OptionalGetElement): its input is an optional value that is none.",
    ],
    [
      "lengths that do not add up",
      [node("SplitToSequence", ["x", "parts"], ["s"]), all("s")],
      "shape: node 's' (SplitToSequence): expected lengths that add up to 2, got [1,2].",
    ],
  ])("refuses %s", async (_, nodes, message) => {
    expect(await outcome(file(nodes))).toBe(message);
  });
});
