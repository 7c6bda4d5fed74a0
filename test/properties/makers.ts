import type { Attribute, FileNode, FileTensor } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { count, type Dims } from "../reference/linear.ts";
import { meaningOf } from "../reference/nodes.ts";

/*
 * What a wish becomes: a node, with attributes and weights that fit the value that it reads.
 */

/**
 * How a tensor's numbers are chosen; all but `fine` lie on a coarse grid, where float32 is exact and zeros and ties are
 * frequent.
 */
export const STYLES = ["grid", "sparse", "positive", "fine"] as const;
export type Style = (typeof STYLES)[number];

export interface Wish {
  /** Which value it reads, counted from the last; and which beside it. */
  readonly from: number;
  readonly beside: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly dilation: number;
  readonly group: number;
  readonly size: number;
  readonly flag: boolean;
  readonly style: Style;
  readonly seed: number;
}

export interface Value {
  readonly name: string;
  readonly dims: Dims;
}

/** Numbers of a style within ±scale, a power of two. */
export function styled(dims: Dims, style: Style, seed: number, scale = 1): Float32Array {
  const grid = (v: number) => Math.round(v * 8) / 8;
  const of = {
    grid,
    sparse: (v: number) => (Math.abs(v) < 0.6 ? 0 : grid(v)),
    positive: (v: number) => Math.abs(grid(v)),
    fine: (v: number) => v,
  };
  return numbers(count(dims), seed).map((v) => scale * of[style](v) + 0);
}

/** How much a network may compute: the reference goes number by number. */
const LARGEST = { value: 900, work: 40_000 };

interface Recipe extends FileTensor {
  /** For people. */
  readonly recipe: string;
}

/** A network while it grows. */
export class Builder {
  readonly nodes: FileNode[] = [];
  readonly initializers: Record<string, Recipe> = {};
  readonly values: Value[];

  constructor(dims: Dims) {
    this.values = [{ name: "x", dims }];
  }

  floats(name: string, dims: Dims, style: Style, seed: number, scale = 1): string {
    return this.#constant(name, {
      dims,
      data: styled(dims, style, seed, scale),
      recipe: `${scale} · ${style} #${seed}`,
    });
  }

  list(name: string, data: Float32Array | readonly number[], dims: Dims = [data.length]): string {
    return this.#constant(name, { dims, data, recipe: `${[...data]}` });
  }

  flags(name: string, data: readonly boolean[]): string {
    return this.#constant(name, { dims: [data.length], data, recipe: `${data.map(Number)}` });
  }

  #constant(name: string, tensor: Recipe): string {
    const own = `${name}${this.nodes.length}`;
    this.initializers[own] = tensor;
    return own;
  }

  /** Adds a node, and says what comes out. */
  add(type: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): Value {
    const output = `y${this.nodes.length}`;
    const node = { type, inputs, outputs: [output], attributes };
    const known = (name: string) => {
      const constant = this.initializers[name];
      return constant
        ? { dims: constant.dims, data: constant.data as ArrayLike<number> }
        : this.values.find((v) => v.name === name);
    };
    const value = { name: output, dims: meaningOf(node, inputs.map(known)).dims };
    this.nodes.push(node);
    this.values.push(value);
    return value;
  }

  /** Takes back what would be too much work. */
  attempt(make: () => unknown): void {
    const [nodes, constants] = [this.nodes.length, Object.keys(this.initializers).length];
    make();
    const affordable = ({ inputs }: FileNode, i: number) => {
      const { dims } = this.values[nodes + 1 + i];
      const weight = this.initializers[inputs[1]];
      const products = weight ? Math.max(...weight.dims) : 1;
      return count(dims) <= LARGEST.value && count(dims) * products <= LARGEST.work;
    };
    if (this.nodes.slice(nodes).every(affordable)) return;
    for (const name of Object.keys(this.initializers).slice(constants)) delete this.initializers[name];
    this.nodes.length = nodes;
    this.values.length = nodes + 1;
  }

  /** Values that nothing reads. */
  leaves(): Value[] {
    const read = new Set(this.nodes.flatMap((node) => node.inputs));
    return this.values.filter(({ name }) => !read.has(name));
  }
}

type Maker = (b: Builder, x: Value, wish: Wish) => unknown;
const float = (value: number) => ({ float: value });
const pick = <T>(list: readonly T[], index: number): T => list[index % list.length];
/** About √(3 / n), so that sums of n products stay near 1. */
const fan = (n: number): number => 2 ** Math.round(Math.log2(Math.sqrt(3 / n)));
export const vector = ({ dims }: Value): boolean => dims.length === 2;

/** A window that fits: kernel, strides, pads, dilations. */
function windowOf(x: Value, { kernel, stride, pads, dilation }: Wish) {
  const axes = x.dims.slice(2).map((length, a) => {
    const k = 1 + kernel[a];
    const [before, after] = [pads[a] % k, pads[2 + a] % k];
    return length + before + after < k ? { length, k: 1, before: 0, after: 0 } : { length, k, before, after };
  });
  const reaches = axes.every(({ length, k, before, after }) => 2 * (k - 1) < length + before + after);
  return {
    kernel: axes.map(({ k }) => k),
    attributes: {
      strides: axes.map((_, a) => 1 + stride[a]),
      pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)],
    },
    dilations: axes.map(() => (dilation === 1 && reaches ? 2 : 1)),
  };
}

