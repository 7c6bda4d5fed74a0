import { demand } from "../../base/complaint.ts";
import {
  arrayOf,
  type Constant,
  type Dims,
  type ElementType,
  elementType,
  firstNonFinite,
  isFloat,
  isSmall,
  type Kept,
  kept,
  numbersFor,
  size,
} from "../../base/tensor.ts";
import { packedIntegers } from "../../base/packed.ts";
import { ops } from "../../ops/index.ts";
import { exact } from "./wire.ts";

/** How numbers of one element type lie in a file, and what becomes of them. */
export interface Element {
  readonly type: ElementType;
  /** What their bytes are looked at with. */
  readonly view: {
    readonly BYTES_PER_ELEMENT: number;
    new (buffer: ArrayBuffer): View;
    from(numbers: readonly number[]): View;
  };
  /** Those of fewer than 8 bits lie beside each other in the view, the first in the lowest ones. */
  readonly bits?: number;
  /** The field of TensorProto that holds them when they are not in raw_data. */
  readonly field: number;
  read(value: never): number;
}

type View = ArrayLike<number | bigint>;

const same = (value: number) => value;

// 2^(exponent − 25) with the sign, by the upper six bits; subnormal numbers have the exponent of the smallest normal
// ones.
const scales = Float64Array.from({ length: 64 }, (_, i) => (i < 32 ? 1 : -1) * 2 ** (Math.max(i & 31, 1) - 25));

/** float16 by its bits. Source: IEEE 754 binary16. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? scales[bits >> 10] * Infinity : Number.NaN;
  return scales[bits >> 10] * (exponent === 0 ? fraction : fraction + 1024);
}

const word = new Uint32Array(1);
const wordAsFloat = new Float32Array(word.buffer);

/** bfloat16 by its bits: the upper half of a float32. */
function brain(bits: number): number {
  word[0] = bits << 16;
  return wordAsFloat[0];
}

/** Of those that are not numbers of up to 32 bits in int32_data, looked at as callers get them. */
const others: Readonly<Partial<Record<ElementType, Partial<Element>>>> = {
  float32: { field: 4 },
  float64: { field: 10 },
  float16: { view: Uint16Array as Element["view"], read: half },
  bfloat16: { view: Uint16Array as Element["view"], read: brain },
  bool: { read: (value: number) => Number(value !== 0) },
  int64: { field: 7, read: exact },
  uint32: { field: 11 },
  uint64: { field: 11, read: exact },
};

/** How many bytes so many numbers take. */
export const bytesOf = ({ bits, view }: Element, count: number): number =>
  bits ? Math.ceil((count * bits) / 8) : count * view.BYTES_PER_ELEMENT;

/** One number a byte. */
const unpacked = (bytes: Uint8Array, bits: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => (bytes[Math.floor((i * bits) / 8)] >> ((i * bits) % 8)) % 2 ** bits);

/** By ONNX's number of the element type; those of a few bits need the operators that read them. */
export function elementOf(code: number): Element | undefined {
  const type = elementType(code);
  if (!type) return undefined;
  const common = { type, field: 5, read: same };
  if (!isSmall(type)) return { ...common, view: arrayOf(type) as Element["view"], ...others[type] };
  const small = ops.get("DequantizeLinear")?.elements?.[type];
  return small && { ...common, view: Uint8Array as Element["view"], ...small };
}

/** A constant of what a view of the file has: floats in single precision, integers as wide as they are. */
function constant(view: View, dims: Dims, { type, read }: Pick<Element, "type" | "read">): Constant {
  if (isFloat(type) ? view instanceof Float32Array : read === same) return { type, dims, data: view as Kept };
  return kept({ type, dims, data: converted(view, type, read) });
}

/**
 * What a view of the file means: float16, bfloat16 and double as float32 (the first two exactly), integers and booleans
 * as doubles.
 * @throws Complaint where a number fits neither
 */
function converted(view: View, type: ElementType, read: Element["read"]): Kept {
  const data = numbersFor(type, view.length);
  for (let i = 0; i < data.length; i++) data[i] = read(view[i] as never);
  const at = firstNonFinite(data);
  if (isFloat(type)) {
    // A single number that is too large is a bound that is not there.
    const lost = read === same && data.length > 1 && Number.isFinite(view[at]);
    demand(!lost, "unsupported", "numbers within the range of float32", `${view[at]}`);
  } else
    demand(at < 0, "unsupported", "integers that a double holds exactly, as it does all up to 2^53", "a larger one");
  return data;
}

/** Numbers of raw_data, of packed floats or of another file: little-endian, aligned to nothing. */
export function fromBytes(raw: Uint8Array, element: Element, dims: Dims): Constant {
  const { type, bits } = element;
  if (!bits) return constant(new element.view(raw.slice().buffer as ArrayBuffer), dims, element);
  if (isFloat(type)) return constant(unpacked(raw, bits, size(dims)), dims, element);
  return packedIntegers(dims, { bytes: raw.slice(), bits, type });
}

/** Numbers of a typed field. */
export function fromNumbers(numbers: readonly number[], element: Element, dims: Dims): Constant {
  const { view, read, type } = element;
  // 64 bits were looked at while reading, and floating point is what it is.
  if (read === exact) return { type, dims, data: converted(numbers, type, same) };
  if (read === same && isFloat(type)) return constant(numbers, dims, element);
  const cut = view.from(numbers);
  const at = numbers.findIndex((value, i) => value !== cut[i]);
  demand(at < 0, "invalid-model", `integers of ${8 * view.BYTES_PER_ELEMENT} bits`, `${numbers[at]}`);
  return element.bits ? fromBytes(cut as Uint8Array, element, dims) : constant(cut, dims, element);
}
