import { demand } from "../../base/complaint.ts";
import { type Constant, firstNonFinite } from "../../base/tensor.ts";
import { exact } from "./wire.ts";

/** How numbers of one element type lie in a file, and what becomes of them. */
export interface Element {
  /** What their bytes are looked at with. */
  readonly view: {
    readonly BYTES_PER_ELEMENT: number;
    new (buffer: ArrayBuffer): View;
    from(numbers: readonly number[]): View;
  };
  /** The field of TensorProto that holds them when they are not in raw_data. */
  readonly field: number;
  readonly type: Constant["type"];
  read(value: never): number;
}

type View = ArrayLike<number | bigint>;

const as = (type: Constant["type"], view: unknown, field: number, read: (value: never) => number): Element => ({
  view: view as Element["view"],
  field,
  type,
  read,
});

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

/** By ONNX's number of the element type: those that are numbers of 8 bits or more. */
export const elements: Readonly<Record<number, Element>> = {
  1: as("float32", Float32Array, 4, same),
  2: as("int64", Uint8Array, 5, same),
  3: as("int64", Int8Array, 5, same),
  4: as("int64", Uint16Array, 5, same),
  5: as("int64", Int16Array, 5, same),
  6: as("int32", Int32Array, 5, same),
  7: as("int64", BigInt64Array, 7, exact),
  9: as("bool", Uint8Array, 5, (value: number) => Number(value !== 0)),
  10: as("float32", Uint16Array, 5, half),
  11: as("float32", Float64Array, 10, same),
  12: as("int64", Uint32Array, 11, same),
  13: as("int64", BigUint64Array, 11, exact),
  16: as("float32", Uint16Array, 5, brain),
};

/**
 * What a view of the file means: float16, bfloat16 and double as float32 (the first two exactly), integers and booleans
 * as doubles.
 * @throws Complaint where a number fits neither
 */
function converted(view: View, { type, read }: Element): Constant["data"] {
  const data = type === "float32" ? new Float32Array(view.length) : new Float64Array(view.length);
  for (let i = 0; i < data.length; i++) data[i] = read(view[i] as never);
  const at = firstNonFinite(data);
  if (type === "float32") {
    // A single number that is too large is a bound that is not there.
    const lost = read === same && data.length > 1 && Number.isFinite(view[at]);
    demand(!lost, "unsupported", "numbers that float32 holds", `${view[at]}`);
  } else demand(at < 0, "unsupported", "integers that a double holds (all up to 2^53)", "a larger one");
  return data;
}

/** Numbers of raw_data, of packed floats or of another file: little-endian, aligned to nothing. */
export function fromBytes(raw: Uint8Array, element: Element): Constant["data"] {
  const view = new element.view(raw.slice().buffer as ArrayBuffer);
  return view instanceof Float32Array ? view : converted(view, element);
}

/** Numbers of a typed field. */
export function fromNumbers(numbers: readonly number[], element: Element): Constant["data"] {
  const { view, read } = element;
  // 64 bits were looked at while reading, and floating point is what it is.
  if (read === exact) return converted(numbers, { ...element, read: same });
  if (read === same && element.type === "float32") return converted(numbers, element);
  const cut = view.from(numbers);
  const at = numbers.findIndex((value, i) => value !== cut[i]);
  demand(at < 0, "invalid-model", `integers of ${8 * view.BYTES_PER_ELEMENT} bits`, `${numbers[at]}`);
  return converted(cut, element);
}
