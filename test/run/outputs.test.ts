import { describe, expect, test } from "vitest";
import { type ExplainOptions, load, LrpError, type Model, relu, sequential } from "../../src/entries/index.ts";
import { expectClose, total } from "../close.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";

/*
 * Which output is explained, what is judged for it, and from which value its relevance starts.
 */

const INT64 = 7;
const floats = (dims: readonly number[], ...data: readonly number[]) => ({ dims, data: Float32Array.from(data) });
const node = (
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: FileNode["attributes"] = {},
): FileNode => ({ type, inputs, outputs, attributes });

const WEIGHT = [1, -1, 0.5, 2, 0.25, -2, -0.5, 1, 1.5, 0.75, -1, 3];
/** Scores [n, 3] of x [n, 4], and what a file makes of them. */
const file = (nodes: readonly FileNode[], outputs: readonly string[], more: Partial<FileGraph> = {}) =>
  onnx({
    nodes: [node("MatMul", ["x", "w"], ["scores"]), ...nodes],
    inputs: { x: ["n", 4] },
    outputs: Object.fromEntries(outputs.map((name) => [name, []])),
    ...more,
    initializers: {
      w: floats([4, 3], ...WEIGHT),
      hundred: floats([], 100),
      axis: { dims: [1], data: [-1] },
      names: { dims: [3], data: [70, 80, 90] },
      none: { dims: [1], data: [-1] },
      half: floats([1], 0.5),
      ...more.initializers,
    },
  });
const x = floats([2, 4], 1, 2, 3, 4, 0.5, -1, 2, 1);
const scoresOf = (data: Float32Array) =>
  [0, 1].flatMap((n) =>
    [0, 1, 2].map((j) => [0, 1, 2, 3].reduce((sum, i) => sum + data[n * 4 + i] * WEIGHT[i * 3 + j], 0)),
  );
const best = (row: readonly number[]) => row.indexOf(Math.max(...row));

function refusal(call: () => unknown): LrpError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    return error as LrpError;
  }
  throw new Error("not refused");
}

/** Relevance is that of the scores, class by class: Σ R is the score of the class that is largest. */
function expectFromScores(model: Model, options: ExplainOptions = {}, unit = 1): ReturnType<Model["explain"]> {
  const e = model.explain(x, { composite: "epsilon", ...options });
  const scores = scoresOf(x.data);
  expectClose(
    e.logits.data,
    scores.map((v) => v * unit),
    1e-6,
  );
  const rows = [scores.slice(0, 3), scores.slice(3)];
  expect(e.targets.map(([t]) => t.index)).toEqual(rows.map(best));
  for (const [n, row] of rows.entries())
    expectClose([total(e.relevance.data.subarray(n * 4, n * 4 + 4))], [unit * Math.max(...row)], 1e-5);
  return e;
}

describe("where relevance starts", () => {
  const softmax = node("Softmax", ["scores"], ["p"]);
  const exponent = (of: string) => [node("Exp", [of], ["e"]), node("ReduceSum", ["e", "axis"], ["sum"])];
  const less = [node("ReduceMax", ["scores"], ["m"], { axes: [-1] }), node("Sub", ["scores", "m"], ["d"])];
  test.each<[string, readonly FileNode[]]>([
    ["softmax", [node("Softmax", ["scores"], ["y"])]],
    ["softmax behind Cast", [softmax, node("Cast", ["p"], ["y"], { to: 1 })]],
    ["sigmoid behind Identity", [node("Sigmoid", ["scores"], ["p"]), node("Identity", ["p"], ["y"])]],
    ["per cents", [softmax, node("Mul", ["p", "hundred"], ["y"])]],
    [
      "per cents, the factor first",
      [softmax, node("Mul", ["hundred", "p"], ["q"]), node("Reshape", ["q", "to"], ["y"])],
    ],
    ["a hundredth", [node("LogSoftmax", ["scores"], ["p"]), node("Div", ["p", "hundred"], ["y"])]],
    ["exp of log-softmax", [node("LogSoftmax", ["scores"], ["l"]), node("Exp", ["l"], ["y"])]],
    ["log of softmax", [softmax, node("Log", ["p"], ["y"])]],
    ["softmax spelled out", [...less, ...exponent("d"), node("Div", ["e", "sum"], ["y"])]],
    ["softmax spelled out without maximum", [...exponent("scores"), node("Div", ["e", "sum"], ["y"])]],
    [
      "log-softmax spelled out",
      [...less, ...exponent("d"), node("Log", ["sum"], ["l"]), node("Sub", ["d", "l"], ["y"])],
    ],
  ])("before %s", async (_name, nodes) => {
    using model = await load(file(nodes, ["y"], { initializers: { to: { dims: [2], data: [0, 3] } } }));
    const { notes } = expectFromScores(model);
    expect(notes.join()).toMatch(/at the end.* left out/);
  });

  test("before a temperature it does not: the softmax takes the quotient", async () => {
    using model = await load(file([node("Div", ["scores", "half"], ["t"]), node("Softmax", ["t"], ["y"])], ["y"]));
    expectFromScores(model, {}, 2);
  });

  test.each<[string, readonly FileNode[]]>([
    [
      "a factor inside Exp(LogSoftmax)",
      [node("LogSoftmax", ["scores"], ["l"]), node("Mul", ["l", "hundred"], ["t"]), node("Exp", ["t"], ["y"])],
    ],
    [
      "a sum over other numbers",
      [...exponent("scores"), node("Exp", ["x2"], ["e2"]), node("Div", ["e2", "sum"], ["y"])],
    ],
    [
      "a maximum along another axis",
      [
        node("ReduceMax", ["scores"], ["m"], { axes: [0] }),
        node("Sub", ["scores", "m"], ["d"]),
        ...exponent("d"),
        node("Div", ["e", "sum"], ["y"]),
      ],
    ],
    ["a factor below 0", [softmax, node("Mul", ["p", "minus"], ["y"])]],
  ])("not before what is no softmax: %s", async (_name, nodes) => {
    const twice = node("Add", ["scores", "scores"], ["x2"]);
    using model = await load(file([twice, ...nodes], ["y"], { initializers: { minus: floats([], -1) } }));
    const { logits, output } = model.predict(x);
    const isPart = _name === "a maximum along another axis";
    // There the maximum does not cancel, so that the exponent is what counts.
    if (isPart) expect(Array.from(logits.data)).not.toEqual(scoresOf(x.data));
    else expect(logits.data).toEqual(output.data);
  });
});

