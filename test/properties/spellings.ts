import type { Attribute, FileGraph, FileNode, FileTensor } from "../onnx-writer.ts";
import { batchNormAffine } from "../reference/layers.ts";
import { count, type Dims, positions } from "../reference/linear.ts";
import { canonical, literal } from "../reference/network.ts";
import type { Sample } from "./networks.ts";

/*
 * The same network, spelled another way: what it computes, and how its relevance is defined, stay the same.
 */

/** Reads the network, and makes constants and names beside the node that is spelled anew. */
interface Pen {
  readonly node: FileNode;
  constant(name: string): FileTensor | undefined;
  dims(name: string): Dims;
  /** Whether scalings are part of the layer, or the node is one that is part of a layer. */
  folds(node: FileNode): boolean;
  /**
   * The node that makes a value, where nothing but `node` reads it; the node that reads a value, where nothing else
   * does.
   */
  before(name: string): FileNode | undefined;
  /** The node that makes a value, whoever else reads it. */
  maker(name: string): FileNode | undefined;
  after(name: string): FileNode | undefined;
  define(dims: Dims, data: Float32Array | readonly number[]): string;
  name(): string;
}

/** What stands in place of a node; undefined: it stays. */
type Rewrite = (pen: Pen) => readonly FileNode[] | undefined;

type Attributes = Record<string, Attribute>;
const make = (type: string, inputs: readonly string[], output: string, attributes: Attributes = {}): FileNode => ({
  type,
  inputs,
  outputs: [output],
  attributes,
});

/** Every node that the rewrite knows is spelled anew; undefined where it knows none. */
function rewritten({ graph, x }: Sample, rewrite: Rewrite): FileGraph | undefined {
  const initializers: Record<string, FileTensor> = { ...graph.initializers };
  const dims = new Map<string, Dims>([
    ["x", x.dims],
    ...literal(graph, x.dims).stages.map((s) => [s.output, s.dims] as const),
  ]);
  const { stages } = canonical(graph, x.dims);
  const whole = new Set(stages.filter((s) => s.merged.length === 0).map((s) => s.name));
  const read = (name: string) => graph.nodes.flatMap((n) => n.inputs.filter((i) => i === name).map(() => n));
  const only = (name: string) =>
    read(name).length + (name in graph.outputs ? 1 : 0) === 1 ? read(name)[0] : undefined;
  let next = 0;
  const made = graph.nodes.map((node) =>
    rewrite({
      node,
      constant: (name) => initializers[name],
      dims: (name) => dims.get(name)!,
      folds: ({ outputs }) => !whole.has(outputs[0]),
      maker: (name) => graph.nodes.find((n) => n.outputs[0] === name),
      before: (name) => (only(name) ? graph.nodes.find((n) => n.outputs[0] === name) : undefined),
      after: only,
      define(own, data) {
        const name = `k${next++}`;
        initializers[name] = { dims: own, data };
        return name;
      },
      name: () => `v${next++}`,
    }),
  );
  if (made.every((nodes) => nodes === undefined)) return undefined;
  return { ...graph, nodes: made.flatMap((nodes, i) => nodes ?? [graph.nodes[i]]), initializers };
}

const floats = (tensor: FileTensor) => tensor.data as Float32Array;
const ints = ({ attributes = {} }: FileNode, name: string) => attributes[name] as number[];
const float = ({ attributes = {} }: FileNode, name: string, otherwise: number) =>
  (attributes[name] as { float: number } | undefined)?.float ?? otherwise;

/** A Gemm's weight as [m, k] and its bias, with alpha and beta in them. */
function dense({ node, constant }: Pen, scale: (o: number) => number = () => 1) {
  const w = constant(node.inputs[1])!;
  const byRows = node.attributes!.transB === 1;
  const [m, k] = byRows ? w.dims : [w.dims[1], w.dims[0]];
  const data = Float32Array.from(
    positions([m, k]),
    ([o, i]) => float(node, "alpha", 1) * floats(w)[byRows ? o * k + i : i * m + o] * scale(o),
  );
  const c = constant(node.inputs[2]);
  return { m, k, data, bias: c && floats(c).map((v, o) => float(node, "beta", 1) * v * scale(o)) };
}

/** A BatchNormalization as factor · x + offset. */
function affine({ constant }: Pen, node: FileNode) {
  const [scale, shift, mean, variance] = node.inputs.slice(1).map((name) => floats(constant(name)!));
  return batchNormAffine({ scale, shift, mean, variance, epsilon: float(node, "epsilon", 1e-5) });
}

