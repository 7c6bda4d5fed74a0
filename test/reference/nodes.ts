import type { FileNode } from "../onnx-writer.ts";
import { batchNormAffine, windowInputs } from "./layers.ts";
import { average, conv, convTranspose, count, dense, type Dims, place, positions, sum } from "./linear.ts";
import {
  axisOf,
  type Definition,
  type Input,
  type Known,
  type Meaning,
  one,
  type Reader,
  reader,
  type Scaling,
} from "./meaning.ts";
import { moves } from "./moves.ts";

/*
 * What each type of node means, from ONNX's definitions.
 */

const pointwise =
  (
    f: (read: Reader, inputs: readonly Input[]) => (v: number) => number,
    slope: (read: Reader, inputs: readonly Input[]) => (v: number) => number,
  ): Definition =>
  (inputs, read) => ({
    dims: inputs[0]!.dims,
    family: "activation",
    terms: [0],
    does: {
      kind: "pointwise",
      f: f(read, inputs),
      slope: slope(read, inputs),
      lipschitz: Math.max(1, Math.abs(read.float("alpha", 0))),
    },
  });

function scaling(dims: Dims, scale: readonly number[], shift: readonly number[], axis: Scaling["axis"]): Meaning {
  return {
    dims,
    family: "normalization",
    terms: [0],
    does: {
      kind: "pointwise",
      f: (v, i) => scale[i] * v + shift[i],
      slope: (_v, i) => scale[i],
      lipschitz: scale.reduce((most, s) => Math.max(most, Math.abs(s)), 0),
      scaling: { scale, shift, axis },
    },
  };
}

/** A constant as one number for each number of x, and the axis along which alone it has several. */
function beside(x: Known, constant: Known): { values: number[]; axis: Scaling["axis"] } {
  const lead = x.dims.length - constant.dims.length;
  const values = positions(x.dims).map(
    (p) =>
      constant.data![
        place(
          constant.dims,
          p.slice(lead).map((at, i) => (constant.dims[i] === 1 ? 0 : at)),
        )
      ],
  );
  const several = constant.dims.flatMap((d, i) => {
    const first = (p: readonly number[]) => p.map((at, k) => (k === i ? 0 : at));
    const differs = positions(constant.dims).some(
      (p) => constant.data![place(constant.dims, p)] !== constant.data![place(constant.dims, first(p))],
    );
    return d > 1 && differs ? [i + lead] : [];
  });
  return { values, axis: several.length === 0 ? "none" : several.length === 1 ? several[0] : undefined };
}

const product =
  (factor: (c: number) => number): Definition =>
  (inputs) => {
    const data = inputs.findIndex((x) => !x!.data);
    const x = inputs[data]!;
    const { values, axis } = beside(x, inputs[1 - data]!);
    return {
      ...scaling(
        x.dims,
        values.map(factor),
        values.map(() => 0),
        axis,
      ),
      terms: [data],
    };
  };

/** A sum with one constant term is also a scaling by ±1 and a shift, for a linear layer that takes it in. */
const sumOf =
  (second: 1 | -1): Definition =>
  (inputs) => {
    const shapes = inputs.map((x) => x!.dims);
    const rank = Math.max(...shapes.map((s) => s.length));
    const dims = Array.from({ length: rank }, (_, i) => Math.max(...shapes.map((s) => s[i - rank + s.length] ?? 1)));
    const signs = shapes.map((_, t) => (t === 0 ? 1 : second));
    return {
      dims,
      family: "sum",
      terms: shapes.map((_, t) => t),
      does: { kind: "linear", map: sum(dims, signs, shapes) },
    };
  };

/** The same sum as what it is beside a linear layer: x ± c, or c ± x. */
export function shiftOf(type: string, inputs: readonly Input[]): (Scaling & { data: number }) | undefined {
  if (!["Add", "Sub", "Sum"].includes(type) || inputs.length !== 2) return undefined;
  const data = inputs.findIndex((x) => !x!.data);
  const constant = inputs[1 - data]!;
  if (!constant.data) return undefined;
  const { values, axis } = beside(inputs[data]!, constant);
  const sign = type === "Sub" ? -1 : 1;
  const [scale, shift] = data === 0 ? [1, sign] : [sign, 1];
  return { data, scale: values.map(() => scale), shift: values.map((c) => shift * c), axis };
}

