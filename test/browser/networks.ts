import { onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";

/** A network for small colour pictures, without LRN. */
export const colours = onnx({
  inputs: { photo: [1, 3, 8, 8] },
  outputs: { scores: [1, 4] },
  initializers: {
    w: { dims: [4, 3, 3, 3], data: numbers(108, 1) },
    v: { dims: [4, 144], data: numbers(576, 2) },
  },
  nodes: [
    { type: "Conv", inputs: ["photo", "w"], outputs: ["conv"], attributes: { kernel_shape: [3, 3] } },
    { type: "Relu", inputs: ["conv"], outputs: ["relu"] },
    { type: "Flatten", inputs: ["relu"], outputs: ["flat"] },
    { type: "Gemm", inputs: ["flat", "v"], outputs: ["scores"], attributes: { transB: 1 } },
  ],
});
/** The same with a sum. */
export const sums = onnx({
  inputs: { photo: [1, 3, 8, 8] },
  outputs: { scores: [1, 4] },
  initializers: { w: { dims: [3, 3, 3, 3], data: numbers(81, 1) }, v: { dims: [4, 192], data: numbers(768, 2) } },
  nodes: [
    { type: "Conv", inputs: ["photo", "w"], outputs: ["conv"], attributes: { pads: [1, 1, 1, 1] } },
    { type: "Add", inputs: ["conv", "photo"], outputs: ["sum"] },
    { type: "Flatten", inputs: ["sum"], outputs: ["flat"] },
    { type: "Gemm", inputs: ["flat", "v"], outputs: ["scores"], attributes: { transB: 1 } },
  ],
});
/** A network that takes long. */
export const slow = onnx({
  inputs: { photo: [1, 1, 320, 320] },
  outputs: { scores: [1, 4] },
  initializers: {
    a: { dims: [48, 1, 7, 7], data: numbers(48 * 49, 1) },
    b: { dims: [48, 48, 7, 7], data: numbers(48 * 48 * 49, 2) },
    c: { dims: [4, 48, 1, 1], data: numbers(192, 3) },
  },
  nodes: [
    { type: "Conv", inputs: ["photo", "a"], outputs: ["x"], attributes: { pads: [3, 3, 3, 3] } },
    ...["x", "x1", "x2", "x3"].map((name, i) => ({
      type: "Conv",
      inputs: [name, "b"],
      outputs: [`x${i + 1}`],
      attributes: { pads: [3, 3, 3, 3] },
    })),
    { type: "Conv", inputs: ["x4", "c"], outputs: ["y"] },
    { type: "GlobalAveragePool", inputs: ["y"], outputs: ["mean"] },
    { type: "Flatten", inputs: ["mean"], outputs: ["scores"] },
  ],
});
/** A network with attention, LayerNormalization and a gate. */
export const attentive = onnx({
  inputs: { photo: [1, 3, 8, 8] },
  outputs: { scores: [1, 4] },
  initializers: {
    w: { dims: [6, 3, 4, 4], data: numbers(288, 1) },
    flat: { dims: [3], data: [1, 6, 4] },
    scale: { dims: [6], data: numbers(6, 2) },
    q: { dims: [6, 6], data: numbers(36, 3) },
    k: { dims: [6, 6], data: numbers(36, 4) },
    v: { dims: [6, 6], data: numbers(36, 5) },
    g: { dims: [6, 6], data: numbers(36, 6) },
    c: { dims: [6, 4], data: numbers(24, 7) },
  },
  nodes: [
    { type: "Conv", inputs: ["photo", "w"], outputs: ["grid"], attributes: { strides: [4, 4] } },
    { type: "Reshape", inputs: ["grid", "flat"], outputs: ["columns"] },
    { type: "Transpose", inputs: ["columns"], outputs: ["tokens"], attributes: { perm: [0, 2, 1] } },
    { type: "LayerNormalization", inputs: ["tokens", "scale"], outputs: ["normal"], attributes: { axis: -1 } },
    ...["q", "k", "v", "g"].map((name) => ({ type: "MatMul", inputs: ["normal", name], outputs: [`${name}s`] })),
    { type: "Transpose", inputs: ["ks"], outputs: ["kt"], attributes: { perm: [0, 2, 1] } },
    { type: "MatMul", inputs: ["qs", "kt"], outputs: ["s"] },
    { type: "Softmax", inputs: ["s"], outputs: ["p"], attributes: { axis: -1 } },
    { type: "MatMul", inputs: ["p", "vs"], outputs: ["o"] },
    { type: "Sigmoid", inputs: ["gs"], outputs: ["gate"] },
    { type: "Mul", inputs: ["o", "gate"], outputs: ["gated"] },
    { type: "ReduceMean", inputs: ["gated"], outputs: ["mean"], attributes: { axes: [1], keepdims: 0 } },
    { type: "MatMul", inputs: ["mean", "c"], outputs: ["scores"] },
  ],
});
/** A network that reads a picture row by row. */
export const recurrent = onnx({
  inputs: { photo: [1, 3, 8, 8] },
  outputs: { scores: [1, 4] },
  initializers: {
    rows: { dims: [3], data: [8, 1, 24] },
    w: { dims: [1, 18, 24], data: numbers(432, 1) },
    r: { dims: [1, 18, 6], data: numbers(108, 2) },
    last: { dims: [2], data: [1, 6] },
    c: { dims: [6, 4], data: numbers(24, 3) },
  },
  nodes: [
    { type: "Transpose", inputs: ["photo"], outputs: ["turned"], attributes: { perm: [2, 0, 1, 3] } },
    { type: "Reshape", inputs: ["turned", "rows"], outputs: ["steps"] },
    { type: "GRU", inputs: ["steps", "w", "r"], outputs: ["", "state"], attributes: { hidden_size: 6 } },
    { type: "Reshape", inputs: ["state", "last"], outputs: ["read"] },
    { type: "MatMul", inputs: ["read", "c"], outputs: ["scores"] },
  ],
});
/** A picture of any colours. */
export const photo = {
  width: 40,
  height: 30,
  channels: 3,
  depth: 8,
  data: Uint8Array.from(numbers(3600, 3, 0, 256)),
} as const;