describe("an output of integers", () => {
  const argmax = node("ArgMax", ["scores"], ["i"], { axis: 1, keepdims: 0 });
  const kept = node("ArgMax", ["scores"], ["i"], { axis: 1 });
  test.each<[string, readonly FileNode[], readonly number[]]>([
    ["ArgMax", [node("ArgMax", ["scores"], ["y"], { axis: 1, keepdims: 0 })], [0, 1, 2]],
    [
      "ArgMax of a softmax",
      [node("Softmax", ["scores"], ["p"]), node("ArgMax", ["p"], ["y"], { axis: 1, keepdims: 0 })],
      [0, 1, 2],
    ],
    [
      "ArgMax behind Cast and Reshape",
      [kept, node("Cast", ["i"], ["c"], { to: INT64 }), node("Reshape", ["c", "none"], ["y"])],
      [0, 1, 2],
    ],
    ["names of classes", [argmax, node("Gather", ["names", "i"], ["y"])], [70, 80, 90]],
    [
      "Where with a threshold",
      [
        argmax,
        node("ReduceMax", ["scores"], ["m"], { axes: [1], keepdims: 0 }),
        node("Greater", ["m", "half"], ["ok"]),
        node("Where", ["ok", "i", "none"], ["y"]),
      ],
      [0, 1, 2],
    ],
  ])("is explained by the scores that choose it: %s", async (_name, nodes, labels) => {
    using model = await load(file(nodes, ["y"], { types: { y: INT64 } }));
    const { targets, output, notes } = expectFromScores(model);
    expect(targets.map(([{ value }]) => value)).toEqual(["scores", "scores"]);
    expect([...output.data].map(Number)).toEqual(targets.map(([{ index }]) => labels[index]));
    expect(notes.join()).toContain("'y' holds integers: relevance starts from 'scores'");
    const other = model.explain(x, { target: [1, 0] });
    expect(other.targets.map(([{ index }]) => index)).toEqual([1, 0]);
  });

  test("gives way to one of float numbers, wherever that stands", async () => {
    const outputs = { outputs: { y: [], p: [], scores: [] }, types: { y: INT64 } };
    const nodes = [argmax, node("Identity", ["i"], ["y"]), node("Softmax", ["scores"], ["p"])];
    using model = await load(file(nodes, [], outputs));
    const { output, notes, targets } = expectFromScores(model);
    expectClose([total(output.data)], [2], 1e-6);
    expect(targets[0][0].value).toBeUndefined();
    expect(notes.join()).toContain("Output 'p' is explained: option 'output' chooses another.");
    const asked = expectFromScores(model, { output: "y" });
    expect(asked.targets[0][0].value).toBe("scores");
    expect(asked.notes.join()).not.toContain("is explained");
  });

  test("that no scores have chosen has no relevance", async () => {
    using model = await load(file([node("Greater", ["scores", "half"], ["y"])], ["y"], { types: { y: 9 } }));
    expect(refusal(() => model.explain(x)).code).toBe("rule");
  });
});

