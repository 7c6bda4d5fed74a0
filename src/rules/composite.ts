import { usage } from "../error.ts";
import { type LrnMode, lrnModes } from "../ops/lrn.ts";
import type { Family } from "../ops/op.ts";
import { checkParameters, type Rule, type RuleNumbers, ruleOf, type SumRule, sumRules } from "./rule.ts";

/** One line of a composite: which nodes, and their rule. What is left out matches everything. */
export interface Entry {
  /** Name of the node, or a pattern for it. */
  readonly layer?: string | RegExp;
  /** ONNX operator (`Conv`) or family (`convolution`, `dense`, `average`, `sum`, `activation`, `normalization`, `lrn`, `taylor`, `p-norm`). */
  readonly type?: string | readonly string[];
  /** `first`: no convolution or dense layer before it; `last`: none after it. */
  readonly position?: "first" | "last";
  readonly rule: Rule;
}

/** An ordered list of entries: the first that matches a node gives its rule. */
export type Composite = readonly Entry[];

/** The rules' parameters, as a caller may change them. */
export interface Parameters extends RuleNumbers {
  readonly lrn?: LrnMode;
  /** How relevance passes Add, Sub and Sum; default norm. */
  readonly sum?: SumRule;
}

export const WEIGHTED: readonly Family[] = ["convolution", "dense"];

/**
 * What all named composites share, and what a composite of one's own may end with: activations and unfolded
 * BatchNormalization pass, means and sums share by contribution (sums by another rule if given), LRN has its Taylor rule.
 *
 * @example
 * const mine: Composite = [{ type: "dense", rule: ruleOf.epsilon() }, { type: "convolution", rule: ruleOf.zPlus() }, ...baseEntries()];
 */
export function baseEntries(lrn: LrnMode = "taylor", sum: SumRule = "norm"): Composite {
  return [
    { type: "average", rule: ruleOf.norm() },
    { type: "sum", rule: sumRules[sum]() },
    { type: ["activation", "normalization"], rule: ruleOf.pass() },
    { type: "lrn", rule: ruleOf.lrn(lrn) },
    { type: ["taylor", "p-norm"], rule: ruleOf.lrn("taylor") },
  ];
}

/** One row for people: what a composite does, and what it takes. */
export interface CompositeRow {
  readonly name: string;
  readonly summary: string;
  /** The parameters that it reads; others are refused. */
  readonly parameters: readonly (keyof Parameters)[];
  readonly required?: readonly (keyof Parameters)[];
  /** Where relevance starts, unless the caller says it; default "logit". */
  readonly start?: "one";
  /** "gradient": what has no rule passes by its gradient without being asked to. */
  readonly unknown?: "gradient";
  readonly entries: (p: Parameters) => Composite;
}

const weighted = (dense: Rule, convolution: Rule): Composite => [
  { type: "dense", rule: dense },
  { type: "convolution", rule: convolution },
];
/** A dense first layer keeps its rule: flat would give every input of it the same. */
const first = (rule: Rule): Entry => ({ type: "convolution", position: "first", rule });
const alphaBeta = (p: Parameters) => ruleOf.alphaBeta({ alpha: p.alpha ?? (p.beta === undefined ? 2 : 1 + p.beta), beta: p.beta });

const SHARED = ["lrn", "sum"] as const;
/** Of methods that are Jᵀ, or are meant as Jᵀ with another ReLU. */
const BY_GRADIENT = { parameters: [], start: "one", unknown: "gradient" } as const;
const everywhere: Entry = { rule: ruleOf.gradient() };

/** The composite where none is named: docs/leaderboard.md says why. */
export const defaultComposite = "epsilonPlusFlat";

