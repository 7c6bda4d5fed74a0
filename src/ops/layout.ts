import { demand, insist } from "../base/complaint.ts";
import type { Operand } from "../graph/graph.ts";
import { type Dims, normalizeAxis, shapeText, size, strides } from "../base/tensor.ts";
import { loop, type Move, mover, runsOf, whole, withRun, zeros } from "./move.ts";
import { axisOf, integers, single } from "./op.ts";
import { MOVES, PARTLY, REPEATED, SLICES } from "./says.ts";

const never = () => false;

/** Source: ONNX Transpose-13. */
export const transpose = mover<{ perm: readonly number[] | undefined }>({
  type: "Transpose",
  takes: "data:any",
  summary: MOVES,
  attributes: (read) => ({ perm: read.ints("perm") }),
  infer([x], a) {
    const { dims } = x!;
    const perm = a.perm ?? dims.map((_, i) => dims.length - 1 - i);
    demand(
      [...perm].sort((p, q) => p - q).join() === dims.map((_, i) => i).join(),
      "invalid-model",
      `a permutation of ${dims.length} axes`,
      `[${perm}]`,
    );
    return { dims: [perm.map((axis) => dims[axis])], attributes: { perm } };
  },
  moves: ([x], output, { perm }) => [
    { input: 0, from: zeros(x), to: zeros(x), loops: output.map((d, k) => loop(d, perm![k], k)) },
  ],
  exact: true,
  drops: never,
});

/** Source: ONNX Concat-13; before opset 4 there is a default. */
export const concat = mover<{ axis: number }>({
  type: "Concat",
  takes: "inputs...:any",
  summary: SLICES,
  attributes: (read) => ({ axis: read.int("axis", read.opset < 4 ? 1 : NaN) }),
  infer(inputs, a) {
    const first = inputs[0]!;
    const axis = axisOf(a.axis, first.dims.length);
    const fits = inputs.every(
      (x) => x!.dims.length === first.dims.length && x!.dims.every((d, i) => i === axis || d === first.dims[i]),
    );
    demand(
      fits,
      "shape",
      `inputs whose shapes differ along axis ${axis} only`,
      inputs.map((x) => shapeText(x!.dims, "")).join(", "),
    );
    return {
      dims: [first.dims.map((d, i) => (i === axis ? inputs.reduce((total, x) => total + x!.dims[axis], 0) : d))],
      attributes: { axis },
    };
  },
  moves(inputs, _output, { axis }) {
    let at = 0;
    return inputs.map((dims, input) => {
      const to = dims.map((_, i) => (i === axis ? at : 0));
      at += dims[axis];
      return whole(input, dims, to);
    });
  },
  exact: true,
  drops: ({ inputs }) => inputs.some((x) => x?.constant),
});

export interface SliceAttributes {
  readonly starts?: readonly number[];
  readonly ends?: readonly number[];
  readonly axes?: readonly number[];
  /** Per axis of the input, once resolved. */
  readonly ranges?: readonly { readonly start: number; readonly step: number }[];
}

const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
const modulo = (v: number, length: number) => ((v % length) + length) % length;

/** Source: ONNX Slice-13; before opset 10 starts, ends and axes are attributes. */
export const slice = mover<SliceAttributes>({
  type: "Slice",
  takes: { 1: "data:any", 10: "data:any starts:int ends:int axes:int? steps:int?" },
  summary: PARTLY,
  attributes: (read) =>
    read.opset < 10
      ? { starts: read.ints("starts", "wide"), ends: read.ints("ends", "wide"), axes: read.ints("axes") }
      : {},
  infer(inputs, a) {
    const x = inputs[0]!;
    const starts = a.starts ?? integers(inputs, 1, "starts");
    const ends = a.ends ?? integers(inputs, 2, "ends");
    demand(
      starts && ends && starts.length === ends.length,
      "invalid-model",
      "as many starts as ends",
      `${starts?.length ?? "no"} and ${ends?.length ?? "no"}`,
    );
    const axes = a.axes ?? integers(inputs, 3, "axes") ?? starts.map((_, i) => i);
    const steps = integers(inputs, 4, "steps") ?? starts.map(() => 1);
    demand(
      axes.length === starts.length && steps.length === starts.length,
      "invalid-model",
      `${starts.length} axes and steps, one for each start`,
      `${axes.length} and ${steps.length}`,
    );
    const dims = [...x.dims];
    const ranges = x.dims.map(() => ({ start: 0, step: 1 }));
    axes.forEach((given, i) => {
      const axis = normalizeAxis(given, x.dims.length);
      demand(
        axis !== undefined && steps[i] !== 0,
        "invalid-model",
        `axes of a tensor of rank ${x.dims.length} and steps other than 0`,
        `axis ${given}, step ${steps[i]}`,
      );
      const length = x.dims[axis];
      const step = steps[i];
      const [start, end] = [starts[i], ends[i]].map((v) => (v < 0 ? v + length : v));
      const [from, to] =
        step > 0
          ? [clamp(start, 0, length), clamp(end, 0, length)]
          : [clamp(start, 0, length - 1), clamp(end, -1, length - 1)];
      ranges[axis] = { start: from, step };
      dims[axis] = Math.max(0, Math.ceil((to - from) / step));
    });
    return { dims: [dims], attributes: { ranges } };
  },
  moves: ([x], output, { ranges }) => [
    {
      input: 0,
      from: ranges!.map((r) => r.start),
      to: zeros(x),
      loops: output.map((d, k) => loop(d, k, k, ranges![k].step)),
    },
  ],
  exact: false,
  drops: never,
});

