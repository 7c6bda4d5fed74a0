import { describe, expect, test } from "vitest";
import { baseEntries, type Composite, type LinearRule, ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, conv } from "../reference/linear.ts";
import { lrnForward } from "../reference/lrn.ts";
import { alphaBeta, explain, gamma, type NeuronRule } from "../reference/rules.ts";

/*
 * Where all inputs of a layer are known not to be negative, half of a rule is nothing and left out.
 * Here is what may stand before a convolution; whatever it is, the rule must be the one for inputs of either sign.
 */

const dims = [1, 3, 5, 4];
const node = (
  type: string,
  inputs: readonly string[],
  attributes: FileNode["attributes"] = {},
): Omit<FileNode, "outputs"> => ({
  type,
  inputs,
  attributes,
});
const scalar = (v: number) => ({ dims: [], data: Float32Array.of(v) });
const constants = {
  minus: scalar(-0.75),
  two: scalar(2),
  six: scalar(6),
  one: scalar(1),
  pads: { dims: [8], data: [0, 0, 1, 0, 0, 0, 0, 1] },
  map: tensor([1, 3, 5, 4], 41),
};
const plus = (v: number) => Math.max(v, 0);

/** What stands before: each node reads the one before it as `@`, the first one x; and the same in double precision. */
const before: readonly (readonly [string, readonly Omit<FileNode, "outputs">[], (v: number, i: number) => number])[] = [
  ["nothing", [], (v) => v],
  ["Relu", [node("Relu", ["@"])], plus],
  ["Relu, then a negative constant added", [node("Relu", ["@"]), node("Add", ["@", "minus"])], (v) => plus(v) - 0.75],
  [
    "Relu, then constants of either sign added",
    [node("Relu", ["@"]), node("Add", ["map", "@"])],
    (v, i) => plus(v) + constants.map.data[i],
  ],
  [
    "Relu, then multiplied by a negative constant",
    [node("Relu", ["@"]), node("Mul", ["@", "minus"])],
    (v) => plus(v) * -0.75,
  ],
  [
    "Relu, then divided by a negative constant",
    [node("Relu", ["@"]), node("Div", ["@", "minus"])],
    (v) => plus(v) / -0.75,
  ],
  ["Relu, then taken from a constant", [node("Relu", ["@"]), node("Sub", ["one", "@"])], (v) => 1 - plus(v)],
  ["Relu, then a constant taken from it", [node("Relu", ["@"]), node("Sub", ["@", "one"])], (v) => plus(v) - 1],
  ["Relu, multiplied by a positive constant", [node("Relu", ["@"]), node("Mul", ["@", "two"])], (v) => 2 * plus(v)],
  [
    "Relu, turned negative, and a constant added again",
    [node("Relu", ["@"]), node("Mul", ["@", "minus"]), node("Sum", ["@", "one"])],
    (v) => 1 - 0.75 * plus(v),
  ],
  ["LeakyRelu", [node("LeakyRelu", ["@"], { alpha: { float: 0.25 } })], (v) => (v > 0 ? v : 0.25 * v)],
  ["LeakyRelu that folds up", [node("LeakyRelu", ["@"], { alpha: { float: -0.5 } })], (v) => (v > 0 ? v : -0.5 * v)],
  ["Clip from below 0", [node("Clip", ["@", "minus", "six"])], (v) => Math.min(Math.max(v, -0.75), 6)],
  ["Clip from 0", [node("Relu", ["@"]), node("Clip", ["@", "minus", "one"])], (v) => Math.min(plus(v), 1)],
  ["Clip to below 0", [node("Relu", ["@"]), node("Clip", ["@", "", "minus"])], () => -0.75],
  ["Sigmoid", [node("Sigmoid", ["@"])], (v) => 1 / (1 + Math.exp(-v))],
  ["Tanh", [node("Tanh", ["@"])], Math.tanh],
  ["Tanh of a Relu", [node("Relu", ["@"]), node("Tanh", ["@"])], (v) => Math.tanh(plus(v))],
  ["a square", [node("Pow", ["@", "two"])], (v) => v * v],
  ["Identity and Dropout", [node("Relu", ["@"]), node("Identity", ["@"]), node("Dropout", ["@"])], plus],
];

const rows: readonly (readonly [LinearRule, NeuronRule, number])[] = [
  [ruleOf.zPlus(), alphaBeta(1, 0), tolerance.plain],
  [ruleOf.alphaBeta(), alphaBeta(2, 1), tolerance.alphaBeta],
  [ruleOf.gamma(), gamma(0.25), tolerance.plain],
];

