import { describe, expect, it } from "vitest";
import { LrpError } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, type FileTensor, int32, MICROSOFT, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

/*
 * Forms of fused operators that relprop does not know, and what does not fit.
 */

const x = tensor([2, 5, 7], 1);
const attention = { w: tensor([7, 36], 2), b: tensor([36], 3) };
const grouped = { key: tensor([2, 5, 8], 2), value: tensor([2, 5, 8], 3), total: int32(5) };
const norm = { skip: tensor([2, 5, 7], 2), gamma: tensor([7], 3) };

type Row = readonly [
  name: string,
  type: string,
  inputs: readonly string[],
  constants: Readonly<Record<string, FileTensor>>,
  attributes: FileNode["attributes"],
  says: RegExp,
];

const rows: readonly Row[] = [
  ["no heads", "Attention", ["x", "w", "b"], attention, {}, /num_heads ≥ 1, got 0/],
  ["heads that do not divide", "Attention", ["x", "w", "b"], attention, { num_heads: 5 }, /multiples of 5/],
  ["turned positions", "Attention", ["x", "w", "b"], attention, { num_heads: 3, do_rotary: 1 }, /do_rotary = 0/],
  [
    "a shared buffer",
    "Attention",
    ["x", "w", "b"],
    attention,
    { num_heads: 3, past_present_share_buffer: 1 },
    /past_present_share_buffer = 0/,
  ],
  [
    "widths that do not fit",
    "Attention",
    ["x", "w", "b"],
    attention,
    { num_heads: 3, qkv_hidden_sizes: [12, 9, 15] },
    /widths of Q, K and V/,
  ],
  [
    "a mask of another shape",
    "Attention",
    ["x", "w", "b", "m"],
    { ...attention, m: int32(1, 2, 3) },
    { num_heads: 3 },
    /a mask \[2, 5\].*got \[3\]/,
  ],
  [
    "a past without two halves",
    "Attention",
    ["x", "w", "b", "", "p"],
    { ...attention, p: tensor([1, 2, 3, 4, 4], 4) },
    { num_heads: 3 },
    /past is \[1, 2, 3, 4, 4\]/,
  ],
  ["an unknown attribute", "Attention", ["x", "w", "b"], attention, { num_heads: 3, strange: 1 }, /'strange'/],
  ["Q alone", "MultiHeadAttention", ["x"], {}, { num_heads: 7 }, /Q, K, V apart/],
  [
    "a bias that is too short",
    "MultiHeadAttention",
    ["x", "k", "v", "b"],
    { k: tensor([2, 5, 7], 2), v: tensor([2, 5, 7], 3), b: tensor([20], 4) },
    { num_heads: 7 },
    /a bias of 21 numbers/,
  ],
  [
    "lengths that do not fit the past",
    "GroupQueryAttention",
    ["q", "key", "value", "p", "p", "l", "total"],
    { ...grouped, q: tensor([2, 5, 16], 5), p: tensor([2, 1, 3, 8], 4), l: int32(2, 7) },
    { num_heads: 2, kv_num_heads: 1 },
    /seqlens_k 7/,
  ],
  [
    "a softmax with one more",
    "GroupQueryAttention",
    ["q", "key", "value", "", "", "l", "total"],
    { ...grouped, q: tensor([2, 5, 16], 5), l: int32(4, 4) },
    { num_heads: 2, kv_num_heads: 1, kv_cache_bit_width: 8 },
    /kv_cache_bit_width = 0/,
  ],
  [
    "a skip of another shape",
    "SkipLayerNormalization",
    ["x", "s", "g"],
    { s: tensor([5, 6], 2), g: norm.gamma },
    {},
    /a skip of/,
  ],
  ["groups of none", "GroupNorm", ["x", "g", "b"], { g: tensor([7], 2), b: tensor([7], 3) }, {}, /groups ≥ 1/],
  ["an odd width", "BiasSplitGelu", ["x", "b"], { b: tensor([7], 2) }, {}, /an even number of columns, got 7/],
  [
    "an unknown activation",
    "FusedGemm",
    ["g", "w"],
    { g: tensor([2, 7], 2), w: attention.w },
    { activation: "Mish" },
    /Mish/,
  ],
  [
    "another scale",
    "RotaryEmbedding",
    ["x", "i", "c", "c"],
    { i: int32(0), c: tensor([9, 3], 2) },
    { scale: { float: 2 } },
    /scale = 1/,
  ],
  [
    "a batch that is none",
    "FusedMatMul",
    ["g", "w"],
    { g: tensor([2, 7], 2), w: attention.w },
    { transBatchA: 1 },
    /transBatch/,
  ],
];

describe("a fused operator is refused by name", () => {
  it.each(rows)("%s (%s)", async (_, type, inputs, constants, attributes, says) => {
    const graph = {
      nodes: [
        { type, domain: MICROSOFT, inputs, outputs: ["y"], attributes },
        { type: "Identity", inputs: ["x"], outputs: ["z"] },
      ],
      initializers: constants,
      inputs: { x: x.dims },
      outputs: { y: null },
    };
    const task = async () => {
      using model = await loadInMode(onnx(graph, 18), { batch: false });
      model.predict(x);
    };
    const error = await task().then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(LrpError);
    expect(error.message).toMatch(says);
    expect(error.message).toContain(`com.microsoft.${type}`);
  });
});
