import { type Constant, isFloat, isInteger } from "../base/tensor.ts";
import { type Graph, type Node, producers, readers, withNodes } from "../graph/graph.ts";
import type { GatherAttributes } from "../ops/layout.ts";
import type { OneHotAttributes } from "../ops/rare/choose.ts";
import { isMoving } from "./origin.ts";

/*
 * Rows of a table that ids have chosen: what such a row gets is the relevance of its id, whatever arithmetic has
 * computed that, and however the choice is spelled.
 */

/** Whether a constant is 0, 1, 2, … along the last axis, which is the only one. */
function isRange({ dims, data }: Constant): boolean {
  return dims.at(-1) === data.length && data.every((v, i) => v === i);
}

/** The constant among the operands of a comparison of ids with all that they may be, and the ids. */
function comparison({ constants, dims, types }: Graph, { type, inputs }: Node) {
  const at = inputs.findIndex((name) => constants.has(name));
  if (type !== "Equal" || at < 0) return undefined;
  const [constant, ids] = [constants.get(inputs[at])!, inputs[1 - at]];
  const isList = constant.data.length > 1 && dims.get(ids)?.at(-1) === 1;
  return isList && isInteger(types.get(ids)) ? { constant, ids } : undefined;
}

/** The ids of columns that are 1 where they say, if a value is that along its last axis. */
function columnsOf(graph: Graph, by: ReadonlyMap<string, Node>, value: string) {
  let node = by.get(value);
  while (node?.type === "Cast") node = by.get(node.inputs[0]);
  if (node?.type === "OneHot") {
    const { axis, values } = (node.attributes as { readonly own: OneHotAttributes }).own;
    const isPlain = axis === graph.dims.get(value)!.length - 1 && values!.join() === "0,1";
    return isPlain ? { node, ids: node.inputs[0] } : undefined;
  }
  const found = node && comparison(graph, node);
  return found && isRange(found.constant) ? { node: node!, ids: found.ids } : undefined;
}

/** A matrix times columns of zeros and one 1 is a choice of its rows. */
export function findEmbeddings(graph: Graph): Graph {
  const by = producers(graph);
  const nodes = graph.nodes.map((node): Node => {
    const [value, weight] = node.inputs;
    if (node.type !== "MatMul" || graph.constants.get(weight)?.dims.length !== 2) return node;
    const found = columnsOf(graph, by, value);
    const shape = graph.dims.get(value)!.slice(0, -1);
    const isRow = found && [shape, [...shape, 1]].some((dims) => dims.join() === graph.dims.get(found.ids)!.join());
    if (!isRow) return node;
    const { type, name } = found.node;
    return Object.freeze({
      ...node,
      type: "Gather",
      inputs: [weight, found.ids],
      attributes: { axis: 0, shape, columns: type === "OneHot" ? "wrapped" : "plain" } satisfies GatherAttributes,
      note: `rows that ${type} '${name}' chooses`,
    });
  });
  return withNodes(graph, nodes);
}

/** Whether ids choose rows of a table there. */
const isTable = ({ constants, types }: Graph, { type, inputs }: Node): boolean =>
  type === "Gather" && constants.has(inputs[0]) && isFloat(types.get(inputs[0]) ?? "float32");

/** For each value, which of the graph's inputs it is computed from, in their order. */
function inputsBehind(graph: Graph): ReadonlyMap<string, readonly string[]> {
  const order = graph.inputs.map(({ name }) => name);
  const found = new Map<string, readonly string[]>(order.map((name) => [name, [name]]));
  for (const node of graph.nodes) {
    const lists = [...new Set(node.inputs.flatMap((name) => [found.get(name) ?? []]))].filter(
      (list) => list.length > 0,
    );
    const all = lists.length === 1 ? lists[0] : order.filter((name) => lists.some((list) => list.includes(name)));
    for (const name of node.outputs) found.set(name, all);
  }
  return found;
}

/** At tables, the inputs that choose together, where arithmetic has made one id of several. */
function withChoosers(
  graph: Graph,
  nodes: readonly Node[],
  from: ReadonlyMap<string, readonly string[]>,
): readonly Node[] {
  const mixed = new Map<string, readonly string[]>();
  return nodes.map((node) => {
    const { inputs, outputs, ids } = node;
    const all = from.get(outputs[0])!;
    const isMixing = ids !== undefined && all.length > from.get(inputs[ids])!.length;
    const own = isMixing ? all : inputs.flatMap((name) => [mixed.get(name) ?? []]).find((list) => list.length > 0);
    if (own) mixed.set(outputs[0], own);
    const choosers = isTable(graph, node) ? mixed.get(inputs[1]) : undefined;
    return choosers ? Object.freeze({ ...node, choosers }) : node;
  });
}

/** Arithmetic of ids hands all relevance to one operand: that of the input that comes first. */
export function followIds(graph: Graph): Graph {
  const from = inputsBehind(graph);
  const reads = readers(graph);
  const order = new Map(graph.inputs.map(({ name }, i) => [name, i]));
  const dimsOf = (name: string) => graph.dims.get(name)!;
  /** How often a value is read as ids. */
  const asIds = new Map<string, number>();
  const follow = (name: string) => asIds.set(name, (asIds.get(name) ?? 0) + 1);
  const floats = new Set(graph.inputs.flatMap(({ name, type }) => (isFloat(type) ? [name] : [])));
  /** Whether inputs of floats are compared by size, as a decision tree does: what that chooses is no share of theirs. */
  const isDecision = ({ type, inputs }: Node) =>
    /^(Less|Greater)/.test(type) && inputs.some((name) => from.get(name)?.some((input) => floats.has(input)));
  const isComputed = (name: string) => (from.get(name)?.length ?? 0) > 0;
  const isIds = (name: string) =>
    asIds.has(name) && (!isFloat(graph.types.get(name) ?? "float32") || asIds.get(name) === reads.get(name));

  /** Which operand of a node its ids are from. */
  function operandOf({ inputs, outputs }: Node): number {
    const to = dimsOf(outputs[0]);
    const computed = [...inputs.keys()].filter((i) => isComputed(inputs[i]));
    const rank = (i: number) => {
      const name = inputs[i];
      const isOther = dimsOf(name).join() !== to.join();
      return 4 * order.get(from.get(name)![0])! + 2 * Number(isOther) + Number(graph.types.get(name) === "bool");
    };
    const best = computed.reduce((a, b) => (rank(b) < rank(a) ? b : a));
    const dims = dimsOf(inputs[best]);
    const lead = to.length - dims.length;
    return lead >= 0 && dims.every((d, axis) => d === 1 || d === to[axis + lead]) ? best : -1;
  }

  const nodes = [...graph.nodes].reverse().map((node): Node => {
    const { inputs, outputs } = node;
    const index = isTable(graph, node) ? 1 : node.type === "OneHot" ? 0 : undefined;
    if (index !== undefined) follow(inputs[index]);
    if (index !== undefined || !(outputs.some(isIds) || comparison(graph, node)) || isDecision(node)) return node;
    if (isMoving(node) || node.type === "Concat") {
      const [data, index] = inputs;
      const taken = node.type === "Concat" ? inputs : [isComputed(data) ? data : (index ?? data)];
      for (const name of taken) follow(name);
      return node;
    }
    const ids = operandOf(node);
    if (ids < 0) return node;
    for (const name of inputs) follow(name);
    return Object.freeze({ ...node, ids });
  });
  return { ...graph, nodes: withChoosers(graph, nodes.reverse(), from) };
}
