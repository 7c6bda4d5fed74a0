import { describe, expect, test } from "vitest";
import { load, type Network, network, op, type Tensor } from "../../src/entries/index.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { expectClose } from "../close.ts";
import { expectLayer } from "../ops/check.ts";
import { numbers } from "../random.ts";

/*
 * Activations that files spell out in other operators. What f is, is written here as a function of one number.
 */

const scalars: Readonly<Record<string, number>> = {
  one: 1,
  half: 0.5,
  two: 2,
  three: 3,
  six: 6,
  zero: 0,
  root2: Math.SQRT2,
  slope: 0.1,
  cubic: 0.044715,
  nearly: 0.044,
  pi: Math.sqrt(2 / Math.PI),
  quick: 1.702,
  tenth: -0.3,
  low: 0.2,
  tiny: 1e-4,
  small: -1e-6,
  far: 50,
  minusFar: -50,
};
const constant = (dims: readonly number[], ...data: readonly number[]) => ({ dims, data: Float32Array.from(data) });

/** `"y = Mul x s"` as a node. */
function node(line: string): FileNode {
  const [output, , type, ...inputs] = line.split(" ");
  const attributes = type === "HardSigmoid" ? { alpha: { float: 1 / 6 }, beta: { float: 0.5 } } : {};
  return { type, inputs, outputs: [output], attributes };
}

const DIMS = [3, 5, 2, 7];
const file = (text: string, more: Partial<FileGraph> = {}) =>
  onnx({
    nodes: text.split("; ").map(node),
    inputs: { x: DIMS },
    outputs: { y: [] },
    ...more,
    initializers: {
      ...Object.fromEntries(Object.entries(scalars).map(([name, v]) => [name, constant([], v)])),
      channels: constant([1, 5, 1, 1], -0.4, 0.3, 0.2, -0.1, 0.05),
      table: constant([1, 1, 2, 7], ...numbers(14, 3)),
      ...more.initializers,
    },
  });
const x: Tensor = { dims: DIMS, data: numbers(210, 5).map((v) => 4 * v) };

/** Nodes of a loaded file, with what they were folded from. */
async function nodesOf(source: Uint8Array | Network): Promise<string[]> {
  using model = await load(source);
  return model.inspect().nodes.map(({ type, note }) => (note?.includes("folded from") ? `${type}!` : type));
}

const GELU_TANH = (cubic: string) =>
  `a = Mul x x; b = Mul a x; c = Mul b ${cubic}; d = Add x c; e = Mul d pi; t = Tanh e; u = Add t one; h = Mul x half; y = Mul h u`;

describe("an activation in other words", () => {
  const spelled: readonly [string, string, string, Readonly<Record<string, unknown>>][] = [
    ["Relu", "Where", "c = Greater x zero; y = Where c x zero", {}],
    ["LeakyRelu", "Max", "a = Mul x slope; y = Max x a", { alpha: Math.fround(0.1) }],
    ["Gelu", "erf", "a = Div x root2; e = Erf a; b = Add e one; c = Mul x b; y = Mul c half", {}],
    ["Gelu", "erf, the half first", "a = Div x root2; e = Erf a; b = Add one e; h = Mul half x; y = Mul h b", {}],
    ["Gelu", "tanh", GELU_TANH("cubic"), { approximate: "tanh" }],
    ["HardSwish", "HardSigmoid", "g = HardSigmoid x; y = Mul g x", {}],
    ["HardSwish", "Clip", "a = Add x three; b = Clip a zero six; c = Mul x b; y = Div c six", {}],
    ["HardSwish", "Clip, divided first", "a = Add x three; b = Clip a zero six; d = Div b six; y = Mul x d", {}],
    ["Swish", "Sigmoid", "g = Sigmoid x; y = Mul x g", {}],
    ["Swish", "Sigmoid of 2x", "a = Mul x two; g = Sigmoid a; y = Mul g x", { alpha: 2 }],
    ["Mish", "Softplus", "s = Softplus x; t = Tanh s; y = Mul x t", {}],
  ];
  test.each(spelled)("%s by %s gives the same bits", async (type, _by, text, attributes) => {
    expect(await nodesOf(file(text))).toEqual([`${type}!`]);
    using native = await load(
      network({ inputs: { x: DIMS }, build: (g, { x }) => ({ y: g.chain(x, op(type, attributes)) }) }),
    );
    using model = await load(file(text));
    for (const composite of ["epsilon", "gradient"]) {
      const [own, other] = [model, native].map((m) =>
        m.explain(x, { composite, target: new Float32Array(210).fill(1) }),
      );
      expect(own.output.data).toEqual(other.output.data);
      expect(own.relevance.data).toEqual(other.relevance.data);
    }
  });

  const others: readonly [string, string, string, (v: number, i: number) => number][] = [
    ["x squared", "Cone!", "y = Mul x x", (v) => v * v],
    ["ReLU6 by hand, squared", "Cone!", "a = Clip x zero six; y = Mul a a", (v) => Math.min(Math.max(v, 0), 6) ** 2],
    [
      "GELU with 0.044",
      "Cone!",
      GELU_TANH("nearly"),
      (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + Math.fround(0.044) * v ** 3))),
    ],
    ["x tanh(2x)", "Cone!", "a = Mul x two; g = Tanh a; y = Mul x g", (v) => v * Math.tanh(2 * v)],
    ["x √(1 + x²)", "Cone!", "a = Mul x x; b = Add a one; c = Sqrt b; y = Mul x c", (v) => v * Math.sqrt(1 + v * v)],
    [
      "one slope for each channel",
      "Cone!",
      "a = Mul x channels; b = Max x a; y = Mul b b",
      (v, i) => Math.max(v, v * [-0.4, 0.3, 0.2, -0.1, 0.05].map(Math.fround)[Math.floor(i / 14) % 5]) ** 2,
    ],
  ];
  test.each(others)("what has no row passes as a whole: %s", async (_name, type, text, f) => {
    expect((await nodesOf(file(text))).at(-1)).toBe(type);
    await expectLayer(file(text), x, { dims: DIMS, forward: (v) => Array.from(v, f), scale: 64 });
    using model = await load(file(text));
    const { relevance, output } = model.explain(x, { target: new Float32Array(210).fill(1) });
    // Whatever f is, relevance passes.
    expect(relevance.data).toEqual(output.data);
  });
});

