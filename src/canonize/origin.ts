import { type Graph, type Node, operandsOf } from "../graph/graph.ts";
import { ops } from "../ops/index.ts";
import type { Affine, Family } from "../ops/op.ts";
import { type Dims, isFloat, size } from "../base/tensor.ts";

const WEIGHTED: readonly Family[] = ["convolution", "dense"];

/**
 * What the numbers of a value were before they were only moved, scaled and shifted: the network's input, what an
 * activation or a linear layer has computed (whose bias a shift then is), or something else.
 */
export type Origin = "input" | "activation" | "layer" | "else";

export const RENAMING: readonly string[] = [
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Identity",
  "Dropout",
  "Cast",
  "Rounding",
  "DynamicRounding",
];
/** These move the numbers of their first input, and leave each as it is. */
const MOVING = new Set([
  ...RENAMING,
  ...["Transpose", "Pad", "Slice", "Split", "Gather", "GatherND", "GatherElements", "Expand", "Tile"],
  ...["DepthToSpace", "SpaceToDepth", "QuantizeLinear", "DequantizeLinear"],
]);
export const isMoving = ({ type }: Node): boolean => MOVING.has(type);
/** Operators that join values element by element; those of one variable are the family "activation". */
export const JOINING = new Set(
  (
    "Add Sub Mul Div Sum Mean Max Min Pow Where PRelu Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not " +
    "Cast Neg Abs Identity Dropout"
  ).split(" "),
);
/** Activations are spelled with these. */
const SELECTING = ["Max", "Min", "Where"];
/** What comes out lies between the smallest and the largest of what went in. */
const BETWEEN: readonly Family[] = ["route", "average"];

/** A node as y = scale · x + shift with constants, if it is that for every number of x. */
export function affineOf(graph: Graph, node: Node): Affine | undefined {
  const map = ops.get(node.type)!.affine?.(operandsOf(graph, node), node.attributes);
  // Integers are cut off, and a broadcast that enlarges is no scaling.
  const fits =
    map &&
    isFloat(graph.types.get(node.outputs[0])) &&
    size(graph.dims.get(node.inputs[map.data])!) === size(graph.dims.get(node.outputs[0])!);
  return fits ? map : undefined;
}

/** Whether a node scales or shifts what it computes with by constants, tables included. */
function isByConstants({ constants }: Graph, { type, inputs }: Node): boolean {
  const computed = inputs.flatMap((name, i) => (constants.has(name) ? [] : [i]));
  return ops.get(type)!.affine !== undefined && computed.length === 1 && !(type === "Div" && computed[0] === 1);
}

/** Those of a node's inputs whose numbers may go on to its output: indices and conditions only say which. */
export function carriersOf(graph: Graph, node: Node): readonly string[] {
  const computed = (name: string) => name !== "" && !graph.constants.has(name);
  if (MOVING.has(node.type)) return node.inputs.slice(0, 1).filter(computed);
  const typeOf = (name: string) => graph.types.get(name) ?? "float32";
  return node.inputs.filter((name) => computed(name) && typeOf(name) === typeOf(node.outputs[0]));
}

function originOf(graph: Graph, node: Node, origins: ReadonlyMap<string, Origin>): Origin {
  const { family } = ops.get(node.type)!;
  const from = carriersOf(graph, node).map((name) => origins.get(name)!);
  if (from.length === 0) return "else";
  if (isByConstants(graph, node) || MOVING.has(node.type)) return from[0];
  if (family === "activation" || SELECTING.includes(node.type)) return "activation";
  if (WEIGHTED.includes(family)) return "layer";
  if (!BETWEEN.includes(family)) return "else";
  if (from.every((origin) => origin === "input")) return "input";
  return from.every((origin) => origin === "input" || origin === "activation") ? "activation" : "else";
}

/** Where each computed value is from. */
export function originsOf(graph: Graph): ReadonlyMap<string, Origin> {
  const origins = new Map<string, Origin>(graph.inputs.map(({ name }) => [name, "input"]));
  for (const node of graph.nodes) {
    const origin = originOf(graph, node, origins);
    for (const name of node.outputs) origins.set(name, origin);
  }
  return origins;
}

