import { demand } from "../../../base/complaint.ts";
import type { Operand } from "../../../graph/graph.ts";
import type { Op } from "../../op.ts";
import { countOf } from "../../takes.ts";
import { type Composition, composed } from "../compose.ts";
import { type AttentionAttributes, readAttention } from "../fused/attention.ts";
import { WHOLE } from "./grid.ts";
import { standsFor } from "../../says.ts";

/*
 * Fused operators of integers, as those of floats behind a DequantizeLinear of each.
 */

type Maybe = Operand | undefined;

const floatOf = (c: Composition, [x, scale, zero]: readonly Maybe[], axis = WHOLE.axis): string =>
  c.add("DequantizeLinear", [x!.name, scale!.name, ...(zero ? [zero.name] : [])], { ...WHOLE, axis });

/** Without those at the end that are left out. */
const named = (names: readonly (string | undefined)[]) => {
  const all = names.map((name) => name ?? "");
  return all.slice(0, countOf(all));
};

/** The fused operator of floats. Its values are called by its output, which must have a name of its own. */
const composedOf = (
  c: Composition,
  type: string,
  inputs: readonly (string | undefined)[],
  attributes: object,
  [, ...more]: readonly string[],
): string => c.add("Identity", [c.add(type, named(inputs), attributes, undefined, more.filter(Boolean))]);

const qAttention: Op<AttentionAttributes> = composed<AttentionAttributes>(
  {
    type: "com.microsoft.QAttention",
    summary:
      "It passes as through the Attention of floats that the operator stands for, and rounding passes it unchanged.",
    takes:
      "input:integer1 weight:integer2 bias input_scale weight_scale mask_index:int? input_zero_point:integer1? " +
      "weight_zero_point:integer2? past?",
    outputs: 2,
    attributes(read) {
      for (const name of ["do_rotary", "past_present_share_buffer"])
        demand(read.int(name, 0) === 0, "unsupported", `${name} = 0`, "1");
      return readAttention(read);
    },
  },
  (c, [x, w, bias, xs, ws, mask, xz, wz, past], a, { outputs }) => {
    const inputs = [floatOf(c, [x, xs, xz]), floatOf(c, [w, ws, wz]), bias.name, mask?.name, past?.name];
    return composedOf(c, "com.microsoft.Attention", inputs, a, outputs);
  },
);

interface EmbedAttributes {
  readonly epsilon: number;
}

const qEmbed: Op<EmbedAttributes> = composed<EmbedAttributes>(
  {
    type: "com.microsoft.QEmbedLayerNormalization",
    summary: standsFor("EmbedLayerNormalization of floats"),
    takes:
      "input_ids:int segment_ids:int? word:integer1 position:integer1 segment:integer1? gamma:integer1 beta:integer1 " +
      "mask:int? word_scale position_scale segment_scale? gamma_scale beta_scale word_zero:integer1 " +
      "position_zero:integer1 segment_zero:integer1? gamma_zero:integer1 beta_zero:integer1",
    outputs: 2,
    attributes: (read) => ({ epsilon: read.float("epsilon", 1e-12) }),
  },
  (c, inputs, a, { outputs }) => {
    const [ids, segments, , , , , , mask] = inputs as readonly Maybe[];
    const floats = [2, 3, 4, 5, 6].map((i) =>
      inputs[i] ? floatOf(c, [inputs[i], inputs[i + 6], inputs[i + 11]]) : undefined,
    );
    const all = [ids!.name, segments?.name, ...floats, mask?.name];
    return composedOf(c, "com.microsoft.EmbedLayerNormalization", all, a, outputs);
  },
);

/** Sources: com.microsoft's QAttention-1, QEmbedLayerNormalization-1. */
export const quantisedFused = [qAttention, qEmbed] as const;