const plain =
  (type: string): Maker =>
  (b, x) =>
    b.add(type, [x.name]);

/** A constant beside a value: one number, one for each channel, or for each number of a sample. */
function constantFor(b: Builder, x: Value, { size, style, seed }: Wish): string {
  const ones = x.dims.slice(2).map(() => 1);
  return b.floats(
    "c",
    pick([[], [x.dims[1], ...ones], x.dims.slice(1), [1, x.dims[1], ...ones]], size),
    style,
    seed,
    2,
  );
}

/** The values beside x that fit, the last first, and x itself. */
function others(b: Builder, x: Value, fits: (dims: Dims) => boolean): Value[] {
  return [...b.values.filter((v) => v !== x && v.dims.length === x.dims.length && fits(v.dims)).reverse(), x];
}

const summed =
  (type: string): Maker =>
  (b, x, { beside, flag }) => {
    // Of the same dims, or one number for each channel.
    const list = others(b, x, (dims) => dims.every((d, i) => d === x.dims[i] || (i >= 2 && d === 1)));
    const terms = [x, pick(list, beside), ...(type === "Sum" && flag ? [pick(list, beside + 1)] : [])];
    return b.add(
      type,
      (flag ? terms.reverse() : terms).map((v) => v.name),
    );
  };

const gemm: Maker = (b, x, { size, flag, style, seed }) => {
  const flat = vector(x) ? x : b.add("Flatten", [x.name]);
  const [, k] = flat.dims;
  const m = pick([3, 1, 2, 5, 9], size);
  const w = b.floats("w", flag ? [k, m] : [m, k], style, seed, fan(k));
  const bias = size % 2 === 0 ? [b.floats("b", [m], style, seed + 1, 0.25)] : [];
  return b.add("Gemm", [flat.name, w, ...bias], {
    transB: flag ? 0 : 1,
    ...(size > 4 ? { alpha: float(-0.5), beta: float(2) } : {}),
  });
};

