import { describe, expect, test } from "vitest";
import { conv2d, dense, globalAveragePool, type Network, op, relu, ruleOf } from "../../src/entries/index.ts";
import { expectClose, largest } from "../close.ts";
import { explainFrom, network } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { chain, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * Every operator that adds up, over sums that are long or have a large bias. Numbers are all alike, so that roundings
 * do not cancel, and what is right is a product.
 */

type Dims = readonly number[];

const count = (dims: Dims) => dims.reduce((a, b) => a * b, 1);
const all = (dims: Dims, value: number) => ({ dims, data: new Float32Array(count(dims)).fill(value) });
const f32 = Math.fround;

/** What one rounding loses at most, of the number that is rounded. */
const ROUNDING = 2 ** -24;
/** Products are added up in single precision, by 256 at most and then in so many parts that roundings are no more. */
const PRODUCTS = 320;

interface Case {
  readonly source: Uint8Array | Network;
  readonly x: { readonly dims: Dims; readonly data: Float32Array };
  /** What every output is. */
  readonly y: number;
  /** Σ of the sizes of products that are added up in single precision; none where sums are double. */
  readonly products?: number;
}

/** One layer, of an input that is `v` everywhere. */
function layer(
  type: string,
  dims: Dims,
  v: number,
  attributes: FileNode["attributes"],
  parameters: readonly { dims: Dims; data: Float32Array }[],
  y: (v: number) => number,
  products?: (v: number) => number,
  opset = 19,
): Case {
  const source = chain(dims, [{ type, attributes, parameters }], opset);
  return { source, x: all(dims, v), y: y(f32(v)), products: products?.(f32(v)) };
}

/** A convolution of constants whose windows hold `taps` numbers each. */
function convolution(dims: Dims, weight: Dims, b: number, taps: number, attributes: FileNode["attributes"] = {}): Case {
  const [w, m] = [f32(0.1), weight[0]];
  const sum = (v: number) => taps * v * w;
  return layer("Conv", dims, 0.1, attributes, [all(weight, w), all([m], b)], (v) => sum(v) + b, sum);
}

const window = (...kernel: readonly number[]) => ({ kernel_shape: kernel });
const same = (v: number) => v;

/** One input 0.1, as many times as there are terms. */
function terms(type: string, n: number, y: number): Case {
  const nodes = [{ type, inputs: Array.from({ length: n }, () => "x"), outputs: ["y"] }];
  return { source: onnx({ nodes, inputs: { x: [1, 3] }, outputs: { y: [] } }), x: all([1, 3], 0.1), y };
}

const forward: Readonly<Record<string, Case>> = {
  "AveragePool over a line": layer("AveragePool", [1, 3, 262147], 0.1, window(262147), [], same),
  "AveragePool over a plane": layer("AveragePool", [1, 1, 512, 512], 0.1, window(512, 512), [], same),
  "AveragePool over a plane of 17 channels": layer("AveragePool", [1, 17, 131, 127], 0.7, window(127, 109), [], same),
  "AveragePool over a volume": layer("AveragePool", [1, 2, 61, 67, 64], 0.1, window(61, 67, 64), [], same),
  "GlobalAveragePool over a line": layer("GlobalAveragePool", [1, 3, 262147], 0.1, {}, [], same),
  "GlobalAveragePool over a plane": layer("GlobalAveragePool", [1, 3, 512, 512], 0.1, {}, [], same),
  "GlobalAveragePool over a volume": layer("GlobalAveragePool", [1, 2, 61, 67, 64], 0.1, {}, [], same),
  "LpPool, p = 1": layer("LpPool", [1, 2, 331, 337], 0.1, { ...window(331, 337), p: 1 }, [], (v) => v * 331 * 337),
  "GlobalLpPool, p = 2": layer("GlobalLpPool", [1, 2, 331, 337], 0.1, {}, [], (v) => v * Math.sqrt(331 * 337)),
  ReduceSum: layer("ReduceSum", [2, 262147], 0.1, {}, [], (v) => v * 2 * 262147, undefined, 11),
  ReduceMean: layer("ReduceMean", [2, 262147], 0.1, {}, [], same, undefined, 11),
  ReduceL1: layer("ReduceL1", [2, 262147], -0.1, {}, [], (v) => -v * 2 * 262147, undefined, 11),
  ReduceL2: layer("ReduceL2", [2, 262147], 0.1, {}, [], (v) => v * Math.sqrt(2 * 262147), undefined, 11),
  ReduceSumSquare: layer("ReduceSumSquare", [2, 262147], 0.1, {}, [], (v) => v * v * 2 * 262147, undefined, 11),
  ReduceLogSum: layer("ReduceLogSum", [2, 262147], 0.1, {}, [], (v) => Math.log(v * 2 * 262147), undefined, 11),
  ReduceLogSumExp: layer("ReduceLogSumExp", [262147], 0.1, {}, [], (v) => v + Math.log(262147), undefined, 11),
  Softmax: layer("Softmax", [1, 262147], 0.1, {}, [], () => 1 / 262147),
  LogSoftmax: layer("LogSoftmax", [1, 262147], 0.1, {}, [], () => -Math.log(262147)),
  "LpNormalization, p = 1": layer("LpNormalization", [1, 262147], 0.1, { axis: 1, p: 1 }, [], () => 1 / 262147),
  Sum: terms("Sum", 1009, 1009 * f32(0.1)),
  Mean: terms("Mean", 1009, f32(0.1)),
  "Conv, panels": convolution([1, 3, 55, 61], [9, 3, 53, 59], 1e4, 3 * 53 * 59),
  "Conv, panels, few taps": convolution([1, 2, 5, 7], [9, 2, 3, 3], 1e6, 18),
  "Conv, dilated": convolution([1, 1, 139, 141], [5, 1, 67, 69], 1e4, 67 * 69, { dilations: [2, 2] }),
  "Conv in groups": convolution([1, 6, 41, 43], [6, 3, 41, 43], 1e4, 3 * 41 * 43, { group: 2 }),
  "Conv, more taps than tiles hold": convolution([1, 1, 40009], [3, 1, 40009], 1e4, 40009),
  "Conv, depthwise": convolution([1, 5, 131, 129], [5, 1, 127, 125], 1e4, 127 * 125, { group: 5 }),
  "Conv, depthwise, few taps": convolution([1, 5, 7, 11], [5, 1, 3, 3], 1e6, 9, { group: 5 }),
  "Conv, 3x3 of many channels": convolution([1, 64, 9, 11], [16, 64, 3, 3], 1e6, 64 * 9),
  "Conv, 1x1 of many channels": convolution([1, 2003, 2, 3], [7, 2003, 1, 1], 1e6, 2003),
  "Conv over a volume": convolution([1, 1, 23, 29, 31], [3, 1, 23, 29, 31], 1e4, 23 * 29 * 31),
  "ConvTranspose of many channels": layer(
    "ConvTranspose",
    [1, 3001, 2, 2],
    0.1,
    { strides: [2, 2] },
    [all([3001, 5, 2, 2], 0.1), all([5], 1e6)],
    (v) => 1e6 + 3001 * v * f32(0.1),
    (v) => 3001 * v * f32(0.1),
  ),
  "ConvTranspose of a volume": layer(
    "ConvTranspose",
    [1, 101, 41, 1, 1],
    0.1,
    { pads: [40, 0, 0, 40, 0, 0] },
    [all([101, 3, 41, 1, 1], 0.1), all([3], 1e6)],
    (v) => 1e6 + 101 * 41 * v * f32(0.1),
    (v) => 101 * 41 * v * f32(0.1),
  ),
  Gemm: layer(
    "Gemm",
    [2, 32771],
    0.1,
    { transB: 1 },
    [all([5, 32771], 0.1), all([5], 1e6)],
    (v) => 1e6 + 32771 * v * f32(0.1),
    (v) => 32771 * v * f32(0.1),
  ),
  "MatMul, the weight first": {
    source: onnx({
      nodes: [{ type: "MatMul", inputs: ["w", "x"], outputs: ["y"] }],
      initializers: { w: all([3, 30011], 0.1) },
      inputs: { x: [30011, 2] },
      outputs: { y: [] },
    }),
    x: all([30011, 2], 0.1),
    y: 30011 * f32(0.1) ** 2,
    products: 30011 * f32(0.1) ** 2,
  },
  "MatMul of computed factors": {
    source: onnx({
      nodes: [
        { type: "Transpose", inputs: ["x"], outputs: ["t"] },
        { type: "MatMul", inputs: ["x", "t"], outputs: ["y"] },
      ],
      inputs: { x: [3, 30011] },
      outputs: { y: [] },
    }),
    x: all([3, 30011], 0.1),
    y: 30011 * f32(0.1) ** 2,
    products: 30011 * f32(0.1) ** 2,
  },
};

/** y = x / (1 + α / size · Σ x²)^β */
const normalized = (v: number, size: number, held: number) => v / (1 + (50 / size) * held * v * v) ** 0.75;

describe("sums keep their digits", () => {
  test.each(Object.entries(forward))("%s", async (_, { source, x, y, products = 0 }) => {
    using model = await loadInMode(source);
    const { output } = model.predict(x);
    // Beside the sum's own roundings two of the result: that of the sum and its last one.
    const allowed = ROUNDING * (PRODUCTS * products + 2 * Math.abs(y));
    expectClose(output.data, new Float64Array(output.data.length).fill(y), allowed, 1);
  });

  test("LRN over windows of many channels, and of many pixels", async () => {
    const across = all([1, 2003, 1, 1], 0.7);
    const attributes = { size: 2001, alpha: { float: 50 }, beta: { float: 0.75 } };
    using channels = await loadInMode(chain(across.dims, [{ type: "LRN", attributes }]));
    const y = channels.predict(across).output.data;
    const want = Array.from(y, (_, k) =>
      normalized(f32(0.7), 2001, Math.min(2002, k + 1000) - Math.max(0, k - 1000) + 1),
    );
    expectClose(y, want, 64 * ROUNDING);
    const within = all([1, 1, 61, 67], 0.7);
    const options = { size: 133, alpha: 50, beta: 0.75, region: "spatial" };
    using pixels = await loadInMode(network(within.dims, op("LRN", options)));
    expectClose(
      pixels.predict(within).output.data,
      all(within.dims, normalized(f32(0.7), 133 ** 2, 61 * 67)).data,
      64 * ROUNDING,
    );
  });

  test("statistics of numbers far from 0", async () => {
    const x = tensor([1, 1, 401, 409], 5, 9999, 10001);
    const n = x.data.length;
    const mean = x.data.reduce((sum, v) => sum + v, 0) / n;
    const deviation = Math.sqrt(x.data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
    for (const [type, attributes, parameters] of [
      ["InstanceNormalization", { epsilon: { float: 0 } }, [all([1], 1), all([1], 0)]],
      ["LayerNormalization", { axis: 1, epsilon: { float: 0 } }, [all([1, 401, 409], 1)]],
      ["MeanVarianceNormalization", {}, []],
    ] as const) {
      using model = await loadInMode(chain(x.dims, [{ type, attributes, parameters }]));
      const want = Array.from(x.data, (v) => (v - mean) / deviation);
      expectClose(model.predict(x).output.data, want, 2 * ROUNDING);
    }
  });

  test("numbers of every size, in long windows", async () => {
    const x = { dims: [1, 3, 211, 223], data: numbers(3 * 211 * 223, 3, 0, 1).map((v) => v ** 4) };
    const want = [0, 1, 2].map((c) => {
      const own = x.data.subarray(c * 211 * 223, (c + 1) * 211 * 223);
      return own.reduce((sum, v) => sum + v, 0) / own.length;
    });
    using model = await loadInMode(network(x.dims, globalAveragePool()));
    expectClose(model.predict(x).output.data, want, ROUNDING);
  });
});

/** How many windows of one axis hold a place. */
const cover = (place: number, length: number, kernel: number) =>
  Math.min(place, length - kernel) - Math.max(0, place - kernel + 1) + 1;
const covers = ([, , h, w]: Dims, kh: number, kw: number) =>
  Array.from({ length: h * w }, (_, i) => cover(Math.floor(i / w), h, kh) * cover(i % w, w, kw));

/** Relevance of the input, by the gradient, where every output has received 0.1. */
async function back(source: Uint8Array | Network, x: { dims: Dims; data: Float32Array }, of = "x") {
  using model = await loadInMode(source);
  const { length } = model.predict(x).output.data;
  const options = { composite: [{ rule: ruleOf.gradient() }], unknown: "gradient" } as const;
  const { inputs, relevance } = explainFrom(model, x, new Float32Array(length).fill(0.1), options);
  return (inputs[of] ?? relevance).data;
}

describe("sums on the way back keep their digits", () => {
  const r = f32(0.1);
  const plane = [1, 1, 121, 117];

  test("AveragePool whose windows overlap", async () => {
    const got = await back(chain(plane, [{ type: "AveragePool", attributes: window(61, 59) }]), all(plane, 1));
    expectClose(
      got,
      covers(plane, 61, 59).map((n) => (n * r) / (61 * 59)),
      2 * ROUNDING,
    );
  });

  test("MaxPool whose windows overlap", async () => {
    const x = all(plane, 0);
    x.data[60 * 117 + 58] = 1;
    const got = await back(chain(plane, [{ type: "MaxPool", attributes: window(61, 59) }]), x);
    expect(largest(got)).toBeCloseTo(61 * 59 * r, 4);
  });

  test("Conv whose windows overlap", async () => {
    const weight = { parameters: [all([3, 1, 61, 59], 0.1)] };
    const got = await back(chain(plane, [{ type: "Conv", ...weight }]), all(plane, 1));
    const want = covers(plane, 61, 59).map((n) => 3 * n * r * f32(0.1));
    expectClose(got, want, PRODUCTS * ROUNDING);
  });

  test("Conv of many outputs, of which half has no relevance", async () => {
    const x = all([1, 2, 3, 4], 1);
    const layers = [
      conv2d({ weight: all([1031, 2, 1, 1], 0.1) }),
      op("Mul", {}, { dims: [1, 1031, 1, 1], data: Float32Array.from({ length: 1031 }, (_, i) => i % 2) }),
    ];
    const got = await back(network(x.dims, ...layers), x);
    expectClose(got, all(x.dims, 515 * r * f32(0.1)).data, PRODUCTS * ROUNDING);
  });

  test("Gemm and MatMul of many outputs", async () => {
    for (const [n, k] of [
      [1, 5],
      [3, 2053],
    ]) {
      const weight = all([10007, k], 0.1);
      const x = all([n, k], 1);
      const got = await back(network(x.dims, dense({ weight })), x);
      expectClose(got, all(x.dims, 10007 * r * f32(0.1)).data, PRODUCTS * ROUNDING);
    }
  });

  test.each([
    ["Add", [1, 3, 1, 1], 1],
    ["Add", [1, 1, 257, 1], 1],
    ["Add", [1], 1],
    ["Mul", [1, 3, 1, 1], 0.7],
  ] as const)("%s of an operand [%s] that is broadcast", async (type, dims, v) => {
    const x = [1, 3, 257, 263];
    const graph = {
      nodes: [
        { type: "Relu", inputs: ["x"], outputs: ["a"] },
        { type, inputs: ["a", "s"], outputs: ["y"] },
      ],
      inputs: { x, s: dims },
      outputs: { y: [] },
    };
    using model = await loadInMode(onnx(graph));
    const options = { composite: [{ rule: ruleOf.gradient() }], unknown: "gradient" } as const;
    const target = new Float32Array(count(x)).fill(0.1);
    const { inputs } = model.explain({ x: all(x, v), s: all(dims, 1) }, { ...options, target, start: "one" });
    const want = (count(x) / count(dims)) * r * (type === "Mul" ? f32(v) : 1);
    expectClose(inputs.s.data, all(dims, want).data, (type === "Mul" ? 3 : 2) * ROUNDING);
  });

  test("Expand", async () => {
    const shape = { dims: [4], data: [1, 3, 257, 263] };
    const nodes = [{ type: "Expand", inputs: ["x", "shape"], outputs: ["y"] }];
    const source = onnx({ nodes, initializers: { shape }, inputs: { x: [1, 3, 1, 1] }, outputs: { y: [] } });
    expectClose(
      await back(source, all([1, 3, 1, 1], 1)),
      [1, 1, 1].map(() => 257 * 263 * r),
      2 * ROUNDING,
    );
  });
});

describe("the ledger's gap stays within 1e-5", () => {
  const head = (seed: number, width: number) => [
    globalAveragePool(),
    op("Flatten"),
    dense({ weight: tensor([5, width], seed + 40), bias: tensor([5], seed + 50) }),
  ];
  const convolved = (seed: number) => [
    conv2d({ weight: tensor([8, 3, 3, 3], seed), bias: tensor([8], seed + 10, 0, 3), pads: 1 }),
    relu(),
    conv2d({ weight: tensor([11, 8, 1, 1], seed + 20), bias: tensor([11], seed + 30, 0, 3) }),
    relu(),
  ];

  test.each([
    [28, 32],
    [97, 101],
    [199, 197],
  ])("behind a mean over %d x %d pixels", async (h, w) => {
    const dims = [1, 3, h, w];
    for (const seed of [1, 2, 3, 4]) {
      for (const layers of [head(seed, 3), [...convolved(seed), ...head(seed, 11)]]) {
        using model = await loadInMode(network(dims, ...layers));
        for (const low of [-1, 0, 0.99]) {
          const { ledger } = model.explain(tensor(dims, seed + 60, low, 1), { target: 2 });
          const most = Math.max(...ledger.map((row) => row.magnitude));
          for (const { node, gap } of ledger)
            expect(Math.abs(gap), `${node}, from ${low}`).toBeLessThanOrEqual(1e-5 * most);
        }
      }
    }
  });
});
