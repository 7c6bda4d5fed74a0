import { LrpError, type Issue } from "../error.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import { ops } from "../ops/index.ts";
import { type LrnMode, lrnModes } from "../ops/lrn.ts";
import type { Family } from "../ops/op.ts";
import { checkParameters, type Rule, type RuleNumbers, ruleOf, type SumRule, sumRules } from "./rule.ts";

/** One line of a composite: which nodes, and their rule. What is left out matches everything. */
export interface Entry {
  /** Name of the node, or a pattern for it. */
  readonly layer?: string | RegExp;
  /** ONNX operator (`Conv`) or family (`convolution`, `dense`, `average`, `sum`, `activation`, `normalization`, `lrn`, `taylor`). */
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

const WEIGHTED: readonly Family[] = ["convolution", "dense"];

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
    { type: "taylor", rule: ruleOf.lrn("taylor") },
  ];
}

interface CompositeRow {
  readonly name: string;
  readonly summary: string;
  /** The parameters that it reads; others are refused. */
  readonly parameters: readonly (keyof Parameters)[];
  readonly required?: readonly (keyof Parameters)[];
  readonly entries: (p: Parameters) => Composite;
}

const weighted = (dense: Rule, convolution: Rule): Composite => [
  { type: "dense", rule: dense },
  { type: "convolution", rule: convolution },
];
const first = (rule: Rule): Entry => ({ type: WEIGHTED, position: "first", rule });
const alphaBeta = (p: Parameters) => ruleOf.alphaBeta({ alpha: p.alpha ?? (p.beta === undefined ? 2 : 1 + p.beta), beta: p.beta });

const SHARED = ["lrn", "sum"] as const;

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
    summary: "as epsilonPlus, flat in the first layer",
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
    summary: "as epsilonAlpha2Beta1, flat in the first layer",
    parameters: ["epsilon", "alpha", "beta", ...SHARED],
    entries: (p) => [first(ruleOf.flat()), ...weighted(ruleOf.epsilon(p), alphaBeta(p))],
  },
  {
    name: "epsilonGammaBox",
    summary: "ε in dense layers, γ in convolutions, zBox in the first",
    parameters: ["epsilon", "gamma", "low", "high", ...SHARED],
    required: ["low", "high"],
    entries: (p) => [
      { type: "convolution", position: "first", rule: ruleOf.zBox({ low: p.low!, high: p.high! }) },
      ...weighted(ruleOf.epsilon(p), ruleOf.gamma({ gamma: p.gamma })),
    ],
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
] satisfies CompositeRow[]);

function usage(where: string, expected: string, received: string, fix?: string): LrpError {
  return new LrpError("usage", { where, expected, received, fix });
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
    throw usage(`option '${stray[0]}'`, `a parameter of ${row.name}: ${row.parameters.join(", ")}`, stray.join(", "), fix);
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

const POSITIONS = { first: true, last: true } as const;

/** Nodes that have no other weighted layer before them, and those that have none after them. */
function positions(graph: Graph): { first: Set<Node>; last: Set<Node> } {
  const isWeighted = (node: Node) => WEIGHTED.includes(ops.get(node.type)!.family);
  const after = new Set<string>();
  const first = new Set<Node>();
  for (const node of graph.nodes) {
    const behind = node.inputs.some((name) => after.has(name));
    if (isWeighted(node) && !behind) first.add(node);
    if (isWeighted(node) || behind) for (const name of node.outputs) after.add(name);
  }
  const before = new Set<string>();
  const last = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    const ahead = node.outputs.some((name) => before.has(name));
    if (isWeighted(node) && !ahead) last.add(node);
    if (isWeighted(node) || ahead) for (const name of node.inputs) before.add(name);
  }
  return { first, last };
}

const FAMILIES = new Set([...ops.values()].map((op) => op.family));

/** What an entry names that does not exist. */
function misspelled(graph: Graph, { layer, type, position, rule }: Entry, index: number): Issue[] {
  const where = `entry ${index + 1} of the composite`;
  const strange = [type ?? []].flat().filter((t) => !ops.has(t) && !FAMILIES.has(t as Family));
  const missing = typeof layer === "string" && !graph.nodes.some((node) => node.name === layer);
  return [
    ...strange.map((t) => ({ where, expected: `an operator, or one of ${[...FAMILIES].join(", ")}`, received: `type '${t}'` })),
    ...(missing
      ? [
          {
            where,
            expected: "the name of a node",
            received: `layer '${layer}'`,
            fix: "inspect() lists them; a pattern (RegExp) may match none.",
          },
        ]
      : []),
    ...(position === undefined || Object.hasOwn(POSITIONS, position)
      ? []
      : [{ where, expected: "position first or last", received: `'${position}'` }]),
    ...(rule?.kind ? [] : [{ where, expected: "a rule, made by ruleOf", received: String(rule) }]),
  ];
}

