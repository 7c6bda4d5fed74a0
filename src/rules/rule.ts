import type { AttentionMode } from "../ops/attention.ts";
import type { LrnMode } from "../ops/lrn.ts";
import type { BiasMap, NumberMap, Slopes } from "../ops/op.ts";
import type { ProductMode } from "../ops/product.ts";
import type { LayerNormMode } from "../ops/standardize-way.ts";
import {
  type Bound,
  checkParameters,
  parameters,
  type Reader,
  type SumRule,
  settings,
  type Takes,
} from "./parameters.ts";

export type { Bound };

/**
 * What stands in the place of the input x: two slopes, ones, or how far it is from the caller's bounds, x − low and
 * x − high.
 */
export type InputMap = Slopes | "one" | "low" | "high";

/** One run through a linear layer with modified input, weight and bias: z += L(f(x); f(W)) + f(b). */
export interface Pass {
  readonly input: InputMap;
  readonly weight: NumberMap;
  /** Left out: this pass has no bias. */
  readonly bias?: BiasMap;
}

/** Passes that share one denominator: R_in += Σ_passes f(x) ⊙ Lᵀ(coefficient · R / stab(z); f(W)). */
export interface Group {
  readonly coefficient: number;
  readonly passes: readonly Pass[];
  /** Only for outputs of this sign of the layer's own z. */
  readonly where?: "positive" | "negative";
  /**
   * The denominator is never below the layer's own z: it collects what pushes z up and leaves out what pulls it down.
   */
  readonly aboveOwn?: boolean;
}

export interface Stabilizer {
  readonly epsilon: number;
  /**
   * `add`: z + ε sign(z); `relative`: ε is a multiple of the sample's rms of z; `clip`: |z| is at least ε; `terms`: at
   * least ε Σ_i |z_ij|.
   */
  readonly mode: "add" | "relative" | "clip" | "terms";
}

/** A rule for linear layers, as data: the engine knows no rule by name. */
export interface LinearRule {
  readonly kind: "linear";
  readonly name: string;
  readonly groups: readonly Group[];
  readonly stabilizer: Stabilizer;
  /** Whether the layer's bias takes part; if not, it counts as 0 inside the rule. */
  readonly bias: boolean;
  readonly low?: Bound;
  readonly high?: Bound;
}

export type Rule =
  | LinearRule
  | { readonly kind: "pass"; readonly name: string }
  | { readonly kind: "gradient"; readonly name: string }
  /** A rule of the operator's own: `mode` is what its way calls it. */
  | { readonly kind: "own"; readonly name: string; readonly mode: string };

const ID: Slopes = [1, 1];
const POSITIVE: Slopes = [1, 0];
const NEGATIVE: Slopes = [0, 1];
/** |v| */
const SIZE: Slopes = [1, -1];

const pass = (input: InputMap, weight: NumberMap, bias?: BiasMap): Pass => ({ input, weight, bias });
const group = (coefficient: number, passes: readonly Pass[], where?: Group["where"]): Group => ({
  coefficient,
  passes,
  where,
});

/** What every rule with a denominator takes. */
export type RuleOptions = Takes<"epsilon">;

function linear(
  name: string,
  groups: readonly Group[],
  { epsilon, stabilizer, bias }: Pick<Stabilizer, "epsilon"> & { stabilizer: Stabilizer["mode"]; bias: boolean },
  bounds: { low?: Bound; high?: Bound } = {},
): LinearRule {
  return Object.freeze({ kind: "linear", name, groups, stabilizer: { epsilon, mode: stabilizer }, bias, ...bounds });
}

/** xW (+ b): z itself. */
const PLAIN = [pass(ID, ID, ID)];
/** x⁺W⁺ + x⁻W⁻ (+ b⁺): what pushes z up. */
const UP = [pass(POSITIVE, POSITIVE, POSITIVE), pass(NEGATIVE, NEGATIVE)];
const up = (coefficient: number): Group => ({ ...group(coefficient, UP), aboveOwn: true });
/** x⁺W⁻ + x⁻W⁺ (+ b⁻): what pulls z down. */
const DOWN = [pass(POSITIVE, NEGATIVE, NEGATIVE), pass(NEGATIVE, POSITIVE)];
/** Whether a rule shares z out between what pushes it up and what pulls it down: z = z⁺ + z⁻. */
export const isSplit = ({ groups: [first, second, ...more] }: LinearRule): boolean =>
  second !== undefined &&
  more.length === 0 &&
  !first.where &&
  !second.where &&
  JSON.stringify([first.passes, second.passes]) === JSON.stringify([UP, DOWN]);

/** x⁺W⁺, without a bias: what excites a neuron. */
const EXCITED = [pass(POSITIVE, POSITIVE)];
/** Σ w_ij² (+ b_j²), whatever the input. */
const SQUARES = [pass("one", "square", "square")];
/** How many inputs there are. */
const ONES = [pass("one", "one")];
/** Σ |x_i w_ij| (+ |b_j|): how much comes together in z, whatever cancels. */
export const SIZES: Pass = pass(SIZE, SIZE, SIZE);

