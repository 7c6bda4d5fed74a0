import { Budget, type Limits } from "../base/budget.ts";
import { LrpError } from "../base/error.ts";
import { build } from "./build.ts";
import type { Graph } from "../graph/graph.ts";
import type { Network } from "./network.ts";
import { decode } from "./onnx/decode.ts";
import { inlined } from "./onnx/functions.ts";
import { bytesOf, type ExternalData, readExternal } from "./onnx/external.ts";

/** What a model is loaded from: the bytes of an ONNX file, or a network made by `network` or `sequential`. */
export type Source = Uint8Array | ArrayBuffer | Network;

function isNetwork(source: unknown): source is Network {
  return typeof source === "object" && source !== null && "graph" in source;
}

function checkedBytes(source: unknown): Uint8Array {
  const bytes = bytesOf(source);
  if (bytes) return bytes;
  const received = typeof source === "string" ? `the text '${source}'` : String(source);
  throw new LrpError("usage", {
    where: "load",
    expected: "the bytes of an ONNX file (Uint8Array or ArrayBuffer), or a network made by network() or sequential()",
    received,
    fix: "relprop opens no files: read it first, e.g. await readFile(path).",
  });
}

/** @internal The graph of a source. */
export async function open(
  source: Source,
  { externalData, ...limits }: Limits & { readonly externalData?: ExternalData },
): Promise<Graph> {
  if (isNetwork(source)) return source.graph;
  const budget = new Budget(limits);
  const model = decode(checkedBytes(source), budget);
  const graph = inlined(model);
  await readExternal(graph, externalData, budget);
  return build({ ...model, graph });
}
