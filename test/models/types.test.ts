import { describe, expect, it } from "vitest";
import { type InputTensor, LrpError } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { field, type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";

/*
 * Element types of inputs, of outputs, and of what is computed between them.
 */

/** ONNX's number of each type, the array that callers get, and numbers that only just fit. */
const types = {
  float32: [1, Float32Array, [0.5, -3e38, 2 ** -149]],
  float16: [10, Float32Array, [0.5, -65504, 65504]],
  bfloat16: [16, Float32Array, [0.5, -3e38, 2 ** -120]],
  float64: [11, Float64Array, [0.5, -(2 ** 127), 2 ** -149]],
  int8: [3, Int8Array, [-128, 127, 5]],
  uint8: [2, Uint8Array, [0, 255, 5]],
  int16: [5, Int16Array, [-32768, 32767, 5]],
  uint16: [4, Uint16Array, [0, 65535, 5]],
  int32: [6, Int32Array, [-(2 ** 24), 2 ** 24, 5]],
  uint32: [12, Uint32Array, [0, 2 ** 24, 5]],
  int64: [7, BigInt64Array, [-(2 ** 24), 2 ** 24, 5]],
  uint64: [13, BigUint64Array, [0, 2 ** 24, 5]],
  bool: [9, Uint8Array, [0, 1, 1]],
} as const;
type Type = keyof typeof types;
const names = Object.keys(types) as Type[];
const codeOf = (type: Type) => types[type][0];

/** So many numbers of a type, of 32 bits or fewer, in the field for those. */
const whole = (type: Type, ...data: number[]): FileTensor => ({
  dims: [data.length],
  data: { type: codeOf(type), fields: data.flatMap((v) => field(type === "uint32" ? 11 : 5, v)) },
});

const node = (type: string, inputs: readonly string[], attributes: FileNode["attributes"] = {}): FileNode => ({
  type,
  inputs,
  outputs: ["y"],
  attributes,
});

/** x of one type goes through nodes to y of another. */
const file = (nodes: readonly FileNode[], from: Type, to = from, initializers: FileGraph["initializers"] = {}) =>
  onnx({
    nodes,
    initializers,
    inputs: { x: [3] },
    outputs: { y: [3] },
    types: { x: codeOf(from), y: codeOf(to) },
  });

const given = (...data: number[]): InputTensor => ({ dims: [3], data: Float64Array.from(data) });

async function outcome(source: Uint8Array, x: InputTensor): Promise<number[] | string> {
  try {
    using model = await loadInMode(source);
    return Array.from<number | bigint, number>(model.predict(x).output.data, Number);
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    return (error as LrpError).message;
  }
}

describe("a network of each type", () => {
  it.each(names)("%s: takes and gives its numbers", async (type) => {
    const [, array, numbers] = types[type];
    using model = await loadInMode(file([node("Identity", ["x"])], type));
    expect(model.inputs).toEqual([expect.objectContaining({ type })]);
    const isLong = array === BigInt64Array || array === BigUint64Array;
    const own = isLong ? array.from([...numbers].map(BigInt)) : (array as typeof Float32Array).from(numbers);
    for (const data of [own, Float64Array.from(numbers)]) {
      const { output, logits } = model.predict({ dims: [3], data });
      expect(output.data).toEqual(own);
      expect(output.type).toBe(type === "float32" ? undefined : type);
      expect(logits.data).toEqual(Float32Array.from(numbers));
    }
  });

  it.each<[Type, number, RegExp]>([
    ["float16", 65505, /finite numbers up to ±65504, got 65505 at position 1/],
    ["float64", 1e39, /finite numbers up to ±3\.4028234663852886e\+38, got 1e\+39 at position 1/],
    ["int8", -129, /integers from -128 to 127, got -129/],
    ["uint16", -1, /integers from 0 to 65535, got -1/],
    ["uint32", 2 ** 24 + 1, /integers from 0 to 16777216, got 16777217/],
    ["bool", 2, /integers from 0 to 1, got 2/],
  ])("%s: does not take %d", async (type, v, says) => {
    expect(await outcome(file([node("Identity", ["x"])], type), given(0, v, 1))).toMatch(says);
  });

  it("weights are numbers of their type, computed in single precision", async () => {
    const weight: FileTensor = {
      dims: [3],
      data: { type: 11, fields: field(9, [...new Uint8Array(Float64Array.of(0.1, 1e-60, -7).buffer)]) },
    };
    const source = file([node("Mul", ["x", "w"])], "float64", "float64", { w: weight });
    expect(await outcome(source, given(3, 1, 1))).toEqual([Math.fround(3 * Math.fround(0.1)), 0, -7]);
  });

  it("types are told apart", async () => {
    const source = file([node("Mul", ["x", "w"])], "float32", "float32", { w: whole("float16", 0, 0, 0) });
    expect(await outcome(source, given(3, 1, 1))).toBe(
      "node 'y' (Mul): expected B of type float32, as the input before it, got float16.",
    );
  });

  it("that are no numbers of 16 bits or integers are refused by name", async () => {
    for (const [code, name] of [
      [8, "string"],
      [14, "complex64"],
      [17, "float8e4m3fn"],
    ]) {
      const source = onnx({
        nodes: [node("Identity", ["x"])],
        inputs: { x: [3] },
        outputs: { y: [3] },
        types: { x: code as number },
      });
      expect(await outcome(source, given(1, 2, 3))).toBe(
        `input 'x': expected integers, bool, or floats of 16 bits or more, got ${name}.`,
      );
    }
  });
});

describe("casts", () => {
  it.each<[from: Type, to: Type, x: number[], y: number[]]>([
    ["float32", "float16", [1.5, 7e4, -2], [1.5, 7e4, -2]],
    ["float32", "int8", [1.9, -1.9, -128.9], [1, -1, -128]],
    ["float32", "uint64", [0, 2 ** 40, 3.5], [0, 2 ** 40, 3]],
    ["float64", "bool", [0, -0.25, 2], [0, 1, 1]],
    ["int32", "uint8", [-1, 256, 300], [255, 0, 44]],
    ["int64", "int16", [40000, -40000, 3], [-25536, 25536, 3]],
    ["bool", "float32", [1, 0, 1], [1, 0, 1]],
    ["uint8", "int32", [255, 0, 7], [255, 0, 7]],
  ])("%s to %s, %j", async (from, to, x, y) => {
    const cast = node("Cast", ["x"], { to: codeOf(to) });
    expect(await outcome(file([cast], from, to), given(...x))).toEqual(y);
    const like = { w: { dims: [0], data: { type: codeOf(to), fields: [] } } };
    expect(await outcome(file([node("CastLike", ["x", "w"])], from, to, like), given(...x))).toEqual(y);
  });

  it.each<[from: Type, to: Type, v: number]>([
    ["float32", "uint8", 256],
    ["float32", "uint8", -1],
    ["float16", "int8", 128],
    ["float32", "int32", 2 ** 31],
    ["int64", "uint32", -1],
  ])("%s to %s: there is no %d", async (from, to, v) => {
    expect(await outcome(file([node("Cast", ["x"], { to: codeOf(to) })], from, to), given(0, v, 1))).toBe(
      `node 'y' (Cast): expected numbers that ${to} holds, got ${v}.`,
    );
  });

  it("of constants, too", async () => {
    const cast = { ...node("Cast", ["w"], { to: codeOf("uint8") }), outputs: ["c"] };
    const add = node("Add", ["x", "c"]);
    const source = (w: FileTensor) => file([cast, add], "uint8", "uint8", { w });
    expect(await outcome(source(whole("int32", 256, 300, -1)), given(1, 1, 1))).toEqual([1, 45, 0]);
    expect(await outcome(source({ dims: [3], data: Float32Array.of(1, 256, 0) }), given(1, 1, 1))).toBe(
      "node 'c' (Cast): expected numbers that uint8 holds, got 256.",
    );
  });
});

describe("integers", () => {
  /** What a node makes of x and w, computed from the input and of constants. */
  async function both(type: string, of: Type, x: number[], w: number[]): Promise<(number[] | string)[]> {
    const computed = file([node(type, ["x", "w"])], of, of, { w: whole(of, ...w) });
    const known = file([{ ...node(type, ["v", "w"]), outputs: ["c"] }, node("Where", ["yes", "c", "x"])], of, of, {
      v: whole(of, ...x),
      w: whole(of, ...w),
      yes: { dims: [1], data: [true] },
    });
    return [await outcome(computed, given(...x)), await outcome(known, given(0, 0, 0))];
  }

  it.each<[string, Type, x: number[], w: number[], y: number[]]>([
    ["Add", "int32", [3, -7, 2 ** 23], [4, -5, 2 ** 22], [7, -12, 2 ** 23 + 2 ** 22]],
    ["Add", "uint8", [200, 255, 0], [100, 1, 0], [44, 0, 0]],
    ["Sub", "uint16", [0, 5, 9], [1, 7, 2], [65535, 65534, 7]],
    ["Mul", "int8", [-128, 100, -7], [-1, 3, 7], [-128, 44, -49]],
    ["Div", "int32", [7, -7, 16777213], [2, 2, -4], [3, -3, -4194303]],
    ["Pow", "int32", [3, -2, 10], [4, 3, 7], [81, -8, 10 ** 7]],
    ["Max", "int16", [3, -7, 0], [4, -9, 0], [4, -7, 0]],
  ])("%s of %s %j and %j", async (type, of, x, w, y) => {
    expect(await both(type, of, x, w)).toEqual([y, y]);
  });

  it.each<[string, Type, x: number, w: number, y: string]>([
    ["Add", "int32", 2 ** 24 - 1, 1, "integers from -16777215 to 16777215, got 16777216"],
    ["Add", "int32", 2 ** 24, 1, "integers from -16777215 to 16777215, got 16777216"],
    ["Mul", "int64", -4096, 4100, "integers from -16777215 to 16777215, got -16793600"],
    ["Sub", "uint32", 1, 2, "integers from 0 to 16777215, got -1"],
    ["Div", "int32", 1, 0, "integers from -16777215 to 16777215, got Infinity"],
  ])("%s of %s, %d and %d, is beyond what is told apart", async (type, of, x, w, says) => {
    const initializers = { w: of === "int64" ? { dims: [3], data: [w, 1, 1] } : whole(of, w, 1, 1) };
    expect(await outcome(file([node(type, ["x", "w"])], of, of, initializers), given(x, 1, 1))).toContain(
      `node 'y' (${type}): expected ${says}. Integers are computed in float32`,
    );
  });

  it("of constants are told apart up to 2^53, those of 32 bits go on from the other end", async () => {
    const product = (w: FileTensor, type: Type) =>
      file([{ ...node("Mul", ["w", "w"]), outputs: ["c"] }, node("Equal", ["x", "c"])], type, "bool", { w });
    expect(await outcome(product({ dims: [1], data: [2 ** 27] }, "int64"), given(0, 0, 0))).toBe(
      "node 'c' (Mul): expected integers from -9007199254740991 to 9007199254740991, got 18014398509481984.",
    );
    expect(await outcome(product(whole("int32", 2 ** 16), "int32"), given(0, 1, 2))).toEqual([1, 0, 0]);
  });

  it.each<[string, x: number[], y: number]>([
    ["ReduceSum", [2 ** 23, -3, 2 ** 22], 2 ** 23 + 2 ** 22 - 3],
    ["ReduceMean", [16777211, 16777211, 16777210], 16777210],
    ["ReduceMean", [-1, -1, 0], 0],
    ["ReduceMax", [-4, -3, -9], -3],
    ["ReduceL2", [1, 1, 1], 1],
    ["ReduceProd", [300, -11, 7], -23100],
  ])("%s of %j", async (type, x, y) => {
    const source = onnx({
      nodes: [node(type, ["x"], { keepdims: 0 })],
      inputs: { x: [3] },
      outputs: { y: [] },
      types: { x: 6, y: 6 },
    });
    expect(await outcome(source, given(...x))).toEqual([y]);
  });

  // y = trunc(x / 2) · w: the quotient is no scale that the weight could take in.
  it("that are cut off are not folded into a layer", async () => {
    const w = Float32Array.of(1, -2, 4);
    const source = onnx({
      nodes: [
        { type: "Div", inputs: ["x", "two"], outputs: ["half"] },
        { type: "Cast", inputs: ["half"], outputs: ["f"], attributes: { to: 1 } },
        { type: "MatMul", inputs: ["f", "w"], outputs: ["y"] },
      ],
      initializers: { two: whole("uint8", 2), w: { dims: [3, 1], data: w } },
      inputs: { x: [1, 3] },
      outputs: { y: [1, 1] },
      types: { x: 2 },
    });
    using model = await loadInMode(source);
    const { output, relevance } = model.explain(
      { dims: [1, 3], data: Uint8Array.of(5, 7, 200) },
      { composite: "epsilon" },
    );
    expect([...output.data]).toEqual([2 - 6 + 400]);
    expectClose(relevance.data, [2, -6, 400], 1e-5);
  });
});
