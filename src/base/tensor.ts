import type { PackedRows } from "./packed-rows.ts";

/** Sizes along each axis, outermost first, e.g. `[n, c, h, w]`. */
export type Dims = readonly number[];

/**
 * Element types of values: ONNX's number of each, and the array in which callers get its numbers. While a network runs
 * all of them are float32.
 */
const elementTypes = {
  float32: [1, Float32Array],
  uint8: [2, Uint8Array],
  int8: [3, Int8Array],
  uint16: [4, Uint16Array],
  int16: [5, Int16Array],
  int32: [6, Int32Array],
  int64: [7, BigInt64Array],
  bool: [9, Uint8Array],
  float16: [10, Float32Array],
  float64: [11, Float64Array],
  uint32: [12, Uint32Array],
  uint64: [13, BigUint64Array],
  bfloat16: [16, Float32Array],
  float8e4m3fn: [17, Float32Array],
  float8e4m3fnuz: [18, Float32Array],
  float8e5m2: [19, Float32Array],
  float8e5m2fnuz: [20, Float32Array],
  uint4: [21, Uint8Array],
  int4: [22, Int8Array],
  float4e2m1: [23, Float32Array],
  float8e8m0: [24, Float32Array],
  uint2: [25, Uint8Array],
  int2: [26, Int8Array],
} as const;

/** Element types of values. */
export type ElementType = keyof typeof elementTypes;

export const typeNames = Object.keys(elementTypes) as readonly ElementType[];

/** The arrays in which callers get numbers. */
export type TensorData = Kept | BigInt64Array | BigUint64Array;

/** Whether numbers have so few bits that mostly weights are kept in them. */
export const isSmall = (type: ElementType): boolean => /^float[48]|int[24]$/.test(type);
/** Whether these are floats of so few bits. */
export const isTiny = (type: ElementType): boolean => isFloat(type) && isSmall(type);

/** Whether numbers of a type are no integers; it is float32 where nothing is said. */
export const isFloat = (type: ElementType = "float32"): boolean => type.includes("float");
export const isInteger = (type: ElementType = "float32"): boolean => type.includes("int");

/** The element type of ONNX's number for it, if it is one of those. */
export const elementType = (code: number): ElementType | undefined =>
  typeNames.find((name) => elementTypes[name][0] === code);

/**
 * TensorData in row-major order: any object with these properties. onnxruntime's tensors of type float32 are ones;
 * of a TensorFlow.js tensor t, `{ data: t.dataSync(), dims: t.shape }` is one.
 *
 * Relevance and logits are a Float32Array. So is a network's output of type float32, float16 or bfloat16; one of
 * float64 (ONNX's double) is a Float64Array with what float32 arithmetic gave, one of int64 or uint64 a BigInt64Array
 * or BigUint64Array, one of fewer bits the array of that width, and one of booleans a Uint8Array.
 */
export interface Tensor<Data extends TensorData = Float32Array> {
  readonly data: Data;
  readonly dims: Dims;
  /** What the numbers are where they are not float32: of booleans 1 for true and 0 for false. */
  readonly type?: Exclude<ElementType, "float32">;
  /** The axis that counts samples, null where there is none; left out, 0. */
  readonly batchAxis?: number | null;
  /** Whether channels are the first or the last axis of a sample; left out, the first of pictures. */
  readonly channelAxis?: "first" | "last";
  /** Relevance of an explanation that has exploded: `heatmap` marks its picture. */
  readonly amplified?: boolean;
}

const kindOf = (data: unknown): string => Object.prototype.toString.call(data).slice(8, -1);

/** Whether these are float32 numbers, of this realm or of another, such as a frame or a test runner's sandbox. */
export const isFloat32 = (data: unknown): data is Float32Array => kindOf(data) === "Float32Array";

