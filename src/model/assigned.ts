import { type Issue, LrpError } from "../base/error.ts";
import { type Graph, logitsOf, type Node, resolve } from "../graph/graph.ts";
import type { Ways } from "../ops/ways.ts";
import { checkOptions, type ExplainOptions } from "./options.ts";
import { type Path, pathTo } from "../plan/path.ts";
import type { RuleAt } from "./report.ts";
import { type Assignment, assign } from "../rules/assign.ts";
import { defaultComposite, habitsOf } from "../rules/composite.ts";

/** What is known of a network before anything is asked of it. */
interface Given {
  readonly graph: Graph;
  readonly ways: Ways;
}

/** What relevance needs to know before any number is computed. */
export interface Assigned {
  /** The value from which relevance starts. */
  readonly from: string;
  /** How relevance starts there. */
  readonly start: "logit" | "one";
  readonly assignment: Assignment;
  readonly path: Path;
  /** Nodes that have no rule, or one that does not fit, and whether relevance reaches an input at all. */
  readonly issues: readonly Issue[];
}

/** The name of the output that is meant: the first, unless one is given. */
export function outputOf({ outputs }: Graph, name = outputs[0].name): string {
  if (outputs.some((o) => o.name === name)) return name;
  throw new LrpError("usage", {
    where: "option 'output'",
    expected: outputs.map((o) => `'${o.name}'`).join(", "),
    received: `'${name}'`,
  });
}

/** The rule of every node from the output that is explained back to the inputs. @throws LrpError "usage" for options */
export function assigned({ graph, ways }: Given, options: ExplainOptions): Assigned {
  const composite = checkOptions(options);
  const habits = habitsOf(options.composite ?? defaultComposite);
  const output = outputOf(graph, options.output);
  const { start: from } = logitsOf(graph, resolve(graph, output));
  const path = pathTo(graph, ways, from);
  const where = `output '${output}'`;
  if (graph.constants.has(from))
    throw new LrpError("usage", { where, expected: "one that is computed from an input", received: "a constant" });
  const start = options.start ?? habits.start ?? "logit";
  const { assignment, issues } = assign(graph, ways, path.nodes, composite, options.unknown ?? habits.unknown);
  if (path.inputs.size > 0) return { from, path, start, assignment, issues };
  const [expected, received] = [
    "one that relevance can pass from to an input",
    "inputs that only choose among other numbers",
  ];
  return { from, path, start, assignment, issues: [...issues, { where, expected, received }] };
}

/** Such a value is the same whenever its text is. */
const isPlain = (value: unknown) => value === undefined || typeof value === "string" || Number.isFinite(value);

/** @returns what tells one call's options from another's; undefined where they hold objects, which may change */
export function optionsKey({ at = [], ...options }: ExplainOptions): string | undefined {
  const entries = Object.entries(options);
  return Array.isArray(at) && entries.every(([, value]) => isPlain(value)) ? JSON.stringify(entries) : undefined;
}

/** The values of those names on the way of relevance. */
export function valuesAt(graph: Graph, { path, from }: Assigned, names: readonly string[]): string[] {
  const known = new Set([...path.inputs, ...[...path.nodes].flatMap((node) => node.outputs)]);
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
  { graph, ways }: Given,
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

/** Whether relevance is shared out. Slopes and probabilities are no shares, of which little or much could arrive. */
export function sharesOut(
  { ways }: Pick<Given, "ways">,
  { assignment }: Pick<Assigned, "assignment">,
  { composite = defaultComposite }: ExplainOptions,
): boolean {
  const bySlope = [...assignment].some(([node, { kind }]) => kind === "gradient" && ways.get(node)!.kind === "linear");
  return !bySlope && habitsOf(composite).start !== "one";
}
