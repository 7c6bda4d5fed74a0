import { describe, expect, test } from "vitest";
import { type Input, load, LrpError } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { type FileGraph, type FileNode, field, onnx, tensorBytes, utf8, varint } from "../onnx-writer.ts";

/*
 * What a file says, where that is unusual: it is done.
 */

const [INT64, STRING, BOOL] = [7, 8, 9];
const node = (type: string, inputs: string[], outputs: string[], attributes: FileNode["attributes"] = {}) => ({
  type,
  inputs,
  outputs,
  attributes,
});
const floats = (dims: number[], ...data: number[]) => ({ dims, data: Float32Array.from(data) });
const refusal = async (task: () => unknown): Promise<LrpError> => {
  const error = await (async () => task())().then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(LrpError);
  return error;
};

describe("a condition that the caller hands in", () => {
  const branch = (type: string, name: string): FileGraph => ({
    nodes: [node(type, ["x"], [name])],
    outputs: { [name]: [] },
  });
  const choice = (condition: string) =>
    node("If", [condition], ["y"], {
      then_branch: { graph: branch("Neg", "t") },
      else_branch: { graph: branch("Abs", "e") },
    });
  const x = floats([1, 3], 1, -2, 3);
  const [negated, absolute] = [
    [-1, 2, -3],
    [1, 2, 3],
  ];

  test.each<[string, FileNode[], number, number, number]>([
    ["itself", [choice("c")], BOOL, 1, 0],
    ["not it", [node("Not", ["c"], ["d"]), choice("d")], BOOL, 0, 1],
    ["an integer that is 2", [node("Equal", ["c", "two"], ["d"]), choice("d")], INT64, 2, 5],
    ["an integer, cast", [node("Cast", ["c"], ["d"], { to: BOOL }), choice("d")], INT64, -7, 0],
  ])("%s decides, for each call anew", async (_name, nodes, type, yes, no) => {
    const source = onnx({
      nodes,
      initializers: { two: { dims: [], data: [2] } },
      inputs: { x: ["n", 3], c: [] },
      outputs: { y: [] },
      types: { c: type },
    });
    using model = await load(source);
    expect(model.inputs.map(({ name }) => name)).toEqual(["x", "c"]);
    for (const value of [yes, no, no, yes]) {
      const input: Input = { x, c: { dims: [], data: [value] } };
      const expected = value === yes ? negated : absolute;
      expect([...model.predict(input).output.data]).toEqual(expected);
      const { inputs } = model.explain(input, { composite: "epsilon", target: 1 });
      expect([...inputs.x.data]).toEqual([0, expected[1], 0]);
    }
  });

  test("is none where it depends on floats", async () => {
    const nodes = [node("Greater", ["s", "x"], ["d"]), node("Cast", ["d"], ["e"], { to: BOOL }), choice("e")];
    const source = onnx({ nodes, inputs: { x: [1, 1], s: [1, 1] }, outputs: { y: [] } });
    expect((await refusal(() => load(source))).message).toBe(
      "node 'y' (If): expected a condition known while loading, got a value that is computed from the input. If it is " +
        "a step behind the network, such as a choice of boxes, leave it out: name the values before it as outputs of load.",
    );
  });

  test("is one number", async () => {
    const source = onnx({
      nodes: [choice("c")],
      inputs: { x: [1, 3], c: [2] },
      outputs: { y: [] },
      types: { c: BOOL },
    });
    using model = await load(source);
    const error = await refusal(() => model.predict({ x, c: { dims: [2], data: [1, 0] } }));
    expect(error.message).toBe("node 'y' (If): expected a condition of one number, got 2.");
  });
});

