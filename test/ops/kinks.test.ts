import { describe, expect, test } from "vitest";
import { clip, type Layer, leakyRelu, op, relu, ruleOf, sequential } from "../../src/entries/index.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";

/*
 * Slopes where a function has a kink: PyTorch's, written from its formulas (torch/csrc/autograd, derivatives.yaml and
 * the kernels that it names). Exact zeros are common: a blank background.
 */

const scalar = (v: number) => ({ dims: [], data: Float32Array.of(v) });
const f32 = Math.fround;

/** The activation, its slope, and its own kinks. */
type Row = readonly [name: string, layer: Layer, slope: (v: number) => number, kinks?: readonly number[]];

const hardSwish = (v: number) => (v <= -3 ? 0 : v < 3 ? v / 3 + 0.5 : 1);
const logistic = (v: number) => 1 / (1 + Math.exp(-v));
/** √(2/π) (v + 0.044715 v³) and its slope. */
const inner = (v: number) => Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
const innerSlope = (v: number) => Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * v * v);

const rows: readonly Row[] = [
  // threshold_backward: where x > 0
  ["Relu", relu(), (v) => (v > 0 ? 1 : 0)],
  // leaky_relu_backward, _prelu_kernel_backward: the slope where x ≤ 0
  ["LeakyRelu", leakyRelu({ alpha: 0.25 }), (v) => (v > 0 ? 1 : 0.25)],
  ["LeakyRelu, turned", leakyRelu({ alpha: -0.25 }), (v) => (v > 0 ? 1 : -0.25)],
  ["PRelu", op("PRelu", {}, scalar(0.25)), (v) => (v > 0 ? 1 : 0.25)],
  // elu_backward, of which selu and celu are cases: α e^x where x ≤ 0
  ["Elu", op("Elu", { alpha: 0.25 }), (v) => (v > 0 ? 1 : 0.25 * Math.exp(v))],
  ["Selu", op("Selu", { alpha: 1.5, gamma: 1.25 }), (v) => 1.25 * (v > 0 ? 1 : 1.5 * Math.exp(v))],
  ["Celu", op("Celu", { alpha: 0.5 }), (v) => (v > 0 ? 1 : Math.exp(v / 0.5))],
  // hardtanh_backward, of which relu6 is a case: where min < x < max
  ["Clip", clip({ min: -1, max: 1 }), (v) => (v > -1 && v < 1 ? 1 : 0), [-1, 1]],
  ["Clip, as Relu6", clip({ min: 0, max: 6 }), (v) => (v > 0 && v < 6 ? 1 : 0), [6, 7]],
  ["Clip from below", clip({ min: -3 }), (v) => (v > -3 ? 1 : 0)],
  ["Clip from above", clip({ max: 0 }), (v) => (v < 0 ? 1 : 0)],
  ["Clip without room", clip({ min: 1, max: -1 }), () => 0],
  ["Max with 0", op("Max", {}, scalar(0)), (v) => (v > 0 ? 1 : 0)],
  ["Max with a number", op("Max", {}, scalar(-1)), (v) => (v > -1 ? 1 : 0), [-1]],
  ["Min with a number", op("Min", {}, scalar(1)), (v) => (v < 1 ? 1 : 0)],
  // hardsigmoid_backward, hardswish_backward: the outer pieces at their ends
  ["HardSigmoid", op("HardSigmoid", { alpha: 0.25, beta: 0.5 }), (v) => (v > -2 && v < 2 ? 0.25 : 0), [-2, 2]],
  ["HardSwish", op("HardSwish"), hardSwish, [3]],
  // threshold_backward, hardshrink_backward, softshrink_backward: 0 at the threshold
  ["ThresholdedRelu", op("ThresholdedRelu", { alpha: 0.5 }), (v) => (v > 0.5 ? 1 : 0), [0.5]],
  ["ThresholdedRelu below 0", op("ThresholdedRelu", { alpha: -1 }), (v) => (v > -1 ? 1 : 0)],
  ["Shrink, hard", op("Shrink", { lambd: 1 }), (v) => (v < -1 || v > 1 ? 1 : 0), [-1]],
  ["Shrink, soft", op("Shrink", { lambd: 0.5, bias: 0.5 }), (v) => (v < -0.5 || v > 0.5 ? 1 : 0), [-0.5, 0.5]],
  // x.sgn(), and steps, which have none
  ["Abs", op("Abs"), (v) => Math.sign(v)],
  ...["Sign", "Ceil", "Floor", "Round"].map((type): Row => [type, op(type), () => 0, [0.5]]),
  // Without a kink.
  ["Sigmoid", op("Sigmoid"), (v) => logistic(v) * (1 - logistic(v))],
  ["Tanh", op("Tanh"), (v) => 1 - Math.tanh(v) ** 2],
  ["Softplus", op("Softplus"), logistic],
  ["Softsign", op("Softsign"), (v) => 1 / (1 + Math.abs(v)) ** 2],
  [
    "Mish",
    op("Mish"),
    (v) => {
      const gate = Math.tanh(Math.log1p(Math.exp(v)));
      return gate + v * (1 - gate * gate) * logistic(v);
    },
  ],
  [
    "Gelu, tanh",
    op("Gelu", { approximate: "tanh" }),
    (v) => 0.5 * (1 + Math.tanh(inner(v))) + 0.5 * v * (1 - Math.tanh(inner(v)) ** 2) * innerSlope(v),
  ],
  ["Pow 2", op("Pow", {}, scalar(2)), (v) => 2 * v],
  ["Pow 1", op("Pow", {}, scalar(1)), () => 1],
  ["Pow 0", op("Pow", {}, scalar(0)), () => 0],
  ["Exp", op("Exp"), Math.exp],
  ["Neg", op("Neg"), () => -1],
];

