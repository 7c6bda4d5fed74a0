import type { Tensor } from "../../src/entries/index.ts";
import { type FileGraph, type FileNode, type FileTensor, field, MICROSOFT } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * Quantised operators behind a QuantizeLinear of a network's input, on random numbers.
 */

type IntegerType = "uint8" | "int8" | "uint16" | "int16" | "int32" | "uint4" | "int4" | "uint2" | "int2";

/** ONNX's number of each type, how many bits it has, and whether these have a sign. */
const TYPES: Readonly<Record<IntegerType, readonly [code: number, bits: number, signed: boolean]>> = {
  uint8: [2, 8, false],
  int8: [3, 8, true],
  uint16: [4, 16, false],
  int16: [5, 16, true],
  int32: [6, 32, true],
  uint4: [21, 4, false],
  int4: [22, 4, true],
  uint2: [25, 2, false],
  int2: [26, 2, true],
};

export const codeOf = (type: IntegerType) => TYPES[type][0];
export const rangeOf = (type: IntegerType): readonly [number, number] => {
  const [, bits, signed] = TYPES[type];
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
};

/** A tensor of integers of any width, as raw_data. */
export function integers(type: IntegerType, dims: readonly number[], data: ArrayLike<number>): FileTensor {
  const [code, bits] = TYPES[type];
  const bytes = new Uint8Array(Math.ceil((data.length * bits) / 8));
  Array.from(data).forEach((v, i) => {
    for (let bit = 0; bit < bits; bit++) {
      const at = i * bits + bit;
      bytes[Math.floor(at / 8)] |= ((v >> bit) & 1) << (at % 8);
    }
  });
  return { dims, data: { type: code, fields: field(9, [...bytes]) } };
}

/** Random integers of all that a type has. */
export function randoms(type: IntegerType, count: number, seed: number): number[] {
  const [low, high] = type === "int32" ? [-1000, 1000] : rangeOf(type);
  return Array.from(numbers(count, seed, low, high + 1), (v) => Math.min(Math.floor(v), high));
}

const size = (dims: readonly number[]) => dims.reduce((product, d) => product * d, 1);
const random = (type: IntegerType, dims: readonly number[], seed: number) =>
  integers(type, dims, randoms(type, size(dims), seed));
export const floats = (dims: readonly number[], ...data: number[]): FileTensor => ({
  dims,
  data: Float32Array.from(data),
});
const scales = (dims: readonly number[], seed: number, low = 0.005, high = 0.02) => tensor(dims, seed, low, high);

export interface QuantisedCase {
  readonly name: string;
  readonly nodes: readonly FileNode[];
  readonly initializers?: Readonly<Record<string, FileTensor>>;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Outputs, with ONNX's numbers of their types. */
  readonly outputs: Readonly<Record<string, number>>;
  readonly opset?: number;
  /** By how much an output may be off: one step of integers, and of floats this share of the largest. */
  readonly tolerance?: number;
  readonly peer?: false;
}

export const graphOf = ({ nodes, initializers, inputs, outputs }: QuantisedCase): FileGraph => ({
  nodes,
  initializers,
  inputs: Object.fromEntries(Object.entries(inputs).map(([name, { dims }]) => [name, dims])),
  outputs: Object.fromEntries(Object.keys(outputs).map((name) => [name, null])),
  types: outputs,
});

const node = (
  type: string,
  inputs: readonly string[],
  attributes: FileNode["attributes"] = {},
  outputs: readonly string[] = ["y"],
): FileNode => ({ type, inputs, outputs, attributes, domain: MICROSOFTS.has(type) ? MICROSOFT : "" });

const MICROSOFTS = new Set(
  (
    "QLinearAdd QLinearMul QLinearSigmoid QLinearLeakyRelu QLinearAveragePool QLinearGlobalAveragePool QLinearConcat " +
    "QLinearSoftmax QLinearWhere QLinearReduceMean QGemm DynamicQuantizeMatMul MatMulIntegerToFloat MatMulNBits " +
    "GatherBlockQuantized QAttention QEmbedLayerNormalization"
  ).split(" "),
);

