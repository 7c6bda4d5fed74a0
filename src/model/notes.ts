import { type Issue, sentence } from "../base/error.ts";
import { SQUASHING } from "../canonize/find-start.ts";
import type { Problem } from "../base/problems.ts";
import { type Constant, isFloat } from "../base/tensor.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import type { Ways } from "../ops/ways.ts";
import type { Assigned } from "./assigned.ts";
import type { ExplainOptions } from "./options.ts";

/** Computed floats that only say where a node takes its numbers: points, boxes, offsets. */
function steering({ graph, ways }: { readonly graph: Graph; readonly ways: Ways }, node: Node): readonly string[] {
  const way = ways.get(node)!;
  const places = way.kind === "route" ? (way.steers ?? []) : [];
  const isFloating = (name: string) => !graph.constants.has(name) && isFloat(graph.types.get(name));
  return places.map((i) => node.inputs[i]).filter((name) => name && isFloating(name));
}

/** What is worth knowing of single nodes, as what comes after a node's name. */
export type Remarks = ReadonlyMap<Node, string>;

export function remarksOf(
  known: { readonly graph: Graph; readonly ways: Ways },
  { path, assignment }: Pick<Assigned, "path" | "assignment">,
  { unknown }: Pick<ExplainOptions, "unknown">,
): Remarks {
  const { graph, ways } = known;
  const remark = (node: Node): string | undefined => {
    if (unknown && ways.get(node)!.kind === "none" && assignment.has(node))
      return "has no rule: relevance passes through it by its gradient, as option 'unknown' asks.";
    if (node.type === "BatchNormalization" && node.units !== "input" && assignment.get(node)?.kind === "pass")
      return "has no linear neighbour to be folded into: relevance passes through it unchanged.";
    if (node.choosers) {
      const names = node.choosers.map((name) => `'${name}'`);
      const all = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
      return `is a table whose rows ${all} choose together: all relevance goes to the first of them.`;
    }
    const places = steering(known, node).map((name) => `'${name}'`);
    if (places.length > 0)
      return (
        `takes its numbers where ${places.join(" and ")} says: relevance and gradients go to the numbers, and none to ` +
        "the places."
      );
    return node.type === "LRN" && node.note ? `${node.note}.` : undefined;
  };
  return new Map(
    graph.nodes.flatMap((node) => {
      const says = path.nodes.has(node) && remark(node);
      return says ? [[node, says]] : [];
    }),
  );
}

/** Sentences about nodes: what is the same of several of one type is said once, with their number. */
function grouped(nodes: readonly Pick<Node, "name" | "type">[], says: readonly string[]): string[] {
  const groups = new Map<string, number[]>();
  for (const [i, { type }] of nodes.entries()) {
    const key = `${type} ${says[i]}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()].map(([first, ...more]) => {
    const { name, type } = nodes[first];
    const who =
      more.length === 0
        ? whereIs(nodes[first])
        : `each of the ${more.length + 1} ${type} nodes (the first is '${name}'; inspect lists them all)`;
    return `${who}${says[first]}`;
  });
}

/** What is worth knowing about the way of relevance, in sentences. */
export function notesOf(
  graph: Graph,
  { output, from, skipped, chooses, path, assignment, composite, since }: Assigned,
  remarks: Remarks,
  { output: asked }: Pick<ExplainOptions, "output">,
): string[] {
  const ofInput = graph.nodes.filter(
    (n) => path.nodes.has(n) && n.units === "input" && assignment.get(n)?.kind === "pass",
  );
  const names = ofInput.map(({ name }) => `'${name}'`).join(", ");
  const says = [...remarks.values()].map((text) => ` ${text}`);
  const isFirst = asked !== undefined || (output === graph.outputs[0].name && graph.refused.size === 0);
  const softmax = skipped && (SQUASHING.has(skipped.type) ? "" : ", the last of those that compute a softmax,");
  return [
    ...(isFirst ? [] : [`Output '${output}' is explained: option 'output' chooses another.`]),
    ...(since
      ? [`The network has ${since}: its rules are those of the composite ${composite}, unless another is named.`]
      : []),
    ...(chooses
      ? [
          `Output '${output}' holds integers: relevance starts from '${from}', the scores by which ${whereIs(chooses)} chooses them.`,
        ]
      : []),
    ...(skipped ? [`${whereIs(skipped)} at the end${softmax} is left out: relevance starts from its input.`] : []),
    ...(ofInput.length > 0
      ? [
          `The network normalizes its input (${names}): relevance passes through these nodes unchanged, and the bounds ` +
            "of zBox are those of the input.",
        ]
      : []),
    ...grouped([...remarks.keys()], says),
  ];
}

/** Whether a kernel, or a table, reads the integers of a packed constant as they are. */
function staysPacked({ type, attributes }: Node, { packed, dims }: Constant): boolean {
  if (type === "Gather") return true;
  const { rowsAreOutputs } = attributes as { readonly rowsAreOutputs?: boolean };
  const [m, k] = rowsAreOutputs ? dims : [dims[1], dims[0]];
  return ["MatMul", "Gemm"].includes(type) && packed!.rows?.(m, k, !rowsAreOutputs) !== undefined;
}

/** Which weights stay integers while the network runs, and which become floats. */
export function packedNotes({ nodes, constants }: Graph): string[] {
  const readers = nodes.filter(({ inputs }) => inputs.some((name) => constants.get(name)?.packed));
  if (readers.length === 0) return [];
  const stays = readers.filter((node) =>
    node.inputs.every((name) => !constants.get(name)?.packed || staysPacked(node, constants.get(name)!)),
  );
  const others = readers.length - stays.length;
  const rest = others === 0 ? "" : ` Those of ${others} nodes become floats when these first run.`;
  return [`Weights of few bits stay integers in memory, for ${stays.length} nodes.${rest}`];
}

/** What keeps relevance from passing, in sentences. */
export function issueNotes(graph: Graph, issues: readonly Issue[]): string[] {
  const nodes = new Map(graph.nodes.map((node) => [whereIs(node), node]));
  const [of, others] = [true, false].map((known) => issues.filter(({ where }) => nodes.has(where) === known));
  return [
    ...grouped(
      of.map(({ where }) => nodes.get(where)!),
      of.map((issue) => sentence({ ...issue, where: "" })),
    ),
    ...others.map(sentence),
  ];
}

/** Which outputs cannot be computed, and why: each reason is said once. */
export function refusedNotes({ refused }: Graph): string[] {
  const groups = new Map<readonly Problem[], string[]>();
  for (const [name, problems] of refused) groups.set(problems, [...(groups.get(problems) ?? []), `'${name}'`]);
  return [...groups].map(([problems, [first, ...more]]) => {
    const who = more.length === 0 ? `Output ${first} is` : `Outputs ${[first, ...more].join(", ")} are`;
    return `${who} left out: ${problems.map(({ issue }) => sentence(issue)).join(" ")}`;
  });
}
