import {
  averagePool2d,
  clip,
  conv2d,
  dense,
  flatten,
  globalAveragePool,
  leakyRelu,
  lrn,
  maxPool2d,
  type Network,
  relu,
  tanh,
} from "../../src/index.ts";
import { network } from "../explain.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * Small networks of every kind, for what holds in all of them.
 */

export interface Net {
  readonly name: string;
  readonly dims: readonly number[];
  readonly source: Network | Uint8Array;
  readonly hasLrn?: true;
}

const node = (type: string, inputs: readonly string[], output: string, attributes: FileNode["attributes"] = {}): FileNode => ({
  type,
  inputs,
  outputs: [output],
  attributes,
});

/** Weights as a network has them at the start of its training. */
function he(dims: readonly number[], seed: number) {
  const scale = Math.sqrt(6 / dims.slice(1).reduce((a, b) => a * b, 1));
  return tensor(dims, seed, -scale, scale);
}
const bias = (m: number, seed: number) => tensor([m], seed, -0.2, 0.2);

const plain: Net = {
  name: "convolutions and pools",
  dims: [2, 3, 11, 9],
  source: network(
    [2, 3, 11, 9],
    conv2d({ weight: he([5, 3, 3, 3], 1), bias: bias(5, 2), pads: 1 }),
    relu(),
    maxPool2d({ kernel: 3, strides: 2, ceil: true }),
    conv2d({ weight: he([7, 5, 3, 2], 3), bias: bias(7, 4), strides: 2 }),
    relu(),
    flatten(),
    dense({ weight: he([9, 28], 5), bias: bias(9, 6) }),
    relu(),
    dense({ weight: he([4, 9], 7), bias: bias(4, 8) }),
  ),
};

const normalized: Net = {
  name: "local response normalization",
  dims: [2, 3, 9, 9],
  hasLrn: true,
  source: network(
    [2, 3, 9, 9],
    conv2d({ weight: he([6, 3, 3, 3], 1), bias: bias(6, 2), pads: 1 }),
    relu(),
    lrn({ size: 5, alpha: 2 }),
    maxPool2d({ kernel: 2 }),
    conv2d({ weight: he([5, 6, 3, 3], 3), bias: bias(5, 4) }),
    relu(),
    lrn({ size: 3, alpha: 5, region: "spatial" }),
    averagePool2d({ kernel: 2 }),
    flatten(),
    dense({ weight: he([3, 5], 5), bias: bias(3, 6) }),
  ),
};

const mobile: Net = {
  name: "depthwise convolutions, Clip, a mean, a convolution as the head",
  dims: [2, 3, 8, 10],
  source: network(
    [2, 3, 8, 10],
    conv2d({ weight: he([8, 3, 3, 3], 1), bias: bias(8, 2), strides: 2, pads: [0, 0, 1, 1] }),
    clip({ min: 0, max: 6 }),
    conv2d({ weight: he([8, 1, 3, 3], 3), bias: bias(8, 4), group: 8, pads: 1 }),
    clip({ min: 0, max: 6 }),
    conv2d({ weight: he([9, 8, 1, 1], 5), bias: bias(9, 6) }),
    leakyRelu(),
    conv2d({ weight: he([6, 3, 2, 2], 7), group: 3 }),
    tanh(),
    globalAveragePool(),
    conv2d({ weight: he([4, 6, 1, 1], 9), bias: bias(4, 10) }),
  ),
};

const bn = (c: number, seed: number): Record<string, FileTensor> => ({
  [`s${seed}`]: tensor([c], seed, 0.5, 1.5),
  [`t${seed}`]: tensor([c], seed + 1),
  [`m${seed}`]: tensor([c], seed + 2),
  [`v${seed}`]: tensor([c], seed + 3, 0.5, 2),
});
const bnNode = (input: string, output: string, seed: number) =>
  node("BatchNormalization", [input, `s${seed}`, `t${seed}`, `m${seed}`, `v${seed}`], output);

const residual: Net = {
  name: "skip connections, concatenation, BatchNormalization, softmax",
  dims: [2, 3, 8, 7],
  source: onnx({
    nodes: [
      node("Conv", ["x", "w1"], "c1", { pads: [1, 1, 1, 1] }),
      bnNode("c1", "n1", 10),
      node("Relu", ["n1"], "r1"),
      node("Conv", ["r1", "w2"], "c2", { pads: [1, 1, 1, 1] }),
      bnNode("c2", "n2", 20),
      node("Add", ["n2", "r1"], "a"),
      node("Relu", ["a"], "r2"),
      bnNode("r2", "n3", 30),
      node("Relu", ["n3"], "r3"),
      node("Conv", ["r3", "w3"], "c3", { pads: [1, 1, 1, 1], strides: [2, 2] }),
      node("AveragePool", ["r2"], "p", { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      node("Concat", ["c3", "p"], "k", { axis: 1 }),
      node("GlobalAveragePool", ["k"], "g"),
      node("Flatten", ["g"], "f"),
      node("Gemm", ["f", "fc", "fb"], "logits", { transB: 1 }),
      node("Softmax", ["logits"], "y"),
    ],
    initializers: {
      w1: he([6, 3, 3, 3], 1),
      w2: he([6, 6, 3, 3], 2),
      w3: he([5, 6, 3, 3], 3),
      fc: he([4, 11], 4),
      fb: bias(4, 5),
      ...bn(6, 10),
      ...bn(6, 20),
      ...bn(6, 30),
    },
    inputs: { x: ["n", 3, 8, 7] },
    outputs: { y: ["n", 4] },
  }),
};

const constants: Net = {
  name: "constants that are added, subtracted, multiplied, padded, concatenated",
  dims: [2, 2, 5, 6],
  source: onnx({
    nodes: [
      node("Relu", ["x"], "r"),
      node("Add", ["r", "map"], "a"),
      node("Relu", ["a"], "b"),
      node("Sub", ["map", "b"], "c"),
      node("Sum", ["c", "b", "row"], "d"),
      node("Mul", ["d", "map"], "e"),
      node("Pad", ["e", "pads", "three"], "g"),
      node("Conv", ["g", "w", "wb"], "h"),
      node("Concat", ["h", "more"], "k", { axis: 1 }),
      node("Gather", ["k", "picked"], "l", { axis: 1 }),
      node("Flatten", ["l"], "f"),
      node("MatMul", ["f", "fc"], "y"),
    ],
    initializers: {
      map: tensor([1, 2, 5, 6], 3, 0.5, 1.5),
      row: tensor([6], 4),
      pads: { dims: [8], data: [0, 0, 1, 0, 0, 0, 0, 1] },
      three: { dims: [], data: Float32Array.of(3) },
      w: he([3, 2, 3, 3], 5),
      wb: bias(3, 6),
      more: tensor([2, 2, 4, 5], 7),
      picked: { dims: [6], data: [0, 4, 2, 2, 1, 3] },
      fc: { dims: [120, 3], data: numbers(360, 8) },
    },
    inputs: { x: [2, 2, 5, 6] },
    outputs: { y: [2, 3] },
  }),
};

export const nets: readonly Net[] = [plain, normalized, mobile, residual, constants];
