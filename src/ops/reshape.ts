import { demand, insist } from "../base/complaint.ts";
import type { Operands } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { renamed as renamedConstant } from "../base/packed.ts";
import { type Dims, type ElementType, normalizeAxis, numbersFor, size } from "../base/tensor.ts";
import { checkInference, INFERENCE } from "./batchnorm.ts";
import { axesOf, integers, NONE, type None, type Op, single } from "./op.ts";
import { MOVES } from "./says.ts";

/** A row for an operator that only renames the axes: the numbers stay where they are. */
function reshaping<A extends object>(
  type: string,
  takes: Op<A>["takes"],
  attributes: Op<A>["attributes"],
  shape: (inputs: Operands, a: A) => Dims,
): Op<A> {
  return {
    type,
    family: "route",
    summary: MOVES,
    takes,
    attributes,
    anyType: true,
    infer(inputs, a) {
      const [dims, count] = [shape(inputs, a), size(inputs[0]!.dims)];
      demand(size(dims) === count, "shape", `dims of ${count} numbers, as many as the input has`, `dims [${dims}]`);
      return { dims: [dims] };
    },
    fold: ([x], _a, [dims]) => [renamedConstant(x!, dims)],
    renames: true,
    node: ({ inputs: [x], outputs: [y] }) => ({
      kind: "route",
      run: (e, at) => [renamed(e, at.x(0), y.dims)],
      vjp: (e, _at, r) => [renamed(e, r, x!.dims)],
    }),
    nonnegative: ([x]) => x,
  };
}

/** The same numbers under other dims; unchanged dims keep their layout, others need the row-major one. */
function renamed(e: Emitter, x: Value, dims: Dims): Value {
  if (dims.join() === x.dims.join()) return x;
  return e.view(e.as(x, "first"), dims);
}

/** Source: ONNX Reshape-14; before opset 5 the dims are an attribute. */
export const reshape = reshaping<{ allowZero: boolean; shape: readonly number[] | undefined }>(
  "Reshape",
  { 1: "data:any", 5: "data:any shape:int" },
  (read) => ({
    allowZero: read.int("allowzero", 0) === 1,
    shape: read.opset < 5 ? read.ints("shape", "wide") : undefined,
  }),
  (inputs, { allowZero, shape }) => {
    const [x] = inputs;
    const given = shape ?? integers(inputs, 1, "target dims");
    demand(given, "invalid-model", "a shape", "none");
    const dims = given.map((d, i) => (d === 0 && !allowZero ? x!.dims[i] : d));
    const known = size(dims.filter((d) => d !== -1));
    demand(
      known > 0 || !dims.includes(-1),
      "shape",
      "dims that say what -1 stands for",
      `[${dims}] for an input without numbers`,
    );
    return dims.map((d) => (d === -1 ? size(x!.dims) / known : d));
  },
);

/** Source: ONNX Flatten-13. */
export const flatten = reshaping<{ axis: number }>(
  "Flatten",
  "input:any",
  (read) => ({ axis: read.int("axis", 1) }),
  ([x], { axis }) => {
    const at = axis < 0 ? axis + x!.dims.length : axis;
    demand(at >= 0 && at <= x!.dims.length, "invalid-model", `an axis up to ${x!.dims.length}`, `${axis}`);
    return [size(x!.dims.slice(0, at)), size(x!.dims.slice(at))];
  },
);

type Axes = { readonly axes: readonly number[] | undefined };
const readAxes: Op<Axes>["attributes"] = (read) => ({ axes: read.opset < 13 ? read.ints("axes") : undefined });

/** Source: ONNX Squeeze-13; before that the axes are an attribute. */
export const squeeze = reshaping<Axes>(
  "Squeeze",
  { 1: "data:any", 13: "data:any axes:int?" },
  readAxes,
  (inputs, a) => {
    const { dims } = inputs[0]!;
    const axes = (a.axes ?? integers(inputs, 1, "axes"))?.map((axis) => normalizeAxis(axis, dims.length));
    demand(
      !axes || axes.every((axis) => axis !== undefined && dims[axis] === 1),
      "shape",
      "axes of length 1",
      `axes [${axes}] of dims [${dims}]`,
    );
    return dims.filter((d, i) => (axes ? !axes.includes(i) : d !== 1));
  },
);

/** Source: ONNX Unsqueeze-13; before that the axes are an attribute. */
export const unsqueeze = reshaping<Axes>(
  "Unsqueeze",
  { 1: "data:any", 13: "data:any axes:int" },
  readAxes,
  (inputs, a) => {
    const { dims } = inputs[0]!;
    const given = a.axes ?? integers(inputs, 1, "axes");
    insist(given, "invalid-model", "its axes are missing");
    const out = new Array<number>(dims.length + given.length).fill(-1);
    for (const axis of axesOf(given, out.length)) out[axis] = 1;
    let next = 0;
    return out.map((d) => (d === 1 ? 1 : dims[next++]));
  },
);

/** Source: ONNX Identity-25. */
export const identity: Op<None> = {
  ...reshaping<None>(
    "Identity",
    "input:any",
    () => NONE,
    ([x]) => x!.dims,
  ),
  unroll: (at, [x], _a, { outputs: [output] }) => at.sequence(x!.items!, output),
};

interface DropoutAttributes {
  /** Before opset 10 it is of the input's type. */
  readonly mask?: ElementType;
}

const unchanged = reshaping<DropoutAttributes>(
  "Dropout",
  { 1: "data", 12: "data ratio:float1? training_mode:bool?" },
  (read) => {
    read.ignore("ratio", "seed");
    if (read.opset < 7) checkInference(read);
    return { mask: read.opset < 10 ? undefined : "bool" };
  },
  ([x]) => x!.dims,
);

/**
 * At inference Dropout changes nothing, and its second output says that it keeps every number. Source: ONNX Dropout-13.
 */
export const dropout: Op<DropoutAttributes> = {
  ...unchanged,
  outputs: 2,
  // Ratio and mode have nothing more to say: constant data stay constant beside a ratio that is computed.
  instead(inputs, _a, node) {
    const idle = !single(inputs, 2, "a training_mode") || single(inputs, 1, "a ratio") === 0;
    demand(idle, "unsupported", "training_mode = false", "true", INFERENCE);
    return inputs.length > 1 ? [{ ...node, inputs: node.inputs.slice(0, 1) }] : undefined;
  },
  renames: false,
  infer(inputs, a, budget) {
    const [dims] = unchanged.infer!(inputs, a, budget).dims;
    return { dims: [dims, dims], types: [inputs[0]!.type, a.mask ?? inputs[0]!.type] };
  },
  fold(inputs, a, [dims]) {
    const type = a.mask ?? inputs[0]!.type;
    return [...unchanged.fold!(inputs, a, [dims]), { type, dims, data: numbersFor(type, size(dims)).fill(1) }];
  },
  node(site) {
    const way = unchanged.node!(site);
    const { node, outputs } = site;
    if (!node.outputs[1]) return way;
    return {
      ...way,
      run(e, at) {
        const mask = e.temp(node.outputs[1], outputs[0].dims);
        e.fill(mask, 1);
        return [...way.run(e, at), mask];
      },
    };
  },
};
