import { demand } from "../../base/complaint.ts";
import { type Dims, shapeText } from "../../base/tensor.ts";
import type { Operand } from "../../graph/graph.ts";
import type { AttributeReader, Op } from "../op.ts";
import { type Composition, composed } from "./compose.ts";
import { standsFor } from "../says.ts";

interface AttentionAttributes {
  readonly causal: boolean;
  /** Of an input of three axes, how many heads there are. */
  readonly heads: number;
  readonly sharedHeads: number;
  /** 0: 1 / √(size of a head). */
  readonly scale: number;
  /** 0: scores are not bounded. */
  readonly softcap: number;
  /** Which scores are the last output: the products, bounded, masked, or their softmax. */
  readonly shown: number;
}

function readAttention(read: AttributeReader): AttentionAttributes {
  read.ignore("softmax_precision");
  const shown = read.int("qk_matmul_output_mode", 0);
  demand(shown >= 0 && shown <= 3, "invalid-model", "a qk_matmul_output_mode from 0 to 3", `${shown}`);
  return {
    causal: read.int("is_causal", 0) === 1,
    heads: read.int("q_num_heads", 0),
    sharedHeads: read.int("kv_num_heads", 0),
    scale: read.float("scale", 0),
    softcap: read.float("softcap", 0),
    shown,
  };
}

/** A value and its dims. */
export interface Sized {
  readonly name: string;
  readonly dims: Dims;
}

/** [n, heads, length, size] of what has its heads beside each other. */
export function byHeads(c: Composition, { name, dims }: Operand, heads: number): Sized {
  demand(dims.length === 3 || dims.length === 4, "shape", "Q, K and V of rank 3 or 4", `rank ${dims.length}`);
  if (dims.length === 4) return { name, dims };
  const [n, length, width] = dims;
  demand(heads >= 1 && width % heads === 0, "invalid-model", `a number of heads that divides ${width}`, `${heads}`);
  const parts = c.reshape(name, [n, length, heads, width / heads]);
  return { name: c.transpose(parts, [0, 2, 1, 3]), dims: [n, heads, length, width / heads] };
}

/** Behind what was computed before. */
export function behind(c: Composition, past: Operand | undefined, { name, dims }: Sized): Sized {
  if (!past) return { name, dims };
  const fits = past.dims.length === 4 && past.dims.every((d, axis) => axis === 2 || d === dims[axis]);
  demand(fits, "shape", `a past of ${shapeText(dims, "")}, but for its length`, shapeText(past.dims, ""));
  const all = dims.map((d, axis) => (axis === 2 ? d + past.dims[2] : d));
  return { name: c.add("Concat", [past.name, name], { axis: 2 }), dims: all };
}

/** Each head as often as heads of Q share it. */
export function repeated(c: Composition, { name, dims: [n, heads, length, width] }: Sized, wanted: number): string {
  demand(wanted % heads === 0, "invalid-model", `a number of heads that divides ${wanted}`, `${heads}`);
  if (wanted === heads) return name;
  const times = wanted / heads;
  const apart = c.reshape(name, [n, heads, 1, length, width]);
  return c.reshape(c.add("Expand", [apart, c.ints([n, heads, times, length, width])]), [n, wanted, length, width]);
}

/** Scores where each row of Q may look. */
function masked(c: Composition, scores: string, mask: Operand, total: number): string {
  const isBool = mask.type === "bool";
  demand(isBool || mask.type.includes("float"), "unsupported", "an attn_mask of floats or bool", mask.type);
  const missing = total - (mask.dims.at(-1) ?? 0);
  demand(missing >= 0, "shape", `an attn_mask of up to ${total} columns`, shapeText(mask.dims, ""));
  const pads = [...mask.dims.map(() => 0), ...mask.dims.map((_, i) => (i === mask.dims.length - 1 ? missing : 0))];
  const padded =
    missing === 0
      ? mask.name
      : c.add("Pad", [mask.name], { mode: "constant", pads, value: isBool ? 0 : Number.NEGATIVE_INFINITY });
  if (isBool) return kept(c, padded, scores);
  return c.add("Add", [scores, mask.type === "float32" ? padded : c.add("Cast", [padded], { to: "float32" })]);
}

