import { demand, insist } from "../../../base/complaint.ts";
import {
  type Constant,
  type Dims,
  type ElementType,
  isInteger,
  rangeOf,
  shapeText,
  size,
} from "../../../base/tensor.ts";
import type { Operand, Operands } from "../../../graph/graph.ts";
import type { Numbers } from "../../cells.ts";
import { type AttributeReader, axisOf } from "../../op.ts";

/** What attributes say of a quantisation. */
export interface GridAttributes {
  readonly axis: number;
  /** How many numbers along the axis share a scale; 0: all of a slice. */
  readonly block: number;
  /** ONNX's number of the output's type; 0: that of zero point or scale. */
  readonly code: number;
}

/** Where the scale of each number is: the numbers as [outer, length, inner]. */
export interface Grid extends GridAttributes {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  /** Blocks along the axis; 0: the scale of a number is that of its slice. */
  readonly blocks: number;
  /** The type of the integers. */
  readonly type: ElementType;
  /** Whether the smallest integer stands for 0. */
  readonly isFloor: boolean;
}

/** One scale for all. */
export const WHOLE: GridAttributes = { axis: 1, block: 0, code: 0 };

export function readGrid(read: AttributeReader): GridAttributes {
  read.ignore("saturate");
  const precision = read.int("precision", 0);
  demand(precision === 0 || precision === 1, "unsupported", "precision 0 or 1 (float)", `${precision}`);
  const block = read.int("block_size", 0);
  demand(block >= 0, "invalid-model", "a block_size ≥ 0", `${block}`);
  return { axis: read.int("axis", 1), block, code: read.int("output_dtype", 0) };
}

/** Scales that are known must be numbers that one can divide by, or multiply with. */
function checkScales(scale: Operand, divides: boolean): void {
  const wrong = scale.constant?.data.find((v) => !(Number.isFinite(v) && (divides ? v > 0 : v >= 0)));
  demand(wrong === undefined, "invalid-model", divides ? "scales > 0" : "scales ≥ 0", `${wrong}`);
}

/** @param inputs the numbers, their scale, and its zero point @param type of the integers */
export function gridOf(inputs: Operands, a: GridAttributes, type: ElementType, divides: boolean): Grid {
  const [x, scale, zero] = inputs as readonly [Operand, Operand, Operand | undefined];
  checkScales(scale, divides);
  const same = !zero || zero.dims.join() === scale.dims.join() || (size(zero.dims) === 1 && size(scale.dims) === 1);
  demand(same, "shape", `a zero point of dims [${scale.dims}], as the scale`, `[${zero?.dims}]`);
  demand(!zero || zero.type === type, "invalid-model", `a zero point of type ${type}`, `${zero?.type}`);
  const [low] = isInteger(type) ? rangeOf(type) : [-Infinity];
  const known = zero ? zero.constant?.data : [0];
  const plan = { ...a, type, isFloor: known ? known.every((v) => v === low) : false };
  if (size(scale.dims) === 1 && a.block === 0) return { ...plan, outer: 1, length: 1, inner: size(x.dims), blocks: 0 };
  const axis = axisOf(a.axis, x.dims.length);
  const [outer, length, inner] = [size(x.dims.slice(0, axis)), x.dims[axis], size(x.dims.slice(axis + 1))];
  const blocks = a.block === 0 ? 0 : Math.ceil(length / a.block);
  const wanted: Dims = blocks === 0 ? [length] : x.dims.map((d, i) => (i === axis ? blocks : d));
  demand(
    scale.dims.join() === wanted.join(),
    "shape",
    `a scale of one number or ${shapeText(wanted, "")}`,
    shapeText(scale.dims, ""),
  );
  return { ...plan, outer, length, inner, blocks };
}

/** Visits every number with the place of its scale. */
function eachOn({ outer, length, inner, blocks, block }: Grid, visit: (at: number, scale: number) => void): void {
  for (let o = 0; o < outer; o++)
    for (let a = 0; a < length; a++) {
      const from = (o * length + a) * inner;
      const row = (o * blocks + Math.floor(a / (block || 1))) * inner;
      for (let i = 0; i < inner; i++) visit(from + i, blocks > 0 ? row + i : a);
    }
}

/** The scale of each number, by its place. */
export const groupOf =
  ({ length, inner, blocks, block }: Grid) =>
  (i: number): number => {
    const a = Math.floor(i / inner) % length;
    if (blocks === 0) return a;
    const o = Math.floor(i / (inner * length));
    return (o * blocks + Math.floor(a / block)) * inner + (i % inner);
  };

/** Beyond it doubles have no halves: a sum with it is rounded to a whole number, halves to the even one. */
const ROUNDS = 1.5 * 2 ** 52;
const toEven = (v: number): number => v + ROUNDS - ROUNDS;

/** The integer that stands for v, as float32 has it, before it is cut off. */
const integerOf = (v: number, scale: number, zero: number): number => toEven(Math.fround(v / scale)) + zero;

const cutOff = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high);

/** The integers that stand for numbers. */
export function quantise(grid: Grid, x: Numbers, scale: Numbers, zero: Numbers | undefined, y: Numbers): void {
  const [low, high] = rangeOf(grid.type);
  eachOn(grid, (at, s) => {
    y[at] = cutOff(integerOf(x[at], scale[s], zero ? zero[s] : 0), low, high);
  });
}

/** The numbers that integers stand for. */
export function dequantise(grid: Grid, x: Numbers, scale: Numbers, zero: Numbers | undefined, y: Numbers): void {
  eachOn(grid, (at, s) => {
    y[at] = (x[at] - (zero ? zero[s] : 0)) * scale[s];
  });
}

/** y = r · factor where a number is not cut off, and 0 elsewhere. */
export function slopes(
  grid: Grid,
  x: Numbers,
  scale: Numbers,
  zero: Numbers | undefined,
  r: Numbers,
  y: Numbers,
  factor: (scale: number) => number,
): void {
  const [low, high] = rangeOf(grid.type);
  eachOn(grid, (at, s) => {
    const v = integerOf(x[at], scale[s], zero ? zero[s] : 0);
    y[at] = v >= low && v <= high ? r[at] * factor(scale[s]) : 0;
  });
}

/** The scale and zero point by which a tensor as a whole is rounded to uint8: from its smallest to its largest number. */
export function dynamicScale(x: Numbers): { readonly scale: number; readonly zero: number } {
  let [low, high] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    low = Math.min(low, x[i]);
    high = Math.max(high, x[i]);
  }
  const scale = low === high ? 1 : Math.fround(Math.fround(high - low) / 255);
  return { scale, zero: cutOff(toEven(Math.fround(-low / scale)), 0, 255) };
}

/** The grid of `dynamicScale` for so many numbers. */
export const dynamicGrid = (count: number): Grid => ({
  ...WHOLE,
  ...{ outer: 1, length: 1, inner: count, blocks: 0, type: "uint8", isFloor: false },
});

/** What integers a zero point, or an attribute, says they are. */
export function integersOf(zero: Operand | undefined, type: ElementType | undefined): ElementType {
  const found = type ?? zero?.type ?? "uint8";
  insist(isInteger(found), "unsupported", `it makes numbers of type ${found}, and relprop quantises to integers only`);
  return found;
}

/** What constants come to. */
export const madeOf = (type: ElementType, dims: Dims, data: Constant["data"]): Constant => ({ type, dims, data });
