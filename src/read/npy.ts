import { LrpError } from "../base/error.ts";
import { strides, type Tensor } from "../base/tensor.ts";
import { elementOf } from "./onnx/elements.ts";

/*
 * .npy: "\x93NUMPY", major and minor version, the header's length (u16 in version 1, u32 in 2 and 3), the header (a
 * Python dict literal with 'descr', 'fortran_order' and 'shape', padded with spaces), then the values.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
const MAGIC = "\x93NUMPY";
/** Longer headers than numpy reads itself (`max_header_size`) are of no use here. */
const LONGEST_HEADER = 65536;
const CONVERT = "Convert it in Python: np.save(path, x.astype('float32')).";

/** numpy's types by their names in a header, without the order of bytes: numpy's own name, and ONNX's number. */
const TYPES: Readonly<Record<string, readonly [name: string, onnx: number]>> = {
  f2: ["float16", 10],
  f4: ["float32", 1],
  f8: ["float64", 11],
  b1: ["bool", 9],
  i1: ["int8", 3],
  u1: ["uint8", 2],
  i2: ["int16", 5],
  u2: ["uint16", 4],
  i4: ["int32", 6],
  u4: ["uint32", 12],
  i8: ["int64", 7],
  u8: ["uint64", 13],
};

/** The one type whose numbers are rounded, as every framework does it. */
const ROUNDED = "float64";

/** A tensor from a file. */
export interface NpyTensor extends Tensor {
  /** The type of its numbers in the file, where they had to be rounded. */
  readonly rounded?: string;
}

/** Whether bytes begin as a .npy file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, MAGIC.length)) === MAGIC;
}

/**
 * The array in a .npy file (versions 1 to 3), in C order, as float32. Integers, booleans and float16 are read where
 * float32 has every one of the numbers; float64 is rounded, and said to be.
 *
 * @param name how errors name the file
 * @throws LrpError code "usage" when a number would be lost, when the file holds no such numbers, is damaged, or is cut
 *   off.
 */
export function readNpy(bytes: Uint8Array, name: string): NpyTensor {
  const fail = (expected: string, received: string, fix?: string) =>
    new LrpError("usage", { where: `file '${name}'`, expected, received, fix });
  if (!isNpy(bytes)) throw fail("a .npy file", "other content");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version !== undefined && (version < 1 || version > 3))
    throw fail(".npy version 1, 2 or 3", `version ${version}`, CONVERT);
  const start = version === 1 ? 10 : 12;
  const length = bytes.length < start ? Number.NaN : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > LONGEST_HEADER) throw fail(`a .npy header of at most ${LONGEST_HEADER} bytes`, `${length}`);
  if (!(start + length <= bytes.length))
    throw fail("a whole .npy header", `a file cut off after ${bytes.length} bytes`);
  const { descr, fortran, dims } = parseHeader(latin1(bytes.subarray(start, start + length)));
  if (descr === undefined || fortran === undefined || dims === undefined)
    throw fail("a .npy header with descr, fortran_order and shape", "another", CONVERT);
  const [, order, key] = /^([<>|=])(\w\d)$/.exec(descr) ?? [];
  const type = Object.hasOwn(TYPES, key ?? "") ? TYPES[key] : undefined;
  if (!type)
    throw fail(
      `numbers of type ${Object.values(TYPES)
        .map(([one]) => one)
        .join(", ")}`,
      `'${descr}'`,
      CONVERT,
    );
  const size = Number(key[1]) * dims.reduce((product, d) => product * d, 1);
  const rest = bytes.subarray(start + length);
  if (rest.length !== size)
    throw fail(
      `${size} bytes of values for shape [${dims.join(", ")}]`,
      `${rest.length}`,
      "The file is cut off or damaged: save it again.",
    );
  const data = float32(order === ">" ? swapped(rest, Number(key[1])) : new Uint8Array(rest), type, fail);
  return { data: fortran ? rowMajor(data, dims) : data, dims, ...(type[0] === ROUNDED && { rounded: ROUNDED }) };
}

/** @param bytes a copy, little-endian */
function float32(
  bytes: Uint8Array<ArrayBuffer>,
  [name, onnx]: (typeof TYPES)[string],
  fail: (expected: string, received: string) => LrpError,
): Float32Array {
  const { view: View, read } = elementOf(onnx)!;
  const values = new View(bytes.buffer);
  if (values instanceof Float32Array) return values;
  const data = new Float32Array(values.length);
  for (let i = 0; i < data.length; i++) {
    const given = values[i];
    const value = typeof given === "bigint" ? given : read(given as never);
    data[i] = Number(value);
    const lost =
      name === ROUNDED ? Number.isFinite(value) && !Number.isFinite(data[i]) : data[i] < value || data[i] > value;
    if (lost) throw fail("numbers that float32 holds", `the ${name} ${value} at position ${i}`);
  }
  return data;
}

/** Numbers of so many bytes in the other order. */
function swapped(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes, (_, i) => bytes[i - (i % size) + (size - 1 - (i % size))]);
}

/** What lies in Fortran order, its first axis the innermost, in C order. */
function rowMajor(data: Float32Array, dims: readonly number[]): Float32Array {
  const [from, to] = [strides([...dims].reverse()).reverse(), strides(dims)];
  return data.map((_, i) => data[dims.reduce((at, d, axis) => at + (Math.floor(i / to[axis]) % d) * from[axis], 0)]);
}

/** A tensor as a .npy file: version 1.0, '<f4', C order. */
export function writeNpy({ data, dims }: Tensor): Uint8Array {
  const shape = dims.length === 1 ? `(${dims[0]},)` : `(${dims.join(", ")})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  // The format asks for values at a multiple of 64 bytes, so that they can be memory-mapped.
  const start = Math.ceil((10 + header.length + 1) / 64) * 64;
  const text = `${MAGIC}\x01\x00__${header.padEnd(start - 11)}\n`;
  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}

function parseHeader(text: string): { descr?: string; fortran?: boolean; dims?: number[] } {
  const descr = /['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|\[)/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(\s*((?:\d+\s*,\s*)*(?:\d+\s*)?)\)/.exec(text)?.[1];
  return {
    descr: descr ? (descr[1] ?? "a structured type") : undefined,
    fortran: order === undefined ? undefined : order === "True",
    dims: shape?.match(/\d+/g)?.map(Number) ?? (shape === undefined ? undefined : []),
  };
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => String.fromCharCode(b)).join("");
}
