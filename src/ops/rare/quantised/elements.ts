import type { ElementType } from "../../../base/tensor.ts";
import type { SmallElement } from "../../op.ts";

/*
 * Numbers of a few bits. Source: ONNX, "Float stored in 8 bits", "4 bit integer types", "2 bit integer types".
 */

/** A float by its bits. @param sign the place of the sign, above exponent and fraction */
function floatOf(bits: number, sign: number, fractionBits: number, bias: number): number {
  const fraction = bits % 2 ** fractionBits;
  const exponent = (bits % sign) >> fractionBits;
  const size = exponent === 0 ? fraction * 2 : fraction + 2 ** fractionBits;
  return (bits < sign ? 1 : -1) * size * 2 ** (exponent - bias - fractionBits);
}

/** @param isNone the bits that are no number */
const float = (fractionBits: number, bias: number, isNone: (bits: number) => boolean): SmallElement => ({
  read: (bits) => (isNone(bits) ? Number.NaN : floatOf(bits, 128, fractionBits, bias)),
});
const isMinusZero = (bits: number) => bits === 128;

const signed = (bits: number): SmallElement => ({
  bits,
  read: (value) => (value < 2 ** (bits - 1) ? value : value - 2 ** bits),
});
const unsigned = (bits: number): SmallElement => ({ bits, read: (value) => value });

export const smallElements: Readonly<Partial<Record<ElementType, SmallElement>>> = {
  float8e4m3fn: float(3, 7, (bits) => bits % 128 === 127),
  float8e4m3fnuz: float(3, 8, isMinusZero),
  // Infinity, which no weight may be, is none here.
  float8e5m2: float(2, 15, (bits) => bits % 128 >= 124),
  float8e5m2fnuz: float(2, 16, isMinusZero),
  float4e2m1: { bits: 4, read: (bits) => floatOf(bits, 8, 1, 1) },
  float8e8m0: { read: (bits) => (bits === 255 ? Number.NaN : 2 ** (bits - 127)) },
  uint4: unsigned(4),
  int4: signed(4),
  uint2: unsigned(2),
  int2: signed(2),
};
