import { describe, expect, it, test } from "vitest";
import { decode } from "../../src/read/onnx/decode.ts";
import { field, fixed32, onnx, type RawData, varint } from "../onnx-writer.ts";

/** What becomes of these fields of an initializer. */
function read(dims: readonly number[], type: number, fields: RawData["fields"]) {
  const file = onnx({ nodes: [], initializers: { w: { dims, data: { type, fields } } }, outputs: {} });
  return decode(file).graph.initializers[0];
}

const bytesOf = (array: ArrayBufferView) => [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];
const raw = (array: ArrayBufferView) => field(9, bytesOf(array));
const packed = (tag: number, values: readonly (number | bigint)[]) => field(tag, values.flatMap(varint));
const [FLOAT, DOUBLE] = [4, 10];

const F16 = [0x0001, 0x83ff, 0x0400, 0x3c01, 0xc000, 0x7bff, 0x8000];
const F16_VALUES = [2 ** -24, -1023 * 2 ** -24, 2 ** -14, 1 + 2 ** -10, -2, 65504, -0];
const BF16 = [0x0001, 0x8080, 0x3f81, 0xc000, 0x7f7f];
const BF16_VALUES = [2 ** -133, -(2 ** -126), 1 + 2 ** -7, -2, (2 - 2 ** -7) * 2 ** 127];
const LARGE = [5, -7, 2 ** 53, -(2 ** 53)];

/** ONNX's name and number of the type, what it is read as, the numbers, and the ways in which a file may hold them. */
const types: readonly [string, number, string, readonly number[], ...RawData["fields"][]][] = [
  [
    "float",
    1,
    "float32",
    [1.5, -2, 2 ** -149],
    raw(Float32Array.of(1.5, -2, 2 ** -149)),
    field(FLOAT, bytesOf(Float32Array.of(1.5, -2, 2 ** -149))),
  ],
  [
    "float, one by one",
    1,
    "float32",
    [1.5, -2],
    [1.5, -2].flatMap((v) => [...varint((FLOAT << 3) | 5), ...fixed32(v)]),
  ],
  ["uint8", 2, "uint8", [0, 255], raw(Uint8Array.of(0, 255)), packed(5, [0, 255])],
  ["int8", 3, "int8", [-128, 127], raw(Int8Array.of(-128, 127)), packed(5, [-128, 127])],
  ["uint16", 4, "uint16", [0, 65535], raw(Uint16Array.of(0, 65535)), packed(5, [0, 65535])],
  ["int16", 5, "int16", [-32768, 32767], raw(Int16Array.of(-32768, 32767)), packed(5, [-32768, 32767])],
  [
    "int32",
    6,
    "int32",
    [-(2 ** 31), 2 ** 31 - 1],
    raw(Int32Array.of(-(2 ** 31), 2 ** 31 - 1)),
    packed(5, [-(2 ** 31), 2 ** 31 - 1]),
  ],
  ["int32, one by one", 6, "int32", [-3, 4], [...field(5, -3), ...field(5, 4)]],
  ["int64", 7, "int64", LARGE, raw(BigInt64Array.from(LARGE, BigInt)), packed(7, LARGE)],
  ["bool", 9, "bool", [1, 0], raw(Uint8Array.of(2, 0)), packed(5, [1, 0])],
  ["float16", 10, "float16", F16_VALUES, raw(Uint16Array.from(F16)), packed(5, F16)],
  [
    "double",
    11,
    "float64",
    [0.5, Math.fround(0.1), 0],
    raw(Float64Array.of(0.5, 0.1, 1e-60)),
    field(DOUBLE, bytesOf(Float64Array.of(0.5, 0.1, 1e-60))),
  ],
  ["uint32", 12, "uint32", [1, 2 ** 32 - 1], raw(Uint32Array.of(1, 2 ** 32 - 1)), packed(11, [1, 2 ** 32 - 1])],
  ["uint64", 13, "uint64", [1, 2 ** 63], raw(BigUint64Array.of(1n, 2n ** 63n)), packed(11, [1n, 2n ** 63n])],
  ["bfloat16", 16, "bfloat16", BF16_VALUES, raw(Uint16Array.from(BF16)), packed(5, BF16)],
];

describe("numbers of a file", () => {
  it.each(types)("%s", (_name, code, type, values, ...ways) => {
    for (const fields of ways) {
      const { value } = read([values.length], code, fields);
      expect(value?.type).toBe(type);
      expect(Array.from(value!.data)).toEqual(values);
    }
  });

  it("none at all, and one without axes", () => {
    expect(read([0, 3], 1, []).value?.data).toEqual(new Float32Array(0));
    expect(read([], 7, packed(7, [4])).value).toMatchObject({ dims: [], data: Float64Array.of(4) });
  });
});

