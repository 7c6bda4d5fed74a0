import { demand } from "../base/complaint.ts";
import { erfc } from "./erf.ts";
import { always, kept, logistic, unary } from "./unary.ts";

const clamp = (v: number) => Math.min(Math.max(v, 0), 1);

/** tanh(log(1 + e^v)) without the logarithm, from w = e^−|v|. */
function mishGate(v: number): number {
  const w = Math.exp(-Math.abs(v));
  const n = v > 0 ? 1 + 2 * w : w * (w + 2);
  return n / (n + 2 * (v > 0 ? w * w : 1));
}

/** 2 u of GELU's approximation ½ v (1 + tanh u) = v · logistic(2 u), u = √(2/π) (v + 0.044715 v³). */
const gelu2u = (v: number) => Math.sqrt(8 / Math.PI) * (v + 0.044715 * v * v * v);

/**
 * Activations that networks are built of. Sources: ONNX Elu-6, Selu-6, Celu-12, Gelu-20, Mish-18, HardSigmoid-6,
 * Swish-24, Softplus-1, Softsign-1, ThresholdedRelu-10, Shrink-9, and their later versions, which differ in types
 * only.
 */
export const nonlinear = [
  /** α (e^x − 1) below 0 */
  unary({
    type: "Elu",
    attributes: (read) => ({ alpha: read.float("alpha", 1) }),
    f(x, y, { alpha }) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] < 0 ? alpha * Math.expm1(x[i]) : x[i];
    },
    slope: (v, { alpha }) => (v > 0 ? 1 : alpha * Math.exp(v)),
    nonnegative: kept,
  }),
  /** γ x, γ α (e^x − 1) from 0 down */
  unary({
    type: "Selu",
    attributes: (read) => ({
      alpha: read.float("alpha", read.opset < 6 ? 1.6732 : 1.6732631921768188),
      gamma: read.float("gamma", read.opset < 6 ? 1.0507 : 1.0507010221481323),
    }),
    f(x, y, { alpha, gamma }) {
      for (let i = 0; i < x.length; i++) y[i] = gamma * (x[i] > 0 ? x[i] : alpha * Math.expm1(x[i]));
    },
    slope: (v, { alpha, gamma }) => gamma * (v > 0 ? 1 : alpha * Math.exp(v)),
    nonnegative: (x, { gamma }) => x && gamma >= 0,
  }),
  /** max(x, 0) + min(α (e^(x / α) − 1), 0) */
  unary({
    type: "Celu",
    attributes(read) {
      const alpha = read.float("alpha", 1);
      demand(alpha !== 0, "invalid-model", "an alpha other than 0", "0");
      return { alpha };
    },
    f(x, y, { alpha }) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] > 0 ? x[i] : alpha * Math.expm1(x[i] / alpha);
    },
    slope: (v, { alpha }) => (v > 0 ? 1 : Math.exp(v / alpha)),
    nonnegative: kept,
  }),
  /** x Φ(x), Φ(x) = ½ erfc(−x / √2) */
  unary({
    type: "Gelu",
    attributes(read) {
      const approximate = read.string("approximate", "none");
      demand(approximate === "none" || approximate === "tanh", "unsupported", "approximate none or tanh", approximate);
      return { approximate };
    },
    f(x, y, { approximate }) {
      if (approximate === "tanh") for (let i = 0; i < x.length; i++) y[i] = x[i] * logistic(gelu2u(x[i]));
      else for (let i = 0; i < x.length; i++) y[i] = 0.5 * x[i] * erfc(-x[i] * Math.SQRT1_2);
    },
    kernel: ({ approximate }) => ({ name: approximate === "tanh" ? "geluTanh" : "gelu", a: 0 }),
    nonnegative: kept,
  }),
  /** x tanh(log(1 + e^x)) */
  unary({
    type: "Mish",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] * mishGate(x[i]);
    },
    slope: (v) => mishGate(v) + v * (1 - mishGate(v) ** 2) * logistic(v),
    nonnegative: kept,
  }),
  /** α x + β between 0 and 1 */
  unary({
    type: "HardSigmoid",
    attributes: (read) => ({ alpha: read.float("alpha", 0.2), beta: read.float("beta", 0.5) }),
    f(x, y, { alpha, beta }) {
      for (let i = 0; i < x.length; i++) y[i] = clamp(alpha * x[i] + beta);
    },
    slope: (v, { alpha, beta }) => (alpha * v + beta > 0 && alpha * v + beta < 1 ? alpha : 0),
    nonnegative: always,
  }),
  /** x / (1 + e^(−α x)) */
  unary({
    type: "Swish",
    attributes: (read) => ({ alpha: read.float("alpha", 1) }),
    f(x, y, { alpha }) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] * logistic(alpha * x[i]);
    },
    kernel: ({ alpha }) => ({ name: "swish", a: alpha }),
    nonnegative: kept,
  }),
  /** log(1 + e^x) */
  unary({
    type: "Softplus",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.max(x[i], 0) + Math.log1p(Math.exp(-Math.abs(x[i])));
    },
    slope: logistic,
    nonnegative: always,
  }),
  /** x / (1 + |x|) */
  unary({
    type: "Softsign",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] / (1 + Math.abs(x[i]));
    },
    slope: (v) => 1 / (1 + Math.abs(v)) ** 2,
    nonnegative: kept,
  }),
  /** x above α, 0 elsewhere */
  unary({
    type: "ThresholdedRelu",
    attributes: (read) => ({ alpha: read.float("alpha", 1) }),
    f(x, y, { alpha }) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] > alpha ? x[i] : 0;
    },
    slope: (v, { alpha }) => (v > alpha ? 1 : 0),
    nonnegative: (x, { alpha }) => x || alpha >= 0,
  }),
  /** x + bias below −λ, x − bias above λ, 0 between */
  unary({
    type: "Shrink",
    attributes: (read) => ({ bias: read.float("bias", 0), lambd: read.float("lambd", 0.5) }),
    f(x, y, { bias, lambd }) {
      for (let i = 0; i < x.length; i++) y[i] = x[i] < -lambd ? x[i] + bias : x[i] > lambd ? x[i] - bias : 0;
    },
    slope: (v, { lambd }) => (v < -lambd || v > lambd ? 1 : 0),
    nonnegative: (x, { bias, lambd }) => x && lambd >= 0 && bias <= lambd,
  }),
] as const;
