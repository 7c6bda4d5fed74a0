import { demand, insist } from "../../base/complaint.ts";
import { normalizeAxis } from "../../base/tensor.ts";
import type { Body, Node, Operand, Operands } from "../../graph/graph.ts";
import { type AttributeReader, axisOf, integers, NONE, type Op, single } from "../op.ts";
import type { Unroller } from "../unroller.ts";
import { integer, stacked, truth } from "./loops.ts";
import { TENSORS, unrolls } from "../says.ts";

/*
 * Sequences of tensors, and values that may be none. How long a sequence is, and which of its tensors is meant, must be
 * known before the network runs: then only the tensors are left.
 */

const nothing = () => NONE;

/** The tensors of an operand that must be a sequence. */
function itemsOf(x: Operand | undefined): readonly string[] {
  const received = x?.items === null ? "an optional value that is none" : "a tensor";
  demand(x?.items, "invalid-model", "a sequence", received);
  return x.items;
}

/** A position in a sequence, counted from 0. @param most how many positions there are */
function positionOf(inputs: Operands, index: number, most: number, otherwise: number): number {
  const given = single(inputs, index, "a position");
  if (given === undefined) return otherwise;
  const place = normalizeAxis(given, most);
  demand(place !== undefined, "invalid-model", `a position from ${-most} to ${most - 1}`, `${given}`);
  return place;
}

type Unroll<A extends object> = (at: Unroller, inputs: Operands, a: A, node: Node, output: string) => void;

/** A row of an operator that has one output. */
function row<A extends object>(
  type: string,
  takes: Op<A>["takes"],
  attributes: (read: AttributeReader) => A,
  unroll: Unroll<A>,
): Op<A> {
  return {
    type,
    family: "other",
    summary: TENSORS,
    takes,
    attributes,
    unroll: (at, inputs, a, node) => unroll(at, inputs, a, node, node.outputs[0]),
  };
}

/** Lengths of the parts that a split gives, one number each unless it says otherwise. */
function lengthsOf(inputs: Operands, length: number): readonly number[] {
  const given = integers(inputs, 1, "lengths");
  const isEach = inputs[1]?.dims.length === 0;
  if (given && !isEach) {
    const fits = given.every((v) => v >= 0) && given.reduce((sum, v) => sum + v, 0) === length;
    demand(fits, "shape", `lengths that add up to ${length}`, `[${given}]`);
    return given;
  }
  const [each] = given ?? [1];
  demand(each > 0, "invalid-model", "a length of 1 or more", `${each}`);
  // What is too much is said when it is made.
  return Array.from({ length: Math.min(Math.ceil(length / each), 2 ** 20) }, (_, i) =>
    Math.min(each, length - i * each),
  );
}

/** Source: ONNX SplitToSequence-24. */
const splitToSequence = row<{ axis: number; keeps: boolean }>(
  "SplitToSequence",
  "input:each split:int?",
  (read) => ({ axis: read.int("axis", 0), keeps: read.int("keepdims", 1) !== 0 }),
  (at, inputs, a, { inputs: [x] }, output) => {
    const { dims } = inputs[0]!;
    const axis = axisOf(a.axis, dims.length);
    let end = 0;
    const parts = lengthsOf(inputs, dims[axis]).map((length, i) => {
      const start = end;
      end += length;
      if (!inputs[1] && !a.keeps) return at.add("Gather", [x, at.constant(integer(i))], { axis });
      return at.add("Slice", [x], { starts: [start], ends: [end], axes: [axis] });
    });
    at.sequence(parts, output);
  },
);

/** Source: ONNX ConcatFromSequence-11. */
const concatFromSequence = row<{ axis: number; isNew: boolean }>(
  "ConcatFromSequence",
  "input_sequence:each",
  (read) => ({ axis: read.int("axis", NaN), isNew: read.int("new_axis", 0) === 1 }),
  (at, [x], { axis, isNew }, _node, output) => {
    const items = itemsOf(x);
    insist(items.length > 0, "unsupported", "its sequence is empty");
    if (isNew) stacked(at, items, axis, output);
    else at.add("Concat", items, { axis }, output);
  },
);

