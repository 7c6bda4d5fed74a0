import { misuse } from "../base/error.ts";

/*
 * Values as text that holds them to the last bit: JSON, in which { "$": … } stands for what JSON has not, which is
 * arrays of numbers and numbers that are not finite.
 */
const KEY = "$";

const arrays = { Float32Array, Float64Array, Uint8Array, Int32Array } as const;
type Typed = InstanceType<(typeof arrays)[keyof typeof arrays]>;

const numbers: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "-0": -0,
};

const isTyped = (value: object): value is Typed => value.constructor.name in arrays && ArrayBuffer.isView(value);

/** @throws LrpError "usage" for what is no data: a function, an array of another type, an object of a class */
export function toText(value: unknown, where: string): string {
  return JSON.stringify(marked(value, where));
}

function marked(value: unknown, where: string): unknown {
  if (typeof value === "number") {
    const name = Object.is(value, -0) ? "-0" : String(value);
    return name in numbers ? { [KEY]: name } : value;
  }
  if (value === null || value === undefined || typeof value === "string" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.map((one) => marked(one, where));
  if (typeof value === "object" && isTyped(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    return { [KEY]: value.constructor.name, base64: bytes.toString("base64") };
  }
  if (typeof value !== "object" || Object.getPrototypeOf(Object.getPrototypeOf(value) ?? {}) !== null || KEY in value)
    throw misuse(where, `it holds what cannot travel through a queue (${Object.prototype.toString.call(value)})`);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, marked(one, where)]));
}

/** What a text of `toText` says. @throws LrpError "usage" for other text */
export function fromText(text: string, where: string): unknown {
  try {
    return JSON.parse(text, (_, value) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, KEY) ? unmarked(value, where) : value,
    );
  } catch (error) {
    if (error instanceof Error && error.name === "LrpError") throw error;
    throw misuse(where, `it is no text that relprop has written (${(error as Error).message})`);
  }
}

function unmarked({ [KEY]: kind, base64 }: Readonly<Record<string, unknown>>, where: string): unknown {
  if (typeof kind === "string" && Object.hasOwn(numbers, kind)) return numbers[kind];
  if (typeof kind !== "string" || !Object.hasOwn(arrays, kind) || typeof base64 !== "string")
    throw misuse(where, `it has a mark of no value (${String(kind).slice(0, 40)})`);
  const Array_ = arrays[kind as keyof typeof arrays];
  // A copy, which begins where its numbers may.
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  if (bytes.length % Array_.BYTES_PER_ELEMENT !== 0)
    throw misuse(where, `it has ${bytes.length} bytes for a ${kind}, which is no whole number of values`);
  return new Array_(bytes.buffer);
}
