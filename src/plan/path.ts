import type { Graph, Node } from "../graph/graph.ts";
import { isOpen, type Ways } from "../ops/ways.ts";
import { type Assignment, nameOf } from "../rules/assign.ts";

/** The nodes and inputs that relevance reaches. */
export interface Path {
  readonly nodes: ReadonlySet<Node>;
  /** The graph's inputs that it reaches. */
  readonly inputs: ReadonlySet<string>;
}

const NOWHERE: ReadonlySet<string> = new Set();

/**
 * What `value` depends on, other than for what is chosen.
 * @param ends values behind which relevance does not go @param assignment rules, some of which leave out an input
 */
export function pathTo(graph: Graph, ways: Ways, value: string, ends = NOWHERE, assignment?: Assignment): Path {
  const reached = new Set([value]);
  const nodes = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => reached.has(name)) || ends.has(node.outputs[0])) continue;
    nodes.add(node);
    const way = ways.get(node)!;
    const rule = assignment?.get(node);
    const name = rule && nameOf(rule);
    for (const [i, input] of node.inputs.entries()) if (input !== "" && isOpen(way, i, name)) reached.add(input);
  }
  return { nodes, inputs: new Set(graph.inputs.map((port) => port.name).filter((name) => reached.has(name))) };
}
