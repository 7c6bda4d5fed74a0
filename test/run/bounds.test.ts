import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dense, type LoadOptions, load, type Model, relu } from "../../src/entries/index.ts";
import { explainFrom, network } from "../explain.ts";
import { chain, type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * What a network asks for is known, and held against limits, before any of it is made: few bytes of a file can ask for
 * any number.
 */

const MB = 1e6;
const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const scalar = (value: number): FileTensor => ({ dims: [], data: [value] });
const floats = (...data: number[]): FileTensor => ({ dims: [data.length], data: Float32Array.from(data) });
const node = (
  type: string,
  inputs: string[],
  outputs: string[],
  attributes: FileNode["attributes"] = {},
): FileNode => ({
  type,
  inputs,
  outputs,
  attributes,
});

/** z = x + what the nodes make of constants. */
const beside = (nodes: FileNode[], initializers: FileGraph["initializers"]): Uint8Array =>
  onnx({
    nodes: [...nodes, node("Cast", ["c"], ["f"], { to: 1 }), node("Add", ["x", "f"], ["z"])],
    initializers,
    inputs: { x: [1, 1] },
    outputs: { z: [] },
  });

const demo = new Uint8Array(readFileSync(new URL("../../demo/digits.onnx", import.meta.url)));

const N = 2 ** 27;

describe("before it is made, memory is asked for", () => {
  it.each<[string, Uint8Array, string]>([
    ["a Range", beside([node("Range", ["a", "b", "s"], ["c"])], { a: scalar(0), b: scalar(N), s: scalar(1) }), "c"],
    ["a ConstantOfShape", beside([node("ConstantOfShape", ["n"], ["c"])], { n: ints(N) }), "c"],
    ["an Expand", beside([node("Expand", ["v", "n"], ["c"])], { v: ints(1), n: ints(N) }), "c"],
    ["a Tile", beside([node("Tile", ["v", "n"], ["c"])], { v: ints(1, 2), n: ints(N) }), "c"],
    ["a Pad of constants", beside([node("Pad", ["v", "n"], ["c"])], { v: floats(1), n: ints(0, N) }), "c"],
    [
      "many constants that fit one by one",
      beside(
        [
          ...Array.from({ length: 20 }, (_, i) => node("ConstantOfShape", ["n"], [`c${i}`])),
          node(
            "Concat",
            Array.from({ length: 20 }, (_, i) => `c${i}`),
            ["c"],
            { axis: 0 },
          ),
        ],
        { n: ints(250_000) },
      ),
      "c16",
    ],
    [
      "a Gather",
      beside([node("ConstantOfShape", ["n"], ["i"], {}), node("Gather", ["v", "j"], ["c"])], {
        n: ints(1),
        v: { dims: [2, 2 ** 20], data: new Float32Array(2 ** 21) },
        j: { dims: [3000], data: Array(3000).fill(0) },
      }),
      "c",
    ],
    ["a Pad", chain([1, 3], [{ type: "Pad", parameters: [ints(0, 0, 0, N)] }]), "y0"],
    ["a Resize", chain([1, 1, 1, 4], [{ type: "Resize", parameters: [undefined, floats(1, 1, 1, 2 ** 24)] }]), "y0"],
    [
      "the table of a Resize",
      chain(
        [1, 1, 4, 1],
        [{ type: "Resize", attributes: { mode: "linear" }, parameters: [undefined, floats(1, 1, 2 ** 18, 1)] }],
      ),
      "y0",
    ],
    [
      "a ConvTranspose",
      chain(
        [1, 1, 1, 4],
        [{ type: "ConvTranspose", attributes: { strides: [1, 2 ** 24] }, parameters: [tensor([1, 1, 1, 1], 1)] }],
      ),
      "y0",
    ],
    ["dims beyond all numbers", chain([1, 3], [{ type: "Expand", parameters: [ints(2 ** 40, 2 ** 40, 3)] }]), "y0"],
  ])("%s", async (_name, file, at) => {
    await expect(load(file, { maxMemory: 16 * MB })).rejects.toMatchObject({
      code: "memory",
      message: expect.stringContaining(`node '${at}'`),
    });
  });

  it("an input of 2^40 numbers", async () => {
    const file = chain([2 ** 20, 2 ** 20], [{ type: "Relu" }]);
    await expect(load(file)).rejects.toMatchObject({ code: "memory", message: expect.stringContaining("input 'x'") });
  });

  it.each([1, 4, 8])("weights of a file, of %s bytes each", async (bytes) => {
    const [type, count] = [{ 1: 2, 4: 1, 8: 7 }[bytes]!, 500];
    const raw = Uint8Array.from({ length: count * bytes });
    const w: FileTensor = { dims: [count], data: { type, fields: [0x4a, ...varintOf(raw.length), ...raw] } };
    const file = beside([node("Identity", ["w"], ["c"])], { w });
    const needed = count * bytes;
    await expect(load(file, { maxMemory: needed - 1 })).rejects.toMatchObject({
      code: "memory",
      message: expect.stringContaining(
        `the model's weights: this needs ${needed} bytes, more than the ${needed - 1} that are allowed`,
      ),
    });
  });

  it("a plan of many steps", async () => {
    // Each row of the triangle is a copy of its own.
    const file = chain([1, 3000, 2], [{ type: "Trilu", attributes: { upper: 0 } }]);
    using model = await load(file, { maxMemory: MB });
    expect(() => model.predict(tensor([1, 3000, 2], 1))).toThrow(
      /node 'y0' \(Trilu\): this needs \d+ bytes, more than the 1000000 that/,
    );
    using roomy = await load(file, { maxMemory: 10 * MB });
    expect(roomy.predict(tensor([1, 3000, 2], 1)).output.dims).toEqual([1, 3000, 2]);
  });

  it("an input is converted only where there is room for it", async () => {
    const bytes = onnx({
      nodes: [{ type: "Relu", inputs: ["x"], outputs: ["y"] }],
      inputs: { x: ["n"] },
      outputs: { y: ["n"] },
    });
    using model = await load(bytes, { batch: false, maxMemory: 2e6 });
    const data = new Int8Array(500_001);
    expect(() => model.predict({ dims: [500_001], data })).toThrow(
      "input 'x': this needs 2000004 bytes, more than the 2000000 that are allowed",
    );
  });

  it("what is listed of each of a million samples", async () => {
    const file = chain([1_000_000, 2], [{ type: "Relu" }]);
    using model = await load(file, { maxMemory: 64 * MB });
    const x = { dims: [1_000_000, 2], data: new Float32Array(2_000_000).fill(1) };
    expect(model.predict(x).output.dims).toEqual(x.dims);
    expect(() => model.explain(x)).toThrow(/this needs 256000000 bytes, more than the 64000000 that are allowed/);
  });

  it("the demo network in batches, which a spelled-out LRN is looked for in", async () => {
    using model = await load(demo, { maxMemory: 2 * MB });
    expect(model.inspect({ dims: [1, 1, 28, 28] }).nodes).not.toEqual([]);
    for (const n of [256, 4096, 65_536])
      expect(() => model.inspect({ dims: [n, 1, 28, 28] })).toThrow(
        /this needs \d+ bytes, more than the 2000000 that are allowed/,
      );
    using unlimited = await load(demo);
    expect(() => unlimited.inspect({ dims: [1_000_000, 1, 28, 28] })).toThrow(
      /this needs \d+ bytes, more than the 4294967296 that/,
    );
  });
});

function varintOf(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varintOf(value >> 7)];
}

