import { size } from "../base/tensor.ts";
import { type Graph, type Node, producers } from "../graph/graph.ts";
import { affineOf, isMoving } from "./origin.ts";

/** How sure it is that a factor behind such an operator is a gate: what is 0 to 1 scales; tanh may be a signal too. */
const BOUNDED: ReadonlyMap<string, number> = new Map([
  ["Sigmoid", 2],
  ["HardSigmoid", 2],
  ["Softmax", 2],
  ["Tanh", 1],
]);

/** A clip with both bounds is as good as a sigmoid. */
function boundedness({ type, attributes }: Node): number {
  const { a, b } = attributes as { readonly a?: number; readonly b?: number };
  return type === "Clip" && Number.isFinite(a) && Number.isFinite(b) ? 2 : (BOUNDED.get(type) ?? 0);
}

/** How sure it is that a value only scales others. */
function gating(graph: Graph, by: ReadonlyMap<string, Node>, name: string): number {
  if (graph.types.get(name) === "bool") return 2;
  for (let node = by.get(name); node; ) {
    const found = boundedness(node);
    const data = isMoving(node) ? 0 : affineOf(graph, node)?.data;
    if (found > 0 || data === undefined) return found;
    if (graph.types.get(node.inputs[data]) === "bool") return 2;
    node = by.get(node.inputs[data]);
  }
  return 0;
}

/** Which factor of a product of two computed values is the gate: the smaller one, else the one that is bounded. */
function gateOf(graph: Graph, by: ReadonlyMap<string, Node>, { type, inputs }: Node): 0 | 1 | undefined {
  if (type === "Div") return 1;
  const [a, b] = inputs.map((name) => size(graph.dims.get(name)!));
  if (a !== b) return a < b ? 0 : 1;
  const [left, right] = inputs.map((name) => gating(graph, by, name));
  if (left === right) return undefined;
  return left > right ? 0 : 1;
}

/** Notes at every product of two computed values which factor only scales the other, where that can be told. */
export function findGates(graph: Graph): Graph {
  const by = producers(graph);
  const nodes = graph.nodes.map((node) => {
    const isProduct = node.type === "Mul" || node.type === "Div";
    if (!isProduct || node.inputs.some((name) => graph.constants.has(name))) return node;
    const gate = gateOf(graph, by, node);
    return gate === undefined ? node : Object.freeze({ ...node, gate });
  });
  return { ...graph, nodes };
}
