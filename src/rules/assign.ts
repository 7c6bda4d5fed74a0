import type { Issue } from "../base/error.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import { ops } from "../ops/index.ts";
import type { Family } from "../ops/op.ts";
import { type Composite, type Entry, WEIGHTED } from "./composite.ts";
import { type Rule, ruleOf } from "./rule.ts";

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
function misspelled(nodes: ReadonlySet<string>, { layer, type }: Entry, index: number): Issue[] {
  const where = `entry ${index + 1} of the composite`;
  const strange = [type ?? []].flat().filter((t) => !ops.has(t) && !FAMILIES.has(t as Family));
  const missing = typeof layer === "string" && !nodes.has(layer);
  return [
    ...strange.map((t) => ({
      where,
      expected: `an operator, or one of ${[...FAMILIES].join(", ")}`,
      received: `type '${t}'`,
    })),
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
  ];
}

function matches(entry: Entry, node: Node, places: ReturnType<typeof positions>): boolean {
  const { layer, type, position } = entry;
  if (layer !== undefined && !(typeof layer === "string" ? layer === node.name : node.name.search(layer) >= 0))
    return false;
  if (type !== undefined && ![type].flat().some((t) => t === node.type || t === ops.get(node.type)!.family))
    return false;
  return position === undefined || places[position].has(node);
}

/** The rule's name when the rule cannot be used on the operator, with what could. */
function misfit(graph: Graph, node: Node, rule: Rule): string | undefined {
  const relevance = ops.get(node.type)!.relevance;
  if (rule.kind === "linear") {
    const channels = graph.dims.get(node.inputs.find((name) => !graph.constants.has(name))!)![1];
    const fits = [rule.low, rule.high].every(
      (bound) => bound === undefined || typeof bound === "number" || bound.length === channels,
    );
    if (!fits) return `bounds for ${channels} channels`;
  }
  if (rule.kind === "gradient")
    return relevance?.kind === "own" && !relevance.rules.gradient ? Object.keys(relevance.rules).join(", ") : undefined;
  if (relevance?.kind === "linear" && rule.kind === "linear") {
    const withWeights = relevance.signs === undefined;
    if (
      withWeights ||
      rule.groups.every((g) => g.passes.every((p) => typeof p.weight !== "string" && typeof p.input !== "string"))
    )
      return undefined;
    return "norm, epsilon, zPlus, excitation, ratio, clip, alphaBeta, gamma or gradient (it has no parameters)";
  }
  if (relevance?.kind === "linear") return "a rule for linear layers";
  if (relevance?.kind === "pass") {
    const fits = rule.kind === "pass" || (rule.kind === "own" && Object.hasOwn(relevance.rules ?? {}, rule.mode));
    return fits
      ? undefined
      : ["pass", ...Object.keys(relevance.rules ?? {}), "gradient"].join(", ").replace(/, ([^,]*)$/, " or $1");
  }
  if (relevance?.kind === "own")
    return rule.kind === "own" && Object.hasOwn(relevance.rules, rule.mode)
      ? undefined
      : `one of ${Object.keys(relevance.rules).join(", ")}`;
  return undefined;
}

/** The rule of every node that has a choice. Nodes that only move numbers have none and are not in the map. */
export type Assignment = ReadonlyMap<Node, Rule>;

/** Why no rule is known for a node, and whether it has a gradient to go by instead. */
export function ruleless(graph: Graph, node: Node): { why: string; gradient: boolean } | undefined {
  const relevance = ops.get(node.type)!.relevance;
  if (!relevance || relevance.kind === "none")
    return { why: relevance?.why ?? "one that has no rule", gradient: relevance?.vjp !== undefined };
  const computed = node.inputs.filter((name) => name !== "" && !graph.constants.has(name));
  // A linear operator without signs has weights, which are computed here.
  const multiplies = relevance.kind === "pass" || (relevance.kind === "linear" && !relevance.signs);
  if (multiplies && computed.length > 1)
    return { why: "a product of activations", gradient: relevance.product !== undefined };
  return undefined;
}

/**
 * Gives every node on the way of relevance its rule, and lists every node that no entry matches or whose rule does not
 * fit.
 * @param unknown whether nodes for which no rule is known pass relevance by their gradient
 */
export function assign(
  graph: Graph,
  onPath: ReadonlySet<Node>,
  composite: Composite,
  unknown?: "gradient",
): { assignment: Assignment; issues: readonly Issue[] } {
  const places = positions(graph);
  const names = new Set(graph.nodes.map((node) => node.name));
  const issues: Issue[] = composite.flatMap((entry, i) => misspelled(names, entry, i));
  if (issues.length > 0) return { assignment: new Map(), issues };
  const assignment = new Map<Node, Rule>();
  for (const node of graph.nodes) {
    if (!onPath.has(node)) continue;
    const relevance = ops.get(node.type)!.relevance;
    if (relevance?.kind === "route") continue;
    const without = ruleless(graph, node);
    if (without && !(without.gradient && unknown)) {
      const fix = without.gradient
        ? 'unknown: "gradient" passes relevance by its gradient, which is not LRP.'
        : undefined;
      issues.push({
        where: whereIs(node),
        expected: "an operator that relevance can pass by a rule",
        received: without.why,
        fix,
      });
      continue;
    }
    if (without) {
      assignment.set(node, ruleOf.gradient());
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
