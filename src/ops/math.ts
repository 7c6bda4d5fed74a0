import { erf } from "./erf.ts";
import type { Op } from "./op.ts";
import { always, kept, unary } from "./unary.ts";

export const PERIODIC = "a periodic function gives the same value for inputs that are far apart";

/** Negation is a scaling, which a linear neighbour can take in. Source: ONNX Neg-13. */
const neg: Op<object> = {
  ...unary({
    type: "Neg",
    anyType: true,
    // Integers have no −0.
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = 0 - x[i];
    },
    slope: () => -1,
  }),
  affine: () => ({ data: 0, axis: 0, scale: Float64Array.of(-1), shift: Float64Array.of(0) }),
};

/**
 * Functions of mathematics. What comes out depends on the one number that goes in, so its relevance is that number's; a
 * periodic function is the exception. Sources: ONNX Erf-13, Exp-13, Log-13, Sqrt-13, Abs-13, Neg-13, Sign-13,
 * Reciprocal-13, Ceil-13, Floor-13, Round-11, Sin-7, Cos-7, Tan-7, and their later versions, which differ in types
 * only.
 */
export const math = [
  unary({
    type: "Erf",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = erf(x[i]);
    },
    slope: (v) => (2 / Math.sqrt(Math.PI)) * Math.exp(-v * v),
    nonnegative: kept,
  }),
  unary({
    type: "Exp",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.exp(x[i]);
    },
    slope: Math.exp,
    nonnegative: always,
  }),
  unary({
    type: "Log",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.log(x[i]);
    },
    slope: (v) => 1 / v,
  }),
  unary({
    type: "Sqrt",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.sqrt(x[i]);
    },
    slope: (v) => 0.5 / Math.sqrt(v),
    nonnegative: always,
  }),
  unary({
    type: "Abs",
    anyType: true,
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.abs(x[i]);
    },
    slope: Math.sign,
    nonnegative: always,
  }),
  neg,
  unary({
    type: "Sign",
    anyType: true,
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.sign(x[i]);
    },
    slope: () => 0,
    nonnegative: kept,
  }),
  /** 1 / x: passes as Pow(x, −1) and Div(1, x), which are the same. */
  unary({
    type: "Reciprocal",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = 1 / x[i];
    },
    slope: (v) => -1 / (v * v),
    nonnegative: kept,
  }),
  unary({
    type: "Ceil",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.ceil(x[i]);
    },
    slope: () => 0,
    nonnegative: kept,
  }),
  unary({
    type: "Floor",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.floor(x[i]);
    },
    slope: () => 0,
    nonnegative: kept,
  }),
  /** Halves go to the even neighbour. */
  unary({
    type: "Round",
    f(x, y) {
      for (let i = 0; i < x.length; i++)
        y[i] = Math.abs(x[i] % 1) === 0.5 ? 2 * Math.round(x[i] / 2) : Math.round(x[i]);
    },
    slope: () => 0,
    nonnegative: kept,
  }),
  unary({
    type: "Sin",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.sin(x[i]);
    },
    slope: Math.cos,
    none: PERIODIC,
  }),
  unary({
    type: "Cos",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.cos(x[i]);
    },
    slope: (v) => -Math.sin(v),
    none: PERIODIC,
  }),
  unary({
    type: "Tan",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.tan(x[i]);
    },
    slope: (v) => 1 / Math.cos(v) ** 2,
    none: PERIODIC,
  }),
] as const;
