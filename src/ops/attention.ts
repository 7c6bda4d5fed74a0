import { Complaint } from "../base/complaint.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import { reduceTo, total } from "./arithmetic.ts";
import type { Op, OwnRule, Places, Site, Way } from "./op.ts";
import { type Part, type Run, runParts, slopesOfParts } from "./parts.ts";
import { divided, timesInput } from "./taken.ts";
import { ownRules } from "./says.ts";

/** The nodes of softmax(c · Q · Kᵀ + mask) · V, in their order. */
export interface Attention {
  readonly parts: readonly Part[];
}

/** Its first inputs; masks and constants follow. */
export const [QUERY, KEY, VALUE] = [0, 1, 2];

/**
 * How relevance passes attention, O = P V with P = softmax(c Q Kᵀ + mask). The one division is by O, s = R / O, and what
 * follows is the transposed Jacobian of the parts, so that scores of 0 and masks are harmless:
 *
 *   cp     R_V = V ⊙ (Pᵀ s), and nothing for Q and K
 *   attn   R_V = ½ V ⊙ (Pᵀ s),  G = P ⊙ (½ s Vᵀ − rowsum(P ⊙ ½ s Vᵀ)),  R_Q = ½ c Q ⊙ (G K),  R_K = ½ c K ⊙ (Gᵀ Q)
 *
 * Sources: Ali et al. 2022 (CP-LRP); Achtibat et al. 2024 (AttnLRP).
 */
export const attentionModes = Object.freeze({
  attn: { summary: "half to the values, the rest through the softmax to queries and keys (AttnLRP)" },
  cp: { summary: "all of it to the values, as if the attention weights were constants (CP-LRP); conserves" },
  gradient: { summary: "the gradient; not LRP" },
});
export type AttentionMode = keyof typeof attentionModes;

/** The way of one node. */
function wayOf({ node: { name, inputs }, attributes: { parts } }: Site<Attention>): Way {
  // What a program's forward pass has computed is what its way back reads.
  const runs = new WeakMap<Places, Run>();
  /** Jᵀ s of some of Q, K and V, in their order. */
  const slopes = (e: Emitter, at: Places, s: Value, wanted: readonly number[]): readonly (Value | undefined)[] => {
    const found = slopesOfParts(e, parts, runs.get(at)!, s, wanted);
    return [QUERY, KEY, VALUE].map((i) => {
      const received = found.get(i);
      return received && reduceTo(e, total(e, `${name}:slope`, received), at.x(i));
    });
  };
  const shared =
    (wanted: readonly number[], factors: readonly number[]): OwnRule["back"] =>
    (e, at, r, ledger) => {
      const s = divided(e, name, r, at.y(0), ledger);
      return slopes(e, at, s, wanted).map((c, i) => c && timesInput(e, name, at.x(i), c, factors[i]));
    };
  return {
    kind: "own",
    steers: inputs.map((_, i) => i).filter((i) => i > VALUE),
    run(e, at) {
      const run = runParts(e, parts, at);
      runs.set(at, run);
      return [run.y, run.places.get(parts.at(-1)!)!.x(0)];
    },
    rules: {
      attn: { conserves: "softmax", back: shared([QUERY, KEY, VALUE], [1 / 4, 1 / 4, 1 / 2]) },
      cp: { conserves: true, skips: [QUERY, KEY], back: shared([VALUE], [0, 0, 1]) },
      gradient: { conserves: false, back: (e, at, r) => slopes(e, at, r, [QUERY, KEY, VALUE]) },
    },
  };
}

/**
 * Scaled dot-product attention, with whatever scale and mask the file has. Canonization makes it; no file has it. Its
 * second output is P, for those who look at it.
 */
export const attention: Op<Attention> = {
  type: "DotProductAttention",
  family: "attention",
  summary: ownRules(...Object.keys(attentionModes)),
  takes: "Q K V others...?",
  attributes() {
    throw new Complaint("unsupported", { problem: "DotProductAttention is not an operator of ONNX" });
  },
  node: wayOf,
};