describe("before it is run, work is counted", () => {
  const weight = (m: number, k: number) => tensor([m, k], m);
  const net = network([1, 30], dense({ weight: weight(50, 30) }), relu(), dense({ weight: weight(7, 50) }));
  /** The least limit under which a call runs. */
  async function least(call: (model: Model) => unknown, how: LoadOptions = {}): Promise<number> {
    let [low, high] = [1, 1e6];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      using model = await load(net, { ...how, maxWork: middle });
      try {
        call(model);
        high = middle;
      } catch (error) {
        expect(error).toMatchObject({ code: "memory", message: expect.stringContaining("multiply-adds") });
        low = middle + 1;
      }
    }
    return low;
  }

  it("multiply-adds of layers, 4 for a number of an activation, 32 for each weight that is laid out", async () => {
    const layers = 50 * 30 + 4 * 50 + 7 * 50;
    const laidOut = 32 * (50 * 30 + 50 + 7 * 50 + 7);
    expect(await least((model) => model.predict(tensor([1, 30], 1)))).toBe(layers + laidOut);
  });

  it("the way back too", async () => {
    const forth = await least((model) => model.predict(tensor([1, 30], 1)));
    expect(await least((model) => model.explain(tensor([1, 30], 1)))).toBeGreaterThan(forth + 50 * 30 + 7 * 50);
  });

  it("is of one sample", async () => {
    using model = await load(net, { maxWork: await least((m) => m.predict(tensor([1, 30], 1))) });
    expect(model.predict(tensor([9, 30], 1)).output.dims).toEqual([9, 7]);
  });

  it("what is folded, and loops in JavaScript", async () => {
    const square: FileTensor = { dims: [200, 200], data: numbers(40_000, 1) };
    const file = beside([node("MatMul", ["w", "w"], ["p"]), node("ReduceMax", ["p"], ["c"], { axes: [0, 1] })], {
      w: square,
    });
    await expect(load(file, { maxWork: 1e8 })).rejects.toMatchObject({
      code: "memory",
      message: expect.stringContaining("more than the 100000000 of maxWork"),
    });
    const pool = chain([1, 1, 40, 40], [{ type: "LpPool", attributes: { kernel_shape: [20, 20] } }]);
    using model = await load(pool, { maxWork: 1e6 });
    expect(() => model.predict(tensor([1, 1, 40, 40], 1))).toThrow(
      /node 'y0' \(LpPool\): one sample takes \d+ multiply-adds up to here, more than the 1000000 of maxWork/,
    );
  });

  it.each([0, -1, Number.NaN, "1e9", null])("a limit of %s is a mistake of the caller", async (maxWork) => {
    await expect(load(net, { maxWork: maxWork as number })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("a window far larger than the picture", () => {
  const FAR = 2 ** 28;
  const x = tensor([1, 3, 5, 7], 1);
  /** The same numbers, and the same relevance under every rule. */
  async function expectSame(a: Uint8Array, b: Uint8Array) {
    const models = await Promise.all([a, b].map((file) => load(file, { maxMemory: 16 * MB, maxWork: 1e6 })));
    const [p, q] = models.map((model) => model.predict(x).output);
    expect(p).toEqual(q);
    const r = numbers(p.data.length, 5);
    for (const composite of ["gradient", "epsilon", "epsilonAlpha2Beta1", "epsilonPlusFlat"]) {
      const [s, t] = models.map((model) => explainFrom(model, x, r, { composite, unknown: "gradient" }).relevance);
      expect(s, composite).toEqual(t);
    }
    for (const model of models) model.dispose();
  }
  const window = (type: string, attributes: FileNode["attributes"]) => chain([1, 3, 5, 7], [{ type, attributes }]);

  it.each(["MaxPool", "AveragePool", "LpPool"])("%s: costs what the picture has", async (type) => {
    // With padding that is as much as the kernel less one, 30 is the whole picture for each of its pixels as well.
    await expectSame(
      window(type, { kernel_shape: [FAR, FAR], auto_pad: "SAME_UPPER" }),
      window(type, { kernel_shape: [30, 30], auto_pad: "SAME_UPPER" }),
    );
    await expectSame(
      window(type, { kernel_shape: [3, 3], dilations: [FAR, FAR], auto_pad: "SAME_LOWER" }),
      window(type, { kernel_shape: [1, 1] }),
    );
    await expectSame(
      window(type, { kernel_shape: [2, 2], strides: [FAR, FAR], auto_pad: "SAME_UPPER" }),
      window(type, { kernel_shape: [2, 2], strides: [6, 8], auto_pad: "SAME_UPPER" }),
    );
  });

  it("a mean that counts its padding divides by all of it", async () => {
    const attributes = { kernel_shape: [FAR, FAR], auto_pad: "SAME_UPPER", count_include_pad: 1 };
    using model = await load(window("AveragePool", attributes));
    const { data } = model.predict(x).output;
    const sum = x.data.subarray(0, 35).reduce((a, b) => a + b, 0);
    // Of the even window half is on each side, and padded on both sides it is as long as itself and the picture.
    expect(data[0] / (sum / FAR ** 2)).toBeCloseTo(1, 5);
  });

  it.each([3, 5])("Conv of %s taps: those inside only", async (k) => {
    const [weight, bias] = [tensor([4, 3, k, k], 2), tensor([4], 3)];
    const centre = Float32Array.from({ length: 12 }, (_, i) => weight.data[i * k * k + (k * k - 1) / 2]);
    const conv = (attributes: FileNode["attributes"], w: FileTensor) =>
      chain([1, 3, 5, 7], [{ type: "Conv", attributes, parameters: [w, bias] }]);
    await expectSame(
      conv({ dilations: [FAR, FAR], auto_pad: "SAME_UPPER" }, weight),
      conv({}, { dims: [4, 3, 1, 1], data: centre }),
    );
    // Taps that lie outside on one axis, and on the other do not.
    const row = Float32Array.from(
      { length: 12 * k },
      (_, i) => weight.data[Math.floor(i / k) * k * k + ((k - 1) / 2) * k + (i % k)],
    );
    await expectSame(
      conv({ dilations: [FAR, 1], auto_pad: "SAME_UPPER" }, weight),
      conv({ auto_pad: "SAME_UPPER" }, { dims: [4, 3, 1, k], data: row }),
    );
  });

  it("Conv of which no tap is inside: the bias", async () => {
    const file = chain(
      [1, 3, 5, 7],
      [
        {
          type: "Conv",
          attributes: { dilations: [FAR, FAR], auto_pad: "SAME_UPPER" },
          parameters: [tensor([4, 3, 2, 2], 2), tensor([4], 3)],
        },
      ],
    );
    using model = await load(file, { maxMemory: 16 * MB, maxWork: 1e6 });
    const { output } = model.predict(x);
    expect([...output.data]).toEqual([...tensor([4], 3).data].flatMap((b) => Array(35).fill(b)));
    const { relevance, ledger } = explainFrom(model, x, numbers(140, 5), { composite: "epsilonPlusFlat" });
    expect(relevance.data.every((v) => v === 0)).toBe(true);
    expect(ledger[0].received).toBeCloseTo(ledger[0].bias + ledger[0].dead + ledger[0].stabilizer, 5);
  });

  it.each([
    ["ConvTranspose", [2 ** 17, 2 ** 17], [3, 2]],
    ["ConvTranspose", [1, 2 ** 18], [3, 2]],
  ] as const)("%s of strides %o: as many steps as it has taps", async (type, strides, [kh, kw]) => {
    const dims = [1, 2, 1, 3];
    const weight = tensor([2, 4, kh, kw], 2);
    const pads = [0, 0, 0, 0];
    const file = chain(dims, [
      { type, attributes: { strides: [...strides], pads }, parameters: [weight] },
      { type: "GlobalMaxPool" },
    ]);
    using model = await load(file, { maxMemory: 64 * MB, maxWork: 1e9 });
    const { output } = model.predict(tensor(dims, 1));
    // The windows do not overlap: each product stands by itself, and elsewhere is 0.
    const given = tensor(dims, 1).data;
    const largest = [0, 1, 2, 3].map((o) => {
      let most = 0;
      for (let p = 0; p < 3; p++)
        for (let tap = 0; tap < kh * kw; tap++) {
          const [a, b] = [0, 1].map((i) => given[i * 3 + p] * weight.data[(i * 4 + o) * kh * kw + tap]);
          most = Math.max(most, a + b);
        }
      return most;
    });
    for (const [i, v] of output.data.entries()) expect(v).toBeCloseTo(largest[i], 5);
  });
});

describe("windows that are refused", () => {
  const H = 2 ** 31;
  it.each<[string, FileNode["attributes"], RegExp]>([
    [
      "kernel",
      { kernel_shape: [H, 2], auto_pad: "SAME_LOWER" },
      /attribute 'kernel_shape' within 32 bits, got 2147483648/,
    ],
    ["kernel", { kernel_shape: [2 * H + 1, 1], pads: [H, 0, H, 0] }, /attribute 'kernel_shape' within 32 bits/],
    ["strides", { kernel_shape: [2, 2], strides: [2 * H, 1] }, /attribute 'strides' within 32 bits, got 4294967296/],
    ["dilations", { kernel_shape: [2, 2], dilations: [H, 1] }, /attribute 'dilations' within 32 bits/],
    ["pads", { kernel_shape: [H - 1, 1], pads: [H - 2, 0, H - 2, 0] }, /a padded axis of at most 2147483647/],
    ["kernel", { kernel_shape: [40, 2], pads: [5, 0, 5, 0] }, /a padded axis of at least 40/],
  ])("%s of %o", async (_what, attributes, message) => {
    for (const type of ["MaxPool", "AveragePool", "LpPool"])
      await expect(load(chain([1, 3, 8, 8], [{ type, attributes }]))).rejects.toThrow(message);
  });
});
