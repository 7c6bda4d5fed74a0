import { type Budget, HOST } from "../../../base/budget.ts";
import { demand } from "../../../base/complaint.ts";
import { type Constant, type Dims, shapeText } from "../../../base/tensor.ts";
import type { Node, Operands } from "../../../graph/graph.ts";
import { type AttributeReader, integers, known, type Op } from "../../op.ts";
import { B, C0, H0, LENGTHS, P, R, type Recurrent, W, X } from "./cell.ts";
import { recurrentWay } from "./way.ts";

/*
 * LSTM, GRU and RNN. Each becomes one node for its states at all times, and nodes that take from these what the file
 * wants: all of them, or the last. So relevance arrives at one output, whichever of them is explained.
 */

/** How many gates a cell has, and its functions. */
const CELLS = {
  LSTM: { gates: 4, functions: ["Sigmoid", "Tanh", "Tanh"], variant: "input_forget" },
  GRU: { gates: 3, functions: ["Sigmoid", "Tanh"], variant: "linear_before_reset" },
  RNN: { gates: 1, functions: ["Tanh"], variant: undefined },
} as const;

type Type = keyof typeof CELLS;

const BOTH = "alpha beta";
/**
 * Of each function the kernel's number, α and β, and which of these are attributes. NaN where the standard and
 * onnxruntime differ in what it is when it is left out.
 */
const FUNCTIONS: readonly (readonly [name: string, which: number, alpha: number, beta: number, given: string])[] = [
  ["Relu", 0, 0, 0, ""],
  ["Tanh", 1, 1, 1, ""],
  ["Sigmoid", 2, 0, 0, ""],
  ["Affine", 3, NaN, NaN, BOTH],
  ["LeakyRelu", 4, 0.01, 0, "alpha"],
  ["ThresholdedRelu", 0, NaN, 0, "alpha"],
  ["ScaledTanh", 1, NaN, NaN, BOTH],
  ["HardSigmoid", 5, 0.2, 0.5, BOTH],
  ["Elu", 6, 1, 0, "alpha"],
  ["Softsign", 7, 0, 0, ""],
  ["Softplus", 8, 0, 0, ""],
];

/** Every function as the kernel reads it. Numbers of `activation_alpha` and `_beta` go to those that take one, in order. */
function functionsOf(read: AttributeReader, names: readonly string[]): number[][] {
  const lists = ["alpha", "beta"].map((name) => ({ name, given: read.floats(`activation_${name}`) ?? [], taken: 0 }));
  const functions = names.map((name) => {
    const row = FUNCTIONS.find(([known]) => known.toLowerCase() === name.toLowerCase());
    demand(row, "unsupported", `activations of ${FUNCTIONS.map(([known]) => known).join(", ")}`, name);
    const [known, which, alpha, beta, takes] = row;
    const parameters = [alpha, beta].map((otherwise, i) => {
      const list = lists[i];
      const value = takes.includes(list.name) ? (list.given[list.taken++] ?? otherwise) : otherwise;
      demand(!Number.isNaN(value), "unsupported", `an activation_${list.name} for ${known}`, "none");
      return value;
    });
    return [which, ...parameters];
  });
  for (const { name, given, taken } of lists) {
    const fits = taken === 0 || given.length <= taken;
    demand(fits, "unsupported", `activation_${name} of the ${taken} activations that take one`, `${given.length}`);
  }
  return functions;
}

function attributesOf(read: AttributeReader, type: Type): Recurrent {
  const { functions, gates, variant } = CELLS[type];
  const direction = read.string("direction", "forward");
  const backwards = new Map([
    ["forward", [false]],
    ["reverse", [true]],
    ["bidirectional", [false, true]],
  ]).get(direction);
  demand(backwards, "invalid-model", "direction forward, reverse or bidirectional", direction);
  const names = read.strings("activations") ?? backwards.flatMap(() => functions);
  const count = backwards.length * functions.length;
  demand(names.length === count, "invalid-model", `${count} activations`, `${names.length}`);
  const clip = read.float("clip", Infinity);
  demand(clip > 0, "invalid-model", "a clip > 0", `${clip}`);
  const isVariant = variant !== undefined && read.int(variant, 0) !== 0;
  const all = functionsOf(read, names);
  const directions = backwards.map((isReverse, d) => {
    const own = all.slice(d * functions.length, (d + 1) * functions.length).flat();
    const unused = new Array<number>(9 - own.length).fill(0);
    return { isReverse, cell: [...own, ...unused, clip, Number(isVariant)] };
  });
  // The outputs say as well whether Y is wanted.
  if (read.opset < 7) read.ignore("output_sequence");
  const [hidden, batchFirst] = [read.int("hidden_size", 0), read.int("layout", 0) === 1];
  return { gates, directions, isVariant, hidden, batchFirst };
}

function lengthsOf(inputs: Operands, steps: number, batch: number): readonly number[] {
  const lengths = integers(inputs, LENGTHS, "sequence_lens") ?? new Array<number>(batch).fill(steps);
  demand(lengths.length === batch, "invalid-model", `${batch} sequence_lens`, `${lengths.length}`);
  const wrong = lengths.find((v) => v < 0 || v > steps);
  demand(wrong === undefined, "invalid-model", `sequence_lens from 0 to ${steps}`, `${wrong}`);
  return lengths;
}

