import { assert, LrpError } from "../base/error.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import { reduceTo, total } from "../ops/arithmetic.ts";
import { ops } from "../ops/index.ts";
import type { Linear, Passing, Places, Way } from "../ops/op.ts";
import { gradient, placed } from "../ops/slopes.ts";
import type { Unrolled } from "../ops/unrolled.ts";
import type { Ways } from "../ops/ways.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";
import { type Assignment, nameOf } from "../rules/assign.ts";
import { type LinearRule, type Rule, ruleOf } from "../rules/rule.ts";
import { type Bounds, boundsIn } from "./bounds.ts";
import type { Forward } from "./forward.ts";
import { type Account, Ledger } from "./ledger.ts";
import { pathTo } from "./path.ts";
import { redistribute, sharingBy } from "./redistribute.ts";

/** A stretch of the way back: relevance goes from one value to the inputs, and no further than the values in `ends`. */
export interface SegmentRequest {
  readonly from: string;
  readonly ends?: readonly string[];
  readonly assignment: Assignment;
  /** Values at which relevance is wanted as well; tables, whose shares there are anyway, may be among them. */
  readonly at: readonly string[];
}

/** A stretch of the way back as steps of a program: those from `begin` up to `end`. */
export interface Segment {
  readonly begin: number;
  readonly end: number;
  /** What the network computes where relevance starts. */
  readonly value: Value;
  /** Relevance there: what the caller writes before the steps run. */
  readonly seed: Value;
  /** Relevance of the graph's inputs, where it reaches them. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Relevance of rows that no input has chosen, by their tables. */
  readonly shares: ReadonlyMap<string, Value>;
  /** Relevance at the values asked for by name. */
  readonly at: ReadonlyMap<string, Value>;
  readonly ledger: Value;
  readonly accounts: readonly Account[];
}

/** Which values are known to be ≥ 0. */
export function nonnegativeValues(graph: Graph): ReadonlySet<string> {
  const known = new Set<string>();
  for (const [name, constant] of graph.constants)
    if (!constant.packed && constant.data.every((v) => v >= 0)) known.add(name);
  for (const node of graph.nodes) {
    if (
      ops.get(node.type)!.nonnegative?.(
        node.inputs.map((name) => known.has(name)),
        node.attributes,
      )
    )
      known.add(node.outputs[0]);
  }
  return known;
}

/** Relevance that has arrived at a node, and what goes on with it. */
interface Arrival {
  readonly node: Node;
  readonly at: Places;
  readonly rule: Rule | undefined;
  /** Relevance of the node's output. */
  readonly r: Value;
  readonly nonnegative: ReadonlySet<string>;
  readonly bounds: (node: Node, rule: LinearRule) => Bounds;
  readonly ledger: Ref;
}

/** What went where. */
interface Passed {
  /** How the ledger calls the rule. */
  readonly rule: string;
  readonly open: Account["open"];
  /** What each input of a node receives; undefined where it has none to receive. */
  readonly inputs: readonly (Value | undefined)[];
}

function throughPass(e: Emitter, way: Passing, { at, r }: Arrival, rule: Rule): Value {
  if (rule.kind === "pass") return reduceTo(e, r, at.x(way.data));
  return rule.kind === "own" ? way.rules![rule.mode](e, at, r) : way.vjp(e, at, r);
}

function throughLinear(e: Emitter, way: Linear, arrival: Arrival, rule: Rule): readonly Value[] {
  const { node, at, r, nonnegative, bounds, ledger } = arrival;
  if (rule.kind !== "linear") return gradient(e, node.name, way, r);
  const ruled = { e, node: node.name, rule, nonnegative, bounds: bounds(node, rule), ledger };
  const map = { linear: way, inputs: way.data.map((i) => node.inputs[i]), x: way.data.map((i) => at.x(i)), y: at.y(0) };
  return redistribute(ruled, map, r);
}

function throughUnrolled(e: Emitter, way: Unrolled, arrival: Arrival, rule: Rule): readonly (Value | undefined)[] {
  const { node, at, r, nonnegative, bounds, ledger } = arrival;
  if (rule.kind !== "linear") return way.vjp(e, at, r);
  const ruled = { e, node: node.name, nonnegative, bounds: bounds(node, rule) };
  const byContribution = { ...rule, groups: ruleOf.norm().groups };
  const [maps, sums] = [rule, byContribution].map((each) => sharingBy({ ...ruled, rule: each }));
  return way.back(e, at, r, maps, sums, ledger);
}

