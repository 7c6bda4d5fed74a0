import { describe, expect, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { type FileNode, field, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

/*
 * Integers bit by bit, as arrays of JavaScript have them; and numbers that are none.
 */

const types = [
  [2, Uint8Array],
  [3, Int8Array],
  [4, Uint16Array],
  [5, Int16Array],
  [6, Int32Array],
  [12, Uint32Array],
  [7, BigInt64Array],
  [13, BigUint64Array],
] as const;

/** Where a tensor has numbers of types that are not in int32_data. */
const FIELDS = new Map([
  [7, 7],
  [12, 11],
  [13, 11],
]);

const [A, B] = [
  [0, 1, 5, 100, 77, 127],
  [3, 6, 127, 15, 64, 1],
];

async function run(type: number, node: Omit<FileNode, "outputs">, constant: boolean): Promise<readonly number[]> {
  const raw = (data: readonly number[]) => ({
    dims: [data.length],
    data: { type, fields: data.flatMap((v) => field(FIELDS.get(type) ?? 5, v)) },
  });
  const given = { a: raw(A), b: raw(B) };
  const names = node.inputs.filter((name) => name !== "");
  using model = await loadInMode(
    onnx(
      {
        nodes: [{ ...node, outputs: ["y"] }],
        ...(constant
          ? { initializers: given, inputs: { x: [1] } }
          : { inputs: Object.fromEntries(names.map((n) => [n, [6]])) }),
        outputs: { y: [] },
        types: { ...Object.fromEntries(names.map((n) => [n, type])), y: type },
      },
      18,
    ),
    { batch: false },
  );
  const input = constant
    ? tensor([1], 1)
    : Object.fromEntries(names.map((n) => [n, { dims: [6], data: n === "a" ? A : B }]));
  return Array.from<number | bigint, number>(model.predict(input as never).output.data, Number);
}

/** What an array of that type makes of numbers of any size. */
const kept = (array: (typeof types)[number][1], values: readonly bigint[]) =>
  array === BigInt64Array || array === BigUint64Array
    ? Array.from(array.from(values), Number)
    : Array.from((array as Uint8ArrayConstructor).from(values.map((v) => Number(BigInt.asIntN(32, v)))), Number);

describe.each(types)("type %i", (type, array) => {
  test.each([
    ["BitwiseAnd", (a: bigint, b: bigint) => a & b],
    ["BitwiseOr", (a: bigint, b: bigint) => a | b],
    ["BitwiseXor", (a: bigint, b: bigint) => a ^ b],
  ] as const)("%s", async (name, f) => {
    const expected = kept(
      array,
      A.map((a, i) => f(BigInt(a), BigInt(B[i]))),
    );
    for (const constant of [false, true])
      expect(await run(type, { type: name, inputs: ["a", "b"] }, constant)).toEqual(expected);
  });
});

test.each(types.filter(([, array]) => array.BYTES_PER_ELEMENT < 4 || array === Int32Array))(
  "BitwiseNot of type %i",
  async (type, array) => {
    expect(await run(type, { type: "BitwiseNot", inputs: ["a"] }, false)).toEqual(
      kept(
        array,
        A.map((a) => ~BigInt(a)),
      ),
    );
  },
);

test.each(types.filter(([, array]) => /U/.test(array.name)))("BitShift of type %i", async (type, array) => {
  for (const [direction, f] of [
    ["LEFT", (a: bigint, b: bigint) => a << b],
    ["RIGHT", (a: bigint, b: bigint) => a >> b],
  ] as const) {
    const bits = 8 * array.BYTES_PER_ELEMENT;
    const expected = A.map((a, i) => (B[i] >= bits ? 0 : Number(BigInt.asUintN(bits, f(BigInt(a), BigInt(B[i]))))));
    const node = { type: "BitShift", inputs: ["a", "b"], attributes: { direction } };
    // Up to 2^24 integers are exact while a network runs.
    if (expected.every((v) => v <= 2 ** 24)) expect(await run(type, node, false)).toEqual(expected);
    else await expect(run(type, node, false)).rejects.toThrow("integers from");
  }
});

test("IsNaN and IsInf of what a network computes", async () => {
  const nodes: FileNode[] = [
    { type: "Log", inputs: ["x"], outputs: ["l"] },
    { type: "IsNaN", inputs: ["l"], outputs: ["nan"] },
    { type: "IsInf", inputs: ["l"], outputs: ["inf"] },
    { type: "IsInf", inputs: ["l"], outputs: ["positive"], attributes: { detect_negative: 0 } },
  ];
  const outputs = { nan: [], inf: [], positive: [] };
  const file = onnx({ nodes, inputs: { x: [1, 4] }, outputs, types: { nan: 9, inf: 9, positive: 9 } }, 20);
  using model = await loadInMode(file);
  const found = model.predict({ dims: [1, 4], data: Float32Array.of(-1, 0, 1, 2) }).outputs;
  expect([...found.nan.data].map(Number)).toEqual([1, 0, 0, 0]);
  expect([...found.inf.data].map(Number)).toEqual([0, 1, 0, 0]);
  expect([...found.positive.data].map(Number)).toEqual([0, 0, 0, 0]);
});
