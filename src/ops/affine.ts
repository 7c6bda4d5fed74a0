import type { Operand, Operands } from "../graph/graph.ts";
import { type Constant, strides } from "../base/tensor.ts";
import type { Affine, Op, None } from "./op.ts";

/*
 * Arithmetic with a constant as a scale and a shift.
 */

/** The operand that is computed, if exactly one is, and the constant beside it. */
export function beside(inputs: Operands): { data: number; x: Operand; constant: Constant } | undefined {
  if (inputs.length !== 2) return undefined;
  const data = inputs.findIndex((x) => !x!.constant);
  const constant = inputs[1 - data]?.constant;
  return data >= 0 && constant ? { data, x: inputs[data]!, constant } : undefined;
}

/** The axes along which the numbers of a constant differ. */
function varyingAxes({ dims, data }: Constant): number[] {
  const steps = strides(dims);
  return [...dims.keys()].filter((axis) =>
    data.some((v, i) => v !== data[i - (Math.floor(i / steps[axis]) % dims[axis]) * steps[axis]]),
  );
}

/** A constant that differs along one axis of x at most, as numbers along that axis. */
function alongAxis(x: Operand, constant: Constant): { axis: number; values: Float64Array } | undefined {
  const lead = x.dims.length - constant.dims.length;
  const [own, ...more] = varyingAxes(constant);
  if (lead < 0 || more.length > 0) return undefined;
  if (own === undefined)
    return { axis: Math.min(1, x.dims.length - 1), values: Float64Array.from(constant.data.subarray(0, 1)) };
  const [length, step] = [constant.dims[own], strides(constant.dims)[own]];
  return length === x.dims[own + lead]
    ? { axis: own + lead, values: Float64Array.from({ length }, (_, i) => constant.data[i * step]) }
    : undefined;
}

/** Scale and shift by what they are of a constant. */
type Maps = readonly [scale: (c: number) => number, shift: (c: number) => number];

/** @param second the maps where the constant is the first operand; "none": then it is no scale and shift */
export function affineOf(first: Maps, second: Maps | "none" = first): Op<None>["affine"] {
  return (inputs): Affine | undefined => {
    const pair = beside(inputs);
    const maps = pair?.data === 0 ? first : second;
    const along = pair && maps !== "none" ? alongAxis(pair.x, pair.constant) : undefined;
    if (!pair || !along) return undefined;
    const [scale, shift] = (maps as Maps).map((map) => along.values.map(map));
    return { data: pair.data, axis: along.axis, scale, shift };
  };
}