describe("names", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "length", "data", "dims", "valueOf", "then"];
  const record = <V>(entries: [string, V][]): Readonly<Record<string, V>> => Object.fromEntries(entries);

  test.each(names)("'%s', of everything", async (name) => {
    const source = onnx({
      nodes: [{ ...node("MatMul", [name, "w"], ["a"]), name }, node("Relu", ["a"], ["b"])],
      initializers: { w: floats([2, 2], 1, 0, 0, 2) },
      inputs: record([[name, ["n", 2]]]),
      outputs: { b: [] },
    });
    using model = await load(source);
    const x = floats([1, 2], 3, 5);
    for (const input of [x, record([[name, x]])] as Input[]) {
      expect([...model.predict(input).output.data]).toEqual([3, 10]);
      const e = model.explain(input, { composite: "epsilon", at: [name] });
      expectClose(e.relevance.data, [0, 10], 1e-5);
      for (const from of [e.inputs, e.at]) {
        expect(Object.keys(from)).toEqual([name]);
        expectClose(Object.values(from)[0].data, [0, 10], 1e-5);
      }
      expect(e.rules.map((row) => row.node)).toContain(name);
    }
    expect(model.inspect({ dims: record([[name, [3, 2]]]) }).nodes[0].outputs[0].dims).toEqual([3, 2]);
    // Options by name, of which there is none.
    using another = await load(source, { batch: {}, channelAxis: {} });
    expect(another.inputs).toEqual([{ name, type: "float32", dims: ["n", 2], batchAxis: null }]);
    const wrong = await refusal(() => model.predict({ other: x }));
    expect(wrong.message).toContain(`input '${name}'`);
  });

  test.each(names)("'%s', of an output and of one of two inputs", async (name) => {
    const other = name === "dims" ? "data" : "dims";
    const source = onnx({
      nodes: [node("Add", [name, other], ["s"])],
      inputs: record([name, other].map((own) => [own, ["n", 2]])),
      outputs: { s: [] },
    });
    using model = await load(source);
    const input = record([
      [name, floats([1, 2], 1, 2)],
      [other, floats([1, 2], 3, 4)],
    ]);
    expect([...model.predict(input).output.data]).toEqual([4, 6]);
    const named = onnx({ nodes: [node("Relu", ["x"], [name])], inputs: { x: [2] }, outputs: record([[name, []]]) });
    using single = await load(named);
    const { outputs, output } = single.predict(floats([2], -1, 2));
    expect(Object.keys(outputs)).toEqual([name]);
    expect(output).toMatchObject(Object.values(outputs)[0]);
    expect([...output.data]).toEqual([0, 2]);
    expect([...single.explain(floats([2], -1, 2), { output: name }).relevance.data]).toEqual([0, 2]);
    const inside = onnx({
      nodes: [node("Relu", ["x"], [name]), node("Neg", [name], ["y"])],
      inputs: { x: [2] },
      outputs: { y: [] },
    });
    using hidden = await load(inside);
    const e = hidden.explain(floats([2], -1, 2), { at: [name], target: 1 });
    expect(Object.entries(e.at).map(([at, { data }]) => [at, [...data]])).toEqual([[name, [0, -2]]]);
  });
});

describe("an input of which the file says no shape", () => {
  test("has that of what is handed in", async () => {
    const source = onnx({ nodes: [node("Softsign", ["x"], ["y"])], inputs: { x: null }, outputs: { y: [] } });
    using model = await load(source);
    expect(model.inputs).toEqual([{ name: "x", type: "float32", dims: ["..."] }]);
    for (const dims of [[], [3], [1, 5], [2, 3, 5, 7, 1]]) {
      const count = dims.reduce((product, d) => product * d, 1);
      const x = { dims, data: Float32Array.from({ length: count }, (_, i) => i - 1) };
      const { output } = model.predict(x);
      expect(output.dims).toEqual(dims);
      expectClose(
        output.data,
        Array.from(x.data, (v) => v / (1 + Math.abs(v))),
        1e-6,
      );
      expect(model.explain(x, { composite: "epsilon" }).relevance.dims).toEqual(dims);
      expect(model.inspect({ dims }).nodes[0].outputs[0].dims).toEqual(dims);
    }
    for (const dims of ["3", [0], [1.5], undefined])
      expect((await refusal(() => model.predict({ dims, data: new Float32Array(3) } as never))).message).toContain(
        "input 'x'",
      );
    using last = await load(source, { batch: { x: 1 } });
    expect(last.explain(floats([2, 3], 1, 2, 3, 4, 5, 6), { composite: "epsilon" }).targets).toHaveLength(3);
    expect((await refusal(() => model.inspect())).message).toBe(
      "option 'dims': expected sizes for the axes of 'x', f32[...], got none.",
    );
  });

  test("is judged by it", async () => {
    using model = await load(
      onnx({
        nodes: [node("MatMul", ["x", "w"], ["y"])],
        initializers: { w: floats([2, 1], 1, 3) },
        inputs: { x: null },
        outputs: { y: [] },
      }),
    );
    expect([...model.predict(floats([1, 2], 1, 2)).output.data]).toEqual([7]);
    expect((await refusal(() => model.predict(floats([1, 3], 1, 2, 3)))).message).toContain(
      "a first factor of 2 columns",
    );
  });

  test("is no name of an axis", async () => {
    using model = await load(onnx({ nodes: [node("Relu", ["x"], ["y"])], inputs: { x: ["..."] }, outputs: { y: [] } }));
    expect(model.inputs[0].dims).toEqual(["d0"]);
  });
});

