import { describe, expect, it, test } from "vitest";
import { type ExplainOptions, LrpError, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, type FileTensor, field, MICROSOFT, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import {
  codeOf,
  dynamicConv,
  dynamicDense,
  floats,
  graphOf,
  integers,
  type QuantisedCase,
  quantisedCases,
  randoms,
  rangeOf,
} from "./quantised-cases.ts";

/*
 * Quantised files: numbers against the equations, relevance against the network of floats, and what is refused. What
 * onnxruntime-web computes is compared in test/models.
 */

type Numbers = ArrayLike<number>;

/** Halves go to the even number. */
function toEven(v: number): number {
  const floor = Math.floor(v);
  if (v - floor !== 0.5) return Math.round(v);
  return floor % 2 === 0 ? floor : floor + 1;
}

type Type = Parameters<typeof codeOf>[0];

const quantised = (v: number, scale: number, zero: number, type: Type) => {
  const [low, high] = rangeOf(type);
  return Math.min(Math.max(toEven(Math.fround(v / scale)) + zero, low), high);
};

const f32 = Math.fround;

// The other operators are compared with onnxruntime-web, which has no QLinearReduceMean.
test("QLinearReduceMean", async () => {
  const [given] = quantisedCases.filter(({ name }) => name === "QLinearReduceMean");
  const x = given.inputs.x as Tensor;
  using model = await loadInMode(onnx(graphOf(given), 20));
  const { data, dims } = model.predict({ x }).outputs.y;
  const [n, c, h, w] = x.dims;
  const seen = Array.from(x.data as Float32Array, (v) => (quantised(v, f32(0.021), 110, "uint8") - 110) * 0.021);
  const want = Array.from({ length: n * h * w }, (_, i) => {
    const [sample, pixel] = [Math.floor(i / (h * w)), i % (h * w)];
    const sum = Array.from({ length: c }, (_, k) => seen[(sample * c + k) * h * w + pixel]).reduce((a, b) => a + b);
    return quantised(sum / c, 0.02, 120, "uint8");
  });
  expect(dims).toEqual([n, h, w]);
  const off = Array.from(data as Uint8Array, (v, i) => Math.abs(v - want[i]));
  // A mean in the middle between two integers may become either.
  expect(Math.max(...off)).toBeLessThanOrEqual(1);
  expect(off.filter((d) => d > 0).length).toBeLessThanOrEqual(1);
});

describe("numbers as integers", () => {
  const [rows, columns] = [5, 7];
  const x = tensor([rows, columns], 1, -3, 3);
  const types = ["uint8", "int8", "uint16", "int16", "uint4", "int4", "uint2", "int2"] as const;

  it.each(types)("QuantizeLinear and DequantizeLinear of %s, along an axis and in blocks", async (type) => {
    const blocks = [
      { dims: [] as number[], at: () => 0, attributes: {} },
      { dims: [columns], at: (i: number) => i % columns, attributes: { axis: 1 } },
      {
        dims: [3, columns],
        at: (i: number) => Math.floor(i / columns / 2) * columns + (i % columns),
        attributes: { axis: 0, block_size: 2 },
      },
    ];
    for (const { dims, at, attributes } of blocks) {
      const count = dims.reduce((product, d) => product * d, 1);
      const scale = tensor(dims, 2, 0.3, 0.6);
      const zeros = randoms(type, count, 3);
      const common = { domain: "", attributes };
      const file = onnx(
        {
          nodes: [
            { ...common, type: "QuantizeLinear", inputs: ["x", "s", "z"], outputs: ["q"] },
            { ...common, type: "DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["y"] },
          ],
          initializers: { s: scale, z: integers(type, dims, zeros) },
          inputs: { x: x.dims },
          outputs: { y: [rows, columns], q: [rows, columns] },
          types: { q: codeOf(type) },
        },
        25,
      );
      using model = await loadInMode(file, { batch: false });
      const { outputs } = model.predict(x);
      const q = Array.from(x.data, (v, i) => quantised(v, scale.data[at(i)], zeros[at(i)], type));
      expect(Array.from(outputs.q.data as Uint8Array)).toEqual(q);
      const y = q.map((v, i) => f32((v - zeros[at(i)]) * scale.data[at(i)]));
      expect(Array.from(outputs.y.data as Float32Array)).toEqual(y);
    }
  });

  it("DequantizeLinear of floats of 8 and 4 bits", async () => {
    // [ONNX's number of the type, bits, the number that they are]
    const cases = [
      [17, 0x38, 1],
      [17, 0x7e, 448],
      [17, 0x81, -(2 ** -9)],
      [18, 0x40, 1],
      [18, 0x7f, 240],
      [18, 0x01, 2 ** -10],
      [19, 0x3c, 1],
      [19, 0x7b, 57344],
      [19, 0x02, 2 ** -15],
      [20, 0x40, 1],
      [20, 0xff, -57344],
      [23, 0x02, 1],
      [23, 0x07, 6],
      [23, 0x09, -0.5],
    ];
    for (const [type, bits, value] of cases) {
      const q: FileTensor = { dims: [1], data: { type, fields: field(9, [bits]) } };
      const nodes: FileNode[] = [
        { type: "DequantizeLinear", inputs: ["q", "s"], outputs: ["w"] },
        { type: "Add", inputs: ["x", "w"], outputs: ["y"] },
      ];
      const initializers = { q, s: floats([], 0.5) };
      using model = await loadInMode(onnx({ nodes, initializers, inputs: { x: [1] }, outputs: { y: [1] } }, 23), {
        batch: false,
      });
      expect(model.predict({ dims: [1], data: Float32Array.of(0) }).output.data[0], `${type} ${bits}`).toBe(value / 2);
    }
  });

  it("the integers of DynamicQuantizeLinear may be multiplied by its scale, of equal size", async () => {
    const { nodes } = quantisedCases.find(({ name }) => name === "DynamicQuantizeLinear")!;
    const [integers, scale] = nodes[0].outputs;
    const more: FileNode[] = [
      { type: "Cast", attributes: { to: 1 }, inputs: [integers], outputs: ["floats"] },
      { type: "Mul", inputs: ["floats", scale], outputs: ["product"] },
    ];
    const file = onnx({ nodes: [...nodes, ...more], inputs: { x: [1, 1] }, outputs: { product: [1, 1] } });
    using model = await loadInMode(file, { batch: false });
    const { data } = model.predict({ dims: [1, 1], data: Float32Array.of(255) }).output;
    expect(Array.from(data as Float32Array)).toEqual([255]);
  });

  it("DynamicQuantizeLinear takes its range from the numbers, with 0 in it", async () => {
    const { nodes, outputs } = quantisedCases.find(({ name }) => name === "DynamicQuantizeLinear")!;
    const graph = { nodes, inputs: { x: [1, 4] }, outputs: { y: [1, 4], s: [], z: [] }, types: outputs };
    using model = await loadInMode(onnx(graph), { batch: false });
    for (const [data, scale, zero] of [
      [[1, 2, 3, 4], f32(4 / 255), 0],
      [[-1, -2, -3, -4], f32(4 / 255), 255],
      [[-1, 0.25, 2, 4], f32(5 / 255), 51],
      [[0, 0, 0, 0], 1, 0],
    ] as const) {
      const { s, z, y } = model.predict({ dims: [1, 4], data: Float32Array.from(data) }).outputs;
      expect([s.data[0], Number(z.data[0])]).toEqual([scale, zero]);
      expect(Array.from(y.data as Uint8Array)).toEqual(data.map((v) => quantised(v, scale, zero, "uint8")));
    }
  });

  it.each([2, 4, 8])("MatMulNBits of %i bits", async (bits) => {
    const [k, n, block] = [40, 3, 16];
    const blocks = Math.ceil(k / block);
    const [w, zeros] = [
      randoms("uint8", n * blocks * ((block * bits) / 8), 2),
      randoms("uint8", n * Math.ceil((blocks * bits) / 8), 3),
    ];
    const bit = (list: Numbers, row: number, length: number, i: number) => {
      let value = 0;
      for (let b = 0; b < bits; b++) {
        const at = i * bits + b;
        value |= ((list[row * length + Math.floor(at / 8)] >> (at % 8)) & 1) << b;
      }
      return value;
    };
    const s = tensor([n * blocks], 4, 0.1, 0.2);
    const x = tensor([2, k], 5);
    const expected = Array.from({ length: 2 * n }, (_, at) => {
      const [row, o] = [Math.floor(at / n), at % n];
      let sum = 0;
      for (let i = 0; i < k; i++) {
        const b = Math.floor(i / block);
        const zero = bit(zeros, o, Math.ceil((blocks * bits) / 8), b);
        sum += x.data[row * k + i] * (bit(w, o, (blocks * block * bits) / 8, i) - zero) * s.data[o * blocks + b];
      }
      return sum;
    });
    const file = onnx({
      nodes: [
        {
          type: "MatMulNBits",
          domain: MICROSOFT,
          inputs: ["x", "w", "s", "z"],
          outputs: ["y"],
          attributes: { K: k, N: n, bits, block_size: block },
        },
      ],
      initializers: {
        w: integers("uint8", [n, blocks, (block * bits) / 8], w),
        s,
        z: integers("uint8", [zeros.length], zeros),
      },
      inputs: { x: [2, k] },
      outputs: { y: [2, n] },
    });
    using model = await loadInMode(file, { batch: false });
    expectClose(model.predict(x).output.data, expected, 2e-6);
  });
});

/** Constants of a case, by name, as numbers. */
function numbersOf(of: QuantisedCase, name: string): Numbers {
  const { data } = of.initializers![name];
  if (!("fields" in data)) return data as Float32Array;
  // The bytes lie behind tag and length.
  const bytes = Uint8Array.from(data.fields).subarray(-of.initializers![name].dims.reduce((p, d) => p * d, 1));
  return data.type === 3 ? Int8Array.from(bytes) : bytes;
}

/** x, rounded as DynamicQuantizeLinear and back. */
function roundTrip(x: Tensor): Tensor {
  const [low, high] = [Math.min(0, ...x.data), Math.max(0, ...x.data)];
  const scale = f32(f32(high - low) / 255);
  const zero = Math.min(Math.max(toEven(f32(-low / scale)), 0), 255);
  return { dims: x.dims, data: x.data.map((v) => (quantised(v, scale, zero, "uint8") - zero) * scale) };
}

/** Relevance of the quantised file is that of the file of floats at the rounded input. */
async function expectTwin(file: FileGraph, x: Tensor, twin: FileGraph, at: Tensor, opset = 21): Promise<void> {
  using model = await loadInMode(onnx(file, opset), { batch: false });
  using float = await loadInMode(onnx(twin, opset), { batch: false });
  const y = float.predict(at).output.data;
  const r = numbers(y.length, 5).map((v, i) => v * y[i]);
  for (const composite of ["epsilon", "epsilonPlus", "epsilonAlpha2Beta1", "gradient"]) {
    const options: ExplainOptions = { composite, target: r, start: "one" };
    expectClose(model.explain(x, options).relevance.data, float.explain(at, options).relevance.data, 1e-5);
  }
}

describe("relevance is that of the layer of floats", () => {
  it.each([false, true])("of a dense layer behind DynamicQuantizeLinear, per column: %s", async (columns) => {
    const of = dynamicDense(columns);
    const [w, z, s] = ["w", "wz", "ws"].map((name) => numbersOf(of, name));
    const at = (list: Numbers, i: number) => list[list.length === 1 ? 0 : i % 7];
    const weight = { dims: [5, 7], data: Float32Array.from(w, (v, i) => (v - at(z, i)) * at(s, i)) };
    const twin: FileGraph = {
      nodes: [
        { type: "MatMul", inputs: ["x", "w"], outputs: ["p"] },
        { type: "Add", inputs: ["p", "b"], outputs: ["y"] },
      ],
      initializers: { w: weight, b: of.initializers!.b },
      inputs: { x: [2, 3, 5] },
      outputs: { y: [2, 3, 7] },
    };
    await expectTwin(graphOf(of), of.inputs.x, twin, roundTrip(of.inputs.x));
    using model = await loadInMode(onnx(graphOf(of)), { batch: false });
    const types = model.inspect().nodes.map(({ type }) => type);
    expect(types).toEqual(["DynamicRounding", "MatMul"]);
  });

  it("of a convolution behind DynamicQuantizeLinear", async () => {
    const of = dynamicConv;
    const [w, [z], [s]] = ["w", "wz", "ws"].map((name) => Array.from(numbersOf(of, name)));
    const weight = { dims: [6, 2, 3, 3], data: Float32Array.from(w, (v) => (v - z) * s) };
    const twin: FileGraph = {
      nodes: [
        { type: "Conv", inputs: ["x", "w"], outputs: ["p"], attributes: { group: 2, pads: [1, 0, 0, 1] } },
        { type: "Add", inputs: ["p", "b"], outputs: ["y"] },
      ],
      initializers: { w: weight, b: of.initializers!.b },
      inputs: { x: [2, 4, 7, 5] },
      outputs: { y: [2, 6, 6, 4] },
    };
    await expectTwin(graphOf(of), of.inputs.x, twin, roundTrip(of.inputs.x));
  });

  test("of QLinearConv, and of the same as QuantizeLinear and DequantizeLinear", async () => {
    const x = tensor([1, 2, 5, 4], 1, -1.5, 1.5);
    const [w, zero, bias] = [randoms("int8", 3 * 2 * 9, 2), 120, [300, -200, 50]];
    const scales = [0.01, 0.02, 0.015].map(f32);
    const xs = f32(0.013);
    const initializers = {
      xs: floats([], xs),
      xz: integers("uint8", [], [zero]),
      w: integers("int8", [3, 2, 3, 3], w),
      ws: floats([3], ...scales),
      wz: integers("int8", [3], [0, 0, 0]),
      b: integers("int32", [3], bias),
      bs: floats([3], ...scales.map((s) => f32(s * xs))),
      ys: floats([], 0.5),
      yz: integers("uint8", [], [100]),
    };
    const node = (type: string, inputs: readonly string[], output: string, attributes = {}): FileNode => ({
      type,
      inputs,
      outputs: [output],
      attributes,
    });
    const graph = (nodes: readonly FileNode[], list: Record<string, FileTensor>): FileGraph => ({
      nodes,
      initializers: list,
      inputs: { x: x.dims },
      outputs: { y: [1, 3, 3, 2] },
    });
    const operator = graph(
      [
        node("QuantizeLinear", ["x", "xs", "xz"], "q"),
        node("QLinearConv", ["q", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], "p"),
        node("DequantizeLinear", ["p", "ys", "yz"], "y"),
      ],
      initializers,
    );
    const pairs = graph(
      [
        node("QuantizeLinear", ["x", "xs", "xz"], "q"),
        node("DequantizeLinear", ["q", "xs", "xz"], "d"),
        node("DequantizeLinear", ["w", "ws", "wz"], "wd", { axis: 0 }),
        node("DequantizeLinear", ["b", "bs"], "bd", { axis: 0 }),
        node("Conv", ["d", "wd", "bd"], "p"),
        node("QuantizeLinear", ["p", "ys", "yz"], "pq"),
        node("DequantizeLinear", ["pq", "ys", "yz"], "y"),
      ],
      initializers,
    );
    const twin = graph([node("Conv", ["x", "w", "b"], "y")], {
      w: { dims: [3, 2, 3, 3], data: Float32Array.from(w, (v, i) => v * scales[Math.floor(i / 18)]) },
      b: floats([3], ...bias.map((v, i) => v * f32(scales[i] * xs))),
    });
    const at = { ...x, data: x.data.map((v) => (quantised(v, xs, zero, "uint8") - zero) * xs) };
    for (const file of [operator, pairs]) await expectTwin(file, x, twin, at);
  });
});

describe("what is refused", () => {
  const dequantize = (more: Record<string, FileTensor>, attributes: FileNode["attributes"] = {}): FileGraph => ({
    nodes: [
      { type: "DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["w"], attributes },
      { type: "Add", inputs: ["x", "w"], outputs: ["y"] },
    ],
    initializers: {
      q: integers("int8", [4, 6], randoms("int8", 24, 1)),
      s: floats([], 0.1),
      z: integers("int8", [], [0]),
      ...more,
    },
    inputs: { x: [4, 6] },
    outputs: { y: [4, 6] },
  });
  const quantize = (more: Record<string, FileTensor>): FileGraph => ({
    nodes: [
      { type: "QuantizeLinear", inputs: ["x", "s", "z"], outputs: ["q"] },
      { type: "DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["y"] },
    ],
    initializers: { s: floats([], 0.1), z: integers("int8", [], [0]), ...more },
    inputs: { x: [4, 6] },
    outputs: { y: [4, 6] },
  });
  const bits = (attributes: FileNode["attributes"], more: Record<string, FileTensor> = {}): FileGraph => ({
    nodes: [
      {
        type: "MatMulNBits",
        domain: MICROSOFT,
        inputs: ["x", "w", "s"],
        outputs: ["y"],
        attributes: { K: 32, N: 3, bits: 4, block_size: 16, ...attributes },
      },
    ],
    initializers: {
      w: integers("uint8", [3, 2, 8], randoms("uint8", 48, 1)),
      s: tensor([6], 2),
      ...more,
    },
    inputs: { x: [2, 32] },
    outputs: { y: [2, 3] },
  });

  it.each<readonly [string, FileGraph, string]>([
    ["a zero point of another type", dequantize({ z: integers("uint8", [], [0]) }), "x_zero_point of type int8"],
    ["more zero points than scales", dequantize({ z: integers("int8", [4], [0, 0, 0, 0]) }), "a zero point of dims []"],
    ["scales of another length", dequantize({ s: floats([3], 1, 2, 3), z: integers("int8", [3], [0, 0, 0]) }), "[6]"],
    [
      "an axis that there is not",
      dequantize({ s: floats([2], 1, 2), z: integers("int8", [2], [0, 0]) }, { axis: 5 }),
      "an axis",
    ],
    ["a scale that is no number", dequantize({ s: floats([], Number.NaN) }), "finite numbers"],
    ["a negative scale", dequantize({ s: floats([], -1) }), "scales ≥ 0"],
    [
      "blocks that do not fit",
      dequantize(
        { s: tensor([4, 2], 1, 1, 2), z: integers("int8", [4, 2], new Array(8).fill(0)) },
        { axis: 1, block_size: 2 },
      ),
      "[4, 3]",
    ],
    ["a negative block", dequantize({}, { block_size: -2 }), "a block_size ≥ 0"],
    ["a scale of 0 to divide by", quantize({ s: floats([], 0) }), "scales > 0"],
    ["bits that there are not", bits({ bits: 3 }), "bits 2, 4, 8"],
    ["blocks of another length", bits({ block_size: 24 }), "a power of 2"],
    [
      "bytes that are too few",
      bits({}, { w: integers("uint8", [3, 2, 7], randoms("uint8", 42, 1)) }),
      "B of 48 numbers",
    ],
    ["scales that are too few", bits({}, { s: tensor([5], 2) }), "scales of 6 numbers"],
    ["a width that A has not", bits({ K: 31 }), "an A of 31 columns"],
    ["no outputs", bits({ N: 0 }), "K and N ≥ 1"],
  ])("%s", async (_, graph, says) => {
    const refusal = async () => {
      using model = await loadInMode(onnx(graph, 21), { batch: false });
      model.predict(tensor(Object.values(graph.inputs!)[0] as number[], 1));
    };
    const error = await refusal().then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(LrpError);
    expect(error.message).toContain(says);
  });

  it("QuantizeLinear to floats, by name", async () => {
    const graph = quantize({ z: { dims: [], data: { type: 17, fields: field(9, [0]) } } });
    await expect(loadInMode(onnx(graph, 21), { batch: false })).rejects.toThrow(/float8e4m3fn.*integers only/);
  });
});