function passBack(e: Emitter, way: Way, arrival: Arrival): Passed {
  const { node, at, rule, r, ledger } = arrival;
  if (way.kind === "route") return { rule: "route", open: way.drops ? "other" : undefined, inputs: way.vjp(e, at, r) };
  assert(rule, `no rule at ${node.name}`);
  if (way.kind === "none") return { rule: rule.name, open: "other", inputs: way.vjp!(e, at, r) };
  if (way.kind === "own") {
    const { conserves, back } = way.rules[nameOf(rule)];
    const open = conserves === true ? undefined : conserves || "other";
    return { rule: nameOf(rule), open, inputs: back(e, at, r, ledger) };
  }
  if (way.kind === "unrolled") {
    const open = rule.kind === "linear" ? undefined : "other";
    return { rule: rule.name, open, inputs: throughUnrolled(e, way, arrival, rule) };
  }
  const [data, values] =
    way.kind === "pass"
      ? [[way.data], [throughPass(e, way, arrival, rule)]]
      : [way.data, throughLinear(e, way, arrival, rule)];
  return { rule: rule.name, open: rule.kind === way.kind ? undefined : "other", inputs: placed(node, data, values) };
}

/** The steps of one segment. @param value what the network computes where it begins, row-major */
export function lowerSegment(
  e: Emitter,
  graph: Graph,
  ways: Ways,
  { places }: Forward,
  value: Value,
  { from, ends, assignment, at }: SegmentRequest,
  nonnegative: ReadonlySet<string>,
): Segment {
  const { nodes: path } = pathTo(graph, ways, from, new Set(ends), assignment);
  const begin = e.steps.length;
  const bounds = boundsIn({ e, graph, ways, places });
  const seed = e.temp("R start", value.dims);
  const edges = graph.nodes.reduce((count, node) => count + node.inputs.length + 2, 2);
  const ledger = new Ledger(e, 5 * edges);
  e.fill(ledger.value, 0);

  const waiting = new Map<string, Value[]>([[from, [seed]]]);
  const tables = new Map<string, Value[]>();
  const totals = new Map<string, Value>();
  const totalAt = (name: string): Value => {
    let sum = totals.get(name);
    if (!sum) {
      sum = total(e, `R ${name}`, waiting.get(name)!);
      totals.set(name, sum);
    }
    return sum;
  };

  for (const node of [...graph.nodes].reverse()) {
    const stuck = node.outputs.slice(1).find((name) => waiting.has(name));
    if (stuck)
      throw new LrpError("rule", {
        where: whereIs(node),
        problem: `relevance arrives at its output '${stuck}', but relprop has a rule for its first output only`,
      });
    if (!path.has(node) || !waiting.has(node.outputs[0])) continue;
    e.budget.where = whereIs(node);
    const parts = waiting.get(node.outputs[0])!;
    const received = parts.map((part) => ledger.sum(part));
    const absorbed = ledger.absorbed();
    const way = ways.get(node)!;
    const { rule, open, inputs } = passBack(e, way, {
      node,
      at: places.get(node)!,
      rule: assignment.get(node),
      r: totalAt(node.outputs[0]),
      nonnegative,
      bounds,
      ledger: absorbed.ref,
    });
    const [passed, constants]: number[][] = [[], []];
    for (const [i, r] of inputs.entries()) {
      if (!r) continue;
      const name = node.inputs[i];
      const table = way.kind === "route" ? way.table : undefined;
      const isConstant = table === undefined && graph.constants.has(name);
      (isConstant ? constants : passed).push(ledger.sum(r));
      if (isConstant) continue;
      const [list, key] = table === undefined ? [waiting, name] : [tables, table];
      const others = list.get(key);
      if (others) others.push(r);
      else list.set(key, [r]);
    }
    ledger.accounts.push({ node, rule, received, passed, constants, absorbed: absorbed.at, open });
  }

  const arrived = (names: readonly string[]) => new Map(names.map((name) => [name, e.as(totalAt(name), "first")]));
  const inputs = arrived(graph.inputs.map((port) => port.name).filter((name) => waiting.has(name)));
  const shares = new Map([...tables].map(([name, parts]) => [name, total(e, `share ${name}`, parts)]));
  const wanted = arrived(at.filter((name) => !tables.has(name)));
  const end = e.steps.length;
  return { begin, end, value, seed, inputs, shares, at: wanted, ledger: ledger.value, accounts: ledger.accounts };
}
