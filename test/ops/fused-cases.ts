import type { Tensor } from "../../src/entries/index.ts";
import {
  type Attribute,
  type FileGraph,
  type FileNode,
  type FileTensor,
  field,
  MICROSOFT,
  varint,
} from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { ints } from "./rows.ts";

/*
 * Fused operators, each with a graph of ONNX's own operators that is the same by the operator's definition.
 */

/** A graph that is written node by node. */
export class Writer {
  readonly nodes: FileNode[] = [];
  readonly initializers: Record<string, FileTensor> = {};

  node(
    type: string,
    inputs: readonly string[],
    attributes: FileNode["attributes"] = {},
    output = `v${this.nodes.length}`,
  ) {
    this.nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  }

  constant(value: FileTensor): string {
    const name = `c${Object.keys(this.initializers).length}`;
    this.initializers[name] = value;
    return name;
  }

  number(v: number): string {
    return this.constant({ dims: [], data: Float32Array.of(v) });
  }

  reshape(x: string, ...dims: number[]): string {
    return this.node("Reshape", [x, this.constant(ints(...dims))]);
  }

  transpose(x: string, ...perm: number[]): string {
    return this.node("Transpose", [x], { perm });
  }

  slice(x: string, axis: number, start: number, end: number, step = 1): string {
    return this.node("Slice", [x, ...[start, end, axis, step].map((v) => this.constant(ints(v)))]);
  }

  /** gelu(x), spelled out. */
  gelu(x: string): string {
    const inner = this.node("Erf", [this.node("Mul", [x, this.number(Math.SQRT1_2)])]);
    return this.node("Mul", [this.node("Mul", [x, this.number(0.5)]), this.node("Add", [inner, this.number(1)])]);
  }

  fastGelu(x: string): string {
    const cube = this.node("Mul", [this.node("Mul", [this.node("Mul", [x, x]), x]), this.number(0.044715)]);
    const inner = this.node("Mul", [this.node("Add", [x, cube]), this.number(Math.sqrt(2 / Math.PI))]);
    const tanh = this.node("Add", [this.node("Tanh", [inner]), this.number(1)]);
    return this.node("Mul", [this.node("Mul", [x, this.number(0.5)]), tanh]);
  }

  layerNorm(x: string, scale: string, shift: string | undefined, epsilon: number): string {
    const axes = this.constant(ints(-1));
    const centred = this.node("Sub", [x, this.node("ReduceMean", [x, axes])]);
    return this.#scaled(centred, scale, shift, epsilon, axes);
  }

  rmsNorm(x: string, scale: string, epsilon: number): string {
    return this.#scaled(x, scale, undefined, epsilon, this.constant(ints(-1)));
  }

  #scaled(x: string, scale: string, shift: string | undefined, epsilon: number, axes: string): string {
    const square = this.node("ReduceMean", [this.node("Mul", [x, x]), axes]);
    const spread = this.node("Sqrt", [this.node("Add", [square, this.number(epsilon)])]);
    const y = this.node("Mul", [this.node("Div", [x, spread]), scale]);
    return shift ? this.node("Add", [y, shift]) : y;
  }

  heads(x: string, n: number, length: number, count: number, size: number): string {
    return this.transpose(this.reshape(x, n, length, count, size), 0, 2, 1, 3);
  }

  /** softmax(Q Kᵀ scale + mask) V, heads beside each other. */
  attention(
    q: string,
    k: string,
    v: string,
    scale: number,
    masks: readonly string[],
    [n, rows, width]: number[],
  ): string {
    const scores = this.node("Mul", [this.node("MatMul", [q, this.transpose(k, 0, 1, 3, 2)]), this.number(scale)]);
    const masked = masks.reduce((sum, mask) => this.node("Add", [sum, mask]), scores);
    const mixed = this.node("MatMul", [this.node("Softmax", [masked], { axis: -1 }), v]);
    return this.reshape(this.transpose(mixed, 0, 2, 1, 3), n, rows, width);
  }

  /** x with pairs of each head turned; x is [n, heads, length, size], the tables are [1 or n, 1, length, size / 2]. */
  turned(x: string, cos: string, sin: string, size: number, interleaved: boolean, dims: number[]): string {
    const [a, b] = interleaved
      ? [this.slice(x, 3, 0, size, 2), this.slice(x, 3, 1, size, 2)]
      : [this.slice(x, 3, 0, size / 2), this.slice(x, 3, size / 2, size)];
    const times = (u: string, v: string) => this.node("Mul", [u, v]);
    const real = this.node("Sub", [times(a, cos), times(b, sin)]);
    const imaginary = this.node("Add", [times(a, sin), times(b, cos)]);
    if (!interleaved) return this.node("Concat", [real, imaginary], { axis: 3 });
    const parts = [real, imaginary].map((part) => this.node("Unsqueeze", [part, this.constant(ints(-1))]));
    return this.reshape(this.node("Concat", parts, { axis: 4 }), ...dims);
  }

  /** Table rows by ids, as [ids.dims[0], 1, length, columns]. */
  rows(table: string, ids: string): string {
    return this.node("Unsqueeze", [this.node("Gather", [table, ids]), this.constant(ints(1))]);
  }
}

