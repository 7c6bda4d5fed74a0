import { isFloat } from "../base/tensor.ts";
import { type Graph, type Node, producers, resolve } from "../graph/graph.ts";
import { affineOf, RENAMING } from "./origin.ts";

/*
 * What relevance of an output starts from: the scores that a softmax at the end turns into probabilities, or by which an
 * index is chosen.
 */

/** Where relevance of an output starts. */
export interface Start {
  /** The value. */
  readonly from: string;
  /** The softmax, log-softmax or sigmoid at the end, which is left out. */
  readonly skipped?: Node;
  /** Of an output of integers: the node that makes them of scores. */
  readonly chooses?: Node;
}

export const SQUASHING = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);
/** Pick one of the constants of their first input, by their second. */
const PICKING = new Set(["Gather", "GatherElements"]);

/** A graph, with the node that computes each value. */
interface Made {
  readonly graph: Graph;
  readonly by: ReadonlyMap<string, Node>;
}

/** A positive factor, such as 100 for per cents, changes no order. */
function isFactor({ graph }: Made, node: Node): boolean {
  if (node.type !== "Mul" && node.type !== "Div") return false;
  const map = affineOf(graph, node);
  return map !== undefined && map.scale.length === 1 && map.scale[0] > 0 && map.shift[0] === 0;
}

/** The node behind others that leave each number where and as it is, or with `factors`, times a positive constant. */
function behindRenaming(made: Made, name: string, factors: boolean): Node | undefined {
  const { graph, by } = made;
  for (let node = by.get(name); node; ) {
    const isRenaming = RENAMING.includes(node.type) && isFloat(graph.types.get(node.inputs[0]));
    const isScaling = factors && isFactor(made, node);
    if (!isRenaming && !isScaling) return node;
    const data = isRenaming ? node.inputs[0] : node.inputs.find((input) => !graph.constants.has(input))!;
    node = by.get(data);
  }
  return undefined;
}

/** What a node squashes: a row of a table of its own, or the same written in other nodes. */
function squashed(made: Made, node: Node): string | undefined {
  if (SQUASHING.has(node.type)) return node.inputs[0];
  const inverse = { Exp: "LogSoftmax", Log: "Softmax" }[node.type];
  const inner = inverse ? behindRenaming(made, node.inputs[0], false) : undefined;
  return inner && inner.type === inverse ? inner.inputs[0] : undefined;
}

/** The node that chooses integers by scores. */
function choosing({ graph, by }: Made, name: string): Node | undefined {
  const isKnown = (input: string) => graph.constants.has(input);
  for (let [value, node] = [name, by.get(name)]; node; node = by.get(value)) {
    const { type, inputs, outputs } = node;
    if (type === "ArgMax" || (type === "TopK" && value === outputs[1])) return node;
    // Where the best score is below a threshold, a constant stands in the place of the index.
    const open = type === "Where" ? inputs.slice(1).filter((input) => !isKnown(input)) : [];
    if (RENAMING.includes(type) || type === "ai.onnx.ml.LabelEncoder") [value] = inputs;
    else if (PICKING.has(type) && isKnown(inputs[0])) [, value] = inputs;
    else if (open.length === 1) [value] = open;
    else return undefined;
  }
  return undefined;
}

/** Whether a node makes probabilities add up to 1, which changes no order. */
const isSharing = ({ type, attributes }: Node): boolean =>
  type === "LpNormalization" && (attributes as { readonly p?: number }).p === 1;

/** The value before a softmax, log-softmax or sigmoid at the end, and that node. */
function beforeSquashing(made: Made, name: string): Start {
  const last = behindRenaming(made, name, true);
  const node = last && isSharing(last) ? behindRenaming(made, last.inputs[0], true) : last;
  const from = node && squashed(made, node);
  return from === undefined ? { from: name } : { from, skipped: node };
}

/** Where relevance of each output starts: of one of integers, at the scores that have chosen them, if there are such. */
export function startsOf(graph: Graph): ReadonlyMap<string, Start> {
  const made = { graph, by: producers(graph) };
  return new Map(
    graph.outputs.map(({ name }) => {
      const value = resolve(graph, name);
      const chooses = isFloat(graph.types.get(value)) ? undefined : choosing(made, value);
      const start = beforeSquashing(made, chooses ? chooses.inputs[0] : value);
      return [name, Object.freeze({ ...start, ...(chooses && { chooses }) })];
    }),
  );
}
