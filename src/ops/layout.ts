import { type Dims, normalizeAxis, shapeText, strides } from "../tensor.ts";
import { type Move, mover, whole } from "./move.ts";
import { integers, known, require } from "./op.ts";

const never = () => false;

/** Source: ONNX Transpose-13. */
export const transpose = mover<{ perm: readonly number[] | undefined }>({
  type: "Transpose",
  summary: "moved back",
  attributes: (read) => ({ perm: read.ints("perm") }),
  infer([x], a) {
    require(x, "invalid-model", "an input", "none");
    const perm = a.perm ?? x.dims.map((_, i) => x.dims.length - 1 - i);
    require([...perm].sort((p, q) => p - q).join() ===
      x.dims.map((_, i) => i).join(), "invalid-model", `a permutation of ${x.dims.length} axes`, `[${perm}]`);
    return { dims: [perm.map((axis) => x.dims[axis])], attributes: { perm } };
  },
  moves: ([x], output, { perm }) => [
    { input: 0, dims: output, from: x.map(() => 0), axes: perm!, steps: x.map(() => 1), to: x.map(() => 0) },
  ],
  exact: true,
  drops: never,
});

/** Source: ONNX Concat-13. */
export const concat = mover<{ axis: number }>({
  type: "Concat",
  summary: "every input gets its slice",
  attributes: (read) => ({ axis: read.int("axis", NaN) }),
  infer(inputs, a) {
    const [first] = inputs;
    require(first && inputs.every((x) => x), "invalid-model", "inputs", "one that is left out");
    const axis = normalizeAxis(a.axis, first.dims.length);
    require(axis !== undefined, "invalid-model", `an axis of a tensor of rank ${first.dims.length}`, `${a.axis}`);
    const fits = inputs.every((x) => x!.dims.length === first.dims.length && x!.dims.every((d, i) => i === axis || d === first.dims[i]));
    require(fits, "shape", `shapes that differ along axis ${axis} only`, inputs.map((x) => shapeText(x!.dims, "")).join(", "));
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
  drops: (call) => call.inputs.some((x) => x?.constant),
});

interface SliceAttributes {
  readonly starts?: readonly number[];
  readonly ends?: readonly number[];
  readonly axes?: readonly number[];
  /** Per axis of the input, once resolved. */
  readonly ranges?: readonly { readonly start: number; readonly step: number }[];
}

const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);

