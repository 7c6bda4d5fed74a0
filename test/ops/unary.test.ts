import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { erf, erfc } from "../../src/ops/erf.ts";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainLayer } from "../explain.ts";
import { chain, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { expectLayer } from "./check.ts";

type F = (v: number) => number;
type Attributes = NonNullable<FileNode["attributes"]>;

const ONE = 10n ** 60n;

/** erf by its Maclaurin series 2/√π Σ (−1)^n x^(2n+1) / (n! (2n+1)), in integers of 60 decimals. Source: DLMF 7.6.1. */
function erfExact(x: number): number {
  const scaled = BigInt(Math.round(x * 2 ** 40)) * (ONE / 2n ** 40n);
  const square = (scaled * scaled) / ONE;
  let [sum, power] = [0n, scaled];
  for (let n = 0n; power !== 0n; n++) {
    sum += power / (2n * n + 1n);
    power = (-power * square) / ONE / (n + 1n);
  }
  return (
    Number((sum * 112837916709551257389615890312154517168810125865799771368817n) / 10n ** 59n / (ONE / 10n ** 30n)) /
    1e30
  );
}

const selu =
  (alpha = 1.6732631921768188, gamma = 1.0507010221481323): F =>
  (v) =>
    v > 0 ? gamma * v : gamma * (alpha * Math.exp(v) - alpha);
const celu =
  (alpha: number): F =>
  (v) =>
    Math.max(0, v) + Math.min(0, alpha * (Math.exp(v / alpha) - 1));
const hardSigmoid =
  (alpha: number, beta: number): F =>
  (v) =>
    Math.max(0, Math.min(1, alpha * v + beta));
const geluTanh: F = (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
const shrink =
  (lambd: number, bias: number): F =>
  (v) =>
    v < -lambd ? v + bias : v > lambd ? v - bias : 0;
const roundEven: F = (v) =>
  v - Math.floor(v) === 0.5 ? Math.floor(v) + (Math.abs(Math.floor(v)) % 2) : Math.floor(v + 0.5);

/** Operator, attributes, opset, f as ONNX defines it, from where the inputs are, and what LRP does. */
const cases: readonly (readonly [string, Attributes, number, F, number?, "none"?])[] = [
  ["Elu", {}, 7, (v) => (v < 0 ? Math.exp(v) - 1 : v)],
  ["Elu", { alpha: { float: 2.5 } }, 22, (v) => (v < 0 ? 2.5 * (Math.exp(v) - 1) : v)],
  ["Selu", {}, 7, selu()],
  ["Selu", { alpha: { float: 0.5 }, gamma: { float: 3 } }, 22, selu(0.5, 3)],
  ["Celu", {}, 12, celu(1)],
  ["Celu", { alpha: { float: 2 } }, 12, celu(2)],
  ["Celu", { alpha: { float: -2 } }, 12, celu(-2)],
  ["Gelu", {}, 20, (v) => 0.5 * v * (1 + erfExact(v / Math.SQRT2))],
  ["Gelu", { approximate: "tanh" }, 20, geluTanh],
  ["Mish", {}, 18, (v) => v * Math.tanh(Math.log(1 + Math.exp(v)))],
  ["HardSigmoid", {}, 7, hardSigmoid(0.2, 0.5)],
  ["HardSigmoid", { alpha: { float: -0.5 }, beta: { float: 0.625 } }, 22, hardSigmoid(-0.5, 0.625)],
  ["HardSwish", {}, 14, (v) => v * hardSigmoid(1 / 6, 0.5)(v)],
  ["Swish", {}, 22, (v) => v / (1 + Math.exp(-v))],
  ["Swish", { alpha: { float: -1.5 } }, 22, (v) => v / (1 + Math.exp(1.5 * v))],
  ["Softplus", {}, 7, (v) => Math.log(Math.exp(v) + 1)],
  ["Softsign", {}, 7, (v) => v / (1 + Math.abs(v))],
  ["ThresholdedRelu", {}, 10, (v) => (v > 1 ? v : 0)],
  ["ThresholdedRelu", { alpha: { float: -0.5 } }, 22, (v) => (v > -0.5 ? v : 0)],
  ["Shrink", {}, 9, shrink(0.5, 0)],
  ["Shrink", { lambd: { float: 1.5 }, bias: { float: 1.25 } }, 9, shrink(1.5, 1.25)],
  ["Erf", {}, 9, erfExact],
  ["Exp", {}, 7, Math.exp],
  ["Log", {}, 13, Math.log, 0.25],
  ["Sqrt", {}, 7, Math.sqrt, 0.25],
  ["Abs", {}, 13, Math.abs],
  ["Neg", {}, 7, (v) => -v],
  ["Sign", {}, 9, (v) => (v > 0 ? 1 : v < 0 ? -1 : 0)],
  ["Reciprocal", {}, 7, (v) => 1 / v, 0.25],
  ["Ceil", {}, 7, Math.ceil],
  ["Floor", {}, 13, Math.floor],
  ["Round", {}, 11, roundEven],
  ["Sin", {}, 7, Math.sin, -5, "none"],
  ["Cos", {}, 7, Math.cos, -5, "none"],
  ["Tan", {}, 7, Math.tan, -1.5, "none"],
  ["Atan", {}, 7, (v) => Math.sign(v) * (Math.PI / 2) - Math.atan2(1, v) + (v < 0 ? Math.PI : 0)],
  ["Sinh", {}, 9, (v) => (Math.exp(v) - Math.exp(-v)) / 2],
  ["Cosh", {}, 9, (v) => (Math.exp(v) + Math.exp(-v)) / 2],
  ["Asinh", {}, 9, (v) => Math.sign(v) * Math.log(Math.abs(v) + Math.sqrt(v * v + 1))],
  ["Acosh", {}, 9, (v) => Math.log(v + Math.sqrt(v * v - 1)), 1.5],
];

/** Functions of numbers within ±1. */
const inner: readonly (readonly [type: string, f: F])[] = [
  ["Acos", (v) => Math.atan2(Math.sqrt(1 - v * v), v)],
  ["Asin", (v) => Math.atan2(v, Math.sqrt(1 - v * v))],
  ["Atanh", (v) => Math.log((1 + v) / (1 - v)) / 2],
];

/** Where a step or a kink is nearby, differences of the reference say nothing of the slope. */
const stepped = new Set(["Ceil", "Floor", "Round", "Sign"]);

const shapes = [[], [13], [5, 7], [2, 3, 5], [2, 3, 5, 7], [2, 1, 3, 5, 7]];

test("erf and erfc in double precision", () => {
  const points = Float64Array.from({ length: 1401 }, (_, i) => (i - 700) / 128);
  for (const x of points) expect(Math.abs(erf(x) - erfExact(x)), `erf(${x})`).toBeLessThan(1e-15);
  // Abramowitz and Stegun, tables 7.1 and 7.3; DLMF 7.12.1 far out.
  for (const [x, tail] of [
    [0.5, 0.4795001221869534],
    [2, 0.004677734981047266],
    [3.5, 7.430983723414128e-7],
    [5, 1.5374597944280349e-12],
    [10, 2.088487583762545e-45],
  ]) {
    expectClose([erfc(x)], [tail], 1e-10);
    expectClose([erfc(-x)], [2 - tail], 1e-15);
  }
  expect([erf(0), erf(40), erf(-1e300), erfc(1e30)]).toEqual([0, 1, -1, 0]);
  expectClose([erf(1e-20)], [2e-20 / Math.sqrt(Math.PI)], 1e-15);
});

describe("functions of one variable", () => {
  test.each(cases)("%s %j, opset %i", async (type, attributes, opset, f, low = -5, none = undefined) => {
    for (const [i, dims] of shapes.entries()) {
      const x = tensor(dims, 11 + i, low, low === -1.5 ? 1.5 : 5);
      const nodes: FileNode[] = [{ type, attributes, inputs: ["x"], outputs: ["y"] }];
      const source = onnx({ nodes, inputs: { x: dims }, outputs: { y: [] } }, opset);
      const differentiable = !stepped.has(type) && dims.length > 0;
      await expectLayer(source, x, { dims, forward: (v) => Array.from(v, f) }, { differentiable });
      if (dims.length === 0) continue;
      const r = numbers(x.data.length, 5);
      if (none) {
        using model = await loadInMode(source);
        expect(() => model.explain(x, { target: r })).toThrow("a periodic function");
        continue;
      }
      const { relevance, ledger } = await explainLayer(source, x, r, ruleOf.pass());
      expect(relevance.data).toEqual(r);
      expect(Math.abs(ledger[0].gap) + Math.abs(ledger[0].other)).toBe(0);
    }
  });

  test.each(inner)("%s, within ±1", async (type, f) => {
    const dims = [2, 3, 5, 7];
    const source = chain(dims, [{ type }]);
    await expectLayer(source, tensor(dims, 11, -0.95, 0.95), { dims, forward: (v) => Array.from(v, f) });
    const r = numbers(210, 5);
    expect((await explainLayer(source, tensor(dims, 12, -0.95, 0.95), r, ruleOf.pass())).relevance.data).toEqual(r);
  });

  test("between channels-last layers, and on constants", async () => {
    const dims = [2, 3, 5, 7];
    const weight = tensor([3, 3, 1, 1], 3);
    const mixed = (v: ArrayLike<number>, i: number) => {
      const [n, c, p] = [Math.floor(i / 105), Math.floor(i / 35) % 3, i % 35];
      return [0, 1, 2].reduce((sum, k) => sum + weight.data[3 * c + k] * v[(3 * n + k) * 35 + p], 0);
    };
    const conv = (v: ArrayLike<number>) => Float64Array.from(v, (_, i) => mixed(v, i));
    const source = onnx({
      nodes: [
        { type: "Conv", inputs: ["x", "w"], outputs: ["c"] },
        { type: "HardSwish", inputs: ["c"], outputs: ["h"] },
        { type: "Conv", inputs: ["h", "w"], outputs: ["d"] },
        { type: "Neg", inputs: ["d"], outputs: ["e"] },
        { type: "Softplus", inputs: ["k"], outputs: ["l"] },
        { type: "Add", inputs: ["e", "l"], outputs: ["y"] },
      ],
      initializers: { w: weight, k: { dims: [7], data: Float32Array.from([-3, -2, -1, 0, 1, 2, 3]) } },
      inputs: { x: dims },
      outputs: { y: [] },
    });
    const forward = (v: ArrayLike<number>) =>
      conv(conv(v).map((u) => u * hardSigmoid(1 / 6, 0.5)(u))).map((u, i) => Math.log(1 + Math.exp((i % 7) - 3)) - u);
    await expectLayer(source, tensor(dims, 4, -3, 3), { dims, forward });
    using model = await loadInMode(source);
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Conv", "HardSwish", "Conv", "Add"]);
  });

  /** Far out, where a formula taken at its word overflows or loses all digits. */
  test.each([
    ["Softplus", [-1e30, -100, -40, 40, 1000, 1e30], [0, Math.exp(-100), Math.exp(-40), 40, 1000, 1e30]],
    ["Mish", [-1e30, -100, -30, 40, 1000, 1e30], [0, -100 * Math.exp(-100), -30 * Math.exp(-30), 40, 1000, 1e30]],
    ["Elu", [-1e30, -1e-6, 1e30], [-1, -1e-6 + 5e-13, 1e30]],
    ["Gelu", [-1e30, -40, -6, 6, 1e30], [0, 0, -5.919525870226e-9, 6, 1e30]],
    ["Erf", [-1e30, -6, 1e-10, 6], [-1, -1, 1e-10 * (2 / Math.sqrt(Math.PI)), 1]],
    ["Softsign", [-1e30, 1e30], [-1, 1]],
    ["HardSwish", [-1e30, -3, 3, 1e30], [0, 0, 3, 1e30]],
    ["Round", [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, 8388609, -1e30], [-2, -2, 0, 0, 2, 2, 0, 8388609, -1e30]],
    ["Exp", [-1e30, -100, 88], [0, Math.exp(-100), Math.exp(88)]],
  ] as const)("%s far out", async (type, x, y) => {
    using model = await loadInMode(chain(["n", x.length], [{ type }], 20));
    const { data } = model.predict({ dims: [1, x.length], data: Float32Array.from(x) }).output;
    for (const [i, want] of y.entries()) expectClose([data[i]], [want], 1e-6, Math.max(Math.abs(want), 1e-38));
  });

  /** At a kink both value and slope are those of the side that ONNX's definition puts it on. */
  test.each<[string, Attributes, number, number, number]>([
    ["Relu", {}, 0, 0, 0],
    ["LeakyRelu", { alpha: { float: 0.25 } }, 0, 0, 0.25],
    ["Elu", { alpha: { float: 2 } }, 0, 0, 2],
    ["Selu", { alpha: { float: 2 }, gamma: { float: 3 } }, 0, 0, 6],
    ["Celu", { alpha: { float: 2 } }, 0, 0, 1],
    ["HardSigmoid", { alpha: { float: 0.25 }, beta: { float: 0.5 } }, -2, 0, 0],
    ["HardSigmoid", { alpha: { float: 0.25 }, beta: { float: 0.5 } }, 2, 1, 0],
    ["HardSwish", {}, -3, 0, 0],
    ["HardSwish", {}, 3, 3, 1],
    ["ThresholdedRelu", { alpha: { float: 0.5 } }, 0.5, 0, 0],
    ["Shrink", { lambd: { float: 0.5 }, bias: { float: 0.25 } }, -0.5, 0, 0],
    ["Shrink", { lambd: { float: 0.5 }, bias: { float: 0.25 } }, 0.5, 0, 0],
    ["Abs", {}, 0, 0, 0],
    ["Sign", {}, 0, 0, 0],
  ])("%s %j at %d: value %d, slope %d", async (type, attributes, at, value, slope) => {
    const x = { dims: [1, 1], data: Float32Array.of(at) };
    using model = await loadInMode(chain([1, 1], [{ type, attributes }], 22));
    const { output, relevance } = model.explain(x, { composite: "gradient" });
    expect(Math.abs(output.data[0])).toBe(value);
    expectClose(relevance.data, [slope], 1e-6, 1);
  });

  test.each([
    ["Abs", [3, 0, 7]],
    ["Neg", [3, 0, -7]],
    ["Sign", [-1, 0, 1]],
  ])("%s of integers", async (type, y) => {
    const nodes: FileNode[] = [{ type, inputs: ["x"], outputs: ["y"] }];
    using model = await loadInMode(onnx({ nodes, inputs: { x: [3] }, outputs: { y: [3] }, types: { x: 7, y: 7 } }));
    const { output } = model.predict({ dims: [3], data: [-3, 0, 7] });
    expect(output).toMatchObject({ type: "int64", dims: [3], data: BigInt64Array.from(y, BigInt) });
  });

  test("what has no number is an error", async () => {
    for (const [type, v] of [
      ["Log", -1],
      ["Sqrt", -1],
      ["Exp", 100],
      ["Reciprocal", 0],
    ] as const) {
      using model = await loadInMode(chain(["n", 1], [{ type }]));
      expect(() => model.predict({ dims: [1, 1], data: Float32Array.of(v) })).toThrow("it becomes infinite or NaN");
    }
  });

  test.each([
    ["Gelu", { approximate: "sigmoid" }, "expected approximate none or tanh, got sigmoid"],
    ["Celu", { alpha: { float: 0 } }, "expected an alpha other than 0"],
    ["Exp", { base: { float: 2 } }, "relprop does not know the attribute 'base'"],
  ] as const)("%s %j is refused", async (type, attributes, message) => {
    await expect(loadInMode(chain(["n", 3], [{ type, attributes }], 20))).rejects.toThrow(
      `node 'y0' (${type}): ${message}`,
    );
  });
});
