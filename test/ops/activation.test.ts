import { describe, expect, test } from "vitest";
import { clip, type Layer, leakyRelu, relu, ruleOf, sigmoid, tanh } from "../../src/entries/index.ts";
import { explainFrom, explainLayer, network } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { broadcastAt, place, positions } from "../reference/linear.ts";
import { expectLayer } from "./check.ts";

/** Behind a Sigmoid at the end a network is explained from before it; this keeps it from being the end. */
const same = leakyRelu({ name: "same", alpha: 1 });

const cases: readonly (readonly [string, Layer, (v: number) => number])[] = [
  ["Relu", relu(), (v) => Math.max(v, 0)],
  ["LeakyRelu", leakyRelu(), (v) => (v > 0 ? v : 0.01 * v)],
  ["LeakyRelu 0.3", leakyRelu({ alpha: 0.3 }), (v) => (v > 0 ? v : 0.3 * v)],
  ["LeakyRelu −0.5", leakyRelu({ alpha: -0.5 }), (v) => (v > 0 ? v : -0.5 * v)],
  ["Clip", clip(), (v) => v],
  ["Clip from −1", clip({ min: -1 }), (v) => Math.max(v, -1)],
  ["Clip to 0.5", clip({ max: 0.5 }), (v) => Math.min(v, 0.5)],
  ["Clip 0 to 6", clip({ min: 0, max: 6 }), (v) => Math.min(Math.max(v, 0), 6)],
  ["Sigmoid", sigmoid(), (v) => 1 / (1 + Math.exp(-v))],
  ["Tanh", tanh(), Math.tanh],
];

