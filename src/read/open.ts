import { Budget, type Limits } from "../base/budget.ts";
import { LrpError, misuse, shown, usage } from "../base/error.ts";
import { build } from "./build.ts";
import type { Graph } from "../graph/graph.ts";
import type { Network } from "./network.ts";
import { decode, type GraphProto } from "./onnx/decode.ts";
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

/** What a file is opened with. */
interface OpenOptions extends Limits {
  readonly outputs?: readonly string[];
  readonly externalData?: ExternalData;
}

const OUTPUTS = "option 'outputs' of load";

/** The graph that ends in these values, in place of its own outputs. */
function endingIn(graph: GraphProto, names: unknown): GraphProto {
  const isList = Array.isArray(names) && names.length > 0 && new Set(names).size === names.length;
  if (!isList) throw usage(OUTPUTS, "a list of names of values, each once", shown(names));
  const made = new Set<unknown>(graph.nodes.flatMap((node) => node.outputs).filter(Boolean));
  const stray = names.filter((name) => !made.has(name)).map(shown);
  if (stray.length > 0) throw usage(OUTPUTS, "names of values that a node of the file computes", stray.join(", "));
  return { ...graph, outputs: names.map((name: string) => ({ name, type: 0, dims: undefined })) };
}

/** @internal The graph of a source. */
export async function open(source: Source, { outputs, externalData, ...limits }: OpenOptions): Promise<Graph> {
  if (isNetwork(source)) {
    if (outputs === undefined) return source.graph;
    throw misuse(OUTPUTS, "a network that is described in code names its outputs itself");
  }
  const budget = new Budget(limits);
  const model = decode(checkedBytes(source), budget);
  const whole = inlined(model);
  const graph = outputs === undefined ? whole : endingIn(whole, outputs);
  await readExternal(graph, externalData, budget);
  return build({ ...model, graph });
}