/** Source: ONNX Slice-13; before opset 10 starts, ends and axes are attributes. */
export const slice = mover<SliceAttributes>({
  type: "Slice",
  summary: "moved back, zero elsewhere",
  attributes: (read) => (read.opset < 10 ? { starts: read.ints("starts"), ends: read.ints("ends"), axes: read.ints("axes") } : {}),
  infer(inputs, a) {
    const [x] = inputs;
    require(x, "invalid-model", "an input", "none");
    const starts = a.starts ?? integers(inputs, 1, "starts");
    const ends = a.ends ?? integers(inputs, 2, "ends");
    require(starts &&
      ends &&
      starts.length === ends.length, "invalid-model", "as many starts as ends", `${starts?.length} and ${ends?.length}`);
    const axes = a.axes ?? integers(inputs, 3, "axes") ?? starts.map((_, i) => i);
    const steps = integers(inputs, 4, "steps") ?? starts.map(() => 1);
    const dims = [...x.dims];
    const ranges = x.dims.map(() => ({ start: 0, step: 1 }));
    axes.forEach((given, i) => {
      const axis = normalizeAxis(given, x.dims.length);
      require(axis !== undefined &&
        steps[i] !==
          0, "invalid-model", `axes of a tensor of rank ${x.dims.length} and steps other than 0`, `axis ${given}, step ${steps[i]}`);
      const length = x.dims[axis];
      const step = steps[i];
      const [start, end] = [starts[i], ends[i]].map((v) => (v < 0 ? v + length : v));
      const [from, to] =
        step > 0 ? [clamp(start, 0, length), clamp(end, 0, length)] : [clamp(start, 0, length - 1), clamp(end, -1, length - 1)];
      ranges[axis] = { start: from, step };
      dims[axis] = Math.max(0, Math.ceil((to - from) / step));
    });
    return { dims: [dims], attributes: { ranges } };
  },
  moves: ([x], output, { ranges }) => [
    {
      input: 0,
      dims: output,
      from: ranges!.map((r) => r.start),
      axes: x.map((_, k) => k),
      steps: ranges!.map((r) => r.step),
      to: x.map(() => 0),
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
}

/** Gather with indices that are known while loading. */
export const gatherKnown = mover<GatherAttributes>({
  type: "Gather",
  summary: "moved back, added up where an index repeats",
  attributes: (read) => ({ axis: read.int("axis", 0) }),
  infer(inputs, a) {
    const [x, index] = inputs;
    require(x && index, "invalid-model", "data and indices", "fewer");
    const axis = normalizeAxis(a.axis, x.dims.length);
    require(axis !== undefined, "invalid-model", `an axis of a tensor of rank ${x.dims.length}`, `${a.axis}`);
    const indices = index.constant && Array.from(index.constant.data, (i) => normalizeAxis(i, x.dims[axis]));
    require(indices?.every((i) => i !== undefined) ?? true, "invalid-model", `indices below ${x.dims[axis]}`, `${index.constant?.data}`);
    return {
      dims: [[...x.dims.slice(0, axis), ...index.dims, ...x.dims.slice(axis + 1)]],
      attributes: { axis, indices: indices as number[] | undefined, shape: index.dims },
    };
  },
  moves([x], output, { axis, indices, shape }) {
    const rank = shape!.length;
    const place = strides(shape!);
    const axes = output.map((_, k) => (k < axis ? k : k < axis + rank ? -1 : k - rank + 1));
    return indices!.map((index, i) => ({
      input: 0,
      dims: output.map((d, k) => (axes[k] < 0 ? 1 : d)),
      from: x.map((_, k) => (k === axis ? index : 0)),
      axes,
      steps: output.map(() => 1),
      to: output.map((_, k) => (axes[k] < 0 ? Math.floor(i / place[k - axis]) % shape![k - axis] : 0)),
    }));
  },
  exact: false,
  drops: never,
});

interface PadAttributes {
  readonly mode: string;
  readonly value: number;
  readonly pads?: readonly number[];
}

/** What one output axis of Pad is made of. */
function segments(
  length: number,
  before: number,
  after: number,
  mode: string,
): { to: number; from: number; count: number; step: number }[] {
  const middle = { to: Math.max(0, before), from: Math.max(0, -before), count: length + Math.min(0, before) + Math.min(0, after), step: 1 };
  if (mode === "constant") return [middle];
  const step = mode === "reflect" ? -1 : 0;
  return [
    { to: 0, from: mode === "reflect" ? before : 0, count: before, step },
    middle,
    { to: before + length, from: mode === "reflect" ? length - 2 : length - 1, count: after, step },
  ].filter((segment) => segment.count > 0);
}

/** Source: ONNX Pad-18, modes constant, reflect and edge; before opset 11 pads and value are attributes. */
export const pad = mover<PadAttributes>({
  type: "Pad",
  summary: "cropped (constant), or moved back to where each number came from",
  attributes(read) {
    const mode = read.string("mode", "constant");
    require(["constant", "reflect", "edge"].includes(mode), "unsupported", "mode constant, reflect or edge", mode);
    return read.opset < 11 ? { mode, pads: read.ints("pads"), value: read.float("value", 0) } : { mode, value: 0 };
  },
  infer(inputs, a) {
    const [x] = inputs;
    require(x, "invalid-model", "an input", "none");
    const rank = x.dims.length;
    const axes = integers(inputs, 3, "axes")?.map((axis) => normalizeAxis(axis, rank)) ?? x.dims.map((_, i) => i);
    const given = a.pads ?? integers(inputs, 1, "pads");
    require(given?.length === 2 * axes.length &&
      axes.every(
        (axis) => axis !== undefined,
      ), "invalid-model", `${2 * axes.length} pads for axes of a tensor of rank ${rank}`, `${given?.length}`);
    const pads = new Array<number>(2 * rank).fill(0);
    axes.forEach((axis, i) => {
      pads[axis!] = given[i];
      pads[rank + axis!] = given[axes.length + i];
    });
    const dims = x.dims.map((d, i) => d + pads[i] + pads[rank + i]);
    require(dims.every((d) => d >= 0), "shape", "pads that leave something", `dims [${dims}]`);
    require(a.mode === "constant" ||
      pads.every(
        (p, i) => p >= 0 && (a.mode === "edge" || p < x.dims[i % rank]),
      ), "unsupported", `pads of mode ${a.mode} within the input`, `[${pads}]`);
    return { dims: [dims], attributes: { mode: a.mode, pads, value: known(inputs, 2, "a value")?.data[0] ?? a.value } };
  },
  moves([x], _output, { mode, pads }) {
    const axes = x.map((_, k) => k);
    let boxes: Move[] = [{ input: 0, dims: [], from: [], axes, steps: [], to: [] }];
    for (const axis of axes) {
      const parts = segments(x[axis], pads![axis], pads![x.length + axis], mode);
      boxes = boxes.flatMap((box) =>
        parts.map((s) => ({
          ...box,
          dims: [...box.dims, s.count],
          from: [...box.from, s.from],
          steps: [...box.steps, s.step],
          to: [...box.to, s.to],
        })),
      );
    }
    return boxes;
  },
  exact: false,
  background: ({ value }) => value,
  drops: (call) => call.attributes.mode === "constant",
});
