import { demand, insist } from "../../../base/complaint.ts";
import { shapeText } from "../../../base/tensor.ts";
import type { Operand } from "../../../graph/graph.ts";
import { integers, type Op } from "../../op.ts";
import { behind, byHeads, type Sized, turned } from "../attention.ts";
import { type Composition, composed } from "../compose.ts";
import { allowed, asIn, attend, both, columns, floats } from "./attend.ts";
import { standsFor } from "../../says.ts";

/** x with its heads turned, by the rows of two tables that `ids` choose, [1 or n, length]. */
function rotated(
  c: Composition,
  x: Sized,
  [cosines, sines]: readonly [Operand, Operand],
  ids: { readonly name: string; readonly n: number },
  interleaved: boolean,
): string {
  const [, , length, width] = x.dims;
  const pairs = cosines.dims[1];
  const fits = [cosines, sines].every(({ dims }) => dims.length === 2 && dims[1] === pairs) && 2 * pairs <= width;
  const received = [cosines, sines].map(({ dims }) => shapeText(dims, "")).join(" and ");
  demand(fits, "shape", `caches of rank 2 and up to ${width / 2} columns`, received);
  const [cos, sin] = [cosines, sines].map((table) =>
    c.reshape(c.add("Gather", [floats(c, table).name, ids.name], { axis: 0 }), [ids.n, 1, length, pairs]),
  );
  return turned(c, x, { pairs, interleaved, cos, sin });
}

interface RotaryAttributes {
  readonly interleaved: boolean;
  readonly heads: number;
}

/**
 * Pairs of numbers of each head turned by an angle that grows with the position. Of a single position_id, positions
 * count on from it.
 */
const rotary: Op<RotaryAttributes> = composed<RotaryAttributes>(
  {
    type: "com.microsoft.RotaryEmbedding",
    summary: standsFor("Mul, Sub and Add"),
    takes: "input position_ids:int cos_cache sin_cache",
    attributes(read) {
      const scale = read.float("scale", 1);
      demand(scale === 1, "unsupported", "scale = 1", `${scale}`);
      demand(read.int("is_packed_batching", 0) === 0, "unsupported", "is_packed_batching = 0", "1");
      read.ignore("rotary_embedding_dim");
      return { interleaved: read.int("interleaved", 0) === 1, heads: read.int("num_heads", 0) };
    },
  },
  (c, [input, ids, cosines, sines], { interleaved, heads }) => {
    const rank = input.dims.length;
    demand(rank === 3 || rank === 4, "shape", "an input of rank 3 or 4", `rank ${rank}`);
    const width = input.dims.at(-1)!;
    const own = heads || width / (2 * cosines.dims[1]);
    const x = byHeads(c, floats(c, input), own);
    const [n, count, length, size] = x.dims;
    const isOne = ids.dims.join() === "1";
    demand(
      isOne || ids.dims.join() === `${n},${length}`,
      "shape",
      `position_ids [1] or [${n}, ${length}]`,
      shapeText(ids.dims, ""),
    );
    const steps = () =>
      c.constant({ type: ids.type, dims: [1, length], data: Float64Array.from({ length }, (_, i) => i) });
    const places = isOne ? { name: c.add("Add", [steps(), ids.name]), n: 1 } : { name: ids.name, n };
    const y = rotated(c, x, [cosines, sines], places, interleaved);
    return asIn(c, rank === 4 ? y : c.reshape(c.transpose(y, [0, 2, 1, 3]), [n, length, count * size]), input);
  },
);

interface GroupedAttributes {
  readonly heads: number;
  readonly sharedHeads: number;
  /** 0: 1 / √(size of a head). */
  readonly scale: number;
  /** 0: scores are not bounded. */
  readonly softcap: number;
  /** Whether 1 is added to what the softmax divides by. */
  readonly smooth: boolean;
  /** How many tokens back each looks, itself included; −1: all. */
  readonly back: number;
  readonly turns: boolean;
  readonly interleaved: boolean;
}

/** Q, K and V, which may lie beside each other in the query. */
function split(
  c: Composition,
  inputs: readonly (Operand | undefined)[],
  { heads, sharedHeads }: GroupedAttributes,
): Sized[] {
  const [query, key, value] = inputs.map((x) => x && floats(c, x));
  const { dims, name } = query!;
  demand(dims.length === 3, "shape", "a query of rank 3", `rank ${dims.length}`);
  insist(!key === !value, "invalid-model", "it has only one of key and value");
  if (key) return [byHeads(c, query!, heads), byHeads(c, key, sharedHeads), byHeads(c, value!, sharedHeads)];
  const [n, length, width] = dims;
  const size = width / (heads + 2 * sharedHeads);
  demand(
    Number.isInteger(size),
    "shape",
    `a query whose width is a multiple of ${heads + 2 * sharedHeads}`,
    `${width}`,
  );
  return [0, heads, heads + sharedHeads].map((from, i) => {
    const count = i === 0 ? heads : sharedHeads;
    const part = columns(c, name, 2, from * size, count * size);
    return byHeads(c, { name: part, dims: [n, length, count * size], type: "float32" }, count);
  });
}

