import type { Budget } from "../../../base/budget.ts";
import { demand, insist } from "../../../base/complaint.ts";
import { shapeText } from "../../../base/tensor.ts";
import type { Operand } from "../../../graph/graph.ts";
import { type AttributeReader, integers, type Op } from "../../op.ts";
import { behind, byHeads, type Sized } from "../attention.ts";
import { type Composition, composed } from "../compose.ts";
import { allowed, asIn, attend, causal, columns, float, floats, passing, type Scores, type Window } from "./attend.ts";
import { standsFor } from "../../says.ts";

export interface AttentionAttributes {
  readonly heads: number;
  readonly causal: boolean;
  /** 0: 1 / √(size of a head). */
  readonly scale: number;
  /** What is added to scores that are masked. */
  readonly filter: number;
  /** Widths of Q, K and V; equal unless given. */
  readonly widths?: readonly number[];
}

export function readAttention(read: AttributeReader): AttentionAttributes {
  const heads = read.int("num_heads", 0);
  demand(heads >= 1, "invalid-model", "num_heads ≥ 1", `${heads}`);
  return {
    heads,
    causal: read.int("unidirectional", 0) === 1,
    scale: read.float("scale", 0),
    filter: read.float("mask_filter_value", -10000),
    widths: read.ints("qkv_hidden_sizes"),
  };
}

/** Q, K and V as one layer computes them side by side. */
function projected(c: Composition, [x, w, b]: readonly Operand[], { heads, widths }: AttentionAttributes): Sized[] {
  const width = w.dims.at(-1) ?? 0;
  const parts = widths ?? [width / 3, width / 3, width / 3];
  const isWhole = parts.length === 3 && parts.every((d) => d > 0 && d % heads === 0) && parts[0] === parts[1];
  const fits = isWhole && parts.reduce((sum, d) => sum + d, 0) === width;
  demand(fits, "invalid-model", `widths of Q, K and V that make ${width} and are multiples of ${heads}`, `[${parts}]`);
  const [n, length] = x.dims.length === 2 ? [1, x.dims[0]] : x.dims;
  const product = c.matMul(float(c, x), float(c, w));
  const all = b ? c.add("Add", [product, float(c, b)]) : product;
  let at = 0;
  return parts.map((d) => {
    const part = columns(c, all, x.dims.length - 1, at, d);
    at += d;
    return byHeads(c, { name: c.reshape(part, [n, length, d]), dims: [n, length, d], type: "float32" }, heads);
  });
}

/** One of the two halves of what was computed before, [2, n, heads, length, width]. */
function half(c: Composition, past: Operand | undefined, index: number): Operand | undefined {
  if (!past) return undefined;
  const { dims } = past;
  insist(dims.length === 5 && dims[0] === 2, "shape", `its past is ${shapeText(dims, "")}, not of rank 5 and K, V`);
  const part = c.add("Slice", [float(c, past)], { starts: [index], ends: [index + 1], axes: [0] });
  return { name: c.reshape(part, dims.slice(1)), dims: dims.slice(1), type: "float32" };
}

/** What an operator does with scores, by its attributes and its mask. */
function scoresOf(
  c: Composition,
  mask: Operand | undefined,
  added: Operand | undefined,
  window: Window,
  a: AttentionAttributes,
  budget: Budget,
): Scores {
  return {
    scale: a.scale,
    added,
    filter: a.filter,
    mask: mask && passing(c, mask, window),
    keep: a.causal ? causal(c, window, budget) : undefined,
  };
}

/** Attention with the layer that makes Q, K and V of one value. */
const attention: Op<AttentionAttributes> = composed<AttentionAttributes>(
  {
    type: "com.microsoft.Attention",
    summary: standsFor("MatMul and Softmax"),
    takes: "input weights bias? mask_index:int? past? attention_bias? past_sequence_length:int?",
    outputs: 2,
    attributes(read) {
      for (const name of ["do_rotary", "past_present_share_buffer"])
        demand(read.int(name, 0) === 0, "unsupported", `${name} = 0`, "1");
      read.ignore("rotary_embedding_dim");
      return readAttention(read);
    },
  },
  (c, [x, w, b, mask, past, added, pastLength], a, { outputs }, budget) => {
    insist(!pastLength, "unsupported", "it has a past_sequence_length, which is for shared buffers");
    demand(x.dims.length === 3, "shape", "an input of rank 3", `rank ${x.dims.length}`);
    const [q, ownK, ownV] = projected(c, [x, w, b], a);
    const [k, v] = [ownK, ownV].map((own, i) => behind(c, half(c, past, i), own));
    const total = k.dims[2];
    const window = { n: x.dims[0], heads: a.heads, rows: x.dims[1], total, past: total - x.dims[1] };
    if (outputs[1]) {
      const stacked = [k, v].map(({ name }) => c.add("Unsqueeze", [name], { axes: [0] }));
      c.add("Identity", [asIn(c, c.add("Concat", stacked, { axis: 0 }), x)], {}, outputs[1]);
    }
    return asIn(c, attend(c, q, k, v, scoresOf(c, mask, added, window, a, budget)), x);
  },
);

/** Heads of Q, K or V, from any of the ways in which they lie beside each other. */
interface Parts {
  readonly q: Sized;
  readonly k: Sized;
  readonly v: Sized;
}

