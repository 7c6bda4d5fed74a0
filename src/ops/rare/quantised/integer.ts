import { demand } from "../../../base/complaint.ts";
import { size } from "../../../base/tensor.ts";
import type { Operand } from "../../../graph/graph.ts";
import { conv } from "../../conv/conv.ts";
import type { ConvAttributes } from "../../conv/geometry.ts";
import { type Op, NONE, type None } from "../../op.ts";
import { type Composition, composed } from "../compose.ts";
import { biased } from "../fused/activations.ts";
import { WHOLE } from "./grid.ts";
import { staysPacked } from "./packed.ts";

/*
 * Products of integers, which are scaled behind them. The sums are float32 here, which has all integers up to 2^24 and
 * rounds larger ones, as onnxruntime does when it scales them.
 */

const SUMMARY =
  "It passes as through the layer of floats that the operator stands for, and rounding passes it unchanged.";

const asFloat = (c: Composition, x: string) => c.add("Cast", [x], { to: "float32" });

/** A weight of integers as floats, if each scale has a zero point. @param axis along which they differ, if they do */
function weightOf(c: Composition, x: Operand, scale: string, zero: Operand | undefined, axis: number): string {
  return c.add("DequantizeLinear", [x.name, scale, ...(zero ? [zero.name] : [])], { ...WHOLE, axis });
}

/** Integers without their zero point, which may have an axis of its own: of how many dims there are behind it. */
function centred(c: Composition, x: Operand, zero: Operand | undefined, behind = 0): string {
  const dims = zero?.dims ?? [];
  if (x.constant && staysPacked(x.constant) && (!zero || zero.constant) && dims.length < 2) {
    if (zero) demand(zero.type === x.type, "invalid-model", `a zero point of type ${x.type}`, zero.type);
    const ones = c.floats(new Float32Array(size(dims)).fill(1), dims);
    return weightOf(c, x, ones, zero, x.dims.length - 1 - behind);
  }
  const value = asFloat(c, x.name);
  if (!zero) return value;
  demand(zero.type === x.type, "invalid-model", `a zero point of type ${x.type}`, zero.type);
  const own = asFloat(c, zero.name);
  const isList = zero.dims.length === 1 && zero.dims[0] !== 1 && behind > 0;
  return c.add("Sub", [value, isList ? c.reshape(own, [zero.dims[0], ...new Array<number>(behind).fill(1)]) : own]);
}

/** A B of integers, an integer. Zero points are those of A's rows and B's columns. Source: ONNX MatMulInteger-10. */
const matMulInteger: Op<None> = composed<None>(
  {
    type: "MatMulInteger",
    summary: SUMMARY,
    takes: "A:integer1 B:integer2 a_zero_point:integer1? b_zero_point:integer2?",
    attributes: () => NONE,
  },
  (c, [a, b, az, bz]) => c.add("Cast", [c.matMul(centred(c, a, az, 1), centred(c, b, bz))], { to: "int32" }),
);

/** Source: ONNX ConvInteger-10. */
const convInteger: Op<ConvAttributes> = composed<ConvAttributes>(
  {
    type: "ConvInteger",
    summary: SUMMARY,
    takes: "x:integer1 w:integer2 x_zero_point:integer1? w_zero_point:integer2?",
    attributes: conv.attributes,
  },
  (c, [x, w, xz, wz], attributes) => {
    const sums = c.add("Conv", [centred(c, x, xz), centred(c, w, wz, w.dims.length - 1)], attributes);
    return c.add("Cast", [sums], { to: "int32" });
  },
);

/** A weight of integers as floats: scale and zero point are one, or one for each column. */
const columnsOf = (c: Composition, b: Operand, scale: Operand, zero: Operand | undefined) => {
  const isPlain = scale.dims.length < 2 && (!zero || zero.dims.join() === scale.dims.join());
  if (b.constant && scale.constant && isPlain && (!zero || zero.constant))
    return weightOf(c, b, scale.name, zero, b.dims.length - 1);
  return c.add("Mul", [centred(c, b, zero), scale.name]);
};

/** A, rounded by its range, times a B of integers. */
const dynamicMatMul: Op<None> = composed<None>(
  {
    type: "com.microsoft.DynamicQuantizeMatMul",
    summary: SUMMARY,
    takes: "A B:integer b_scale:float b_zero_point:integer? bias:float?",
    attributes: () => NONE,
  },
  (c, [a, b, scale, zero, bias]) =>
    biased(c, c.matMul(c.add("DynamicRounding", [a.name]), columnsOf(c, b, scale, zero)), bias),
);

/** A and B of integers, their product in floats. */
const toFloat: Op<None> = composed<None>(
  {
    type: "com.microsoft.MatMulIntegerToFloat",
    summary: SUMMARY,
    takes:
      "A:integer1 B:integer2 a_scale:float b_scale:float a_zero_point:integer1? b_zero_point:integer2? bias:float?",
    attributes: () => NONE,
  },
  (c, [a, b, as, bs, az, bz, bias]) => {
    const product = c.matMul(centred(c, a, az), columnsOf(c, b, bs, bz));
    return biased(c, c.add("Mul", [product, as.name]), bias);
  },
);

/** Sources: ONNX MatMulInteger-10, ConvInteger-10; com.microsoft's DynamicQuantizeMatMul-1, MatMulIntegerToFloat-1. */
export const integerLayers = [matMulInteger, convInteger, dynamicMatMul, toFloat] as const;