/**
 * Whether only other BatchNormalizations stand between a node and an LRN: behind that, a sum keeps what its constant has
 * contributed, and a BatchNormalization passes.
 */
function isBehindLrn(pen: Pen, node: FileNode): boolean {
  const from = pen.maker(node.inputs[0]);
  return from?.type === "LRN" || (from?.type === "BatchNormalization" && isBehindLrn(pen, from));
}

/** The BatchNormalization that is part of this convolution or Gemm alone. */
function ownNormalization({ node, after }: Pen): FileNode | undefined {
  const next = ["Conv", "Gemm"].includes(node.type) ? after(node.outputs[0]) : undefined;
  return next?.type === "BatchNormalization" ? next : undefined;
}

const rewrites: Readonly<Record<string, Rewrite>> = {
  "Identity and Dropout before every node": ({ node, constant, name }) => {
    const idle = node.inputs.map((input, i) =>
      input === "" || constant(input) ? undefined : make(i === 0 ? "Identity" : "Dropout", [input], name()),
    );
    return [
      ...idle.filter((n) => n !== undefined),
      { ...node, inputs: node.inputs.map((input, i) => idle[i]?.outputs[0] ?? input) },
    ];
  },
  "Gemm as MatMul and Add": (pen) => {
    const { node, define, name } = pen;
    if (node.type !== "Gemm") return undefined;
    const { m, k, data, bias } = dense(pen);
    const turned = Float32Array.from(positions([k, m]), ([i, o]) => data[o * k + i]);
    const product = bias ? name() : node.outputs[0];
    const sum = bias ? [make("Add", [product, define([m], bias)], node.outputs[0])] : [];
    return [make("MatMul", [node.inputs[0], define([k, m], turned)], product), ...sum];
  },
  "MatMul as Gemm": ({ node, dims }) =>
    node.type === "MatMul" && dims(node.inputs[0]).length === 2
      ? [make("Gemm", node.inputs, node.outputs[0])]
      : undefined,
  "Add as Sum": ({ node }) => (node.type === "Add" ? [{ ...node, type: "Sum" }] : undefined),
  "Sub of a constant as Add": ({ node, constant, define }) => {
    const c = constant(node.inputs[1]);
    if (node.type !== "Sub" || !c) return undefined;
    return [
      make(
        "Add",
        [
          node.inputs[0],
          define(
            c.dims,
            floats(c).map((v) => -v),
          ),
        ],
        node.outputs[0],
      ),
    ];
  },
  "Flatten as Reshape": ({ node, define }) =>
    node.type === "Flatten" ? [make("Reshape", [node.inputs[0], define([2], [0, -1])], node.outputs[0])] : undefined,
  "Relu as Clip": ({ node, define }) =>
    node.type === "Relu"
      ? [make("Clip", [node.inputs[0], define([], Float32Array.of(0))], node.outputs[0])]
      : undefined,
  "Relu as Max": ({ node, define }) =>
    node.type === "Relu" ? [make("Max", [define([], Float32Array.of(0)), node.inputs[0]], node.outputs[0])] : undefined,
  "Clip as Max and Min": ({ node, name }) => {
    const [x, low, high] = node.inputs;
    if (node.type !== "Clip" || !low) return undefined;
    const above = high ? name() : node.outputs[0];
    return [make("Max", [x, low], above), ...(high ? [make("Min", [high, above], node.outputs[0])] : [])];
  },
  "GlobalAveragePool as AveragePool": ({ node, dims }) =>
    node.type === "GlobalAveragePool"
      ? [make("AveragePool", node.inputs, node.outputs[0], { kernel_shape: dims(node.inputs[0]).slice(2) })]
      : undefined,
  "Slice as Gather": ({ node, constant, dims, define }) => {
    if (node.type !== "Slice") return undefined;
    const [from, , axis, step] = node.inputs.slice(1).map((name) => floats(constant(name)!)[0]);
    const taken = Array.from({ length: dims(node.outputs[0])[axis] }, (_, i) => from + i * step);
    return [make("Gather", [node.inputs[0], define([taken.length], taken)], node.outputs[0], { axis })];
  },
  "a window over a line as one over a plane": ({ node, constant, dims, folds, define, name }) => {
    const isWindow =
      ["Conv", "ConvTranspose", "MaxPool", "AveragePool"].includes(node.type) && dims(node.inputs[0]).length === 3;
    if (!isWindow || folds(node)) return undefined;
    const axis = () => define([1], [2]);
    const [before, after] = [name(), name()];
    const { kernel_shape, strides, pads, dilations, output_padding, ...rest } = node.attributes as Record<
      string,
      number[]
    >;
    const attributes = {
      ...rest,
      ...(kernel_shape && { kernel_shape: [1, ...kernel_shape] }),
      ...(output_padding && { output_padding: [0, ...output_padding] }),
      ...(dilations && { dilations: [1, ...dilations] }),
      strides: [1, ...strides],
      pads: [0, pads[0], 0, pads[1]],
    };
    const [, w, ...bias] = node.inputs;
    const [m, c, k] = w ? constant(w)!.dims : [];
    const weight = w ? [define([m, c, 1, k], floats(constant(w)!))] : [];
    return [
      make("Unsqueeze", [node.inputs[0], axis()], before),
      make(node.type, [before, ...weight, ...bias], after, attributes),
      make("Squeeze", [after, axis()], node.outputs[0]),
    ];
  },
  "channels last and back before a layer": ({ node, dims, name }) => {
    const free = ["Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "LRN", "Concat"].includes(node.type);
    if (!free || dims(node.inputs[0]).length !== 4) return undefined;
    const [there, back] = [name(), name()];
    return [
      make("Transpose", [node.inputs[0]], there, { perm: [0, 2, 3, 1] }),
      make("Transpose", [there], back, { perm: [0, 3, 1, 2] }),
      { ...node, inputs: [back, ...node.inputs.slice(1)] },
    ];
  },
  "BatchNormalization as Mul and Add": (pen) => {
    const { node, dims, define, name } = pen;
    if (node.type !== "BatchNormalization" || isBehindLrn(pen, node)) return undefined;
    const { factor, offset } = affine(pen, node);
    const shape = [factor.length, ...dims(node.inputs[0]).slice(2)].map((d, i) => (i === 0 ? d : 1));
    const scaled = name();
    return [
      make("Mul", [node.inputs[0], define(shape, Float32Array.from(factor))], scaled),
      make("Add", [define(shape, Float32Array.from(offset)), scaled], node.outputs[0]),
    ];
  },
  "BatchNormalization worked into the weights by hand": (pen) => {
    const { node, constant, before, define } = pen;
    if (node.type === "BatchNormalization") {
      const linear = before(node.inputs[0]);
      return linear && ["Conv", "Gemm"].includes(linear.type)
        ? [make("Identity", [node.inputs[0]], node.outputs[0])]
        : undefined;
    }
    const normalization = ownNormalization(pen);
    if (!normalization) return undefined;
    const { factor, offset } = affine(pen, normalization);
    if (node.type === "Gemm") {
      const { m, k, data, bias } = dense(pen, (o) => factor[o]);
      const b = Float32Array.from(offset, (v, o) => v + (bias?.[o] ?? 0));
      return [make("Gemm", [node.inputs[0], define([m, k], data), define([m], b)], node.outputs[0], { transB: 1 })];
    }
    const [w, bias] = node.inputs.slice(1).map(constant);
    const row = count(w!.dims.slice(1));
    const scaled = floats(w!).map((v, i) => v * factor[Math.floor(i / row)]);
    const b = Float32Array.from(offset, (v, o) => v + (bias ? floats(bias)[o] * factor[o] : 0));
    return [{ ...node, inputs: [node.inputs[0], define(w!.dims, scaled), define([b.length], b)] }];
  },
  "pads as Pad": ({ node, define, name }) => {
    const isPadded = node.type === "Conv" && ints(node, "pads").some((p) => p > 0);
    if (!isPadded) return undefined;
    const pads = ints(node, "pads");
    const half = pads.length / 2;
    const before = name();
    return [
      make(
        "Pad",
        [node.inputs[0], define([4 + pads.length], [0, 0, ...pads.slice(0, half), 0, 0, ...pads.slice(half)])],
        before,
      ),
      {
        ...node,
        inputs: [before, ...node.inputs.slice(1)],
        attributes: { ...node.attributes, pads: pads.map(() => 0) },
      },
    ];
  },
};

/** Every other spelling that there is of a network. */
export function spellings(sample: Sample): { name: string; graph: FileGraph }[] {
  return Object.entries(rewrites).flatMap(([name, rewrite]) => {
    const graph = rewritten(sample, rewrite);
    return graph ? [{ name, graph }] : [];
  });
}
