import { describe, expect, it, test } from "vitest";
import { Budget } from "../../src/base/budget.ts";
import { canonize } from "../../src/canonize/canonize.ts";
import type { ExplainOptions } from "../../src/entries/index.ts";
import { infer } from "../../src/infer/infer.ts";
import { open } from "../../src/read/open.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, type FileTensor, field, MICROSOFT, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { type codeOf, floats, integers, randoms } from "./quantised-cases.ts";

/*
 * Weights that stay integers: the same numbers and the same relevance as the layer of floats that they stand for, and
 * as many bytes as the file has.
 */

type Type = Parameters<typeof codeOf>[0];

interface Weight {
  readonly name: string;
  readonly nodes: readonly FileNode[];
  readonly initializers: Readonly<Record<string, FileTensor>>;
  /** The floats, [k, m]. */
  readonly floats: Float32Array;
}

const [K, M] = [37, 11];
const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** x times a weight [k, m], or [m, k], behind a DequantizeLinear. */
function dequantised(
  name: string,
  type: Type,
  scaleDims: readonly number[],
  at: (k: number, m: number) => number,
  attributes: FileNode["attributes"],
  rows = false,
): Weight {
  const q = randoms(type, K * M, 3);
  const scale = numbers(size(scaleDims), 4, 0.01, 0.05);
  const zero = randoms(type, size(scaleDims), 5);
  const values = new Float32Array(K * M);
  for (let k = 0; k < K; k++)
    for (let m = 0; m < M; m++) {
      const i = rows ? m * K + k : k * M + m;
      values[k * M + m] = (q[i] - zero[at(k, m)]) * scale[at(k, m)];
    }
  const layer: FileNode = rows
    ? { type: "Gemm", inputs: ["x", "w"], outputs: ["y"], attributes: { transB: 1, alpha: { float: 1 } } }
    : { type: "MatMul", inputs: ["x", "w"], outputs: ["y"] };
  return {
    name,
    nodes: [{ type: "DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["w"], attributes }, layer],
    initializers: {
      q: integers(type, rows ? [M, K] : [K, M], q),
      s: floats(scaleDims, ...scale),
      z: integers(type, scaleDims, zero),
    },
    floats: values,
  };
}

/** MatMulNBits, whose rows are outputs, in blocks of 16. */
function blocks(bits: number): Weight {
  const [blocks, count] = [Math.ceil(K / 16), M * Math.ceil(K / 16)];
  const bytes = Uint8Array.from(randoms("uint8", (count * 16 * bits) / 8, 6));
  const scale = numbers(count, 7, 0.01, 0.05);
  const points = numbers(count, 8, 0, 2 ** bits - 1).map(Math.floor);
  const values = new Float32Array(K * M);
  for (let m = 0; m < M; m++)
    for (let k = 0; k < K; k++) {
      const bit = (m * blocks * 16 + k) * bits;
      const q = (bytes[Math.floor(bit / 8)] >> (bit % 8)) % 2 ** bits;
      const block = m * blocks + Math.floor(k / 16);
      values[k * M + m] = (q - points[block]) * scale[block];
    }
  return {
    name: `MatMulNBits of ${bits}`,
    nodes: [
      {
        type: "MatMulNBits",
        domain: MICROSOFT,
        inputs: ["x", "q", "s", "z"],
        outputs: ["y"],
        attributes: { K, N: M, bits, block_size: 16 },
      },
    ],
    initializers: {
      q: { dims: [M, blocks, (16 * bits) / 8], data: { type: 2, fields: field(9, [...bytes]) } },
      s: floats([count], ...scale),
      z: floats([count], ...points),
    },
    floats: values,
  };
}

const weights: readonly Weight[] = [
  dequantised("int8 of one scale", "int8", [], () => 0, {}),
  dequantised("uint8 of one scale", "uint8", [], () => 0, {}),
  dequantised("uint8 of a scale for each output", "uint8", [M], (_, m) => m, { axis: 1 }),
  dequantised("int8 of a scale for each output, in rows", "int8", [M], (_, m) => m, { axis: 0 }, true),
  dequantised("int8 of a scale for each input", "int8", [K], (k) => k, { axis: 0 }),
  dequantised("int8 in blocks", "int8", [5, M], (k, m) => Math.floor(k / 8) * M + m, { axis: 0, block_size: 8 }),
  dequantised("int4 in blocks", "int4", [5, M], (k, m) => Math.floor(k / 8) * M + m, { axis: 0, block_size: 8 }),
  dequantised("uint4 in odd blocks", "uint4", [6, M], (k, m) => Math.floor(k / 7) * M + m, { axis: 0, block_size: 7 }),
  dequantised("int2 in rows", "int2", [M, 3], (k, m) => m * 3 + Math.floor(k / 16), { axis: 1, block_size: 16 }, true),
  ...[2, 4, 8].map(blocks),
];

const composites = ["epsilon", "epsilonPlus", "epsilonAlpha2Beta1Flat", "epsilonGammaBox"] as const;

const given = (composite: ExplainOptions["composite"]): ExplainOptions =>
  composite === "epsilonGammaBox" ? { composite, low: -3, high: 3 } : { composite };

describe("a dense layer of integers is that of floats", () => {
  it.each(weights)("$name", async (weight) => {
    const x = tensor([3, K], 1, -2, 2);
    const bias = tensor([M], 2);
    const after: readonly FileNode[] = [
      { type: "Add", inputs: ["y", "b"], outputs: ["sum"] },
      { type: "Relu", inputs: ["sum"], outputs: ["out"] },
    ];
    const graph = { inputs: { x: ["n", K] }, outputs: { out: ["n", M] } };
    using packed = await loadInMode(
      onnx({ ...graph, initializers: { ...weight.initializers, b: bias }, nodes: [...weight.nodes, ...after] }, 25),
    );
    using float = await loadInMode(
      onnx(
        {
          ...graph,
          initializers: { w: { dims: [K, M], data: weight.floats }, b: bias },
          nodes: [{ type: "MatMul", inputs: ["x", "w"], outputs: ["y"] }, ...after],
        },
        25,
      ),
    );
    const most = (data: Float32Array) => data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const [y, want] = [packed, float].map((model) => model.predict(x).output.data as Float32Array);
    expectClose(y, want, 1e-6 * most(want));
    for (const composite of composites) {
      const [r, expected] = [packed, float].map((model) => model.explain(x, given(composite)).relevance.data);
      expectClose(r, expected, 5e-6 * most(expected));
    }
  });
});

/** Bytes of the arrays that constants of graphs have, each of them once. */
function bytesOf(
  graphs: readonly { readonly constants: ReadonlyMap<string, import("../../src/base/tensor.ts").Constant> }[],
) {
  const buffers = new Set<ArrayBufferLike>();
  for (const { constants } of graphs)
    for (const { packed, ...constant } of constants.values())
      buffers.add((packed?.integers.bytes ?? constant.data).buffer);
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

test.each<[Type, number]>([
  ["int8", 1],
  ["uint8", 1],
  ["int4", 0.5],
])(
  "a layer and a table of %s take as many bytes as the file has, and the kernels' as many again",
  async (type, each) => {
    const [words, width] = [512, 256];
    const q = (seed: number, dims: readonly number[]) => integers(type, dims, randoms(type, size(dims), seed));
    const bytes = onnx(
      {
        inputs: { ids: [1, 4] },
        types: { ids: 7 },
        outputs: { y: [1, 4, width] },
        initializers: {
          table: q(1, [words, width]),
          w: q(2, [width, width]),
          s: floats([], 0.01),
          b: tensor([width], 3),
        },
        nodes: [
          { type: "DequantizeLinear", inputs: ["table", "s"], outputs: ["rows"] },
          { type: "Gather", inputs: ["rows", "ids"], outputs: ["x"] },
          { type: "DequantizeLinear", inputs: ["w", "s"], outputs: ["v"] },
          { type: "MatMul", inputs: ["x", "v"], outputs: ["z"] },
          { type: "Add", inputs: ["z", "b"], outputs: ["y"] },
        ],
      },
      25,
    );
    const whole = await open(bytes, {});
    const fitted = canonize(infer(whole, new Map([["ids", { dims: [1, 4] }]]), new Budget())!);
    const count = words * width + width * width;
    expect(bytesOf([whole, fitted])).toBeLessThan(each * count + 8 * width + 100);
    // Behind the compiler's data, the kernels' memory has no table, and the layer as it is packed; then come pages.
    using model = await loadInMode(bytes);
    using small = await loadInMode(
      onnx({ inputs: { x: [1] }, outputs: { y: [1] }, nodes: [{ type: "Relu", inputs: ["x"], outputs: ["y"] }] }),
    );
    const most = each * width * width + 4 * (40 * width + 40 * width);
    expect(model.needs().memory - small.needs().memory).toBeLessThan(most + 2 * 65536);
  },
);