/** Scores where a condition holds, and −∞ elsewhere. */
export const kept = (c: Composition, condition: string, scores: string): string =>
  c.add("Where", [condition, scores, c.floats([Number.NEGATIVE_INFINITY], [])]);

/**
 * softmax(Q Kᵀ · scale + mask) V for each head. Source: ONNX Attention-24, whose scores are bounded before they are
 * masked.
 */
const attention: Op<AttentionAttributes> = composed<AttentionAttributes>(
  {
    type: "Attention",
    summary: standsFor("MatMul and Softmax"),
    takes: {
      23: "Q K V:float1 attn_mask:any? past_key:float? past_value:float1?",
      24: "Q K V:float1 attn_mask:any? past_key:float? past_value:float1? nonpad_kv_seqlen:int?",
    },
    outputs: 4,
    attributes: readAttention,
  },
  (c, [query, key, value, mask, pastKey, pastValue, lengths], a, { outputs }, budget) => {
    const float = (x: string, { type }: Operand) => (type === "float32" ? x : c.add("Cast", [x], { to: "float32" }));
    const own = (x: string, { type }: Operand) => (type === "float32" ? x : c.add("Cast", [x], { to: type }));
    const q = byHeads(c, query, a.heads);
    const k = behind(c, pastKey, byHeads(c, key, a.sharedHeads));
    const v = behind(c, pastValue, byHeads(c, value, a.sharedHeads));
    const [n, heads, rows, width] = q.dims;
    const total = k.dims[2];
    const fits =
      k.dims[0] === n && v.dims[0] === n && k.dims[3] === width && v.dims[1] === k.dims[1] && v.dims[2] === total;
    demand(
      fits,
      "shape",
      "Q, K and V of the same batch, heads and lengths",
      [q, k, v].map(({ dims }) => shapeText(dims, "")).join(", "),
    );
    const scale = a.scale || 1 / Math.sqrt(width);
    const scaled = c.add("Mul", [float(q.name, query), c.floats([scale], [])]);
    const turned = c.transpose(float(repeated(c, k, heads), key), [0, 1, 3, 2]);
    const products = c.matMul(scaled, turned);
    const cap = () => c.floats([a.softcap], []);
    const bounded =
      a.softcap === 0
        ? products
        : c.add("Mul", [c.add("Tanh", [c.add("Div", [products, cap()])], { a: 0, b: 0 }), cap()]);
    let scores = mask ? masked(c, bounded, mask, total) : bounded;
    if (a.causal) {
      budget.take(8 * rows * total);
      const before = total - key.dims.at(-2)!;
      const data = Float64Array.from({ length: rows * total }, (_, i) =>
        Number((i % total) - Math.floor(i / total) <= before),
      );
      scores = kept(c, c.constant({ type: "bool", dims: [rows, total], data }), scores);
    }
    if (lengths) {
      const places = c.ints(Array.from({ length: total }, (_, i) => i));
      const count = c.reshape(
        lengths.type === "int64" ? lengths.name : c.add("Cast", [lengths.name], { to: "int64" }),
        [n, 1, 1, 1],
      );
      scores = kept(c, c.add("Less", [places, count]), scores);
    }
    const weights = c.add("Softmax", [scores], { axis: 3, flattened: false });
    const [, presentKey, presentValue, shown] = outputs;
    if (presentKey) c.add("Identity", [k.name], {}, presentKey);
    if (presentValue) c.add("Identity", [v.name], {}, presentValue);
    if (shown) c.add("Identity", [own([products, bounded, scores, weights][a.shown], query)], {}, shown);
    const mixed = own(c.matMul(weights, float(repeated(c, v, heads), value)), query);
    if (query.dims.length === 4) return mixed;
    return c.reshape(c.transpose(mixed, [0, 2, 1, 3]), [n, rows, heads * v.dims[3]]);
  },
);