const GRADIENT = { composite: [{ rule: ruleOf.gradient() }], unknown: "gradient" } as const;

describe("slopes at a kink", () => {
  test.each(rows)("%s", async (_name, layer, slope, kinks = []) => {
    // One more on either side of each kink, as near as float32 comes.
    const near = kinks.flatMap((k) => [k, f32(k * (1 + 2 ** -23)), f32(k * (1 - 2 ** -23))]);
    const points = [-3, -1, -0, 0, 1, 2 ** -149, -(2 ** -149), ...near];
    const u = points.map((_, i) => i + 1);
    // Row-major, and channels last behind a pooling of single pixels.
    const pool = op("MaxPool", { kernel_shape: [1, 1] });
    // A sigmoid at the end would be left out, behind a positive factor too.
    const behind = op("Mul", {}, scalar(-1));
    for (const layers of [
      [layer, behind],
      [pool, layer, behind],
    ]) {
      using model = await loadInMode(sequential({ input: [points.length, 1, 1] }, layers));
      const x = { dims: [1, points.length, 1, 1], data: Float32Array.from(points) };
      const { relevance } = explainFrom(model, x, u, GRADIENT);
      points.forEach((v, i) => {
        const expected = -slope(v) * u[i];
        const off = Math.abs(relevance.data[i] - expected);
        expect(off, `slope ${-relevance.data[i] / u[i]} at ${v}, not ${slope(v)}`).toBeLessThanOrEqual(
          2e-6 * Math.abs(expected),
        );
      });
    }
  });

  test("a slope that differs from place to place", async () => {
    const slopes = { dims: [3, 1, 1], data: Float32Array.of(0.5, -2, 0) };
    using model = await loadInMode(sequential({ input: [3, 1, 2] }, [op("PRelu", {}, slopes)]));
    const x = { dims: [1, 3, 1, 2], data: Float32Array.of(0, 1, -0, -1, 0, 2) };
    const { relevance } = explainFrom(model, x, [1, 1, 1, 1, 1, 1], GRADIENT);
    expect([...relevance.data]).toEqual([0.5, 1, -2, -2, 0, 1]);
  });
});