describe("what is judged", () => {
  const relu = node("Relu", ["scores"], ["y"]);
  const odd = node("Nonsense", ["scores"], ["z"]);

  test("an output that cannot be computed is left out, with its reason", async () => {
    using model = await load(file([odd, node("Relu", ["z"], ["z2"]), relu], ["z2", "y"]));
    expect(model.outputs.map(({ name }) => name)).toEqual(["y"]);
    expect(Object.keys(model.predict(x).outputs)).toEqual(["y"]);
    const { notes } = model.inspect();
    expect(notes.join("\n")).toMatch(/Output 'z2' is left out: node 'z' \(Nonsense\)/);
    const error = refusal(() => model.explain(x, { output: "z2" }));
    expect(error.code).toBe("unsupported");
    expect(error.message).toContain("(Nonsense)");
    expect(model.explain(x).notes.join()).toContain("Output 'y' is explained");
  });

  test("where none can, everything that is wrong is told at once", async () => {
    const other = node("Strange", ["x"], ["y"]);
    const error = await load(file([odd, other], ["z", "y"])).catch((reason) => reason);
    expect(error).toBeInstanceOf(LrpError);
    expect(error.issues).toHaveLength(2);
  });

  test("so it is with what only shapes tell", async () => {
    const nodes = [node("Reshape", ["scores", "scores"], ["z"]), relu];
    await expect(load(file(nodes, ["z"]))).rejects.toThrow(LrpError);
    using model = await load(
      file([node("MatMul", ["scores", "text"], ["z"]), relu], ["z", "y"], {
        initializers: { text: { dims: [3, 1], data: [1, 2, 3] } },
      }),
    );
    expect(Object.keys(model.predict(x).outputs)).toEqual(["y"]);
    expect(refusal(() => model.explain(x, { output: "z" })).message).toContain("node 'z' (MatMul)");
  });

  test("dims of a call that do not fit one of the outputs are an error", async () => {
    const nodes = [node("Add", ["scores", "two"], ["z"]), relu];
    using model = await load(file(nodes, ["z", "y"], { initializers: { two: floats([2, 3], 1, 2, 3, 4, 5, 6) } }));
    expect(Object.keys(model.predict(x).outputs)).toEqual(["z", "y"]);
    expect(refusal(() => model.predict(floats([3, 4], ...Array(12).fill(1)))).code).toBe("shape");
  });

  test("an input that only says how, as a zero point does, gets no relevance", async () => {
    const nodes = [node("DequantizeLinear", ["q", "s", "z"], ["y"])];
    const initializers = { q: floats([3], 1, 2, 3), s: floats([], 0.5) };
    using model = await load(onnx({ nodes, initializers, inputs: { z: [] }, outputs: { y: [3] } }));
    const zero = { data: Float32Array.of(1), dims: [] };
    expect([...model.predict({ z: zero }).output.data]).toEqual([0, 0.5, 1]);
    expect(refusal(() => model.explain({ z: zero }, { target: 1 })).message).toContain("no relevance can pass");
  });

  test("inputs that only the others need do not matter", async () => {
    const more = { inputs: { x: ["n", 4], s: [1] }, types: { s: 8 } };
    using model = await load(file([node("Add", ["scores", "s"], ["z"]), relu], ["z", "y"], more));
    expect(model.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(Object.keys(model.predict(x).outputs)).toEqual(["y"]);
  });

  test("many outputs that lack many nodes are refused in time", async () => {
    const count = 3000;
    const nodes = Array.from({ length: count }, (_, i) => [
      node("Nonsense", ["scores"], [`a${i}`]),
      node("Add", [i > 0 ? `s${i - 1}` : "scores", `a${i}`], [`s${i}`]),
    ]).flat();
    const names = Array.from({ length: count }, (_, i) => `s${i}`);
    using model = await load(file([...nodes, relu], [...names, "y"]));
    expect(model.outputs).toHaveLength(1);
  }, 20_000);
});

describe("values inside a file in place of its outputs", () => {
  const steps = [
    node("NonZero", ["scores"], ["places"]),
    node("Relu", ["scores"], ["positive"]),
    node("Identity", ["places"], ["y"]),
  ];

  test("a step behind the network that cannot be computed is left out", async () => {
    const bytes = file(steps, ["y"], { types: { y: INT64 } });
    await expect(load(bytes)).rejects.toThrow(/NonZero.*name the values before it as outputs of load/);
    using model = await load(bytes, { outputs: ["scores", "positive"] });
    expect(model.outputs.map(({ name }) => name)).toEqual(["scores", "positive"]);
    expectFromScores(model);
    expectClose(
      model.predict(x).outputs.positive.data as Float32Array,
      scoresOf(x.data).map((v) => Math.max(v, 0)),
      1e-6,
    );
  });

  test.each([
    [["nothing", "scores"], /names of values that a node of the file computes, got 'nothing'/],
    [["w"], /got 'w'/],
    [[], /a list of names of values, each once/],
    [["scores", "scores"], /each once/],
    ["scores", /a list of names of values, each once, got 'scores'/],
  ])("%j is refused", async (outputs, message) => {
    await expect(load(file([], ["scores"]), { outputs: outputs as string[] })).rejects.toThrow(message);
  });

  test("a network in code names its own", async () => {
    const source = sequential({ input: [4] }, [relu()]);
    await expect(load(source, { outputs: ["x"] })).rejects.toThrow(/names its outputs itself/);
  });
});