/** The angles by which pairs of numbers are turned, as cosines and sines of dims that broadcast to [n, heads, length, pairs]. */
export interface Angles {
  readonly pairs: number;
  readonly interleaved: boolean;
  readonly cos: string;
  readonly sin: string;
}

/** [n, heads, length, width], with the first pairs of each head turned. */
export function turned(c: Composition, { name, dims }: Sized, { pairs, interleaved, cos, sin }: Angles): string {
  const [n, heads, length, width] = dims;
  const cut = (from: number, to: number, step = 1) => {
    const places = Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
    return c.add("Gather", [name, c.ints(places)], { axis: 3 });
  };
  const [first, second] = interleaved
    ? [cut(0, 2 * pairs, 2), cut(1, 2 * pairs, 2)]
    : [cut(0, pairs), cut(pairs, 2 * pairs)];
  const product = (u: string, v: string) => c.add("Mul", [u, v]);
  const real = c.add("Sub", [product(first, cos), product(second, sin)]);
  const imaginary = c.add("Add", [product(first, sin), product(second, cos)]);
  const column = (part: string) => c.reshape(part, [n, heads, length, pairs, 1]);
  const both = interleaved
    ? c.reshape(c.add("Concat", [column(real), column(imaginary)], { axis: 4 }), [n, heads, length, 2 * pairs])
    : c.add("Concat", [real, imaginary], { axis: 3 });
  return 2 * pairs === width ? both : c.add("Concat", [both, cut(2 * pairs, width)], { axis: 3 });
}

interface RotaryAttributes {
  readonly interleaved: boolean;
  readonly heads: number;
  /** How many numbers of a head are turned; 0: all. */
  readonly turned: number;
}

/**
 * Pairs of numbers of each head turned by an angle that grows with the position. Sources: ONNX RotaryEmbedding-23; Su et
 * al. 2021, "RoFormer".
 */
const rotary: Op<RotaryAttributes> = composed<RotaryAttributes>(
  {
    type: "RotaryEmbedding",
    summary: standsFor("Mul, Sub and Add"),
    takes: { 23: "X cos_cache sin_cache position_ids:int?" },
    attributes: (read) => ({
      interleaved: read.int("interleaved", 0) === 1,
      heads: read.int("num_heads", 0),
      turned: read.int("rotary_embedding_dim", 0),
    }),
  },
  (c, [x, cosines, sines, ids], a) => {
    const { name, dims } = byHeads(c, x, a.heads);
    const [n, , length, width] = dims;
    const pairs = (a.turned || width) / 2;
    demand(
      Number.isInteger(pairs) && 2 * pairs <= width,
      "invalid-model",
      `an even rotary_embedding_dim up to ${width}`,
      `${2 * pairs}`,
    );
    const wanted = ids ? [cosines.dims[0], pairs] : [n, length, pairs];
    const fits = [cosines, sines].every((table) => table.dims.join() === wanted.join());
    demand(
      fits,
      "shape",
      `caches ${shapeText(wanted, "")}`,
      [cosines, sines].map((table) => shapeText(table.dims, "")).join(" and "),
    );
    const [cos, sin] = [cosines, sines].map((table) =>
      c.reshape(ids ? c.add("Gather", [table.name, ids.name], { axis: 0 }) : table.name, [n, 1, length, pairs]),
    );
    const all = turned(c, { name, dims }, { pairs, interleaved: a.interleaved, cos, sin });
    if (x.dims.length === 4) return all;
    return c.reshape(c.transpose(all, [0, 2, 1, 3]), x.dims);
  },
);

export const attentions = [attention, rotary] as const;