/** x as integers, with their scale and zero point. */
const quantised = (x: string, type: IntegerType, scale: number, zero: number) => ({
  nodes: [node("QuantizeLinear", [x, `${x}s`, `${x}z`], {}, [`${x}q`])],
  initializers: { [`${x}s`]: floats([], scale), [`${x}z`]: integers(type, [], [zero]) },
});

/** An output's scale and zero point. */
const output = (type: IntegerType, scale: number, zero: number) => ({
  ys: floats([], scale),
  yz: integers(type, [], [zero]),
});

const quantize = (
  type: IntegerType,
  more: Partial<QuantisedCase> & { zero?: FileTensor; scale?: FileTensor } = {},
) => ({
  name: `QuantizeLinear of ${type}${more.name ?? ""}`,
  inputs: { x: tensor([3, 4, 5], 1, -3, 3) },
  initializers: {
    s: more.scale ?? floats([], 0.013),
    z: more.zero ?? integers(type, [], [type.startsWith("u") ? 1 : -1]),
  },
  nodes: more.nodes ?? [
    node("QuantizeLinear", ["x", "s", "z"], {}, ["q"]),
    // Integers of 4 bits are no outputs of onnxruntime-web.
    node(type.endsWith("4") ? "DequantizeLinear" : "Identity", type.endsWith("4") ? ["q", "s", "z"] : ["q"]),
  ],
  outputs: { y: type.endsWith("4") ? 1 : codeOf(type) },
  opset: more.opset ?? 21,
});

/** A constant DequantizeLinear, which is added to an input. */
const dequantize = (
  name: string,
  x: FileTensor,
  scale: FileTensor,
  zero?: FileTensor,
  attributes: FileNode["attributes"] = {},
  opset = 21,
): QuantisedCase => ({
  name: `DequantizeLinear of ${name}`,
  inputs: { x: tensor(x.dims, 1) },
  initializers: { q: x, s: scale, ...(zero && { z: zero }) },
  nodes: [node("DequantizeLinear", ["q", "s", ...(zero ? ["z"] : [])], attributes, ["w"]), node("Add", ["x", "w"])],
  outputs: { y: 1 },
  opset,
});

const conv = (
  type: IntegerType,
  weight: IntegerType,
  attributes: FileNode["attributes"],
  { perChannel = false, group = 1 }: { perChannel?: boolean; group?: number },
): QuantisedCase => {
  const x = quantised("x", type, 0.021, type === "uint8" ? 120 : 3);
  const [m, c] = [6, 4];
  const list = perChannel ? [m] : [];
  return {
    name: `QLinearConv of ${type} by ${weight}${perChannel ? ", per channel" : ""}, group ${group}`,
    inputs: { x: tensor([2, c, 7, 5], 1, -2, 2) },
    initializers: {
      ...x.initializers,
      w: random(weight, [m, c / group, 3, 3], 2),
      ws: scales(list, 3),
      wz: integers(weight, list, new Array(perChannel ? m : 1).fill(weight === "int8" ? 0 : 131)),
      b: random("int32", [m], 4),
      ...output(type, 0.11, type === "uint8" ? 130 : -2),
    },
    nodes: [
      ...x.nodes,
      node("QLinearConv", ["xq", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], { ...attributes, group }),
    ],
    outputs: { y: codeOf(type) },
  };
};

const matMul = (type: IntegerType, weight: IntegerType, columns: boolean): QuantisedCase => {
  const x = quantised("x", type, 0.021, type === "uint8" ? 120 : 3);
  const list = columns ? [7] : [];
  return {
    name: `QLinearMatMul of ${type} by ${weight}${columns ? ", per column" : ""}`,
    inputs: { x: tensor([2, 3, 5], 1, -2, 2) },
    initializers: {
      ...x.initializers,
      w: random(weight, [5, 7], 2),
      ws: scales(list, 3),
      wz: integers(weight, list, new Array(columns ? 7 : 1).fill(weight === "int8" ? 0 : 131)),
      ...output(type, 0.05, type === "uint8" ? 130 : -2),
    },
    nodes: [...x.nodes, node("QLinearMatMul", ["xq", "xs", "xz", "w", "ws", "wz", "ys", "yz"])],
    outputs: { y: codeOf(type) },
  };
};

