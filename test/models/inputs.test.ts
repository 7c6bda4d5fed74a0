import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { LrpError, load, type Tensor } from "../../src/entries/index.ts";
import { type FileGraph, onnx } from "../onnx-writer.ts";

const [INT32, INT64, BOOL, INT4] = [6, 7, 9, 22];
const tensor = (dims: readonly number[], ...data: number[]): Tensor => ({ dims, data: Float32Array.from(data) });
const file = (nodes: FileGraph["nodes"], rest: Omit<FileGraph, "nodes">) => onnx({ nodes, ...rest });
const sum = file([{ type: "Add", inputs: ["a", "b"], outputs: ["c"] }], {
  inputs: { a: ["n", 2], b: ["n", 2] },
  outputs: { c: [] },
});

const refusal = async (task: () => unknown) => {
  try {
    await task();
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    return (error as LrpError).message;
  }
  throw new Error("nothing was refused");
};

describe("networks with several inputs", () => {
  it("run on a tensor for each name, and relevance reaches them all", async () => {
    using model = await load(sum);
    expect(model.inputs.map(({ name, type }) => `${name} ${type}`)).toEqual(["a float32", "b float32"]);
    const given = { b: tensor([1, 2], 3, 1), a: tensor([1, 2], 1, 1) };
    expect(model.predict(given).output.data).toEqual(Float32Array.of(4, 2));
    const e = model.explain(given, { composite: "epsilonPlus" });
    expect(Object.keys(e.inputs)).toEqual(["a", "b"]);
    expect(e.relevance).toBe(e.inputs.a);
    const relevance = [...e.inputs.a.data, ...e.inputs.b.data];
    for (const [i, r] of [1, 0, 3, 0].entries()) expect(relevance[i]).toBeCloseTo(r, 5);
    expect(model.inspect({ dims: { a: [2, 2], b: [2, 2] } }).nodes).toHaveLength(1);
  });

  it.each([
    ["a single tensor", tensor([1, 2], 1, 1), /expected tensors by name: a, b, got a single tensor/],
    ["a name too few", { a: tensor([1, 2], 1, 1) }, /expected tensors by name: a, b, got a\./],
    ["a name too many", { a: tensor([1, 2], 1, 1), b: tensor([1, 2], 1, 1), c: tensor([1], 1) }, /got a, b, c/],
    [
      "wrong dims",
      { a: tensor([1, 2], 1, 1), b: tensor([1, 3], 1, 1, 1) },
      /input 'b': expected f32\[n, 2\], got f32\[1, 3\]/,
    ],
  ])("%s is refused", async (_what, input, says) => {
    using model = await load(sum);
    expect(await refusal(() => model.predict(input as never))).toMatch(says);
  });

  const own = (...dims: number[]) => ({ dims, data: new Float32Array(dims.reduce((count, d) => count * d, 1)) });
  it.each<[string, object, string]>([
    ["a rank too low", own(2), "input 'a': expected f32[n, 2], got f32[2]"],
    ["no axes at all", own(), "input 'a': expected f32[n, 2], got f32[]"],
    ["a rank too high", own(1, 2, 1), "input 'a': expected f32[n, 2], got f32[1, 2, 1]"],
    ["too much along an axis", own(1, 3), "input 'a': expected f32[n, 2], got f32[1, 3]"],
    ["too little along an axis", own(1, 1), "input 'a': expected f32[n, 2], got f32[1, 1]"],
    ["half a sample", { dims: [0.5, 2], data: new Float32Array(1) }, "input 'a': expected f32[n, 2], got f32[0.5, 2]"],
    ["less than none", { dims: [-1, 2], data: new Float32Array(2) }, "input 'a': expected f32[n, 2], got f32[-1, 2]"],
    ["dims that are no list", { dims: "1,2", data: new Float32Array(2) }, "input 'a': expected f32[n, 2], got f32[?]"],
    [
      "too few numbers",
      { dims: [2, 2], data: new Float32Array(3) },
      "expected a Float32Array of 4 numbers, got Float32Array of 3",
    ],
    [
      "too many numbers",
      { dims: [2, 2], data: new Float32Array(5) },
      "expected a Float32Array of 4 numbers, got Float32Array of 5",
    ],
    ["a list", { dims: [1, 2], data: [1, 2] }, "expected a Float32Array of 2 numbers, got Array of 2"],
  ])("%s is refused by predict, explain and explainEach", async (_what, a, says) => {
    using model = await load(sum);
    const given = { a, b: own(1, 2) } as never;
    for (const call of [() => model.predict(given), () => model.explain(given), () => model.explainEach(given, [0])])
      expect(await refusal(call)).toContain(says);
  });

  it.each([
    [Number.NaN, "input 'a': expected finite numbers, got NaN at position 1"],
    [-Infinity, "expected finite numbers, got -Infinity at position 1"],
  ])("%d is refused by explain and explainEach; predict computes with it", async (v, says) => {
    using model = await load(sum);
    const given = { a: { dims: [1, 2], data: Float32Array.of(1, v) }, b: own(1, 2) } as never;
    expect([...model.predict(given).output.data].at(-1)).toBe(v);
    for (const call of [() => model.explain(given), () => model.explainEach(given, [0])])
      expect(await refusal(call)).toContain(says);
  });

  it("NaN may be tested and replaced, but not summed with weights", async () => {
    const x = { dims: [1, 3], data: Float32Array.of(1, Number.NaN, 2) };
    const imputed = (tested: string) =>
      onnx(
        {
          nodes: [
            { type: "IsNaN", inputs: ["x"], outputs: ["is"] },
            { type: "Where", inputs: ["is", "c", "x"], outputs: ["h"] },
            { type: "Gemm", inputs: [tested, "w"], outputs: ["y"] },
          ],
          initializers: {
            c: { dims: [1], data: Float32Array.of(5) },
            w: { dims: [3, 1], data: Float32Array.of(1, 2, 3) },
          },
          inputs: { x: [1, 3] },
          outputs: { y: [] },
        },
        20,
      );
    using model = await load(imputed("h"));
    expect([...model.predict(x).output.data]).toEqual([17]);
    using other = await load(imputed("x"));
    expect(await refusal(() => other.predict(x))).toContain("node 'y' (Gemm): NaN or infinity gets to this layer");
  });

  it("a branch may read what waits for the caller's numbers", async () => {
    const branch = (type: string, name: string) => ({
      graph: { nodes: [{ type, inputs: ["r"], outputs: [name] }], outputs: { [name]: [] } },
    });
    const nodes: FileGraph["nodes"] = [
      { type: "Size", inputs: ["shape"], outputs: ["rank"] },
      { type: "Equal", inputs: ["rank", "two"], outputs: ["is"] },
      { type: "Reshape", inputs: ["x", "shape"], outputs: ["r"] },
      {
        ...{ type: "If", inputs: ["is"], outputs: ["y"] },
        attributes: { then_branch: branch("Neg", "t"), else_branch: branch("Relu", "e") },
      },
    ];
    const given = { inputs: { x: [6], shape: [2] }, outputs: { y: [] }, types: { shape: INT64 } };
    using model = await load(file(nodes, { ...given, initializers: { two: { dims: [], data: [2] } } }), {
      batch: false,
    });
    const { output } = model.predict({ x: tensor([6], 1, 2, 3, 4, 5, 6), shape: { dims: [2], data: [2, 3] } });
    expect(output.dims).toEqual([2, 3]);
    expect([...output.data]).toEqual([-1, -2, -3, -4, -5, -6]);
  });

  it("numbers that decide a shape must be the caller's, not the network's", async () => {
    const bytes = file(
      [
        { type: "Cast", inputs: ["s"], outputs: ["shape"], attributes: { to: INT64 } },
        { type: "Reshape", inputs: ["x", "shape"], outputs: ["y"] },
      ],
      { inputs: { x: [6], s: [2] }, outputs: { y: [] } },
    );
    expect(await refusal(() => load(bytes))).toMatch(
      /node 'y' \(Reshape\): expected target dims known while loading, got a value that is computed from the input/,
    );
  });

  it("inputs that are weights or decide shapes become constants, anew when their numbers change", async () => {
    const bytes = file(
      [
        { type: "Conv", inputs: ["x", "w"], outputs: ["y"] },
        { type: "Reshape", inputs: ["y", "shape"], outputs: ["z"] },
      ],
      { inputs: { x: [1, 1, 3], w: [1, 1, 2], shape: [2] }, outputs: { z: [] }, types: { shape: INT64 } },
    );
    using model = await load(bytes);
    const x = tensor([1, 1, 3], 1, 2, 3);
    const run = (w: Tensor, shape: readonly (number | bigint)[]) =>
      model.explain(
        { x, w, shape: { dims: [2], data: shape as number[] } },
        { target: Float32Array.of(1, 1), start: "one" },
      );
    const one = run(tensor([1, 1, 2], 1, 1), [1n, 2n]);
    expect([one.output.dims, [...one.output.data]]).toEqual([
      [1, 2],
      [3, 5],
    ]);
    expect(Object.keys(one.inputs)).toEqual(["x"]);
    expect([...run(tensor([1, 1, 2], 0, 1), [2, 1]).output.data]).toEqual([2, 3]);
    expect(await refusal(() => model.inspect({ dims: { x: [1, 1, 4] } }))).toMatch(
      /input 'x': expected f32\[1, 1, 3\]/,
    );
    expect(model.inspect().nodes).toHaveLength(2);
    using fresh = await load(bytes);
    expect(await refusal(() => fresh.inspect())).toMatch(/the numbers of an input are weights or decide shapes/);
  });
});

