import { type Budget, HOST } from "../base/budget.ts";
import { Complaint, demand } from "../base/complaint.ts";
import { LrpError } from "../base/error.ts";
import { type Operands, whereIs } from "../graph/graph.ts";
import { stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Constant, type Dims, LARGEST_INTEGER, size, strides } from "../base/tensor.ts";
import {
  maximum,
  mean,
  type Numbers,
  overWindows,
  reduceCells,
  type Reducer,
  routeCells,
  spreadCells,
  type Walk,
  winner,
} from "./cells.ts";
import { type Inferred, type Linear, type Op, PLAIN, type Site, type Way } from "./op.ts";
import { roundUp } from "./conv/panels.ts";
import { checkedP, P_NORM, pNorm, pNormRelevance } from "./p-norm.ts";
import {
  type Axis,
  MOST_OVERLAP,
  overlap,
  planeOf,
  readWindow,
  type WindowAttributes,
  windowAxes,
  windowSizes,
} from "./conv/window.ts";

interface PoolAttributes {
  readonly window: WindowAttributes;
  /** Whether the mean's divisor counts padding. */
  readonly countPads: boolean;
  /** Whether windows of padding alone have a value, which is 0. */
  readonly ofNothing?: boolean;
  readonly axes?: readonly Axis[];
  /** Of MaxPool's indices: whether the last axis goes furthest instead of the first. */
  readonly columnMajor?: boolean;
}

type Plane = readonly [Axis, Axis];

/** Sizes, strides, pads and dilations, as the kernels name them. */
function sizes({ inputs: [x] }: Site<PoolAttributes>, [h, w]: Plane) {
  const [n, c] = x!.dims;
  return { n, h: h.length, w: w.length, c, oh: h.out, ow: w.out, ...windowSizes(h, w) };
}

/** The windows, for x and y as they lie in memory. */
function walkOf({ axes, countPads }: PoolAttributes, x: Value, y: Value): Walk {
  return overWindows(axes!, x.dims, stridesOf(x), stridesOf(y), countPads);
}

/** Numbers that one window reads at most. */
const tapsOf = ({ axes }: PoolAttributes) =>
  axes!.reduce((product, { kernel, length }) => product * Math.min(kernel, length), 1);

/** Of a kernel: a tap takes a step of its own, of four channels. */
const kernelWork = ({ count, dims: [, c] }: Value, a: PoolAttributes) => 4 * (count / c) * roundUp(c, 4) * tapsOf(a);

const hostWork = ({ count }: Value, a: PoolAttributes) => HOST * count * tapsOf(a);

/** y on the host: more axes than the kernels have, or a reducer that is none of theirs. */
function lowered(e: Emitter, { node, outputs, attributes }: Site<PoolAttributes>, x: Value, reduce: Reducer): Value {
  const y = e.temp(outputs[0].name, outputs[0].dims, x.layout);
  const walk = walkOf(attributes, x, y);
  e.host(node.type, [x, y], (from, to) => reduceCells(walk, reduce, from, to), hostWork(y, attributes));
  return y;
}

/** The `fold` of a pool. */
const folding =
  <A extends PoolAttributes>(reduceOf: (a: A) => Reducer) =>
  ([x]: readonly (Constant | undefined)[], a: A, [dims]: readonly Dims[]): Constant[] => {
    const data = new Float32Array(size(dims));
    reduceCells(
      overWindows(a.axes!, x!.dims, strides(x!.dims), strides(dims), a.countPads),
      reduceOf(a),
      x!.data,
      data,
    );
    return [{ type: "float32", dims, data }];
  };

/** Whether every window has some of its taps in the input. */
function reachesInput({ length, kernel, stride, dilation, before, out }: Axis): boolean {
  const end = out * stride - before;
  if (end - stride >= length || Math.ceil(before / dilation) >= kernel) return false;
  // Of taps that are no further apart than the input is long one is in it.
  for (let start = dilation > length ? -before : end; start < Math.min(end, 0); start += stride)
    if (start + Math.ceil(-start / dilation) * dilation >= length) return false;
  return true;
}

type Windows<A> = Inferred<A> & { readonly attributes: A };

function infer<A extends PoolAttributes>([x]: Operands, a: A, budget: Budget): Windows<A> {
  const [n, c, ...spatial] = x!.dims;
  demand(spatial.length >= 1, "shape", "an input of rank 3 or more", `rank ${x!.dims.length}`);
  demand(a.window.kernel, "invalid-model", "a kernel_shape", "none");
  const axes = windowAxes(spatial, a.window, a.window.kernel);
  const dims = [n, c, ...axes.map((axis) => axis.out)];
  budget.fits(4 * size(dims));
  const at = a.ofNothing ? -1 : axes.findIndex((axis) => !reachesInput(axis));
  if (at >= 0) {
    const { kernel, stride, dilation, before, after } = axes[at];
    const window = `kernel ${kernel}, stride ${stride}, dilation ${dilation}, pads ${before} and ${after}`;
    const received = `one of padding alone along axis ${at + 2} (${window}, ceil_mode ${Number(a.window.ceil)})`;
    throw new Complaint("invalid-model", "windows that reach the input", received);
  }
  return { dims: [dims], attributes: { ...a, axes }, work: size(dims) * tapsOf({ ...a, axes }) };
}

