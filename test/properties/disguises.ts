import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";

/*
 * Layers in the nodes that exporters have for them, and in nodes that nearly are such layers.
 */

export const KINDS = ["normalization", "activation", "LRN", "softmax", "groups", "padding"] as const;
export type Kind = (typeof KINDS)[number];

export interface Spelled {
  readonly dims: readonly number[];
  /** The nodes as text, for messages. */
  readonly text: string;
  /** The file, with one output. */
  readonly bytes: Uint8Array;
  /** The same, whose outputs are all values on the way: nothing can stand for its nodes. */
  readonly open: Uint8Array;
}

/** One of a kind. @param seed the same gives the same */
export function spelled(kind: Kind, seed: number): Spelled {
  const draws = numbers(4096, seed, 0, 1);
  let drawn = 0;
  const draw = () => draws[drawn++ % draws.length];
  const of = <T>(...list: readonly T[]): T => list[Math.floor(draw() * list.length)];
  const chance = (p: number) => draw() < p;

  const nodes: FileNode[] = [];
  const initializers: Record<string, FileTensor> = {};
  let count = 0;
  const add = (type: string, inputs: readonly string[], attributes: FileNode["attributes"] = {}): string => {
    const output = `v${count++}`;
    nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  };
  const stored = (dims: readonly number[], data: Float32Array | readonly number[]): string => {
    const name = `k${count++}`;
    initializers[name] = { dims, data };
    return name;
  };
  const constant = (dims: readonly number[], value: number, varies = false): string => {
    const data = new Float32Array(dims.reduce((a, d) => a * d, 1)).fill(value);
    return stored(dims, varies ? data.map((v) => v * (chance(0.2) ? 2 : 1)) : data);
  };
  const scalar = (value: number) => constant(of([], [1]), value);
  const integers = (...data: number[]) => stored([data.length], data);
  /** What is meant, mostly, or close to it, or any other. */
  const near = (value: number) => scalar(chance(0.7) ? value : chance(0.5) ? value * of(0.999, 1.001, 0.9, 2) : size());
  const size = () => of(1, 1, -1) * 10 ** (9 * draw() - 6);

  function normalization(dims: readonly number[]): string {
    const last = dims.length - 1;
    const axes = of([last], last > 1 ? [1] : [last], last === 3 ? [2, 3] : [last]);
    const number = () => constant(of([], [1], [dims[last]]), size(), chance(0.3));
    const reduce = (type: string, x: string) => add(type, [x], { axes, keepdims: 1 });
    const from = chance(0.1) ? add(of("Max", "Min"), ["x", number()]) : "x";
    const base = chance(0.4) ? add("Sub", [from, reduce("ReduceMean", from)]) : from;
    const type = of("ReduceL1", "ReduceL2", "ReduceMean", "ReduceMean", "ReduceSumSquare");
    let spread = reduce(type, type === "ReduceMean" ? add("Mul", [base, base]) : base);
    const guard = () => {
      if (chance(0.7)) spread = add(of("Add", "Add", "Max", "Max", "Min"), [spread, number()]);
    };
    guard();
    if (chance(/Mean|Square/.test(type) ? 0.9 : 0.1)) spread = add("Sqrt", [spread]);
    guard();
    const reciprocal = chance(0.3);
    if (reciprocal) spread = add("Reciprocal", [spread]);
    if (reciprocal) guard();
    let y = add(reciprocal ? "Mul" : "Div", [base, spread]);
    if (chance(0.15)) y = add(of("Max", "Min"), [y, number()]);
    if (chance(0.5)) y = add("Mul", [y, number()]);
    return chance(0.5) ? add("Add", [y, number()]) : y;
  }

  function activation(): string {
    const x = chance(0.2) ? add("Mul", ["x", near(1)]) : "x";
    const sigmoid = (of_: string) =>
      chance(0.5)
        ? add("Sigmoid", [of_])
        : add("Div", [near(1), add("Add", [add("Exp", [add("Neg", [of_])]), near(1)])]);
    const scaled = (v: string, by: number) => (chance(0.5) ? add("Mul", [v, near(by)]) : add("Div", [v, near(1 / by)]));
    const bounded = (v: string, low: number, high: number) => add("Min", [add("Max", [v, near(low)]), near(high)]);
    const y = of<() => string>(
      () => add("Mul", [x, sigmoid(chance(0.5) ? x : scaled(x, 1.702))]),
      () => scaled(add("Mul", [x, bounded(add("Add", [x, near(3)]), 0, 6)]), 1 / 6),
      () => add("Mul", [x, bounded(scaled(add("Add", [x, near(3)]), 1 / 6), 0, 1)]),
      () => add("Mul", [scaled(x, 0.5), add("Add", [add("Erf", [scaled(x, Math.SQRT1_2)]), near(1)])]),
      () => {
        const cube = add("Mul", [add("Mul", [x, x]), x]);
        const inner = scaled(add("Add", [x, add("Mul", [cube, near(0.044715)])]), Math.sqrt(2 / Math.PI));
        return add("Mul", [scaled(x, 0.5), add("Add", [add("Tanh", [inner]), near(1)])]);
      },
      () => add("Mul", [x, add("Tanh", [add("Softplus", [x])])]),
      () => add("Mul", [x, add("Tanh", [add("Log", [add("Add", [add("Exp", [x]), near(1)])])])]),
      () => add("Where", [add(of("Greater", "Less"), [x, near(0)]), x, scaled(x, 0.1)]),
      () => add("Where", [add(of("Greater", "Less"), [x, near(0)]), scaled(x, 1), near(0)]),
      () => add(of("Max", "Min"), [x, scaled(x, of(0.1, 0.01, 1.5))]),
      () => add("Sub", [add("Relu", [x]), scaled(add("Relu", [add("Neg", [x])]), of(0.1, 1))]),
      () => add("Mul", [add("Relu", [x]), bounded(x, of(0, -1), of(1, 6, 1e6))]),
      () => add("Div", [x, add("Add", [add("Abs", [x]), near(1)])]),
      () => add("Mul", [x, add("HardSigmoid", [x], { alpha: { float: of(1 / 6, 0.2) }, beta: { float: 0.5 } })]),
    )();
    return chance(0.3) ? add("Mul", [y, near(of(1, 6, 1 / 6))]) : y;
  }

  /** Of pictures: x / (k + a · Σ x²)^β over a window of channels. */
  function lrn(dims: readonly number[]): string {
    const channels = dims[1];
    const square = chance(0.5) ? add("Mul", ["x", "x"]) : add("Pow", ["x", near(2)]);
    const width = of(3, 5, 2);
    const [before, after] = of([width >> 1, (width - 1) >> 1], [(width - 1) >> 1, width >> 1], [0, width - 1]);
    const flat = add("Reshape", [square, integers(dims[0], 1, channels, -1)]);
    const pads = integers(0, 0, before, 0, 0, 0, after, 0);
    const padded = add("Pad", [flat, pads, chance(0.9) ? scalar(0) : near(0)]);
    const mean = add("AveragePool", [padded], { kernel_shape: [width, 1], strides: [1, 1] });
    const sums = add("Reshape", [mean, integers(...dims)]);
    const base = add("Add", [add("Mul", [sums, near(of(1, 1e-4, 0.5))]), near(of(1, 2))]);
    return add("Div", ["x", chance(0.8) ? add("Pow", [base, near(0.75)]) : add("Sqrt", [base])]);
  }

  function softmax(dims: readonly number[]): string {
    const axis = Math.floor(draw() * dims.length);
    const some = () => (chance(0.85) ? [axis] : of([dims.length - 1], [0], [0, axis].slice(axis > 0 ? 0 : 1)));
    const x = chance(0.3) ? add("Mul", ["x", near(1)]) : "x";
    const largest = () => add(chance(0.9) ? "ReduceMax" : "ReduceMean", [x], { axes: some(), keepdims: 1 });
    const less = chance(0.7) ? add("Sub", [x, largest()]) : x;
    const exp = add("Exp", [less]);
    const sum = add("ReduceSum", [exp, integers(...some())], { keepdims: 1 });
    const guarded = chance(0.2) ? add("Add", [sum, near(1e-6)]) : sum;
    if (chance(0.3)) return add("Sub", [chance(0.9) ? less : x, add("Log", [guarded])]);
    return add("Div", [exp, guarded]);
  }

  /** Of pictures: InstanceNormalization of channels in groups. */
  function groups(dims: readonly number[]): string {
    const [n, channels] = dims;
    const parts = of(1, 2, channels);
    const cut = chance(0.8) ? [n, parts, -1] : of([1, n * parts, -1], [n, 1, parts, -1]);
    const parameter = (value: number) => constant([cut[1] === -1 ? 1 : cut[1]], value, true);
    const inner = add("Reshape", ["x", integers(...cut)]);
    const normal = add("InstanceNormalization", [inner, parameter(of(1, 1.5)), parameter(of(0, 0.7))], {
      epsilon: { float: of(1e-5, 0.1) },
    });
    const back = add("Reshape", [normal, integers(...(chance(0.9) ? dims : [dims[0], -1, 1, 1]))]);
    const perChannel = () => constant(of([], [1, channels, 1, 1], [channels, 1, 1], [dims[3]]), size(), true);
    const scaled = chance(0.7) ? add("Mul", [back, perChannel()]) : back;
    return chance(0.7) ? add("Add", [scaled, perChannel()]) : scaled;
  }

  /** A convolution with zeros, or not quite zeros, around its picture. */
  function padding(dims: readonly number[]): string {
    const few = () => of(0, 0, 1, 2);
    const pad = (x: string, turned: boolean) => {
      const list = Array.from({ length: 8 }, (_, i) => {
        const isSpatial = turned ? i % 4 === 1 || i % 4 === 2 : i % 4 > 1;
        return isSpatial ? few() : chance(0.03) ? 1 : 0;
      });
      if (chance(0.1)) list[turned ? 1 : 2] = -1;
      const mode = chance(0.85) ? "constant" : of("edge", "reflect");
      return add("Pad", [x, integers(...list), near(0)], { mode });
    };
    let x = "x";
    const turned = chance(0.3);
    if (turned) x = add("Transpose", [x], { perm: [0, 2, 3, 1] });
    x = pad(x, turned);
    if (chance(0.2)) x = pad(x, turned);
    if (turned) x = add("Transpose", [x], { perm: [0, 3, 1, 2] });
    const channels = dims[1] + (chance(0.05) ? 1 : 0);
    const weight = stored([2, channels, 3, 2], numbers(12 * channels, seed));
    return add("Conv", [x, weight], {
      strides: of([1, 1], [2, 1]),
      dilations: of([1, 1], [1, 2]),
      ...(chance(0.5) && { pads: [few(), few(), few(), few()] }),
      ...(chance(0.1) && { auto_pad: "SAME_UPPER" }),
    });
  }

  const PICTURES = [
    [2, 4, 5, 4],
    [1, 6, 3, 6],
  ];
  const dims =
    kind === "groups" || kind === "padding"
      ? of(...PICTURES)
      : kind === "LRN"
        ? of([2, 5, 3, 2], [1, 7, 2, 2], [1, 4, 1, 3])
        : of([2, 5], [2, 3, 5], [1, 8], [2, 4, 3, 3]);
  const end = { normalization, activation, LRN: lrn, softmax, groups, padding }[kind](dims);
  const inner = nodes.map(({ outputs: [name] }) => name).filter((name) => name !== end);
  const file = (...outputs: string[]) =>
    onnx(
      {
        nodes: [...nodes, { type: "Identity", inputs: [end], outputs: ["y"] }],
        initializers,
        inputs: { x: dims },
        outputs: Object.fromEntries(outputs.map((name) => [name, null])),
      },
      13,
    );
  const said = (name: string) => {
    const { data } = initializers[name] ?? {};
    return ArrayBuffer.isView(data) || Array.isArray(data) ? `[${[...new Set(data)]}]` : name;
  };
  const text = nodes
    .map(({ type, inputs, outputs }) => `${outputs} = ${type} ${inputs.map(said).join(" ")}`)
    .join("; ");
  return { dims, text, bytes: file("y"), open: file("y", ...inner) };
}