/** Where an axis of a tensor is after its numbers got other dims; undefined where it is no axis any more. */
export function renamedAxis(from: Dims, to: Dims, axis: number): number | undefined {
  // Of one number there may be many axes.
  if (from[axis] === 1) return undefined;
  const before = size(from.slice(0, axis));
  const found = to.findIndex((d, i) => d === from[axis] && size(to.slice(0, i)) === before);
  return found < 0 ? undefined : found;
}

/** Where an axis of a node's output is in its input. */
function axisBefore({ type, attributes }: Node, axis: number, from: Dims, to: Dims): number | undefined {
  if (type === "Transpose") return (attributes as { perm: readonly number[] }).perm[axis];
  if (RENAMING.includes(type)) return renamedAxis(to, from, axis);
  return from.length === to.length ? axis : undefined;
}

/** A value and its axis of channels. */
export interface Channels {
  readonly name: string;
  readonly axis: number;
}

/** A linear layer's input, and the axis of it that the weights tell apart. */
function layerChannels(graph: Graph, node: Node): Channels | undefined {
  const { family } = ops.get(node.type)!;
  const data = node.inputs.findIndex((name) => !graph.constants.has(name));
  const name = node.inputs[data];
  const rank = graph.dims.get(name)?.length ?? 0;
  if (family === "convolution" || node.type === "BatchNormalization") return { name, axis: Math.min(1, rank - 1) };
  if (family !== "dense" || !graph.constants.has(node.inputs[1 - data])) return undefined;
  return { name, axis: Math.max(0, rank - 1 - data) };
}

/** The axis of channels of each computed value, where those who read it tell, and tell the same. */
export function channelAxes(graph: Graph): ReadonlyMap<string, number | undefined> {
  const axes = new Map<string, number | undefined>();
  const tell = (name: string, axis: number) =>
    axes.set(name, axes.has(name) && axes.get(name) !== axis ? undefined : axis);
  for (const node of [...graph.nodes].reverse()) {
    const layer = layerChannels(graph, node);
    if (layer) {
      tell(layer.name, layer.axis);
      continue;
    }
    const axis = node.outputs.map((name) => axes.get(name)).find((found) => found !== undefined);
    if (axis === undefined) continue;
    const to = graph.dims.get(node.outputs[0])!;
    for (const name of node.inputs) {
      const from = graph.dims.get(name);
      if (!from || graph.constants.has(name)) continue;
      const own = axisBefore(node, axis, from, to);
      if (own !== undefined) tell(name, own);
    }
  }
  return axes;
}

/**
 * The axes that can be channels, the likeliest first: the one that the layers behind tell apart, else the last where
 * that is no width; and the second, which BatchNormalization takes for it.
 */
export function channelAxesOf(dims: Dims, told: number | undefined): readonly number[] {
  const last = dims.length - 1;
  if (last < 2) return [Math.max(0, last)];
  if (told !== undefined) return [told, 1];
  if (last === 2) return [1, 2];
  const isLast = (dims[last] === 1 || dims[last] === 3) && ![1, 3, 4].includes(dims[1]);
  return isLast ? [last, 1] : [1];
}

/** What the bounds of a rule are bounds of. */
export interface Bounded {
  /** The layer's input; none of what is no layer with weights. */
  readonly input: string | undefined;
  readonly values: readonly Channels[];
  /** The nodes that make a layer's input of those, in order. */
  readonly path: readonly Node[];
}

/**
 * What a rule's bounds are bounds of: the network's inputs, where the layer's input is made of them by moves, scales
 * and shifts alone, else the layer's own input.
 */
export function boundedBy(graph: Graph): (node: Node) => Bounded {
  const [origins, axes] = [originsOf(graph), channelAxes(graph)];
  return (node) => {
    const own = layerChannels(graph, node);
    if (!own || origins.get(own.name) !== "input") return { input: own?.name, values: own ? [own] : [], path: [] };
    const wanted = new Set([own.name]);
    const path: Node[] = [];
    for (const maker of [...graph.nodes].reverse()) {
      if (!maker.outputs.some((name) => wanted.has(name))) continue;
      path.push(maker);
      for (const name of carriersOf(graph, maker)) wanted.add(name);
    }
    if (path.length === 0) return { input: own.name, values: [own], path };
    const names = graph.inputs.map(({ name }) => name).filter((name) => wanted.has(name));
    const values = names.map((name) => ({ name, axis: channelAxesOf(graph.dims.get(name)!, axes.get(name))[0] }));
    return { input: own.name, values, path: path.reverse() };
  };
}
