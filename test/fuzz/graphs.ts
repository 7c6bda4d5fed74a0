import { ops } from "../../src/ops/index.ts";
import type { GraphProto } from "../../src/read/onnx/decode.ts";
import { decode } from "../../src/read/onnx/decode.ts";
import type { TensorProto } from "../../src/read/onnx/tensor.ts";
import { type Attribute, type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import type { Draw } from "./mutate.ts";

/** A file in the writer's terms. */
export interface File {
  readonly graph: FileGraph;
  readonly opset: number;
}

const fileTensor = ({ value }: TensorProto): FileTensor => {
  if (!value) return { dims: [0], data: new Float32Array() };
  const { type, dims, data } = value;
  if (data instanceof Float32Array) return { dims, data };
  return { dims, data: type === "bool" ? Array.from(data, (v) => v !== 0) : Array.from(data) };
};

function attributeOf(type: string, value: unknown): Attribute | undefined {
  if (type === "FLOAT") return { float: value as number };
  if (type === "FLOATS") return { floats: value as number[] };
  if (type === "TENSOR") return { tensor: fileTensor(value as TensorProto) };
  if (type === "GRAPH") return { graph: graphOf(value as GraphProto) };
  return ["INT", "INTS", "STRING"].includes(type) ? (value as Attribute) : undefined;
}

function graphOf({ nodes, initializers, inputs, outputs }: GraphProto): FileGraph {
  const ports = (list: GraphProto["inputs"]) => Object.fromEntries(list.map(({ name, dims = [] }) => [name, dims]));
  return {
    nodes: nodes.map(({ attributes, ...node }) => ({
      ...node,
      attributes: Object.fromEntries(
        [...attributes].flatMap(([name, { type, value }]) => {
          const own = attributeOf(type, value);
          return own === undefined ? [] : [[name, own]];
        }),
      ),
    })),
    initializers: Object.fromEntries(initializers.map((t) => [t.name, fileTensor(t)])),
    inputs: ports(inputs),
    outputs: ports(outputs),
    types: Object.fromEntries([...inputs, ...outputs].map(({ name, type }) => [name, type || 1])),
  };
}

/** @throws where it is no ONNX file */
export function fileOf(bytes: Uint8Array): File {
  const model = decode(bytes);
  return { graph: graphOf(model.graph), opset: model.opset.get("") ?? 17 };
}

export const bytesOf = ({ graph, opset }: File): Uint8Array => onnx(graph, opset);

/** Numbers at which something changes. */
const EDGES = [
  ...[0, 1, -1, 2, 3, 4, 7, 16, 100, 255, 4096, 65_536, 10 ** 6],
  ...[
    2 ** 24,
    2 ** 28,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 40,
    2 ** 53 - 1,
    2 ** 62,
    -(2 ** 31),
    -(2 ** 62),
  ],
];
const FLOATS = [0, -0, 1, -1, 0.5, 1e-30, 1e-9, 1e9, 3e38, -3e38, Number.NaN, Infinity, -Infinity];

const otherInt = (draw: Draw, v: number) =>
  draw.of([() => draw.of(EDGES), () => v + 1, () => v - 1, () => -v, () => 2 * v])();
const otherFloat = (draw: Draw, v: number) => draw.of([() => draw.of(FLOATS), () => -v, () => v * 1e6, () => v + 1])();

/** A list with one item more, less, or another. */
function otherList(draw: Draw, list: readonly number[], other: (draw: Draw, v: number) => number): number[] {
  const at = draw.int(list.length + 1);
  const [before, after] = [list.slice(0, at), list.slice(at)];
  return draw.of([
    () => [...before, other(draw, after[0] ?? 0), ...after.slice(1)],
    () => [...before, other(draw, list[0] ?? 0), ...after],
    () => [...before, ...after.slice(1)],
    () => [...list].reverse(),
  ])();
}

function otherTensor(draw: Draw, { dims, data }: FileTensor): FileTensor {
  if ("fields" in data) return { dims: otherList(draw, dims, otherInt), data };
  const numbers = Array.from(data as ArrayLike<number>, Number);
  const isFloat = data instanceof Float32Array;
  const values = (list: readonly number[]) => (isFloat ? Float32Array.from(list) : list.map(exact));
  const count = dims.reduce((product, d) => product * d, 1);
  return draw.of([
    () => ({ dims: otherList(draw, dims, otherInt), data }),
    // One number another, the shape as it was.
    () => {
      const at = draw.int(Math.max(1, count));
      const other = numbers.map((v, i) => (i === at ? (isFloat ? otherFloat : otherInt)(draw, v) : v));
      return { dims, data: values(other) };
    },
    // Shape and numbers go together, but not with the rest.
    () => {
      const list = otherList(draw, numbers, isFloat ? otherFloat : otherInt);
      return { dims: [list.length], data: values(list) };
    },
    // Of another type.
    () => ({ dims, data: isFloat ? numbers.map((v) => exact(Math.trunc(v))) : Float32Array.from(numbers) }),
  ])();
}

/** What 64 bits hold. */
const exact = (v: number) => (Number.isInteger(v) && Math.abs(v) < 2 ** 63 ? v : 0);

function otherAttribute(draw: Draw, given: Attribute): Attribute {
  if (typeof given === "number") return draw.chance(0.9) ? otherInt(draw, given) : [given];
  if (typeof given === "string")
    return draw.of(["", "SAME_UPPER", "SAME_LOWER", "VALID", "linear", "cubic", "reflect", "wrap", "CRD"]);
  if (Array.isArray(given)) return otherList(draw, given as number[], otherInt);
  if ("float" in given) return { float: otherFloat(draw, given.float) };
  if ("floats" in given) return { floats: otherList(draw, given.floats, otherFloat) };
  if ("tensor" in given) return { tensor: otherTensor(draw, given.tensor) };
  if ("graph" in given) return { graph: mutatedGraph(draw, given.graph) };
  return given;
}

/** Names of attributes that operators have. */
const NAMES = (
  "axis axes kernel_shape strides pads dilations group auto_pad ceil_mode count_include_pad storage_order mode alpha " +
  "beta gamma size keepdims noop_with_empty_axes perm blocksize batch_dims to epsilon num_groups num_outputs split p " +
  "transA transB output_padding output_shape antialias exclude_outside allowzero select_last_index upper"
).split(" ");

const TYPES = [...ops.keys()];

const replaced = <T>(list: readonly T[], at: number, ...by: T[]): T[] => [
  ...list.slice(0, at),
  ...by,
  ...list.slice(at + 1),
];

function otherNode(draw: Draw, node: FileNode, values: readonly string[]): FileNode {
  const { attributes = {}, inputs, outputs } = node;
  const names = Object.keys(attributes);
  const [input, output] = [draw.int(inputs.length + 1), draw.int(outputs.length + 1)];
  const value = () => draw.of([...values, ""]);
  return draw.of<() => FileNode>([
    ...(names.length > 0
      ? [
          ...Array<() => FileNode>(4).fill(() => {
            const name = draw.of(names);
            return { ...node, attributes: { ...attributes, [name]: otherAttribute(draw, attributes[name]) } };
          }),
          () => {
            const { [draw.of(names)]: _, ...rest } = attributes;
            return { ...node, attributes: rest };
          },
        ]
      : []),
    () => ({
      ...node,
      attributes: {
        ...attributes,
        [draw.of(NAMES)]: draw.of<Attribute>([draw.of(EDGES), [draw.of(EDGES), 1], { float: 0.5 }]),
      },
    }),
    () => ({ ...node, type: draw.of(TYPES) }),
    () => ({ ...node, inputs: replaced(inputs, input, value()) }),
    () => ({ ...node, inputs: [...inputs, value()] }),
    () => ({ ...node, inputs: replaced(inputs, input) }),
    () => ({ ...node, outputs: replaced(outputs, output) }),
    () => ({ ...node, outputs: [...outputs, `${outputs[0]}+`] }),
  ])();
}

/** One change. */
function mutatedGraph(draw: Draw, graph: FileGraph): FileGraph {
  const { nodes, initializers = {}, inputs = {}, outputs, types = {} } = graph;
  const values = [...Object.keys(initializers), ...Object.keys(inputs), ...nodes.flatMap((n) => n.outputs)];
  const at = draw.int(Math.max(1, nodes.length));
  const node = nodes[at];
  const changed = <T>(of: Readonly<Record<string, T>>, change: (v: T) => T) => {
    const name = draw.of(Object.keys(of));
    return { ...of, [name]: change(of[name]) };
  };
  const other = (dims: readonly (number | string)[]) =>
    otherList(
      draw,
      dims.map((d) => (typeof d === "number" ? d : 1)),
      otherInt,
    ).map((d) => (draw.chance(0.1) ? "n" : d));
  const some = <T>(there: unknown, ...list: (() => T)[]) => (there ? list : []);
  const [anyWeights, anyInputs] = [initializers, inputs].map((of) => Object.keys(of).length > 0);
  return draw.of<() => FileGraph>([
    ...some<FileGraph>(
      node,
      ...Array<() => FileGraph>(4).fill(() => ({
        ...graph,
        nodes: replaced(nodes, at, otherNode(draw, node, values)),
      })),
      () => ({ ...graph, nodes: replaced(nodes, at) }),
      () => ({ ...graph, nodes: [...nodes, { ...node, outputs: node.outputs.map((name) => `${name}'`) }] }),
      // A node between another and what it reads.
      () => ({
        ...graph,
        nodes: [
          ...replaced(nodes, at, { ...node, inputs: [`${node.outputs[0]}^`, ...node.inputs.slice(1)] }),
          { type: draw.of(TYPES), inputs: node.inputs.slice(0, 1), outputs: [`${node.outputs[0]}^`] },
        ],
      }),
      () => ({ ...graph, outputs: { [draw.of(node.outputs.length > 0 ? node.outputs : [""])]: [] } }),
    ),
    ...some<FileGraph>(
      anyWeights,
      ...Array<() => FileGraph>(3).fill(() => ({
        ...graph,
        initializers: changed(initializers, (t) => otherTensor(draw, t)),
      })),
      // A weight as an input, which the caller gives.
      () => {
        const name = draw.of(Object.keys(initializers));
        const { [name]: tensor, ...rest } = initializers;
        const type = tensor.data instanceof Float32Array ? 1 : 7;
        return {
          ...graph,
          initializers: rest,
          inputs: { ...inputs, [name]: tensor.dims },
          types: { ...types, [name]: type },
        };
      },
    ),
    ...some<FileGraph>(
      anyInputs,
      () => ({ ...graph, inputs: changed(inputs, other) }),
      () => ({ ...graph, types: { ...types, [draw.of(Object.keys(inputs))]: draw.of([1, 6, 7, 9]) } }),
    ),
    () => ({ ...graph, outputs: { ...outputs, [draw.of([...values, "?"])]: [] } }),
  ])();
}

/** A file with some changes. */
export function mutated(draw: Draw, file: File): File {
  let { graph, opset } = file;
  for (let more = 1 + draw.int(3); more > 0; more--) {
    if (draw.chance(0.05)) opset = 5 + draw.int(20);
    else graph = mutatedGraph(draw, graph);
  }
  return { graph, opset };
}

/** Files with a little less in them. */
export function* smaller({ graph, opset }: File): Generator<File> {
  const { nodes, initializers = {}, inputs = {} } = graph;
  for (const [at, node] of nodes.entries()) {
    // Whoever reads it reads what it reads.
    const [from = "", to] = [node.inputs[0], node.outputs[0]];
    const rest = replaced(nodes, at).map((n) => ({
      ...n,
      inputs: n.inputs.map((name) => (name === to ? from : name)),
    }));
    yield { opset, graph: { ...graph, nodes: rest, ...(to in graph.outputs && { outputs: { [from]: [] } }) } };
    for (const name of Object.keys(node.attributes ?? {})) {
      const { [name]: _, ...attributes } = node.attributes!;
      yield { opset, graph: { ...graph, nodes: replaced(nodes, at, { ...node, attributes }) } };
    }
    for (const i of node.inputs.keys())
      yield { opset, graph: { ...graph, nodes: replaced(nodes, at, { ...node, inputs: replaced(node.inputs, i) }) } };
  }
  for (const name of Object.keys(initializers)) {
    const { [name]: _, ...rest } = initializers;
    yield { opset, graph: { ...graph, initializers: rest } };
  }
  for (const name of Object.keys(inputs)) {
    const { [name]: _, ...rest } = inputs;
    yield { opset, graph: { ...graph, inputs: rest } };
  }
  for (const name of Object.keys(graph.outputs)) {
    const { [name]: _, ...rest } = graph.outputs;
    if (Object.keys(rest).length > 0) yield { opset, graph: { ...graph, outputs: rest } };
  }
}
