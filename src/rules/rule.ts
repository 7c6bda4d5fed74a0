import { LrpError } from "../error.ts";
import type { BiasMap, Slopes, WeightMap } from "../ops/op.ts";
import type { LrnMode } from "../ops/lrn.ts";

/** What stands in the place of the input x: two slopes, ones, or how far it is from the caller's bounds, x − low and x − high. */
export type InputMap = Slopes | "one" | "low" | "high";

/** One run through a linear layer with modified input, weight and bias: z += L(f(x); f(W)) + f(b). */
export interface Pass {
  readonly input: InputMap;
  readonly weight: WeightMap;
  /** Left out: this pass has no bias. */
  readonly bias?: BiasMap;
}

/** Passes that share one denominator: R_in += Σ_passes f(x) ⊙ Lᵀ(coefficient · R / stab(z); f(W)). */
export interface Group {
  readonly coefficient: number;
  readonly passes: readonly Pass[];
  /** Only for outputs of this sign of the layer's own z. */
  readonly where?: "positive" | "negative";
  /** The denominator is never below the layer's own z: it collects what pushes z up and leaves out what pulls it down. */
  readonly aboveOwn?: boolean;
}

export interface Stabilizer {
  readonly epsilon: number;
  /** `add`: z + ε sign(z); `relative`: ε is a multiple of the sample's rms of z; `clip`: |z| is at least ε; `terms`: at least ε Σ_i |z_ij|. */
  readonly mode: "add" | "relative" | "clip" | "terms";
}

/** A number for all channels, or one for each. */
export type Bound = number | readonly number[];

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
  | { readonly kind: "own"; readonly name: string; readonly mode: LrnMode | "taylor" | "guided" | "deconvnet" };

const ID: Slopes = [1, 1];
const POSITIVE: Slopes = [1, 0];
const NEGATIVE: Slopes = [0, 1];
/** |v| */
const SIZE: Slopes = [1, -1];

const pass = (input: InputMap, weight: WeightMap, bias?: BiasMap): Pass => ({ input, weight, bias });
const group = (coefficient: number, passes: readonly Pass[], where?: Group["where"]): Group => ({ coefficient, passes, where });

/** What every rule with a denominator takes. */
export interface RuleOptions {
  /** Stabilizer; 1e-6 unless the rule says otherwise. */
  readonly epsilon?: number;
  readonly stabilizer?: Exclude<Stabilizer["mode"], "terms">;
  /** Whether the bias counts in the denominator; true unless given. */
  readonly bias?: boolean;
}

/** The numbers that rules take. */
export interface RuleNumbers {
  readonly epsilon?: number;
  readonly gamma?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly delta?: number;
  readonly low?: Bound;
  readonly high?: Bound;
}

/** Refuses parameters that mean nothing. @param what how the message calls them: "option", "parameter" */
export function checkParameters(p: RuleNumbers, what: string): void {
  const refuse = (names: string, expected: string, received: unknown, fix?: string): never => {
    throw new LrpError("usage", { where: `${what} ${names}`, expected, received: String(received), fix });
  };
  for (const name of ["epsilon", "gamma", "alpha", "beta", "delta"] as const) {
    const value = p[name];
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) refuse(`'${name}'`, "a number ≥ 0", value);
  }
  const { alpha, beta, low, high } = p;
  if (alpha !== undefined && beta !== undefined && Math.abs(alpha - beta - 1) > 1e-9)
    refuse("'alpha' and 'beta'", "alpha − beta = 1", `${alpha} and ${beta}`, "Give one of them, the other follows.");
  if (alpha !== undefined && alpha < 1) refuse("'alpha'", "a number ≥ 1 (beta = alpha − 1 is not negative)", alpha);
  const list = (bound: Bound) => (typeof bound === "number" ? [bound] : bound);
  for (const [name, bound] of [
    ["low", low],
    ["high", high],
  ] as const) {
    if (bound !== undefined && !(list(bound).length > 0 && list(bound).every((v) => Number.isFinite(v))))
      refuse(`'${name}'`, "a number, or one for each channel", bound);
  }
  if (low === undefined || high === undefined) return;
  const [lows, highs] = [list(low), list(high)];
  const ordered = lows.every((l, i) => highs.every((h, j) => (i !== j && lows.length > 1 && highs.length > 1) || l <= h));
  if (!ordered) refuse("'low' and 'high'", "low ≤ high", `${low} and ${high}`);
}

function linear(
  name: string,
  groups: readonly Group[],
  { epsilon = 1e-6, stabilizer = "add", bias = true }: RuleOptions = {},
  bounds: { low?: Bound; high?: Bound } = {},
): LinearRule {
  checkParameters({ epsilon }, "parameter");
  if (!["add", "relative", "clip"].includes(stabilizer))
    throw new LrpError("usage", { where: "parameter 'stabilizer'", expected: "add, relative or clip", received: `'${stabilizer}'` });
  return Object.freeze({ kind: "linear", name, groups, stabilizer: { epsilon, mode: stabilizer }, bias, ...bounds });
}

