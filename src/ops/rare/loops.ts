import { demand, insist } from "../../base/complaint.ts";
import { type Constant, numbersFor } from "../../base/tensor.ts";
import type { Body, Node, Operands } from "../../graph/graph.ts";
import { axisOf, type AttributeReader, type Op, single } from "../op.ts";
import type { Unroller } from "../unroller.ts";
import { unrolls } from "../says.ts";

/** What a loop's body is, which every one has. */
function bodyOf(read: AttributeReader): Body {
  const body = read.body("body");
  insist(body, "invalid-model", "it lacks a body");
  return body;
}

export const integer = (v: number): Constant => ({ type: "int64", dims: [], data: Float64Array.of(v) });
export const truth = (v: boolean): Constant => ({ type: "bool", dims: [], data: Float64Array.of(Number(v)) });

/** Values of equal dims along a new axis. */
export function stacked(at: Unroller, values: readonly string[], axis: number, output?: string): string {
  const parts = values.map((value) => at.add("Unsqueeze", [value], { axes: [axis] }));
  return at.add("Concat", parts, { axis }, output);
}

/** One slice of a value along an axis, which is gone. */
const sliced = (at: Unroller, value: string, axis: number, index: number): string =>
  at.add("Gather", [value, at.constant(integer(index))], { axis });

/** What a loop gathers: nothing, if it never ran; then the body's own words say of which shape. */
function gathered(at: Unroller, parts: readonly string[], axis: number, body: Body["outputs"][number], output: string) {
  if (parts.length > 0) return stacked(at, parts, axis, output);
  const { type, dims } = body;
  const says = type && dims.every((d): d is number => typeof d === "number");
  insist(says, "unsupported", `it never runs, and the file does not say which dims '${body.name}' would have`);
  const all = [...dims];
  all.splice(axis < 0 ? axis + all.length + 1 : axis, 0, 0);
  return at.constant({ type, dims: all, data: numbersFor(type, 0) }, output);
}

/**
 * Repeats its body so often as a trip count says, and as long as a condition holds: both must be known before the
 * network runs. Source: ONNX Loop-25.
 */
const loop: Op<{ body: Body }> = {
  type: "Loop",
  family: "other",
  summary: unrolls("time"),
  takes: "M:int? cond:bool? v_initial...:each?",
  outputs: Infinity,
  attributes: (read) => ({ body: bodyOf(read) }),
  unroll(at, inputs, { body }, { inputs: names, outputs }) {
    const most = single(inputs, 0, "a trip count") ?? Infinity;
    let goesOn = single(inputs, 1, "a condition") !== 0;
    insist(inputs[0] || inputs[1] || body.outputs.length > 0, "invalid-model", "its body has no outputs");
    let carried: readonly string[] = names.slice(2);
    const count = carried.length;
    checkOutputs(body, 1 + count, outputs.length + 1);
    const scans = body.outputs.slice(1 + count).map((): string[] => []);
    for (let i = 0; goesOn && i < most; i++) {
      const made = at.body(body, [at.constant(integer(i)), at.constant(truth(true)), ...carried], `${i}`);
      const condition = made && at.operand(made[0]);
      if (!made || !condition) return;
      goesOn = single([condition], 0, "a condition to go on") !== 0;
      carried = made.slice(1, 1 + count);
      for (const [k, value] of made.slice(1 + count).entries()) scans[k].push(value);
    }
    finish(at, outputs, carried, (k, output) => {
      const own = body.outputs[1 + count + k];
      gathered(at, scans[k], 0, own, output);
    });
  },
};

/** Every output of the node has one of the body. */
function checkOutputs(body: Body, least: number, wanted: number): void {
  const count = body.outputs.length;
  const fits = count >= least && count >= wanted;
  demand(fits, "invalid-model", `a body of at least ${Math.max(least, wanted)} outputs`, `${count}`);
}

/** The outputs that somebody reads: what was carried, then what was gathered. */
function finish(
  at: Unroller,
  outputs: readonly string[],
  carried: readonly string[],
  gather: (k: number, output: string) => void,
): void {
  for (const [i, output] of outputs.entries()) {
    if (output === "") continue;
    if (i < carried.length) at.add("Identity", [carried[i]], {}, output);
    else gather(i - carried.length, output);
  }
}

