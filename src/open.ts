import { LrpError } from "./error.ts";
import { build } from "./graph/build.ts";
import type { Graph } from "./graph/graph.ts";
import type { Network } from "./layers.ts";
import { decode } from "./onnx/decode.ts";

/** What a model is loaded from: the bytes of an ONNX file, or a network made by `sequential`. */
export type Source = Uint8Array | ArrayBuffer | Network;

function isNetwork(source: unknown): source is Network {
  return typeof source === "object" && source !== null && "graph" in source;
}

function bytesOf(source: unknown): Uint8Array {
  if (source instanceof Uint8Array) return source;
  // By its name, because a sandbox may hand in an ArrayBuffer of another realm.
  if (Object.prototype.toString.call(source) === "[object ArrayBuffer]") return new Uint8Array(source as ArrayBuffer);
  const received = typeof source === "string" ? `the text '${source}'` : String(source);
  throw new LrpError("usage", {
    where: "load",
    expected: "the bytes of an ONNX file (Uint8Array or ArrayBuffer), or a network made by sequential()",
    received,
    fix: "relprop opens no files: read it first, e.g. await readFile(path).",
  });
}

/** @internal The graph of a source. */
export function open(source: Source): Graph {
  return isNetwork(source) ? source.graph : build(decode(bytesOf(source)));
}
