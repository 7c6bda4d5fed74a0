import { Budget } from "../../base/budget.ts";
import { Complaint } from "../../base/complaint.ts";
import { PbfReader } from "pbf";
import { LrpError } from "../../base/error.ts";
import { ATTRIBUTE_TYPES, HOLDS } from "./attribute-types.ts";
import { signatures } from "./signatures.ts";
import { type TensorProto, tensor } from "./tensor.ts";
import { check, float, inner, int, Malformed, many, message, one, text, uint } from "./wire.ts";

/** The parts of an ONNX file that relprop reads, named as in onnx.proto. */
export interface ModelProto {
  readonly opset: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly functions: Functions;
  readonly graph: GraphProto;
}

/** A function of the file, which nodes call by its domain and name. */
export interface FunctionProto {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  /** What attributes are where a node does not give them. */
  readonly defaults: ReadonlyMap<string, AttributeProto>;
  /** Of ONNX's own domain, where it says so. */
  readonly opset: number | undefined;
}

/** By domain and name. */
export type Functions = ReadonlyMap<string, FunctionProto>;

export const keyOf = ({ domain, type }: Pick<NodeProto, "domain" | "type">): string => `${domain}:${type}`;

export interface GraphProto {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

export interface NodeProto {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
}

/** What an attribute may hold, by ONNX's name of its type. */
export interface AttributeValues {
  readonly FLOAT: number;
  readonly INT: number;
  readonly STRING: string;
  readonly TENSOR: TensorProto;
  readonly GRAPH: GraphProto;
  readonly FLOATS: readonly number[];
  readonly INTS: readonly number[];
  readonly STRINGS: readonly string[];
}

export interface AttributeProto {
  /** A name of `AttributeValues`, or words for what else it is. */
  readonly type: string;
  readonly value?: AttributeValues[keyof AttributeValues];
  /** In a function: the attribute of the node that calls it, which stands here. */
  readonly refers?: string;
}

export interface ValueInfo {
  readonly name: string;
  /** ONNX's number of the element type. */
  readonly type: number;
  /** Undefined where the file does not say. */
  readonly dims?: readonly (number | string)[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function valueInfo(pbf: PbfReader, end: number): ValueInfo {
  const info: Mutable<ValueInfo> = { name: "", type: 0 };
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) info.name = text(p, stop);
    if (tag !== 2) return;
    inner(p, stop, (t, q, e) => {
      if (t !== 1) return;
      inner(q, e, (u, r, f) => {
        if (u === 1) info.type = one(r, uint);
        if (u !== 2) return;
        const dims: (number | string)[] = [];
        inner(r, f, (v, s, g) => {
          if (v !== 1) return;
          let dim: number | string = "?";
          inner(s, g, (w, x, h) => {
            if (w === 1) dim = one(x, int);
            else if (w === 2) dim = text(x, h);
          });
          dims.push(dim);
        });
        info.dims = dims;
      });
    });
  });
  return info;
}

/** What some writers leave out. */
const EMPTY: Readonly<Record<string, AttributeProto["value"]>> = {
  FLOAT: 0,
  INT: 0,
  STRING: "",
  FLOATS: [],
  INTS: [],
  STRINGS: [],
};
const REFERENCE = 21;

function attribute(pbf: PbfReader, end: number, budget: Budget, depth: number): [string, AttributeProto] {
  let [name, declared, refers] = ["", 0, ""];
  let value: AttributeProto["value"];
  const held = new Set<string>();
  const list: number[] = [];
  const texts: string[] = [];
  inner(pbf, end, (tag, p, stop) => {
    if (HOLDS[tag]) held.add(HOLDS[tag]);
    if (tag === 1) name = text(p, stop);
    else if (tag === 2) value = one(p, float);
    else if (tag === 3) value = one(p, int);
    else if (tag === 4) value = text(p, stop);
    else if (tag === 5) value = tensor(p, stop, budget);
    else if (tag === 6) value = graph(p, stop, budget, depth + 1);
    else if (tag === 7 || tag === 8) many(p, stop, list, tag === 7 ? float : int);
    else if (tag === 9) texts.push(text(p, stop));
    else if (tag === 20) declared = one(p, uint);
    else if (tag === REFERENCE) refers = text(p, stop);
  });
  if (refers) return [name, { type: "a reference to an attribute of a function", refers }];
  return [name, judged(declared, [...held], value ?? (held.has("STRINGS") ? texts : list))];
}

/** The attribute, if the type that is declared and what is held go together; else words for what it is. */
function judged(declared: number, held: readonly string[], value: AttributeProto["value"]): AttributeProto {
  // The oldest files declare nothing.
  const type =
    declared === 0 && held.length > 0 ? held[0] : (ATTRIBUTE_TYPES[declared] ?? `of the unknown type ${declared}`);
  if (held.length === 0) return type in EMPTY ? { type, value: EMPTY[type] } : { type: `${type} without a value` };
  if (held.length > 1 || held[0] !== type) return { type: `${type} that holds ${held.join(" and ")}` };
  const lost = Array.isArray(value) ? value.some(Number.isNaN) : Number.isNaN(value);
  return lost ? { type: `${type} that is NaN, or too large for a double to hold it exactly` } : { type, value };
}

