import { Complaint, require } from "./ops/op.ts";
import { LrpError } from "./error.ts";
import type { Graph, Node } from "./graph/graph.ts";
import { checkedLrn } from "./ops/lrn.ts";
import type { TaylorNeurons } from "./ops/taylor.ts";
import type { WindowAttributes } from "./ops/window.ts";
import { type Constant, firstNonFinite, isFloat32, size, type Tensor } from "./tensor.ts";

/** A layer that is described in code. Made by the functions of this file. */
export interface Layer {
  readonly type: string;
  readonly name?: string;
  readonly attributes: unknown;
  /** Parameters, in the order of the operator's inputs after the first. */
  readonly parameters: readonly (Tensor | undefined)[];
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

const layer = (type: string, options: LayerOptions, attributes: unknown, parameters: readonly (Tensor | undefined)[] = []): Layer =>
  Object.freeze({ type, name: options.name, attributes: Object.freeze(attributes), parameters });

const pair = (v: PerAxis): readonly number[] => (typeof v === "number" ? [v, v] : v);

function pads(v: PerSide): readonly number[] {
  if (typeof v === "number") return [v, v, v, v];
  return v.length === 2 ? [v[0], v[1], v[0], v[1]] : v;
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

function windowOf(o: WindowOptions & { ceil?: boolean }, kernel: readonly number[] | undefined, strides: PerAxis): WindowAttributes {
  return {
    kernel,
    strides: pair(o.strides ?? strides),
    pads: pads(o.pads ?? 0),
    dilations: pair(o.dilations ?? 1),
    autoPad: "NOTSET",
    ceil: o.ceil ?? false,
  };
}

/** Convolution over [n, c, h, w]. `weight` is f32[m, c / group, kh, kw], `bias` f32[m]. */
export function conv2d(o: WindowOptions & { readonly weight: Tensor; readonly bias?: Tensor; readonly group?: number }): Layer {
  return layer("Conv", o, { window: windowOf(o, undefined, 1), group: o.group ?? 1 }, [o.weight, o.bias]);
}

/** Dense layer over [n, k]. `weight` is f32[m, k], `bias` f32[m]. */
export function dense(o: LayerOptions & { readonly weight: Tensor; readonly bias?: Tensor }): Layer {
  return layer("Gemm", o, { rowsAreOutputs: true, alpha: 1, beta: 1 }, [o.weight, o.bias]);
}

export function relu(o: LayerOptions = {}): Layer {
  return layer("Relu", o, { a: 0, b: 0 });
}

/** x, or alpha · x below 0; alpha is 0.01 unless given. */
export function leakyRelu(o: LayerOptions & { readonly alpha?: number } = {}): Layer {
  return layer("LeakyRelu", o, { a: 1, b: o.alpha ?? 0.01 });
}

export function sigmoid(o: LayerOptions = {}): Layer {
  return layer("Sigmoid", o, { a: 0, b: 0 });
}

export function tanh(o: LayerOptions = {}): Layer {
  return layer("Tanh", o, { a: 0, b: 0 });
}

/** x between min and max, both open unless given. */
export function clip(o: LayerOptions & { readonly min?: number; readonly max?: number } = {}): Layer {
  return layer("Clip", o, { a: o.min ?? -Infinity, b: o.max ?? Infinity });
}

/** Softmax over the channels (axis 1). */
export function softmax(o: LayerOptions = {}): Layer {
  return layer("Softmax", o, { axis: 1, flattened: false });
}

/** What every pool takes. */
export interface PoolOptions extends WindowOptions {
  readonly kernel: PerAxis;
  /** Round the number of windows up instead of down. */
  readonly ceil?: boolean;
}

export function maxPool2d(o: PoolOptions): Layer {
  return layer("MaxPool", o, { window: windowOf(o, pair(o.kernel), o.kernel), countPads: false });
}

/** Mean over windows; `countPads`: whether the divisor counts padding (default false). */
export function averagePool2d(o: PoolOptions & { readonly countPads?: boolean }): Layer {
  return layer("AveragePool", o, { window: windowOf(o, pair(o.kernel), o.kernel), countPads: o.countPads ?? false });
}

/** Mean over all positions: [n, c, h, w] to [n, c, 1, 1]. */
export function globalAveragePool(o: LayerOptions = {}): Layer {
  const window: WindowAttributes = {
    kernel: undefined,
    strides: undefined,
    pads: undefined,
    dilations: undefined,
    autoPad: "NOTSET",
    ceil: false,
  };
  return layer("GlobalAveragePool", o, { window, countPads: false });
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
export function lrn(o: LrnOptions): Layer {
  const { size: width, alpha = 1e-4, beta = 0.75, bias = 1, region = "channels", window = "onnx" } = o;
  const [less, more] = [Math.floor((width - 1) / 2), Math.ceil((width - 1) / 2)];
  const [before, after] = window === "onnx" ? [less, more] : [more, less];
  return described(o.name ?? "lrn", () => {
    require(Number.isInteger(width) && width >= 1, "invalid-model", "a size ≥ 1", `${width}`);
    return layer("LRN", o, checkedLrn({ region, before, after, a: alpha / (region === "channels" ? width : width * width), beta, bias }));
  });
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
  return layer("BatchNormalization", o, { epsilon: o.epsilon ?? 1e-5 }, [o.scale, o.shift, o.mean, o.variance]);
}

/** [n, …] to [n, product]. */
export function flatten(o: LayerOptions = {}): Layer {
  return layer("Flatten", o, { axis: 1 });
}

/** A layer of neurons with any differentiable function, explained by its first-order Taylor expansion. */
export function taylor(o: LayerOptions & TaylorNeurons): Layer {
  return layer("TaylorNeurons", o, o);
}

/** Turns a complaint into an error that names the layer. */
function described<T>(where: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new LrpError("usage", { where: `layer '${where}'`, expected: error.expected, received: error.received, fix: error.fix });
  }
}

/** A network described in code, to be given to `load`. */
export interface Network {
  readonly graph: Graph;
}

function constantOf(name: string, tensor: Tensor): Constant {
  const { data, dims } = tensor;
  if (!isFloat32(data) || size(dims) !== data.length) {
    throw new LrpError("usage", {
      where: `parameter '${name}'`,
      expected: `a Float32Array of ${size(dims ?? [])} numbers for dims [${dims}]`,
      received: `${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`,
    });
  }
  const bad = firstNonFinite(data);
  if (bad >= 0)
    throw new LrpError("usage", { where: `parameter '${name}'`, expected: "finite numbers", received: `${data[bad]} at position ${bad}` });
  return Object.freeze({ type: "float32", data, dims: Object.freeze([...dims]) });
}

/**
 * Layers one after another. The batch axis is free.
 *
 * @param input dims without the batch axis, e.g. [3, 32, 32]
 * @example
 * const network = sequential({ input: [2] }, [dense({ weight: { data: Float32Array.of(1, -1), dims: [1, 2] } }), relu()]);
 * const model = await load(network);
 */
export function sequential({ input }: { readonly input: readonly number[] }, layers: readonly Layer[]): Network {
  const constants = new Map<string, Constant>();
  let from = "input";
  const nodes = layers.map((l, i): Node => {
    const name = l.name ?? `${l.type.toLowerCase()}${i}`;
    const parameters = l.parameters.map((tensor, k) => {
      if (!tensor) return "";
      const key = `${name}:${k}`;
      constants.set(key, constantOf(key, tensor));
      return key;
    });
    while (parameters.at(-1) === "") parameters.pop();
    const node: Node = Object.freeze({ name, type: l.type, attributes: l.attributes, inputs: [from, ...parameters], outputs: [name] });
    from = name;
    return node;
  });
  const taken = new Set(["input"]);
  const twice = nodes.find(({ name }) => {
    const isTaken = taken.has(name);
    taken.add(name);
    return isTaken;
  })?.name;
  if (twice || layers.length === 0)
    throw new LrpError("usage", {
      where: "sequential",
      expected: "at least one layer, each with a name of its own",
      received: twice ? `'${twice}' twice` : "none",
    });
  return Object.freeze({
    graph: Object.freeze({
      opset: 22,
      nodes,
      constants,
      inputs: [{ name: "input", type: "float32" as const, dims: ["n", ...input] }],
      outputs: [{ name: from, dims: [] }],
      dims: new Map(),
      types: new Map(),
      aliases: new Map(),
    }),
  });
}
