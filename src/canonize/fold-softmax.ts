import { size } from "../base/tensor.ts";
import { type Graph, type Node, producers, withNodes } from "../graph/graph.ts";
import type { SoftmaxAttributes } from "../ops/softmax.ts";

/*
 * Softmax and its logarithm, spelled with exponentials and their sum, with or without the maximum that keeps these small.
 */

/** A graph, with the node that computes each value. */
interface Made {
  readonly graph: Graph;
  readonly by: ReadonlyMap<string, Node>;
}

const madeBy = ({ by }: Made, name: string, type: string): Node | undefined => {
  const node = by.get(name);
  return node?.type === type ? node : undefined;
};

const axesOf = ({ attributes }: Node): readonly number[] => (attributes as { axes?: readonly number[] }).axes ?? [];

/** Whether a value is one of its node's input along these axes, with a 1 in their place. */
function isOver({ graph: { dims } }: Made, { inputs, outputs }: Node, axes: readonly number[]): boolean {
  const wanted = dims.get(inputs[0])!.map((d, i) => (axes.includes(i) ? 1 : d));
  return dims.get(outputs[0])!.join() === wanted.join();
}

/** What Σ exp is over, if a value is that along one axis: its exponent, and the axis. */
function sumOfExp(made: Made, name: string): { readonly exp: Node; readonly axis: number } | undefined {
  const sum = madeBy(made, name, "ReduceSum");
  const exp = sum && madeBy(made, sum.inputs[0], "Exp");
  const axes = sum ? axesOf(sum) : [];
  return exp && axes.length === 1 && isOver(made, sum, axes) ? { exp, axis: axes[0] } : undefined;
}

/** x, of an exponent that is x, or x less what is the same along this axis: its maximum. */
function withoutMaximum(made: Made, name: string, axis: number): string {
  const less = madeBy(made, name, "Sub");
  const maximum = less && madeBy(made, less.inputs[1], "ReduceMax");
  const fits = maximum && maximum.inputs[0] === less.inputs[0] && axesOf(maximum).includes(axis);
  return fits && isOver(made, maximum, axesOf(maximum)) ? less.inputs[0] : name;
}

/** The softmax, or log-softmax, that ends in a node. */
function nodeOf(made: Made, last: Node): Node | undefined {
  const [a, b] = last.inputs;
  const log = last.type === "Sub" ? madeBy(made, b, "Log") : undefined;
  const sum = log ? sumOfExp(made, log.inputs[0]) : last.type === "Div" ? sumOfExp(made, b) : undefined;
  if (!sum || (log ? sum.exp.inputs[0] : sum.exp.outputs[0]) !== a) return undefined;
  const x = withoutMaximum(made, sum.exp.inputs[0], sum.axis);
  const { dims } = made.graph;
  if (size(dims.get(x)!) !== size(dims.get(last.outputs[0])!)) return undefined;
  const attributes: SoftmaxAttributes = { axis: sum.axis, flattened: false };
  const type = log ? "LogSoftmax" : "Softmax";
  return Object.freeze({ ...last, type, attributes, inputs: [x], note: `folded from exponentials and their sum` });
}

/** Replaces every softmax that is spelled out by one node, in place of the last of its nodes. */
export function foldSoftmax(graph: Graph): Graph {
  const made = { graph, by: producers(graph) };
  const nodes = graph.nodes.map((node) => nodeOf(made, node) ?? node);
  return withNodes(graph, nodes);
}