/**
 * Causal attention whose heads share K and V, with what was computed before. How many tokens each sample has so far,
 * `seqlens_k` + 1, must be known while loading: all that was computed before and is new, or without a past, the first
 * of them.
 */
const grouped: Op<GroupedAttributes> = composed<GroupedAttributes>(
  {
    type: "com.microsoft.GroupQueryAttention",
    summary: standsFor("MatMul and Softmax"),
    takes:
      "query key? value? past_key? past_value? seqlens_k:int total_sequence_length:int cos_cache? sin_cache? " +
      "position_ids:int? attention_bias? head_sink? k_scale:float1? v_scale:float1?",
    outputs: 4,
    attributes(read) {
      for (const name of ["kv_cache_bit_width", "qk_output"])
        demand([0, -1].includes(read.int(name, 0)), "unsupported", `${name} = 0`, `${read.int(name, 0)}`);
      for (const name of ["k_quant_type", "v_quant_type"])
        demand(read.string(name, "NONE") === "NONE", "unsupported", `${name} NONE`, read.string(name, "NONE"));
      const [heads, sharedHeads] = [read.int("num_heads", 0), read.int("kv_num_heads", 0)];
      const fits = heads >= 1 && sharedHeads >= 1;
      demand(fits, "invalid-model", "num_heads and kv_num_heads ≥ 1", `${heads} and ${sharedHeads}`);
      return {
        heads,
        sharedHeads,
        scale: read.float("scale", 0),
        softcap: read.float("softcap", 0),
        smooth: read.int("smooth_softmax", 0) === 1,
        back: read.int("local_window_size", -1),
        turns: read.int("do_rotary", 0) === 1,
        interleaved: read.int("rotary_interleaved", 0) === 1,
      };
    },
  },
  (c, inputs, a, { outputs }, budget) => {
    const [query, , , pastKey, pastValue, , , cosines, sines, ids, added, sink, ...more] = inputs;
    insist(!more.some(Boolean), "unsupported", "it has scales of a cache");
    insist(!outputs[3], "unsupported", "its scores are read, the output output_qk");
    const [q, ownK, ownV] = split(c, inputs.slice(0, 3), a);
    const [n, heads, rows] = q.dims;
    const past = pastKey ? pastKey.dims[2] : 0;
    const lengths = integers(inputs, 5, "seqlens_k")!.map((last) => last + 1);
    const total = past + rows;
    demand(lengths.length === n, "shape", `seqlens_k of ${n} numbers`, `${lengths.length}`);
    const fits = lengths.every((length) => length === total || (past === 0 && length >= 1 && length <= total));
    demand(
      fits,
      "unsupported",
      `seqlens_k ${total - 1}, as there are ${past} tokens before and ${rows} new ones`,
      `${lengths.map((length) => length - 1)}`,
    );
    let [turnedQ, turnedK] = [q, ownK];
    if (a.turns) {
      insist(cosines && sines, "invalid-model", "do_rotary is 1, but it lacks cos_cache and sin_cache");
      const places = ids
        ? ids.name
        : c.ints(
            Array.from({ length: rows }, (_, i) => past + i),
            [1, rows],
          );
      const rows_ = { name: places, n: ids ? n : 1 };
      [turnedQ, turnedK] = [q, ownK].map((x) => ({
        ...x,
        name: rotated(c, x, [cosines, sines], rows_, a.interleaved),
      }));
    }
    const [k, v] = [
      behind(c, pastKey && floats(c, pastKey), turnedK),
      behind(c, pastValue && floats(c, pastValue), ownV),
    ];
    const [, presentKey, presentValue] = outputs;
    if (presentKey) c.add("Identity", [asIn(c, k.name, query)], {}, presentKey);
    if (presentValue) c.add("Identity", [asIn(c, v.name, query)], {}, presentValue);
    const window = { n, heads, rows, total, past };
    const looks = (row: number, column: number) => {
      const own = row + past;
      return column <= own && (a.back < 0 || column > own - a.back);
    };
    const isShort = lengths.some((length) => length !== total);
    const ends = isShort
      ? c.add("Less", [c.ints(Array.from({ length: total }, (_, i) => i)), c.ints(lengths, [n, 1, 1, 1])])
      : undefined;
    const keep = both(c, allowed(c, window, budget, looks), ends);
    demand(
      !sink || sink.dims.join() === `${heads}`,
      "shape",
      `a head_sink [${heads}]`,
      shapeText(sink?.dims ?? [], ""),
    );
    const scores = {
      scale: a.scale,
      softcap: a.softcap,
      added,
      keep,
      sink: sink ?? (a.smooth ? (0 as const) : undefined),
    };
    return asIn(c, attend(c, turnedQ, k, v, scores), query);
  },
);

/** Sources: com.microsoft's RotaryEmbedding-1, GroupQueryAttention-1. */
export const groupedAttentions = [rotary, grouped] as const;
