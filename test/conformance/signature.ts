import { decode } from "../../src/read/onnx/decode.ts";

export interface Signature {
  /** Of ONNX's own domain; undefined where only others are used. */
  readonly opset?: number;
  /** Its operators, each once, in the order of their names. */
  readonly operators: readonly string[];
}

/** @throws LrpError where the file is no ONNX */
export function signatureOf(model: Uint8Array): Signature {
  const { opset, graph } = decode(model);
  return {
    opset: opset.get(""),
    operators: [...new Set(graph.nodes.map((node) => node.type))].sort(),
  };
}