const binary = (type: string): QuantisedCase => {
  const [a, b] = [quantised("a", "uint8", 0.02, 110), quantised("b", "uint8", 0.011, 140)];
  return {
    name: type,
    inputs: { a: tensor([2, 3, 5], 1, -2, 2), b: tensor([3, 5], 2, -1, 1) },
    initializers: { ...a.initializers, ...b.initializers, ...output("uint8", 0.03, 128) },
    nodes: [...a.nodes, ...b.nodes, node(type, ["aq", "as", "az", "bq", "bs", "bz", "ys", "yz"])],
    outputs: { y: 2 },
  };
};

const single = (
  type: string,
  attributes: FileNode["attributes"] = {},
  dims: readonly number[] = [2, 3, 6, 4],
  [scale, zero]: readonly [number, number] = [0.02, 120],
): QuantisedCase => {
  const x = quantised("x", "uint8", 0.021, 110);
  return {
    name: `${type}${attributes.channels_last ? ", channels last" : ""}`,
    inputs: { x: tensor(dims, 1, -2, 2) },
    initializers: { ...x.initializers, ...output("uint8", scale, zero) },
    nodes: [...x.nodes, node(type, ["xq", "xs", "xz", "ys", "yz"], attributes)],
    outputs: { y: 2 },
  };
};

/** How quantize_dynamic makes floats of sums of integers, and adds a bias. */
const scaledSums: readonly FileNode[] = [
  node("Cast", ["sums"], { to: 1 }, ["float"]),
  node("Mul", ["xs", "ws"], {}, ["scale"]),
  node("Mul", ["float", "scale"], {}, ["scaled"]),
  node("Add", ["scaled", "b"]),
];

/** What onnxruntime's quantize_dynamic writes for a dense layer with a bias. */
export const dynamicDense = (columns: boolean): QuantisedCase => ({
  name: `MatMulInteger behind DynamicQuantizeLinear${columns ? ", per column" : ""}`,
  inputs: { x: tensor([2, 3, 5], 1, -2, 3) },
  initializers: {
    w: random("int8", [5, 7], 2),
    wz: integers("int8", columns ? [7] : [], new Array(columns ? 7 : 1).fill(columns ? 0 : 3)),
    ws: scales(columns ? [7] : [], 3),
    b: tensor([7], 4),
  },
  nodes: [
    node("DynamicQuantizeLinear", ["x"], {}, ["xq", "xs", "xz"]),
    node("MatMulInteger", ["xq", "w", "xz", "wz"], {}, ["sums"]),
    ...scaledSums,
  ],
  outputs: { y: 1 },
  tolerance: 1e-6,
});

export const dynamicConv: QuantisedCase = {
  name: "ConvInteger behind DynamicQuantizeLinear",
  inputs: { x: tensor([2, 4, 7, 5], 1, -2, 3) },
  initializers: {
    w: random("uint8", [6, 2, 3, 3], 2),
    wz: integers("uint8", [], [121]),
    ws: scales([], 3),
    b: tensor([1, 6, 1, 1], 4),
  },
  nodes: [
    node("DynamicQuantizeLinear", ["x"], {}, ["xq", "xs", "xz"]),
    node("ConvInteger", ["xq", "w", "xz", "wz"], { group: 2, pads: [1, 0, 0, 1] }, ["sums"]),
    ...scaledSums,
  ],
  outputs: { y: 1 },
  tolerance: 1e-6,
};

