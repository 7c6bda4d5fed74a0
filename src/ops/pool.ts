import type { Emitter, Value } from "../step.ts";
import { addScaled, type Dims, size } from "../tensor.ts";
import { type Call, type Linear, type Op, type Operands, require } from "./op.ts";
import { type Axis, asPlane, readWindow, type WindowAttributes, windowAxes, windowSizes } from "./window.ts";

interface PoolAttributes {
  readonly window: WindowAttributes;
  /** Whether the mean's divisor counts padding. */
  readonly countPads: boolean;
  readonly axes?: readonly Axis[];
}

/** n, h, w, c, oh, ow, kh, kw and the strides, pads and dilations: the order in which the kernels take them. */
function sizes(call: Call<PoolAttributes>) {
  const [n, c] = call.inputs[0]!.dims;
  const [h, w] = asPlane(call.attributes.axes!);
  return [n, h.length, w.length, c, h.out, w.out, ...windowSizes(h, w)] as const;
}

function infer([x]: Operands, a: PoolAttributes): { dims: Dims[]; attributes: PoolAttributes } {
  require(x, "invalid-model", "an input", "none");
  require(x.dims.length >= 3, "shape", "an input of rank 3 or more", `rank ${x.dims.length}`);
  require(a.window.kernel, "invalid-model", "a kernel_shape", "none");
  const axes = windowAxes(x.dims.slice(2), a.window, a.window.kernel);
  const within = axes.every((axis) => Math.max(axis.before, axis.after) < axis.dilation * (axis.kernel - 1) + 1);
  require(within, "invalid-model", "pads smaller than the window", axes.map((axis) => `${axis.before}, ${axis.after}`).join("; "));
  return { dims: [[x.dims[0], x.dims[1], ...axes.map((axis) => axis.out)]], attributes: { ...a, axes } };
}

/** Maximum over windows; relevance goes to the first maximum in row-major order. Source: ONNX MaxPool-12. */
export const maxPool: Op<PoolAttributes> = {
  type: "MaxPool",
  family: "route",
  summary: "to the first maximum of each window",
  attributes(read) {
    read.ignore("storage_order");
    return { window: readWindow(read), countPads: false };
  },
  infer,
  forward(e, call) {
    const y = e.temp(call.outputs[0].name, call.outputs[0].dims, "last");
    e.emit("maxPoolForward", e.as(call.x(0), "last"), y, ...sizes(call));
    return [y];
  },
  relevance: {
    kind: "route",
    vjp(e, call, r) {
      const out = e.temp(`${call.node.name}:vjp`, call.inputs[0]!.dims, "last");
      e.emit(
        "maxPoolVjp",
        e.as(call.x(0), "last"),
        call.y(0),
        e.as(r, "last"),
        out,
        ...sizes(call),
        0,
        asPlane(call.attributes.axes!)[0].length,
      );
      return [out];
    },
  },
  nonnegative: ([x]) => x,
};

/** How much padding the divisor counts on each side. */
function counted(call: Call<PoolAttributes>) {
  const [h, w] = asPlane(call.attributes.axes!);
  return call.attributes.countPads ? ([h.before, h.after, w.before, w.after] as const) : ([0, 0, 0, 0] as const);
}

function averageZ(e: Emitter, call: Call<PoolAttributes>, [x]: readonly Value[]): Value {
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims, "last");
  e.emit("averagePoolForward", x, y, ...sizes(call), ...counted(call));
  return y;
}

const average: Linear<PoolAttributes> = {
  kind: "linear",
  layout: "last",
  data: () => [0],
  z: averageZ,
  vjp(e, call, s) {
    const out = e.temp(`${call.node.name}:vjp`, call.inputs[0]!.dims, "last");
    const [h] = asPlane(call.attributes.axes!);
    const scratch = e.scratch(`${call.node.name}:row`, call.inputs[0]!.dims[1]);
    e.emit("averagePoolVjp", s, scratch, out, ...sizes(call), ...counted(call), 0, h.length);
    return [out];
  },
  signs: () => [1],
};

const averageShared = {
  family: "average",
  summary: "norm, or any linear rule on its positive weights",
  forward: (e: Emitter, call: Call<PoolAttributes>) => [averageZ(e, call, [e.as(call.x(0), "last")])],
  relevance: average,
  nonnegative: ([x]: readonly boolean[]) => x,
} as const;

/** Mean over windows. Source: ONNX AveragePool-19. */
export const averagePool: Op<PoolAttributes> = {
  ...averageShared,
  type: "AveragePool",
  attributes: (read) => ({ window: readWindow(read), countPads: read.int("count_include_pad", 0) === 1 }),
  infer,
  // Needed where a normalization is spelled out with it: the canonizer evaluates that part to recognise it.
  fold([x], a, [dims]) {
    const axes = a.axes!;
    const data = new Float64Array(x!.data);
    return [
      {
        type: "float32",
        dims,
        data: axes.reduce<Float64Array>(
          (values, axis, i) => meanAlong(values, axis, a.countPads, size(axes.slice(i + 1).map((later) => later.length))),
          data,
        ),
      },
    ];
  },
};

/** One axis of a mean over windows: the mean over a box is the mean of means, as long as the divisor is a product. */
function meanAlong(x: Float64Array, axis: Axis, countPads: boolean, inner: number): Float64Array {
  if (axis.kernel === 1 && axis.stride === 1 && axis.before === 0 && axis.after === 0) return x;
  const outer = x.length / (axis.length * inner);
  const y = new Float64Array(outer * axis.out * inner);
  const [low, high] = countPads ? [-axis.before, axis.length + axis.after] : [0, axis.length];
  for (let p = 0; p < axis.out; p++) {
    const taps = Array.from({ length: axis.kernel }, (_, k) => p * axis.stride - axis.before + k * axis.dilation);
    const count = taps.filter((t) => t >= low && t < high).length;
    for (const t of taps.filter((t) => t >= 0 && t < axis.length)) {
      for (let o = 0; o < outer; o++) addScaled(y, (o * axis.out + p) * inner, x, (o * axis.length + t) * inner, inner, 1 / count);
    }
  }
  return y;
}

/** Mean over all positions. Source: ONNX GlobalAveragePool-1. */
export const globalAveragePool: Op<PoolAttributes> = {
  ...averageShared,
  type: "GlobalAveragePool",
  attributes: () => ({
    window: { kernel: undefined, strides: undefined, dilations: undefined, pads: undefined, autoPad: "NOTSET", ceil: false },
    countPads: false,
  }),
  infer: ([x], a) => infer([x], { ...a, window: { ...a.window, kernel: x?.dims.slice(2) } }),
};
