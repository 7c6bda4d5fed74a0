import { describe, expect, it } from "vitest";
import { baseEntries, type Composite, load, type LoadOptions, type Rule, ruleOf } from "../../src/entries/index.ts";
import { explainFrom } from "../explain.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count } from "../reference/linear.ts";
import { node } from "./cases.ts";

/*
 * Layers that read the same constants, each in its own way, are what they are with constants of their own.
 */

type Attributes = FileNode["attributes"];
/** Operator, inputs and attributes; of the inputs, x is computed and the others are constants. */
type Reader = readonly [type: string, inputs: readonly string[], attributes?: Attributes];

interface Case {
  readonly name: string;
  readonly x: readonly number[];
  readonly constants: Readonly<Record<string, FileTensor>>;
  readonly readers: readonly Reader[];
}

const pads = [1, 1, 1, 1];
const [w6, b6, w63, w16] = [
  tensor([6, 6, 3, 3], 1),
  tensor([6], 2),
  tensor([6, 3, 3, 3], 3),
  tensor([16, 16, 3, 3], 4),
];

const cases: readonly Case[] = [
  {
    name: "convolutions of other strides, pads and dilations",
    x: [1, 6, 7, 8],
    constants: { w: w6, b: b6 },
    readers: [
      ["Conv", ["x", "w", "b"]],
      ["Conv", ["x", "w", "b"], { pads }],
      ["Conv", ["x", "w", "b"], { strides: [2, 1] }],
      ["Conv", ["x", "w", "b"], { strides: [1, 2] }],
      ["Conv", ["x", "w", "b"], { strides: [3, 2], pads }],
      ["Conv", ["x", "w"], { dilations: [2, 1] }],
      ["Conv", ["x", "w"], { dilations: [2, 2], strides: [2, 2], pads: [2, 1, 0, 3] }],
    ],
  },
  {
    name: "a convolution and its transpose",
    x: [1, 6, 5, 4],
    constants: { w: w6, b: b6 },
    readers: [
      ["Conv", ["x", "w", "b"], { pads }],
      ["ConvTranspose", ["x", "w", "b"], { pads }],
      ["ConvTranspose", ["x", "w", "b"], { strides: [2, 2] }],
      ["ConvTranspose", ["x", "w"], { pads, group: 2 }],
      ["ConvTranspose", ["x", "w"], { pads, group: 3 }],
    ],
  },
  {
    name: "convolutions of other groups",
    x: [1, 6, 5, 4],
    constants: { w: w63, b: b6 },
    readers: [
      ["Conv", ["x", "w", "b"], { group: 2 }],
      ["ConvTranspose", ["x", "w"], { group: 2 }],
      ["ConvTranspose", ["x", "w"], { group: 3 }],
      ["ConvTranspose", ["x", "w"], { group: 1 }],
    ],
  },
  {
    name: "depthwise and not",
    x: [1, 6, 5, 4],
    constants: { w: tensor([6, 1, 3, 3], 5), b: b6 },
    readers: [
      ["Conv", ["x", "w", "b"], { group: 6 }],
      ["Conv", ["x", "w"], { group: 6, strides: [2, 1], pads }],
      ["ConvTranspose", ["x", "w"], { group: 1 }],
      ["ConvTranspose", ["x", "w"], { group: 6 }],
    ],
  },
  {
    name: "convolutions that Winograd's tiles do, and others",
    x: [1, 16, 12, 13],
    constants: { w: w16, b: tensor([16], 6) },
    readers: [
      ["Conv", ["x", "w", "b"], { pads }],
      ["Conv", ["x", "w", "b"], { strides: [2, 2] }],
      ["ConvTranspose", ["x", "w", "b"], { pads }],
      ["ConvTranspose", ["x", "w"], { pads, group: 4 }],
    ],
  },
  {
    name: "convolutions over volumes",
    x: [1, 2, 4, 5, 4],
    constants: { w: tensor([4, 2, 2, 3, 3], 7), b: tensor([4], 8) },
    readers: [
      ["Conv", ["x", "w", "b"]],
      ["Conv", ["x", "w"], { strides: [2, 1, 1] }],
      ["Conv", ["x", "w"], { dilations: [2, 1, 1], pads: [1, 1, 1, 1, 1, 1] }],
    ],
  },
  {
    name: "dense layers, from either side and scaled",
    x: [6, 6],
    constants: { w: tensor([6, 6], 9), b: b6, s: tensor([1], 10) },
    readers: [
      ["Gemm", ["x", "w", "b"]],
      ["Gemm", ["x", "w", "b"], { transB: 1 }],
      ["Gemm", ["x", "w", "b"], { beta: { float: 2 } }],
      ["Gemm", ["x", "w", "b"], { transB: 1, alpha: { float: 0.5 }, beta: { float: 0 } }],
      ["Gemm", ["x", "w", "s"], { alpha: { float: -1 } }],
      ["MatMul", ["x", "w"]],
      ["MatMul", ["w", "x"]],
    ],
  },
  {
    name: "batches of matrices",
    x: [2, 3, 3],
    constants: { w: tensor([2, 3, 3], 11) },
    readers: [
      ["MatMul", ["x", "w"]],
      ["MatMul", ["w", "x"]],
    ],
  },
  {
    name: "constants of other operators",
    x: [1, 6, 3, 4],
    constants: { w: tensor([6, 1, 1], 12, 0.5, 2), v: tensor([6], 13, 0.5, 2), m: b6, t: tensor([6], 14) },
    readers: [
      ["Mul", ["x", "w"]],
      ["PRelu", ["x", "w"]],
      ["Add", ["x", "w"]],
      ["BatchNormalization", ["x", "v", "t", "m", "v"]],
      ["BatchNormalization", ["x", "v", "m", "t", "v"]],
      ["BatchNormalization", ["x", "v", "t", "m", "v"], { epsilon: { float: 1 } }],
      ["InstanceNormalization", ["x", "v", "t"]],
    ],
  },
];