describe("is not folded", () => {
  test.each<[string, string, Partial<FileGraph>]>([
    ["a value that something else reads", "g = Sigmoid x; y = Mul x g; z = Exp g", { outputs: { y: [], z: [] } }],
    ["a value that is an output", "g = Sigmoid x; y = Mul x g", { outputs: { y: [], g: [] } }],
    ["two sources", "g = Sigmoid w; y = Mul x g", { inputs: { x: DIMS, w: DIMS } }],
    ["a mean on the way", "m = ReduceMean x; y = Sub x m", {}],
    ["a table beside it", "a = Mul x table; y = Mul x a", {}],
    ["a sum, which has a rule", "g = Sigmoid x; y = Add x g", {}],
    ["a softmax", "g = Softmax x; y = Mul x g", {}],
  ])("%s", async (_name, text, more) => {
    expect((await nodesOf(file(text, more))).join()).not.toContain("!");
  });

  test("but what surrounds it is read on", async () => {
    const text = "g = Sigmoid x; a = Mul x g; b = Mul a two; y = Add x b; z = Exp x";
    const nodes = await nodesOf(file(text, { outputs: { y: [], z: [] } }));
    expect(nodes.map((n) => n.replace(/Swish|Cone/, "f"))).toEqual(["f!", "Mul", "Add", "Exp"]);
  });
});

/* Functions that are an activation but for a short way, where no number that was tried may have lain. */
describe("is no activation that it nearly is", () => {
  test.each<[string, string, (v: number) => number]>([
    [
      "LeakyRelu with its kink at 0.2",
      "c = Greater x low; a = Mul x slope; y = Where c x a",
      (v) => (v > Math.fround(0.2) ? v : Math.fround(0.1) * v),
    ],
    ["Relu from 0.0001 on", "c = Greater x tiny; y = Where c x zero", (v) => (v > Math.fround(1e-4) ? v : 0)],
    ["Relu from −0.000001 on", "c = Greater x small; y = Where c x zero", (v) => (v > Math.fround(-1e-6) ? v : 0)],
    [
      "Swish up to 50",
      "g = Sigmoid x; a = Mul x g; c = Less x far; y = Where c a far",
      (v) => (v < 50 ? v / (1 + Math.exp(-v)) : 50),
    ],
    [
      "Relu that jumps at −50",
      "r = Relu x; c = Less x minusFar; y = Where c x r",
      (v) => (v < -50 ? v : Math.max(v, 0)),
    ],
  ])("%s", async (_name, text, f) => {
    const data = Float32Array.of(-60, -49, -1, -1e-5, 0, 5e-5, 2e-4, 0.1, 0.19, 0.21, 1, 30, 49, 60);
    const bytes = file(text, { inputs: { x: [1, 14] } });
    using model = await load(bytes);
    expectClose(model.predict({ dims: [1, 14], data }).output.data, Array.from(data, f), 1e-6);
    expect((await nodesOf(bytes)).at(-1)).toBe("Where");
  });
});