/** A flat index, row-major, as one whose last axis goes furthest; n and c keep their places. */
function columnMajor(index: number, spatial: Dims): number {
  const plane = size(spatial);
  let [rest, at] = [index % plane, index - (index % plane)];
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    at += (rest % spatial[axis]) * size(spatial.slice(0, axis));
    rest = Math.floor(rest / spatial[axis]);
  }
  return at;
}

/** Where in the whole of x, row-major, each maximum stands. */
function locate(a: PoolAttributes, dims: Dims, yDims: Dims, x: Numbers, best: Numbers, to: Numbers): void {
  const spatial = dims.slice(2);
  overWindows(
    a.axes!,
    dims,
    strides(dims),
    strides(yDims),
  )((k, base, taps) => {
    const at = winner(x, best[k], base, taps);
    to[k] = a.columnMajor ? columnMajor(at, spatial) : at;
  });
}

function indices(e: Emitter, { node, inputs, attributes }: Site<PoolAttributes>, x: Value, y: Value): Value {
  const { dims } = inputs[0]!;
  if (size(dims) > LARGEST_INTEGER)
    throw new LrpError("unsupported", {
      where: whereIs(node),
      expected: `at most ${LARGEST_INTEGER} numbers to index`,
      received: `${size(dims)}`,
    });
  const out = e.temp(node.outputs[1], y.dims);
  const args = [e.as(x, "first"), e.as(y, "first"), out];
  e.host(
    node.type,
    args,
    (from, best, to) => locate(attributes, dims, y.dims, from, best, to),
    hostWork(y, attributes),
  );
  return out;
}

function maximumWay(site: Site<PoolAttributes>): Way {
  const { node, outputs, attributes } = site;
  const plane = planeOf(attributes.axes!);
  const window = plane && sizes(site, plane);
  // The kernel adds up in single precision what overlapping windows give.
  const back = plane && overlap(plane) <= MOST_OVERLAP ? window : undefined;
  const largest = (e: Emitter, x: Value): Value => {
    if (!window) return lowered(e, site, x, maximum);
    const y = e.temp(outputs[0].name, outputs[0].dims, "last");
    e.emit("maxPoolForward", { x: e.as(x, "last"), y, ...window }, kernelWork(y, attributes));
    return y;
  };
  return {
    kind: "route",
    run(e, at) {
      const y = largest(e, at.x(0));
      return node.outputs[1] ? [y, indices(e, site, at.x(0), y)] : [y];
    },
    vjp(e, at, r) {
      const [x, y] = [window ? e.as(at.x(0), "last") : at.x(0), at.y(0)];
      const out = e.temp(`${node.name}:vjp`, x.dims, x.layout);
      const received = e.as(r, y.layout);
      if (back)
        e.emit("maxPoolVjp", { x, y, r: received, out, ...back, from: 0, rows: back.h }, kernelWork(y, attributes));
      else {
        const walk = walkOf(attributes, x, y);
        e.host(
          node.type,
          [x, y, received, out],
          (from, best, rs, to) => routeCells(walk, from, best, rs, to),
          hostWork(y, attributes),
        );
      }
      return [out];
    },
  };
}

const maxShared = {
  family: "route",
  summary: "to the first maximum of each window",
  fold: folding(() => maximum),
  node: maximumWay,
  nonnegative: ([x]) => x,
} satisfies Partial<Op<PoolAttributes>>;

/**
 * Maximum over windows, and on demand where it stands; relevance goes to the first maximum in row-major order.
 * Source: ONNX MaxPool-12.
 */
export const maxPool: Op<PoolAttributes> = {
  ...maxShared,
  type: "MaxPool",
  outputs: 2,
  attributes: (read) => ({
    window: readWindow(read),
    countPads: false,
    columnMajor: read.int("storage_order", 0) === 1,
  }),
  infer(inputs, a, budget) {
    const { dims, ...more } = infer(inputs, a, budget);
    return { ...more, dims: [dims[0], dims[0]], types: ["float32", "int64"] };
  },
  fold([x], a, [dims]) {
    const [y] = maxShared.fold([x], a, [dims]);
    const data = new Float64Array(size(dims));
    locate(a, x!.dims, dims, x!.data, y.data, data);
    return [y, { type: "int64", dims, data }];
  },
};