export const makers = {
  Relu: plain("Relu"),
  Conv: (b, x, wish) => {
    if (vector(x)) return gemm(b, x, wish);
    const { group, size, flag, style, seed } = wish;
    const [, c] = x.dims;
    const { kernel, attributes, dilations } = windowOf(x, wish);
    const groups = pick([1, c, c % 2 === 0 ? 2 : 1], group);
    const m = groups * Math.max(1, Math.round(pick([2, 1, 3, 4, 5, 8, 9, 17], size) / groups));
    const w = b.floats("w", [m, c / groups, ...kernel], style, seed, fan((c / groups) * count(kernel)));
    const bias = flag ? [] : [b.floats("b", [m], style, seed + 1, 0.25)];
    return b.add("Conv", [x.name, w, ...bias], { ...attributes, group: groups, dilations });
  },
  ConvTranspose: (b, x, wish) => {
    if (vector(x)) return gemm(b, x, wish);
    const { group, size, flag, style, seed } = wish;
    const [, c] = x.dims;
    const { kernel, attributes, dilations } = windowOf(x, wish);
    const groups = pick([1, c, c % 2 === 0 ? 2 : 1], group);
    const m = Math.max(1, Math.round(pick([2, 1, 3, 4, 5, 9], size) / groups));
    // Pads take away from what comes out.
    const cut = { ...attributes, pads: attributes.pads.map((p, i) => (x.dims[2 + (i % kernel.length)] > 2 ? p : 0)) };
    const output_padding = attributes.strides.map((stride) => (flag ? stride - 1 : 0));
    const w = b.floats("w", [c, m, ...kernel], style, seed, fan((c / groups) * count(kernel)));
    const bias = size % 2 === 0 ? [b.floats("b", [m * groups], style, seed + 1, 0.25)] : [];
    return b.add("ConvTranspose", [x.name, w, ...bias], { ...cut, group: groups, dilations, output_padding });
  },
  Gemm: gemm,
  MatMul: (b, x, { size, style, seed }) => {
    const k = x.dims.at(-1)!;
    return b.add("MatMul", [x.name, b.floats("w", [k, pick([3, 1, 2, 5], size)], style, seed, fan(k))]);
  },
  MaxPool: (b, x, wish) => {
    if (vector(x)) return b.add("Relu", [x.name]);
    const { kernel, attributes } = windowOf(x, wish);
    return b.add("MaxPool", [x.name], { ...attributes, kernel_shape: kernel, ceil_mode: wish.flag ? 1 : 0 });
  },
  AveragePool: (b, x, wish) => {
    if (vector(x)) return b.add("Tanh", [x.name]);
    const { kernel, attributes } = windowOf(x, wish);
    const modes = { ceil_mode: wish.flag ? 1 : 0, count_include_pad: wish.size % 2 };
    return b.add("AveragePool", [x.name], { ...attributes, kernel_shape: kernel, ...modes });
  },
  GlobalAveragePool: (b, x) => b.add(vector(x) ? "Tanh" : "GlobalAveragePool", [x.name]),
  LRN: (b, x, { size, kernel }) => {
    if (vector(x)) return b.add("Relu", [x.name]);
    return b.add("LRN", [x.name], {
      size: pick([3, 5, 2, 1, 4], size),
      alpha: float(pick([2, 0.5, 8], kernel[0])),
      beta: float(pick([0.75, 0.5, 1], kernel[1])),
      bias: float(pick([1, 2, 0.5], size)),
    });
  },
  BatchNormalization: (b, x, { style, seed }) => {
    const [, c] = x.dims;
    const [scale, shift, mean] = ["scale", "shift", "mean"].map((name, i) => b.floats(name, [c], style, seed + i));
    // With ε = 1/64 the deviation is 1/2, 1 or 2, unless the style is fine.
    const raw = numbers(c, seed + 3, 0, 3);
    const variance = b.list("variance", style === "fine" ? raw : raw.map((v) => 4 ** (Math.floor(v) - 1) - 1 / 64));
    return b.add("BatchNormalization", [x.name, scale, shift, mean, variance], { epsilon: float(1 / 64) });
  },
  Add: summed("Add"),
  Sum: summed("Sum"),
  Sub: summed("Sub"),
  Concat: (b, x, { beside, flag }) => {
    const other = pick(
      others(b, x, (dims) => dims.every((d, i) => i === 1 || d === x.dims[i])),
      beside,
    );
    return b.add(
      "Concat",
      (flag ? [other, x] : [x, other]).map((v) => v.name),
      { axis: flag ? 1 : 1 - x.dims.length },
    );
  },
  AddConstant: (b, x, wish) => {
    const c = constantFor(b, x, wish);
    return b.add(wish.group % 2 === 0 ? "Add" : "Sub", wish.flag ? [c, x.name] : [x.name, c]);
  },
  Mul: (b, x, wish) => {
    const c = constantFor(b, x, wish);
    return b.add("Mul", wish.flag ? [c, x.name] : [x.name, c]);
  },
  LeakyRelu: (b, x, { size }) => b.add("LeakyRelu", [x.name], { alpha: float(pick([0.125, 0.3, -0.5], size)) }),
  Clip: (b, x, { size }) => {
    const bounds = pick(
      [
        [0, 0.5],
        [-0.5, 1],
        [0.125, undefined],
        [undefined, 0.25],
      ] as const,
      size,
    );
    const names = bounds.map((v, i) => (v === undefined ? "" : b.list(["low", "high"][i], Float32Array.of(v), [])));
    return b.add("Clip", [x.name, ...names]);
  },
  Sigmoid: plain("Sigmoid"),
  Tanh: plain("Tanh"),
  Flatten: plain("Flatten"),
  Reshape: (b, x, { flag }) => {
    const [, c, ...rest] = x.dims;
    const shape = flag ? [0, 1, c * count(rest)] : rest.length > 1 ? [0, c, count(rest)] : [0, -1, c];
    return b.add("Reshape", [x.name, b.list("shape", shape)]);
  },
  Transpose: (b, x, { flag }) => {
    const [, first, ...axes] = x.dims.map((_, i) => i);
    return b.add("Transpose", [x.name], { perm: [0, ...(flag ? [...axes].reverse() : axes), first] });
  },
  Slice: (b, x, { size, flag, kernel }) => {
    const axis = 1 + (size % (x.dims.length - 1));
    const d = x.dims[axis];
    const range = flag
      ? [d - 1, -1000, axis, -1 - (kernel[0] % 2)]
      : [Math.min(kernel[0], d - 1), 1000, axis, 1 + (kernel[1] % 2)];
    return b.add("Slice", [x.name, ...range.map((v, i) => b.list(["from", "to", "axis", "step"][i], [v]))]);
  },
  Pad: (b, x, { pads, size, flag }) => {
    const mode = flag ? "constant" : pick(["constant", "edge", "reflect"], size);
    const by = (from: number) =>
      x.dims.map((d, i) =>
        i === 0 || i < x.dims.length - 2 ? 0 : Math.min(pads[from + (i % 2)], mode === "reflect" ? d - 1 : 2),
      );
    const value =
      mode === "constant" && size > 0 ? [b.list("value", Float32Array.of(pick([0.5, -0.5], size)), [])] : [];
    return b.add("Pad", [x.name, b.list("pads", [...by(0), ...by(2)]), ...value], { mode });
  },
  Atan: plain("Atan"),
  CumSum: (b, x, { size, flag, kernel }) =>
    b.add("CumSum", [x.name, b.list("axis", [1 + (size % (x.dims.length - 1))])], {
      exclusive: flag ? 1 : 0,
      reverse: kernel[0] % 2,
    }),
  Compress: (b, x, { size, seed }) => {
    const axis = 1 + (size % (x.dims.length - 1));
    const kept = Array.from(numbers(x.dims[axis], seed), (v, i) => v > 0 || i === 0);
    return b.add("Compress", [x.name, b.flags("kept", kept)], { axis });
  },
  Identity: plain("Identity"),
} satisfies Record<string, Maker>;
