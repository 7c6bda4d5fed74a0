import type { Graph, Node } from "../graph/graph.ts";
import type { Affine } from "../ops/op.ts";
import type { Constant, Dims } from "../base/tensor.ts";
import { affineOf, channelAxes, channelAxesOf, originsOf } from "./origin.ts";

const noted = (node: Node, note: string): Node => ({ ...node, note: node.note ? `${node.note}; ${note}` : note });

const NOTES = {
  input: "normalization of the input: a change of units",
  activation: "a change of units behind an activation",
} as const;

/**
 * A normalization behind a linear layer that could not take it in, as its two parts: the scale, which relevance passes,
 * and the shift, which is the layer's bias and keeps its share.
 */
function inParts(
  node: Node,
  { axis, scale, shift }: Affine,
  dims: Dims,
): { nodes: readonly Node[]; constants: ReadonlyMap<string, Constant> } {
  const name = (part: string) => `${node.name}:${part}`;
  const shape = dims.slice(axis).map((_, i) => (i === 0 ? scale.length : 1));
  const constant = (data: Float64Array): Constant => ({ type: "float32", dims: shape, data: Float32Array.from(data) });
  const part = (type: string, inputs: readonly string[], outputs: readonly string[], own = node.name): Node =>
    Object.freeze({ name: own, type, attributes: {}, inputs, outputs, note: `part of ${node.type} '${node.name}'` });
  return {
    nodes: [
      part("Mul", [node.inputs[0], name("scale")], [name("scaled")], name("scaled")),
      part("Add", [name("scaled"), name("shift")], node.outputs),
    ],
    constants: new Map([
      [name("scale"), constant(scale)],
      [name("shift"), constant(shift)],
    ]),
  };
}

/**
 * Scales and shifts by constants, one number or one for each channel, of the network's input or behind an activation:
 * a change of units, which relevance passes in every spelling. Behind a linear layer a shift is a bias, in every
 * spelling too.
 */
export function changeUnits(graph: Graph): Graph {
  const [origins, channels] = [originsOf(graph), channelAxes(graph)];
  const constants = new Map(graph.constants);
  const dims = new Map(graph.dims);
  const nodes = graph.nodes.flatMap((node) => {
    const map = affineOf(graph, node);
    if (!map) return [node];
    const from = node.inputs[map.data];
    const origin = origins.get(from)!;
    const shape = graph.dims.get(from)!;
    if (origin === "input" || origin === "activation") {
      const isPerChannel = map.scale.length === 1 || channelAxesOf(shape, channels.get(from)).includes(map.axis);
      return [isPerChannel ? Object.freeze({ ...noted(node, NOTES[origin]), units: origin }) : node];
    }
    if (origin !== "layer" || node.type !== "BatchNormalization") return [node];
    const parts = inParts(node, map, shape);
    for (const [name, value] of parts.constants) {
      constants.set(name, value);
      dims.set(name, value.dims);
    }
    dims.set(parts.nodes[0].outputs[0], shape);
    return parts.nodes;
  });
  return { ...graph, nodes, constants, dims };
}
