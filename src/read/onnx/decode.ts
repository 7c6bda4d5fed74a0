import { Budget } from "../../base/budget.ts";
import { Complaint } from "../../base/complaint.ts";
import { PbfReader } from "pbf";
import { LrpError } from "../../base/error.ts";
import { type TensorProto, tensor } from "./tensor.ts";
import { check, float, inner, int, Malformed, many, message, one, text, uint } from "./wire.ts";

/** The parts of an ONNX file that relprop reads, named as in onnx.proto. */
export interface ModelProto {
  readonly opset: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: GraphProto;
}

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

/** The types of attributes, in the order of ONNX's numbers for them. */
const ATTRIBUTE_TYPES = (
  "UNDEFINED FLOAT INT STRING TENSOR GRAPH FLOATS INTS STRINGS TENSORS GRAPHS SPARSE_TENSOR SPARSE_TENSORS " +
  "TYPE_PROTO TYPE_PROTOS"
).split(" ");
/** Which of them a field of AttributeProto holds, by the field's number. */
const HOLDS: Readonly<Record<number, string>> = {
  2: "FLOAT",
  3: "INT",
  4: "STRING",
  5: "TENSOR",
  6: "GRAPH",
  7: "FLOATS",
  8: "INTS",
  9: "STRINGS",
  10: "TENSORS",
  11: "GRAPHS",
  14: "TYPE_PROTO",
  15: "TYPE_PROTOS",
  22: "SPARSE_TENSOR",
  23: "SPARSE_TENSORS",
};
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
  let [name, declared, refers] = ["", 0, false];
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
    else if (tag === REFERENCE) refers = true;
  });
  if (refers) return [name, { type: "a reference to an attribute of a function" }];
  return [name, judged(declared, [...held], value ?? (held.has("STRINGS") ? texts : list))];
}

/** The attribute, if the type that is declared and what is held go together; else words for what it is. */
function judged(declared: number, held: readonly string[], value: AttributeProto["value"]): AttributeProto {
  // The oldest files declare nothing.
  const type = declared === 0 && held.length > 0 ? held[0] : (ATTRIBUTE_TYPES[declared] ?? `type ${declared}`);
  if (held.length === 0) return type in EMPTY ? { type, value: EMPTY[type] } : { type: `${type} without a value` };
  if (held.length > 1 || held[0] !== type) return { type: `${type} that holds ${held.join(" and ")}` };
  const lost = Array.isArray(value) ? value.some(Number.isNaN) : Number.isNaN(value);
  return lost ? { type: `${type} that is NaN, or no integer that a double holds` } : { type, value };
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
    attributes.set(key, attributes.has(key) ? { type: "two of this name" } : value);
  });
  return { name: name || outputs[0] || "?", type, domain, inputs, outputs, attributes };
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
    problem: new Complaint(
      "unsupported",
      "numbers one after the other",
      "a sparse tensor",
      "Convert the weights to dense ones.",
    ),
  };
}

function graph(pbf: PbfReader, end: number, budget: Budget, depth: number): GraphProto {
  if (depth > DEEPEST)
    throw new LrpError("unsupported", {
      where: "the model",
      expected: `graphs nested at most ${DEEPEST} deep`,
      received: "more",
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

/** The first bytes of files that are often mistaken for a network. */
const signatures: readonly [string, readonly number[]][] = [
  ["a JPEG picture", [0xff, 0xd8, 0xff]],
  ["a PNG picture", [0x89, 0x50, 0x4e, 0x47]],
  ["a zip archive (a PyTorch checkpoint is one)", [0x50, 0x4b, 0x03, 0x04]],
  ["a NumPy array", [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ["a gzip archive", [0x1f, 0x8b]],
  ["an HDF5 file", [0x89, 0x48, 0x44, 0x46]],
  ["a web page or XML", [0x3c]],
  ["text", [0x7b]],
];

/**
 * Reads the bytes of an ONNX file.
 * @throws LrpError code "not-onnx" when they are something else, empty, or cut off; "memory" when weights have no room;
 * "unsupported" when graphs nest too
 * deep
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
  try {
    // A Buffer's slice() is a view; a plain array's is the copy that is wanted.
    const pbf = new PbfReader(new Uint8Array(file.buffer, file.byteOffset, file.byteLength));
    message(pbf, file.byteLength, (tag, p, end) => {
      if (tag === 7) {
        check(!found, "one graph");
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
      if (tag !== 8) return;
      let [domain, version] = ["", 0];
      inner(p, end, (t, q, stop) => {
        if (t === 1) domain = text(q, stop);
        else if (t === 2) version = one(q, int);
      });
      opset.set(domain === "ai.onnx" ? "" : domain, version);
    });
  } catch (error) {
    // pbf reads past the end as RangeError or returns nonsense that the checks above catch.
    if (error instanceof LrpError) throw error;
    if (error instanceof Malformed)
      throw refuse(
        `bytes that break off: expected ${error.message}`,
        "Is the file whole? Compare its size with the original's.",
      );
    throw refuse("bytes that are not protocol buffers", "Is the file whole, and an ONNX file?");
  }
  if (!found || opset.size === 0) throw refuse(`a file without ${found ? "opset" : "graph"}`, "Is it an ONNX file?");
  return { opset, metadata, graph: found };
}
