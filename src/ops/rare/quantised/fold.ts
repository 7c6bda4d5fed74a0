import { type Constant, type Dims, size } from "../../../base/tensor.ts";
import { type Graph, type Node, producers, withNodes } from "../../../graph/graph.ts";
import type { Grid } from "./grid.ts";
import { NONE } from "../../op.ts";

/*
 * The float layers that quantised ones stand for, so that their biases, activations and attention are found as in any
 * other file.
 */

const isSame = (a: Constant | undefined, b: Constant | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.type === b.type && a.data.every((v, i) => v === b.data[i]));

/** A QuantizeLinear and the DequantizeLinear behind it, with the same scale and zero point, are one node. */
export function foldRoundings(graph: Graph): Graph {
  const by = producers(graph);
  const constant = (name: string | undefined) => (name ? graph.constants.get(name) : undefined);
  const nodes = graph.nodes.map((node) => {
    const before = by.get(node.inputs[0]);
    if (!node.type.endsWith("DequantizeLinear") || !before?.type.match(/(^|\.)QuantizeLinear$/)) return node;
    const [own, other] = [node, before].map(({ inputs }) => inputs.slice(1));
    const [from, to] = [before, node].map(({ attributes }) => attributes as Grid);
    const isOn = from.outer === to.outer && from.length === to.length && from.block === to.block;
    // A zero point that is left out is 0.
    const isEqual = own.concat(other).every(constant) || own.join() === other.join();
    const fits =
      isOn &&
      isEqual &&
      own.length === other.length &&
      own.every((name, i) => name === other[i] || isSame(constant(name), constant(other[i])));
    const float = graph.types.get(before.inputs[0]) ?? "float32";
    if (!fits || float !== (graph.types.get(node.outputs[0]) ?? "float32")) return node;
    const note = "rounded as QuantizeLinear and DequantizeLinear say";
    return Object.freeze({ ...node, type: "Rounding", attributes: from, inputs: before.inputs, note });
  });
  return withNodes(graph, nodes);
}

/** A weight times one factor, or one for each of its outputs; undefined where the factors are others. */
function scaled(weight: Constant, factor: Constant | undefined, type: string): Constant | undefined {
  if (!factor) return weight;
  const { dims } = weight;
  const isConv = type === "Conv";
  const outputs = isConv ? dims[0] : dims.at(-1)!;
  const count = size(factor.dims);
  const axis = factor.dims.findIndex((d) => d !== 1);
  const fromEnd = factor.dims.length - axis;
  const isPerOutput = count === outputs && factor.dims[axis] === count && fromEnd === (isConv ? dims.length - 1 : 1);
  if (count !== 1 && !isPerOutput) return undefined;
  const factors = Float32Array.from({ length: outputs }, (_, o) => factor.data[count === 1 ? 0 : o]);
  const packed = weight.packed?.scaled?.(factors, isConv ? "first" : "last");
  if (packed) return packed;
  const inner = isConv ? size(dims.slice(1)) : 1;
  const at = (i: number) => (isConv ? Math.floor(i / inner) : i % outputs);
  return { type: "float32", dims, data: Float32Array.from(weight.data, (v, i) => v * factors[at(i)]) };
}

/** A layer of integers, and the node behind it that makes its sums floats. */
interface Found {
  readonly layer: Node;
  readonly scale: Node;
  readonly weight: Constant;
}

/** A layer of numbers that were rounded while the network runs, in integers that are scaled behind it, is one of floats. */
export function foldDynamic(graph: Graph): Graph {
  const by = producers(graph);
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes)
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const only = (name: string) => {
    const all = readers.get(name) ?? [];
    return all.length === 1 && !outputs.has(name) ? all[0] : undefined;
  };
  const constants = new Map(graph.constants);
  const dims = new Map<string, Dims>(graph.dims);
  const isCast = (node: Node | undefined, of: string) => node?.type === "Cast" && node.inputs[0] === of;

  /** What the sums of a layer are multiplied by, if that is the scale of what it reads, and constants. */
  const found = (layer: Node, scale: string): Found | undefined => {
    const weight = constants.get(layer.inputs[1]);
    if (!["MatMul", "Conv"].includes(layer.type) || layer.inputs.length > 2 || !weight) return undefined;
    let [end] = layer.outputs;
    let next = only(end);
    while (next?.type === "Cast") {
      [end] = next.outputs;
      next = only(end);
    }
    if (next?.type !== "Mul" || dims.get(next.outputs[0])!.join() !== dims.get(layer.outputs[0])!.join())
      return undefined;
    const other = next.inputs.find((name) => name !== end)!;
    const product = by.get(other);
    const pair = product?.type === "Mul" && product.inputs.includes(scale) ? product.inputs : [];
    const factor = constants.get(pair.find((name) => name !== scale) ?? "");
    if (other !== scale && !factor) return undefined;
    const own = scaled(weight, factor, layer.type);
    return own && { layer, scale: next, weight: own };
  };

  const instead = new Map<Node, readonly Node[]>();
  for (const source of graph.nodes.filter(({ type }) => type === "DynamicQuantizeLinear")) {
    const [integers, scale, zero] = source.outputs;
    const centred = (readers.get(integers) ?? [])
      .filter((node) => isCast(node, integers))
      .flatMap((cast) => readers.get(cast.outputs[0]) ?? [])
      .filter((node) => node.type === "Sub" && isCast(by.get(node.inputs[1]), zero));
    const layers = centred
      .flatMap(({ outputs: [name] }) => (readers.get(name) ?? []).filter((node) => node.inputs[0] === name))
      .flatMap((layer) => found(layer, scale) ?? []);
    if (layers.length === 0) continue;
    const [x] = source.inputs;
    const name = `${integers}:rounded`;
    dims.set(name, dims.get(x)!);
    const rounding: Node = { name, type: "DynamicRounding", attributes: NONE, inputs: [x], outputs: [name] };
    instead.set(source, [source, Object.freeze({ ...rounding, note: "rounded as DynamicQuantizeLinear says" })]);
    for (const { layer, scale: last, weight } of layers) {
      const own = `${layer.name}:weight`;
      constants.set(own, weight);
      dims.set(own, weight.dims);
      const note = "the layer of floats that integers stand for";
      instead.set(last, [Object.freeze({ ...layer, inputs: [name, own], outputs: last.outputs, note })]);
    }
  }
  const nodes = graph.nodes.flatMap((node) => instead.get(node) ?? [node]);
  return withNodes({ ...graph, constants, dims }, nodes);
}
