import type { Operands } from "../graph/graph.ts";
import { stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Dims, isFloat, isInteger, numbersFor, size } from "../base/tensor.ts";
import {
  maximum,
  mean,
  type Numbers,
  overAxes,
  type Reducer,
  reduceCells,
  reducer,
  routeCells,
  spreadCells,
  type Taps,
  total,
  type Walk,
} from "./cells.ts";
import { axesOf, axisOf, integers, type Op, type Site, type WayBack } from "./op.ts";
import { P_NORM, pNorm, pNormRelevance } from "./p-norm.ts";
import { POSITIVE, UNKNOWN } from "./says.ts";

interface ReduceAttributes {
  readonly keepDims: boolean;
  /** Undefined: an input says it. In ascending order and from 0 once resolved. */
  readonly axes: readonly number[] | undefined;
  readonly emptyMeansNone: boolean;
  readonly asInput: boolean;
}

/** What is left of the dims. */
function reduced(dims: Dims, axes: readonly number[], keepDims: boolean): Dims {
  return dims.flatMap((d, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [d]));
}

function infer(inputs: Operands, a: ReduceAttributes): { dims: Dims[]; attributes: ReduceAttributes } {
  const x = inputs[0]!;
  const given = (a.asInput ? integers(inputs, 1, "axes") : a.axes) ?? [];
  const axes = axesOf(given, x.dims.length);
  const all = x.dims.map((_, axis) => axis);
  const chosen = given.length > 0 || a.emptyMeansNone ? all.filter((axis) => axes.includes(axis)) : all;
  return { dims: [reduced(x.dims, chosen, a.keepDims)], attributes: { ...a, axes: chosen } };
}

/** A node whose cells are summed up, or searched, along some axes. */
type Cells = Site<{ readonly axes?: readonly number[] }>;

const walkOf = ({ attributes: { axes } }: Cells, x: Value): Walk => overAxes(axes!, x.dims, stridesOf(x));

function lowered(e: Emitter, site: Cells, x: Value, reduce: Reducer): Value {
  const [{ name, dims }] = site.outputs;
  const y = e.temp(name, dims);
  const walk = walkOf(site, x);
  e.host(site.node.type, [x, y], (from, to) => reduceCells(walk, reduce, from, to));
  return y;
}

/** Σ and mean are linear in what they read. */
const linear =
  (reduce: Reducer, weight: (count: number) => number): ((site: Cells) => WayBack) =>
  (site) => ({
    kind: "linear",
    layout: "first",
    data: [0],
    z: (e, [x]) => lowered(e, site, x, reduce),
    vjp(e, s) {
      const out = e.temp(`${site.node.name}:vjp`, site.inputs[0]!.dims);
      const walk = walkOf(site, out);
      e.host(site.node.type, [s, out], (from, to) => spreadCells(walk, weight, from, to));
      return [out];
    },
    signs: [1],
  });

const toWinner = (site: Cells): WayBack => ({
  kind: "route",
  vjp(e, at, r) {
    const [x, y] = [at.x(0), at.y(0)];
    const out = e.temp(`${site.node.name}:vjp`, x.dims, x.layout);
    const walk = walkOf(site, x);
    e.host(site.node.type, [x, y, e.as(r, "first"), out], (from, best, received, to) =>
      routeCells(walk, from, best, received, to),
    );
    return [out];
  },
});

/** The derivative of y, a cell's reduction, in its number x[base + taps[i]]. */
type Slope = (y: number, x: Numbers, base: number, taps: Taps, i: number) => number;

const notLinear =
  (slope: Slope): ((site: Cells) => WayBack) =>
  (site) => ({
    kind: "none",
    why: "it is a reduction that neither adds, selects nor takes a norm",
    vjp(e, at, r) {
      const [x, y] = [at.x(0), at.y(0)];
      const out = e.temp(`${site.node.name}:vjp`, x.dims, x.layout);
      const walk = walkOf(site, x);
      e.host(site.node.type, [x, y, e.as(r, "first"), out], (from, results, received, to) =>
        walk((k, base, taps) => {
          for (let i = 0; i < taps.length; i++)
            to[base + taps[i]] = received[k] * slope(results[k], from, base, taps, i);
        }),
      );
      return [out];
    },
  });

const ofProduct: Slope = (y, x, base, taps, i) => {
  if (x[base + taps[i]] !== 0) return y / x[base + taps[i]];
  let product = 1;
  for (let k = 0; k < taps.length; k++) if (k !== i) product *= x[base + taps[k]];
  return product;
};

const ofSquares: Slope = (_, x, base, taps, i) => 2 * x[base + taps[i]];
const ofLogOfSum: Slope = (y) => Math.exp(-y);
const ofLogOfExps: Slope = (y, x, base, taps, i) => Math.exp(x[base + taps[i]] - y);

type Kind = Pick<Op<ReduceAttributes>, "family" | "summary"> & {
  readonly back: (site: Cells) => WayBack;
  /** What they are, for `takes`. */
  readonly numbers?: string;
};
const adding = (family: "sum" | "average", reduce: Reducer, weight: (count: number) => number): Kind => ({
  family,
  summary: POSITIVE,
  back: linear(reduce, weight),
});
const SELECTING: Kind = {
  family: "route",
  summary: "It goes to the first of the numbers that won.",
  back: toWinner,
  numbers: "any",
};
const norm = (p: number): Kind => ({ ...P_NORM, back: (site) => pNormRelevance(site, p, (x) => walkOf(site, x)) });
const other = (slope: Slope): Kind => ({ family: "other", summary: UNKNOWN, back: notLinear(slope) });

