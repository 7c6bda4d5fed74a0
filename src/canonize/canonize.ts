import { Budget, HOST } from "../base/budget.ts";
import { scaledConv } from "../ops/conv/conv.ts";
import type { ConvAttributes } from "../ops/conv/geometry.ts";
import { scaledConvTranspose } from "../ops/conv/transpose.ts";
import { type DenseAttributes, scaledDense } from "../ops/dense.ts";
import { ops } from "../ops/index.ts";
import type { Affine } from "../ops/op.ts";
import { type Constant, type Dims, size } from "../base/tensor.ts";
import { changeUnits } from "./change-units.ts";
import { findEmbeddings, followIds } from "./find-embeddings.ts";
import { foldNormalizations } from "./find-lrn.ts";
import { findAttention } from "./find-attention.ts";
import { findGates } from "./find-gates.ts";
import { foldGroups } from "./find-groups.ts";
import { foldNorms } from "./find-norms.ts";
import { findTables } from "./find-tables.ts";
import { foldCones } from "./fold-cones.ts";
import { foldPads } from "./fold-pads.ts";
import { foldSoftmax } from "./fold-softmax.ts";
import { affineOf, type Origin, originsOf } from "./origin.ts";
import { type Graph, type Node, operandsOf, producers, readers, resolve, whereIs } from "../graph/graph.ts";

/**
 * Identity and Dropout leave no trace, unless a mask is asked for; whoever asks for their output is given their input.
 */
function dropIdentities(graph: Graph): Graph {
  const aliases = new Map(graph.aliases);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const read = readers(graph);
  const nodes = graph.nodes.flatMap((node) => {
    const inputs = node.inputs.map((name) => resolve({ aliases }, name));
    const idle = node.type === "Identity" || node.type === "Dropout";
    if (!idle || outputs.has(node.outputs[0]) || (node.outputs[1] && read.has(node.outputs[1])))
      return [Object.freeze({ ...node, inputs })];
    aliases.set(node.outputs[0], inputs[0]);
    return [];
  });
  return { ...graph, nodes, aliases };
}

/** What rows know of the nodes around theirs. */
function byRows(graph: Graph): Graph {
  const types = new Set(graph.nodes.map(({ type }) => type));
  return [...types].reduce((g, type) => ops.get(type)!.rewrite?.(g) ?? g, graph);
}

/** A linear layer and the affine node beside it, as they are merged. */
interface Merge {
  readonly linear: Node;
  readonly affine: Node;
  readonly along: "outputs" | "inputs";
  readonly map: Affine;
}

const CONVOLUTIONS = new Set(["Conv", "ConvTranspose"]);
const WEIGHTED = new Set([...CONVOLUTIONS, "Gemm", "MatMul"]);
/** The axis of a linear layer's input or output that its weights tell apart, or −1. */
function channelAxis(linear: Node, dims: Dims): number {
  return CONVOLUTIONS.has(linear.type) ? 1 : dims.length - 1;
}

/**
 * Whether it is a linear layer whose outputs have each a row of weights of their own: not so where matrices come in
 * batches.
 */
function hasPlainWeight({ constants, dims }: Graph, { type, inputs }: Node): boolean {
  return (
    WEIGHTED.has(type) && constants.has(inputs[1]) && (CONVOLUTIONS.has(type) || dims.get(inputs[1])!.length === 2)
  );
}

/** Whether every output reads every tap of its window, so that a shift of the input is one of the output. */
function isUnpadded(linear: Node): boolean {
  if (!CONVOLUTIONS.has(linear.type)) return true;
  if (linear.type === "ConvTranspose") return false;
  return (linear.attributes as ConvAttributes).volume!.every(
    (axis) => axis.before === 0 && axis.after <= 0 && !axis.trimmed,
  );
}

function mergeOf(
  graph: Graph,
  affine: Node,
  by: ReadonlyMap<string, Node>,
  readerOf: ReadonlyMap<string, Node>,
  count: ReadonlyMap<string, number>,
  origins: ReadonlyMap<string, Origin>,
): Merge | undefined {
  const map = affineOf(graph, affine);
  if (!map) return undefined;
  const [from, to] = [affine.inputs[map.data], affine.outputs[0]];
  const dims = graph.dims.get(from)!;
  const fits = (linear: Node) =>
    hasPlainWeight(graph, linear) && (map.scale.length === 1 || map.axis === channelAxis(linear, dims));
  const before = by.get(from);
  if (before && count.get(from) === 1 && fits(before)) return { linear: before, affine, along: "outputs", map };
  // Of the input it is a change of units, and no bias.
  const after = origins.get(from) === "input" ? undefined : readerOf.get(to);
  if (after && count.get(to) === 1 && after.inputs[0] === to && fits(after) && isUnpadded(after)) {
    return { linear: after, affine, along: "inputs", map };
  }
  return undefined;
}

