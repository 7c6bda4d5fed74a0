import { PbfReader } from "pbf";
import { LrpError } from "../error.ts";
import type { Constant } from "../tensor.ts";

/** The parts of an ONNX file that relprop reads, named as in onnx.proto. */
export interface ModelProto {
  readonly opset: ReadonlyMap<string, number>;
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

export interface AttributeProto {
  readonly f?: number;
  readonly i?: number;
  readonly s?: string;
  readonly t?: TensorProto;
  readonly g?: GraphProto;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
}

export interface TensorProto {
  readonly name: string;
  /** Undefined where the type or place of the data is not supported; `problem` says why. */
  readonly value?: Constant;
  readonly problem?: string;
}

export interface ValueInfo {
  readonly name: string;
  /** ONNX's number of the element type. */
  readonly type: number;
  /** Undefined where the file does not say. */
  readonly dims?: readonly (number | string)[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const VARINT = 0,
  FIXED64 = 1,
  BYTES = 2,
  FIXED32 = 5;

/** What a malformed file is answered with, wherever in it the reader stands. */
class Malformed extends Error {}

function check(condition: unknown, text: string): asserts condition {
  if (!condition) throw new Malformed(text);
}

/** The length of the bytes that follow, which must lie inside the message that holds them. */
function span(pbf: PbfReader, end: number): number {
  check(pbf.type === BYTES, `bytes at ${pbf.pos}`);
  const length = pbf.readVarint();
  check(length >= 0 && pbf.pos + length <= end, `${length} more bytes at ${pbf.pos}, where ${end - pbf.pos} are left`);
  return pbf.pos + length;
}

type Field = (tag: number, pbf: PbfReader, end: number) => void;

/** Reads the fields of one message that ends at `end`. Fields that `field` does not read are skipped. */
function message(pbf: PbfReader, end: number, field: Field): void {
  while (pbf.pos < end) {
    const key = pbf.readVarint();
    const tag = key >> 3;
    pbf.type = key & 7;
    check(tag > 0 && [VARINT, FIXED64, BYTES, FIXED32].includes(pbf.type), `a protobuf field at ${pbf.pos}`);
    const start = pbf.pos;
    field(tag, pbf, end);
    if (pbf.pos === start) skip(pbf, end);
    check(pbf.pos <= end, `a field that ends before ${end}`);
  }
}

function skip(pbf: PbfReader, end: number): void {
  if (pbf.type === BYTES) pbf.pos = span(pbf, end);
  else pbf.skip(pbf.type);
}

function inner(pbf: PbfReader, end: number, field: Field): void {
  message(pbf, span(pbf, end), field);
}

const text = new TextDecoder();

function bytes(pbf: PbfReader, end: number): Uint8Array {
  const stop = span(pbf, end);
  const view = pbf.buf.subarray(pbf.pos, stop);
  pbf.pos = stop;
  return view;
}

const string = (pbf: PbfReader, end: number) => text.decode(bytes(pbf, end));

/** A signed integer. Beyond 2⁵³ it is rounded: only "until the end" is ever so large. */
const int = (pbf: PbfReader) => pbf.readVarint(true);

/** A repeated field, packed or one by one. */
function repeated(pbf: PbfReader, end: number, into: number[], read: (pbf: PbfReader) => number): void {
  if (pbf.type !== BYTES) {
    into.push(read(pbf));
    return;
  }
  const stop = span(pbf, end);
  while (pbf.pos < stop) into.push(read(pbf));
  check(pbf.pos === stop, `a packed field that ends at ${stop}`);
}

/** ONNX's numbers for element types, as far as relprop knows them. */
const types: Readonly<Record<number, { name: string; bytes: number; type: Constant["type"]; read(view: DataView, at: number): number }>> = {
  1: { name: "float", bytes: 4, type: "float32", read: (view, at) => view.getFloat32(at, true) },
  2: { name: "uint8", bytes: 1, type: "int64", read: (view, at) => view.getUint8(at) },
  3: { name: "int8", bytes: 1, type: "int64", read: (view, at) => view.getInt8(at) },
  6: { name: "int32", bytes: 4, type: "int32", read: (view, at) => view.getInt32(at, true) },
  7: { name: "int64", bytes: 8, type: "int64", read: (view, at) => Number(view.getBigInt64(at, true)) },
  9: { name: "bool", bytes: 1, type: "bool", read: (view, at) => view.getUint8(at) },
  11: { name: "double", bytes: 8, type: "float32", read: (view, at) => view.getFloat64(at, true) },
};

function unpack(raw: Uint8Array, count: number, type: (typeof types)[number]): Constant["data"] {
  if (type.name === "float") {
    // The file aligns nothing: copy the bytes, then look at them as floats.
    return new Float32Array(raw.slice().buffer);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = type.type === "float32" ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, i * type.bytes);
  return data;
}

function tensor(pbf: PbfReader, end: number): TensorProto {
  let [name, typeNumber, external] = ["", 0, false];
  let raw: Uint8Array | undefined;
  let floats: Uint8Array | undefined;
  const [dims, numbers]: number[][] = [[], []];
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) repeated(p, stop, dims, int);
    else if (tag === 2) typeNumber = p.readVarint();
    // Packed floats are the bytes of a float array: no need to read them one by one.
    else if (tag === 4 && p.type === BYTES) floats = bytes(p, stop);
    else if (tag === 4) repeated(p, stop, numbers, (q) => q.readFloat());
    else if (tag === 5 || tag === 7 || tag === 11) repeated(p, stop, numbers, int);
    else if (tag === 10) repeated(p, stop, numbers, (q) => q.readDouble());
    else if (tag === 8) name = string(p, stop);
    else if (tag === 9) raw = bytes(p, stop);
    else if (tag === 14) external = p.readVarint() === 1;
  });
  check(
    dims.every((d) => Number.isSafeInteger(d) && d >= 0),
    `dims ≥ 0 of tensor '${name}'`,
  );
  const type = types[typeNumber];
  if (!type) return { name, problem: `elements of ONNX type ${typeNumber}` };
  if (external) return { name, problem: "data in another file" };
  const count = dims.reduce((product, d) => product * d, 1);
  raw ??= floats;
  const held = raw ? raw.byteLength / type.bytes : numbers.length;
  check(held === count, `${count} numbers in tensor '${name}' [${dims}], not ${held}`);
  const data = raw ? unpack(raw, count, type) : type.type === "float32" ? Float32Array.from(numbers) : Float64Array.from(numbers);
  return { name, value: Object.freeze({ type: type.type, dims: Object.freeze(dims), data }) };
}