describe("before a convolution", () => {
  const [w, b] = [tensor([4, 3, 3, 3], 2), tensor([4], 3, -0.5, 0.5)];
  const composite = (rule: LinearRule): Composite => [{ type: "Conv", rule }, ...baseEntries()];

  /**
   * The nodes with their names, and the convolution behind them. Its padding keeps constants from being folded into it.
   */
  const file = (nodes: readonly Omit<FileNode, "outputs">[]) => {
    const named = nodes.map((n, i) => ({
      ...n,
      inputs: n.inputs.map((name) => (name === "@" ? (i === 0 ? "x" : `h${i - 1}`) : name)),
      outputs: [`h${i}`],
    }));
    const last = nodes.length === 0 ? "x" : `h${nodes.length - 1}`;
    const conv: FileNode = {
      type: "Conv",
      inputs: [last, "w", "b"],
      outputs: ["y"],
      attributes: { pads: [1, 1, 1, 1] },
    };
    return {
      last,
      bytes: onnx({
        nodes: [...named, conv],
        initializers: { ...constants, w, b },
        inputs: { x: ["n", 3, 5, 4] },
        outputs: { y: [] },
      }),
    };
  };

  async function check(
    nodes: readonly Omit<FileNode, "outputs">[],
    x: ReturnType<typeof tensor>,
    h: Float64Array,
    shape: readonly number[],
  ): Promise<void> {
    const { bytes, last } = file(nodes);
    using model = await loadInMode(bytes);
    const map = conv(shape, w, b.data, { pads: [1, 1, 1, 1] });
    const z = apply(map, h);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.2 ? v : 0));
    for (const [rule, literal, off] of rows) {
      const { at, output } = explainFrom(model, x, r, { composite: composite(rule), at: [last] });
      expectClose(output.data, z, 3e-6);
      expectClose(at[last].data, explain(map, h, r, literal).relevance, off);
    }
  }

  test.each(before)("%s", async (_name, nodes, f) => {
    const x = tensor(dims, 1, -2, 2);
    await check(nodes, x, Float64Array.from(x.data, f), dims);
  });

  test("padding with a negative number", async () => {
    const x = tensor(dims, 1, -2, 2);
    const h = Float64Array.from({ length: 3 * 6 * 5 }, (_, i) => {
      const [c, row, column] = [Math.floor(i / 30), Math.floor(i / 5) % 6, i % 5];
      return row >= 1 && column < 4 ? plus(x.data[c * 20 + (row - 1) * 4 + column]) : -0.75;
    });
    await check([node("Relu", ["@"]), node("Pad", ["@", "pads", "minus"])], x, h, [1, 3, 6, 5]);
  });

  test("LRN keeps signs", async () => {
    const x = tensor(dims, 1, -2, 2);
    const o = { region: "channels", before: 1, after: 1, a: 2 / 3, c: 0.75, kappa: 1 } as const;
    const attributes = { size: 3, alpha: { float: 2 } };
    await check([node("LRN", ["@"], attributes)], x, lrnForward(x.data, dims, o), dims);
    await check([node("Relu", ["@"]), node("LRN", ["@"], attributes)], x, lrnForward(x.data.map(plus), dims, o), dims);
  });

  test("a network that is nothing but a softmax has its input as logits", async () => {
    using model = await loadInMode(
      onnx({
        nodes: [{ type: "Softmax", inputs: ["x"], outputs: ["y"] }],
        inputs: { x: ["n", 3] },
        outputs: { y: [] },
      }),
    );
    const { relevance, ledger, targets } = model.explain({ dims: [1, 3], data: Float32Array.of(1, 3, 2) });
    expect(Array.from(relevance.data)).toEqual([0, 3, 0]);
    expect(ledger).toEqual([]);
    expect(targets[0][0]).toMatchObject({ index: 1, score: 3 });
  });

  test("a value that Identity or Dropout repeats can be asked for by either name", async () => {
    const { bytes } = file([node("Relu", ["@"]), node("Dropout", ["@"]), node("Identity", ["@"])]);
    using model = await loadInMode(bytes);
    const { at } = model.explain(tensor(dims, 1), { at: ["h0", "h1", "h2"], target: { index: [0, 0, 0] } });
    expect(at.h1).toEqual(at.h0);
    expect(at.h2).toEqual(at.h0);
  });
});
