import { attributesFor, type AttributeValue, type ConstantInput } from "./described.ts";
import { Problems } from "../base/problems.ts";
import type { TaylorNeurons } from "../ops/taylor.ts";
import type { Tensor } from "../base/tensor.ts";

/** A layer that is described in code, to be given to `sequential` or to `network`. Made by the functions here. */
export interface Layer {
  /** ONNX's name of the operator. */
  readonly type: string;
  readonly name?: string;
  /** ONNX's attributes of it. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What it reads after its inputs. */
  readonly parameters: readonly (ConstantInput | undefined)[];
  /** How many inputs it has; as many as the operator takes, unless stated. */
  readonly inputs?: 1;
}

/** What every layer takes. */
export interface LayerOptions {
  /** How messages, composites and `at` call the layer; its type and place unless given. */
  readonly name?: string;
}

/** One number for both axes, or [height, width]. */
export type PerAxis = number | readonly [number, number];
/** One number for all sides, [height, width], or [top, left, bottom, right]. */
export type PerSide = number | readonly [number, number] | readonly [number, number, number, number];

/** Attributes by ONNX's names, and the layer's name. */
export type OpOptions = LayerOptions & Readonly<Record<string, AttributeValue | undefined>>;

/**
 * A layer of any operator that relprop runs, called as in ONNX, with ONNX's attributes, defaults and shapes of opset
 * 22. `LRN` has `region` and `window` besides, as `lrn` explains them. What does not fit is an error of the network
 * that the layer becomes part of.
 *
 * @param parameters what each node of the layer reads after its inputs; undefined leaves one out
 * @example
 * const scale = { data: Float32Array.of(2, 0.5), dims: [2] };
 * const layers = [op("ReduceMax", { keepdims: 0 }, [2]), op("Mul", {}, scale)];
 * const model = await load(sequential({ input: [2, 2] }, layers));
 * const x = { data: Float32Array.of(1, 3, 2, 4), dims: [1, 2, 2] };
 * console.log(model.predict(x).output.data); // → Float32Array(2) [ 6, 2 ]
 */
export function op(
  type: string,
  { name, ...attributes }: OpOptions = {},
  ...parameters: readonly (ConstantInput | undefined)[]
): Layer {
  return Object.freeze({ type, name, attributes: Object.freeze(attributes), parameters });
}

const layer = (
  type: string,
  { name }: LayerOptions,
  attributes: Layer["attributes"] = {},
  parameters: Layer["parameters"] = [],
): Layer => Object.freeze({ type, name, attributes: Object.freeze(attributes), parameters, inputs: 1 });

const pair = (v?: PerAxis): readonly number[] | undefined => (typeof v === "number" ? [v, v] : v);

function pads(v?: PerSide): readonly number[] | undefined {
  if (typeof v === "number") return [v, v, v, v];
  return v?.length === 2 ? [v[0], v[1], v[0], v[1]] : v;
}

/** What every layer with a window takes. */
export interface WindowOptions extends LayerOptions {
  /** Default 1; for pools the kernel. */
  readonly strides?: PerAxis;
  /** Default 0. */
  readonly pads?: PerSide;
  /** Default 1. */
  readonly dilations?: PerAxis;
}

const windowOf = (o: WindowOptions) => ({ strides: pair(o.strides), pads: pads(o.pads), dilations: pair(o.dilations) });

/** Convolution over [n, c, h, w]. `weight` is f32[m, c / group, kh, kw], `bias` f32[m]. */
export function conv2d(
  o: WindowOptions & { readonly weight: Tensor; readonly bias?: Tensor; readonly group?: number },
): Layer {
  return layer("Conv", o, { ...windowOf(o), group: o.group }, [o.weight, o.bias]);
}

/** Dense layer over [n, k]. `weight` is f32[m, k], `bias` f32[m]. */
export function dense(o: LayerOptions & { readonly weight: Tensor; readonly bias?: Tensor }): Layer {
  return layer("Gemm", o, { transB: 1 }, [o.weight, o.bias]);
}

export function relu(o: LayerOptions = {}): Layer {
  return layer("Relu", o);
}