/** Whether these are numbers in a typed array. */
export const isTyped = (data: unknown): data is ArrayLike<number> | ArrayLike<bigint> =>
  /^(Float|(Big)?(Int|Uint))\d+(Clamped)?Array$/.test(kindOf(data));

/**
 * The largest integer up to which float32 has all of them: while a network runs, integers and booleans are kept as
 * float32 too.
 */
export const LARGEST_INTEGER = 2 ** 24;

/** The arrays in which constants are kept. */
export type Kept =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/**
 * What a file knows: floats in single precision, integers and booleans as wide as they are, those of 64 bits as
 * doubles.
 */
export interface Constant {
  readonly type: ElementType;
  readonly data: Kept;
  readonly dims: Dims;
  /** Of a file's tensor: whether there are infinities in it, which a mask may have and a weight may not. */
  readonly infinite?: true;
  /** What stands for numbers that take fewer bytes than `data`, which is then made each time that it is asked for. */
  readonly packed?: Packed;
}

/** Integers that lie beside each other in bytes, the first in the lowest bits. */
export interface Integers {
  readonly bytes: Uint8Array | Int8Array;
  /** Of each of them: 2, 4 or 8. */
  readonly bits: number;
  readonly type: ElementType;
}

/** What stands for the numbers of a packed constant. */
export interface Packed {
  readonly integers: Integers;
  /** The number at a place. */
  at(i: number): number;
  /** As m rows of k numbers, if each scale is that of a row, or of a block of one: of [m, k], or transposed of [k, m]. */
  rows?(m: number, k: number, isTransposed: boolean): PackedRows | undefined;
  /** Times a factor for each place of the last axis, or of the first; undefined where these share scales. */
  scaled?(factors: ArrayLike<number>, axis: "first" | "last"): Constant | undefined;
}

/** A constant that is computed with: integers and booleans are doubles. */
export type Wide = Constant & { readonly data: Float32Array | Float64Array };

/** An array to compute numbers of a type in: these, or so many zeros. */
export function numbersFor(type: ElementType, of: number | ArrayLike<number>): Wide["data"] {
  return isFloat(type) ? new Float32Array(of as number) : new Float64Array(of as number);
}

/** The array in which constants of a type are kept. */
function keptIn(type: ElementType) {
  if (isFloat(type)) return Float32Array;
  return /64$/.test(type) ? Float64Array : (arrayOf(type) as Int8ArrayConstructor);
}

/** How many bytes each number of a constant takes. */
export const bytesKept = (type: ElementType): number => keptIn(type).BYTES_PER_ELEMENT;

/** A constant as it is kept. */
export function kept(constant: Constant): Constant {
  const { type, packed } = constant;
  if (packed || isFloat(type)) return constant;
  const array = keptIn(type);
  return constant.data instanceof array ? constant : { ...constant, data: new array(constant.data) };
}

/** A constant to compute with: integers become doubles where they are asked for. */
export function widened(constant: Constant): Wide {
  const { type, dims } = constant;
  if (isFloat(type) && !constant.packed) return constant as Wide;
  let data: Wide["data"] | undefined;
  return {
    type,
    dims,
    get data() {
      return (data ??= numbersFor(type, constant.data));
    },
  };
}

/** The array in which callers get numbers of a type. */
export const arrayOf = (type: ElementType) => elementTypes[type][1];

/** Numbers as callers get them. */
export function asType(type: ElementType, data: Kept): TensorData {
  const array = arrayOf(type);
  if (array !== BigInt64Array && array !== BigUint64Array) return new (array as Float32ArrayConstructor)(data);
  // One by one: a list of them would take five times as much.
  const whole = new array(data.length);
  for (let i = 0; i < data.length; i++) whole[i] = BigInt(data[i]);
  return whole;
}

/** Numbers in single precision. */
export const asFloats = (data: TensorData): Float32Array =>
  isFloat32(data) ? data : Float32Array.from(data as ArrayLike<number>, Number);