/** One of so many parts that lie beside each other in each head, [n, length, heads, parts, width], with its own bias. */
function unpacked(c: Composition, { name, dims }: Operand, index: number): Operand {
  const [n, length, heads, , width] = dims;
  const part = c.add("Slice", [name], { starts: [index], ends: [index + 1], axes: [3] });
  return { name: c.reshape(part, [n, length, heads * width]), dims: [n, length, heads * width], type: "float32" };
}

function partsOf(c: Composition, given: readonly (Operand | undefined)[], heads: number): Parts {
  const [query, key, value, bias] = given.map((x) => x && floats(c, x));
  const rank = query!.dims.length;
  const isPacked = (x: Operand, parts: number) => x.dims.length === 5 && x.dims[2] === heads && x.dims[3] === parts;
  const known = key
    ? rank === 3 && (value ? key.dims.length === value.dims.length : isPacked(key, 2))
    : isPacked(query!, 3);
  const received = [query, key, value].map((x) => (x ? shapeText(x.dims, "") : "none")).join(", ");
  demand(known, "unsupported", "Q, K, V apart, or packed as [n, length, heads, 3, size], or K and V so", received);
  insist(!bias || key?.dims.length !== 4, "unsupported", "it has a bias beside K and V of rank 4");
  const list = !key
    ? [0, 1, 2].map((i) => unpacked(c, query!, i))
    : value
      ? [query!, key, value]
      : [query!, unpacked(c, key, 0), unpacked(c, key, 1)];
  let at = 0;
  const [q, k, v] = list.map((x) => {
    const width = x.dims.at(-1)!;
    const own = bias && columns(c, bias.name, 0, at, width);
    at += width;
    return byHeads(c, own ? { ...x, name: c.add("Add", [x.name, own]) } : x, heads);
  });
  demand(
    !bias || bias.dims.join() === `${at}`,
    "shape",
    `a bias of ${at} numbers`,
    `${bias && shapeText(bias.dims, "")}`,
  );
  return { q, k, v };
}

/** Attention of Q, K and V that other layers have made. */
const multiHead: Op<AttentionAttributes> = composed<AttentionAttributes>(
  {
    type: "com.microsoft.MultiHeadAttention",
    summary: standsFor("MatMul and Softmax"),
    takes:
      "query key? value? bias? key_padding_mask:int? attention_bias? past_key? past_value? " +
      "past_sequence_length:int? cache_indirection:int?",
    outputs: 4,
    attributes: readAttention,
  },
  (c, inputs, a, { outputs }, budget) => {
    const [query, , , , mask, added, pastKey, pastValue, ...more] = inputs as readonly (Operand | undefined)[];
    insist(!more.some(Boolean), "unsupported", "it has a past_sequence_length, which is for shared buffers");
    insist(!outputs[3], "unsupported", "its scores are read, the output qk");
    const { q, k: ownK, v: ownV } = partsOf(c, inputs.slice(0, 4), a.heads);
    const [k, v] = [
      [pastKey, ownK],
      [pastValue, ownV],
    ].map(([past, own]) => behind(c, past && floats(c, past as Operand), own as Sized));
    const [, presentKey, presentValue] = outputs;
    if (presentKey) c.add("Identity", [asIn(c, k.name, query!)], {}, presentKey);
    if (presentValue) c.add("Identity", [asIn(c, v.name, query!)], {}, presentValue);
    const [n, heads, rows] = q.dims;
    const total = k.dims[2];
    const window = { n, heads, rows, total, past: total - ownK.dims[2] };
    return asIn(c, attend(c, q, k, v, scoresOf(c, mask, added, window, a, budget)), query!);
  },
);

/**
 * Attention of sentences that lie behind each other without padding, [tokens, width]: each looks at itself. Where they
 * begin must be known while loading.
 */
const packed: Op<AttentionAttributes> = composed<AttentionAttributes>(
  {
    type: "com.microsoft.PackedAttention",
    summary: standsFor("MatMul and Softmax"),
    takes: "input weights bias token_offset:int cumulative_sequence_length:int attention_bias?",
    attributes: readAttention,
  },
  (c, inputs, a, _node, budget) => {
    const [x, , , , , added] = inputs;
    insist(!added, "unsupported", "it has an attention_bias, which is of the sentences with their padding");
    demand(x.dims.length === 2, "shape", "an input of rank 2", `rank ${x.dims.length}`);
    const [tokens] = x.dims;
    const starts = integers(inputs, 4, "a cumulative_sequence_length")!;
    const isAscending = starts.every((at, i) => (i === 0 ? at === 0 : at >= starts[i - 1]));
    const received = `[${starts}]`;
    demand(isAscending && starts.at(-1) === tokens, "shape", `sentences from 0 up to ${tokens}`, received);
    const [q, k, v] = projected(c, inputs, a);
    const sentence = Array.from({ length: tokens }, (_, at) => starts.filter((start) => start <= at).length);
    const window = { n: 1, heads: a.heads, rows: tokens, total: tokens, past: 0 };
    const keep = allowed(c, window, budget, (row, column) => sentence[row] === sentence[column]);
    const y = attend(c, q, k, v, { scale: a.scale, keep });
    return asIn(c, c.reshape(y, [tokens, a.heads * v.dims[3]]), x);
  },
);

/** Sources: com.microsoft's Attention-1, MultiHeadAttention-1, PackedAttention-1. */
export const attentions = [attention, multiHead, packed] as const;