/** Every reader behind a ReLU of its own or none, all of them in a row of outputs. */
function fileOf({ x, constants, readers }: Case, shared: boolean, rectified: boolean): Uint8Array {
  const own = readers.map((_, i) => (name: string) => (name === "x" ? `x${i}` : shared ? name : `${name}${i}`));
  const nodes = readers.flatMap(([type, inputs, attributes], i) => [
    node(rectified ? "Relu" : "Identity", ["x"], `x${i}`),
    node(type, inputs.map(own[i]), `y${i}`, attributes),
    node("Relu", [`y${i}`], `r${i}`),
    node("Reshape", [`r${i}`, "flat"], `f${i}`),
  ]);
  const copies = readers.flatMap((_, i) =>
    Object.entries(constants).map(([name, value]) => [own[i](name), value] as const),
  );
  return onnx({
    nodes: [
      ...nodes,
      node(
        "Concat",
        readers.map((_, i) => `f${i}`),
        "y",
        { axis: 1 },
      ),
    ],
    initializers: { ...Object.fromEntries(copies), flat: { dims: [2], data: [1, -1] } },
    inputs: { x },
    outputs: { y: [] },
  });
}

const linear = (rule: Rule): Composite => [{ type: ["convolution", "dense"], rule }, ...baseEntries()];
const rules: readonly Rule[] = [
  ruleOf.epsilon(),
  ruleOf.epsilon({ bias: false }),
  ruleOf.zPlus(),
  ruleOf.alphaBeta(),
  ruleOf.gamma(),
  ruleOf.wSquare(),
  ruleOf.flat(),
  ruleOf.zBox({ low: -1, high: 1.5 }),
  ruleOf.clip(),
  ruleOf.gradient(),
];
const ways: readonly LoadOptions[] = [{}, { winograd: false }];

describe.each(cases)("shared constants: $name", (one) => {
  it.each(ways)("%o", async (way) => {
    for (const rectified of [false, true]) {
      const [together, apart] = await Promise.all(
        [true, false].map((shared) => load(fileOf(one, shared, rectified), way)),
      );
      const x = tensor(one.x, 21);
      const { output } = together.predict(x);
      expect(output).toEqual(apart.predict(x).output);
      const r = numbers(count(output.dims), 22);
      for (const rule of rules) {
        const [a, b] = [together, apart].map((model) =>
          explainFrom(model, x, r, { composite: linear(rule), unknown: "gradient" }),
        );
        expect(a.relevance, rule.name).toEqual(b.relevance);
        const columns = [a, b].map(({ ledger }) =>
          ledger.map(({ bias, stabilizer, dead, other }) => [bias, stabilizer, dead, other]),
        );
        expect(columns[0], rule.name).toEqual(columns[1]);
      }
    }
  });
});
