import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { build } from "../../src/read/build.ts";
import { type Code, load, LrpError } from "../../src/entries/index.ts";
import { decode } from "../../src/read/onnx/decode.ts";
import { field, fixed32, onnx, tensorBytes, utf8, varint } from "../onnx-writer.ts";

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
    ["zeros", new Uint8Array(64), /damaged|protocol buffers/],
    ["noise", Uint8Array.from({ length: 999 }, (_, i) => (i * 7919) % 251), /damaged|protocol buffers|without/],
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

describe("a network of 97 kB, damaged", () => {
  const whole = new Uint8Array(readFileSync(new URL("../../demo/digits.onnx", import.meta.url)));
  // Weights are most of the file, and may be anything; what is between them is found less often.
  const place = fc.oneof(
    fc.nat(whole.length - 1),
    fc.nat(2000),
    fc.nat(4000).map((n) => whole.length - 1 - n),
  );
  const damage = fc.record({
    flips: fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    length: fc.oneof(fc.constant(whole.length), place),
  });

  it("is a network or an error of ours, and soon: three hundred of them fit into the test's time", async () => {
    await fc.assert(
      fc.asyncProperty(damage, async ({ flips, length }) => {
        const broken = whole.slice(0, length);
        for (const [at, value] of flips) broken[at] = value;
        const outcome = await load(broken).catch((e: unknown) => e);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(LrpError);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});

describe("bytes that promise more than there is", () => {
  const graph = (...fields: (readonly number[])[]) =>
    Uint8Array.from([...field(1, 8), ...field(7, fields.flat()), ...field(8, field(2, 17))]);
  const long = (tag: number, length: number | bigint) => [...varint((tag << 3) | 2), ...varint(length)];
  const nested = Array.from({ length: 1000 }).reduce<readonly number[]>(
    (inside) => field(1, field(5, [...field(6, inside), ...field(20, 5)])),
    [],
  );
  it.each<[string, Uint8Array, Code, RegExp]>([
    ["a length of 2^63", graph(long(5, 2n ** 63n)), "not-onnx", /bytes from byte \d+ on/],
    ["a length of 2^64 - 1", graph(long(1, 2n ** 64n - 1n)), "not-onnx", /bytes from byte \d+ on/],
    [
      "a length beyond its message, not beyond the file",
      graph(field(5, long(9, 2))),
      "not-onnx",
      /2 bytes from byte \d+ on/,
    ],
    ["a number without end", graph(Array<number>(40).fill(0xff)), "not-onnx", /no(t)? protocol buffers/],
    ["a field number of 2^40", graph([...varint(2n ** 43n), 0]), "not-onnx", /a protobuf field/],
    [
      "a packed field that ends inside a number",
      graph(field(5, [...field(1, [0x80]), ...field(9, [])])),
      "not-onnx",
      /a packed field that ends/,
    ],
    ["text where a number belongs", graph(field(5, field(2, utf8("float")))), "not-onnx", /a number of 1 to 10 bytes/],
    ["graphs in graphs in graphs", graph(nested), "unsupported", /its graphs are nested more than 32 deep/],
    ["two graphs", Uint8Array.from([...graph(), ...graph()]), "not-onnx", /a single graph/],
  ])("%s", async (_name, bytes, code, says) => {
    const error = await refusal(bytes);
    expect(error.message).toMatch(says);
    expect(error.code).toBe(code);
  });

  it("nodes in the worst order are looked at a few times each", async () => {
    const count = 5000;
    const nodes = Array.from({ length: count }, (_, i) => ({
      type: "Relu",
      inputs: [i ? `v${i}` : "x"],
      outputs: [`v${i + 1}`],
    }));
    const bytes = onnx({ nodes: nodes.reverse(), inputs: { x: [1, 3] }, outputs: { [`v${count}`]: [] } });
    (await load(bytes)).dispose();
    let looks = 0;
    const counted = (names: readonly string[]) =>
      new Proxy(names, {
        get(target, key) {
          looks++;
          return Reflect.get(target, key);
        },
      });
    const { graph, ...model } = decode(bytes);
    build({
      ...model,
      graph: { ...graph, nodes: graph.nodes.map((node) => ({ ...node, inputs: counted(node.inputs) })) },
    });
    expect(looks).toBeGreaterThan(count);
    expect(looks).toBeLessThan(100 * count);
  });
});

describe("a tensor with very many fields", () => {
  it("is refused by the first two of them", async () => {
    const count = 500_000;
    // raw_data without a byte, then int32_data one by one.
    const fields = Array.from({ length: 4 * count }, (_, i) => (i % 2 === 1 ? 0 : i < 2 * count ? 0x4a : 0x28));
    const w = { dims: [3], data: { type: 6, fields } };
    const nodes = [{ type: "Add", inputs: ["x", "w"], outputs: ["y"] }];
    const error = await refusal(onnx({ nodes, initializers: { w }, inputs: { x: [1, 3] }, outputs: { y: [] } }));
    expect(error.message).toMatch(
      /expected its numbers in int32_data or raw_data, got them in raw_data and raw_data\.$/,
    );
  });
});

describe("attributes of another type", () => {
  const float = (tag: number, value: number) => [...varint((tag << 3) | 5), ...fixed32(value)];
  const [FLOAT, INT, INTS] = [1, 2, 7];
  const type = (code: number) => field(20, code);
  const lrn = (...nodes: Record<string, readonly number[]>[]) =>
    onnx({
      nodes: nodes.map((given, i) => ({
        type: "LRN",
        inputs: [i ? `y${i}` : "x"],
        outputs: [`y${i + 1}`],
        attributes: Object.fromEntries(
          Object.entries({ size: field(3, 3), ...given }).map(([key, fields]) => [key, { fields }]),
        ),
      })),
      inputs: { x: [1, 4, 2, 2] },
      outputs: { [`y${nodes.length}`]: [] },
    });

  it.each<[string, Record<string, readonly number[]>]>([
    ["declared", { size: [...field(3, 3), ...type(INT)], alpha: [...float(2, 0.1), ...type(FLOAT)] }],
    ["not declared, as in the oldest files", { size: field(3, 3), alpha: float(2, 0.1) }],
    ["a zero that was left out", { size: field(3, 3), alpha: type(FLOAT) }],
  ])("%s: fine", async (_name, given) => expect((await load(lrn(given))).inputs).toHaveLength(1));

  it.each<[string, Record<string, readonly number[]>, string]>([
    ["a float", { size: [...float(2, 3), ...type(FLOAT)] }, "attribute 'size' must be INT, but is FLOAT"],
    ["a float that nobody declares", { size: float(2, 3) }, "attribute 'size' must be INT, but is FLOAT"],
    ["a list", { size: [...field(8, varint(3)), ...type(INTS)] }, "attribute 'size' must be INT, but is INTS"],
    [
      "declared as another type",
      { size: [...field(3, 3), ...type(FLOAT)] },
      "attribute 'size' must be INT, but is FLOAT that holds INT",
    ],
    [
      "declared as a type that ONNX has not",
      { size: [...field(3, 3), ...type(77)] },
      "attribute 'size' must be INT, but is of the unknown type 77 that holds INT",
    ],
    [
      "two values",
      { size: [...field(3, 3), ...float(2, 3), ...type(INT)] },
      "attribute 'size' must be INT, but is INT that holds INT and FLOAT",
    ],
    ["neither value nor type", { size: [] }, "attribute 'size' must be INT, but is UNDEFINED without a value"],
    [
      "a reference",
      { size: [...field(21, utf8("n")), ...type(INT)] },
      "but is a reference to an attribute of a function",
    ],
    [
      "NaN",
      { alpha: [...float(2, Number.NaN), ...type(FLOAT)] },
      "attribute 'alpha' must be FLOAT, but is FLOAT that is NaN",
    ],
    [
      "2^53 + 1",
      { size: [...varint(3 << 3), ...varint(2n ** 53n + 1n)] },
      "attribute 'size' must be INT, but is INT that is NaN, or too large for a double to hold it exactly",
    ],
  ])("%s", async (_name, given, message) => {
    const error = await refusal(lrn(given));
    expect(error.message).toContain("node 'y1' (LRN): ");
    expect(error.message).toContain(message);
    expect(error.code).toBe("invalid-model");
  });

  it("all at once", async () => {
    const error = await refusal(lrn({ alpha: field(3, 1), beta: field(3, 1) }, {}, { bias: field(4, utf8("one")) }));
    expect(error.message).toBe(
      "node 'y1' (LRN): attribute 'alpha' must be FLOAT, but is INT; attribute 'beta' must be FLOAT, but is INT.\n" +
        "node 'y3' (LRN): attribute 'bias' must be FLOAT, but is STRING.",
    );
  });

  it("given twice", async () => {
    const twice = field(1, [
      ...field(1, utf8("x")),
      ...field(2, utf8("y")),
      ...field(4, utf8("Flatten")),
      ...[0, 1].flatMap((axis) => field(5, [...field(1, utf8("axis")), ...field(3, axis)])),
    ]);
    const error = await refusal(onnx({ nodes: [], inputs: { x: [1, 3] }, outputs: { y: [] }, fields: twice }));
    expect(error.message).toContain("attribute 'axis' must be INT, but is given twice");
  });
});

describe("networks that do not hold together", () => {
  const node = (type: string, inputs: string[], outputs: string[], attributes = {}) => ({
    type,
    inputs,
    outputs,
    attributes,
  });
  const cases: readonly { name: string; code: Code; says: readonly RegExp[]; bytes: () => Uint8Array }[] = [
    {
      name: "unknown operators, all at once",
      code: "unsupported",
      says: [/node 'a' \(Frobnicate\)/, /node 'b' \(Zap\)/],
      bytes: () =>
        onnx({
          nodes: [node("Frobnicate", ["x"], ["a"]), node("Zap", ["a"], ["b"]), node("Relu", ["b"], ["c"])],
          inputs: { x: [1, 3] },
          outputs: { c: [] },
        }),
    },
    {
      name: "an unknown domain",
      code: "unsupported",
      says: [/does not run the operator 'com\.example\.Relu'/],
      bytes: () =>
        onnx({
          nodes: [{ ...node("Relu", ["x"], ["a"]), domain: "com.example" }],
          inputs: { x: [1, 3] },
          outputs: { a: [] },
        }),
    },
    {
      name: "an unknown attribute",
      code: "unsupported",
      says: [/relprop does not know the attribute 'sharpness'/],
      bytes: () =>
        onnx({ nodes: [node("Relu", ["x"], ["a"], { sharpness: 3 })], inputs: { x: [1, 3] }, outputs: { a: [] } }),
    },
    {
      name: "an opset that there is not",
      code: "unsupported",
      says: [/an opset from 1 to 27, got 0/],
      bytes: () => onnx({ nodes: [node("Relu", ["x"], ["a"])], inputs: { x: [1, 3] }, outputs: { a: [] } }, 0),
    },
    {
      name: "an operator that the file's opset has not",
      code: "invalid-model",
      says: [/node 'a' \(Resize\): opset 9 does not have this operator, only newer ones do/],
      bytes: () => onnx({ nodes: [node("Resize", ["x"], ["a"])], inputs: { x: [1, 3] }, outputs: { a: [] } }, 9),
    },
    {
      name: "a NaN weight",
      code: "invalid-model",
      says: [/initializer 'w': expected finite numbers, got NaN. The file is damaged/],
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
      says: [/node 'a' \(Gemm\): expected finite numbers, got infinity in 'w'. The file is damaged/],
      bytes: () =>
        onnx({
          nodes: [node("Gemm", ["x", "w"], ["a"])],
          initializers: { w: { dims: [3, 1], data: Float32Array.of(1, Infinity, 2) } },
          inputs: { x: [1, 3] },
          outputs: { a: [] },
        }),
    },
    {
      name: "tensors of every kind of trouble, all at once",
      code: "unsupported",
      says: [
        /initializer 'w': the name 'w' stands for another value already/,
        /initializer 's': expected floating point, integers or bool, got string/,
        /initializer 'd': it is a sparse tensor/,
        /initializer 'e': expected 3 numbers of float for dims \[3\], got 0/,
        /node 'c' \(Constant\): expected floating point, integers or bool, got complex64/,
      ],
      bytes: () =>
        onnx({
          nodes: [
            node("Constant", [], ["c"], { value: { tensor: { dims: [1], data: { type: 14, fields: [] } } } }),
            node("Sum", ["x", "w", "s", "e", "d", "c"], ["a"]),
          ],
          initializers: {
            w: weight,
            s: { dims: [1], data: { type: 8, fields: [] } },
            e: { dims: [3], data: { type: 1, fields: [] } },
          },
          inputs: { x: [1, 3] },
          outputs: { a: [] },
          fields: [...field(5, tensorBytes(weight, "w")), ...field(15, field(1, tensorBytes(weight, "d")))],
        }),
    },
    {
      name: "a value that two nodes compute",
      code: "invalid-model",
      says: [/node 'a' \(Tanh\): the name 'a' stands for another value already/],
      bytes: () =>
        onnx({
          nodes: [node("Relu", ["x"], ["a"]), node("Tanh", ["x"], ["a"])],
          inputs: { x: [1, 3] },
          outputs: { a: [] },
        }),
    },
    {
      name: "a constant of 2^40 numbers",
      code: "memory",
      says: [/node 'a' \(ConstantOfShape\): this needs 4398046511104 bytes, more than the 4294967296 that are allowed/],
      bytes: () =>
        onnx({
          nodes: [node("ConstantOfShape", ["s"], ["a"]), node("Add", ["x", "a"], ["b"])],
          initializers: { s: { dims: [1], data: [2 ** 40] } },
          inputs: { x: [1, 3] },
          outputs: { b: [] },
        }),
    },
    {
      name: "a constant of fewer numbers than none",
      code: "shape",
      says: [/node 'a' \(ConstantOfShape\): expected .*dims.*, got \[?-3/],
      bytes: () =>
        onnx({
          nodes: [node("ConstantOfShape", ["s"], ["a"]), node("Add", ["x", "a"], ["b"])],
          initializers: { s: { dims: [1], data: [-3] } },
          inputs: { x: [1, 3] },
          outputs: { b: [] },
        }),
    },
    {
      name: "an input of text",
      code: "unsupported",
      says: [/input 'x': expected integers, bool, or floats of 16 bits or more, got string/],
      bytes: () =>
        onnx({ nodes: [node("Relu", ["x"], ["a"])], inputs: { x: [3] }, outputs: { a: [] }, types: { x: 8 } }),
    },
    {
      name: "shapes that do not fit, every one of them",
      code: "shape",
      says: [/node 'a' \(Gemm\): expected an A of 2 columns, got 3/, /node 'b' \(Conv\)/],
      bytes: () =>
        onnx({
          nodes: [
            node("Gemm", ["x", "w"], ["a"]),
            node("Conv", ["x", "v"], ["b"]),
            node("Concat", ["a", "b"], ["c"], { axis: 1 }),
          ],
          initializers: {
            w: { dims: [2, 4], data: new Float32Array(8) },
            v: { dims: [1, 1, 3, 3], data: new Float32Array(9) },
          },
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
      bytes: () =>
        onnx({
          nodes: [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])],
          inputs: { x: [1, 3] },
          outputs: { b: [] },
        }),
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
      says: [/a condition known while loading/],
      bytes: () =>
        onnx({
          nodes: [
            node("Greater", ["x", "x"], ["c"]),
            {
              ...node("If", ["c"], ["a"]),
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
        onnx({
          nodes: [node("LRN", ["x"], ["a"], { size: 3, bias: { float: 0 } })],
          inputs: { x: [1, 3, 2, 2] },
          outputs: { a: [] },
        }),
    },
  ];
  it.each(cases)("$name", async ({ code, says, bytes }) => {
    const error = await refusal(bytes());
    expect(error.code).toBe(code);
    for (const pattern of says) expect(error.message).toMatch(pattern);
    for (const issue of error.issues)
      expect(issue.where && (issue.problem || (issue.expected && issue.received))).toBeTruthy();
  });
});

describe("inputs and calls that do not fit", () => {
  it.each<[string, unknown, Code, RegExp]>([
    ["a wrong shape", { data: new Float32Array(4), dims: [1, 4] }, "shape", /expected f32\[1, 3\], got f32\[1, 4\]/],
    [
      "too few numbers",
      { data: new Float32Array(2), dims: [1, 3] },
      "shape",
      /a Float32Array of 3 numbers, got Float32Array of 2/,
    ],
    ["no typed array", { data: [1, 2, 3], dims: [1, 3] }, "shape", /a Float32Array of 3 numbers, got Array of 3/],
    [
      "doubles beyond float32",
      { data: Float64Array.of(0.1, 1e300, 2), dims: [1, 3] },
      "usage",
      /finite numbers up to ±3\.40.*e\+38, got 1e\+300 at position 1/,
    ],
    ["NaN", { data: Float32Array.of(1, NaN, 2), dims: [1, 3] }, "usage", /NaN (at position 1|or infinity gets)/],
    [
      "infinity",
      { data: Float32Array.of(1, 2, -Infinity), dims: [1, 3] },
      "usage",
      /-Infinity at position 2|NaN or infinity gets/,
    ],
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
    expect(() => model.predict({ data: new Float32Array(3), dims: [1, 3] })).toThrowError(/was disposed/);
  });
});
