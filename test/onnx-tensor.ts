import { PbfReader } from "pbf";

/** Numbers of a file, in row-major order, with the name of their type. */
export interface StoredTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

type View = new (buffer: ArrayBuffer) => ArrayLike<number | bigint>;

/** ONNX's numbers for element types, and how numbers of that type lie in a file. */
const types: Readonly<Record<number, readonly [name: string, view: View]>> = {
  1: ["float32", Float32Array],
  2: ["uint8", Uint8Array],
  3: ["int8", Int8Array],
  4: ["uint16", Uint16Array],
  5: ["int16", Int16Array],
  6: ["int32", Int32Array],
  7: ["int64", BigInt64Array],
  9: ["bool", Uint8Array],
  10: ["float16", Uint16Array],
  11: ["float64", Float64Array],
  12: ["uint32", Uint32Array],
  13: ["uint64", BigUint64Array],
  16: ["bfloat16", Uint16Array],
};

/** Floating point of 16 bits, a sign, an exponent and so many bits of a fraction: IEEE 754's binary16, and bfloat16. */
function fromBits(bits: number, fractionBits: number): number {
  const exponentBits = 15 - fractionBits;
  const [most, scale] = [2 ** exponentBits - 1, 2 ** fractionBits];
  const [exponent, fraction] = [(bits >> fractionBits) & most, bits % scale];
  const sign = bits >> 15 ? -1 : 1;
  if (exponent === most) return fraction === 0 ? sign * Infinity : Number.NaN;
  const bias = (most - 1) / 2;
  if (exponent === 0) return (sign * fraction * 2 ** (1 - bias)) / scale;
  return sign * (1 + fraction / scale) * 2 ** (exponent - bias);
}

/** Integers that lie beside each other in a byte, the first in the lowest bits. */
const SMALL: Readonly<Record<number, { readonly name: string; readonly bits: number; readonly signed: boolean }>> = {
  21: { name: "uint4", bits: 4, signed: false },
  22: { name: "int4", bits: 4, signed: true },
  25: { name: "uint2", bits: 2, signed: false },
  26: { name: "int2", bits: 2, signed: true },
};

function unpacked(raw: Uint8Array, { bits, signed }: (typeof SMALL)[number], dims: readonly number[]): number[] {
  const count = dims.reduce((product, d) => product * d, 1);
  return Array.from({ length: count }, (_, i) => {
    const v = (raw[Math.floor((i * bits) / 8)] >> ((i * bits) % 8)) % 2 ** bits;
    return signed && v >= 2 ** (bits - 1) ? v - 2 ** bits : v;
  });
}

const FRACTIONS: Readonly<Record<string, number>> = { float16: 10, bfloat16: 7 };

/** Reads a TensorProto, as the backend tests store them; apart from the library's own reader. */
export function readTensor(bytes: Uint8Array): StoredTensor {
  const dims: number[] = [];
  let type = 0;
  let raw = new Uint8Array();
  const numbers: number[] = [];
  const pbf = new PbfReader(bytes);
  pbf.readFields((tag) => {
    if (tag === 1 && pbf.type === 2) pbf.readPackedVarint(dims);
    else if (tag === 1) dims.push(pbf.readVarint());
    else if (tag === 2) type = pbf.readVarint();
    else if (tag === 5 && pbf.type === 2) pbf.readPackedVarint(numbers, true);
    else if (tag === 4 || tag === 9) raw = Uint8Array.from(pbf.readBytes());
  }, {});
  const [name, View] = types[type] ?? [`ONNX type ${type}`, Uint8Array];
  const small = SMALL[type];
  if (small)
    return { type: small.name, dims, data: unpacked(raw.length > 0 ? raw : Uint8Array.from(numbers), small, dims) };
  const data = numbers.length > 0 ? numbers : Array.from(new View(raw.buffer), Number);
  const fraction = FRACTIONS[name];
  return { type: name, dims, data: fraction ? data.map((bits) => fromBits(bits, fraction)) : data };
}