/** The linear layer with the affine map in its weight and bias. */
function merged(graph: Graph, { linear, affine, along, map }: Merge): { node: Node; constants: Map<string, Constant> } {
  const inputs = operandsOf(graph, linear);
  const at = (values: Float64Array) => (i: number) => values[values.length === 1 ? 0 : i];
  const [scale, shift] = [at(map.scale), at(map.shift)];
  const parameters =
    linear.type === "Conv"
      ? scaledConv(inputs, linear.attributes as ConvAttributes, along, scale, shift)
      : linear.type === "ConvTranspose"
        ? scaledConvTranspose(inputs, linear.attributes as ConvAttributes, scale, shift)
        : scaledDense(inputs, linear.attributes as DenseAttributes, along, scale, shift);
  const attributes = "attributes" in parameters ? (parameters.attributes as object) : linear.attributes;
  const names = [`${linear.name}/${affine.name}:weight`, `${linear.name}/${affine.name}:bias`];
  const node: Node = Object.freeze({
    ...linear,
    attributes,
    inputs: [along === "outputs" ? linear.inputs[0] : affine.inputs[map.data], ...names],
    outputs: along === "outputs" ? affine.outputs : linear.outputs,
    note: `${linear.note ? `${linear.note}; ` : ""}${affine.type} '${affine.name}' folded in`,
  });
  return {
    node,
    constants: new Map([
      [names[0], parameters.weight],
      [names[1], parameters.bias],
    ]),
  };
}

/**
 * BatchNormalization, and Add, Sub, Mul, Div by constants, become part of the linear layer before or (unpadded) after
 * them, but for those of the network's input.
 */
function foldAffine(graph: Graph, budget: Budget): Graph {
  const constants = new Map(graph.constants);
  const dims = new Map(graph.dims);
  const current: Graph = { ...graph, constants, dims };
  const by = producers(graph);
  const count = readers(graph);
  const origins = originsOf(graph);
  // Where a value is read once: the node that reads it.
  const readerOf = new Map(graph.nodes.flatMap((node) => node.inputs.map((name) => [name, node] as const)));
  const order: (Node | undefined)[] = [...graph.nodes];
  const placeOf = new Map(graph.nodes.map((node, i) => [node, i]));
  for (const first of graph.nodes) {
    const open: (Node | undefined)[] = [first];
    for (let affine = open.pop(); affine; affine = open.pop()) {
      const place = placeOf.get(affine)!;
      const merge = order[place] === affine && mergeOf(current, affine, by, readerOf, count, origins);
      if (!merge) continue;
      const { dims: own, packed } = constants.get(merge.linear.inputs[1])!;
      budget.where = whereIs(affine);
      budget.take(packed && merge.along === "outputs" ? 0 : 4 * size(own), HOST * size(own));
      const { node, constants: parameters } = merged(current, merge);
      for (const [name, value] of parameters) {
        constants.set(name, value);
        dims.set(name, value.dims);
      }
      order[place] = undefined;
      order[placeOf.get(merge.linear)!] = node;
      placeOf.set(node, placeOf.get(merge.linear)!);
      for (const name of node.outputs) by.set(name, node);
      for (const name of node.inputs) readerOf.set(name, node);
      // What stands before the layer now may be an affine node too, which was passed by.
      if (merge.along === "inputs") open.push(by.get(node.inputs[0]));
    }
  }
  return { ...current, nodes: order.filter((node) => node !== undefined) };
}

/** The rewrites, in order. None changes what the network computes. */
const rewrites: readonly ((graph: Graph, budget: Budget) => Graph)[] = [
  dropIdentities,
  byRows,
  findEmbeddings,
  followIds,
  findTables,
  foldGroups,
  foldNorms,
  foldNormalizations,
  foldSoftmax,
  foldCones,
  findAttention,
  foldPads,
  foldAffine,
  changeUnits,
  findGates,
];

/**
 * Brings a graph into the form whose rules are meant: no idle nodes, LRN, LayerNormalization and its kin as one node, padding and affine maps inside
 * linear layers, and those of no layer as changes of units.
 * @throws LrpError code "memory" where that takes more than the budget
 */
export function canonize(graph: Graph, budget: Budget = new Budget()): Graph {
  return Object.freeze(rewrites.reduce((g, rewrite) => rewrite(g, budget), graph));
}
