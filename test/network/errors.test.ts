import { describe, expect, test } from "vitest";
import {
  type Builder,
  conv2d,
  dense,
  type Handle,
  lrn,
  LrpError,
  network,
  op,
  relu,
  sequential,
  type Tensor,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { chain } from "../onnx-writer.ts";

const weight = { dims: [2, 3], data: new Float32Array(6).fill(1) };

/** What is wrong with a description. */
function issuesOf(describe: () => unknown): string[] {
  try {
    describe();
  } catch (error) {
    if (!(error instanceof LrpError)) throw error;
    expect(error.code).toBe("usage");
    return error.message.split("\n");
  }
  return [];
}

/** A network of one input, of three numbers. */
const of = (build: (g: Builder, x: Handle) => unknown) => () =>
  network({ inputs: { x: ["n", 3] }, build: (g, { x }) => build(g, x) as Record<string, Handle> });
/** One of a single node. */
const node = (...args: readonly unknown[]) =>
  of((g, x) => ({ y: g.node(args[0] as never, x, ...(args.slice(1) as never[])) }));

let other: Handle;
network({
  inputs: { x: [3] },
  build(g, { x }) {
    other = x;
    return { y: g.node(relu(), x) };
  },
});

describe("each mistake is told in the caller's names", () => {
  test.each<[what: string, describe: () => unknown, ...issues: string[]]>([
    [
      "nothing",
      () => network(undefined as never),
      "network: expected inputs by name, and a function build, got undefined and undefined.",
    ],
    [
      "no build",
      () => network({ inputs: { x: [3] } } as never),
      "network: expected inputs by name, and a function build, got { x } and undefined.",
    ],
    [
      "no inputs",
      () => network({ inputs: {}, build: (g) => ({ y: g.node(op("Constant", { value_int: 1 })) }) }),
      "network: expected at least one input, got none.",
    ],
    [
      "dims of nothing",
      () => network({ inputs: { x: [0, "n"], z: ["", 3] }, build: (g, { x }) => ({ y: g.node(relu(), x) }) }),
      "input 'x': expected a list of dims: sizes of 1 or more, or names where any size fits, got [0, 'n'].",
      "input 'z': expected a list of dims: sizes of 1 or more, or names where any size fits, got ['', 3].",
    ],
    [
      "a size for dims",
      () => network({ inputs: { x: 3 as never }, build: (g, { x }) => ({ y: g.node(relu(), x) }) }),
      "input 'x': expected a list of dims: sizes of 1 or more, or names where any size fits, got undefined.",
    ],
    [
      "a type that there is not",
      () =>
        network({
          inputs: { x: { dims: [3], type: "uint3" as never } },
          build: (g, { x }) => ({ y: g.node(relu(), x) }),
        }),
      "input 'x': expected float32, uint8, int8, uint16, int16, int32, int64, bool, float16, float64, uint32, uint64, bfloat16, float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, uint4, int4, float4e2m1, float8e8m0, uint2, int2, got 'uint3'.",
    ],
    [
      "an input without a name",
      () => network({ inputs: { "": [3] }, build: (g, v) => ({ y: g.node(relu(), v[""]) }) }),
      "input '': expected a name, got ''.",
    ],

    [
      "an unknown operator",
      node(op("Frobnicate")),
      "node 'frobnicate0' (Frobnicate): relprop does not run the operator 'Frobnicate'. The reference lists " +
        "those that it runs, by ONNX's names (docs/reference/operators.md).",
    ],
    [
      "an unknown attribute",
      node(op("LRN", { sise: 5, size: 3 })),
      "node 'lrn0' (LRN): relprop does not know the attribute 'sise'.",
    ],
    [
      "attributes of another type",
      node(op("Gemm", { transB: 0.5, alpha: "1" }), weight),
      "node 'gemm0' (Gemm): attribute 'transB' must be INT, but is 0.5; attribute 'alpha' must be FLOAT, but is '1'.",
    ],
    [
      "an attribute that is NaN",
      node(op("LeakyRelu", { alpha: NaN })),
      "node 'leakyrelu0' (LeakyRelu): attribute 'alpha' must be FLOAT, but is NaN.",
    ],
    [
      "one number for two",
      node(op("Conv", { strides: 2 }), weight),
      "node 'conv0' (Conv): attribute 'strides' must be INTS, but is 2.",
    ],
    [
      "a list of text",
      node(op("Conv", { strides: ["2"] as never }), weight),
      "node 'conv0' (Conv): attribute 'strides' must be INTS, but is ['2'].",
    ],
    [
      "a tensor that is none",
      node(op("ConstantOfShape", { value: 5 })),
      "node 'constantofshape0' (ConstantOfShape): attribute 'value' must be TENSOR, but is 5.",
    ],
    ["a value that ONNX refuses", node(op("LRN", { size: 0 })), "node 'lrn0' (LRN): expected a size ≥ 1, got 0."],
    [
      "another region",
      node(op("LRN", { size: 3, region: "chanels" })),
      "node 'lrn0' (LRN): expected region channels or spatial, got chanels.",
    ],
    [
      "another lean",
      node(op("LRN", { size: 3, window: "pytorch" })),
      "node 'lrn0' (LRN): expected window onnx or torch, got pytorch.",
    ],
    [
      "a Taylor layer without its functions",
      node(op("TaylorNeurons")),
      "node 'taylorneurons0' (TaylorNeurons): TaylorNeurons is not an operator of ONNX.",
    ],
    ["a subgraph", node(op("If")), "node 'if0' (If): it has graphs inside, which only nodes of a file can have."],

    [
      "a layer that was not made",
      node(relu),
      'node 0: expected a layer, such as relu() or op("Relu"), got a function.',
    ],
    ["a name for a layer", node("Relu"), "node 0: expected a layer, such as relu() or op(\"Relu\"), got 'Relu'."],
    [
      "no layer in a chain",
      () => sequential({ input: [3] }, [undefined as never]),
      'node 0: expected a layer, such as relu() or op("Relu"), got undefined.',
    ],
    ["no layers", () => sequential({ input: [3] }, []), "sequential: expected at least one layer, got none."],
    [
      "two inputs of a layer that takes one",
      node(dense({ weight }), { dims: [3], data: new Float32Array(3) }),
      "node 'gemm0' (Gemm): expected one input, got 2.",
    ],
    [
      "a value of another network",
      of((g, x) => ({ y: g.node(op("Add"), x, other) })),
      "input 2 of node 'add0' (Add): expected a value of this network, got a value of another network.",
    ],
    [
      "text as an input",
      node(op("Add"), "x"),
      "input 2 of node 'add0' (Add): expected a tensor { data, dims }, got 'x'.",
    ],
    [
      "several values as one",
      of((g, x) => ({ y: g.node(op("Add"), [x, x] as never) })),
      "input 1 of node 'add0' (Add): expected a list of integers, got [a value, a value]. Other numbers come " +
        "as a tensor, { data, dims }.",
    ],
    [
      "a list of fractions",
      node(op("Add"), [0.5]),
      "input 2 of node 'add0' (Add): expected a list of integers, got [0.5]. Other numbers come as a tensor, " +
        "{ data, dims }.",
    ],
    [
      "a long list of fractions",
      node(op("Add"), new Array(9).fill(0.5)),
      "input 2 of node 'add0' (Add): expected a list of integers, got a list of 9. Other numbers come as a " +
        "tensor, { data, dims }.",
    ],

    [
      "a weight of the wrong length",
      node(dense({ weight: { dims: [2, 4], data: weight.data } })),
      "parameter 'gemm0:0': expected a Float32Array of 8 numbers for dims [2,4], got Float32Array of 6.",
    ],
    [
      "a weight of doubles",
      node(dense({ weight: { dims: [2, 3], data: [1, 2, 3, 4, 5, 6] as never } })),
      "parameter 'gemm0:0': expected a Float32Array of 6 numbers for dims [2,3], got Array of 6.",
    ],
    [
      "a weight without dims",
      node(dense({ weight: { data: weight.data } as Tensor })),
      "parameter 'gemm0:0': expected a tensor { data, dims }, got dims undefined.",
    ],
    [
      "NaN in a weight",
      node(dense({ weight, bias: { dims: [2], data: Float32Array.of(1, NaN) } })),
      "parameter 'gemm0:1': expected finite numbers, got NaN at position 1.",
    ],
    [
      "infinity in a weight",
      node(dense({ weight, bias: { dims: [2], data: Float32Array.of(-Infinity, 0) } })),
      "parameter 'gemm0:1': expected finite numbers, got -Infinity at position 0.",
    ],
    [
      "NaN in a constant",
      node(op("Add"), { dims: [], data: Float32Array.of(NaN) }),
      "input 2 of node 'add0' (Add): expected finite numbers, got NaN at position 0.",
    ],
    [
      "fractions for integers",
      node(op("Gather"), { dims: [1], data: Float32Array.of(0.5), type: "int64" }),
      "input 2 of node 'gather0' (Gather): expected integers, got 0.5 at position 0.",
    ],
    [
      "integers for booleans",
      node(op("Where"), { dims: [2], data: Float32Array.of(1, 2), type: "bool" }),
      "input 2 of node 'where0' (Where): expected 0 and 1, got 2 at position 1.",
    ],

    [
      "two nodes of one name",
      of((g, x) => ({ y: g.chain(x, relu({ name: "a" }), op("Abs", { name: "a" })) })),
      "node 'a' (Abs): the name 'a' is taken.",
    ],
    [
      "two nodes of one name whose outputs have others",
      of((g, x) => {
        const [a] = g.outputs(["a"], relu({ name: "n" }), x);
        return { y: g.outputs(["b"], relu({ name: "n" }), a)[0] };
      }),
      "node 'n' (Relu): the name 'n' is taken.",
    ],
    [
      "an output called as a node whose output has another name",
      of((g, x) => ({ y: g.outputs(["a"], relu({ name: "y" }), x)[0] })),
      "output 'y': the name 'y' is taken.",
    ],
    [
      "an input called as a weight will be",
      () =>
        network({
          inputs: { "gemm0:0": ["n", 3] },
          build: (g, values) => ({ y: g.node(dense({ weight }), values["gemm0:0"]) }),
        }),
      "parameter 'gemm0:0': the name 'gemm0:0' is taken.",
    ],
    [
      "a node called as an input",
      of((g, x) => ({ y: g.node(relu({ name: "x" }), x) })),
      "node 'x' (Relu): the name 'x' is taken.",
    ],
    [
      "two outputs of one name",
      of((g, x) => ({ y: g.outputs(["a", "a"], op("Split", { axis: 1 }), x, [1, 2])[0] })),
      "node 'split0' (Split): the name 'a' is taken.",
    ],
    [
      "a name that is none",
      of((g, x) => ({ y: g.outputs([5 as never], relu(), x)[0] })),
      "node 'relu0' (Relu): expected a name, got 5.",
    ],
    [
      "an output called as another value",
      of((g, x) => ({ x: g.node(relu(), x) })),
      "output 'x': the name 'x' is taken.",
    ],
    [
      "no outputs of a node",
      of((g, x) => g.outputs(0, relu(), x)),
      "outputs: expected a number of outputs, or a list of their names, got 0.",
    ],
    [
      "some outputs of a node",
      of((g, x) => g.outputs("two" as never, relu(), x)),
      "outputs: expected a number of outputs, or a list of their names, got 'two'.",
    ],
    [
      "a negative number of outputs",
      of((g, x) => g.outputs(-1, relu(), x)),
      "outputs: expected a number of outputs, or a list of their names, got -1.",
    ],

    ["no outputs", of(() => ({})), "the result of build: expected values by name, { name: value }, got { }."],
    [
      "nothing returned",
      of(() => undefined),
      "the result of build: expected values by name, { name: value }, got undefined.",
    ],
    [
      "a value without a name",
      of((g, x) => g.node(relu(), x)),
      "the result of build: expected values by name, { name: value }, got a value.",
    ],
    [
      "a list of values",
      of((g, x) => [g.node(relu(), x)]),
      "the result of build: expected values by name, { name: value }, got [a value].",
    ],
    [
      "what is awaited",
      of(async (g, x) => ({ y: g.node(relu(), x) })),
      "the result of build: expected values by name, { name: value }, got Promise.",
    ],
    [
      "an output that is no value",
      of(() => ({ y: weight })),
      "output 'y': expected a value of this network, got { dims, data }.",
    ],
    [
      "an output of another network",
      of(() => ({ y: other })),
      "output 'y': expected a value of this network, got a value of another network.",
    ],
  ])("%s", (_what, describe, ...issues) => {
    expect(issuesOf(describe)).toEqual(issues);
  });

  test("all at once", () => {
    const description = () =>
      network({
        inputs: { x: ["n", 0], y: [3] },
        build(g, { x, y }) {
          const a = g.node(op("Swisch"), x);
          const b = g.node(
            conv2d({
              weight: { dims: [1], data: new Float32Array(2) },
              bias: { dims: [1], data: Float32Array.of(NaN) },
            }),
            a,
          );
          return { y: g.node(op("Add", { axis: 1 }), b, other, y), z: undefined as never };
        },
      });
    expect(issuesOf(description).map((issue) => issue.split(":")[0])).toEqual([
      "input 'x'",
      "node 'swisch0' (Swisch)",
      "parameter 'conv1",
      "parameter 'conv1",
      "node 'add2' (Add)",
      "input 2 of node 'add2' (Add)",
      "output 'y'",
      "output 'z'",
    ]);
  });

  test("a node that is made too late", () => {
    let late: Builder | undefined;
    let value: Handle | undefined;
    of((g, x) => {
      [late, value] = [g, x];
      return { y: g.node(relu(), x) };
    })();
    expect(issuesOf(() => late?.node(relu(), value))).toEqual(["network: a node was made after build had returned."]);
  });

  test("an error of build itself is its own", () => {
    expect(() =>
      of(() => {
        throw new TypeError("mine");
      })(),
    ).toThrow(new TypeError("mine"));
  });
});

describe("what loading tells", () => {
  test("shapes that do not fit, of every node", async () => {
    const build = (g: Builder, x: Handle) => ({
      y: g.node(dense({ weight: { dims: [2, 4], data: new Float32Array(8) } }), x),
      z: g.node(op("Add"), x, { dims: [2], data: new Float32Array(2) }),
    });
    await expect(loadInMode(of(build)())).rejects.toMatchObject({
      code: "shape",
      issues: [
        { where: "node 'gemm0' (Gemm)", expected: "an A of 4 columns", received: "3" },
        { where: "node 'add1' (Add)" },
      ],
    });
  });

  test("infinity that is no mask", async () => {
    const bounds = { dims: [3], data: Float32Array.of(1, Infinity, 2) };
    await expect(loadInMode(node(op("Mul"), bounds)())).rejects.toThrow("infinity in 'mul0:input2'");
  });

  test("a file says nothing of a layer beyond ONNX", async () => {
    const file = chain(["n", 3, 2, 2], [{ type: "LRN", attributes: { size: 3, region: "spatial" } }]);
    await expect(loadInMode(file)).rejects.toThrow("relprop does not know the attribute 'region'");
    await expect(loadInMode(chain(["n", 3], [{ type: "TaylorNeurons" }]))).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("node 'y0' (TaylorNeurons): TaylorNeurons is not an operator of ONNX"),
    });
  });
});

test("layers that are described alone are judged when they are placed, LRN at once", () => {
  expect(issuesOf(() => lrn({ size: 0 }))).toEqual(["layer 'lrn': expected a size ≥ 1, got 0."]);
  expect(issuesOf(() => sequential({ input: [3] }, [conv2d({ weight, strides: 1.5, name: "c" })]))).toEqual([
    "node 'c' (Conv): attribute 'strides' must be INTS, but is [1.5, 1.5].",
  ]);
});
