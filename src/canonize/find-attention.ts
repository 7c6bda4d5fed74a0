import { isFloat } from "../base/tensor.ts";
import { behind, type Graph, type Node, producers, withNodes } from "../graph/graph.ts";
import { type Attention, KEY, QUERY, VALUE } from "../ops/attention.ts";
import { ops } from "../ops/index.ts";
import { isAlongLast, type SoftmaxAttributes } from "../ops/softmax.ts";
import { waysOf } from "../ops/ways.ts";
import { RENAMING } from "./origin.ts";

/*
 * Attention: softmax(f(Q Kᵀ)) V, where f scales the scores and adds, multiplies or chooses by what is steady: constants,
 * and masks that no data of the network is in. Whatever f is, relevance of Q, K and V is their product with the
 * transposed Jacobian, so nodes are let in by what they read, and stay as they are, as parts of one node.
 */

/** Operators by which scores, and weights behind the softmax, are scaled and masked. */
const MASKING = new Set(["Mul", "Div", "Add", "Sub", "Sum", "Max", "Min", "Where"]);

/** What is in a value of floats: whether weights or tables have made it, and which inputs of floats. */
interface Content {
  readonly isData: boolean;
  readonly inputs: ReadonlySet<string>;
}

const STEADY: Content = { isData: false, inputs: new Set() };

const union = (all: readonly Content[]): Content => ({
  isData: all.some(({ isData }) => isData),
  inputs: new Set(all.flatMap(({ inputs }) => [...inputs])),
});

interface Known {
  readonly graph: Graph;
  readonly by: ReadonlyMap<string, Node>;
  readonly placeOf: ReadonlyMap<Node, number>;
  readonly content: Map<string, Content>;
}

const contentOf = ({ content }: Known, name: string): Content => content.get(name) ?? STEADY;

/** Whether both factors of a product of matrices are computed. */
const isBilinear = ({ graph }: Known, { type, inputs }: Node): boolean =>
  type === "MatMul" && inputs.every((name) => !graph.constants.has(name));

/** What a node makes of what it reads. Integers and conditions only say which. */
function contentMade(known: Known, node: Node): Content {
  const { graph } = known;
  const { type, inputs, outputs } = node;
  if (!isFloat(graph.types.get(outputs[0]))) return STEADY;
  const all = union(inputs.map((name) => contentOf(known, name)));
  const isChosen = type === "Gather" && graph.constants.has(inputs[0]);
  const isWeighted = ["convolution", "dense"].includes(ops.get(type)!.family);
  return isChosen || isWeighted ? { ...all, isData: true } : all;
}

/** What leads from a value back through masks and scales to the one node of its data that `ends` them. */
function behindMasks(known: Known, value: string, ends: (node: Node) => boolean) {
  const { graph, by } = known;
  const masks: string[] = [];
  const length = graph.dims.get(value)!.at(-1);
  for (let [name, node] = [value, by.get(value)]; node; node = by.get(name)) {
    if (graph.dims.get(name)!.at(-1) !== length) return undefined;
    if (ends(node)) return { node, masks };
    const { type, inputs } = node;
    const data = inputs.filter((input) => contentOf(known, input).isData);
    const isKept = RENAMING.includes(type) || (MASKING.has(type) && (type !== "Div" || data[0] === inputs[0]));
    if (!isKept || data.length !== 1) return undefined;
    masks.push(...inputs.filter((input) => input !== data[0]));
    [name] = data;
  }
  return undefined;
}

/** Those nodes up to the last that depend on the first, and on which the last depends. */
function between({ graph, placeOf }: Known, first: Node, last: Node): readonly Node[] {
  const made = new Set(first.outputs);
  const after = graph.nodes.slice(placeOf.get(first)! + 1, placeOf.get(last)!).filter(({ inputs, outputs }) => {
    const isBehind = inputs.some((name) => made.has(name));
    if (isBehind) for (const name of outputs) made.add(name);
    return isBehind;
  });
  return [first, ...behind(after, last.inputs), last];
}

/** What the attention weights are called that a product takes. Its operand's own name may have readers elsewhere. */
const weightsOf = ({ outputs }: Node): string => `${outputs[0]}:weights`;

/** The attention that ends in a node, its parts in the graph's order, and what Q, K and V hold. */
function attentionOf(known: Known, last: Node): { readonly node: Node; readonly content: Content } | undefined {
  if (!isBilinear(known, last)) return undefined;
  const { graph } = known;
  const isSoftmax = ({ type, attributes, outputs }: Node) =>
    type === "Softmax" && isAlongLast(attributes as SoftmaxAttributes, graph.dims.get(outputs[0])!);
  const weights = behindMasks(known, last.inputs[0], isSoftmax);
  const scores = weights && behindMasks(known, weights.node.inputs[0], (node) => isBilinear(known, node));
  if (!scores) return undefined;
  const first = scores.node;
  const names = [...first.inputs, last.inputs[1]];
  const content = union(names.map((name) => contentOf(known, name)));
  const masks = union([...weights.masks, ...scores.masks].map((name) => contentOf(known, name)));
  // What the same input decides that is looked at is no mask.
  if ([...masks.inputs].some((name) => content.inputs.has(name))) return undefined;
  const nodes = between(known, first, last);
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  if (made.has(last.inputs[1])) return undefined;
  const others = [...new Set(nodes.flatMap(({ inputs }) => inputs))].filter((name) => name && !made.has(name));
  const inputs = [...names, ...others.filter((name) => !names.includes(name))];
  const from = (node: Node, name: string, i: number): number | undefined => {
    if (node === first) return [QUERY, KEY][i];
    if (node === last && i === 1) return VALUE;
    return made.has(name) || name === "" ? undefined : inputs.indexOf(name);
  };
  const ways = waysOf({ ...graph, nodes });
  const attributes: Attention = {
    parts: nodes.map((node) => ({
      node,
      way: ways.get(node)!,
      from: node.inputs.map((name, i) => from(node, name, i)),
    })),
  };
  const note = `stands for ${nodes.length} nodes of the file (${nodes.map(({ type }) => type).join(", ")})`;
  const { name } = last;
  const outputs = [...last.outputs, weightsOf(last)];
  const node = Object.freeze({ name, type: "DotProductAttention", attributes, inputs, outputs, note });
  return { node, content };
}

/** Replaces every attention by one node, in place of the last of its nodes. */
export function findAttention(graph: Graph): Graph {
  const floats = graph.inputs.filter(({ type }) => isFloat(type));
  const known: Known = {
    graph,
    by: producers(graph),
    placeOf: new Map(graph.nodes.map((node, i) => [node, i])),
    content: new Map(floats.map(({ name }) => [name, { isData: false, inputs: new Set([name]) }])),
  };
  const dims = new Map(graph.dims);
  const nodes = graph.nodes.map((node) => {
    const found = attentionOf(known, node);
    if (found) dims.set(weightsOf(node), graph.dims.get(node.inputs[0])!);
    const content = found?.content ?? contentMade(known, node);
    const isData = content.isData || isBilinear(known, node);
    for (const name of node.outputs) known.content.set(name, { ...content, isData });
    return found?.node ?? node;
  });
  return withNodes({ ...graph, dims }, nodes);
}
