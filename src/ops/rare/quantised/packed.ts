import { integerOf, packedConstant } from "../../../base/packed.ts";
import type { PackedRows } from "../../../base/packed-rows.ts";
import { bytesKept, type Constant, type Dims, type Integers, isInteger, rangeOf, size } from "../../../base/tensor.ts";

/*
 * Weights of few bits, which stand for floats: (integer − zero point) · scale. They stay the integers of the file.
 */

type Numbers = ArrayLike<number>;

/** Where the integer of each number is, and its scale. */
export interface Quantised {
  readonly dims: Dims;
  readonly integers: Integers;
  readonly scale: Numbers;
  /** Left out, 0. */
  readonly zero?: Numbers;
  /** Which of the integers a number is of; left out, they have the same order. */
  place?(i: number): number;
  /** Which of the scales a number has. */
  group(i: number): number;
  /** The axis along which scales differ; left out, there is one. */
  readonly axis?: number;
  /** How many neighbours along the axis share a scale; 0: each slice has one. */
  readonly block: number;
}

/** Whether a constant stays as it is, and floats stand for it: vectors and single numbers are hardly worth it. */
export const staysPacked = ({ type, dims }: Constant): boolean =>
  dims.length > 1 && isInteger(type) && bytesKept(type) === 1;

/** How many neighbours of a row of weights share a scale, if each row is an output. */
function blockOf({ axis, block }: Quantised, k: number, isTransposed: boolean): number | undefined {
  if (axis === undefined) return Math.max(k, 1);
  const isOutput = axis === (isTransposed ? 1 : 0);
  if (block === 0) return isOutput ? Math.max(k, 1) : undefined;
  return isOutput ? undefined : block;
}

/** As the kernel of dense layers reads them. */
function rowsOf(weight: Quantised, m: number, k: number, isTransposed: boolean): PackedRows | undefined {
  const { dims, integers, scale, zero, place, group } = weight;
  const fits = dims.join() === (isTransposed ? [k, m] : [m, k]).join();
  const block = fits ? blockOf(weight, k, isTransposed) : undefined;
  if (block === undefined) return undefined;
  const bits = integers.bits < 8 && (block % 2 === 0 || block >= k) ? 4 : 8;
  const [low] = rangeOf(integers.type);
  // The kernel reads signed integers of 8 bits, and unsigned ones of 4.
  const shift = bits === 4 ? -low : low === 0 && integers.bits === 8 ? -128 : 0;
  const [blocks, row] = [Math.ceil(k / block), Math.ceil((k * bits) / 8)];
  const at = (o: number, i: number) => (isTransposed ? i * m + o : o * k + i);
  const integer = integerOf(integers);
  const groups = (to: Float32Array, number: (group: number) => number) => {
    for (let o = 0; o < m; o++) for (let b = 0; b < blocks; b++) to[o * blocks + b] = number(group(at(o, b * block)));
  };
  return {
    bits,
    block,
    bytes: m * row,
    integers(to) {
      to.fill(0);
      for (let o = 0; o < m; o++)
        for (let i = 0; i < k; i++) {
          const q = integer(place ? place(at(o, i)) : at(o, i)) + shift;
          if (bits === 8) to[o * row + i] = q;
          else to[o * row + (i >> 1)] |= q << (4 * (i & 1));
        }
    },
    scales: (to) => groups(to, (g) => scale[g]),
    zeros: (to) => groups(to, (g) => (zero ? zero[g] : 0) + shift),
  };
}

/** The same with each scale times the factor of its place on an axis; undefined where places share scales. */
function scaledBy(weight: Quantised, factors: Numbers, axis: number): Constant | undefined {
  const { dims, scale, zero, group } = weight;
  const inner = size(dims.slice(axis + 1));
  const own = (i: number) => Math.floor(i / inner) % dims[axis];
  const [first] = Array.from(factors);
  if (Array.from(factors).every((v) => v === first))
    return dequantised({ ...weight, scale: Float32Array.from(scale, (v) => v * first) });
  if (weight.axis === undefined) {
    const each = (numbers: Numbers) => new Float32Array(dims[axis]).fill(numbers[0]);
    const scales = each(scale).map((v, a) => v * factors[a]);
    return dequantised({ ...weight, scale: scales, zero: zero && each(zero), group: own, axis, block: 0 });
  }
  if ((weight.axis === axis) !== (weight.block === 0)) return undefined;
  const scales = new Float32Array(scale.length);
  for (let i = 0; i < size(dims); i++) scales[group(i)] = scale[group(i)] * factors[own(i)];
  return dequantised({ ...weight, scale: scales });
}

/** The floats that integers stand for, as a constant that keeps the integers. */
export function dequantised(weight: Quantised): Constant {
  const { dims, integers, scale, zero, place, group } = weight;
  const integer = integerOf(integers);
  const at = (i: number) => {
    const g = group(i);
    return Math.fround((integer(place ? place(i) : i) - (zero ? zero[g] : 0)) * scale[g]);
  };
  const packed = {
    integers,
    at,
    rows: (m: number, k: number, isTransposed: boolean) => rowsOf(weight, m, k, isTransposed),
    scaled: (factor: Numbers, axis: "first" | "last") =>
      scaledBy(weight, factor, axis === "first" ? 0 : dims.length - 1),
  };
  return packedConstant("float32", dims, packed, () => {
    const numbers = new Float32Array(size(dims));
    for (let i = 0; i < numbers.length; i++) numbers[i] = at(i);
    return numbers;
  });
}
