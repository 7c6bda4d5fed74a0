// All operators, as Node has them.
import "../build/js/entries/operators.js";
import { decode } from "../build/js/read/onnx/decode.js";
import { build } from "../build/js/read/build.js";
import { canonize } from "../build/js/canonize/canonize.js";
import { resolve } from "../build/js/graph/graph.js";
import { infer } from "../build/js/infer/infer.js";
import { waysOf } from "../build/js/ops/ways.js";
import { pathTo } from "../build/js/plan/path.js";
import { byName } from "./inputs.mjs";

/** A network as relprop's own stages read it; the batch axis is freed, so that batches of any size can be compared. */
export function graphOf(bytes) {
  const graph = build(decode(bytes));
  const inputs = graph.inputs.map((port) => ({ ...port, dims: ["n", ...port.dims.slice(1)] }));
  return { ...graph, inputs };
}

/** The graph of a network for what it is run on, a tensor or tensors by name. */
export function canonical(bytes, input) {
  const graph = graphOf(bytes);
  const shapes = Object.entries(byName(input, graph.inputs)).map(([name, { dims }]) => [name, { dims }]);
  return canonize(infer(graph, new Map(shapes)));
}

/** What relprop calls a peer's gap: the network is listed with the operator, and not timed. */
export class CannotRun extends Error {}

/**
 * The plain attributes of a window: kernel, strides, dilations and pads [top, left, bottom, right], rounding up spelled
 * out as pads.
 */
function windowOf([h, w]) {
  const after = ({ out, stride, dilation, kernel, length, before }) =>
    Math.max(0, (out - 1) * stride + dilation * (kernel - 1) + 1 - length - before);
  const both = (field) => [h[field], w[field]];
  return {
    kernel: both("kernel"),
    strides: both("stride"),
    dilations: both("dilation"),
    pads: [h.before, w.before, after(h), after(w)],
  };
}

/** A dense layer's weight f32[m, k], alpha in it, and its bias f32[m], beta in it. */
function denseParameters({ dims, data }, bias, { rowsAreOutputs, alpha, beta }) {
  const [m, k] = rowsAreOutputs ? dims : [dims[1], dims[0]];
  const plainly = rowsAreOutputs && alpha === 1;
  const rows = plainly ? data : new Float32Array(m * k);
  if (!plainly)
    for (let o = 0; o < m; o++)
      for (let i = 0; i < k; i++) rows[o * k + i] = alpha * data[rowsAreOutputs ? o * k + i : i * m + o];
  const added = bias && new Float32Array(m).map((_, o) => beta * bias.data[bias.data.length === 1 ? 0 : o]);
  return { weight: { dims: [m, k], data: rows }, bias: added && { dims: [m], data: added } };
}

/** For each type of node: its plain attributes, and its parameters { dims, data }. */
const plain = {
  Conv: ({ attributes: { group, volume } }, [, weight, bias]) => ({
    attributes: { group, ...windowOf(volume.slice(1)) },
    parameters: { weight, bias },
  }),
  Gemm: ({ attributes }, [, weight, bias]) => ({ parameters: denseParameters(weight, bias, attributes) }),
  MaxPool: ({ attributes: { axes } }) => ({ attributes: windowOf(axes) }),
  AveragePool: ({ attributes: { axes, countPads } }) => ({ attributes: { ...windowOf(axes), countPads } }),
  LRN: ({ attributes: { region, before, after, a, beta, bias } }) => {
    if (region !== "channels" || before !== after)
      throw new CannotRun(`LRN over ${region}, ${before} before and ${after} after`);
    return { attributes: { radius: before, a, beta, bias } };
  },
  Clip: ({ attributes: { a, b } }) => ({ attributes: { low: a, high: b } }),
  Concat: ({ attributes: { axis } }) => ({ attributes: { axis } }),
};
const sameAs = { Sum: "Add", MatMul: "Gemm", Reshape: "Flatten" };

/**
 * A network up to its first output as a list of layers, for engines that have no reader of ONNX files: batch
 * normalization folded into its neighbours (which those engines' own converters do as well), constants gone, attributes
 * and weights as plain numbers.
 *
 * @returns the input's name, and layers { type, name, inputs, attributes, parameters, dims }, the last of which is the
 * output
 * @throws CannotRun where a layer cannot be said that way
 */
export function layersOf(bytes, input) {
  if (!input.data) throw new CannotRun("several inputs");
  const graph = canonical(bytes, input);
  const path = pathTo(graph, waysOf(graph), resolve(graph, graph.outputs[0].name)).nodes;
  const layers = graph.nodes
    .filter((node) => path.has(node))
    .map((node) => {
      const type = sameAs[node.type] ?? node.type;
      const constants = node.inputs.map((name) => graph.constants.get(name));
      if (type === "Add" && constants.some(Boolean)) throw new CannotRun("Add of a constant");
      const { attributes = {}, parameters = {} } = plain[type]?.(node, constants) ?? {};
      const inputs = node.inputs.filter((name) => name && !graph.constants.has(name));
      return { type, name: node.outputs[0], inputs, attributes, parameters, dims: graph.dims.get(node.outputs[0]) };
    });
  return { input: graph.inputs[0].name, layers };
}

const size = (dims) => dims.reduce((a, b) => a * b, 1);

/**
 * Floating point operations of one forward pass: two for each product of a convolution or dense layer, nothing for the
 * rest.
 */
export function flopsOf(bytes, input) {
  const graph = canonical(bytes, input);
  const products = graph.nodes.map(({ type, inputs, outputs }) => {
    if (!["Conv", "Gemm", "MatMul"].includes(type)) return 0;
    const [factor, out] = [graph.dims.get(inputs[1]), graph.dims.get(outputs[0])];
    // Of a product, what is added up for each output is the last axis of its first factor.
    return size(out) * (type === "Conv" ? size(factor) / factor[0] : graph.dims.get(inputs[0]).at(-1));
  });
  return 2 * products.reduce((a, b) => a + b, 0);
}