function matches(entry: Entry, node: Node, places: ReturnType<typeof positions>): boolean {
  const { layer, type, position } = entry;
  if (layer !== undefined && !(typeof layer === "string" ? layer === node.name : layer.test(node.name))) return false;
  if (type !== undefined && ![type].flat().some((t) => t === node.type || t === ops.get(node.type)!.family)) return false;
  return position === undefined || places[position].has(node);
}

/** The rule's name when the rule cannot be used on the operator, with what could. */
function misfit(graph: Graph, node: Node, rule: Rule): string | undefined {
  const relevance = ops.get(node.type)!.relevance;
  if (rule.kind === "linear") {
    const channels = graph.dims.get(node.inputs[0])![1];
    const fits = [rule.low, rule.high].every((bound) => bound === undefined || typeof bound === "number" || bound.length === channels);
    if (!fits) return `bounds for ${channels} channels`;
  }
  if (rule.kind === "gradient")
    return relevance?.kind === "own" && !relevance.rules.gradient ? Object.keys(relevance.rules).join(", ") : undefined;
  if (relevance?.kind === "linear" && rule.kind === "linear") {
    const withWeights = relevance.signs === undefined;
    if (withWeights || rule.groups.every((g) => g.passes.every((p) => typeof p.weight !== "string" && typeof p.input !== "string")))
      return undefined;
    return "norm, epsilon, zPlus, ratio, clip, alphaBeta, gamma or gradient (it has no parameters)";
  }
  if (relevance?.kind === "linear") return "a rule for linear layers";
  if (relevance?.kind === "pass") return rule.kind === "pass" ? undefined : "pass or gradient";
  if (relevance?.kind === "own")
    return rule.kind === "own" && Object.hasOwn(relevance.rules, rule.mode)
      ? undefined
      : `one of ${Object.keys(relevance.rules).join(", ")}`;
  return undefined;
}

/** The rule of every node that has a choice. Nodes that only move numbers have none and are not in the map. */
export type Assignment = ReadonlyMap<Node, Rule>;

/** Gives every node on the way of relevance its rule, and lists every node that no entry matches or whose rule does not fit. */
export function assign(
  graph: Graph,
  onPath: ReadonlySet<Node>,
  composite: Composite,
): { assignment: Assignment; issues: readonly Issue[] } {
  const places = positions(graph);
  const issues: Issue[] = composite.flatMap((entry, i) => misspelled(graph, entry, i));
  if (issues.length > 0) return { assignment: new Map(), issues };
  const assignment = new Map<Node, Rule>();
  for (const node of graph.nodes) {
    if (!onPath.has(node)) continue;
    const relevance = ops.get(node.type)!.relevance;
    if (relevance?.kind === "route") continue;
    if (!relevance || relevance.kind === "none") {
      issues.push({
        where: whereIs(node),
        expected: "an operator that relevance can pass",
        received: relevance?.why ?? "one that has no rule",
      });
      continue;
    }
    if (relevance.kind === "pass" && node.inputs.filter((name) => name !== "" && !graph.constants.has(name)).length > 1) {
      issues.push({
        where: whereIs(node),
        expected: "one computed input beside constants",
        received: "two: a product of activations",
        fix: "No rule for it is known to relprop.",
      });
      continue;
    }
    const rule = composite.find((entry) => matches(entry, node, places))?.rule;
    const problem = rule && misfit(graph, node, rule);
    if (!rule)
      issues.push({
        where: whereIs(node),
        expected: "an entry of the composite that matches it",
        received: "none",
        fix: `Add { type: "${ops.get(node.type)!.family}", rule: … }, or end the list with ...baseEntries().`,
      });
    else if (problem) issues.push({ where: whereIs(node), expected: problem, received: `the rule ${rule.name}` });
    else assignment.set(node, rule);
  }
  return { assignment, issues };
}
