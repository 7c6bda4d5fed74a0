import { type Issue, LrpError } from "../base/error.ts";
import { errorOf } from "../base/problems.ts";
import { type Graph, type Node, resolve } from "../graph/graph.ts";
import type { Explained } from "../plan/explained.ts";
import type { Fitted } from "../run/fit.ts";
import { checkOptions, type ExplainOptions } from "./options.ts";
import type { TableAttributes } from "../ops/table.ts";
import { type Path, pathTo } from "../plan/path.ts";
import type { RuleAt } from "./report.ts";
import { type Assignment, assign, familyOf } from "../rules/assign.ts";
import { defaultFor, habitsOf } from "../rules/composite.ts";

/** What relevance needs to know before any number is computed. */
export interface Assigned extends Explained {
  /** The composite, where none of the caller's own. */
  readonly composite?: string;
  /** What the network has that asks for it, where it is another than the usual default. */
  readonly since?: string;
  /** How relevance starts there. */
  readonly start: "logit" | "one";
  readonly assignment: Assignment;
  readonly path: Path;
  /** Nodes that have no rule, or one that does not fit, and whether relevance reaches an input at all. */
  readonly issues: readonly Issue[];
}

/** The output that is meant. @throws LrpError "usage" for none of the network's, or why it cannot be computed */
export function outputOf({ graph: { refused }, outputs: { main, all } }: Fitted, name = main.output): Explained {
  const known = all.get(name);
  if (known) return known;
  const reasons = refused.get(name);
  if (reasons) throw errorOf(reasons);
  throw new LrpError("usage", {
    where: "option 'output'",
    expected: `an output of the network (${[...all.keys()].map((output) => `'${output}'`).join(", ")})`,
    received: `'${name}'`,
  });
}

/** The rule of every node from the output that is explained back to the inputs. @throws LrpError "usage" for options */
export function assigned(fitted: Fitted, options: ExplainOptions): Assigned {
  const { graph, ways } = fitted;
  const explained = outputOf(fitted, options.output);
  const all = pathTo(graph, ways, explained.from);
  const usual = defaultFor(new Set(Array.from(all.nodes, (node) => familyOf(node, ways))));
  const { composite: named = usual.composite } = options;
  const composite = checkOptions(options, usual.composite);
  const habits = habitsOf(named);
  const where = `output '${explained.output}'`;
  if (graph.constants.has(explained.from))
    throw new LrpError("usage", { where, problem: "it is a constant, which does not depend on the input" });
  const start = options.start ?? habits.start ?? "logit";
  const unknown = options.unknown ?? habits.unknown;
  const ruled = assign(graph, ways, all.nodes, composite, unknown);
  // What lies behind a gate that gets nothing needs no rule.
  const path = pathTo(graph, ways, explained.from, undefined, ruled.assignment);
  const isShorter = path.nodes.size < all.nodes.size;
  const { assignment, issues } = isShorter ? assign(graph, ways, path.nodes, composite, unknown) : ruled;
  const since = options.composite === undefined ? usual.since : undefined;
  const found = {
    ...explained,
    ...(typeof named === "string" && { composite: named }),
    since,
    path,
    start,
    assignment,
  };
  if (path.inputs.size > 0) return { ...found, issues };
  const problem = "no relevance can pass from it to an input, since inputs only choose among other numbers";
  return { ...found, issues: [...issues, { where, problem }] };
}

/** Such a value is the same whenever its text is. */
const isPlain = (value: unknown) => value === undefined || typeof value === "string" || Number.isFinite(value);

/** @returns what tells one call's options from another's; undefined where they hold objects, which may change */
export function optionsKey({ at = [], ...options }: ExplainOptions): string | undefined {
  const entries = Object.entries(options);
  return Array.isArray(at) && entries.every(([, value]) => isPlain(value)) ? JSON.stringify(entries) : undefined;
}

/** The tables that are added, and the inputs that their shares are laid out like. */
export const tablesOf = (nodes: readonly Node[]): readonly TableAttributes[] =>
  nodes.flatMap(({ type, attributes }) => (type === "Table" ? [attributes as TableAttributes] : []));

/** The values of those names on the way of relevance, or tables, which stand for their shares. */
export function valuesAt(graph: Graph, { path, from }: Assigned, names: readonly string[]): string[] {
  const tables = tablesOf([...path.nodes]).map((table) => table.name);
  const known = new Set([...path.inputs, ...tables, ...[...path.nodes].flatMap((node) => node.outputs)]);
  const values = names.map((name) => resolve(graph, name));
  const unknown = values.findIndex((value) => !known.has(value));
  if (unknown < 0) return values;
  const order = graph.nodes.filter((node) => path.nodes.has(node)).map((node) => `'${node.outputs[0]}'`);
  const shown = order.length > 12 ? [...order.slice(0, 6), "…", ...order.slice(-5)] : order;
  throw new LrpError("usage", {
    where: "option 'at'",
    expected: `a value on the way from the input to '${from}': ${shown.join(", ")}`,
    received: `'${names[unknown]}'`,
    fix: "inspect() lists them all; values inside folded layers no longer exist.",
  });
}

/** @param remarks what is worth knowing of single nodes */
export function rulesOf(
  { graph, ways }: Fitted,
  { assignment, path }: Assigned,
  remarks: ReadonlyMap<Node, string>,
): RuleAt[] {
  return graph.nodes
    .filter((node) => path.nodes.has(node))
    .map((node) => ({
      node: node.name,
      type: node.type,
      rule: assignment.get(node)?.name ?? (ways.get(node)!.kind === "route" ? "route" : "none"),
      note: [...new Set([node.note, remarks.get(node)?.replace(/\.$/, "")])].filter(Boolean).join("; ") || undefined,
    }));
}

/**
 * Whether relevance is shared out. Slopes and probabilities are not shared out, so it means nothing whether little or
 * much of them arrives.
 */
export function sharesOut(
  { ways }: Fitted,
  { assignment, composite }: Pick<Assigned, "assignment" | "composite">,
): boolean {
  const bySlope = [...assignment].some(([node, { kind }]) => kind === "gradient" && ways.get(node)!.kind === "linear");
  return !bySlope && (composite === undefined || habitsOf(composite).start !== "one");
}