function valueInfo(pbf: PbfReader, end: number): ValueInfo {
  const info: Mutable<ValueInfo> = { name: "", type: 0 };
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) info.name = string(p, stop);
    if (tag !== 2) return;
    inner(p, stop, (t, q, e) => {
      if (t !== 1) return;
      inner(q, e, (u, r, f) => {
        if (u === 1) info.type = r.readVarint();
        if (u !== 2) return;
        const dims: (number | string)[] = [];
        inner(r, f, (v, s, g) => {
          if (v !== 1) return;
          let dim: number | string = "?";
          inner(s, g, (w, x, h) => {
            if (w === 1) dim = int(x);
            else if (w === 2) dim = string(x, h);
          });
          dims.push(dim);
        });
        info.dims = dims;
      });
    });
  });
  return info;
}

function attribute(pbf: PbfReader, end: number): [string, AttributeProto] {
  let name = "";
  const [floats, ints]: number[][] = [[], []];
  const value: Mutable<AttributeProto> = { floats, ints };
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) name = string(p, stop);
    else if (tag === 2) value.f = p.readFloat();
    else if (tag === 3) value.i = int(p);
    else if (tag === 4) value.s = string(p, stop);
    else if (tag === 5) value.t = tensor(p, stop);
    else if (tag === 6) value.g = graph(p, stop);
    else if (tag === 7) repeated(p, stop, floats, (q) => q.readFloat());
    else if (tag === 8) repeated(p, stop, ints, int);
  });
  return [name, value];
}

function node(pbf: PbfReader, end: number): NodeProto {
  let [name, type, domain] = ["", "", ""];
  const [inputs, outputs]: string[][] = [[], []];
  const attributes = new Map<string, AttributeProto>();
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) inputs.push(string(p, stop));
    else if (tag === 2) outputs.push(string(p, stop));
    else if (tag === 3) name = string(p, stop);
    else if (tag === 4) type = string(p, stop);
    else if (tag === 5) attributes.set(...attribute(p, stop));
    else if (tag === 7) domain = string(p, stop);
  });
  return { name: name || outputs[0] || "?", type, domain, inputs, outputs, attributes };
}

function graph(pbf: PbfReader, end: number): GraphProto {
  const result = { nodes: [] as NodeProto[], initializers: [] as TensorProto[], inputs: [] as ValueInfo[], outputs: [] as ValueInfo[] };
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) result.nodes.push(node(p, stop));
    else if (tag === 5) result.initializers.push(tensor(p, stop));
    else if (tag === 11) result.inputs.push(valueInfo(p, stop));
    else if (tag === 12) result.outputs.push(valueInfo(p, stop));
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
 * @throws LrpError code "not-onnx" when they are something else, empty, or cut off
 */
export function decode(file: Uint8Array): ModelProto {
  const refuse = (received: string, fix?: string) =>
    new LrpError("not-onnx", { where: "the model", expected: "the bytes of an ONNX file", received, fix });
  if (file.byteLength === 0) throw refuse("an empty file");
  const known = signatures.find(([, start]) => start.every((byte, i) => file[i] === byte));
  if (known) throw refuse(known[0], "Pass the .onnx file itself.");

  const opset = new Map<string, number>();
  let found: GraphProto | undefined;
  try {
    // A Buffer's slice() is a view; a plain array's is the copy that is wanted.
    const pbf = new PbfReader(new Uint8Array(file.buffer, file.byteOffset, file.byteLength));
    message(pbf, file.byteLength, (tag, p, end) => {
      if (tag === 7) found = graph(p, end);
      if (tag !== 8) return;
      let [domain, version] = ["", 0];
      inner(p, end, (t, q, stop) => {
        if (t === 1) domain = string(q, stop);
        else if (t === 2) version = int(q);
      });
      opset.set(domain === "ai.onnx" ? "" : domain, version);
    });
  } catch (error) {
    // pbf reads past the end as RangeError or returns nonsense that the checks above catch.
    if (error instanceof Malformed)
      throw refuse(`bytes that break off: expected ${error.message}`, "Is the file whole? Compare its size with the original's.");
    throw refuse("bytes that are not protocol buffers", "Is the file whole, and an ONNX file?");
  }
  if (!found || opset.size === 0) throw refuse(`a file without ${found ? "opset" : "graph"}`, "Is it an ONNX file?");
  return { opset, graph: found };
}