it("a network of a single number", async () => {
  using model = await load(
    file([{ type: "Relu", inputs: ["x"], outputs: ["y"] }], { inputs: { x: [] }, outputs: { y: [] } }),
  );
  const e = model.explain(tensor([], 2));
  expect([e.targets, e.relevance]).toEqual([
    [[{ index: 0, name: undefined, weight: 1, score: 2 }]],
    { ...tensor([], 2), batchAxis: null },
  ]);
});

describe("inputs that relevance does not reach", () => {
  const [x, c, i] = [tensor([3], 1, 2, 3), tensor([3], 1, 0, 1), tensor([1], 2)];
  const two = [tensor([3], 5, 5, 5), tensor([3], 7, 7, 7)] as const;
  const choosing = (inputs: readonly string[], types: Record<string, number>) =>
    file([{ type: "Where", inputs, outputs: ["y"] }], {
      inputs: Object.fromEntries(inputs.filter((name) => name.length === 1).map((name) => [name, [3]])),
      initializers: { two: two[0], seven: two[1] },
      outputs: { y: [] },
      types,
    });
  const options = { target: Float32Array.of(1, 1, 1), start: "one" } as const;

  it("that choose between constants: none is left to explain by", async () => {
    using model = await load(choosing(["c", "two", "seven"], { c: BOOL }));
    expect(model.inspect().notes.join()).toContain("inputs only choose among other numbers");
    expect([...model.predict(c).output.data]).toEqual([5, 7, 5]);
    expect(await refusal(() => model.explain(c, options))).toMatch(
      /output 'y': no relevance can pass from it to an input, since inputs only choose among other numbers/,
    );
  });

  it("have 0, and cannot be asked for on the way", async () => {
    using model = await load(choosing(["c", "x", "seven"], { c: BOOL }));
    const e = model.explain({ c, x }, options);
    expect(e.inputs).toMatchObject({ c: tensor([3], 0, 0, 0), x: tensor([3], 1, 0, 1) });
    expect(e.relevance).toBe(e.inputs.x);
    expect(await refusal(() => model.explain({ c, x }, { ...options, at: ["c"] }))).toMatch(
      /option 'at': expected a value on the way .*'c'/,
    );
  });

  it("that make a mask of infinities, which is added: no NaN stays in the ledger", async () => {
    const bytes = file(
      [
        { type: "Where", inputs: ["c", "zero", "low"], outputs: ["m"] },
        { type: "Add", inputs: ["x", "m"], outputs: ["s"] },
        { type: "Softmax", inputs: ["s"], outputs: ["p"], attributes: { axis: 0 } },
        { type: "Relu", inputs: ["p"], outputs: ["y"] },
      ],
      {
        inputs: { x: [3], c: [3] },
        initializers: { zero: tensor([], 0), low: tensor([], -Infinity) },
        outputs: { y: [] },
        types: { c: BOOL },
      },
    );
    using model = await load(bytes);
    expect(await refusal(() => model.explain({ c, x }, { ...options, unknown: "gradient" }))).toMatch(
      /relevance through node 's' \(Add, norm\): expected finite numbers/,
    );
  });

  it("need no rule on the way to where they choose", async () => {
    const bytes = file(
      [
        { type: "ArgMax", inputs: ["i"], outputs: ["k"], attributes: { axis: 0 } },
        { type: "Gather", inputs: ["x", "k"], outputs: ["y"] },
      ],
      { inputs: { i: [1], x: [3] }, outputs: { y: [] } },
    );
    using model = await load(bytes);
    const e = model.explain({ i, x }, { target: Float32Array.of(1), start: "one" });
    expect(e.inputs).toMatchObject({ i: tensor([1], 0), x: tensor([3], 1, 0, 0) });
  });
});

