import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";
import type { Back, Linear, Places, WeightMap } from "./linear.ts";

/** A linear map that a node computes inside, with what stands at its inputs, and what came out. */
export interface Inner {
  readonly linear: Linear;
  /** Their names in the graph, as far as they have one. */
  readonly inputs: readonly string[];
  readonly x: readonly Value[];
  readonly y: Value;
}

/** What a rule does with the linear maps inside a node. */
export interface Sharing {
  /** Relevance of the map's inputs from that of its output. @param ledger left out: nothing is booked */
  share(map: Inner, r: Value, ledger?: Ref): readonly Value[];
  /**
   * The same, as what does not depend on relevance: R_x = Σ_parts f(x) ⊙ Lᵀ(s ⊙ R; f(W)). An input is undefined where
   * it is known to be zero. @param ones of the output's shape
   */
  parts(
    map: Inner,
    ones: Value,
  ): readonly { readonly s: Value; readonly weight: WeightMap; readonly inputs: readonly (Value | undefined)[] }[];
}

/**
 * Linear maps and sums at one time after another, between functions that pass relevance and gates that get none: any
 * rule for linear layers but those that put something else in the place of inputs or weights.
 */
export interface Unrolled {
  readonly kind: "unrolled";
  /** Whether a weight may be multiplied by what is negative, so that signs of weights say nothing. */
  readonly signed: boolean;
  readonly vjp: Back;
  /** @param maps the node's rule @param sums sharing by contribution, with the rule's stabilizer */
  back(e: Emitter, at: Places, r: Value, maps: Sharing, sums: Sharing, ledger: Ref): readonly (Value | undefined)[];
}
