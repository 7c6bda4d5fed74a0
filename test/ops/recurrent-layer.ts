import { type Attribute, type FileNode, type FileTensor, int32, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count } from "../reference/linear.ts";
import { activations, type Computed, GATES, recur, type Recurrence } from "../reference/recurrent.ts";
import { recurBack, type Rule } from "../reference/recurrent-rules.ts";

/*
 * Files of one recurrent node. X and the initial states are parts of one input, and all outputs are parts of one output,
 * so that every way through the node is taken.
 */

export type Type = Recurrence["type"];

const DEFAULTS = { LSTM: ["Sigmoid", "Tanh", "Tanh"], GRU: ["Sigmoid", "Tanh"], RNN: ["Tanh"] } as const;

export interface Case {
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

/** A file with this node, what it computes, and how relevance goes back through it by a rule. */
export function layer(type: Type, c: Case, seed = 1) {
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
  const computed = (x: ArrayLike<number>): Computed => {
    const given = Array.from(x);
    const [own, h, cell] = parts.map((dims, i) => {
      const part = given.slice(starts[i], starts[i] + count(dims));
      return c.batchFirst ? swapped(part, dims) : part;
    });
    return { x: own, h, c: cell };
  };
  const forward = (x: ArrayLike<number>) => {
    const { y, h: lastH, c: lastC } = recur(recurrence, computed(x));
    const turned = (dims: readonly number[], v: Float64Array) =>
      c.batchFirst ? swapped(v, [dims[1], dims[0], ...dims.slice(2)]) : v;
    // [steps, directions, batch, …] becomes [batch, steps, directions, …].
    const inOrder = c.batchFirst ? turned([batch, steps * directions, hidden], y) : y;
    const results = [inOrder, turned(state, lastH), turned(state, lastC)];
    return Float64Array.from(wanted.flatMap((i) => [...results[i]]));
  };
  /** Relevance of the input from that of the output, in the same order, and what was absorbed. */
  const back = (x: ArrayLike<number>, u: ArrayLike<number>, rule: Rule) => {
    const sizes = [steps * directions * batch * hidden, count(state), count(state)];
    let from = 0;
    const received = new Map(wanted.map((i) => [i, Array.from(u).slice(from, (from += sizes[i]))]));
    const turned = (i: number, [a, b]: readonly number[], inner: number) => {
      const part = received.get(i);
      return part && c.batchFirst ? swapped(part, [a, b, inner]) : part;
    };
    const given = {
      y: turned(0, [batch, steps * directions], hidden),
      h: turned(1, [batch, directions], hidden),
      c: turned(2, [batch, directions], hidden),
    };
    const { x: own, h, c: cell, ledger } = recurBack(recurrence, computed(x), given, rule);
    const all = parts.map((dims, i) => {
      const part = [own, h, cell][i];
      return c.batchFirst ? swapped(part, [dims[1], dims[0], ...dims.slice(2)]) : part;
    });
    return { relevance: Float64Array.from(all.flatMap((part) => [...part])), ledger };
  };
  const x = { dims: [1, total], data: numbers(total, seed + 5, -1, 1) };
  return { file, x, forward, back, dims: [1, forward(x.data).length] };
}