describe("activations", () => {
  test.each(cases)("%s", async (_name, layer, f) => {
    const forward = (x: ArrayLike<number>) => Array.from(x, f);
    for (const [length, scale] of [
      [1, 3],
      [2, 3],
      [3, 3],
      [4, 3],
      [5, 10],
      [6, 3],
      [7, 0.1],
      [8, 3],
      [9, 3],
      [1031, 9],
    ]) {
      const dims = [1, length];
      await expectLayer(network(dims, layer, same), tensor(dims, length, -scale, scale), { dims, forward });
    }
    const dims = [2, 3, 5, 7];
    await expectLayer(network(dims, layer, same), tensor(dims, 3, -8, 8), { dims, forward });
  });

  test.each([
    ["Sigmoid", (v: number) => 1 / (1 + Math.exp(-v))],
    ["Tanh", Math.tanh],
  ] as const)("%s far out stays within its bounds", async (type, f) => {
    const data = Float32Array.of(-1e30, -200, -90, -40, -20, 0, 20, 40, 90, 200, 1e30);
    await expectLayer(
      chain(["n", 11], [{ type }]),
      { dims: [1, 11], data },
      { dims: [1, 11], forward: (x) => Array.from(x, f) },
      { differentiable: false },
    );
  });

  // Bounds are attributes before opset 11, inputs since; either may be left out.
  test.each([
    [10, { min: { float: -0.5 }, max: { float: 1 } }, [], -0.5, 1],
    [8, { max: { float: 0.25 } }, [], -Infinity, 0.25],
    [13, {}, [-0.5, 1], -0.5, 1],
    [11, {}, [undefined, 0.25], -Infinity, 0.25],
    [17, {}, [0.1], 0.1, Infinity],
  ])("Clip of opset %i", async (opset, attributes, bounds, low, high) => {
    const parameters = bounds.map((b) => (b === undefined ? undefined : { dims: [], data: Float32Array.of(b) }));
    const forward = (x: ArrayLike<number>) => Array.from(x, (v) => Math.min(Math.max(v, low), high));
    await expectLayer(chain(["n", 13], [{ type: "Clip", attributes, parameters }], opset), tensor([2, 13], 4, -2, 2), {
      dims: [2, 13],
      forward,
    });
  });

  test.each([
    [[2, 3, 5, 7], [3, 1, 1], 7],
    [[2, 3, 5, 7], [1, 3, 5, 7], 9],
    [[2, 3, 5, 7], [5, 1], 16],
    [[3, 2, 5], [], 16],
    [[2, 7], [7], 7],
  ])("PRelu of [%s] with slopes [%s], opset %i", async (dims, by, opset) => {
    const slope = tensor(by, 5, -1, 2);
    const forward = (x: ArrayLike<number>) =>
      positions(dims).map((p, i) => (x[i] < 0 ? slope.data[broadcastAt(by, dims, p)] * x[i] : x[i]));
    const source = chain(["n", ...dims.slice(1)], [{ type: "PRelu", parameters: [slope] }], opset);
    const x = tensor(dims, 4, -2, 2);
    await expectLayer(source, x, { dims, forward });
    const r = numbers(x.data.length, 5);
    expect((await explainLayer(source, x, r, ruleOf.pass())).relevance.data).toEqual(r);
  });

  test("PRelu with a computed slope has a gradient, and no rule", async () => {
    const dims = [2, 3, 5, 7];
    const source = onnx({
      nodes: [
        { type: "GlobalAveragePool", inputs: ["x"], outputs: ["slope"] },
        { type: "PRelu", inputs: ["x", "slope"], outputs: ["y"] },
      ],
      inputs: { x: dims },
      outputs: { y: [] },
    });
    const x = tensor(dims, 4, -2, 2);
    const slope = (v: ArrayLike<number>, [n, c]: readonly number[]) =>
      positions([5, 7]).reduce((sum, [i, j]) => sum + v[place(dims, [n, c, i, j])] / 35, 0);
    const forward = (v: ArrayLike<number>) => positions(dims).map((p, i) => (v[i] < 0 ? slope(v, p) * v[i] : v[i]));
    await expectLayer(source, x, { dims, forward });
    using model = await loadInMode(source);
    expect(() => model.explain(x)).toThrow("a product of activations");
  });

  test("PRelu of a slope that is larger than the input is refused", async () => {
    await expect(loadInMode(chain(["n", 1, 5], [{ type: "PRelu", parameters: [tensor([3, 1], 1)] }]))).rejects.toThrow(
      "node 'y0' (PRelu): expected a slope that can be broadcast to [1, 1, 5]",
    );
  });

  test.each([
    [2, -2],
    [3, -2],
    [1, -2],
    [0.5, 0.1],
    [-1, 0.3],
    [0.75, 0.1],
    [0, 0.1],
  ])("Pow %d", async (exponent, low) => {
    const parameters = [{ dims: [], data: Float32Array.of(exponent) }];
    const forward = (x: ArrayLike<number>) => Array.from(x, (v) => v ** exponent);
    await expectLayer(chain(["n", 3, 5], [{ type: "Pow", parameters }]), tensor([2, 3, 5], 4, low, 2), {
      dims: [2, 3, 5],
      forward,
    });
  });

  test("Pow of a constant", async () => {
    const source = onnx({
      nodes: [{ type: "Pow", inputs: ["two", "x"], outputs: ["y"] }],
      initializers: { two: { dims: [], data: Float32Array.of(2) } },
      inputs: { x: [2, 5] },
      outputs: { y: [] },
    });
    await expectLayer(source, tensor([2, 5], 4), { dims: [2, 5], forward: (x) => Array.from(x, (v) => 2 ** v) });
  });

  test.each([
    [7, 7],
    [6, 1],
    [7, 1],
  ])("Pow of integers of type %i by numbers of type %i", async (base, exponent) => {
    const source = onnx(
      {
        nodes: [{ type: "Pow", inputs: ["a", "b"], outputs: ["y"] }],
        inputs: { a: [2, 1], b: [3] },
        outputs: { y: [] },
        types: { a: base, b: exponent, y: base },
      },
      15,
    );
    using model = await loadInMode(source);
    const of = (...a: number[]) => ({ a: { dims: [2, 1], data: a }, b: { dims: [3], data: Float32Array.of(2, 0, 5) } });
    const { type, data } = model.predict(of(-3, 27)).output;
    expect(type).toBe(base === 6 ? "int32" : "int64");
    expect(Array.from(data, Number)).toEqual([9, 1, -243, 729, 1, 14348907]);
    expect(() => model.predict(of(-3, 28))).toThrow(`got ${28 ** 5}. Integers are computed in float32`);
  });

  test("slopes of powers of 0, and of what is below it", async () => {
    const parameters = [{ dims: [5], data: Float32Array.of(0, 1, 2, 3, 0) }];
    using model = await loadInMode(chain([2, 5], [{ type: "Pow", parameters }]));
    const x = { dims: [2, 5], data: Float32Array.of(0, 0, 0, 0, 3, -2, -2, -2, -2, -2) };
    const { relevance } = explainFrom(model, x, new Float32Array(10).fill(1), { composite: "gradient" });
    expect(Array.from(relevance.data, (v) => v + 0)).toEqual([0, 1, 0, 0, 0, 0, 1, -4, 12, 0]);
  });

  test("Pow with an exponent for each channel", async () => {
    const parameters = [{ dims: [3, 1], data: Float32Array.of(2, 0.5, 3) }];
    const forward = (x: ArrayLike<number>) => Array.from(x, (v, i) => v ** [2, 0.5, 3][Math.floor(i / 5) % 3]);
    await expectLayer(chain(["n", 3, 5], [{ type: "Pow", parameters }]), tensor([2, 3, 5], 4, 0.1, 2), {
      dims: [2, 3, 5],
      forward,
    });
  });
});
