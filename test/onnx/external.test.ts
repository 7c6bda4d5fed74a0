import { describe, expect, it } from "vitest";
import { type Code, type ExternalData, load, LrpError } from "../../src/entries/index.ts";
import { load as loadThreads } from "../../src/parallel/threads/index.ts";
import { external, field, type FileGraph, type FileTensor, onnx } from "../onnx-writer.ts";

const FILE = "weights.bin";
const outside = (dims: readonly number[], entries: Readonly<Record<string, string>>, type = 1): FileTensor => ({
  dims,
  data: { type, fields: external(entries) },
});

/** y = x wᵀ + b, with parts as given, all of one type. */
function gemm(initializers: FileGraph["initializers"], type = 1) {
  return onnx({
    types: { x: type, y: type },
    nodes: [{ type: "Gemm", inputs: ["x", "w", "b"], outputs: ["y"], attributes: { transB: 1 } }],
    initializers,
    inputs: { x: [1, 3] },
    outputs: { y: [1, 2] },
  });
}

const numbers = Float32Array.of(1, 2, 3, 4, 5, 6, 10, 20);
const whole = new Uint8Array(numbers.buffer);
const split = gemm({
  w: outside([2, 3], { location: FILE, offset: "0", length: "24", checksum: "not looked at" }),
  b: outside([2], { location: FILE, offset: "24", length: "8" }),
});

async function answer(file: Uint8Array, externalData: ExternalData) {
  const model = await load(file, { externalData });
  return [...model.predict({ data: Float32Array.of(1, 10, 100), dims: [1, 3] }).output.data];
}

async function refusal(file: Uint8Array, externalData?: unknown): Promise<LrpError> {
  const error = await load(file, { externalData: externalData as ExternalData }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(LrpError);
  return error as LrpError;
}

describe("weights in another file", () => {
  it("are asked for once, by the location as it stands in the file", async () => {
    const asked: unknown[][] = [];
    const give = (...args: unknown[]) => {
      asked.push(args);
      return whole;
    };
    expect(await answer(split, give)).toEqual([331, 674]);
    expect(asked).toEqual([[FILE]]);
    const odd = "../C:\\a\0b/☃";
    await answer(
      gemm({ w: outside([2, 3], { location: odd }), b: outside([2], { location: odd, offset: "24" }) }),
      give,
    );
    expect(asked[1]).toEqual([odd]);
  });

  it.each<[string, ExternalData]>([
    ["an ArrayBuffer", () => whole.slice().buffer],
    ["a promise", async () => whole],
    ["a Buffer that is part of another", () => Buffer.concat([Buffer.alloc(3), whole]).subarray(3)],
    ["a longer file", () => Uint8Array.from([...whole, 1, 2, 3])],
  ])("may come as %s", async (_name, give) => expect(await answer(split, give)).toEqual([331, 674]));

  it("are converted as those inside", async () => {
    const half = Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600);
    const b = { dims: [2], data: { type: 10, fields: field(9, [0x00, 0x49, 0x00, 0x4d]) } };
    const file = gemm({ w: outside([2, 3], { location: "h" }, 10), b }, 10);
    expect(await answer(file, () => new Uint8Array(half.buffer))).toEqual([331, 674]);
  });

  it("of a Constant, and of a branch", async () => {
    const constant = {
      type: "Constant",
      inputs: [],
      outputs: ["c"],
      attributes: { value: { tensor: outside([3], { location: FILE }) } },
    };
    const add = { type: "Add", inputs: ["x", "c"], outputs: ["t"] };
    const branch = (nodes: FileGraph["nodes"]) => ({ graph: { nodes, outputs: { t: [] } } });
    const file = onnx({
      nodes: [
        {
          type: "If",
          inputs: ["yes"],
          outputs: ["y"],
          attributes: { then_branch: branch([constant, add]), else_branch: branch([{ ...add, inputs: ["x", "x"] }]) },
        },
      ],
      initializers: { yes: { dims: [], data: [true] } },
      inputs: { x: [1, 3] },
      outputs: { y: [] },
    });
    expect(await answer(file, () => whole)).toEqual([2, 12, 103]);
  });

  it("for several threads", async () => {
    await expect(loadThreads(split, { threads: 2 })).rejects.toThrow("file 'weights.bin'");
    const model = await loadThreads(split, { threads: 1, externalData: () => whole });
    expect(model.predict({ data: Float32Array.of(1, 0, 0), dims: [1, 3] }).output.data).toEqual(
      Float32Array.of(11, 24),
    );
    model.dispose();
  });

  it("an error of the callback comes through", async () => {
    const mine = new Error("offline");
    await expect(load(split, { externalData: () => Promise.reject(mine) })).rejects.toBe(mine);
  });
});

