/** Sizes along each axis, outermost first, e.g. `[n, c, h, w]`. */
export type Dims = readonly number[];

/** Element types of values. */
export type ElementType = "float32" | "int32" | "int64" | "bool";

/**
 * Numbers in row-major order: any object with these properties. onnxruntime's tensors of type float32 are ones;
 * of a TensorFlow.js tensor t, `{ data: t.dataSync(), dims: t.shape }` is one.
 */
export interface Tensor {
  readonly data: Float32Array;
  readonly dims: Dims;
  /** What the numbers are where they are not float32: integers, or 1 for true and 0 for false. */
  readonly type?: Exclude<ElementType, "float32">;
  /** The axis that counts samples, null where there is none; left out, 0. */
  readonly batchAxis?: number | null;
  /** Whether channels are the first or the last axis of a sample; left out, the first of pictures. */
  readonly channelAxis?: "first" | "last";
  /** Relevance of an explanation that has exploded: `heatmap` marks its picture. */
  readonly amplified?: boolean;
}

/** Whether numbers of a type are no integers; it is float32 where nothing is said. */
export const isFloat = (type: ElementType = "float32"): boolean => type.includes("float");

/** Whether these are float32 numbers, of this realm or of another, such as a frame or a test runner's sandbox. */
export const isFloat32 = (data: unknown): data is Float32Array =>
  Object.prototype.toString.call(data) === "[object Float32Array]";

/**
 * The largest integer up to which float32 has all of them: while a network runs, integers and booleans are kept as
 * float32 too.
 */
export const LARGEST_INTEGER = 2 ** 24;

/** What a file knows: weights, and the integers and booleans (kept as doubles) that shapes are computed from. */
export interface Constant {
  readonly type: ElementType;
  readonly data: Float32Array | Float64Array;
  readonly dims: Dims;
  /** Of a file's tensor: whether there are infinities in it, which a mask may have and a weight may not. */
  readonly infinite?: true;
}

/** Whether float32 has all numbers of a constant: of integers, those up to 2^24. */
export function isExact({ type, data }: Constant): boolean {
  return type === "float32" || data.every((v) => Math.abs(v) <= LARGEST_INTEGER);
}

/** ONNX's element types, in the order of its numbers for them. */
const TYPE_NAMES = (
  "undefined float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 " +
  "complex128 bfloat16 float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz uint4 int4 float4e2m1 " +
  "float8e8m0 uint2 int2"
).split(" ");

/** ONNX's name of an element type, by its number. */
export function typeName(code: number): string {
  return TYPE_NAMES[code] ?? `type ${code}, which ONNX has not`;
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
export function firstNonFinite(data: Constant["data"]): number {
  // A loop without a call for every number: weights are looked through on loading, inputs and relevance on every run.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] * 0;
  return sum === 0 ? -1 : data.findIndex((v) => !Number.isFinite(v));
}
