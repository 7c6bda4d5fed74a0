import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { readTensor } from "../onnx-tensor.ts";
import { type FileNode, type FileTensor, field, onnx, tensorBytes } from "../onnx-writer.ts";
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

describe("BitCast", () => {
  const [FLOAT, FLOAT64, UINT8, INT32, INT64, BOOL, FLOAT16, UINT64] = [1, 11, 2, 6, 7, 9, 10, 13];

  /** A tensor of one axis whose bits lie in a file as these bytes. */
  const stored = (type: number, bytes: Uint8Array, count: number): FileTensor => ({
    dims: [count],
    data: { type, fields: field(9, [...bytes]) },
  });
  /** Numbers of a type, from the bytes of a file. */
  const numbersOf = (type: number, bytes: Uint8Array, count: number) =>
    readTensor(Uint8Array.from(tensorBytes(stored(type, bytes, count)))).data;

  const file = (from: number, to: number, count: number, constant?: FileTensor) =>
    onnx(
      {
        nodes: [{ type: "BitCast", inputs: ["a"], outputs: ["y"], attributes: { to } }],
        ...(constant ? { initializers: { a: constant }, inputs: { x: [1] } } : { inputs: { a: [count] } }),
        outputs: { y: [] },
        types: { a: from, y: to },
      },
      26,
    );
  const bytesOf = (list: Uint8Array | Uint16Array | Uint32Array | BigUint64Array) => new Uint8Array(list.buffer);
  const counted = (n: number) => Array.from({ length: n }, (_, i) => i);
  const edges = [0, 1, 0x7fffff, 0x800000, 0x3f800000, 0x7f7fffff, 0x80000000, 0x80000001, 0xbf800000, 0xff7fffff];

  /** Element types of the same width, and bits to read as each. */
  const groups = [
    { types: [2, 3], patterns: Uint8Array.from(counted(256)) },
    { types: [2, 3, BOOL], patterns: Uint8Array.of(0, 1) },
    { types: [4, 5, FLOAT16, 16], patterns: Uint16Array.from(counted(2 ** 16)) },
    {
      types: [INT32, 12, FLOAT],
      patterns: Uint32Array.from([...edges, ...counted(500).map((i) => i * 2654435761)]),
    },
    { types: [INT64, UINT64], patterns: BigUint64Array.of(0n, 1n, 2n ** 24n - 1n, 2n ** 53n - 1n) },
  ];
  const pairs = groups.flatMap(({ types, patterns }) =>
    types.flatMap((from) => types.flatMap((to) => (to === from ? [] : [{ from, to, patterns }]))),
  );
  const isFloat = (type: number) => [FLOAT, FLOAT16, 16].includes(type);
  const numbersAs = (type: number, data: readonly number[]) => (isFloat(type) ? Float32Array.from(data) : data);

  test.each(pairs)("of type $from to type $to", async ({ from, to, patterns }) => {
    const n = patterns.length;
    const [given, wanted] = [from, to].map((type) => numbersOf(type, bytesOf(patterns), n));
    const width = patterns.BYTES_PER_ELEMENT;
    for (const constant of [true, false]) {
      // Up to 2^24 integers are exact while a network runs.
      const isExact = (v: number, type: number) =>
        Number.isFinite(v) && (constant || isFloat(type) || Math.abs(v) < 2 ** 24);
      const at = counted(n).filter((i) => isExact(given[i], from) && isExact(wanted[i], to));
      const bytes = Uint8Array.from(at.flatMap((i) => [...bytesOf(patterns).subarray(i * width, (i + 1) * width)]));
      using model = await loadInMode(file(from, to, at.length, constant ? stored(from, bytes, at.length) : undefined), {
        batch: false,
      });
      const numbers = numbersAs(
        from,
        at.map((i) => given[i]),
      );
      const { output } = model.predict(constant ? tensor([1], 1) : { dims: [at.length], data: numbers });
      expect(Array.from<number | bigint, number>(output.data, Number)).toEqual(at.map((i) => wanted[i]));
    }
  });

  test.each([
    ["an integer that float32 lacks", FLOAT, INT32, [1], "integers from -16777215 to 16777215, got 1065353216"],
    ["less than one of float16", FLOAT16, 4, [1 + 2 ** -11], "numbers that float16 has exactly, got 1.00048828125"],
    ["no truth value", UINT8, BOOL, [2], "bytes 0 and 1, which are those of bool, got 2"],
    ["a negative one of 64 bits", INT64, UINT64, [-1], "integers from 0 to 16777215, got 18446744073709552000"],
  ] as const)("refuses %s", async (_, from, to, data, says) => {
    using model = await loadInMode(file(from, to, 1), { batch: false });
    expect(() => model.predict({ dims: [1], data: numbersAs(from, data) } as never)).toThrow(
      `(BitCast): expected ${says}`,
    );
  });

  test.each([
    ["the largest of 64 bits", INT64, UINT64, bytesOf(BigUint64Array.of(2n ** 63n - 1n)), "got 9223372036854776000"],
    [
      "a negative one of 64 bits",
      INT64,
      UINT64,
      bytesOf(BigUint64Array.of(2n ** 64n - 1n)),
      "got 18446744073709552000",
    ],
    ["float64", FLOAT64, INT64, new Uint8Array(8), "got one of float64 to int64"],
  ] as const)("refuses a constant: %s", async (_, from, to, bytes, says) => {
    await expect(loadInMode(file(from, to, 1, stored(from, bytes, 1)))).rejects.toThrow(says);
  });

  test("refuses a cast to float16 that is more than its largest", async () => {
    const nodes: FileNode[] = [
      { type: "Cast", inputs: ["x"], outputs: ["h"], attributes: { to: FLOAT16 } },
      { type: "BitCast", inputs: ["h"], outputs: ["y"], attributes: { to: 4 } },
    ];
    using model = await loadInMode(onnx({ nodes, inputs: { x: [1] }, outputs: { y: [] }, types: { y: 4 } }, 26));
    const says = "numbers that float16 has exactly, got 65536";
    expect(() => model.predict({ dims: [1], data: Float32Array.of(65536) })).toThrow(says);
  });

  test("refuses bits of what is no number, which has many", async () => {
    const nodes: FileNode[] = [
      { type: "BitCast", inputs: ["a"], outputs: ["f"], attributes: { to: FLOAT } },
      { type: "BitCast", inputs: ["f"], outputs: ["y"], attributes: { to: INT32 } },
    ];
    const a = stored(INT32, bytesOf(Uint32Array.of(0xffffffff)), 1);
    const graph = { nodes, initializers: { a }, inputs: { x: [1] }, outputs: { y: [] }, types: { y: INT32 } };
    await expect(loadInMode(onnx(graph, 26))).rejects.toThrow("numbers that float32 has exactly, got NaN");
  });

  test("infinities are numbers of float16 and float32", async () => {
    const nodes: FileNode[] = [
      { type: "BitCast", inputs: ["a"], outputs: ["f"], attributes: { to: FLOAT16 } },
      { type: "BitCast", inputs: ["f"], outputs: ["y"], attributes: { to: 4 } },
      { type: "IsInf", inputs: ["f"], outputs: ["i"] },
    ];
    const a = stored(4, bytesOf(Uint16Array.of(0x7c00, 0xfc00, 0x7bff)), 3);
    const graph = {
      nodes,
      initializers: { a },
      inputs: { x: [1] },
      outputs: { y: [], i: [] },
      types: { y: 4, i: BOOL },
    };
    using model = await loadInMode(onnx(graph, 26));
    const { outputs } = model.predict(tensor([1], 1));
    expect([...outputs.y.data]).toEqual([0x7c00, 0xfc00, 0x7bff]);
    expect([...outputs.i.data]).toEqual([1, 1, 0]);
  });

  test("relevance does not pass bits, but it passes where the type stays", async () => {
    const nodes = (...to: number[]): FileNode[] =>
      to.map((type, i) => ({
        type: "BitCast",
        inputs: [i === 0 ? "x" : `h${i - 1}`],
        outputs: [i === to.length - 1 ? "y" : `h${i}`],
        attributes: { to: type },
      }));
    const x = { dims: [1, 2], data: Float32Array.of(2e-45, 5e-44) };
    const options = { composite: [{ rule: ruleOf.pass() }], start: "one", target: Float32Array.of(3, 5) } as const;
    const graph = { inputs: { x: [1, 2] }, outputs: { y: [] } };
    using there = await loadInMode(onnx({ ...graph, nodes: nodes(INT32, FLOAT) }, 26));
    expect([...there.predict(x).output.data]).toEqual([...x.data]);
    expect(() => there.explain(x, options)).toThrow("inputs have no shares in single bits");
    using same = await loadInMode(onnx({ ...graph, nodes: nodes(FLOAT, FLOAT) }, 26));
    expect([...same.explain(x, options).relevance.data]).toEqual([3, 5]);
  });
});
