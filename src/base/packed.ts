import { type Constant, type Dims, type ElementType, type Integers, type Kept, type Packed, size } from "./tensor.ts";

/*
 * Constants whose numbers take fewer bytes than an array of them would. They have no array: each that asks for `data`
 * gets one of its own, which is let go of after it was read. So `data` of such a constant is asked for once, and not
 * inside a loop. A copy of one by `{ ...constant }` is a constant like any other, with an array.
 */

/** An integer by its place. */
export function integerOf({ bytes, bits, type }: Integers): (i: number) => number {
  if (bits === 8) return (i) => bytes[i];
  const [each, values] = [8 / bits, 2 ** bits];
  const first = type.startsWith("u") ? values : values / 2;
  return (i) => {
    const v = (bytes[Math.floor(i / each)] >> ((i % each) * bits)) & (values - 1);
    return v < first ? v : v - values;
  };
}

/** A constant whose `data` is made by `packed.at` each time that it is asked for. */
export function packedConstant(type: ElementType, dims: Dims, packed: Packed, make: () => Kept): Constant {
  const constant = {
    type,
    dims,
    get data() {
      return make();
    },
  };
  // What copies the constant gets an array, and not also what stands for it.
  return Object.freeze(Object.defineProperty(constant, "packed", { value: packed }));
}

/** Integers of fewer than 8 bits as a file has them. */
export function packedIntegers(dims: Dims, integers: Integers): Constant {
  const at = integerOf(integers);
  const make = () => {
    const array = integers.type.startsWith("u") ? Uint8Array : Int8Array;
    const numbers = new array(size(dims));
    for (let i = 0; i < numbers.length; i++) numbers[i] = at(i);
    return numbers;
  };
  return packedConstant(integers.type, dims, { integers, at }, make);
}

/** The integers of a constant of 8 bits or fewer, as they are kept. */
export const integersIn = ({ type, data, packed }: Constant): Integers =>
  packed?.integers ?? { bytes: data as Uint8Array | Int8Array, bits: 8, type };

/**
 * A weight with its outputs scaled and shifted, and the bias, where none of its numbers is written anew: because outputs
 * are only shifted, or because it stays packed. Else undefined.
 * @param axis of the outputs
 */
export function scaledAsIs(
  given: Constant,
  bias: Constant | undefined,
  axis: "first" | "last",
  scale: (o: number) => number,
  shift: (o: number) => number,
): { weight: Constant; bias: Constant } | undefined {
  const m = given.dims.at(axis === "first" ? 0 : -1)!;
  const scales = Array.from({ length: m }, (_, o) => scale(o));
  const isShift = given.type === "float32" && scales.every((v) => v === 1);
  const weight = isShift ? given : given.packed?.scaled?.(scales, axis);
  if (!weight) return undefined;
  const data = Float32Array.from(scales, (v, o) => (bias ? bias.data[o] : 0) * v + shift(o));
  return { weight, bias: { type: "float32", dims: [m], data } };
}

/** What a constant's numbers are known by: that of another is other numbers. */
export const identityOf = (constant: Constant): object => constant.packed ?? constant.data;

/** Some of the numbers of a constant, without an array that holds all of them. */
export function numbersIn(constant: Constant, begin: number, end: number): Kept {
  const { packed } = constant;
  if (!packed) return constant.data.subarray(begin, end);
  const numbers = new Float32Array(end - begin);
  for (let i = 0; i < numbers.length; i++) numbers[i] = packed.at(begin + i);
  return numbers;
}

/** The same numbers in the same order, under other dims. */
export function renamed(constant: Constant, dims: Dims): Constant {
  const { packed, type } = constant;
  return packed ? packedConstant(type, dims, packed, () => constant.data) : { ...constant, dims };
}
