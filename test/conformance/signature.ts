import { PbfReader, PbfWriter } from "pbf";
import { decode } from "../../src/onnx/decode.ts";

export interface Signature {
  /** Of ONNX's own domain; undefined where only others are used. */
  readonly opset?: number;
  /** Its operators, each once, in the order of their names. */
  readonly operators: readonly string[];
  /** What a caller has to hand in, with ONNX's number of the element type; 0 where it is no tensor. */
  readonly inputs: readonly { readonly name: string; readonly type: number }[];
}

/** @throws LrpError where the file is no ONNX */
export function signatureOf(model: Uint8Array): Signature {
  const { opset, graph } = decode(model);
  const known = new Set(graph.initializers.map((tensor) => tensor.name));
  return {
    opset: opset.get(""),
    operators: [...new Set(graph.nodes.map((node) => node.type))].sort(),
    inputs: graph.inputs.filter(({ name }) => !known.has(name)),
  };
}

const GRAPH = 7,
  OPSET = 8,
  INITIALIZER = 5,
  NAME = 8;

function field(tag: number, bytes: Uint8Array): Uint8Array {
  const out = new PbfWriter();
  out.writeBytesField(tag, bytes);
  return out.finish();
}

/** A serialised tensor as a graph's initializer. Of a field that comes twice the last counts, hence the name at the end. */
function initializer(name: string, tensor: Uint8Array): Uint8Array {
  return field(INITIALIZER, Buffer.concat([tensor, field(NAME, new TextEncoder().encode(name))]));
}

/** The model with values for some of its inputs, which are serialised tensors. Beside the graph only opsets are kept. */
export function bind(model: Uint8Array, values: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  const reader = new PbfReader(model);
  reader.readFields((tag) => {
    if (tag === OPSET) parts.push(field(OPSET, reader.readBytes()));
    if (tag !== GRAPH) return;
    const bound = [...values].map(([name, tensor]) => initializer(name, tensor));
    parts.push(field(GRAPH, Buffer.concat([reader.readBytes(), ...bound])));
  }, {});
  return new Uint8Array(Buffer.concat(parts));
}