const definitions: Readonly<Record<string, Definition>> = {
  Conv: ([x, w, b], read) => {
    const { kernel, ...window } = read.window(w!.dims.slice(2));
    const map = conv(x!.dims, { dims: w!.dims, data: w!.data! }, b?.data, { ...window, group: read.int("group", 1) });
    const unpadded = (window.pads ?? []).every((p) => p === 0);
    return { dims: map.dims, family: "convolution", terms: [0], does: { kind: "linear", map, channels: 1, unpadded } };
  },
  ConvTranspose: ([x, w, b], read) => {
    const { kernel, ...window } = read.window(w!.dims.slice(2));
    const options = { ...window, group: read.int("group", 1), output_padding: read.ints("output_padding") };
    const map = convTranspose(x!.dims, { dims: w!.dims, data: w!.data! }, b?.data, options);
    // At its borders an output reads fewer taps, padded or not.
    return {
      dims: map.dims,
      family: "convolution",
      terms: [0],
      does: { kind: "linear", map, channels: 1, unpadded: false },
    };
  },
  Gemm: ([x, w, c], read) => {
    const transposed = read.int("transB", 0) === 1;
    const [m, k] = transposed ? w!.dims : [w!.dims[1], w!.dims[0]];
    const [alpha, beta] = [read.float("alpha", 1), read.float("beta", 1)];
    const data = positions([m, k]).map(([o, i]) => alpha * w!.data![transposed ? o * k + i : i * m + o]);
    const bias = c && Array.from({ length: m }, (_, o) => beta * c.data![c.data!.length === 1 ? 0 : o]);
    const map = dense(x!.dims[0], { dims: [m, k], data }, bias);
    return { dims: map.dims, family: "dense", terms: [0], does: { kind: "linear", map, channels: 1, unpadded: true } };
  },
  MatMul: ([x, w]) => {
    const [k, m] = w!.dims;
    const data = positions([m, k]).map(([o, i]) => w!.data![i * m + o]);
    const dims = [...x!.dims.slice(0, -1), m];
    const map = { ...dense(count(dims) / m, { dims: [m, k], data }), dims };
    return {
      dims,
      family: "dense",
      terms: [0],
      does: { kind: "linear", map, channels: dims.length - 1, unpadded: true },
    };
  },
  AveragePool: ([x], read) => {
    const map = average(x!.dims, read.window(read.ints("kernel_shape")!), read.int("count_include_pad", 0) === 1);
    return { dims: map.dims, family: "average", terms: [0], does: { kind: "linear", map } };
  },
  GlobalAveragePool: ([x]) => {
    const map = average(x!.dims, { kernel: x!.dims.slice(2) });
    return { dims: map.dims, family: "average", terms: [0], does: { kind: "linear", map } };
  },
  CumSum: ([x, axis], read) => {
    const { dims } = x!;
    const [at, exclusive, reverse] = [axis!.data![0], read.int("exclusive", 0), read.int("reverse", 0)];
    const connections = positions(dims).map((p) =>
      Array.from({ length: dims[at] }, (_, k) => k).flatMap((k) => {
        const isBefore = reverse ? k > p[at] : k < p[at];
        const from = p.map((v, i) => (i === at ? k : v));
        return isBefore || (k === p[at] && !exclusive) ? [{ i: place(dims, from), w: 1 }] : [];
      }),
    );
    const map = { dims, inputs: count(dims), connections, bias: connections.map(() => 0) };
    return { dims, family: "sum", terms: [0], does: { kind: "linear", map } };
  },
  Add: sumOf(1),
  Sum: sumOf(1),
  Sub: sumOf(-1),
  MaxPool: ([x], read) => {
    const { dims, inputs } = windowInputs(x!.dims, read.window(read.ints("kernel_shape")!));
    return { dims, family: "route", terms: [0], does: { kind: "route", candidates: inputs, fill: 0 } };
  },
  LRN: ([x], read) => {
    const size = read.int("size", 1);
    const lrn = {
      region: "channels",
      before: Math.floor((size - 1) / 2),
      after: Math.ceil((size - 1) / 2),
      a: read.float("alpha", 1e-4) / size,
      c: read.float("beta", 0.75),
      kappa: read.float("bias", 1),
    } as const;
    return { dims: x!.dims, family: "lrn", terms: [0], does: { kind: "lrn", lrn } };
  },
  BatchNormalization: ([x, scale, shift, mean, variance], read) => {
    const p = { scale: scale!.data!, shift: shift!.data!, mean: mean!.data!, variance: variance!.data! };
    const { factor, offset } = batchNormAffine({ ...p, epsilon: read.float("epsilon", 1e-5) });
    const channels = positions(x!.dims).map(([, c]) => c);
    return scaling(
      x!.dims,
      channels.map((c) => factor[c]),
      channels.map((c) => offset[c]),
      factor.length === 1 ? "none" : 1,
    );
  },
  Mul: product((c) => c),
  Div: product((c) => 1 / c),
  Relu: pointwise(
    () => (v) => Math.max(v, 0),
    () => (v) => (v > 0 ? 1 : 0),
  ),
  LeakyRelu: pointwise(
    (read) => (v) => (v > 0 ? v : read.float("alpha", 0.01) * v),
    (read) => (v) => (v > 0 ? 1 : read.float("alpha", 0.01)),
  ),
  Clip: pointwise(
    (_, [, low, high]) =>
      (v) =>
        Math.min(Math.max(v, one(low, -Infinity)), one(high, Infinity)),
    (_, [, low, high]) =>
      (v) =>
        v > one(low, -Infinity) && v < one(high, Infinity) ? 1 : 0,
  ),
  Sigmoid: pointwise(
    () => (v) => 1 / (1 + Math.exp(-v)),
    () => (v) => Math.exp(-v) / (1 + Math.exp(-v)) ** 2,
  ),
  Tanh: pointwise(
    () => Math.tanh,
    () => (v) => 1 - Math.tanh(v) ** 2,
  ),
  Atan: pointwise(
    () => Math.atan,
    () => (v) => 1 / (1 + v * v),
  ),
  Softmax: ([x], read) => {
    const axis = axisOf(read.int("axis", -1), x!.dims);
    const does = { kind: "softmax", length: x!.dims[axis], inner: count(x!.dims.slice(axis + 1)) } as const;
    return { dims: x!.dims, family: "other", terms: [0], does };
  },
  ...moves,
};

/** What the node does to inputs of these shapes. */
export function meaningOf(node: FileNode, inputs: readonly Input[]): Meaning {
  return definitions[node.type](inputs, reader(node));
}