/** How much padding the divisor counts on each side. */
function counted({ countPads }: PoolAttributes, [h, w]: Plane) {
  const [top, bottom, left, right] = countPads ? [h.before, h.after, w.before, w.after] : [0, 0, 0, 0];
  return { countTop: top, countBottom: bottom, countLeft: left, countRight: right };
}

function averageWay(site: Site<PoolAttributes>): Way {
  const { node, inputs, outputs, attributes } = site;
  const { dims } = inputs[0]!;
  // Kernels have no windows of padding alone.
  const plane = attributes.axes!.every(reachesInput) ? planeOf(attributes.axes!) : undefined;
  const window = plane && { ...sizes(site, plane), ...counted(attributes, plane) };
  const linear: Linear = {
    kind: "linear",
    layout: "last",
    data: [0],
    z(e, [x]) {
      if (!window) return lowered(e, site, x, mean);
      const y = e.temp(outputs[0].name, outputs[0].dims, "last");
      e.emit("averagePoolForward", { x, y, ...window }, kernelWork(y, attributes));
      return y;
    },
    vjp(e, s) {
      const out = e.temp(`${node.name}:vjp`, dims, "last");
      if (window) {
        const scratch = e.scratch(`${node.name}:shares`, 2 * (window.oh + window.ow));
        e.emit("averagePoolVjp", { s, scratch, out, ...window, from: 0, rows: window.h }, kernelWork(s, attributes));
      } else {
        const walk = walkOf(attributes, out, s);
        const run = (from: Float32Array, to: Float32Array) => spreadCells(walk, (count) => 1 / count, from, to);
        e.host(node.type, [s, out], run, hostWork(s, attributes));
      }
      return [out];
    },
    signs: [1],
  };
  return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(0), "last")], PLAIN, undefined, "exact")] };
}

const averageShared = {
  family: "average",
  summary: "norm, or any linear rule on its positive weights",
  // Also needed where a normalization is spelled out with it: the canonizer evaluates that part to recognise it.
  fold: folding(() => mean),
  node: averageWay,
  nonnegative: ([x]) => x,
} satisfies Partial<Op<PoolAttributes>>;

/** Mean over windows. Source: ONNX AveragePool-19. */
export const averagePool: Op<PoolAttributes> = {
  ...averageShared,
  type: "AveragePool",
  attributes(read) {
    const countPads = read.int("count_include_pad", 0) === 1;
    return { window: readWindow(read), countPads, ofNothing: countPads };
  },
  infer,
};

const WHOLE: WindowAttributes = {
  kernel: undefined,
  strides: undefined,
  dilations: undefined,
  pads: undefined,
  autoPad: "NOTSET",
  ceil: false,
};

/** One window over all positions. */
const global = {
  attributes: (): PoolAttributes => ({ window: WHOLE, countPads: false }),
  infer: <A extends PoolAttributes>([x]: Operands, a: A, budget: Budget) =>
    infer([x], { ...a, window: { ...WHOLE, kernel: x?.dims.slice(2) } }, budget),
};

/** Mean over all positions. Source: ONNX GlobalAveragePool-1. */
export const globalAveragePool: Op<PoolAttributes> = { ...averageShared, ...global, type: "GlobalAveragePool" };

/** Maximum over all positions. Source: ONNX GlobalMaxPool-1. */
export const globalMaxPool: Op<PoolAttributes> = { ...maxShared, ...global, type: "GlobalMaxPool" };

interface LpAttributes extends PoolAttributes {
  readonly p: number;
}

const lpShared = {
  ...P_NORM,
  fold: folding((a: LpAttributes) => pNorm(a.p)),
  node: (site) => ({
    ...pNormRelevance(site, site.attributes.p, (x, y) => walkOf(site.attributes, x, y), tapsOf(site.attributes)),
    run: (e, at) => [lowered(e, site, at.x(0), pNorm(site.attributes.p))],
  }),
  nonnegative: () => true,
} satisfies Partial<Op<LpAttributes>>;

/** (Σ |x|^p)^(1/p) over windows. Source: ONNX LpPool-18. */
export const lpPool: Op<LpAttributes> = {
  ...lpShared,
  type: "LpPool",
  attributes: (read) => ({
    window: readWindow(read),
    countPads: false,
    ofNothing: true,
    p: checkedP(read.int("p", 2)),
  }),
  infer,
};

/** The same over all positions. Source: ONNX GlobalLpPool-2. */
export const globalLpPool: Op<LpAttributes> = {
  ...lpShared,
  ...global,
  type: "GlobalLpPool",
  attributes: (read) => ({ ...global.attributes(), p: checkedP(read.int("p", 2)) }),
};