/** Which of all states are the last of every direction and sample: of y (0) or of c (1). */
function lastStates(
  { directions, batchFirst, lengths = [] }: Recurrent,
  steps: number,
  which: number,
  budget: Budget,
): Constant {
  const [d, n] = [directions.length, lengths.length];
  budget.take(8 * d * n, HOST * d * n);
  const data = Float64Array.from({ length: d * n }, (_, i) => {
    const [direction, sample] = batchFirst ? [i % d, Math.floor(i / d)] : [Math.floor(i / n), i % n];
    // A sample without a step has zeros everywhere.
    const time = directions[direction].isReverse ? 0 : Math.max(lengths[sample] - 1, 0);
    return ((which * steps + time) * d + direction) * n + sample;
  });
  return { type: "int64", dims: batchFirst ? [n, d] : [d, n], data };
}

/** The states as a node, and what the outputs take of them. */
function statesAndOutputs(
  type: Type,
  inputs: Operands,
  given: Recurrent,
  node: Node,
  budget: Budget,
): readonly Node[] | undefined {
  if (given.lengths) return undefined;
  const { dims } = inputs[X]!;
  demand(dims.length === 3, "shape", "an X of rank 3", `rank ${dims.length}`);
  const { batchFirst } = given;
  const [steps, batch] = batchFirst ? [dims[1], dims[0]] : dims;
  const attributes: Recurrent = { ...given, lengths: lengthsOf(inputs, steps, batch) };
  const nodes: Node[] = [];
  const value = node.outputs.find(Boolean);
  /** @returns the name of the output */
  const add = (part: string, of: string, reads: readonly string[], attributes: object, output?: string): string => {
    const makes = output ?? `${value}:${part}`;
    nodes.push({ name: `${node.name}:${part}`, type: of, attributes, inputs: reads, outputs: [makes] });
    return makes;
  };
  const turned = node.inputs.map((name, i) =>
    batchFirst && name && [X, H0, C0].includes(i) ? add(`input ${i}`, "Transpose", [name], { perm: [1, 0, 2] }) : name,
  );
  // Those of an LSTM are y, and c behind it.
  const isPair = type === "LSTM";
  const [y, ...last] = node.outputs;
  const states = isPair || batchFirst || !y ? `${value}:states` : y;
  const outputs = [states, `${value}:gates`, `${value}:beside`];
  nodes.push({ ...node, attributes, inputs: turned, outputs });
  if (y && states !== y) {
    const first = { value: { type: "int64", dims: [], data: Float64Array.of(0) } };
    const all = isPair
      ? add("Y", "Gather", [states, add("first", "Constant", [], first)], { axis: 0 }, batchFirst ? undefined : y)
      : states;
    if (batchFirst) add("Y turned", "Transpose", [all], { perm: [2, 0, 1, 3] }, y);
  }
  last.forEach((output, which) => {
    if (output === "") return;
    const part = ["Y_h", "Y_c"][which];
    const places = { value: lastStates(attributes, steps, which, budget) };
    const rows = add(`${part} of`, "Flatten", [states], { axis: -1 });
    add(part, "Gather", [rows, add(`${part} at`, "Constant", [], places)], { axis: 0 }, output);
  });
  return nodes;
}

/** Dims of the states, of the gates, and of what a GRU keeps beside. */
function shapesOf(type: Type, inputs: Operands, { directions, gates, hidden: given }: Recurrent): Dims[] {
  const [steps, batch, input] = inputs[X]!.dims;
  const hidden = given || (inputs[R]!.dims.at(-1) ?? 0);
  const [d, rows] = [directions.length, gates * hidden];
  const state = [d, batch, hidden];
  const check = (index: number, name: string, dims: Dims, isParameter: boolean) => {
    const x = isParameter ? known(inputs, index, name) : inputs[index];
    demand(!x || x.dims.join() === dims.join(), "shape", `${name} of ${shapeText(dims)}`, shapeText(x?.dims ?? []));
  };
  check(W, "W", [d, rows, input], true);
  check(R, "R", [d, rows, hidden], true);
  check(B, "B", [d, 2 * rows], true);
  check(H0, "initial_h", state, false);
  check(C0, "initial_c", state, false);
  check(P, "P", [d, 3 * hidden], true);
  const all = [steps, ...state];
  return [type === "LSTM" ? [2, ...all] : all, [steps, batch, d * rows], type === "GRU" ? all : [1]];
}

/**
 * Source: ONNX LSTM-14, GRU-14, RNN-14. What these leave open is as onnxruntime has it: `clip` does not bound what the
 * last function of an LSTM takes, and a sample without a step has zeros in the place of its last state.
 */
const row = (type: Type, more: string): Op<Recurrent> => ({
  type,
  family: "recurrent",
  summary: "Any linear rule that keeps inputs and weights shares it. All goes to the signal, and none to the gates.",
  takes: `X W R B? sequence_lens:int? initial_h?${more}`,
  outputs: type === "LSTM" ? 3 : 2,
  attributes: (read) => attributesOf(read, type),
  instead: (inputs, a, node, budget) => statesAndOutputs(type, inputs, a, node, budget),
  infer: (inputs, a) => ({ dims: shapesOf(type, inputs, a) }),
  node: recurrentWay,
});

export const recurrences: readonly Op<Recurrent>[] = [row("LSTM", " initial_c? P?"), row("GRU", ""), row("RNN", "")];