export interface FusedCase {
  readonly name: string;
  readonly type: string;
  readonly attributes?: FileNode["attributes"];
  /** Computed inputs, and constants; null: left out. */
  readonly inputs: Readonly<Record<string, Tensor | FileTensor | null>>;
  readonly computed: readonly string[];
  /** How many outputs it has; the others are compared as well. */
  readonly outputs?: number;
  /** Of outputs that are not float32. */
  readonly types?: FileGraph["types"];
  readonly domain?: "";
  readonly opset?: number;
  /** Whether onnxruntime-web runs it. */
  readonly peer?: false;
  /** The same, whose outputs are given back. */
  plain(w: Writer): readonly string[];
}

/** Both graphs of a case; a dense layer stands before the first computed input, so that biases belong to something. */
export function graphsOf(of: FusedCase): { readonly fused: FileGraph; readonly plain: FileGraph } {
  const names = Object.keys(of.inputs);
  const constants = Object.fromEntries(
    Object.entries(of.inputs).filter(([name, value]) => value && !of.computed.includes(name)) as [string, FileTensor][],
  );
  const inputs = Object.fromEntries(of.computed.map((name) => [name, of.inputs[name]!.dims]));
  const outputs = Array.from({ length: of.outputs ?? 1 }, (_, i) => `y${i}`);
  const common = { inputs, outputs: Object.fromEntries(outputs.map((name) => [name, null])), types: of.types };
  const node: FileNode = {
    type: of.type,
    inputs: names.map((name) => (of.inputs[name] ? name : "")),
    outputs,
    attributes: of.attributes,
    domain: of.domain ?? MICROSOFT,
  };
  const w = new Writer();
  Object.assign(w.initializers, constants);
  for (const [i, name] of of.plain(w).entries()) w.node("Identity", [name], {}, outputs[i]);
  return {
    fused: { nodes: [node], initializers: constants, ...common },
    plain: { nodes: w.nodes, initializers: w.initializers, ...common },
  };
}

/** Integers of int32. */
const int32 = (dims: readonly number[], ...data: number[]): FileTensor => ({
  dims,
  data: { type: 6, fields: field(5, data.flatMap(varint)) },
});

const f = (v: number): Attribute => ({ float: v });
/** Zeros where a mask is 1, and what masks elsewhere. */
const additive = (dims: readonly number[], keep: readonly number[], filter = -10000): FileTensor => ({
  dims,
  data: Float32Array.from(keep, (v) => (v ? 0 : filter)),
});
export const causalMask = (rows: number, total: number, filter = -10000) =>
  additive(
    [rows, total],
    Array.from({ length: rows * total }, (_, i) => Number(i % total <= Math.floor(i / total) + total - rows)),
    filter,
  );

const [n, length, width, count] = [2, 5, 12, 3];
const size = width / count;

const qkv = (w: Writer, bias: boolean, total = width): readonly string[] => {
  const all = w.node("MatMul", ["x", "w"]);
  const sum = bias ? w.node("Add", [all, "b"]) : all;
  return [0, 1, 2].map((i) => w.slice(sum, 2, i * total, (i + 1) * total));
};

const attentionInputs = { x: tensor([n, length, 7], 1), w: tensor([7, 3 * width], 2), b: tensor([3 * width], 3) };

const attentionCase = (
  name: string,
  more: Partial<FusedCase> & { readonly masks?: (w: Writer) => readonly string[]; readonly scale?: number },
): FusedCase => ({
  name: `Attention: ${name}`,
  type: "Attention",
  attributes: { num_heads: count },
  inputs: attentionInputs,
  computed: ["x"],
  plain(w) {
    const [q, k, v] = qkv(w, true).map((part) => w.heads(part, n, length, count, size));
    return [w.attention(q, k, v, more.scale ?? 1 / Math.sqrt(size), more.masks?.(w) ?? [], [n, length, width])];
  },
  ...more,
});

/** K or V before and now. */
const withPast = (w: Writer, past: string, own: string) => w.node("Concat", [past, own], { axis: 2 });