interface ScanAttributes {
  readonly body: Body;
  /** How many of the last inputs are walked through. */
  readonly count: number;
  /** The axes along which inputs are walked through and outputs gathered, and where this goes from the end. */
  readonly axes: readonly [inputs: readonly number[], outputs: readonly number[]];
  readonly reversed: readonly [inputs: readonly boolean[], outputs: readonly boolean[]];
  /** Until opset 8 every input has an axis of samples before all others. */
  readonly batched: boolean;
}

/** One walk through slices. @returns what was carried, and what was gathered at each step */
function walk(at: Unroller, a: ScanAttributes, states: readonly string[], inputs: readonly string[], label: string) {
  const lengths = inputs.map((name, k) => {
    const { dims } = at.operand(name)!;
    return dims[axisOf(a.axes[0][k] ?? 0, dims.length)];
  });
  const [length] = lengths;
  demand(new Set(lengths).size === 1, "shape", "inputs that are equally long along the axes of the scan", `${lengths}`);
  const steps: (readonly string[])[] = [];
  let carried = states;
  for (let t = 0; t < length; t++) {
    const slices = inputs.map((name, k) => sliced(at, name, a.axes[0][k] ?? 0, a.reversed[0][k] ? length - 1 - t : t));
    const made = at.body(a.body, [...carried, ...slices], `${label}${t}`);
    if (!made) return undefined;
    carried = made.slice(0, states.length);
    steps.push(made.slice(states.length));
  }
  return { carried, steps };
}

/** Walks through slices of its inputs; how many there are follows from shapes. Source: ONNX Scan-25, Scan-8. */
const scan: Op<ScanAttributes> = {
  type: "Scan",
  family: "other",
  summary: unrolls("slice"),
  takes: {
    8: "sequence_lens:int? initial_state_and_scan_inputs...:each",
    9: "initial_state_and_scan_inputs...:each",
  },
  outputs: Infinity,
  attributes(read) {
    const batched = read.opset < 9;
    const flags = (name: string) => (read.ints(name) ?? []).map((v) => v === 1);
    return {
      body: bodyOf(read),
      count: read.int("num_scan_inputs", NaN),
      batched,
      axes: batched ? [[], []] : [read.ints("scan_input_axes") ?? [], read.ints("scan_output_axes") ?? []],
      reversed: batched ? [flags("directions"), []] : [flags("scan_input_directions"), flags("scan_output_directions")],
    };
  },
  unroll(at, inputs, a, node) {
    const names = node.inputs.slice(a.batched ? 1 : 0);
    const fits = a.count >= 1 && a.count <= names.length;
    demand(fits, "invalid-model", `num_scan_inputs from 1 to ${names.length}`, `${a.count}`);
    checkOutputs(a.body, names.length - a.count, node.outputs.length);
    const [states, scanned] = [names.slice(0, -a.count), names.slice(-a.count)];
    if (a.batched) return batches(at, inputs, a, node, states, scanned);
    const walked = walk(at, a, states, scanned, "");
    if (!walked) return;
    finish(at, node.outputs, walked.carried, (k, output) => {
      const parts = walked.steps.map((step) => step[k]);
      if (a.reversed[1][k]) parts.reverse();
      gathered(at, parts, a.axes[1][k] ?? 0, a.body.outputs[states.length + k], output);
    });
  },
};

/** One walk for each sample. */
function batches(
  at: Unroller,
  [lengths]: Operands,
  a: ScanAttributes,
  { outputs, inputs }: Node,
  states: readonly string[],
  scanned: readonly string[],
): void {
  insist(!lengths, "unsupported", "it has sequence_lens, which relprop does not know");
  const counts = new Set(inputs.slice(1).map((name) => at.operand(name)!.dims[0]));
  const [samples] = counts;
  demand(counts.size === 1 && samples, "shape", "inputs of equally many samples", [...counts].join(", "));
  const walks: NonNullable<ReturnType<typeof walk>>[] = [];
  for (let s = 0; s < samples; s++) {
    const [own, slices] = [states, scanned].map((names) => names.map((name) => sliced(at, name, 0, s)));
    const walked = walk(at, a, own, slices, `${s}/`);
    if (!walked) return;
    walks.push(walked);
  }
  for (const [i, output] of outputs.entries()) {
    if (output === "") continue;
    const k = i - states.length;
    const parts = walks.map(({ carried, steps }) =>
      k < 0
        ? carried[i]
        : stacked(
            at,
            steps.map((step) => step[k]),
            0,
          ),
    );
    stacked(at, parts, 0, output);
  }
}

/** Operators that repeat a body. */
export const loops = [loop, scan];
