import type { Tensor } from "../src/entries/index.ts";

/*
 * Writes ONNX files, for tests: protocol buffers by hand, the field numbers those of onnx.proto.
 */

type Bytes = readonly number[];

/** A tensor of a file. Float32Array is float32, number[] int64, boolean[] bool. */
export interface FileTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | readonly number[] | readonly boolean[] | RawData;
}

/** Data of any kind: ONNX's number of the type, and the fields that hold them. */
export interface RawData {
  readonly type: number;
  readonly fields: Bytes;
}

/** A number is an int, a list ints; floats are marked. `fields` are those beside the name, as they are. */
export type Attribute =
  | { readonly fields: Bytes }
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: FileTensor }
  | { readonly graph: FileGraph };

export interface FileNode {
  readonly type: string;
  /** Left out inputs are "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** The first output's, unless given. */
  readonly name?: string;
  readonly domain?: string;
}

export interface FileGraph {
  readonly nodes: readonly FileNode[];
  readonly initializers?: Readonly<Record<string, FileTensor>>;
  /** Dims by name; a string is a free dimension, null says nothing of any. */
  readonly inputs?: Readonly<Record<string, readonly (number | string)[] | null>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[] | null>>;
  /** ONNX's numbers of the element types of inputs and outputs; float32, unless given. */
  readonly types?: Readonly<Record<string, number>>;
  /** Further fields, as they are. */
  readonly fields?: Bytes;
}

export const utf8 = (text: string): Bytes => [...new TextEncoder().encode(text)];

export function varint(value: number | bigint): Bytes {
  const out: number[] = [];
  for (let v = BigInt.asUintN(64, BigInt(value)); ; v >>= 7n) {
    if (v < 128n) return [...out, Number(v)];
    out.push(Number(v & 127n) | 128);
  }
}

export function fixed32(value: number): Bytes {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

/** Field `tag`: a number is a varint, a list of bytes a string or message. */
export function field(tag: number, value: number | Bytes): Bytes {
  return typeof value === "number"
    ? [...varint(tag << 3), ...varint(value)]
    : [...varint((tag << 3) | 2), ...varint(value.length), ...value];
}

const FLOAT = 1,
  INT64 = 7,
  BOOL = 9;

/** A tensor of int32, of one axis. */
export const int32 = (...data: readonly number[]): FileTensor => ({
  dims: [data.length],
  data: { type: 6, fields: field(5, data.flatMap(varint)) },
});

/** Where data lie outside: the fields of a tensor that say so. */
export function external(entries: Readonly<Record<string, string>>): Bytes {
  return [
    ...Object.entries(entries).flatMap(([key, value]) => field(13, [...field(1, utf8(key)), ...field(2, utf8(value))])),
    ...field(14, 1),
  ];
}

export function tensorBytes({ dims, data }: FileTensor, name = ""): Bytes {
  if ("fields" in data)
    return [...dims.flatMap((d) => field(1, d)), ...field(2, data.type), ...field(8, utf8(name)), ...data.fields];
  const floats = data instanceof Float32Array;
  const booleans = !floats && typeof data[0] === "boolean";
  const raw = floats
    ? data
    : booleans
      ? Uint8Array.from(data as boolean[], Number)
      : BigInt64Array.from(data as number[], BigInt);
  return [
    ...dims.flatMap((d) => field(1, d)),
    ...field(2, floats ? FLOAT : booleans ? BOOL : INT64),
    ...field(8, utf8(name)),
    ...field(9, [...new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength)]),
  ];
}

function attributeBytes(name: string, value: Attribute): Bytes {
  const typed = (type: number, ...content: Bytes[]): Bytes => [
    ...field(1, utf8(name)),
    ...content.flat(),
    ...field(20, type),
  ];
  if (typeof value === "number") return typed(2, field(3, value));
  if (typeof value === "string") return typed(3, field(4, utf8(value)));
  if ("fields" in value) return [...field(1, utf8(name)), ...value.fields];
  if ("float" in value) return typed(1, varint((2 << 3) | 5), fixed32(value.float));
  if ("tensor" in value) return typed(4, field(5, tensorBytes(value.tensor)));
  if ("graph" in value) return typed(5, field(6, graphBytes(value.graph)));
  if ("strings" in value) return typed(8, ...value.strings.map((text) => field(9, utf8(text))));
  if ("floats" in value) return typed(6, field(7, value.floats.flatMap(fixed32)));
  return typed(7, field(8, value.flatMap(varint)));
}

function nodeBytes({ type, inputs, outputs, attributes = {}, name = outputs[0], domain = "" }: FileNode): Bytes {
  return [
    ...inputs.flatMap((i) => field(1, utf8(i))),
    ...outputs.flatMap((o) => field(2, utf8(o))),
    ...field(3, utf8(name)),
    ...field(4, utf8(type)),
    ...Object.entries(attributes).flatMap(([key, value]) => field(5, attributeBytes(key, value))),
    ...field(7, utf8(domain)),
  ];
}

function portBytes(name: string, dims: readonly (number | string)[] | null, type = FLOAT): Bytes {
  const shape = dims?.flatMap((d) => field(1, typeof d === "number" ? field(1, d) : field(2, utf8(d))));
  return [...field(1, utf8(name)), ...field(2, field(1, [...field(1, type), ...(shape ? field(2, shape) : [])]))];
}

function graphBytes({ nodes, initializers = {}, inputs = {}, outputs, types = {}, fields = [] }: FileGraph): Bytes {
  const typeOf = new Map(Object.entries(types));
  return [
    ...nodes.flatMap((n) => field(1, nodeBytes(n))),
    ...field(2, utf8("test")),
    ...Object.entries(initializers).flatMap(([name, t]) => field(5, tensorBytes(t, name))),
    ...Object.entries(inputs).flatMap(([name, dims]) => field(11, portBytes(name, dims, typeOf.get(name)))),
    ...Object.entries(outputs).flatMap(([name, dims]) => field(12, portBytes(name, dims, typeOf.get(name)))),
    ...fields,
  ];
}

/** The domain of onnxruntime's own operators. */
export const MICROSOFT = "com.microsoft";

/** The bytes of an ONNX file. @param domain the one whose opset it names */
export function onnx(graph: FileGraph, opset = 17, domain = ""): Uint8Array {
  const version = (of: string, since: number) => field(8, [...field(1, utf8(of)), ...field(2, since)]);
  const isFused = graph.nodes.some((node) => node.domain === MICROSOFT);
  return Uint8Array.from([
    ...field(1, 8),
    ...field(7, graphBytes(graph)),
    ...version(domain, opset),
    ...(isFused ? version(MICROSOFT, 1) : []),
  ]);
}

/** A file of one chain: every node reads `x` or the one before it, then its own parameters. */
export function chain(
  dims: readonly (number | string)[],
  nodes: readonly {
    type: string;
    attributes?: FileNode["attributes"];
    parameters?: readonly (FileTensor | Tensor | undefined)[];
  }[],
  opset = 17,
): Uint8Array {
  const initializers: Record<string, FileTensor> = {};
  const list = nodes.map(({ type, attributes, parameters = [] }, i): FileNode => {
    const names = parameters.map((p, k) => {
      if (!p) return "";
      initializers[`p${i}_${k}`] = p;
      return `p${i}_${k}`;
    });
    return { type, attributes, inputs: [i === 0 ? "x" : `y${i - 1}`, ...names], outputs: [`y${i}`] };
  });
  return onnx({ nodes: list, initializers, inputs: { x: dims }, outputs: { [`y${nodes.length - 1}`]: [] } }, opset);
}
