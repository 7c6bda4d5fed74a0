import { misuse, shown, usage } from "../base/error.ts";
import type { LrnMode } from "../ops/lrn.ts";
import type { Family } from "../ops/op.ts";
import { checkComposite } from "./literal.ts";
import {
  checkBeside,
  checkParameters,
  meaning,
  optionNames,
  type Parameters,
  parameters,
  type SumRule,
} from "./parameters.ts";
import { type Rule, ruleOf, sumRules } from "./rule.ts";

/**
 * One line of a composite: it says which nodes it matches, and gives their rule. A field that is left out matches
 * everything.
 */
export interface Entry {
  /** Name of the node, or a pattern for it. */
  readonly layer?: string | RegExp;
  /**
   * ONNX operator (`Conv`) or family (`convolution`, `dense`, `average`, `sum`, `activation`, `normalization`,
   * `product`, `bilinear`, `recurrent`, `lrn`, `layer-norm`, `taylor`, `p-norm`).
   */
  readonly type?: string | readonly string[];
  /**
   * `first`: no convolution, dense or recurrent layer before it; `last`: none after it; `projection`: none between it and
   * attention, before or behind.
   */
  readonly position?: "first" | "last" | "projection";
  readonly rule: Rule;
}

/** An ordered list of entries. The first entry that matches a node gives the node its rule. */
export type Composite = readonly Entry[];

export const WEIGHTED: readonly Family[] = ["convolution", "dense", "recurrent"];

/**
 * The entries that all named composites share, and with which a composite of your own may end. Activations and unfolded
 * BatchNormalization pass relevance. Means and sums share by contribution; `sum` gives sums another rule. LRN has its
 * Taylor rule. Products give all to the signal and none to the gate, unless `product` says otherwise. Products of
 * matrices give half to each factor. Recurrent cells have ε. Attention, and any softmax inside the network, have their
 * rules of AttnLRP, unless `attention` says otherwise. LayerNormalization and similar layers take their standard
 * deviation as a constant, unless `layerNorm` says otherwise. `delta` is that of the rule clip.
 *
 * @example
 * const mine: Composite = [
 *   { type: "dense", rule: ruleOf.epsilon() },
 *   { type: "convolution", rule: ruleOf.zPlus() },
 *   ...baseEntries(),
 * ];
 */
