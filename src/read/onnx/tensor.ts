import { Complaint, demand, insist } from "../../base/complaint.ts";
import type { Budget } from "../../base/budget.ts";
import type { PbfReader } from "pbf";
import { bytesKept, type Constant, type Dims, isFloat, size, typeName } from "../../base/tensor.ts";
import { bytesOf, type Element, elementOf, fromBytes, fromNumbers } from "./elements.ts";
import { bytes, double, float, inner, int, isBytes, many, one, text, uint } from "./wire.ts";

/**
 * Of `value`, `problem` and `external` there is one; what is `external` becomes one of the others once its file is
 * read.
 */
export interface TensorProto {
  readonly name: string;
  readonly value?: Constant;
  /** Why there is no value. */
  readonly problem?: Complaint;
  readonly external?: External;
}

/** Data that lie in another file. */
export interface External {
  /** As the file gives it: anything. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  /** What its numbers take once they are read. */
  readonly bytes: number;
  value(raw: Uint8Array): Constant;
}

/** The fields of TensorProto that hold numbers. */
const FIELDS: Readonly<Record<number, string>> = {
  4: "float_data",
  5: "int32_data",
  6: "string_data",
  7: "int64_data",
  9: "raw_data",
  10: "double_data",
  11: "uint64_data",
};
const RAW = 9;

/** What a file says of a tensor. */
interface Said {
  readonly code: number;
  readonly dims: readonly number[];
  readonly raw?: Uint8Array;
  readonly numbers: readonly number[];
  /** The first two fields with numbers, each as often as it holds bytes. */
  readonly fields: readonly number[];
  readonly location: number;
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/** `task`, or what it complained of. */
export function attempt<R extends object>(task: () => R): R | { problem: Complaint } {
  try {
    return task();
  } catch (error) {
    if (error instanceof Complaint) return { problem: error };
    throw error;
  }
}

function entry(pbf: PbfReader, end: number): [string, string] {
  const pair: [string, string] = ["", ""];
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1 || tag === 2) pair[tag - 1] = text(p, stop);
  });
  return pair;
}

/** A TensorProto. What is wrong with it is its `problem`, so that all tensors of a file are judged at once. */
export function tensor(pbf: PbfReader, end: number, budget: Budget): TensorProto {
  let [name, code, location] = ["", 0, 0];
  let raw: Uint8Array | undefined;
  const [dims, numbers, fields]: number[][] = [[], [], []];
  const entries: [string, string][] = [];
  inner(pbf, end, (tag, p, stop) => {
    if (tag === 1) many(p, stop, dims, int);
    else if (tag === 2) code = one(p, uint);
    else if (tag === 8) name = text(p, stop);
    else if (tag === 13) entries.push(entry(p, stop));
    else if (tag === 14) location = one(p, uint);
    if (!FIELDS[tag]) return;
    const block = isBytes(p);
    // Packed floats are the bytes of an array: no need to read them one by one.
    if (tag === RAW || (block && (tag === 4 || tag === 10))) raw = bytes(p, stop);
    else if (tag !== 6) many(p, stop, numbers, { 4: float, 5: int, 7: int, 10: double, 11: uint }[tag]!);
    // Two are wrong, whatever comes after them.
    if (fields.length < 2 && (block || !fields.includes(tag))) fields.push(tag);
  });
  return { name, ...attempt(() => content({ code, dims, raw, numbers, fields, location, entries }, budget)) };
}

function content(
  { code, dims, raw, numbers, fields, location, entries }: Said,
  budget: Budget,
): Pick<TensorProto, "value" | "external"> {
  const element = elementOf(code);
  demand(element, "unsupported", "floating point, integers or bool", typeName(code), "Convert the weights to float32.");
  demand(
    dims.every((d) => Number.isSafeInteger(d) && d >= 0) && Number.isSafeInteger(size(dims)),
    "invalid-model",
    "dims of at least 0, and fewer than 2^53 numbers",
    `[${dims}]`,
  );
  const held = fields.map((field) => FIELDS[field]);
  const length = bytesOf(element, size(dims));
  const isPacked = element.bits && !isFloat(element.type);
  const needed = isPacked ? length : size(dims) * bytesKept(element.type);
  if (location === 1) {
    insist(held.length === 0, "invalid-model", `its numbers lie in another file, and in ${held} as well`);
    return { external: { ...external(entries, length, (bytes) => constant(bytes, dims, element)), bytes: needed } };
  }
  demand(location === 0, "invalid-model", "data_location 0 (this file) or 1 (another file)", `${location}`);
  demand(
    held.length <= 1 && [undefined, RAW, element.field].includes(fields[0]),
    "invalid-model",
    `its numbers in ${FIELDS[element.field]} or raw_data`,
    `them in ${held.join(" and ")}`,
  );
  const what = `${size(dims)} numbers of ${typeName(code)} for dims [${dims}]`;
  if (raw) demand(raw.length === length, "invalid-model", `${length} bytes, which are ${what}`, `${raw.length}`);
  else demand(numbers.length === (element.bits ? length : size(dims)), "invalid-model", what, `${numbers.length}`);
  budget.where = "the model's weights";
  budget.take(needed);
  return { value: constant(raw ?? numbers, dims, element) };
}

function constant(data: Uint8Array | readonly number[], dims: Dims, element: Element): Constant {
  const make = data instanceof Uint8Array ? fromBytes : fromNumbers;
  return Object.freeze(make(data as never, element, Object.freeze(dims)));
}

/**
 * Where the data of a tensor lie in another file: offset 0 and as many bytes as the tensor needs, unless stated. A
 * checksum is not looked at, nor is any other key.
 * Source: ONNX ExternalData.md
 */
function external(entries: Said["entries"], needed: number, value: External["value"]): Omit<External, "bytes"> {
  const keys = new Map(entries);
  const given = entries.map(([key]) => key).join(", ");
  demand(keys.size === entries.length, "invalid-model", "each key of external_data once", given);
  const [location, offset, length] = [
    keys.get("location"),
    whole(keys, "offset") ?? 0,
    whole(keys, "length") ?? needed,
  ];
  insist(location, "invalid-model", "external_data does not say in which file its numbers are");
  demand(length === needed, "invalid-model", `a length of ${needed} bytes in '${location}'`, `${length}`);
  return { location, offset, length, value };
}

function whole(keys: ReadonlyMap<string, string>, key: string): number | undefined {
  const given = keys.get(key);
  demand(
    given === undefined || (/^\d+$/.test(given) && Number.isSafeInteger(Number(given))),
    "invalid-model",
    `a whole number as ${key} in external_data`,
    `'${given}'`,
  );
  return given === undefined ? undefined : Number(given);
}