function node(pbf: PbfReader, end: number, budget: Budget, depth: number): NodeProto {
  let [name, type, domain] = ["", "", ""];
  const [inputs, outputs]: string[][] = [[], []];
  const attributes = new Map<string, AttributeProto>();
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) inputs.push(text(p, stop));
    else if (tag === 2) outputs.push(text(p, stop));
    else if (tag === 3) name = text(p, stop);
    else if (tag === 4) type = text(p, stop);
    else if (tag === 7) domain = text(p, stop);
    if (tag !== 5) return;
    const [key, value] = attribute(p, stop, budget, depth);
    attributes.set(key, attributes.has(key) ? { type: "given twice" } : value);
  });
  return { name: name || outputs.find(Boolean) || "?", type, domain, inputs, outputs, attributes };
}

/** A graph that a writer made is flat, or nested once for each loop or condition in its source. */
const DEEPEST = 32;

function sparse(pbf: PbfReader, end: number, budget: Budget): TensorProto {
  let name = "";
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) name = tensor(p, stop, budget).name;
  });
  return {
    name,
    problem: new Complaint("unsupported", { problem: "it is a sparse tensor" }, "Convert the weights to dense ones."),
  };
}

function graph(pbf: PbfReader, end: number, budget: Budget, depth: number): GraphProto {
  if (depth > DEEPEST)
    throw new LrpError("unsupported", {
      where: "the model",
      problem: `its graphs are nested more than ${DEEPEST} deep`,
    });
  const result = {
    nodes: [] as NodeProto[],
    initializers: [] as TensorProto[],
    inputs: [] as ValueInfo[],
    outputs: [] as ValueInfo[],
  };
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) result.nodes.push(node(p, stop, budget, depth));
    else if (tag === 5) result.initializers.push(tensor(p, stop, budget));
    else if (tag === 11) result.inputs.push(valueInfo(p, stop));
    else if (tag === 12) result.outputs.push(valueInfo(p, stop));
    else if (tag === 15) result.initializers.push(sparse(p, stop, budget));
  });
  return result;
}

/** An OperatorSetIdProto. */
function opsetOf(pbf: PbfReader, end: number): [domain: string, version: number] {
  let [domain, version] = ["", 0];
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) domain = text(p, stop);
    else if (tag === 2) version = one(p, int);
  });
  return [domain === "ai.onnx" ? "" : domain, version];
}

/** A FunctionProto. */
function functionOf(pbf: PbfReader, end: number, budget: Budget): [key: string, FunctionProto] {
  let [type, domain] = ["", ""];
  const [inputs, outputs, nodes]: [string[], string[], NodeProto[]] = [[], [], []];
  const [opset, defaults] = [new Map<string, number>(), new Map<string, AttributeProto>()];
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) type = text(p, stop);
    else if (tag === 4) inputs.push(text(p, stop));
    else if (tag === 5) outputs.push(text(p, stop));
    else if (tag === 7) nodes.push(node(p, stop, budget, 0));
    else if (tag === 9) opset.set(...opsetOf(p, stop));
    else if (tag === 10) domain = text(p, stop);
    else if (tag === 11) defaults.set(...attribute(p, stop, budget, 0));
  });
  return [keyOf({ domain, type }), { inputs, outputs, nodes, defaults, opset: opset.get("") }];
}

/**
 * Reads the bytes of an ONNX file.
 * @throws LrpError code "not-onnx" when they are something else, empty, or cut off; "memory" when weights have no room;
 * "unsupported" when graphs are nested too deep
 */
export function decode(file: Uint8Array, budget = new Budget()): ModelProto {
  const refuse = (received: string, fix?: string) =>
    new LrpError("not-onnx", { where: "the model", expected: "the bytes of an ONNX file", received, fix });
  if (file.byteLength === 0) throw refuse("an empty file");
  const known = signatures.find(([, start]) => start.every((byte, i) => file[i] === byte));
  if (known) throw refuse(known[0], "Pass the .onnx file itself.");

  const opset = new Map<string, number>();
  const metadata = new Map<string, string>();
  let found: GraphProto | undefined;
  const functions = new Map<string, FunctionProto>();
  try {
    // A Buffer's slice() is a view; a plain array's is the copy that is wanted.
    const pbf = new PbfReader(new Uint8Array(file.buffer, file.byteOffset, file.byteLength));
    message(pbf, file.byteLength, (tag, p, end) => {
      if (tag === 7) {
        check(!found, "a single graph");
        found = graph(p, end, budget, 0);
      }
      if (tag === 14) {
        let [key, value] = ["", ""];
        inner(p, end, (t, q, stop) => {
          if (t === 1) key = text(q, stop);
          else if (t === 2) value = text(q, stop);
        });
        metadata.set(key, value);
      }
      if (tag === 25) functions.set(...functionOf(p, end, budget));
      if (tag === 8) opset.set(...opsetOf(p, end));
    });
  } catch (error) {
    // pbf reads past the end as RangeError or returns nonsense that the checks above catch.
    if (error instanceof LrpError) throw error;
    if (error instanceof Malformed)
      throw refuse(
        `a file that is damaged or incomplete (expected ${error.message})`,
        "Is the file whole? Compare its size with the original's.",
      );
    throw refuse("bytes that are not protocol buffers", "Is the file whole, and an ONNX file?");
  }
  if (!found || opset.size === 0)
    throw refuse(`a file without ${found ? "an opset" : "a graph"}`, "Is it an ONNX file?");
  return { opset, metadata, functions, graph: found };
}