const one = () => 1;
const share = (count: number) => 1 / count;
const squares = reducer(0, (sum, v) => sum + v * v);
const product = reducer(1, (so, v) => so * v);
const logOfSum = reducer(0, (sum, v) => sum + v, Math.log);

const keeps: Op<ReduceAttributes>["nonnegative"] = ([x]) => x;
const always = () => true;
const never = () => false;

/**
 * One number for all those along some axes; an integer result is cut off. `axes` became an input with opset `since`.
 * Without axes all are meant, or, by `noop_with_empty_axes`, none: then each number is a cell of its own.
 * Source: ONNX, the operator of this name (versions 1 to 20).
 */
function row(
  type: string,
  { back, numbers = "number", ...kind }: Kind,
  reduce: Reducer,
  nonnegative: Op<ReduceAttributes>["nonnegative"] = never,
  since = 18,
): Op<ReduceAttributes> {
  return {
    type,
    ...kind,
    anyType: true,
    takes: { 1: `data:${numbers}`, [since]: `data:${numbers} axes:int?` },
    attributes(read) {
      const asInput = read.opset >= since;
      return {
        keepDims: read.int("keepdims", 1) === 1,
        axes: asInput ? undefined : read.ints("axes"),
        emptyMeansNone: asInput && read.int("noop_with_empty_axes", 0) === 1,
        asInput,
      };
    },
    infer,
    fold([x], { axes }, [dims]) {
      const data = numbersFor(x!.type, size(dims));
      reduceCells(overAxes(axes!, x!.dims), reduce, x!.data, data);
      return [{ type: x!.type, dims, data: isFloat(x!.type) ? data : data.map(Math.trunc) }];
    },
    node(site) {
      const isWhole = isInteger(site.outputs[0].type);
      const own: Reducer = isWhole ? (...cell) => Math.trunc(reduce(...cell)) : reduce;
      return { ...back(site), run: (e, at) => [lowered(e, site, at.x(0), own)] };
    },
    nonnegative,
  };
}

/** log(e^a + e^b), which does not overflow. */
function logAdd(a: number, b: number): number {
  const [less, more] = a < b ? [a, b] : [b, a];
  return less === -Infinity ? more : more + Math.log1p(Math.exp(less - more));
}

export const reductions: readonly Op<ReduceAttributes>[] = [
  row("ReduceSum", adding("sum", total, one), total, keeps, 13),
  row("ReduceMean", adding("average", mean, share), mean, keeps),
  row("ReduceMax", SELECTING, maximum, keeps),
  row("ReduceMin", SELECTING, reducer(Infinity, Math.min), keeps),
  row("ReduceL1", norm(1), pNorm(1), always),
  row("ReduceL2", norm(2), pNorm(2), always),
  row("ReduceProd", other(ofProduct), product, keeps),
  row("ReduceSumSquare", other(ofSquares), squares, always),
  row("ReduceLogSum", other(ofLogOfSum), logOfSum),
  row("ReduceLogSumExp", other(ofLogOfExps), reducer(-Infinity, logAdd)),
];

interface ArgAttributes {
  readonly axis: number;
  readonly axes?: readonly number[];
  readonly keepDims: boolean;
  readonly last: boolean;
}

/**
 * Where along `axis` the largest or smallest number stands: the first of equal ones, or the last. Source: ONNX
 * ArgMax-13, ArgMin-13.
 */
function argRow(type: "ArgMax" | "ArgMin", sign: 1 | -1): Op<ArgAttributes> {
  const position =
    (last: boolean): Reducer =>
    (x, base, taps) => {
      let best = 0;
      for (let i = 1; i < taps.length; i++) {
        const ahead = sign * (x[base + taps[i]] - x[base + taps[best]]);
        if (ahead > 0 || (last && ahead === 0)) best = i;
      }
      return best;
    };
  return {
    type,
    family: "other",
    summary: UNKNOWN,
    takes: "data:number",
    anyType: true,
    attributes: (read) => ({
      axis: read.int("axis", 0),
      keepDims: read.int("keepdims", 1) === 1,
      last: read.int("select_last_index", 0) === 1,
    }),
    infer([x], a) {
      const axis = axisOf(a.axis, x!.dims.length);
      return { dims: [reduced(x!.dims, [axis], a.keepDims)], types: ["int64"], attributes: { ...a, axes: [axis] } };
    },
    fold([x], { axes, last }, [dims]) {
      const data = new Float64Array(size(dims));
      reduceCells(overAxes(axes!, x!.dims), position(last), x!.data, data);
      return [{ type: "int64", dims, data }];
    },
    node: (site) => ({
      kind: "none",
      why: "an index has no share in the number that it points at",
      run: (e, at) => [lowered(e, site, at.x(0), position(site.attributes.last))],
    }),
    nonnegative: always,
  };
}

export const argMax = argRow("ArgMax", 1);
export const argMin = argRow("ArgMin", -1);