/** The rule itself, given its parameters. @example ruleOf.alphaBeta({ alpha: 2, beta: 1 }) */
export const ruleOf = Object.freeze({
  lrp0: (o: Takes<"lrp0"> = {}): LinearRule =>
    linear("lrp0", [group(1, PLAIN)], { ...settings("lrp0", o), epsilon: 0, stabilizer: "add" }),
  epsilon: (o: RuleOptions = {}): LinearRule => {
    const s = settings("epsilon", o);
    const name = `epsilon(${s.epsilon}${s.stabilizer === "add" ? "" : `, ${s.stabilizer}`})`;
    return linear(name, [group(1, PLAIN)], s);
  },
  alphaBeta: (o: Takes<"alphaBeta"> = {}): LinearRule => {
    const s = settings("alphaBeta", o);
    // Of the two, the one that is not given follows from the other.
    const alpha = o.alpha ?? 1 + s.beta;
    const beta = o.beta ?? alpha - 1;
    return linear(`alphaBeta(${alpha}, ${beta})`, [up(alpha), ...(beta === 0 ? [] : [group(-beta, DOWN)])], s);
  },
  /** The paper's notation: β, with α = 1 + β. */
  beta: (o: Takes<"beta"> = {}): LinearRule => {
    const s = settings("beta", o);
    return Object.freeze({ ...ruleOf.alphaBeta(s), name: `beta(${s.beta})` });
  },
  zPlus: (o: RuleOptions = {}): LinearRule => linear("zPlus", [up(1)], settings("zPlus", o)),
  excitation: (o: Takes<"excitation"> = {}): LinearRule =>
    linear("excitation", [group(1, EXCITED)], { ...settings("excitation", o), bias: false }),
  gamma: (o: Takes<"gamma"> = {}): LinearRule => {
    const { gamma, ...s } = settings("gamma", o);
    const [more, less]: Slopes[] = [
      [1 + gamma, 1],
      [1, 1 + gamma],
    ];
    return linear(
      `gamma(${gamma})`,
      [
        group(1, [pass(POSITIVE, more, more), pass(NEGATIVE, less)], "positive"),
        group(1, [pass(POSITIVE, less, less), pass(NEGATIVE, more)], "negative"),
      ],
      s,
    );
  },
  wSquare: (o: RuleOptions = {}): LinearRule => linear("wSquare", [group(1, SQUARES)], settings("wSquare", o)),
  flat: (o: Takes<"flat"> = {}): LinearRule => linear("flat", [group(1, ONES)], { ...settings("flat", o), bias: true }),
  zBox: (o: Takes<"zBox">): LinearRule => {
    const { low, high, ...s } = settings("zBox", o);
    // x W − l W⁺ − h W⁻ as (x − l) W⁺ + (x − h) W⁻: what is 0 there is exactly 0. b − b⁺ − b⁻ = 0, so no pass has a
    // bias.
    const passes = [pass("low", POSITIVE), pass("high", NEGATIVE)];
    return linear(`zBox(${low}, ${high})`, [group(1, passes)], s, { low, high });
  },
  norm: (o: RuleOptions = {}): LinearRule => linear("norm", [group(1, PLAIN)], settings("norm", o)),
  ratio: (o: RuleOptions = {}): LinearRule => linear("ratio", [group(1, [SIZES])], settings("ratio", o)),
  /** δ: no share is larger than 1/δ. */
  clip: (o: Takes<"clip"> = {}): LinearRule => {
    const { delta, bias } = settings("clip", o);
    return linear(`clip(${delta})`, [group(1, PLAIN)], { epsilon: delta, stabilizer: "terms", bias });
  },
  pass: (): Rule => Object.freeze({ kind: "pass", name: "pass" }),
  gradient: (): Rule => Object.freeze({ kind: "gradient", name: "gradient" }),
  guided: (): Rule => Object.freeze({ kind: "own", name: "guided", mode: "guided" }),
  deconvnet: (): Rule => Object.freeze({ kind: "own", name: "deconvnet", mode: "deconvnet" }),
  product: (mode: ProductMode = parameters.product.default): Rule => {
    checkParameters({ product: mode }, "parameter");
    return Object.freeze({ kind: "own", name: mode, mode });
  },
  layerNorm: (mode: LayerNormMode = parameters.layerNorm.default): Rule => {
    checkParameters({ layerNorm: mode }, "parameter");
    return Object.freeze({ kind: "own", name: mode, mode });
  },
  attention: (mode: AttentionMode = parameters.attention.default): Rule => {
    checkParameters({ attention: mode }, "parameter");
    return Object.freeze({ kind: "own", name: mode, mode });
  },
  lrn: (mode: LrnMode = parameters.lrn.default): Rule => {
    checkParameters({ lrn: mode }, "parameter");
    return Object.freeze({ kind: "own", name: mode, mode });
  },
} satisfies Readonly<Record<Reader, unknown> & Record<string, unknown>>);

/** The rules between which option `sum` chooses. */
export const sumRules = Object.freeze({
  norm: ruleOf.norm,
  zPlus: ruleOf.zPlus,
  ratio: ruleOf.ratio,
  clip: ruleOf.clip,
} satisfies Readonly<Record<SumRule, unknown>>);
