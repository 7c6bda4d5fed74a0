import { demand } from "../../base/complaint.ts";
import { type Dims, size } from "../../base/tensor.ts";
import type { Numbers } from "../cells.ts";
import { hosted } from "./hosted.ts";
import { axisOf, known, type Op, single } from "../op.ts";
import { POSITIVE } from "../says.ts";

/** A tensor as columns along one axis: how many are outside and inside of it, and how long they are. */
export interface Columns {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

export const columnsOf = (dims: Dims, axis: number): Columns => ({
  outer: size(dims.slice(0, axis)),
  length: dims[axis],
  inner: size(dims.slice(axis + 1)),
});

interface TopKAttributes {
  readonly axis: number;
  readonly k?: number;
  readonly sign: 1 | -1;
  readonly columns?: Columns;
}

/** Visits what is chosen: where it lies in the data, where along its column, and where in the output. */
function chosen(
  x: Numbers,
  { columns, k, sign }: TopKAttributes,
  visit: (from: number, index: number, to: number) => void,
): void {
  const { outer, length, inner } = columns!;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const place = (index: number) => (o * length + index) * inner + i;
      // A sort is stable, so that of equal ones the first is first.
      const order = Array.from({ length }, (_, index) => index);
      order.sort((a, b) => sign * (x[place(b)] - x[place(a)]));
      for (let j = 0; j < k!; j++) visit(place(order[j]), order[j], (o * k! + j) * inner + i);
    }
}

/** The k largest or smallest along an axis, in their order, and their indices. Source: ONNX TopK-11. */
const topK: Op<TopKAttributes> = hosted<TopKAttributes>({
  type: "TopK",
  family: "route",
  summary: "It goes to the numbers that were chosen.",
  takes: { 1: "X:number", 10: "X:number K:int" },
  outputs: 2,
  anyType: true,
  attributes(read) {
    if (read.opset >= 11) read.ignore("sorted");
    return {
      axis: read.int("axis", -1),
      k: read.opset < 10 ? read.int("k", -1) : undefined,
      sign: read.opset < 11 || read.int("largest", 1) === 1 ? 1 : -1,
    };
  },
  infer(inputs, a) {
    const { dims, type } = inputs[0]!;
    const axis = axisOf(a.axis, dims.length);
    const k = a.k ?? single(inputs, 1, "a K")!;
    demand(k >= 0 && k <= dims[axis], "invalid-model", `a K up to ${dims[axis]}`, `${k}`);
    const out = dims.map((d, i) => (i === axis ? k : d));
    return {
      dims: [out, out],
      types: [type, "int64"],
      attributes: { ...a, k, columns: columnsOf(dims, axis) },
      work: size(dims) * Math.ceil(Math.log2(dims[axis] + 1)),
    };
  },
  run([x], [values, indices], a) {
    chosen(x!, a, (from, index, to) => {
      values[to] = x![from];
      indices[to] = index;
    });
  },
  back(r, [to], [x], a) {
    chosen(x!, a, (from, _, at) => {
      to![from] += r[at];
    });
  },
  way: () => ({ kind: "route", steers: [1] }),
  nonnegative: ([x]) => x,
});

export interface OneHotAttributes {
  readonly axis: number;
  readonly columns?: Columns;
  readonly values?: readonly [off: number, on: number];
}

/** Visits each index: its number, and where its column begins in the output. */
function eachColumn({ outer, length, inner }: Columns, visit: (index: number, to: number) => void): void {
  for (let index = 0; index < outer * inner; index++)
    visit(index, Math.floor(index / inner) * length * inner + (index % inner));
}

/**
 * A column for each index, which is `on` there and `off` elsewhere; everywhere, if the index lies beyond it. The
 * relevance of a column is that of its index, as of a vector that Gather takes from a table. Source: ONNX OneHot-11.
 */
const oneHot: Op<OneHotAttributes> = hosted<OneHotAttributes>({
  type: "OneHot",
  family: "route",
  summary: "It goes to the indices.",
  takes: "indices:number depth:number2 values:any",
  anyType: true,
  attributes: (read) => ({ axis: read.int("axis", -1) }),
  infer(inputs, a) {
    const [indices, depth, values] = [inputs[0]!, single(inputs, 1, "a depth")!, known(inputs, 2, "values")!];
    demand(depth >= 1, "invalid-model", "a depth ≥ 1", `${depth}`);
    demand(values.data.length === 2, "invalid-model", "two values, off and on", `${values.data.length}`);
    const axis = axisOf(a.axis, indices.dims.length + 1);
    const dims = [...indices.dims.slice(0, axis), Math.trunc(depth), ...indices.dims.slice(axis)];
    const [off, on] = values.data;
    return {
      dims: [dims],
      types: [values.type],
      attributes: { axis, columns: columnsOf(dims, axis), values: [off, on] },
    };
  },
  run([indices], [y], { columns, values: [off, on] = [0, 1] }) {
    const { length, inner } = columns!;
    y.fill(off);
    eachColumn(columns!, (index, to) => {
      const given = Math.trunc(indices![index]);
      const at = given < 0 ? given + length : given;
      if (at >= 0 && at < length) y[to + at * inner] = on;
    });
  },
  back(r, [toIndices], _, { columns }) {
    const { length, inner } = columns!;
    eachColumn(columns!, (index, to) => {
      for (let i = 0; i < length; i++) toIndices![index] += r[to + i * inner];
    });
  },
  way: () => ({ kind: "route", steers: [1, 2] }),
  nonnegative: (_, { values }) => Math.min(...values!) >= 0,
});

interface CumAttributes {
  readonly exclusive: boolean;
  readonly reverse: boolean;
  readonly columns?: Columns;
}

/** y_i = Σ of x_j up to i, or short of it; for `back`, from i on. */
function cumulate(x: Numbers, y: Numbers, { exclusive, reverse, columns }: CumAttributes, back: boolean): void {
  const { outer, length, inner } = columns!;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let k = 0; k < length; k++) {
        const at = (o * length + (reverse === back ? k : length - 1 - k)) * inner + i;
        y[at] = exclusive ? sum : sum + x[at];
        sum += x[at];
      }
    }
}

/** Sums up to each position of an axis. Source: ONNX CumSum-14. */
const cumSum: Op<CumAttributes> = hosted<CumAttributes>({
  type: "CumSum",
  family: "sum",
  summary: POSITIVE,
  takes: "x:number axis:int",
  anyType: true,
  attributes: (read) => ({ exclusive: read.int("exclusive", 0) === 1, reverse: read.int("reverse", 0) === 1 }),
  infer(inputs, a) {
    const { dims } = inputs[0]!;
    const axis = axisOf(single(inputs, 1, "an axis")!, dims.length);
    return { dims: [dims], attributes: { ...a, columns: columnsOf(dims, axis) } };
  },
  run: ([x], [y], a) => cumulate(x!, y, a, false),
  back: (r, [to], _, a) => cumulate(r, to!, a, true),
  way: () => ({ kind: "linear", data: [0] }),
  nonnegative: ([x]) => x,
});

export const choices = [topK, oneHot, cumSum] as const;