/** The smallest and the largest number of a type: of floats that float32 holds, of 64 bits that doubles hold all up to. */
export function rangeOf(type: ElementType): readonly [low: number, high: number] {
  if (type === "bool") return [0, 1];
  if (isFloat(type)) {
    const most = type === "float16" ? 65504 : (2 - 2 ** -23) * 2 ** 127;
    return [-most, most];
  }
  const unsigned = type.startsWith("u");
  const values = 2 ** (Number(/\d+/.exec(type)) - (unsigned ? 0 : 1));
  const most = Math.min(values - 1, Number.MAX_SAFE_INTEGER);
  return [unsigned ? 0 : Math.max(-values, -most - 1), most];
}

/** Whether float32 has all numbers of a constant: of integers those up to 2^24, and some. */
export function isExact(constant: Constant): boolean {
  const { type } = constant;
  return isFloat(type) || bytesKept(type) <= 2 || constant.data.every((v) => v === Math.fround(v));
}

/** ONNX's element types, in the order of its numbers for them. */
const TYPE_NAMES = (
  "undefined float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 " +
  "complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 " +
  "float8e8m0 uint2 int2"
).split(" ");

/** ONNX's number of an element type, by its name. */
export const typeCode = (name: string): number => TYPE_NAMES.indexOf(name.toLowerCase());

/** ONNX's name of an element type, by its number. */
export function typeName(code: number): string {
  return TYPE_NAMES[code] ?? `element type ${code}, which ONNX does not define`;
}

/** Number of elements. */
export function size(dims: Dims): number {
  return dims.reduce((product, d) => product * d, 1);
}

/** Row-major element strides. */
export function strides(dims: Dims): number[] {
  const out = new Array<number>(dims.length);
  for (let axis = dims.length - 1, step = 1; axis >= 0; axis--) {
    out[axis] = step;
    step *= dims[axis];
  }
  return out;
}

/** ONNX (numpy) broadcasting of any number of shapes; undefined where they do not fit. */
export function broadcast(shapes: readonly Dims[]): number[] | undefined {
  const rank = shapes.reduce((most, s) => Math.max(most, s.length), 0);
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let i = 0; i < shape.length; i++) {
      const axis = rank - shape.length + i;
      if (shape[i] === 1 || shape[i] === out[axis]) continue;
      if (out[axis] !== 1) return undefined;
      out[axis] = shape[i];
    }
  }
  return out;
}

/** `axis` counted from the end when negative; undefined when out of range. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const positive = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && positive >= 0 && positive < rank ? positive : undefined;
}

/** Shapes as text: `f32[1, 3, 224, 224]`. */
export function shapeText(dims: readonly (number | string)[], type: ElementType | "f32" | "" = "f32"): string {
  return `${type === "float32" ? "f32" : type}[${dims.join(", ")}]`;
}

/**
 * y[to + i] += factor · x[from + i]. A function of its own, because that is compiled well sooner than a loop inside
 * loops.
 */
export function addScaled(
  y: Float64Array,
  to: number,
  x: Float64Array,
  from: number,
  count: number,
  factor: number,
): void {
  for (let i = 0; i < count; i++) y[to + i] += factor * x[from + i];
}

/** The position of the first number that is infinite or NaN, or −1. */
export function firstNonFinite(data: Kept): number {
  // A loop without a call for every number: weights are looked through on loading, inputs and relevance on every run.
  // Four sums, because each addition to one would wait for the one before.
  let [a, b, c, d] = [0, 0, 0, 0];
  const end = data.length - (data.length % 4);
  for (let i = 0; i < end; i += 4) {
    a += data[i] * 0;
    b += data[i + 1] * 0;
    c += data[i + 2] * 0;
    d += data[i + 3] * 0;
  }
  for (let i = end; i < data.length; i++) a += data[i] * 0;
  return a + b + c + d === 0 ? -1 : data.findIndex((v) => !Number.isFinite(v));
}
