import type { Constant } from "../base/tensor.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";

/** Where the numbers of a node lie in one program. */
export interface Places {
  /** The value of input i: computed, or a constant. */
  x(i: number): Value;
  /** The value of output i, once `run` has made it. */
  y(i: number): Value;
}

/** p · max(v, 0) + q · min(v, 0) as [p, q]. */
export type Slopes = readonly [p: number, q: number];
/**
 * For an input that is laid out twice, [x⁺, x⁻], along its channels: what happens to the weights that meet each half.
 */
export interface Halves {
  readonly plus: Slopes;
  readonly minus: Slopes;
}
/** What happens to a single number. */
export type NumberMap = Slopes | "square" | "one";
export type WeightMap = NumberMap | Halves;
export type BiasMap = Slopes | "square";
export const PLAIN: Slopes = [1, 1];

/** A map of single numbers as a function. */
export function mapOf(map: NumberMap): (v: number) => number {
  if (map === "square") return (v) => v * v;
  if (map === "one") return () => 1;
  const [p, q] = map;
  return (v) => (v > 0 ? p * v : q * v);
}

/** `fast` may round more, by a small share of the largest value nearby: for numbers that are not divided by. */
export type Precision = "exact" | "fast";

/** R of every input from R of the first output; undefined where an input has none to receive. */
export type Back = (e: Emitter, at: Places, r: Value) => readonly (Value | undefined)[];

/** A linear operator, all of whose rules follow from two facts: how it runs, and how its transpose runs. */
export interface Linear {
  readonly kind: "linear";
  /** The inputs that carry activations (the others are parameters). */
  readonly data: readonly number[];
  /** The layout in which it wants them. */
  readonly layout: "first" | "last";
  /**
   * y = L(x; f(W)) + f(b). `bias` undefined: no bias. `where`: only needed where that relevance is not 0; elsewhere it
   * may be 0.
   */
  z(
    e: Emitter,
    x: readonly Value[],
    weight: WeightMap,
    bias: BiasMap | undefined,
    precision: Precision,
    where?: Value,
  ): Value;
  /** Lᵀ(s; f(W)), one value for each data input; s is often mostly zero. */
  vjp(e: Emitter, s: Value, weight: WeightMap, precision: Precision): readonly Value[];
  /** Whether it takes its input as [x⁺, x⁻], twice the channels in one pass, instead of x⁺ and x⁻ in two. */
  readonly halves?: boolean;
  /** The bias, one number for each output channel. */
  readonly bias?: Constant;
  /** Books what the bias absorbs, where it is not the same for all samples. */
  absorb?(e: Emitter, s: Value, map: BiasMap, ledger: Ref): void;
  /** Whether `fast` differs from `exact` here. */
  approximates?(e: Emitter): boolean;
  /**
   * For operators without parameters: the constant weight of each data input, +1 or −1. Then z and vjp leave the weight
   * out.
   */
  readonly signs?: readonly number[];
}
