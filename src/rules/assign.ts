import type { Issue } from "../base/error.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import { boundedBy } from "../canonize/origin.ts";
import { ops } from "../ops/index.ts";
import { families, type Family, type Way } from "../ops/op.ts";
import type { Unrolled } from "../ops/unrolled.ts";
import type { Ways } from "../ops/ways.ts";
import { type Composite, type Entry, WEIGHTED } from "./composite.ts";
import { type LinearRule, type Rule, ruleOf } from "./rule.ts";

/** Values of a node on one side, and on the other. */
type Sides = readonly [from: (node: Node) => readonly string[], to: (node: Node) => readonly string[]];
const FORTH: Sides = [({ inputs }) => inputs, ({ outputs }) => outputs];
const BACK: Sides = [FORTH[1], FORTH[0]];

/** Weighted nodes without another weighted one before them, in the order given. */
function outermost(nodes: readonly Node[], isWeighted: (node: Node) => boolean, [from, to]: Sides): Set<Node> {
  const after = new Set<string>();
  return new Set(
    nodes.filter((node) => {
      const behind = from(node).some((name) => after.has(name));
      if (isWeighted(node) || behind) for (const name of to(node)) after.add(name);
      return isWeighted(node) && !behind;
    }),
  );
}

/** Weighted nodes with no other weighted one between them and a node of those `near` which they are. */
function nextTo(
  nodes: readonly Node[],
  isWeighted: (node: Node) => boolean,
  near: (node: Node) => boolean,
  [from, to]: Sides,
): Node[] {
  const after = new Set<string>();
  return nodes.filter((node) => {
    const behind = from(node).some((name) => after.has(name));
    if (near(node) || (behind && !isWeighted(node))) for (const name of to(node)) after.add(name);
    return isWeighted(node) && behind;
  });
}

/** The nodes that stand in each position. */
function placesOf(graph: Graph, ways: Ways): Readonly<Record<NonNullable<Entry["position"]>, ReadonlySet<Node>>> {
  const isWeighted = (node: Node) => WEIGHTED.includes(familyOf(node, ways));
  const isAttention = (node: Node) => familyOf(node, ways) === "attention";
  const { nodes } = graph;
  const reversed = [...nodes].reverse();
  return {
    first: outermost(nodes, isWeighted, FORTH),
    last: outermost(reversed, isWeighted, BACK),
    projection: new Set([
      ...nextTo(nodes, isWeighted, isAttention, FORTH),
      ...nextTo(reversed, isWeighted, isAttention, BACK),
    ]),
  };
}

/** What composites call a node. */
export const familyOf = (node: Node, ways: Ways): Family => ways.get(node)!.family ?? ops.get(node.type)!.family;

const FAMILIES: ReadonlySet<string> = new Set(families);

/** What an entry names that does not exist. */
function misspelled(nodes: ReadonlySet<string>, { layer, type }: Entry, index: number): Issue[] {
  const where = `entry ${index + 1} of the composite`;
  const strange = [type ?? []].flat().filter((t) => !ops.has(t) && !FAMILIES.has(t));
  const missing = typeof layer === "string" && !nodes.has(layer);
  return [
    ...strange.map((t) => ({
      where,
      expected: `a type that is an operator or one of ${[...FAMILIES].join(", ")}`,
      received: `'${t}'`,
    })),
    ...(missing
      ? [
          {
            where,
            expected: "the name of a node as its layer",
            received: `'${layer}'`,
            fix: "inspect() lists the nodes; only a pattern (RegExp) may match none.",
          },
        ]
      : []),
  ];
}

/** What entries may call a node: a sum that is a change of units is none of those that an entry for sums is about. */
function namesOf(node: Node, ways: Ways): readonly string[] {
  const family = familyOf(node, ways);
  return node.units && family === "sum" ? ["normalization"] : [node.type, family];
}

function matches(entry: Entry, node: Node, ways: Ways, places: ReturnType<typeof placesOf>): boolean {
  const { layer, type, position } = entry;
  if (layer !== undefined && !(typeof layer === "string" ? layer === node.name : node.name.search(layer) >= 0))
    return false;
  if (type !== undefined && ![type].flat().some((t) => namesOf(node, ways).includes(t))) return false;
  return position === undefined || places[position].has(node);
}

/** The names of the rules for linear layers that fit, as they are without parameters, and the gradient. */
function those(fits: (rule: LinearRule) => boolean): string {
  const names = Object.entries(ruleOf).flatMap(([name, make]) => {
    const rule = (make as (o?: object) => Rule)(name === "zBox" ? { low: 0, high: 1 } : undefined);
    return rule.kind === "linear" && fits(rule) ? [name] : [];
  });
  return oneOf([...names, "gradient"]);
}

const oneOf = (names: readonly string[]) => names.join(", ").replace(/, ([^,]*)$/, " or $1");
const passesOf = ({ groups }: LinearRule) => groups.flatMap(({ passes }) => passes);

/** Whether a rule asks nothing of a weight but its sign. */
const needsNoWeights = (rule: LinearRule) =>
  passesOf(rule).every(({ input, weight }) => typeof input !== "string" && typeof weight !== "string");