describe("integers and booleans", () => {
  const cast = (to: number, from: number) =>
    file([{ type: "Cast", inputs: ["x"], outputs: ["y"], attributes: { to } }], {
      inputs: { x: [3] },
      outputs: { y: [3] },
      types: { x: from, y: to },
    });

  it("outputs say what they are", async () => {
    using toInt = await load(cast(INT32, 1));
    expect(toInt.predict(tensor([3], 1.7, -2.9, 0.5)).output).toEqual({
      batchAxis: null,
      type: "int32",
      dims: [3],
      data: Int32Array.of(1, -2, 0),
    });
    using toBool = await load(cast(BOOL, INT64));
    expect(toBool.predict({ dims: [3], data: BigInt64Array.of(0n, 5n, -1n) }).output).toEqual({
      type: "bool",
      batchAxis: null,
      dims: [3],
      data: Uint8Array.of(0, 1, 1),
    });
  });

  it.each([
    ["a fraction", INT64, [1, 0.5, 2], /integers from -16777216 to 16777216, got 0.5 at position 1/],
    ["what float32 rounds", INT32, [1, 2, 2 ** 24 + 1], /16777217 at position 2/],
    ["another truth value", BOOL, [0, 1, 2], /integers from 0 to 1, got 2/],
    ["no array", INT64, 7, /an array of 3 numbers, got Number/],
  ])("%s is refused", async (_what, type, data, says) => {
    using model = await load(cast(1, type));
    expect(await refusal(() => model.predict({ dims: [3], data } as never))).toMatch(says);
  });

  it("other element types, and types that the nodes do not compute, are refused by name", async () => {
    const said = file([{ type: "Relu", inputs: ["x"], outputs: ["y"] }], {
      inputs: { x: [3] },
      outputs: { y: [3] },
      types: { y: INT4 },
    });
    expect(await refusal(() => load(said))).toMatch(
      /output 'y': the file declares it as int4, but the nodes compute float32/,
    );
    const relu = file([{ type: "Relu", inputs: ["x"], outputs: ["y"] }], {
      inputs: { x: [3] },
      outputs: { y: [3] },
      types: { y: INT64 },
    });
    expect(await refusal(() => load(relu))).toMatch(
      /output 'y': the file declares it as int64, but the nodes compute float32/,
    );
    const ints = file([{ type: "PRelu", inputs: ["x", "x"], outputs: ["y"] }], {
      inputs: { x: [3] },
      outputs: { y: [3] },
      types: { x: INT64, y: INT64 },
    });
    expect(await refusal(() => load(ints))).toMatch(/\(PRelu\): 'x' is computed from the network's input and is int64/);
  });

  it("an output that is known while loading is given, and not explained", async () => {
    using model = await load(
      file([{ type: "Shape", inputs: ["x"], outputs: ["y"] }], {
        inputs: { x: ["n", 3] },
        outputs: { y: [2] },
        types: { y: INT64 },
      }),
    );
    expect(model.predict(tensor([1, 3], 1, 2, 3)).output).toEqual({
      batchAxis: null,
      type: "int64",
      dims: [2],
      data: BigInt64Array.of(1n, 3n),
    });
    expect(await refusal(() => model.explain(tensor([1, 3], 1, 2, 3)))).toMatch(
      /output 'y': it is a constant, which does not depend on the input/,
    );
  });
});

/** As onnxruntime has them: data behind a getter, and more beside it. */
class Foreign {
  readonly #data = Float32Array.of(1, 2);
  readonly type = "float32";
  readonly size = 2;
  get data() {
    return this.#data;
  }
  get dims() {
    return [1, 2];
  }
}

/** As TensorFlow.js has them: numbers and shape under other names, `data` a method. */
class Shaped {
  readonly shape = [1, 2];
  dataSync = () => Float32Array.of(1, 2);
  async data() {
    return this.dataSync();
  }
}

describe("tensors of other libraries", () => {
  const t = new Shaped();
  it.each([
    ["an instance with getters", new Foreign()],
    ["a frozen object", Object.freeze({ data: Float32Array.of(1, 2), dims: Object.freeze([1, 2]) })],
    ["numbers of another realm", { data: runInNewContext("Float32Array.of(1, 2)") as Float32Array, dims: [1, 2] }],
    ["TensorFlow.js's, the way the guide says", { data: t.dataSync(), dims: t.shape }],
  ])("%s", async (_what, x) => {
    using model = await load(sum);
    expect(model.predict({ a: x, b: x }).output.data).toEqual(Float32Array.of(2, 4));
    expect(model.explain({ a: x, b: x }).inputs.b.dims).toEqual([1, 2]);
  });

  it.each([
    ["a tensor of TensorFlow.js", t, "one without dims"],
    ["an object without numbers", { dims: [1, 2] }, "an object without data"],
    [
      "an array",
      [[1, 2]],
      "an array",
      "An array of rows is given as { data: rows.flat(), dims: [rows.length, rows[0].length] }.",
    ],
  ])(
    "%s is told what to give",
    async (_what, x, received, fix = "A TensorFlow.js tensor t is given as { data: t.dataSync(), dims: t.shape }.") => {
      using model = await load(sum);
      const says = `input 'a': expected a tensor { data, dims }, got ${received}. ${fix}`;
      expect(await refusal(() => model.predict({ a: x, b: x } as never))).toBe(says);
    },
  );

  it("dims that do not fit: what the first axis is for, and a picture only where there can be one", async () => {
    const file = (input: (number | string)[], type = 1) =>
      onnx({
        nodes: [{ type: "Identity", inputs: ["x"], outputs: ["y"] }],
        inputs: { x: input },
        outputs: { y: [] },
        types: { x: type, y: type },
      });
    const given = (dims: number[]) => ({ dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) });
    for (const [input, type, dims, says] of [
      [
        ["n", "s"],
        INT64,
        [5],
        "expected int64[n, s], got int64[5]. The first axis counts samples: one has the dims [1, 5].",
      ],
      [["n", 7], INT64, [1, 5], "expected int64[n, 7], got int64[1, 5]."],
      [["n", 7], 1, [1, 5], "expected f32[n, 7], got f32[1, 5]."],
      [
        ["n", 3, 8, 8],
        1,
        [1, 3, 8, 9],
        "expected f32[n, 3, 8, 8], got f32[1, 3, 8, 9]. preprocess() makes an input of that shape from a picture.",
      ],
    ] as const) {
      using model = await load(file([...input], type));
      expect(await refusal(() => model.predict(given([...dims])))).toBe(`input 'x': ${says}`);
    }
  });
});