const bits = (count: number, k: number, block: number, zeros: "none" | "packed" | "floats"): QuantisedCase => {
  const [n, blocks] = [5, Math.ceil(k / block)];
  const row = Math.ceil((blocks * count) / 8);
  return {
    name: `MatMulNBits of ${count} bits, ${k} columns in blocks of ${block}, zero points: ${zeros}`,
    inputs: { x: tensor([2, 3, k], 1) },
    initializers: {
      w: random("uint8", [n, blocks, (block * count) / 8], 2),
      s: scales([n * blocks], 3),
      ...(zeros === "packed" && { z: random("uint8", [n * row], 4) }),
      ...(zeros === "floats" && { z: tensor([n * blocks], 4, 1, 9) }),
    },
    nodes: [
      node("MatMulNBits", ["x", "w", "s", ...(zeros === "none" ? [] : ["z"])], {
        K: k,
        N: n,
        bits: count,
        block_size: block,
      }),
    ],
    outputs: { y: 1 },
    // Its own kernels add up in another order.
    tolerance: 5e-6,
  };
};

const gather = (type: IntegerType, count: number | undefined, zeros: boolean): QuantisedCase => {
  const perByte = type === "uint8" ? 8 / (count ?? 4) : 1;
  return {
    name: `GatherBlockQuantized of ${type}${count ? ` with ${count} bits` : ""}${zeros ? ", zero points" : ""}`,
    inputs: { x: tensor([2, 3, 32], 1) },
    initializers: {
      t: random(type, [5, 32 / perByte], 2),
      ids: { dims: [2, 3], data: [4, 0, 1, 1, 3, 2] },
      s: scales([5, 2], 3),
      ...(zeros && { z: random(type, [5, Math.ceil(2 / perByte)], 4) }),
    },
    nodes: [
      node(
        "GatherBlockQuantized",
        ["t", "ids", "s", ...(zeros ? ["z"] : [])],
        { gather_axis: 0, quantize_axis: 1, block_size: 16, ...(count && { bits: count }) },
        ["rows"],
      ),
      node("Add", ["x", "rows"]),
    ],
    outputs: { y: 1 },
    opset: 21,
  };
};

