import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Code, load, LrpError } from "../../src/index.ts";
import { onnx } from "../onnx-writer.ts";

const weight = { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const good = () =>
  onnx({
    nodes: [
      { type: "Gemm", inputs: ["x", "w"], outputs: ["y"], attributes: { transB: 1 } },
      { type: "Relu", inputs: ["y"], outputs: ["z"] },
    ],
    initializers: { w: weight },
    inputs: { x: [1, 3] },
    outputs: { z: [1, 2] },
  });

async function refusal(bytes: Uint8Array): Promise<LrpError> {
  const error = await load(bytes).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LrpError);
  return error as LrpError;
}

const text = (words: string) => new TextEncoder().encode(words);

describe("files that are no networks", () => {
  const cases: readonly [name: string, bytes: Uint8Array, says: RegExp][] = [
    ["empty", new Uint8Array(), /an empty file/],
    ["a JPEG renamed .onnx", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), /a JPEG picture/],
    ["a PNG", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /a PNG picture/],
    ["a PyTorch checkpoint", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), /zip archive/],
    ["a web page", text("<!DOCTYPE html><title>404</title>"), /web page/],
    ["JSON", text('{"model": 1}'), /text/],
    ["zeros", new Uint8Array(64), /break off|protocol buffers/],
    ["noise", Uint8Array.from({ length: 999 }, (_, i) => (i * 7919) % 251), /break off|protocol buffers|without/],
  ];
  it.each(cases)("%s", async (_name, bytes, says) => {
    const error = await refusal(bytes);
    expect(error.code).toBe("not-onnx");
    expect(error.message).toMatch(says);
  });

  it("any prefix of a good file is refused, never a crash or a network", async () => {
    const whole = good();
    await load(whole);
    for (let length = 0; length < whole.length; length++) {
      const error = await refusal(whole.subarray(0, length));
      expect(["not-onnx", "unsupported", "invalid-model"], `prefix of ${length}`).toContain(error.code);
    }
  });

  it("a good file with any byte changed is a network or an error of ours", async () => {
    const whole = good();
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        const broken = whole.slice();
        broken[at] = value;
        const error = await load(broken).then(
          () => undefined,
          (e: unknown) => e,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(LrpError);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

describe("networks that do not hold together", () => {
  const node = (type: string, inputs: string[], outputs: string[], attributes = {}) => ({ type, inputs, outputs, attributes });
  const cases: readonly { name: string; code: Code; says: readonly RegExp[]; bytes: () => Uint8Array }[] = [
    {
      name: "unknown operators, all at once",
      code: "unsupported",
      says: [/node 'a' \(Frobnicate\)/, /node 'b' \(Einsum\)/],
      bytes: () =>
        onnx({
          nodes: [node("Frobnicate", ["x"], ["a"]), node("Einsum", ["a"], ["b"]), node("Relu", ["b"], ["c"])],
          inputs: { x: [1, 3] },
          outputs: { c: [] },
        }),
    },
    {
      name: "an unknown domain",
      code: "unsupported",
      says: [/domain 'com.example'/],
      bytes: () => onnx({ nodes: [{ ...node("Relu", ["x"], ["a"]), domain: "com.example" }], inputs: { x: [1, 3] }, outputs: { a: [] } }),
    },
    {
      name: "an unknown attribute",
      code: "unsupported",
      says: [/attributes that relprop knows, got sharpness/],
      bytes: () => onnx({ nodes: [node("Relu", ["x"], ["a"], { sharpness: 3 })], inputs: { x: [1, 3] }, outputs: { a: [] } }),
    },
    {
      name: "an old opset",
      code: "unsupported",
      says: [/an opset from 7 to 22, got 6/],
      bytes: () => onnx({ nodes: [node("Relu", ["x"], ["a"])], inputs: { x: [1, 3] }, outputs: { a: [] } }, 6),
    },
    {
      name: "a NaN weight",
      code: "invalid-model",
      says: [/initializer 'w': expected finite numbers, got NaN/],
      bytes: () =>
        onnx({
          nodes: [node("Gemm", ["x", "w"], ["a"])],
          initializers: { w: { dims: [3, 1], data: Float32Array.of(1, NaN, 2) } },
          inputs: { x: [1, 3] },
          outputs: { a: [] },
        }),
    },
    {
      name: "an infinite weight",
      code: "invalid-model",
      says: [/initializer 'w'/],
      bytes: () =>
        onnx({
          nodes: [node("Gemm", ["x", "w"], ["a"])],
          initializers: { w: { dims: [3, 1], data: Float32Array.of(1, Infinity, 2) } },
          inputs: { x: [1, 3] },
          outputs: { a: [] },
        }),
    },
    {
      name: "shapes that do not fit, every one of them",
      code: "shape",
      says: [/node 'a' \(Gemm\): expected an A of 2 columns, got 3/, /node 'b' \(Conv\)/],
      bytes: () =>
        onnx({
          nodes: [node("Gemm", ["x", "w"], ["a"]), node("Conv", ["x", "v"], ["b"]), node("Concat", ["a", "b"], ["c"], { axis: 1 })],
          initializers: { w: { dims: [2, 4], data: new Float32Array(8) }, v: { dims: [1, 1, 3, 3], data: new Float32Array(9) } },
          inputs: { x: [1, 3] },
          outputs: { c: [] },
        }),
    },
    {
      name: "a gap",
      code: "invalid-model",
      says: [/node 'a' \(Add\).*'nowhere'/s],
      bytes: () => onnx({ nodes: [node("Add", ["x", "nowhere"], ["a"])], inputs: { x: [1, 3] }, outputs: { a: [] } }),
    },
    {
      name: "a cycle",
      code: "invalid-model",
      says: [/a gap or a cycle/],
      bytes: () => onnx({ nodes: [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], inputs: { x: [1, 3] }, outputs: { b: [] } }),
    },
    {
      name: "an output that nothing computes",
      code: "invalid-model",
      says: [/output 'q'/],
      bytes: () => onnx({ nodes: [node("Relu", ["x"], ["a"])], inputs: { x: [1, 3] }, outputs: { q: [] } }),
    },
    {
      name: "a condition that depends on the input",
      code: "unsupported",
      says: [/a condition that is known while loading/],
      bytes: () =>
        onnx({
          nodes: [
            {
              ...node("If", ["x"], ["a"]),
              attributes: {
                then_branch: { graph: { nodes: [node("Identity", ["x"], ["t"])], outputs: { t: [] } } },
                else_branch: { graph: { nodes: [node("Relu", ["x"], ["e"])], outputs: { e: [] } } },
              },
            },
          ],
          inputs: { x: [1, 3] },
          outputs: { a: [] },
        }),
    },
    {
      name: "a normalization that divides by nothing",
      code: "unsupported",
      says: [/bias > 0/],
      bytes: () =>
        onnx({ nodes: [node("LRN", ["x"], ["a"], { size: 3, bias: { float: 0 } })], inputs: { x: [1, 3, 2, 2] }, outputs: { a: [] } }),
    },
  ];
  it.each(cases)("$name", async ({ code, says, bytes }) => {
    const error = await refusal(bytes());
    expect(error.code).toBe(code);
    for (const pattern of says) expect(error.message).toMatch(pattern);
    for (const issue of error.issues) expect(issue.where && issue.expected && issue.received).toBeTruthy();
  });
});

describe("inputs and calls that do not fit", () => {
  it.each<[string, unknown, Code, RegExp]>([
    ["a wrong shape", { data: new Float32Array(4), dims: [1, 4] }, "shape", /expected f32\[1, 3\], got f32\[1, 4\]/],
    ["too few numbers", { data: new Float32Array(2), dims: [1, 3] }, "shape", /a Float32Array of 3 numbers, got Float32Array of 2/],
    ["doubles", { data: new Float64Array(3), dims: [1, 3] }, "shape", /Float64Array of 3/],
    ["NaN", { data: Float32Array.of(1, NaN, 2), dims: [1, 3] }, "usage", /NaN at position 1/],
    ["infinity", { data: Float32Array.of(1, 2, -Infinity), dims: [1, 3] }, "usage", /-Infinity at position 2/],
  ])("%s", async (_name, input, code, says) => {
    const model = await load(good());
    for (const call of [() => model.predict(input as never), () => model.explain(input as never)]) {
      expect(call).toThrowError(says);
      expect(call).toThrowError(expect.objectContaining({ code }));
    }
  });

  it("a model that is disposed says so", async () => {
    const model = await load(good());
    model.dispose();
    expect(() => model.predict({ data: new Float32Array(3), dims: [1, 3] })).toThrowError(/after dispose/);
  });
});