/** x⁺W⁺ + x⁻W⁻ (+ b⁺): what pushes z up. */
const UP = [pass(POSITIVE, POSITIVE, POSITIVE), pass(NEGATIVE, NEGATIVE)];
const up = (coefficient: number): Group => ({ ...group(coefficient, UP), aboveOwn: true });
/** x⁺W⁻ + x⁻W⁺ (+ b⁻): what pulls z down. */
const DOWN = [pass(POSITIVE, NEGATIVE, NEGATIVE), pass(NEGATIVE, POSITIVE)];
/** x⁺W⁺, without a bias: what excites a neuron. */
const EXCITED = [pass(POSITIVE, POSITIVE)];
/** Σ |x_i w_ij| (+ |b_j|): how much comes together in z, whatever cancels. */
export const SIZES: Pass = pass(SIZE, SIZE, SIZE);

/** The rule itself, given its parameters. @example ruleOf.alphaBeta({ alpha: 2, beta: 1 }) */
export const ruleOf = Object.freeze({
  lrp0: (o: Pick<RuleOptions, "bias"> = {}): LinearRule => linear("lrp0", [group(1, [pass(ID, ID, ID)])], { ...o, epsilon: 0 }),
  epsilon: (o: RuleOptions = {}): LinearRule =>
    linear(
      `epsilon(${o.epsilon ?? 1e-6}${o.stabilizer && o.stabilizer !== "add" ? `, ${o.stabilizer}` : ""})`,
      [group(1, [pass(ID, ID, ID)])],
      o,
    ),
  alphaBeta: ({ alpha = 2, beta = alpha - 1, ...o }: RuleOptions & { alpha?: number; beta?: number } = {}): LinearRule => {
    checkParameters({ alpha, beta }, "parameter");
    return linear(`alphaBeta(${alpha}, ${beta})`, [up(alpha), ...(beta === 0 ? [] : [group(-beta, DOWN)])], o);
  },
  /** The paper's notation: β, with α = 1 + β. */
  beta: ({ beta = 1, ...o }: RuleOptions & { beta?: number } = {}): LinearRule => {
    checkParameters({ beta }, "parameter");
    return Object.freeze({ ...ruleOf.alphaBeta({ ...o, alpha: 1 + beta, beta }), name: `beta(${beta})` });
  },
  zPlus: (o: RuleOptions = {}): LinearRule => linear("zPlus", [up(1)], o),
  excitation: (o: Omit<RuleOptions, "bias"> = {}): LinearRule => linear("excitation", [group(1, EXCITED)], { ...o, bias: false }),
  gamma: ({ gamma = 0.25, ...o }: RuleOptions & { gamma?: number } = {}): LinearRule => {
    checkParameters({ gamma }, "parameter");
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
      o,
    );
  },
  wSquare: (o: RuleOptions = {}): LinearRule => linear("wSquare", [group(1, [pass("one", "square", "square")])], o),
  flat: (o: Omit<RuleOptions, "bias"> = {}): LinearRule => linear("flat", [group(1, [pass("one", "one")])], o),
  zBox: ({ low, high, ...o }: RuleOptions & { low: Bound; high: Bound }): LinearRule => {
    if (low === undefined || high === undefined)
      throw new LrpError("usage", {
        where: "rule zBox",
        expected: "low and high",
        received: `${low} and ${high}`,
        fix: "They are the smallest and largest value that an input can have.",
      });
    checkParameters({ low, high }, "parameter");
    // x W − l W⁺ − h W⁻ as (x − l) W⁺ + (x − h) W⁻: what is 0 there is exactly 0. b − b⁺ − b⁻ = 0, so no pass has a bias.
    const passes = [pass("low", POSITIVE), pass("high", NEGATIVE)];
    return linear(`zBox(${low}, ${high})`, [group(1, passes)], o, { low, high });
  },
  norm: (o: RuleOptions = {}): LinearRule => linear("norm", [group(1, [pass(ID, ID, ID)])], o),
  ratio: (o: RuleOptions = {}): LinearRule => linear("ratio", [group(1, [SIZES])], o),
  /** δ: no share is larger than 1/δ. */
  clip: ({ delta = 0.1, ...o }: Pick<RuleOptions, "bias"> & { delta?: number } = {}): LinearRule => {
    checkParameters({ delta }, "parameter");
    return Object.freeze<LinearRule>({ ...ruleOf.norm(o), name: `clip(${delta})`, stabilizer: { epsilon: delta, mode: "terms" } });
  },
  pass: (): Rule => Object.freeze({ kind: "pass", name: "pass" }),
  gradient: (): Rule => Object.freeze({ kind: "gradient", name: "gradient" }),
  guided: (): Rule => Object.freeze({ kind: "own", name: "guided", mode: "guided" }),
  deconvnet: (): Rule => Object.freeze({ kind: "own", name: "deconvnet", mode: "deconvnet" }),
  lrn: (mode: LrnMode = "taylor"): Rule => Object.freeze({ kind: "own", name: mode, mode }),
});

/** The rules between which option `sum` chooses. */
export const sumRules = Object.freeze({ norm: ruleOf.norm, zPlus: ruleOf.zPlus, ratio: ruleOf.ratio, clip: ruleOf.clip });
export type SumRule = keyof typeof sumRules;