const multiHead = (
  name: string,
  more: Partial<FusedCase> & { readonly masks?: (w: Writer) => readonly string[] },
): FusedCase => ({
  name: `MultiHeadAttention: ${name}`,
  type: "MultiHeadAttention",
  attributes: { num_heads: count },
  inputs: {
    query: tensor([n, 4, width], 1),
    key: tensor([n, length, width], 2),
    value: tensor([n, length, 6], 3),
  },
  computed: ["query", "key", "value"],
  plain(w) {
    const q = w.heads("query", n, 4, count, size);
    const k = w.heads("key", n, length, count, size);
    const v = w.heads("value", n, length, count, 2);
    return [w.attention(q, k, v, 1 / Math.sqrt(size), more.masks?.(w) ?? [], [n, 4, 6])];
  },
  ...more,
});

const conv = (name: string, more: Partial<FusedCase>, behind: (w: Writer, y: string) => string): FusedCase => ({
  name: `FusedConv: ${name}`,
  type: "FusedConv",
  inputs: { x: tensor([2, 4, 7, 5], 1), w: tensor([6, 2, 3, 3], 2), b: tensor([6], 3) },
  computed: ["x"],
  plain: (w) => [behind(w, w.node("Conv", ["x", "w", "b"], { group: 2, pads: [1, 0, 0, 1], strides: [2, 1] }))],
  ...more,
  attributes: { group: 2, pads: [1, 0, 0, 1], strides: [2, 1], ...more.attributes },
});

/** Angles for 9 positions. */
const cache = (columns: number, f: (v: number) => number): FileTensor => ({
  dims: [9, columns],
  data: Float32Array.from({ length: 9 * columns }, (_, i) =>
    f(Math.floor(i / columns) / 10 ** ((i % columns) / columns)),
  ),
});

const grouped = (name: string, more: Partial<FusedCase> & Pick<FusedCase, "plain">): FusedCase => ({
  name: `GroupQueryAttention: ${name}`,
  type: "GroupQueryAttention",
  attributes: { num_heads: 4, kv_num_heads: 2 },
  inputs: {},
  computed: ["query", "key", "value"],
  ...more,
});

const groupedInputs = {
  query: tensor([n, length, 64], 1),
  key: tensor([n, length, 32], 2),
  value: tensor([n, length, 32], 3),
};

/** Each head twice. */
const twice = (w: Writer, x: string, total: number, n = 2) =>
  w.reshape(
    w.node("Expand", [w.reshape(x, n, 2, 1, total, 16), w.constant(ints(n, 2, 2, total, 16))]),
    n,
    4,
    total,
    16,
  );

const skipInputs = {
  input: tensor([2, 3, 7], 1),
  skip: tensor([2, 3, 7], 2),
  gamma: tensor([7], 3),
  beta: tensor([7], 4),
  bias: tensor([7], 5),
};

