import { demand, insist } from "../base/complaint.ts";
import { assert } from "../base/error.ts";
import { type Constant, firstNonFinite } from "../base/tensor.ts";
import type { AttributeReader, Op } from "../ops/op.ts";
import type { Body } from "../graph/graph.ts";
import type { AttributeProto, AttributeValues, GraphProto } from "./onnx/decode.ts";
import type { TensorProto } from "./onnx/tensor.ts";

/** Attributes as they are given. */
export interface Attributes {
  readonly names: readonly string[];
  /** The one of this name, and its type: `wanted` if it can be taken for that. */
  find(name: string, wanted: keyof AttributeValues): AttributeProto | undefined;
  beyond?(name: string): unknown;
  /** What a graph in them is to the node. */
  body?(graph: GraphProto): Body;
}

function sized<V extends number | readonly number[] | undefined>(name: string, given: V, width?: "wide"): V {
  const far = width
    ? undefined
    : [given].flat().find((v) => Number.isFinite(v) && (v as number) !== ((v as number) | 0));
  demand(far === undefined, "unsupported", `attribute '${name}' within 32 bits`, `${far}`);
  return given;
}

type Reader = AttributeReader & { rest(): string[]; check(): void };

/**
 * Unread attributes are a complaint, so that nothing that is given is ignored by accident; so are those of another
 * type.
 */
function reader({ names, find, beyond, body }: Attributes, opset: number): Reader {
  const read = new Set<string>();
  const wrong: string[] = [];
  function get<Type extends keyof AttributeValues>(name: string, type: Type): AttributeValues[Type] | undefined {
    read.add(name);
    const found = find(name, type);
    if (!found || found.type === type) return found?.value as AttributeValues[Type] | undefined;
    wrong.push(`attribute '${name}' must be ${type}, but is ${found.type}`);
    return undefined;
  }
  return {
    opset,
    int: (name, otherwise, width) => sized(name, get(name, "INT") ?? otherwise, width),
    float(name, otherwise, also) {
      const type = also && find(name, "FLOAT")?.type;
      if (!type || !/^(FLOAT that is )?NaN/.test(type)) return get(name, "FLOAT") ?? otherwise;
      read.add(name);
      return Number.NaN;
    },
    string: (name, otherwise) => get(name, "STRING") ?? otherwise,
    ints: (name, width) => sized(name, get(name, "INTS"), width),
    floats: (name) => get(name, "FLOATS"),
    strings: (name) => get(name, "STRINGS"),
    tensor(name) {
      const t = get(name, "TENSOR");
      return t && constantOf(t);
    },
    body(name) {
      insist(body, "unsupported", "it has graphs inside, which only nodes of a file can have");
      const graph = get(name, "GRAPH");
      return graph && body(graph);
    },
    beyond(name) {
      const value = beyond?.(name);
      if (value !== undefined) read.add(name);
      return value;
    },
    ignore(...names) {
      for (const name of names) read.add(name);
    },
    rest: () => names.filter((name) => !read.has(name)),
    check() {
      insist(wrong.length === 0, "invalid-model", wrong.join("; "));
    },
  };
}

export const DAMAGED = "The file is damaged, or its training diverged.";

export function constantOf({ value, problem }: TensorProto): Constant {
  if (problem) throw problem;
  assert(value, "a tensor without a value");
  const { data } = value;
  if (firstNonFinite(data) < 0) return value;
  demand(!data.some(Number.isNaN), "invalid-model", "finite numbers", "NaN", DAMAGED);
  return withInfinities(value);
}

/**
 * A single infinity is a bound that is not there; where there are more numbers, it is marked, for those who cannot
 * compute with it.
 */
export function withInfinities(value: Constant): Constant {
  return value.data.length === 1 ? value : { ...value, infinite: true };
}

/** What an operator's row makes of attributes, all of which it must know. */
export function attributesOf(row: Op<object>, given: Attributes, opset: number): object {
  const read = reader(given, opset);
  // Which inputs an operator may write over.
  if (opset < 6) read.ignore("consumed_inputs");
  let attributes: object;
  try {
    attributes = row.attributes(read);
  } finally {
    // One of a wrong type may be all that the row complains of, so it comes first.
    read.check();
  }
  const rest = read.rest();
  const names = rest.map((name) => `'${name}'`).join(", ");
  insist(rest.length === 0, "unsupported", `relprop does not know the attribute${rest.length > 1 ? "s" : ""} ${names}`);
  return Object.freeze(attributes);
}