/** Every named composite. */
export const composites: readonly CompositeRow[] = Object.freeze([
  {
    name: "epsilon",
    summary: "ε everywhere",
    parameters: ["epsilon", ...SHARED],
    entries: (p) => weighted(ruleOf.epsilon(p), ruleOf.epsilon(p)),
  },
  {
    name: "epsilonPlus",
    summary: "ε in dense layers, z⁺ in convolutions",
    parameters: ["epsilon", ...SHARED],
    entries: (p) => weighted(ruleOf.epsilon(p), ruleOf.zPlus()),
  },
  {
    name: "epsilonPlusFlat",
    summary: "as epsilonPlus, flat in the first convolution (default)",
    parameters: ["epsilon", ...SHARED],
    entries: (p) => [first(ruleOf.flat()), ...weighted(ruleOf.epsilon(p), ruleOf.zPlus())],
  },
  {
    name: "epsilonAlpha2Beta1",
    summary: "ε in dense layers, αβ in convolutions",
    parameters: ["epsilon", "alpha", "beta", ...SHARED],
    entries: (p) => weighted(ruleOf.epsilon(p), alphaBeta(p)),
  },
  {
    name: "epsilonAlpha2Beta1Flat",
    summary: "as epsilonAlpha2Beta1, flat in the first convolution",
    parameters: ["epsilon", "alpha", "beta", ...SHARED],
    entries: (p) => [first(ruleOf.flat()), ...weighted(ruleOf.epsilon(p), alphaBeta(p))],
  },
  {
    name: "epsilonGammaBox",
    summary: "ε in dense layers, γ in convolutions, zBox in the first",
    parameters: ["epsilon", "gamma", "low", "high", ...SHARED],
    required: ["low", "high"],
    entries: (p) => [first(ruleOf.zBox({ low: p.low!, high: p.high! })), ...weighted(ruleOf.epsilon(p), ruleOf.gamma({ gamma: p.gamma }))],
  },
  {
    name: "paperEpsilon",
    summary: "ε = 0.01 everywhere: the LRN paper's first setting",
    parameters: ["epsilon", ...SHARED],
    entries: (p) => weighted(ruleOf.epsilon({ epsilon: p.epsilon ?? 0.01 }), ruleOf.epsilon({ epsilon: p.epsilon ?? 0.01 })),
  },
  {
    name: "paperBeta",
    summary: "β = 1 everywhere: the LRN paper's second setting",
    parameters: ["beta", ...SHARED],
    entries: (p) => weighted(ruleOf.beta(p), ruleOf.beta(p)),
  },
  { name: "gradient", summary: "Jᵀ of the target everywhere; not LRP", ...BY_GRADIENT, entries: () => [everywhere] },
  {
    name: "guidedBackprop",
    summary: "the gradient, of which ReLU passes what is positive where it fires; not LRP",
    ...BY_GRADIENT,
    entries: () => [{ type: "Relu", rule: ruleOf.guided() }, everywhere],
  },
  {
    name: "deconvnet",
    summary: "the gradient, of which ReLU passes what is positive; not LRP",
    ...BY_GRADIENT,
    entries: () => [{ type: "Relu", rule: ruleOf.deconvnet() }, everywhere],
  },
  {
    name: "excitationBackprop",
    summary: "excitation everywhere, LRN as if it were not there: a probability of winning for every input",
    parameters: [],
    start: "one",
    entries: () => [
      { type: [...WEIGHTED, "average", "sum"], rule: ruleOf.excitation() },
      { type: "lrn", rule: ruleOf.lrn("identity") },
    ],
  },
] satisfies CompositeRow[]);

/** What a named composite says beside its entries; nothing of a composite of the caller's own. */
export function habitsOf(composite: string | Composite): Pick<CompositeRow, "start" | "unknown"> {
  return composites.find((c) => c.name === composite) ?? {};
}

/** A named composite with its parameters, or a composite of the caller's own. */
export function compositeOf(composite: string | Composite, parameters: Parameters): Composite {
  if (typeof composite !== "string" && !Array.isArray(composite))
    throw usage("option 'composite'", "a name or a list of entries", typeof composite);
  checkParameters(parameters, "option");
  for (const [name, known] of Object.entries({ lrn: lrnModes, sum: sumRules })) {
    const value = parameters[name as (typeof SHARED)[number]];
    if (value !== undefined && !Object.hasOwn(known, value)) throw usage(`option '${name}'`, Object.keys(known).join(", "), `'${value}'`);
  }
  const given = (Object.keys(parameters) as (keyof Parameters)[]).filter((name) => parameters[name] !== undefined);
  if (typeof composite !== "string") {
    if (given.length > 0)
      throw usage(
        `option '${given[0]}'`,
        "no parameters beside a composite of your own",
        `${given.join(", ")}`,
        "Put them into its rules.",
      );
    return composite;
  }
  const row = composites.find((c) => c.name === composite);
  if (!row) throw usage("option 'composite'", composites.map((c) => c.name).join(", "), `'${composite}'`);
  const stray = given.filter((name) => !row.parameters.includes(name));
  if (stray.length > 0) {
    const takers = composites.filter((c) => stray.every((name) => c.parameters.includes(name))).map((c) => c.name);
    const fix = takers.length > 0 ? `Composites that take it: ${takers.join(", ")}.` : undefined;
    throw usage(`option '${stray[0]}'`, `a parameter of ${row.name}: ${row.parameters.join(", ") || "it has none"}`, stray.join(", "), fix);
  }
  const missing = (row.required ?? []).filter((name) => parameters[name] === undefined);
  if (missing.length > 0)
    throw usage(
      `composite '${row.name}'`,
      `the options ${row.required!.join(" and ")}`,
      `no ${missing.join(", no ")}`,
      "They are the smallest and largest value that an input can have.",
    );
  return [...row.entries(parameters), ...baseEntries(parameters.lrn, parameters.sum)];
}
