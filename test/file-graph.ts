import { decode } from "../src/read/onnx/decode.ts";
import type { Constant } from "../src/base/tensor.ts";
import { type Attribute, type FileGraph, type FileNode, type FileTensor, field } from "./onnx-writer.ts";

/*
 * An ONNX file as the writer of tests has it, so that a test may change its nodes.
 */

function tensorOf({ type, dims, data }: Constant): FileTensor {
  if (type === "float32") return { dims, data: data as Float32Array };
  if (type === "bool") return { dims, data: Array.from(data, Boolean) };
  if (type === "int64") return { dims, data: Array.from(data) };
  if (type === "int32")
    return { dims, data: { type: 6, fields: field(9, [...new Uint8Array(Int32Array.from(data).buffer)]) } };
  throw new Error(`no tensor of ${type}`);
}

function attributeOf(type: string, value: unknown): Attribute {
  if (type === "FLOAT") return { float: value as number };
  if (type === "FLOATS") return { floats: value as number[] };
  if (type === "STRINGS") return { strings: value as string[] };
  if (type === "TENSOR") return { tensor: tensorOf((value as { value: Constant }).value) };
  return value as number;
}

/** @returns the graph of a file; outputs are left without dims */
export function fileGraph(
  bytes: Uint8Array,
): FileGraph & { nodes: readonly FileNode[]; initializers: Record<string, FileTensor> } {
  const { graph } = decode(bytes);
  const known = new Set(graph.initializers.map(({ name }) => name));
  const inputs = graph.inputs.filter(({ name }) => !known.has(name));
  const typed = [...inputs, ...graph.outputs].map(({ name, type }) => [name, type] as const);
  return {
    nodes: graph.nodes.map(({ type, domain, name, inputs: read, outputs, attributes }) => ({
      ...{ type, domain, name, inputs: read, outputs },
      attributes: Object.fromEntries([...attributes].map(([key, a]) => [key, attributeOf(a.type, a.value)])),
    })),
    initializers: Object.fromEntries(graph.initializers.map(({ name, value }) => [name, tensorOf(value!)])),
    inputs: Object.fromEntries(inputs.map(({ name, dims }) => [name, dims ?? null])),
    outputs: Object.fromEntries(graph.outputs.map(({ name }) => [name, null])),
    types: Object.fromEntries(typed),
  };
}
