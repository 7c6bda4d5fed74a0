import { type Graph, type Node, operandsOf } from "../graph/graph.ts";
import { ops } from "./index.ts";
import type { Way } from "./op.ts";

/** The way of every node of a graph. */
export type Ways = ReadonlyMap<Node, Way>;

/** How each node runs and how relevance goes back through it, decided once. @param graph as inferred */
export function waysOf(graph: Graph): Ways {
  const wayOf = (node: Node): Way => {
    const outputs = node.outputs
      .filter((name) => graph.dims.has(name))
      .map((name) => ({ name, dims: graph.dims.get(name)!, type: graph.types.get(name) ?? "float32" }));
    return Object.freeze(
      ops.get(node.type)!.node!({ node, attributes: node.attributes, inputs: operandsOf(graph, node), outputs }),
    );
  };
  return new Map(graph.nodes.map((node) => [node, wayOf(node)]));
}
