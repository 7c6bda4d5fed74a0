import { always, kept, unary } from "../unary.ts";

/**
 * Inverse trigonometric, and hyperbolic functions: each rises or falls all the way, but for Cosh. Sources: ONNX Acos-7,
 * Asin-7, Atan-7, Sinh-9, Cosh-9, Asinh-9, Acosh-9, Atanh-9, and their later versions, which differ in types only.
 */
export const elementary = [
  unary({
    type: "Acos",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.acos(x[i]);
    },
    slope: (v) => -1 / Math.sqrt(1 - v * v),
    nonnegative: always,
  }),
  unary({
    type: "Asin",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.asin(x[i]);
    },
    slope: (v) => 1 / Math.sqrt(1 - v * v),
    nonnegative: kept,
  }),
  unary({
    type: "Atan",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.atan(x[i]);
    },
    slope: (v) => 1 / (1 + v * v),
    nonnegative: kept,
  }),
  unary({
    type: "Sinh",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.sinh(x[i]);
    },
    slope: Math.cosh,
    nonnegative: kept,
  }),
  unary({
    type: "Cosh",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.cosh(x[i]);
    },
    slope: Math.sinh,
    nonnegative: always,
  }),
  unary({
    type: "Asinh",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.asinh(x[i]);
    },
    slope: (v) => 1 / Math.hypot(1, v),
    nonnegative: kept,
  }),
  unary({
    type: "Acosh",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.acosh(x[i]);
    },
    slope: (v) => 1 / Math.sqrt(v * v - 1),
    nonnegative: always,
  }),
  unary({
    type: "Atanh",
    f(x, y) {
      for (let i = 0; i < x.length; i++) y[i] = Math.atanh(x[i]);
    },
    slope: (v) => 1 / (1 - v * v),
    nonnegative: kept,
  }),
] as const;
