import { decode } from "../dist/onnx/decode.js";
import { build } from "../dist/graph/build.js";
import { canonize } from "../dist/graph/canonize.js";
import { infer } from "../dist/graph/infer.js";

/** A network as relprop's own stages read it; the batch axis is freed, so that batches of any size can be compared. */
export function graphOf(bytes) {
  const graph = build(decode(bytes));
  const inputs = graph.inputs.map((port) => ({ ...port, dims: ["n", ...port.dims.slice(1)] }));
  return { ...graph, inputs };
}

const canonical = (bytes, dims) => canonize(infer(graphOf(bytes), dims));

/** What relprop calls a peer's gap: the network is listed with the operator, and not timed. */
export class CannotRun extends Error {}

/** The plain attributes of a window: kernel, strides, dilations and pads [top, left, bottom, right], rounding up spelled out as pads. */
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

/** The weight of a dense layer as rows of inputs, f32[m, k], with alpha in it. */
function denseWeight({ dims, data }, { rowsAreOutputs, alpha }) {
  const [m, k] = rowsAreOutputs ? dims : [dims[1], dims[0]];
  const out = new Float32Array(m * k);
  for (let o = 0; o < m; o++) for (let i = 0; i < k; i++) out[o * k + i] = alpha * data[rowsAreOutputs ? o * k + i : i * m + o];
  return { dims: [m, k], data: out };
}

/** For each type of node: its plain attributes, and its parameters { dims, data }. */
const plain = {
  Conv: ({ attributes: { group, plane } }, [, weight, bias]) => ({
    attributes: { group, ...windowOf(plane) },
    parameters: { weight, bias },
  }),
  Gemm: ({ attributes }, [, weight, bias]) => ({ attributes: {}, parameters: { weight: denseWeight(weight, attributes), bias } }),
  MaxPool: ({ attributes: { axes } }) => ({ attributes: windowOf(axes) }),
  AveragePool: ({ attributes: { axes, countPads } }) => ({ attributes: { ...windowOf(axes), countPads } }),
  LRN: ({ attributes: { region, before, after, a, beta, bias } }) => {
    if (region !== "channels" || before !== after) throw new CannotRun(`LRN over ${region}, ${before} before and ${after} after`);
    return { attributes: { radius: before, a, beta, bias } };
  },
  Clip: ({ attributes: { a, b } }) => ({ attributes: { low: a, high: b } }),
  Concat: ({ attributes: { axis } }) => ({ attributes: { axis } }),
};
const sameAs = { Sum: "Add", MatMul: "Gemm", Reshape: "Flatten" };

/**
 * A network as a list of layers for engines that have no reader of ONNX files: batch normalization folded into its neighbours (which those
 * engines' own converters do as well), constants gone, attributes and weights as plain numbers.
 *
 * @returns input and output names, and layers { type, name, inputs, attributes, parameters, dims }
 */
export function layersOf(bytes, dims) {
  const graph = canonical(bytes, dims);
  const layers = graph.nodes.map((node) => {
    const type = sameAs[node.type] ?? node.type;
    const constants = node.inputs.map((name) => graph.constants.get(name));
    const { attributes = {}, parameters = {} } = plain[type]?.(node, constants) ?? {};
    const computed = node.inputs.filter((name) => name && !graph.constants.has(name));
    return { type, name: node.outputs[0], inputs: computed, attributes, parameters, dims: graph.dims.get(node.outputs[0]) };
  });
  return { input: graph.inputs[0].name, output: layers.at(-1).name, layers };
}

/** Floating point operations of one forward pass: two for each product of a convolution or dense layer, nothing for the rest. */
export function flopsOf(bytes, dims) {
  const size = (d) => d.reduce((a, b) => a * b, 1);
  return layersOf(bytes, dims).layers.reduce(
    (sum, { parameters: { weight }, dims: out }) => sum + (weight ? (2 * size(out) * size(weight.dims)) / weight.dims[0] : 0),
    0,
  );
}