/** Whether it only looks at signs: of inputs that a node computes itself, nothing else is known. */
const isSloped = (rule: LinearRule) =>
  passesOf(rule).every((pass) => Object.values(pass).every((map) => map === undefined || typeof map === "object"));
/** Whether it treats both signs alike. */
const isBlind = (rule: LinearRule) =>
  isSloped(rule) &&
  rule.stabilizer.mode !== "terms" &&
  passesOf(rule).every(({ weight, bias = [1, 1] }) => weight[0] === weight[1] && bias[0] === bias[1]);

/** What could be used on the linear maps inside a node, when the rule cannot. */
function misfitInside({ signed }: Unrolled, rule: Rule): string | undefined {
  if (rule.kind !== "linear") return "a rule for linear layers";
  if (!isSloped(rule)) return `${those(isSloped)}, as some of its inputs are its own states`;
  return signed && !isBlind(rule) ? `${those(isBlind)}, as gates of it may be negative` : undefined;
}

/** What could be used on a node, when the rule cannot. @param channels of what bounds are bounds of */
function misfit(way: Way, channels: () => readonly number[], rule: Rule): string | undefined {
  if (rule.kind === "linear") {
    const lists = [rule.low, rule.high].filter((bound) => typeof bound === "object");
    const wrong = lists.length > 0 && channels().find((count) => lists.some((list) => list.length !== count));
    if (wrong) return `a rule whose bounds are single numbers or lists of ${wrong}, the number of channels`;
  }
  if (way.kind === "linear") {
    if (rule.kind === "gradient") return undefined;
    if (rule.kind !== "linear") return "a rule for linear layers";
    return way.signs === undefined || needsNoWeights(rule)
      ? undefined
      : `${those(needsNoWeights)}, as the node has no weights`;
  }
  if (way.kind === "unrolled") return rule.kind === "gradient" ? undefined : misfitInside(way, rule);
  if (way.kind === "pass") {
    const own = way.rules ?? {};
    const fits = rule.kind === "own" ? Object.hasOwn(own, rule.mode) : rule.kind !== "linear";
    return fits ? undefined : oneOf(["pass", ...Object.keys(own), "gradient"]);
  }
  if (way.kind !== "own" || Object.hasOwn(way.rules, nameOf(rule))) return undefined;
  const known = Object.keys(way.rules).join(", ");
  return rule.kind === "gradient" ? known : `one of ${known}`;
}

/** What a way calls a rule that is not for linear layers. */
export const nameOf = (rule: Rule): string => (rule.kind === "own" ? rule.mode : rule.kind);

/** The rule of every node that has a choice. Nodes that only move numbers have none and are not in the map. */
export type Assignment = ReadonlyMap<Node, Rule>;

/**
 * @param chosen what the composite says of it
 * @returns a rule, or why there is none; neither where there is no choice
 */
function ruleFor(
  node: Node,
  way: Way,
  channels: () => readonly number[],
  chosen: () => Rule | undefined,
  unknown: "gradient" | undefined,
): Rule | Issue | undefined {
  const where = whereIs(node);
  if (way.kind === "route") return undefined;
  if (way.kind === "none") {
    if (way.vjp && unknown) return ruleOf.gradient();
    const text = 'unknown: "gradient"';
    const fix =
      way.vjp && !way.isFlat && `The option ${text} passes relevance through it by its gradient, which is not LRP.`;
    const mentions = [{ text, option: "unknown", value: "gradient" }];
    const problem = `no rule passes relevance through it, since ${way.why}`;
    return fix ? { where, problem, fix, mentions } : { where, problem };
  }
  const rule = chosen();
  if (!rule) {
    const fix = `Add { type: "${way.family ?? ops.get(node.type)!.family}", rule: … }, or end the list with ...baseEntries().`;
    return { where, problem: "no entry of the composite matches it", fix };
  }
  const expected = misfit(way, channels, rule);
  return expected === undefined ? rule : { where, expected, received: `the rule ${rule.name}` };
}

/**
 * Gives every node on the way of relevance its rule, and lists every node that no entry matches or whose rule does not
 * fit.
 * @param unknown whether nodes for which no rule is known pass relevance by their gradient
 */
export function assign(
  graph: Graph,
  ways: Ways,
  onPath: ReadonlySet<Node>,
  composite: Composite,
  unknown?: "gradient",
): { assignment: Assignment; issues: readonly Issue[] } {
  const places = placesOf(graph, ways);
  const names = new Set(graph.nodes.map((node) => node.name));
  const issues: Issue[] = composite.flatMap((entry, i) => misspelled(names, entry, i));
  if (issues.length > 0) return { assignment: new Map(), issues };
  const assignment = new Map<Node, Rule>();
  const bounded = boundedBy(graph);
  for (const node of graph.nodes) {
    if (!onPath.has(node)) continue;
    const channels = () => bounded(node).values.map(({ name, axis }) => graph.dims.get(name)![axis]);
    const chosen = () => composite.find((entry) => matches(entry, node, ways, places))?.rule;
    const found = ruleFor(node, ways.get(node)!, channels, chosen, unknown);
    if (found && "kind" in found) assignment.set(node, found);
    else if (found) issues.push(found);
  }
  return { assignment, issues };
}
