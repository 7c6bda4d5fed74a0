import { describe, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { type Attribute, type FileNode, type FileTensor, int32, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count } from "../reference/linear.ts";
import { activations, recur, type Recurrence } from "../reference/recurrent.ts";
import { expectLayer } from "./check.ts";

/*
 * LSTM, GRU and RNN against their definition: outputs, and the gradient by differences of it. X and the initial states
 * are parts of one input, and all outputs are parts of one output, so that every way through the node is taken.
 */

type Type = Recurrence["type"];

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
const DEFAULTS = { LSTM: ["Sigmoid", "Tanh", "Tanh"], GRU: ["Sigmoid", "Tanh"], RNN: ["Tanh"] } as const;

interface Case {
  readonly sizes?: readonly [steps: number, batch: number, input: number, hidden: number];
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly lengths?: readonly number[];
  readonly bias?: boolean;
  readonly states?: boolean;
  readonly peepholes?: boolean;
  readonly clip?: number;
  readonly variant?: boolean;
  readonly batchFirst?: boolean;
  /** Of each direction one after the other: name, and α and β where the file gives them. */
  readonly functions?: readonly (readonly [name: string, alpha?: number, beta?: number])[];
  /** Which outputs are there. */
  readonly wanted?: readonly number[];
  readonly scale?: number;
}

/** What the standard and onnxruntime agree that α and β are. */
const PARAMETERS: Readonly<Record<string, readonly [alpha: number, beta: number]>> = {
  LeakyRelu: [Math.fround(0.01), 0],
  HardSigmoid: [Math.fround(0.2), 0.5],
  Elu: [1, 0],
};

/** [a, b, …] with its first two axes swapped. */
function swapped(x: ArrayLike<number>, [a, b, ...rest]: readonly number[]): Float64Array {
  const inner = count(rest);
  return Float64Array.from(x, (_, i) => {
    const [p, q] = [Math.floor(i / (a * inner)), Math.floor(i / inner) % a];
    return x[(q * b + p) * inner + (i % inner)];
  });
}

/** A file with this node, and what it computes. */
function layer(type: Type, c: Case, seed = 1) {
  const [steps, batch, input, hidden] = c.sizes ?? [5, 3, 2, 7];
  const directions = c.direction === "bidirectional" ? 2 : 1;
  const gates = GATES[type];
  const scale = c.scale ?? 0.7;
  const parameter = (dims: readonly number[], own: number) => tensor(dims, seed + own, -scale, scale);
  const w = parameter([directions, gates * hidden, input], 1);
  const r = parameter([directions, gates * hidden, hidden], 2);
  const b = c.bias === false ? undefined : parameter([directions, 2 * gates * hidden], 3);
  const p = c.peepholes ? parameter([directions, 3 * hidden], 4) : undefined;
  const first = (a: number, b: number, ...rest: number[]) => (c.batchFirst ? [b, a, ...rest] : [a, b, ...rest]);
  const state = first(directions, batch, hidden);
  const parts = [
    first(steps, batch, input),
    ...(c.states === false ? [] : [state, ...(type === "LSTM" ? [state] : [])]),
  ];
  const starts = parts.map((_, i) => count([parts.slice(0, i).reduce((sum, d) => sum + count(d), 0)]));
  const total = starts.at(-1)! + count(parts.at(-1)!);
  const initializers: Record<string, FileTensor> = { w, r };
  if (b) initializers.b = b;
  if (p) initializers.p = p;
  if (c.lengths) initializers.lengths = int32(...c.lengths);
  const nodes: FileNode[] = parts.map((dims, i) => {
    initializers[`from${i}`] = { dims: [1], data: [starts[i]] };
    initializers[`to${i}`] = { dims: [1], data: [starts[i] + count(dims)] };
    return { type: "Slice", inputs: ["x", `from${i}`, `to${i}`, "one"], outputs: [`part${i}`] };
  });
  initializers.one = { dims: [1], data: [1] };
  for (const [i, dims] of parts.entries()) {
    initializers[`dims${i}`] = { dims: [dims.length], data: dims };
    nodes.push({ type: "Reshape", inputs: [`part${i}`, `dims${i}`], outputs: [`in${i}`] });
  }
  const states = c.states === false ? ["", ""] : ["in1", type === "LSTM" ? "in2" : ""];
  const inputs = ["in0", "w", "r", b ? "b" : "", c.lengths ? "lengths" : "", ...states, p ? "p" : ""];
  while (inputs.at(-1) === "") inputs.pop();
  const functions =
    c.functions ?? Array.from({ length: directions }, () => DEFAULTS[type].map((n) => [n] as const)).flat();
  const [alpha, beta] = [1, 2].map((i) => functions.flatMap((f) => (f[i] === undefined ? [] : [f[i] as number])));
  const attributes: Record<string, Attribute> = {
    hidden_size: hidden,
    ...(c.direction && { direction: c.direction }),
    ...(c.functions && { activations: { strings: functions.map(([name]) => name) } }),
    ...(alpha.length > 0 && { activation_alpha: { floats: alpha } }),
    ...(beta.length > 0 && { activation_beta: { floats: beta } }),
    ...(c.clip && { clip: { float: c.clip } }),
    ...(c.variant && { [type === "LSTM" ? "input_forget" : "linear_before_reset"]: 1 }),
    ...(c.batchFirst && { layout: 1 }),
  };
  const all = type === "LSTM" ? [0, 1, 2] : [0, 1];
  const wanted = c.wanted ?? all;
  const outputs = all.map((i) => (wanted.includes(i) ? `out${i}` : ""));
  nodes.push({ type, name: "cell", inputs, outputs, attributes });
  initializers.flat = { dims: [2], data: [1, -1] };
  for (const i of wanted) nodes.push({ type: "Reshape", inputs: [`out${i}`, "flat"], outputs: [`flat${i}`] });
  nodes.push({ type: "Concat", inputs: wanted.map((i) => `flat${i}`), outputs: ["y"], attributes: { axis: 1 } });
  const file = onnx({ nodes, initializers, inputs: { x: [1, total] }, outputs: { y: [] } });
  const known = functions.map(([name, a, bb]) => {
    const row = Object.keys(activations).find((key) => key.toLowerCase() === name.toLowerCase())!;
    const [da, db] = PARAMETERS[row] ?? [0, 0];
    const [own, other] = [a, bb].map((v) => v && Math.fround(v));
    return (v: number) => activations[row](v, own ?? da, other ?? db);
  });
  const each = DEFAULTS[type].length;
  const recurrence: Recurrence = {
    type,
    steps,
    batch,
    input,
    hidden,
    w: w.data,
    r: r.data,
    b: b?.data,
    p: p?.data,
    lengths: c.lengths,
    clip: c.clip && Math.fround(c.clip),
    inputForget: c.variant,
    linearBeforeReset: c.variant,
    directions: Array.from({ length: directions }, (_, d) => ({
      activations: known.slice(d * each, (d + 1) * each),
      reverse: c.direction === "reverse" || d === 1,
    })),
  };
  const forward = (x: ArrayLike<number>) => {
    const given = Array.from(x);
    const [own, h, cell] = parts.map((dims, i) => {
      const part = given.slice(starts[i], starts[i] + count(dims));
      return c.batchFirst ? swapped(part, dims) : part;
    });
    const { y, h: lastH, c: lastC } = recur(recurrence, { x: own, h, c: cell });
    const turned = (dims: readonly number[], v: Float64Array) =>
      c.batchFirst ? swapped(v, [dims[1], dims[0], ...dims.slice(2)]) : v;
    // [steps, directions, batch, …] becomes [batch, steps, directions, …].
    const inOrder = c.batchFirst ? turned([batch, steps * directions, hidden], y) : y;
    const results = [inOrder, turned(state, lastH), turned(state, lastC)];
    return Float64Array.from(wanted.flatMap((i) => [...results[i]]));
  };
  const x = { dims: [1, total], data: numbers(total, seed + 5, -1, 1) };
  return { file, x, forward, dims: [1, forward(x.data).length] };
}

const check = async (type: Type, c: Case, seed = 1) => {
  const { file, x, forward, dims } = layer(type, c, seed);
  await expectLayer(file, x, { dims, forward, scale: Math.max(1, ...forward(x.data).map(Math.abs)) });
};

const TYPES: readonly Type[] = ["LSTM", "GRU", "RNN"];
const DIRECTIONS = ["forward", "reverse", "bidirectional"] as const;

describe.each(TYPES)("%s", (type) => {
  describe.each(DIRECTIONS)("%s", (direction) => {
    test.each<[string, Case]>([
      ["with states and biases", {}],
      ["without either", { bias: false, states: false }],
      ["sequences of several lengths, none among them", { lengths: [5, 0, 3] }],
      ["sequences of equal lengths beside others", { sizes: [4, 5, 3, 2], lengths: [3, 3, 1, 4, 4] }],
      ["shorter sequences only", { lengths: [2, 1, 2] }],
      ["the variant", { variant: true }],
      ["the variant without biases", { variant: true, bias: false }],
      ["bounded", { clip: 0.4, scale: 1 }],
      ["batch first", { batchFirst: true, lengths: [5, 2, 4] }],
      ["one of everything", { sizes: [1, 1, 1, 1] }],
    ])("%s", (_, c) => check(type, { direction, ...(type === "RNN" ? { ...c, variant: false } : c) }));
  });

  test.each([1, 2, 3, 4, 5, 8, 9, 31])("%i hidden", (hidden) => check(type, { sizes: [3, 2, 5, hidden] }));

  test.each([1, 2, 3, 4, 5, 7])("%i samples", (batch) =>
    check(type, { sizes: [3, batch, 2, 6], variant: type === "GRU" }),
  );

  test.each([[0], [1], [0, 1]])("outputs %j", (...wanted) => check(type, { wanted }));
});

describe("the cells of an LSTM", () => {
  test.each([[2], [1, 2], [0, 2]])("outputs %j", (...wanted) => check("LSTM", { wanted }));
  test.each(DIRECTIONS)("peepholes, %s", (direction) => check("LSTM", { direction, peepholes: true }));
  test("more neurons than their relevance is added up of at once", () =>
    check("LSTM", { sizes: [2, 1, 2, 259], scale: 0.1 }));
  test("peepholes with everything else", () =>
    check("LSTM", {
      direction: "bidirectional",
      peepholes: true,
      variant: true,
      clip: 0.5,
      lengths: [1, 5, 4],
      batchFirst: true,
    }));
});

/** Alone, and as a gate. A kink is a matter of luck for differences, so numbers stay away from it. */
const FUNCTIONS: readonly (readonly [name: string, alpha?: number, beta?: number])[] = [
  ["Relu"],
  ["Tanh"],
  ["Sigmoid"],
  ["Affine", 0.5, -0.25],
  ["LeakyRelu"],
  ["LeakyRelu", 0.3],
  ["ThresholdedRelu", 0.2],
  ["ScaledTanh", 0.75, 1.5],
  ["HardSigmoid"],
  ["HardSigmoid", 0.4, 0.3],
  ["Elu"],
  ["Elu", 0.5],
  ["Softsign"],
  ["Softplus"],
  ["sigmoid"],
  ["RELU"],
];

describe.each(FUNCTIONS)("%s with %s and %s", (...f) => {
  test("in an RNN", () => check("RNN", { functions: [f] }));
  test("in a GRU", () => check("GRU", { functions: [f, ["Tanh"]] }));
  test("in a GRU, at the end", () => check("GRU", { functions: [["Sigmoid"], f], variant: true }));
  test("in an LSTM", () => check("LSTM", { functions: [f, ["Tanh"], ["Tanh"]] }));
  test("in an LSTM, behind the gates", () => check("LSTM", { functions: [["Sigmoid"], f, f] }));
});

describe("functions of two directions", () => {
  test("take alpha and beta in their order", () =>
    check("LSTM", {
      direction: "bidirectional",
      functions: [
        ["HardSigmoid", 0.3, 0.4],
        ["Tanh"],
        ["ScaledTanh", 0.5, 1.25],
        ["Sigmoid"],
        ["Elu", 0.7],
        ["Affine", 0.9, 0.1],
      ],
    }));

  test("have alpha and beta of their own where the lists end", () =>
    check("RNN", { direction: "bidirectional", functions: [["HardSigmoid", 0.3, 0.4], ["HardSigmoid"]] }));
});

test("a long sequence stays as close to the definition as a short one", async () => {
  const c: Case = { sizes: [1500, 1, 3, 5], direction: "bidirectional", states: false };
  for (const type of TYPES) {
    const { file, x, forward } = layer(type, c);
    using model = await loadInMode(file);
    expectClose(model.predict(x).output.data, forward(x.data), 1e-6);
  }
});