test("float16: every number of it, exactly", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const { data } = read([65536], 10, raw(bits)).value!;
  for (const b of bits) {
    const [sign, exponent, fraction] = [b >> 15 ? -1 : 1, (b >> 10) & 31, (b & 1023) / 1024];
    const finite = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
    const expected = exponent < 31 ? finite : fraction === 0 ? Infinity : Number.NaN;
    if (!Object.is(data[b], sign * expected)) expect({ b, is: data[b] }).toEqual({ b, is: sign * expected });
  }
});

test("bfloat16: infinity and NaN", () => {
  expect(Array.from(read([3], 16, raw(Uint16Array.of(0x7f80, 0xff80, 0x7fc0))).value!.data)).toEqual([
    Infinity,
    -Infinity,
    Number.NaN,
  ]);
});

describe("integers that a double would round", () => {
  const [far, odd] = [2n ** 63n - 1n, 2n ** 53n + 1n];
  const ways = (value: bigint) => [raw(BigInt64Array.of(value)), packed(7, [value])];
  it.each([far, -far, -far - 1n])("%s means to the end", (value) => {
    for (const fields of ways(value)) expect(read([1], 7, fields).value?.data).toEqual(Float64Array.of(Number(value)));
  });
  it.each([odd, -odd, far - 1n, 2n ** 62n + 1n])("%s is a problem", (value) => {
    for (const fields of ways(value))
      expect(read([1], 7, fields).problem?.message).toBe(
        "expected integers that a double holds exactly, as it does all up to 2^53, got a larger one",
      );
  });
  it("uint64 as well", () => {
    for (const fields of [raw(BigUint64Array.of(2n ** 64n - 1n)), packed(11, [2n ** 64n - 1n])])
      expect(read([1], 13, fields).problem?.message).toMatch(/a larger one/);
  });
});

describe("problems of a tensor", () => {
  const [two, float] = [Float32Array.of(1, 2), 1];
  it.each<[string, ReturnType<typeof read>, "unsupported" | "invalid-model", string]>([
    [
      "negative dims",
      read([-2], float, raw(two)),
      "invalid-model",
      "dims of at least 0, and fewer than 2^53 numbers, got [-2]",
    ],
    [
      "dims whose product overflows",
      read([2 ** 40, 2 ** 40], float, []),
      "invalid-model",
      "got [1099511627776,1099511627776]",
    ],
    [
      "dims of 0 and infinity",
      read([2 ** 52, ...Array<number>(30).fill(2 ** 52), 0], float, []),
      "invalid-model",
      "dims of at least 0, and fewer",
    ],
    [
      "2^40 numbers of which there are none",
      read([2 ** 40], float, []),
      "invalid-model",
      "1099511627776 numbers of float for dims [1099511627776], got 0",
    ],
    [
      "a byte too few",
      read([2], float, field(9, bytesOf(two).slice(1))),
      "invalid-model",
      "8 bytes, which are 2 numbers of float for dims [2], got 7",
    ],
    ["a number too many", read([1], 7, packed(7, [1, 2])), "invalid-model", "1 numbers of int64 for dims [1], got 2"],
    [
      "numbers twice",
      read([2], float, [...raw(two), ...raw(two)]),
      "invalid-model",
      "got them in raw_data and raw_data",
    ],
    [
      "numbers in two fields",
      read([1], 7, [...packed(7, [1]), ...raw(BigInt64Array.of(1n))]),
      "invalid-model",
      "got them in int64_data and raw_data",
    ],
    [
      "numbers in another type's field",
      read([1], float, packed(5, [1])),
      "invalid-model",
      "numbers in float_data or raw_data, got them in int32_data",
    ],
    ["300 as uint8", read([1], 2, packed(5, [300])), "invalid-model", "integers of 8 bits, got 300"],
    ["a negative float16", read([1], 10, packed(5, [-1])), "invalid-model", "integers of 16 bits, got -1"],
    [
      "a double beyond float32",
      read([2], 11, raw(Float64Array.of(1, 1e300))),
      "unsupported",
      "numbers within the range of float32, got 1e+300",
    ],
    [
      "data_location 2",
      read([2], float, field(14, 2)),
      "invalid-model",
      "data_location 0 (this file) or 1 (another file), got 2",
    ],
    ...(
      [
        [0, "undefined"],
        [8, "string"],
        [14, "complex64"],
        [15, "complex128"],
        [99, "element type 99, which ONNX does not define"],
      ] as const
    ).map(([code, name]): [string, ReturnType<typeof read>, "unsupported", string] => [
      name,
      read([1], code, field(9, [0])),
      "unsupported",
      `floating point, integers or bool, got ${name}`,
    ]),
  ])("%s", (_name, { value, problem }, code, message) => {
    expect(value).toBeUndefined();
    expect(problem?.code).toBe(code);
    expect(problem?.message).toContain(message);
  });
});