describe("weights in another file that are refused", () => {
  const w = (entries: Readonly<Record<string, string>>, type = 1, dims = [2, 3]) =>
    gemm({ w: outside(dims, entries, type), b: { dims: [2], data: Float32Array.of(1, 1) } });
  const at = { location: FILE };
  it.each<[string, Uint8Array, unknown, Code, string]>([
    [
      "all files at once, without a callback",
      gemm({ w: outside([2, 3], at), b: outside([2], { location: "b.bin" }) }),
      undefined,
      "usage",
      "file 'weights.bin', in which the model keeps weights: it holds 1 of the model's tensors, and load has no " +
        "option 'externalData' to read them with. " +
        "Give externalData: async (location) => …, which returns a Uint8Array or ArrayBuffer of the whole " +
        "file.\nfile 'b.bin'",
    ],
    ["a callback that is none", split, "weights.bin", "usage", "it holds 2 of the model's tensors"],
    [
      "something else than bytes",
      split,
      () => numbers,
      "usage",
      "file 'weights.bin', in which the model keeps weights: expected its bytes",
    ],
    ["nothing", split, () => undefined, "usage", "of load, got undefined."],
    [
      "every part that a short file does not hold",
      split,
      () => whole.subarray(0, 20),
      "invalid-model",
      "initializer 'w': its numbers are 24 bytes from byte 0 of 'weights.bin' on, but that file has 20 bytes.\n" +
        "initializer 'b': its numbers are 8 bytes from byte 24 of 'weights.bin' on, but that file has 20 bytes.",
    ],
    [
      "an offset beyond the file",
      w({ ...at, offset: "9007199254740991" }),
      () => whole,
      "invalid-model",
      "but that file has 32 bytes",
    ],
    [
      "a length of other numbers",
      w({ ...at, length: "20" }),
      () => whole,
      "invalid-model",
      "initializer 'w': expected a length of 24 bytes in 'weights.bin', got 20.",
    ],
    [
      "no location",
      w({ offset: "0" }),
      () => whole,
      "invalid-model",
      "external_data does not say in which file its numbers are",
    ],
    [
      "two locations",
      gemm({ w: { dims: [2, 3], data: { type: 1, fields: [...external(at), ...external(at)] } } }),
      () => whole,
      "invalid-model",
      "each key of external_data once, got location, location",
    ],
    ...["-4", "0x10", "1.5", "1e3", " 8", "", "9007199254740993"].flatMap((text) =>
      ["offset", "length"].map((key): [string, Uint8Array, unknown, Code, string] => [
        `${key} '${text}'`,
        w({ ...at, [key]: text }),
        () => whole,
        "invalid-model",
        `initializer 'w': expected a whole number as ${key} in external_data, got '${text}'`,
      ]),
    ),
    [
      "numbers here as well",
      gemm({ w: { dims: [2, 3], data: { type: 1, fields: [...external(at), ...field(9, [...whole])] } } }),
      () => whole,
      "invalid-model",
      "its numbers lie in another file, and in raw_data as well",
    ],
    ["a type that is not supported", w(at, 14), undefined, "unsupported", "got complex64"],
    [
      "NaN",
      split,
      () => new Uint8Array(32).fill(255),
      "invalid-model",
      "initializer 'w': expected finite numbers, got NaN",
    ],
    [
      "more than fits into memory",
      w(at, 1, [2 ** 20, 2 ** 20]),
      () => expect.unreachable(),
      "memory",
      "the model's weights: this needs 4398046511112 bytes, more than the 4294967296 that are allowed",
    ],
  ])("%s", async (_name, file, externalData, code, message) => {
    const error = await refusal(file, externalData);
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
  });
});