describe("what no output needs", () => {
  const strings = { dims: [2], data: { type: STRING, fields: [...field(6, utf8("a")), ...field(6, utf8("b"))] } };
  const value = (...fields: number[]) => ({ fields });
  const relu = node("Relu", ["x"], ["y"]);

  test.each<[string, FileNode[], Partial<FileGraph>]>([
    ["a string", [node("Constant", [], ["s"], { value_string: "hello" })], {}],
    ["strings", [node("Constant", [], ["s"], { value_strings: value(...field(9, utf8("a")), ...field(20, 8)) })], {}],
    ["a tensor of strings", [node("Constant", [], ["s"], { value: { tensor: strings } })], {}],
    [
      "a string that is handed on",
      [node("Constant", [], ["s"], { value_string: "a" }), node("Identity", ["s"], ["t"])],
      {},
    ],
    ["an initializer of strings", [], { initializers: { s: strings } }],
    [
      "an initializer of NaN that is listed as an input",
      [],
      {
        initializers: { s: floats([1], Number.NaN) },
        inputs: { x: [1, 2], s: [1] },
      },
    ],
    ["a sparse initializer", [], { fields: field(15, field(1, tensorBytes(floats([1], 1), "s"))) }],
    ["an operator that there is not", [node("Nonsense", ["x"], ["s"])], {}],
    ["a node with inputs that there are not", [node("Relu", ["nowhere"], ["s"])], {}],
    ["nodes in a cycle", [node("Relu", ["s"], ["t"]), node("Relu", ["t"], ["s"])], {}],
  ])("is not judged: %s", async (_name, nodes, more) => {
    using model = await load(onnx({ nodes: [...nodes, relu], inputs: { x: [1, 2] }, outputs: { y: [] }, ...more }));
    expect(model.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect([...model.predict(floats([1, 2], -1, 2)).output.data]).toEqual([0, 2]);
  });

  test("but what a branch reads is needed", async () => {
    const branch = (name: string): FileGraph => ({
      nodes: [node("Constant", [], [`${name}s`], { value_string: "a" }), node("Add", ["x", "k"], [name])],
      outputs: { [name]: [] },
    });
    const passed: FileGraph = { nodes: [], outputs: { k: [] } };
    const file = (otherwise: FileGraph, constant: FileNode) =>
      onnx({
        nodes: [
          constant,
          node("If", ["c"], ["y"], { then_branch: { graph: branch("t") }, else_branch: { graph: otherwise } }),
        ],
        inputs: { x: [1, 2], c: [] },
        outputs: { y: [] },
        types: { c: BOOL },
      });
    const k = node("Constant", [], ["k"], { value: { tensor: floats([1, 2], 3, 4) } });
    const input = (c: number): Input => ({ x: floats([1, 2], 1, 1), c: { dims: [], data: [c] } });
    using model = await load(file(branch("e"), k));
    expect([...model.predict(input(1)).output.data]).toEqual([4, 5]);
    using constant = await load(file(passed, k));
    expect([...constant.predict(input(0)).output.data]).toEqual([3, 4]);
    expect((await refusal(() => load(file(passed, node("Nonsense", [], ["k"]))))).message).toContain("(Nonsense)");
  });

  test("has names of its own all the same", async () => {
    const source = onnx({ nodes: [relu, node("Abs", ["x"], ["y"])], inputs: { x: [1, 2] }, outputs: { y: [] } });
    expect((await refusal(() => load(source))).message).toContain("the name 'y' stands for another value already");
  });
});

test.each<[string, FileNode["attributes"], number[]]>([
  ["MaxPool", { kernel_shape: [2 ** 31, 2] }, [1, 1, 4, 4]],
  ["AveragePool", { kernel_shape: [2, 2], strides: [1, 2 ** 32 + 1] }, [1, 1, 4, 4]],
  ["MaxPool", { kernel_shape: [2, 2], dilations: [2 ** 32, 1] }, [1, 1, 4, 4]],
  ["MaxPool", { kernel_shape: [1, 1], pads: [0, 0, 2 ** 40, 0] }, [1, 1, 4, 4]],
  ["LRN", { size: 2 ** 32 + 1 }, [1, 3, 4, 4]],
  ["Flatten", { axis: 2 ** 32 + 1 }, [1, 3]],
  ["Softmax", { axis: -(2 ** 32) }, [1, 3]],
  ["Transpose", { perm: [2 ** 32, 1] }, [1, 3]],
  ["DepthToSpace", { blocksize: 2 ** 33 }, [1, 4, 2, 2]],
  ["Split", { num_outputs: 2 ** 40 }, [1, 4]],
])("%s with %j, of more than 32 bits, is refused", async (type, attributes, dims) => {
  const source = onnx({ nodes: [node(type, ["x"], ["y"], attributes)], inputs: { x: dims }, outputs: { y: [] } }, 18);
  const { code, message } = await refusal(() => load(source));
  expect(code).toBe("unsupported");
  expect(message).toMatch(/^node 'y' \(\w+\): expected attribute '\w+' within 32 bits, got -?\d+\.$/);
});

test("a Slice to the end, of opset 9, is no number that is too large", async () => {
  const end = 2n ** 63n - 1n;
  const attributes = { starts: [1], ends: { fields: [...field(8, varint(end)), ...field(20, 7)] }, axes: [1] };
  const source = onnx(
    { nodes: [node("Slice", ["x"], ["y"], attributes)], inputs: { x: [1, 3] }, outputs: { y: [] } },
    9,
  );
  using model = await load(source);
  expect([...model.predict(floats([1, 3], 1, 2, 3)).output.data]).toEqual([2, 3]);
});

describe("outputs without a name", () => {
  const x = floats([1, 1, 4], 1, -3, 2, 0.5);
  test.each<[string, string[], FileNode["attributes"], number[]]>([
    ["MaxPool", ["", "y"], { kernel_shape: [2] }, [0, 2, 2]],
    ["Split", ["", "y"], { axis: 2 }, [2, 0.5]],
    ["Split", ["", "y", ""], { axis: 2 }, [-3, 2]],
    ["LayerNormalization", ["", "y"], {}, [0.125]],
    ["LayerNormalization", ["", "", "y"], {}, [1 / Math.sqrt(3.546875)]],
    ["DynamicQuantizeLinear", ["", "y"], {}, [Math.fround(5 / 255)]],
    ["DynamicQuantizeLinear", ["", "y", ""], {}, [Math.fround(5 / 255)]],
    ["DynamicQuantizeLinear", ["", "", "y"], {}, [153]],
    ["DynamicQuantizeLinear", ["q", "", "y"], {}, [153]],
  ])("%s as [%j]: the others are what they are", async (type, outputs, attributes, expected) => {
    const inputs = type === "LayerNormalization" ? ["x", "one"] : ["x"];
    const count = type === "Split" ? outputs.length : 0;
    const parts = count === 3 ? [1, 2, 1] : [2, 2];
    const source = onnx({
      nodes: [node(type, count > 0 ? ["x", "parts"] : inputs, outputs, attributes)],
      initializers: { one: floats([4], 1, 1, 1, 1), parts: { dims: [parts.length], data: parts } },
      inputs: { x: [1, 1, 4] },
      outputs: { y: null },
      types: { y: type === "MaxPool" ? INT64 : expected[0] === 153 ? 2 : 1 },
    });
    using model = await load(source, { batch: false });
    expectClose([...model.predict(x).output.data].map(Number), expected, 1e-5);
  });
});

test("a Reshape with −1 says what is missing, where the input has no samples", async () => {
  const source = onnx({
    nodes: [node("Reshape", ["x", "s"], ["y"])],
    initializers: { s: { dims: [3], data: [0, -1, 2] } },
    inputs: { x: ["n", 4] },
    outputs: { y: [] },
  });
  using model = await load(source);
  expect((await refusal(() => model.predict(floats([0, 4])))).message).toBe(
    "node 'y' (Reshape): expected dims that say what -1 stands for, got [0,-1,2] for an input without numbers.",
  );
});