/** Calls its body for each tensor of a sequence. Source: ONNX SequenceMap-17. */
const sequenceMap: Op<{ body?: Body }> = {
  type: "SequenceMap",
  family: "other",
  summary: unrolls("tensor"),
  takes: "input_sequence:each additional_inputs...:each?",
  outputs: Infinity,
  attributes: (read) => ({ body: read.body("body") }),
  unroll(at, inputs, { body }, { outputs }) {
    insist(body, "invalid-model", "it lacks a body");
    const fits = body.outputs.length === outputs.length;
    demand(fits, "invalid-model", `a body of ${outputs.length} outputs`, `${body.outputs.length}`);
    const count = itemsOf(inputs[0]).length;
    const made: (readonly string[])[] = [];
    for (let i = 0; i < count; i++) {
      const given = inputs.map((x) => {
        insist(!x!.items || x!.items.length === count, "invalid-model", "its sequences are not equally long");
        return x!.items ? x!.items[i] : x!.name;
      });
      const own = at.body(body, given, `${i}`);
      if (!own) return;
      made.push(own);
    }
    for (const [k, output] of outputs.entries())
      if (output)
        at.sequence(
          made.map((own) => own[k]),
          output,
        );
  },
};

/** Sequences, and values that may be none. Sources: ONNX SequenceAt-11 and the others of that name, Optional-15. */
// biome-ignore lint/suspicious/noExplicitAny: each row has attributes of its own type, and only the row reads them
export const sequences: readonly Op<any>[] = [
  row("SequenceConstruct", "inputs...:any", nothing, (at, _inputs, _a, { inputs }, output) =>
    at.sequence(inputs, output),
  ),
  row(
    "SequenceEmpty",
    "",
    (read) => {
      read.int("dtype", 1);
      return nothing();
    },
    (at, _inputs, _a, _node, output) => at.sequence([], output),
  ),
  row("SequenceAt", "input_sequence:each position:int", nothing, (at, inputs, _a, _node, output) => {
    const items = itemsOf(inputs[0]);
    at.add("Identity", [items[positionOf(inputs, 1, items.length, NaN)]], {}, output);
  }),
  row("SequenceInsert", "input_sequence:each tensor:each position:int?", nothing, (at, inputs, _a, node, output) => {
    const items = itemsOf(inputs[0]);
    // Behind the last, too, which a position from the end cannot say.
    const place = single(inputs, 2, "a position") === items.length ? items.length : undefined;
    const to = place ?? positionOf(inputs, 2, items.length, items.length);
    at.sequence([...items.slice(0, to), node.inputs[1], ...items.slice(to)], output);
  }),
  row("SequenceErase", "input_sequence:each position:int?", nothing, (at, inputs, _a, _node, output) => {
    const items = itemsOf(inputs[0]);
    insist(items.length > 0, "invalid-model", "its sequence is empty");
    const from = positionOf(inputs, 1, items.length, items.length - 1);
    at.sequence(
      items.filter((_, i) => i !== from),
      output,
    );
  }),
  row("SequenceLength", "input_sequence:each", nothing, (at, [x], _a, _node, output) => {
    at.constant(integer(itemsOf(x).length), output);
  }),
  splitToSequence,
  concatFromSequence,
  sequenceMap,
  row(
    "Optional",
    "input:each?",
    (read) => {
      read.ignore("type");
      return nothing();
    },
    (at, [x], _a, _node, output) => {
      if (x) at.add("Identity", [x.name], {}, output);
      else at.sequence(null, output);
    },
  ),
  row("OptionalHasElement", "input:each?", nothing, (at, [x], _a, _node, output) => {
    at.constant(truth(x !== undefined && x.items !== null), output);
  }),
  row("OptionalGetElement", "input:each", nothing, (at, [x], _a, _node, output) => {
    insist(x!.items !== null, "invalid-model", "its input is an optional value that is none");
    at.add("Identity", [x!.name], {}, output);
  }),
];
