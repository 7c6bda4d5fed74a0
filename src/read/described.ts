import { demand } from "../base/complaint.ts";
import type { AttributeProto, AttributeValues } from "./onnx/decode.ts";
import { rowOf } from "../ops/index.ts";
import {
  type Constant,
  type ElementType,
  firstNonFinite,
  isFloat,
  isFloat32,
  isTyped,
  kept,
  numbersFor,
  rangeOf,
  size,
  type Tensor,
  type TensorData,
  typeNames,
} from "../base/tensor.ts";
import { attributesOf, withInfinities } from "./attributes.ts";
import { OPSETS } from "./build.ts";

/*
 * What is described in code, as the table's rows take it.
 */

/** An attribute of an operator: ONNX's int or float, string, a list of one of them, or tensor. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor;

/** Numbers that a network has from the start: a tensor, or a list of integers, which is an int64 tensor of one axis. */
export type ConstantInput = Tensor<TensorData> | readonly number[];

/** A value of a network that is being described: an input, or what a node computes. It has no numbers yet. */
export class Handle {
  /** Nothing else is one. */
  declare private readonly handle: never;
  /** @internal */
  name: string;
  /** @internal Whether nobody has chosen the name: then it gives way to that of an output. */
  isOpen: boolean;

  /** @internal Made by a `Builder`. */
  constructor(name: string, isOpen = false) {
    this.name = name;
    this.isOpen = isOpen;
  }
}

/** Whether something is left out. */
export const isNone = (given: unknown): given is undefined | null => given === undefined || given === null;

/** What came, in few words. */
export function textOf(given: unknown): string {
  if (typeof given === "string") return `'${given}'`;
  if (Array.isArray(given)) return given.length > 8 ? `a list of ${given.length}` : `[${given.map(textOf).join(", ")}]`;
  if (typeof given === "function") return "a function";
  if (given instanceof Handle) return "a value";
  if (isNone(given) || typeof given !== "object") return String(given);
  return given.constructor === Object
    ? `{${Object.keys(given).map((key) => ` ${key}`)} }`
    : (given.constructor?.name ?? "an object");
}

const isList = (given: unknown, fits: (v: unknown) => boolean): given is readonly number[] =>
  Array.isArray(given) && given.every(fits);
const isNumber = (given: unknown) => typeof given === "number" && !Number.isNaN(given);

/** What something is as an attribute of one of ONNX's types, if it can be one. */
const asAttribute: Readonly<Partial<Record<keyof AttributeValues, (given: unknown) => unknown>>> = {
  INT: (given) => (Number.isSafeInteger(given) ? given : undefined),
  FLOAT: (given) => (isNumber(given) ? given : undefined),
  STRING: (given) => (typeof given === "string" ? given : undefined),
  INTS: (given) => (isList(given, Number.isSafeInteger) ? [...given] : undefined),
  FLOATS: (given) => (isList(given, isNumber) ? [...given] : undefined),
  STRINGS: (given) => (isList(given, (v) => typeof v === "string") ? [...given] : undefined),
  TENSOR: (given) => (typeof given === "object" ? { name: "", value: constantOf(given) } : undefined),
};

/** What the row of a type makes of attributes with ONNX's names. */
export function attributesFor(type: string, given: Readonly<Record<string, unknown>>): object {
  const row = rowOf(type, "The reference lists those that it runs, by ONNX's names (docs/reference/operators.md).");
  const find = (name: string, wanted: keyof AttributeValues): AttributeProto | undefined => {
    if (isNone(given[name])) return undefined;
    const value = asAttribute[wanted]?.(given[name]) as AttributeProto["value"];
    return value === undefined ? { type: textOf(given[name]) } : { type: wanted, value };
  };
  const names = Object.keys(given).filter((name) => !isNone(given[name]));
  return attributesOf(row, { names, find, beyond: (name) => given[name] ?? undefined }, OPSETS.newest);
}

export function checkType(type: unknown): asserts type is ElementType {
  demand((typeNames as readonly unknown[]).includes(type), "usage", typeNames.join(", "), textOf(type));
}

function wholeText(type: ElementType): string {
  const [low, high] = rangeOf(type);
  if (type === "bool") return "0 and 1";
  return high === Number.MAX_SAFE_INTEGER ? "integers" : `integers from ${low} to ${high}`;
}

/** @param isWeight whether infinities are refused here, and not where it is known what they are for */
export function constantOf(given: unknown, isWeight = false): Constant {
  if (Array.isArray(given)) {
    const fix = "Other numbers come as a tensor, { data, dims }.";
    demand(isList(given, Number.isSafeInteger), "usage", "a list of integers", textOf(given), fix);
    return Object.freeze({ type: "int64", data: Float64Array.from(given), dims: Object.freeze([given.length]) });
  }
  const { data, dims, type = "float32" } = (given ?? {}) as Partial<Tensor<TensorData>>;
  const received = isNone(data) ? textOf(given) : `dims ${textOf(dims)}`;
  demand(isList(dims, Number.isSafeInteger), "usage", "a tensor { data, dims }", received);
  const count = size(dims);
  const array = `${data?.constructor?.name ?? typeof data} of ${data?.length ?? 0}`;
  const fits = isTyped(data) && data.length === count;
  demand(fits, "usage", `a Float32Array of ${count} numbers for dims [${dims}]`, array);
  checkType(type);
  const isWhole = !isFloat(type);
  const numbers =
    isFloat32(data) && !isWhole ? data : numbersFor(type, Float64Array.from(data as ArrayLike<number>, Number));
  const [low, high] = rangeOf(type);
  const first = isWhole
    ? numbers.findIndex((v) => !(Number.isInteger(v) && v >= low && v <= high))
    : firstNonFinite(numbers);
  const bad = !isWhole && !isWeight && first >= 0 ? numbers.findIndex(Number.isNaN) : first;
  demand(bad < 0, "usage", isWhole ? wholeText(type) : "finite numbers", `${data[bad]} at position ${bad}`);
  const own = kept({ type, data: numbers, dims: Object.freeze([...dims]) });
  return Object.freeze(first < 0 ? own : withInfinities(own));
}