export function baseEntries(
  lrn: LrnMode = parameters.lrn.default,
  sum: SumRule = parameters.sum.default,
  {
    delta,
    product = parameters.product.default,
    layerNorm = parameters.layerNorm.default,
    attention = parameters.attention.default,
  }: Pick<Parameters, "delta" | "product" | "layerNorm" | "attention"> = {},
): Composite {
  checkParameters({ lrn, sum, product, layerNorm, attention }, "parameter");
  return [
    { type: "average", rule: ruleOf.norm() },
    { type: "sum", rule: sumRules[sum]({ delta }) },
    { type: ["activation", "normalization"], rule: ruleOf.pass() },
    { type: "product", rule: ruleOf.product(product) },
    { type: "bilinear", rule: ruleOf.product(product === "gradient" ? "gradient" : "half") },
    { type: "layer-norm", rule: ruleOf.layerNorm(layerNorm) },
    { type: "attention", rule: ruleOf.attention(attention) },
    { type: "softmax", rule: attention === "gradient" ? ruleOf.gradient() : ruleOf.lrn("taylor") },
    { type: "recurrent", rule: ruleOf.epsilon() },
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
  /** Where they are not those of the rules. */
  readonly defaults?: Parameters;
  /** Where relevance starts, unless the caller says it; default "logit". */
  readonly start?: "one";
  /** "gradient": what has no rule passes by its gradient without being asked to. */
  readonly unknown?: "gradient";
  readonly entries: (p: Parameters) => Composite;
}

const weighted = (dense: Rule, convolution: Rule): Composite => [
  { type: ["dense", "recurrent"], rule: dense },
  { type: "convolution", rule: convolution },
];
/** Weighted layers, sums and means alike; sums by another rule if one is asked for. */
const limit = ({ sum = parameters.sum.default }: Parameters): Composite => [
  ...weighted(ruleOf.lrp0(), ruleOf.lrp0()),
  { type: sum === "norm" ? ["average", "sum"] : "average", rule: ruleOf.lrp0() },
];
/** A dense first layer keeps its rule: flat would give every input of it the same. */
const first = (rule: Rule): Entry => ({ type: "convolution", position: "first", rule });
const plus = (e: Parameters): Composite => [first(ruleOf.flat()), ...weighted(ruleOf.epsilon(e), ruleOf.zPlus())];

const SHARED = ["lrn", "sum", "product", "layerNorm", "attention", "delta"] as const;
/** Relevance of transformers lies far from the limit ε → 0 under a larger one. */
const TINY = 1e-9;
/** Of methods that are Jᵀ, or are meant as Jᵀ with another ReLU. */
const BY_GRADIENT = { parameters: [], start: "one", unknown: "gradient" } as const;
const everywhere: Entry = { rule: ruleOf.gradient() };

/** The composite where none is named, and nothing in the network asks for another: docs/leaderboard.md says why. */
export const defaultComposite = "epsilonPlusFlat";

/** A composite where none is named. */
export interface Default {
  readonly composite: string;
  /** What the network has that asks for it. */
  readonly since?: string;
}

/** Those of networks that have an operator of a family, the first that fits. */
const DEFAULTS: readonly (Default & { readonly family: Family })[] = [
  { family: "attention", composite: "attnLrp", since: "attention" },
  { family: "recurrent", composite: "recurrentGamma", since: "recurrent cells" },
];

/** The composite of a network whose operators are of these families. */
export const defaultFor = (families: ReadonlySet<Family>): Default =>
  DEFAULTS.find(({ family }) => families.has(family)) ?? { composite: defaultComposite };

/** Every named composite. */
export const composites: readonly CompositeRow[] = Object.freeze([
  {
    name: "epsilon",
    summary: "ε everywhere",
    parameters: ["epsilon", ...SHARED],
    entries: ({ epsilon }) => weighted(ruleOf.epsilon({ epsilon }), ruleOf.epsilon({ epsilon })),
  },
  {
    name: "epsilonPlus",
    summary: "ε in dense layers and recurrent cells, z⁺ in convolutions",
    parameters: ["epsilon", ...SHARED],
    entries: ({ epsilon }) => weighted(ruleOf.epsilon({ epsilon }), ruleOf.zPlus()),
  },
  {
    name: "epsilonPlusFlat",
    summary: "like epsilonPlus, but with flat in the first convolution (default)",
    parameters: ["epsilon", ...SHARED],
    entries: ({ epsilon }) => plus({ epsilon }),
  },
  {
    name: "epsilonAlpha2Beta1",
    summary: "ε in dense layers and recurrent cells, αβ in convolutions",
    parameters: ["epsilon", "alpha", "beta", ...SHARED],
    entries: ({ epsilon, alpha, beta }) => weighted(ruleOf.epsilon({ epsilon }), ruleOf.alphaBeta({ alpha, beta })),
  },
  {
    name: "epsilonAlpha2Beta1Flat",
    summary: "like epsilonAlpha2Beta1, but with flat in the first convolution",
    parameters: ["epsilon", "alpha", "beta", ...SHARED],
    entries: ({ epsilon, alpha, beta }) => [
      first(ruleOf.flat()),
      ...weighted(ruleOf.epsilon({ epsilon }), ruleOf.alphaBeta({ alpha, beta })),
    ],
  },
  {
    name: "epsilonGammaBox",
    summary: "ε in dense layers and recurrent cells, γ in convolutions, zBox in the first of them",
    parameters: ["epsilon", "gamma", "low", "high", ...SHARED],
    required: ["low", "high"],
    entries: ({ epsilon, gamma, low, high }) => [
      first(ruleOf.zBox({ low: low!, high: high! })),
      ...weighted(ruleOf.epsilon({ epsilon }), ruleOf.gamma({ gamma })),
    ],
  },
  {
    name: "recurrentGamma",
    summary: "like epsilonPlusFlat, but with γ in recurrent cells; for networks that have such cells",
    parameters: ["epsilon", "gamma", ...SHARED],
    entries: ({ epsilon, gamma }) => [{ type: "recurrent", rule: ruleOf.gamma({ gamma }) }, ...plus({ epsilon })],
  },
  {
    name: "paperEpsilon",
    summary: "ε = 0.01 everywhere, which is the LRN paper's first setting",
    parameters: ["epsilon", ...SHARED],
    defaults: { epsilon: 0.01 },
    entries: ({ epsilon }) => weighted(ruleOf.epsilon({ epsilon }), ruleOf.epsilon({ epsilon })),
  },
  {
    name: "paperBeta",
    summary: "β = 1 everywhere, which is the LRN paper's second setting",
    parameters: ["beta", ...SHARED],
    entries: ({ beta }) => weighted(ruleOf.beta({ beta }), ruleOf.beta({ beta })),
  },
  {
    name: "attnLrp",
    summary: "LRP-0 everywhere, and the Taylor rule in attention; for transformers",
    parameters: SHARED,
    entries: limit,
  },
  {
    name: "cpLrp",
    summary: "like attnLrp, but attention weights count as constants",
    parameters: SHARED,
    defaults: { attention: "cp" },
    entries: limit,
  },
  {
    name: "attnLrpGamma",
    summary:
      "γ in convolutions, a fifth of it in dense layers, and LRP-0 in the projections of attention, whose weights count as constants; for vision transformers",
    parameters: ["gamma", ...SHARED],
    defaults: { attention: "cp" },
    entries: ({ gamma = parameters.gamma.default, ...others }) => [
      { type: "dense", position: "projection", rule: ruleOf.lrp0() },
      ...weighted(ruleOf.gamma({ gamma: gamma / 5, epsilon: TINY }), ruleOf.gamma({ gamma, epsilon: TINY })),
      ...limit(others),
    ],
  },
  { name: "gradient", summary: "the gradient of the target; not LRP", ...BY_GRADIENT, entries: () => [everywhere] },
  {
    name: "guidedBackprop",
    summary: "the gradient, of which each active ReLU passes only the positive part; not LRP",
    ...BY_GRADIENT,
    entries: () => [{ type: "Relu", rule: ruleOf.guided() }, everywhere],
  },
  {
    name: "deconvnet",
    summary: "the gradient, of which each ReLU passes only the positive part; not LRP",
    ...BY_GRADIENT,
    entries: () => [{ type: "Relu", rule: ruleOf.deconvnet() }, everywhere],
  },
  {
    name: "excitationBackprop",
    summary: "excitation everywhere, and unchanged through LRN: every input gets its probability of winning",
    parameters: [],
    start: "one",
    entries: () => [
      // Softmax has none, which is said.
      { type: [...WEIGHTED, "average", "sum", "softmax", "attention"], rule: ruleOf.excitation() },
      { type: "lrn", rule: ruleOf.lrn("identity") },
    ],
  },
] satisfies CompositeRow[]);

/** What a named composite says beside its entries; nothing of a composite of the caller's own. */
export function habitsOf(composite: string | Composite): Pick<CompositeRow, "start" | "unknown"> {
  return composites.find((c) => c.name === composite) ?? {};
}

/**
 * A named composite with the parameters among the options, or a composite of the caller's own. @throws LrpError "usage"
 */
export function compositeOf(composite: string | Composite, options: Parameters): Composite {
  const names = optionNames.filter((name) => options[name] !== undefined);
  const given: Parameters = Object.fromEntries(names.map((name) => [name, options[name]]));
  if (Array.isArray(composite)) {
    checkComposite(composite);
    if (names.length === 0) return composite;
    const fix = `Give ${names.join(", ")} to its rules.`;
    throw misuse(`option '${names[0]}'`, "a composite of your own takes no parameters beside it", fix);
  }
  const row = composites.find((c) => c.name === composite);
  if (!row) {
    const known =
      typeof composite === "string"
        ? `one of ${composites.map((c) => c.name).join(", ")}`
        : "a name or a list of entries";
    throw usage("option 'composite'", known, shown(composite));
  }
  checkParameters(given, "option");
  const stray = names.filter((name) => !row.parameters.includes(name));
  if (stray.length > 0) {
    const takers = composites.filter((c) => stray.every((name) => c.parameters.includes(name))).map((c) => c.name);
    const fix = takers.length > 0 ? `Composites that take it: ${takers.join(", ")}.` : undefined;
    const taken = row.parameters.join(", ") || "no parameters";
    throw misuse(`option '${stray[0]}'`, `the composite ${row.name} does not take ${stray[0]}, but ${taken}`, fix);
  }
  const { required = [] } = row;
  const missing = required.filter((name) => given[name] === undefined);
  if (missing.length > 0)
    throw misuse(
      `composite '${row.name}'`,
      `it needs the option${missing.length > 1 ? "s" : ""} ${missing.join(" and ")}`,
      meaning(missing),
      missing.map((option) => ({ text: option, option })),
    );
  checkBeside(given);
  const all = { ...row.defaults, ...given };
  return [...row.entries(all), ...baseEntries(all.lrn, all.sum, all)];
}
