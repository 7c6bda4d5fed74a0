import { demand } from "../base/complaint.ts";
import { type Constant, type ElementType, numbersFor, size, strides } from "../base/tensor.ts";
import { integers, known, type Op, single, NONE, type None } from "./op.ts";
import { LOADING } from "./says.ts";

/** A row for what exists only while loading. */
const onLoading = { family: "other", summary: LOADING } as const;

function constantOf(type: ElementType, values: ArrayLike<number>, dims: readonly number[]): Constant {
  return { type, dims, data: numbersFor(type, values) };
}

/** Source: ONNX Constant-13. */
export const constant: Op<{ value: Constant }> = {
  ...onLoading,
  type: "Constant",
  takes: "",
  attributes(read) {
    const [float, int] = [read.float("value_float", NaN), read.int("value_int", NaN, "wide")];
    const [floats, ints] = [read.floats("value_floats"), read.ints("value_ints", "wide")];
    const value =
      read.tensor("value") ??
      (floats && constantOf("float32", floats, [floats.length])) ??
      (ints && constantOf("int64", ints, [ints.length])) ??
      (Number.isNaN(float) ? undefined : constantOf("float32", [float], [])) ??
      (Number.isNaN(int) ? undefined : constantOf("int64", [int], []));
    demand(value, "unsupported", "a value, value_float(s) or value_int(s)", "none of them");
    return { value };
  },
  infer: (_inputs, { value }) => ({ dims: [value.dims], types: [value.type] }),
  fold: (_inputs, { value }) => [value],
  renames: true,
};

/** Source: ONNX ConstantOfShape-9. */
export const constantOfShape: Op<{ value: Constant }> = {
  ...onLoading,
  type: "ConstantOfShape",
  takes: "input:int",
  attributes: (read) => ({ value: read.tensor("value") ?? constantOf("float32", [0], [1]) }),
  infer(inputs, { value }) {
    return { dims: [integers(inputs, 0, "a shape")!], types: [value.type] };
  },
  fold([_shape], { value }, [dims]) {
    return [{ type: value.type, dims, data: numbersFor(value.type, size(dims)).fill(value.data[0]) }];
  },
};

/** Source: ONNX Shape-15. */
export const shape: Op<{ start: number; end: number; dims?: readonly number[] }> = {
  ...onLoading,
  type: "Shape",
  takes: "data:any",
  attributes: (read) => ({ start: read.int("start", 0, "wide"), end: read.int("end", Infinity, "wide") }),
  infer([x], a) {
    const dims = x!.dims.slice(a.start, a.end);
    return { dims: [[dims.length]], types: ["int64"], attributes: { ...a, dims } };
  },
  shapeOnly: true,
  fold: (_inputs, a) => [constantOf("int64", a.dims!, [a.dims!.length])],
};

/** How many numbers there are. Source: ONNX Size-13. */
export const sizeOf: Op<{ count?: number }> = {
  ...onLoading,
  type: "Size",
  takes: "data:any",
  attributes: () => ({}),
  infer: ([x]) => ({ dims: [[]], types: ["int64"], attributes: { count: size(x!.dims) } }),
  shapeOnly: true,
  fold: (_inputs, { count }) => [constantOf("int64", [count!], [])],
};

/** start, start + delta, … short of limit. Source: ONNX Range-11. */
export const range: Op<None> = {
  ...onLoading,
  type: "Range",
  takes: "start:number limit:number delta:number",
  attributes: () => NONE,
  infer(inputs) {
    const [start, limit, delta] = ["a start", "a limit", "a delta"].map((what, i) => single(inputs, i, what)!);
    demand(delta, "invalid-model", "a delta other than 0", `${delta}`);
    return { dims: [[Math.max(0, Math.ceil((limit - start) / delta))]] };
  },
  fold([start, , delta], _a, [[count]]) {
    const values = new Float64Array(count).map((_, i) => start!.data[0] + i * delta!.data[0]);
    return [constantOf(start!.type, values, [count])];
  },
};

/** Positions of what is not 0, one row an axis. Source: ONNX NonZero-13. */
export const nonZero: Op<None> = {
  ...onLoading,
  type: "NonZero",
  takes: "X:any",
  attributes: () => NONE,
  infer(inputs) {
    const x = known(inputs, 0, "numbers")!;
    let count = 0;
    for (const v of x.data) count += Number(v !== 0);
    return { dims: [[x.dims.length, count]], types: ["int64"] };
  },
  fold([x], _a, [[rank, count]]) {
    const data = new Float64Array(rank * count);
    const steps = strides(x!.dims);
    let k = 0;
    x!.data.forEach((v, i) => {
      if (v === 0) return;
      for (let axis = 0; axis < rank; axis++) data[axis * count + k] = Math.floor(i / steps[axis]) % x!.dims[axis];
      k++;
    });
    return [{ type: "int64", dims: [rank, count], data }];
  },
};