/** x, or alpha · x below 0; alpha is 0.01 unless given. */
export function leakyRelu(o: LayerOptions & { readonly alpha?: number } = {}): Layer {
  return layer("LeakyRelu", o, { alpha: o.alpha });
}

export function sigmoid(o: LayerOptions = {}): Layer {
  return layer("Sigmoid", o);
}

export function tanh(o: LayerOptions = {}): Layer {
  return layer("Tanh", o);
}

/** A bound as the operator takes it, if it is one. */
const bound = (v: number | undefined, open: number): Tensor | undefined =>
  v === undefined || v === open ? undefined : { data: Float32Array.of(v), dims: [] };

/** x between min and max, both open unless given. */
export function clip(o: LayerOptions & { readonly min?: number; readonly max?: number } = {}): Layer {
  return layer("Clip", o, {}, [bound(o.min, -Infinity), bound(o.max, Infinity)]);
}

/** Softmax over the channels (axis 1). */
export function softmax(o: LayerOptions = {}): Layer {
  return layer("Softmax", o, { axis: 1 });
}

/** What every pool takes. */
export interface PoolOptions extends WindowOptions {
  readonly kernel: PerAxis;
  /** Round the number of windows up instead of down. */
  readonly ceil?: boolean;
}

const poolOf = ({ kernel, strides = kernel, ceil, ...o }: PoolOptions) => ({
  ...windowOf({ ...o, strides }),
  kernel_shape: pair(kernel),
  ceil_mode: Number(ceil ?? false),
});

export function maxPool2d(o: PoolOptions): Layer {
  return layer("MaxPool", o, poolOf(o));
}

/** Mean over windows; `countPads`: whether the divisor counts padding (default false). */
export function averagePool2d(o: PoolOptions & { readonly countPads?: boolean }): Layer {
  return layer("AveragePool", o, { ...poolOf(o), count_include_pad: Number(o.countPads ?? false) });
}

/** Mean over all positions: [n, c, h, w] to [n, c, 1, 1]. */
export function globalAveragePool(o: LayerOptions = {}): Layer {
  return layer("GlobalAveragePool", o);
}

export interface LrnOptions extends LayerOptions {
  /** Width of the window; within a channel it is size × size. */
  readonly size: number;
  /** Default 1e-4. Divided by the number of places in the window, size or size². */
  readonly alpha?: number;
  /** Default 0.75. */
  readonly beta?: number;
  /** Default 1. */
  readonly bias?: number;
  /** `channels` (default): AlexNet, GoogLeNet. `spatial`: Caffe's WITHIN_CHANNEL. */
  readonly region?: "channels" | "spatial";
  /** Where an even window leans: ONNX reaches one further ahead (default), PyTorch one further back. */
  readonly window?: "onnx" | "torch";
}

/**
 * Local response normalization, y_k = x_k / (bias + alpha / places · Σ x_j²)^beta.
 *
 * @example
 * lrn({ size: 5, alpha: 1e-4, beta: 0.75, bias: 1 }).type; // "LRN"
 */
export function lrn({ name, size, alpha, beta, bias, region, window }: LrnOptions): Layer {
  const made = layer("LRN", { name }, { size, alpha, beta, bias, region, window });
  const problems = new Problems();
  problems.attempt(`layer '${name ?? "lrn"}'`, () => attributesFor(made.type, made.attributes));
  problems.raise("usage");
  return made;
}

/** Batch normalization with the statistics of training, one number for each channel. */
export function batchNormalization(
  o: LayerOptions & {
    readonly scale: Tensor;
    readonly shift: Tensor;
    readonly mean: Tensor;
    readonly variance: Tensor;
    readonly epsilon?: number;
  },
): Layer {
  return layer("BatchNormalization", o, { epsilon: o.epsilon }, [o.scale, o.shift, o.mean, o.variance]);
}

/** [n, …] to [n, product]. */
export function flatten(o: LayerOptions = {}): Layer {
  return layer("Flatten", o, { axis: 1 });
}

/** A layer of neurons with any differentiable function, explained by its first-order Taylor expansion. */
export function taylor(o: LayerOptions & TaylorNeurons): Layer {
  return layer("TaylorNeurons", o, { neurons: o });
}