export const quantisedCases: readonly QuantisedCase[] = [
  ...(["uint8", "int8", "uint16", "int16", "uint4", "int4"] as const).map((type) => quantize(type)),
  quantize("int8", {
    name: ", an axis",
    scale: scales([4], 3),
    zero: integers("int8", [4], [0, 3, -5, 100]),
    nodes: [node("QuantizeLinear", ["x", "s", "z"], { axis: 1 })],
  }),
  quantize("uint8", {
    name: ", in blocks",
    scale: scales([3, 2, 5], 3),
    zero: random("uint8", [3, 2, 5], 4),
    nodes: [node("QuantizeLinear", ["x", "s", "z"], { axis: 1, block_size: 3 })],
  }),
  {
    name: "QuantizeLinear of uint8, halves",
    inputs: { x: floats([8], 0.5, 1.5, 2.5, 3.5, 300, 0.25, 126.5, 127.5) as Tensor },
    initializers: { s: floats([], 1) },
    nodes: [node("QuantizeLinear", ["x", "s"])],
    outputs: { y: 2 },
  },
  dequantize("uint8", random("uint8", [3, 4], 2), floats([], 0.03), integers("uint8", [], [130])),
  dequantize("int8, an axis", random("int8", [3, 4], 2), scales([4], 3), integers("int8", [4], [1, 0, -3, 9]), {
    axis: -1,
  }),
  dequantize("int32", random("int32", [3, 4], 2), floats([], 0.03)),
  dequantize("uint16", random("uint16", [3, 4], 2), floats([], 0.003), integers("uint16", [], [400])),
  dequantize("int16", random("int16", [3, 4], 2), floats([], 0.003), integers("int16", [], [-40])),
  dequantize("uint4, in blocks", random("uint4", [3, 5], 2), scales([3, 3], 3), random("uint4", [3, 3], 4), {
    axis: 1,
    block_size: 2,
  }),
  dequantize("int4, an axis", random("int4", [3, 5], 2), scales([3], 3), random("int4", [3], 4), { axis: 0 }),
  {
    name: "DynamicQuantizeLinear",
    inputs: { x: tensor([3, 5], 1, -1, 3) },
    nodes: [node("DynamicQuantizeLinear", ["x"], {}, ["y", "s", "z"])],
    outputs: { y: 2, s: 1, z: 2 },
  },
  {
    name: "QuantizeLinear and DequantizeLinear",
    inputs: { x: tensor([3, 5], 1, -2, 3) },
    initializers: { s: floats([], 0.013), z: integers("int8", [], [-3]) },
    nodes: [node("QuantizeLinear", ["x", "s", "z"], {}, ["q"]), node("DequantizeLinear", ["q", "s", "z"])],
    outputs: { y: 1 },
  },
  conv("uint8", "int8", { pads: [1, 0, 1, 0], strides: [2, 1] }, { perChannel: true }),
  conv("uint8", "uint8", { pads: [0, 1, 1, 1] }, { group: 2 }),
  conv("int8", "int8", { dilations: [2, 1] }, { group: 2, perChannel: true }),
  matMul("uint8", "int8", false),
  matMul("int8", "int8", true),
  matMul("uint8", "uint8", true),
  binary("QLinearAdd"),
  binary("QLinearMul"),
  single("QLinearSigmoid", {}, [2, 3, 6, 4], [1 / 256, 0]),
  single("QLinearLeakyRelu", { alpha: { float: 0.2 } }),
  single("QLinearAveragePool", { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
  single("QLinearAveragePool", { kernel_shape: [3, 2], channels_last: 1 }),
  single("QLinearGlobalAveragePool", { channels_last: 0 }),
  single("QLinearGlobalAveragePool", { channels_last: 1 }),
  single("QLinearSoftmax", { axis: -1, opset: 13 }, [3, 7], [1 / 256, 0]),
  // On the processor it has no kernel.
  { ...single("QLinearReduceMean", { axes: [1], keepdims: 0 }), peer: false },
  {
    name: "QLinearConcat",
    inputs: { a: tensor([2, 3, 5], 1, -2, 2), b: tensor([2, 1, 5], 2, -1, 1) },
    initializers: {
      ...quantised("a", "uint8", 0.02, 110).initializers,
      ...quantised("b", "uint8", 0.011, 140).initializers,
      ...output("uint8", 0.03, 128),
    },
    nodes: [
      ...quantised("a", "uint8", 0.02, 110).nodes,
      ...quantised("b", "uint8", 0.011, 140).nodes,
      node("QLinearConcat", ["ys", "yz", "aq", "as", "az", "bq", "bs", "bz"], { axis: 1 }),
    ],
    outputs: { y: 2 },
  },
  {
    name: "QLinearWhere",
    inputs: { a: tensor([2, 3, 5], 1, -2, 2), b: tensor([3, 5], 2, -1, 1) },
    initializers: {
      c: { dims: [5], data: [true, false, true, true, false] },
      ...quantised("a", "uint8", 0.02, 110).initializers,
      ...quantised("b", "uint8", 0.011, 140).initializers,
      ...output("uint8", 0.03, 128),
    },
    nodes: [
      ...quantised("a", "uint8", 0.02, 110).nodes,
      ...quantised("b", "uint8", 0.011, 140).nodes,
      node("QLinearWhere", ["c", "aq", "as", "az", "bq", "bs", "bz", "ys", "yz"]),
    ],
    outputs: { y: 2 },
  },
  ...[true, false].map((isInteger): QuantisedCase => {
    const x = quantised("x", "uint8", 0.021, 120);
    return {
      name: `QGemm, ${isInteger ? "integers" : "floats"}`,
      inputs: { x: tensor([3, 5], 1, -2, 2) },
      initializers: {
        ...x.initializers,
        w: random("int8", [7, 5], 2),
        ws: scales([7], 3),
        wz: integers("int8", [7], new Array(7).fill(0)),
        b: random("int32", [7], 4),
        ...(isInteger && output("uint8", 0.05, 130)),
      },
      nodes: [
        ...x.nodes,
        node("QGemm", ["xq", "xs", "xz", "w", "ws", "wz", "b", ...(isInteger ? ["ys", "yz"] : [])], {
          transB: 1,
          alpha: { float: 0.7 },
        }),
      ],
      outputs: { y: isInteger ? 2 : 1 },
    };
  }),
  dynamicDense(false),
  dynamicDense(true),
  dynamicConv,
  {
    name: "MatMulInteger, ConvInteger alone",
    inputs: { x: tensor([2, 3, 5], 1, -2, 2) },
    initializers: {
      ...quantised("x", "uint8", 0.021, 120).initializers,
      w: random("uint8", [5, 7], 2),
      wz: integers("uint8", [], [130]),
      k: random("uint8", [4, 3, 2], 3),
    },
    nodes: [
      ...quantised("x", "uint8", 0.021, 120).nodes,
      node("MatMulInteger", ["xq", "w", "xz", "wz"]),
      node("ConvInteger", ["xq", "k", "xz"], {}, ["v"]),
    ],
    outputs: { y: 6, v: 6 },
  },
  {
    name: "DynamicQuantizeMatMul",
    inputs: { x: tensor([2, 3, 5], 1, -2, 2) },
    initializers: {
      w: random("int8", [5, 7], 2),
      ws: scales([7], 3),
      wz: integers("int8", [7], new Array(7).fill(0)),
      b: tensor([7], 4),
    },
    nodes: [node("DynamicQuantizeMatMul", ["x", "w", "ws", "wz", "b"])],
    outputs: { y: 1 },
    tolerance: 1e-6,
  },
  {
    name: "MatMulIntegerToFloat",
    inputs: { x: tensor([2, 3, 5], 1, -2, 2) },
    initializers: {
      w: random("uint8", [5, 7], 2),
      ws: scales([7], 3),
      wz: integers("uint8", [7], [120, 121, 122, 123, 124, 125, 126]),
      b: tensor([7], 4),
    },
    nodes: [
      node("DynamicQuantizeLinear", ["x"], {}, ["xq", "xs", "xz"]),
      node("MatMulIntegerToFloat", ["xq", "w", "xs", "ws", "xz", "wz", "b"]),
    ],
    outputs: { y: 1 },
    tolerance: 1e-6,
  },
  {
    name: "QAttention",
    inputs: { x: tensor([2, 5, 7], 1, -2, 2) },
    initializers: {
      ...quantised("x", "uint8", 0.02, 120).initializers,
      w: random("int8", [7, 36], 2),
      ws: floats([], 0.01),
      wz: integers("int8", [], [0]),
      b: tensor([36], 4),
    },
    nodes: [
      ...quantised("x", "uint8", 0.02, 120).nodes,
      node("QAttention", ["xq", "w", "b", "xs", "ws", "", "xz", "wz"], { num_heads: 3 }),
    ],
    outputs: { y: 1 },
    tolerance: 2e-6,
  },
  {
    name: "QEmbedLayerNormalization",
    inputs: { x: { dims: [2, 3], data: Float32Array.of(0, 4, 2, 1, 1, 3) } },
    initializers: {
      word: random("uint8", [5, 8], 2),
      position: random("uint8", [4, 8], 3),
      gamma: random("uint8", [8], 4),
      beta: random("uint8", [8], 5),
      ...Object.fromEntries(["ws", "ps", "gs", "bs"].map((name, i) => [name, floats([], 0.01 * (i + 1))])),
      ...Object.fromEntries(["wz", "pz", "gz", "bz"].map((name, i) => [name, integers("uint8", [], [120 + i])])),
    },
    nodes: [
      node("Cast", ["x"], { to: 6 }, ["ids"]),
      node(
        "QEmbedLayerNormalization",
        "ids,,word,position,,gamma,beta,,ws,ps,,gs,bs,wz,pz,,gz,bz".split(","),
        { epsilon: { float: 1e-5 } },
        ["y", "mask"],
      ),
    ],
    outputs: { y: 1 },
    tolerance: 2e-6,
  },
  bits(4, 32, 16, "none"),
  bits(4, 40, 16, "packed"),
  bits(4, 40, 32, "floats"),
  bits(8, 48, 32, "none"),
  bits(8, 40, 16, "packed"),
  bits(2, 64, 32, "none"),
  bits(2, 80, 16, "packed"),
  gather("int4", undefined, false),
  gather("uint4", undefined, true),
  gather("uint8", 4, false),
  gather("uint8", 4, true),
  gather("uint8", 8, true),
];