export const fusedCases: readonly FusedCase[] = [
  attentionCase("plain", {}),
  attentionCase("causal", {
    attributes: { num_heads: count, unidirectional: 1 },
    masks: (w) => [w.constant(causalMask(length, length))],
  }),
  attentionCase("a mask of each sample, a scale", {
    attributes: { num_heads: count, scale: f(0.3), mask_filter_value: f(-500) },
    inputs: { ...attentionInputs, mask: int32([n, length], 1, 1, 0, 1, 0, 0, 1, 1, 1, 1) },
    scale: 0.3,
    masks: (w) => [w.constant(additive([n, 1, 1, length], [1, 1, 0, 1, 0, 0, 1, 1, 1, 1], -500))],
  }),
  attentionCase("where each sample ends", {
    inputs: { ...attentionInputs, mask: int32([n], 3, 5) },
    masks: (w) => [w.constant(additive([n, 1, 1, length], [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]))],
  }),
  attentionCase("where each sample ends and begins", {
    inputs: { ...attentionInputs, mask: int32([2 * n], 5, 4, 2, 0) },
    masks: (w) => [w.constant(additive([n, 1, 1, length], [0, 0, 1, 1, 1, 1, 1, 1, 1, 0]))],
  }),
  attentionCase("a mask of each row, causal, an attention bias", {
    attributes: { num_heads: count, unidirectional: 1 },
    inputs: {
      ...attentionInputs,
      mask: int32([n, length, length], ...Array.from({ length: n * length * length }, (_, i) => Number(i % 6 !== 1))),
      past: null,
      bias: tensor([1, count, length, length], 9),
    },
    masks: (w) => [
      "bias",
      w.constant(
        additive(
          [n, 1, length, length],
          Array.from({ length: n * length * length }, (_, i) => Number(i % 6 !== 1)),
        ),
      ),
      w.constant(causalMask(length, length, -1e30)),
    ],
  }),
  attentionCase("other widths of V, no bias", {
    attributes: { num_heads: count, qkv_hidden_sizes: [12, 12, 6] },
    inputs: { x: attentionInputs.x, w: tensor([7, 30], 2) },
    plain(w) {
      const all = w.node("MatMul", ["x", "w"]);
      const [q, k] = [0, 1].map((i) => w.heads(w.slice(all, 2, 12 * i, 12 * i + 12), n, length, count, size));
      const v = w.heads(w.slice(all, 2, 24, 30), n, length, count, 2);
      return [w.attention(q, k, v, 1 / Math.sqrt(size), [], [n, length, 6])];
    },
    // Its schema asks for a bias then.
    peer: false,
  }),
  attentionCase("causal with a past, which is an output", {
    attributes: { num_heads: count, unidirectional: 1 },
    inputs: {
      ...attentionInputs,
      mask: int32([n, length + 3], ...Array.from({ length: n * (length + 3) }, (_, i) => Number(i % 7 !== 2))),
      past: tensor([2, n, count, 3, size], 8),
    },
    computed: ["x", "past"],
    outputs: 2,
    plain(w) {
      const [q, ...own] = qkv(w, true).map((part) => w.heads(part, n, length, count, size));
      const [k, v] = own.map((part, i) => {
        const past = w.reshape(w.slice("past", 0, i, i + 1), n, count, 3, size);
        return withPast(w, past, part);
      });
      const keep = Array.from({ length: n * length * 8 }, (_, i) => {
        const [b, row, column] = [Math.floor(i / 8 / length), Math.floor(i / 8) % length, i % 8];
        return Number((b * 8 + column) % 7 !== 2 && column <= row + 3);
      });
      const mask = w.constant(additive([n, 1, length, 8], keep));
      const both = [k, v].map((part) => w.node("Unsqueeze", [part, w.constant(ints(0))]));
      return [
        w.attention(q, k, v, 1 / Math.sqrt(size), [mask], [n, length, width]),
        w.node("Concat", both, { axis: 0 }),
      ];
    },
  }),
  multiHead("plain", {}),
  multiHead("a mask, an attention bias", {
    inputs: {
      query: tensor([n, 4, width], 1),
      key: tensor([n, length, width], 2),
      value: tensor([n, length, 6], 3),
      bias: null,
      mask: int32([n, length], 1, 1, 0, 1, 1, 0, 1, 1, 1, 1),
      attention_bias: tensor([1, count, 4, length], 9),
    },
    masks: (w) => ["attention_bias", w.constant(additive([n, 1, 1, length], [1, 1, 0, 1, 1, 0, 1, 1, 1, 1]))],
  }),
  multiHead("a bias, a past, causal, all outputs", {
    attributes: { num_heads: count, unidirectional: 1, scale: f(0.4) },
    inputs: {
      query: tensor([n, length, width], 1),
      key: tensor([n, length, width], 2),
      value: tensor([n, length, width], 3),
      bias: tensor([3 * width], 4),
      mask: null,
      attention_bias: null,
      past_key: tensor([n, count, 2, size], 5),
      past_value: tensor([n, count, 2, size], 6),
    },
    computed: ["query", "key", "value", "past_key", "past_value"],
    outputs: 3,
    plain(w) {
      const [q, ownK, ownV] = ["query", "key", "value"].map((name, i) =>
        w.heads(w.node("Add", [name, w.slice("bias", 0, i * width, (i + 1) * width)]), n, length, count, size),
      );
      const [k, v] = [withPast(w, "past_key", ownK), withPast(w, "past_value", ownV)];
      const mask = w.constant(causalMask(length, length + 2));
      return [w.attention(q, k, v, 0.4, [mask], [n, length, width]), k, v];
    },
  }),
  multiHead("K and V of rank 4", {
    inputs: {
      query: tensor([n, 4, width], 1),
      key: tensor([n, count, length, size], 2),
      value: tensor([n, count, length, size], 3),
    },
    plain(w) {
      const q = w.heads("query", n, 4, count, size);
      return [w.attention(q, "key", "value", 1 / Math.sqrt(size), [], [n, 4, width])];
    },
  }),
  multiHead("Q, K and V packed", {
    inputs: { query: tensor([n, length, count, 3, size], 1) },
    computed: ["query"],
    plain(w) {
      const [q, k, v] = [0, 1, 2].map((i) =>
        w.transpose(w.reshape(w.slice("query", 3, i, i + 1), n, length, count, size), 0, 2, 1, 3),
      );
      return [w.attention(q, k, v, 1 / Math.sqrt(size), [], [n, length, width])];
    },
    // On the processor it wants them apart.
    peer: false,
  }),
  multiHead("K and V packed", {
    inputs: { query: tensor([n, 4, width], 1), key: tensor([n, length, count, 2, size], 2) },
    computed: ["query", "key"],
    plain(w) {
      const q = w.heads("query", n, 4, count, size);
      const [k, v] = [0, 1].map((i) =>
        w.transpose(w.reshape(w.slice("key", 3, i, i + 1), n, length, count, size), 0, 2, 1, 3),
      );
      return [w.attention(q, k, v, 1 / Math.sqrt(size), [], [n, 4, width])];
    },
    peer: false,
  }),
  grouped("no past", {
    inputs: { ...groupedInputs, past_key: null, past_value: null, seqlens_k: int32([n], 4, 4), total: int32([1], 5) },
    plain(w) {
      const q = w.heads("query", n, length, 4, 16);
      const [k, v] = ["key", "value"].map((name) => twice(w, w.heads(name, n, length, 2, 16), length));
      const mask = w.constant(causalMask(length, length));
      return [w.attention(q, k, v, 1 / Math.sqrt(16), [mask], [n, length, 64])];
    },
  }),
  grouped("packed, with a past, turned, a window", {
    attributes: { num_heads: 4, kv_num_heads: 2, do_rotary: 1, local_window_size: 3, scale: f(0.2) },
    inputs: {
      query: tensor([1, 2, 128], 1),
      key: null,
      value: null,
      past_key: tensor([1, 2, 3, 16], 4),
      past_value: tensor([1, 2, 3, 16], 5),
      seqlens_k: int32([1], 4),
      total: int32([1], 5),
      cos: cache(8, Math.cos),
      sin: cache(8, Math.sin),
    },
    computed: ["query", "past_key", "past_value"],
    outputs: 3,
    plain(w) {
      const ids = w.constant({ dims: [1, 2], data: [3, 4] });
      const [cos, sin] = [w.rows("cos", ids), w.rows("sin", ids)];
      const q = w.heads(w.slice("query", 2, 0, 64), 1, 2, 4, 16);
      const [ownK, ownV] = [64, 96].map((at) => w.heads(w.slice("query", 2, at, at + 32), 1, 2, 2, 16));
      const turnedQ = w.turned(q, cos, sin, 16, false, [1, 4, 2, 8]);
      const k = withPast(w, "past_key", w.turned(ownK, cos, sin, 16, false, [1, 2, 2, 16]));
      const v = withPast(w, "past_value", ownV);
      const mask = w.constant(additive([2, 5], [0, 1, 1, 1, 0, 0, 0, 1, 1, 1]));
      const y = w.attention(turnedQ, twice(w, k, 5, 1), twice(w, v, 5, 1), 0.2, [mask], [1, 2, 64]);
      return [y, k, v];
    },
  }),
  grouped("bounded scores, turned in pairs that lie beside each other", {
    attributes: { num_heads: 4, kv_num_heads: 2, do_rotary: 1, rotary_interleaved: 1, softcap: f(0.7) },
    inputs: {
      ...groupedInputs,
      past_key: null,
      past_value: null,
      seqlens_k: int32([n], 4, 4),
      total: int32([1], 5),
      cos: cache(8, Math.cos),
      sin: cache(8, Math.sin),
    },
    plain(w) {
      const ids = w.constant({ dims: [1, length], data: [0, 1, 2, 3, 4] });
      const [cos, sin] = [w.rows("cos", ids), w.rows("sin", ids)];
      const q = w.turned(w.heads("query", n, length, 4, 16), cos, sin, 16, true, [n, 4, length, 16]);
      const own = w.turned(w.heads("key", n, length, 2, 16), cos, sin, 16, true, [n, 2, length, 16]);
      const [k, v] = [own, w.heads("value", n, length, 2, 16)].map((x) => twice(w, x, length));
      const products = w.node("MatMul", [q, w.transpose(k, 0, 1, 3, 2)]);
      const scores = w.node("Mul", [products, w.number(1 / Math.sqrt(16))]);
      const cap = w.number(0.7);
      const bounded = w.node("Mul", [w.node("Tanh", [w.node("Div", [scores, cap])]), cap]);
      const masked = w.node("Add", [bounded, w.constant(causalMask(length, length))]);
      const mixed = w.node("MatMul", [w.node("Softmax", [masked], { axis: -1 }), v]);
      return [w.reshape(w.transpose(mixed, 0, 2, 1, 3), n, length, 64)];
    },
  }),
  ...[undefined, tensor([4], 6, -1, 1)].map((sink) =>
    grouped(sink ? "a sink of each head" : "a smooth softmax", {
      attributes: { num_heads: 4, kv_num_heads: 2, ...(sink ? {} : { smooth_softmax: 1 }) },
      inputs: {
        ...groupedInputs,
        past_key: null,
        past_value: null,
        seqlens_k: int32([n], 4, 4),
        total: int32([1], 5),
        ...(sink && { cos: null, sin: null, ids: null, added: null, sink }),
      },
      plain(w) {
        const q = w.heads("query", n, length, 4, 16);
        const [k, v] = ["key", "value"].map((name) => twice(w, w.heads(name, n, length, 2, 16), length));
        const products = w.node("MatMul", [q, w.transpose(k, 0, 1, 3, 2)]);
        const scores = w.node("Mul", [products, w.number(1 / Math.sqrt(16))]);
        const masked = w.node("Add", [scores, w.constant(causalMask(length, length))]);
        // softmax over one more score, whose share is left out
        const own = sink ? w.reshape("sink", 1, 4, 1, 1) : w.constant({ dims: [1, 1, 1, 1], data: Float32Array.of(0) });
        const column = w.node("Expand", [own, w.constant(ints(n, 4, length, 1))]);
        const zeros = w.constant({ dims: [n, 4, 1, 16], data: new Float32Array(n * 4 * 16) });
        const all = w.node("Softmax", [w.node("Concat", [masked, column], { axis: 3 })], { axis: -1 });
        const mixed = w.node("MatMul", [all, w.node("Concat", [v, zeros], { axis: 2 })]);
        return [w.reshape(w.transpose(mixed, 0, 2, 1, 3), n, length, 64)];
      },
    }),
  ),
  {
    name: "PackedAttention",
    type: "PackedAttention",
    attributes: { num_heads: count },
    inputs: {
      x: tensor([5, 7], 1),
      w: tensor([7, 3 * width], 2),
      b: tensor([3 * width], 3),
      offset: int32([2, 3], 0, 1, 3, 4, 5, 2),
      starts: int32([3], 0, 2, 5),
    },
    computed: ["x"],
    plain(w) {
      const all = w.node("Add", [w.node("MatMul", ["x", "w"]), "b"]);
      const [q, k, v] = [0, 1, 2].map((i) => w.heads(w.slice(all, 1, i * width, (i + 1) * width), 1, 5, count, size));
      const keep = Array.from({ length: 25 }, (_, i) => Number(Math.floor(i / 5) < 2 === i % 5 < 2));
      const y = w.attention(q, k, v, 1 / Math.sqrt(size), [w.constant(additive([5, 5], keep))], [1, 5, width]);
      return [w.reshape(y, 5, width)];
    },
    peer: false,
  },
  ...([0, 1] as const).map(
    (interleaved): FusedCase => ({
      name: `RotaryEmbedding: ${interleaved ? "interleaved, counted from one id" : "halves, ids of each sample"}`,
      type: "RotaryEmbedding",
      attributes: { interleaved },
      inputs: {
        x: tensor([n, 3, 24], 1),
        ids: { dims: interleaved ? [1] : [n, 3], data: interleaved ? [4] : [4, 5, 6, 0, 2, 1] },
        cos: cache(4, Math.cos),
        sin: cache(4, Math.sin),
      },
      computed: ["x"],
      plain(w) {
        const ids = interleaved ? w.constant({ dims: [1, 3], data: [4, 5, 6] }) : "ids";
        const x = w.heads("x", n, 3, 3, 8);
        const y = w.turned(x, w.rows("cos", ids), w.rows("sin", ids), 8, interleaved === 1, [n, 3, 3, 8]);
        return [w.reshape(w.transpose(y, 0, 2, 1, 3), n, 3, 24)];
      },
    }),
  ),
  {
    name: "SkipLayerNormalization",
    type: "SkipLayerNormalization",
    attributes: { epsilon: f(1e-5) },
    inputs: skipInputs,
    computed: ["input", "skip"],
    plain(w) {
      const sum = w.node("Add", [w.node("Add", ["input", "bias"]), "skip"]);
      return [w.layerNorm(sum, "gamma", "beta", 1e-5)];
    },
  },
  {
    name: "SkipLayerNormalization: a skip of one sample, no beta",
    type: "SkipLayerNormalization",
    attributes: { epsilon: f(1e-2) },
    inputs: { input: skipInputs.input, skip: tensor([1, 3, 7], 2), gamma: skipInputs.gamma },
    computed: ["input", "skip"],
    plain: (w) => [w.layerNorm(w.node("Add", ["input", "skip"]), "gamma", undefined, 1e-2)],
  },
  {
    name: "SkipSimplifiedLayerNormalization",
    type: "SkipSimplifiedLayerNormalization",
    attributes: { epsilon: f(1e-5) },
    inputs: { input: skipInputs.input, skip: skipInputs.skip, gamma: skipInputs.gamma, bias: skipInputs.bias },
    computed: ["input", "skip"],
    plain(w) {
      const sum = w.node("Add", [w.node("Add", ["input", "bias"]), "skip"]);
      return [w.rmsNorm(sum, "gamma", 1e-5)];
    },
  },
  {
    name: "SimplifiedLayerNormalization",
    type: "SimplifiedLayerNormalization",
    domain: "",
    attributes: { epsilon: f(1e-3) },
    inputs: { x: skipInputs.input, scale: skipInputs.gamma },
    computed: ["x"],
    plain: (w) => [w.rmsNorm("x", "scale", 1e-3)],
  },
  {
    name: "EmbedLayerNormalization",
    type: "EmbedLayerNormalization",
    attributes: { epsilon: f(1e-5) },
    inputs: {
      ids: int32([2, 3], 4, 0, 2, 1, 1, 3),
      segments: int32([2, 3], 0, 1, 1, 0, 0, 1),
      words: tensor([5, 7], 1),
      positions: tensor([4, 7], 2),
      kinds: tensor([2, 7], 3),
      gamma: tensor([7], 4),
      beta: tensor([7], 5),
      mask: int32([2, 3], 1, 1, 0, 1, 1, 1),
    },
    computed: ["words"],
    outputs: 3,
    types: { y1: 6 },
    plain(w) {
      const counted = w.constant({ dims: [1, 3], data: [0, 1, 2] });
      const words = w.node("Add", [w.node("Gather", ["words", "ids"]), w.node("Gather", ["positions", counted])]);
      const sum = w.node("Add", [words, w.node("Gather", ["kinds", "segments"])]);
      const ones = w.constant(int32([2], 2, 3));
      return [w.layerNorm(sum, "gamma", "beta", 1e-5), ones, sum];
    },
  },
  ...([0, 1] as const).map(
    (activation): FusedCase => ({
      name: `GroupNorm: ${activation ? "channels last, swish" : "channels first"}`,
      type: "GroupNorm",
      attributes: { groups: 3, activation, channels_last: activation, epsilon: f(1e-3) },
      inputs: {
        x: tensor(activation ? [2, 3, 4, 6] : [2, 6, 3, 4], 1),
        gamma: tensor([6], 2),
        beta: tensor([6], 3),
      },
      computed: ["x"],
      plain(w) {
        const x = activation ? w.transpose("x", 0, 3, 1, 2) : "x";
        const cells = w.reshape(x, 2, 3, 2, 3, 4);
        const axes = w.constant(ints(2, 3, 4));
        const centred = w.node("Sub", [cells, w.node("ReduceMean", [cells, axes])]);
        const square = w.node("ReduceMean", [w.node("Mul", [centred, centred]), axes]);
        const spread = w.node("Sqrt", [w.node("Add", [square, w.number(1e-3)])]);
        const y = w.reshape(w.node("Div", [centred, spread]), 2, 6, 3, 4);
        const [scale, shift] = ["gamma", "beta"].map((name) => w.reshape(name, 6, 1, 1));
        const z = w.node("Add", [w.node("Mul", [y, scale]), shift]);
        return [activation ? w.transpose(w.node("Mul", [z, w.node("Sigmoid", [z])]), 0, 2, 3, 1) : z];
      },
      peer: false,
    }),
  ),
  {
    name: "Gelu",
    type: "Gelu",
    inputs: { x: tensor([3, 7], 1, -3, 3) },
    computed: ["x"],
    plain: (w) => [w.gelu("x")],
  },
  {
    name: "BiasGelu",
    type: "BiasGelu",
    inputs: { x: tensor([3, 7], 1, -3, 3), b: tensor([7], 2) },
    computed: ["x"],
    plain: (w) => [w.gelu(w.node("Add", ["x", "b"]))],
  },
  {
    name: "FastGelu",
    type: "FastGelu",
    inputs: { x: tensor([3, 7], 1, -3, 3), b: tensor([7], 2) },
    computed: ["x"],
    plain: (w) => [w.fastGelu(w.node("Add", ["x", "b"]))],
  },
  {
    name: "QuickGelu",
    type: "QuickGelu",
    attributes: { alpha: f(1.5) },
    inputs: { x: tensor([3, 7], 1, -3, 3) },
    computed: ["x"],
    plain: (w) => [w.node("Mul", ["x", w.node("Sigmoid", [w.node("Mul", ["x", w.number(1.5)])])])],
  },
  {
    name: "BiasSplitGelu",
    type: "BiasSplitGelu",
    inputs: { x: tensor([2, 3, 10], 1, -3, 3), b: tensor([10], 2) },
    computed: ["x"],
    plain(w) {
      const sum = w.node("Add", ["x", "b"]);
      return [w.node("Mul", [w.slice(sum, 2, 0, 5), w.gelu(w.slice(sum, 2, 5, 10))])];
    },
    peer: false,
  },
  conv("no activation", {}, (_, y) => y),
  conv("Relu", { attributes: { activation: "Relu" } }, (w, y) => w.node("Relu", [y])),
  conv(
    "LeakyRelu, and what is added",
    {
      attributes: { activation: "LeakyRelu", activation_params: { floats: [0.2] } },
      inputs: { x: tensor([2, 4, 7, 5], 1), w: tensor([6, 2, 3, 3], 2), b: tensor([6], 3), z: tensor([2, 6, 3, 4], 4) },
      computed: ["x", "z"],
    },
    (w, y) => w.node("LeakyRelu", [w.node("Add", [y, "z"])], { alpha: f(0.2) }),
  ),
  conv("Clip", { attributes: { activation: "Clip", activation_params: { floats: [-0.3, 0.6] } } }, (w, y) =>
    w.node("Clip", [y, w.number(-0.3), w.number(0.6)]),
  ),
  conv(
    "HardSigmoid",
    { attributes: { activation: "HardSigmoid", activation_params: { floats: [0.3, 0.4] } } },
    (w, y) => w.node("HardSigmoid", [y], { alpha: f(0.3), beta: f(0.4) }),
  ),
  conv("Tanh", { attributes: { activation: "Tanh" } }, (w, y) => w.node("Tanh", [y])),
  conv("Sigmoid", { attributes: { activation: "Sigmoid" } }, (w, y) => w.node("Sigmoid", [y])),
  ...["NhwcConv", "NhwcFusedConv"].map(
    (type): FusedCase => ({
      name: type,
      type,
      attributes: { group: 2, pads: [1, 0, 0, 1], strides: [2, 1] },
      inputs: { x: tensor([2, 7, 5, 4], 1), w: tensor([6, 2, 3, 3], 2), b: tensor([6], 3) },
      computed: ["x"],
      plain(w) {
        const x = w.transpose("x", 0, 3, 1, 2);
        return [
          w.transpose(w.node("Conv", [x, "w", "b"], { group: 2, pads: [1, 0, 0, 1], strides: [2, 1] }), 0, 2, 3, 1),
        ];
      },
      peer: false,
    }),
  ),
  {
    name: "FusedGemm",
    type: "FusedGemm",
    attributes: { transB: 1, alpha: f(0.7), beta: f(1.5), activation: "LeakyRelu", activation_alpha: f(0.3) },
    inputs: { a: tensor([3, 5], 1), b: tensor([4, 5], 2), c: tensor([4], 3) },
    computed: ["a"],
    plain(w) {
      const y = w.node("Gemm", ["a", "b", "c"], { transB: 1, alpha: f(0.7), beta: f(1.5) });
      return [w.node("LeakyRelu", [y], { alpha: f(0.3) })];
    },
  },
  {
    name: "FusedMatMul: two computed factors",
    type: "FusedMatMul",
    attributes: { transA: 1, transB: 1, alpha: f(0.7) },
    inputs: { a: tensor([2, 5, 3], 1), b: tensor([2, 4, 5], 2) },
    computed: ["a", "b"],
    plain(w) {
      const y = w.node("MatMul", [w.transpose("a", 0, 2, 1), w.transpose("b", 0, 2, 1)]);
      return [w.node("Mul", [y, w.number(0.7)])];
    },
  },
  {
    name: "FusedMatMul: rows before the batch",
    type: "FusedMatMul",
    attributes: { transBatchA: 1, transA: 1, transBatchB: 1 },
    inputs: { a: tensor([5, 2, 3], 1), b: tensor([5, 2, 4], 2) },
    computed: ["a"],
    plain: (w) => [w.node("MatMul", [w.transpose("a", 1, 2, 0), w.transpose("b", 1, 0, 2)])],
  },
  {
    name: "TransposeMatMul",
    type: "TransposeMatMul",
    attributes: { transB: 1 },
    inputs: { a: tensor([2, 3, 5], 1), b: tensor([4, 5], 2) },
    computed: ["a"],
    plain: (w) => [w.node("MatMul", ["a", w.transpose("b", 1, 0)])],
  },
];