export interface GatherAttributes {
  readonly axis: number;
  /** Unless they are computed. */
  readonly indices?: readonly number[];
  readonly shape?: Dims;
  /**
   * Where it stands for columns of zeros and ones: whether ids below 0 count from the end, as those of OneHot do. Ids
   * beyond the table choose zeros then.
   */
  readonly columns?: "plain" | "wrapped";
}

/** Gather with indices that are known while loading. */
export const gatherKnown = mover<GatherAttributes>({
  type: "Gather",
  takes: "data:any indices:int",
  summary: REPEATED,
  attributes: (read) => ({ axis: read.int("axis", 0) }),
  infer(inputs, a) {
    const [x, index] = inputs as readonly Operand[];
    const axis = axisOf(a.axis, x.dims.length);
    const indices = index.constant && Array.from(index.constant.data, (i) => normalizeAxis(i, x.dims[axis]));
    const wrong = indices?.indexOf(undefined) ?? -1;
    demand(wrong < 0, "invalid-model", `indices below ${x.dims[axis]}`, `${index.constant?.data[wrong]}`);
    return {
      dims: [[...x.dims.slice(0, axis), ...index.dims, ...x.dims.slice(axis + 1)]],
      attributes: { axis, indices: indices as number[] | undefined, shape: index.dims },
    };
  },
  *moves([x], output, { axis, indices, shape }) {
    const rank = shape!.length;
    // A row of the indices' last axis at a time; a single index has no axis in the output.
    const length = shape!.at(-1) ?? 1;
    const others = x.flatMap((d, k) => (k === axis ? [] : [loop(d, k, k < axis ? k : k - 1 + rank)]));
    const outer = shape!.slice(0, -1);
    const steps = strides(outer);
    for (let row = 0; row < size(outer); row++) {
      const to = zeros(output);
      outer.forEach((d, k) => {
        to[axis + k] = Math.floor(row / steps[k]) % d;
      });
      const move = { input: 0, from: x.map((_, k) => (k === axis ? indices![row * length] : 0)), to, loops: others };
      if (rank === 0) yield move;
      else
        for (const run of runsOf(length, (k) => indices![row * length + k]))
          yield withRun(move, run, axis, axis + rank - 1);
    }
  },
  exact: false,
  drops: never,
});

/** What a run takes, with what it is made of. */
const RUN_BYTES = 100;

export interface PadAttributes {
  readonly mode: string;
  readonly value: number;
  readonly pads?: readonly number[];
}

/** Which of `length` numbers stands at `at` when the axis goes on to both sides; −1: none of them. */
const beyond: Readonly<Record<string, (at: number, length: number) => number>> = {
  constant: (at, length) => (at < length ? at : -1),
  edge: (at, length) => clamp(at, 0, length - 1),
  reflect(at, length) {
    const period = Math.max(1, 2 * (length - 1));
    const within = modulo(at, period);
    return Math.min(within, period - within);
  },
  wrap: modulo,
};

/** Source: ONNX Pad-21, with pads that are known while loading; before opset 11 pads and value are attributes. */
export const pad = mover<PadAttributes>({
  type: "Pad",
  takes: {
    1: "data:any",
    11: "data:any pads:int constant_value:any?",
    18: "data:any pads:int constant_value:any? axes:int?",
  },
  summary: "It is cropped if the padding is constant. Otherwise it moves back to where each number came from.",
  attributes(read) {
    const mode = read.string("mode", "constant");
    demand(Object.hasOwn(beyond, mode), "invalid-model", `mode ${Object.keys(beyond).join(", ")}`, mode);
    const name = read.opset < 2 ? "paddings" : "pads";
    return read.opset < 11 ? { mode, pads: read.ints(name), value: read.float("value", 0) } : { mode, value: 0 };
  },
  infer(inputs, a, budget) {
    const x = inputs[0]!;
    const rank = x.dims.length;
    const axes = integers(inputs, 3, "axes")?.map((axis) => normalizeAxis(axis, rank)) ?? x.dims.map((_, i) => i);
    const given = a.pads ?? integers(inputs, 1, "pads");
    demand(
      given?.length === 2 * axes.length && axes.every((axis) => axis !== undefined),
      "invalid-model",
      `${2 * axes.length} pads for axes of a tensor of rank ${rank}`,
      `${given?.length ?? "none"}`,
    );
    const pads = new Array<number>(2 * rank).fill(0);
    axes.forEach((axis, i) => {
      pads[axis!] = given[i];
      pads[rank + axis!] = given[axes.length + i];
    });
    const dims = x.dims.map((d, i) => d + pads[i] + pads[rank + i]);
    const isLeft = dims.every((d) => d >= 0);
    insist(isLeft, "shape", `its pads cut off more than there is, which leaves dims [${dims}]`);
    demand(
      a.mode === "constant" || pads.every((p) => p >= 0),
      "unsupported",
      `pads ≥ 0 in mode ${a.mode}`,
      `[${pads}]`,
    );
    // What repeats has a run for each time.
    if (a.mode !== "constant") budget.fits(RUN_BYTES * dims.reduce((sum, d) => sum + d, 0));
    return { dims: [dims], attributes: { mode: a.mode, pads, value: single(inputs, 2, "a value") ?? a.value } };
  },
  moves([x], output, { mode, pads }) {
    const runs = x.map((length, axis) => runsOf(output[axis], (i) => beyond[mode](i - pads![axis], length)));
    function* along(axis: number, move: Move): Generator<Move> {
      if (axis === x.length) yield move;
      else for (const run of runs[axis]) yield* along(axis + 1, withRun(move, run, axis));
    }
    return along(0, { input: 0, from: zeros(x), to: zeros(x), loops: [] });
  },
  exact: false,
  background: ({ value }) => value,
  drops: ({ attributes }) => attributes.mode === "constant",
});
