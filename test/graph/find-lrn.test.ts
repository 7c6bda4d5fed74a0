import { describe, expect, it } from "vitest";
import { loadInMode } from "../modes.ts";
import type { Model, Tensor } from "../../src/entries/index.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";

const dims = [2, 7, 5, 3];
const scalar = (v: number): FileTensor => ({ dims: [], data: Float32Array.of(v) });
const ints = (...v: number[]): FileTensor => ({ dims: [v.length], data: v });
const node = (type: string, inputs: string[], output: string, attributes: FileNode["attributes"] = {}): FileNode => ({
  type,
  inputs,
  outputs: [output],
  attributes,
});

/** A Relu, then the spelling, which reads `x` and writes `y`. */
async function spelled(nodes: readonly FileNode[], initializers: Record<string, FileTensor>): Promise<Model> {
  return loadInMode(
    onnx({ nodes: [node("Relu", ["in"], "x"), ...nodes], initializers, inputs: { in: dims }, outputs: { y: [] } }),
  );
}

const input: Tensor = { dims, data: Float32Array.from({ length: 210 }, (_, i) => 3 * Math.sin(i * 1.7)) };

/** y = relu(x) / (bias + a Σ_window relu(x)²)^beta, straight from the definition. */
function expected(
  window: (c: number, h: number, w: number) => readonly (readonly [number, number, number])[],
  a: number,
  beta: number,
  bias: number,
): number[] {
  const [n, c, h, w] = dims;
  const at = (s: number, i: number, j: number, k: number) =>
    i < 0 || i >= c || j < 0 || j >= h || k < 0 || k >= w ? 0 : Math.max(0, input.data[((s * c + i) * h + j) * w + k]);
  const out: number[] = [];
  for (let s = 0; s < n; s++)
    for (let i = 0; i < c; i++)
      for (let j = 0; j < h; j++)
        for (let k = 0; k < w; k++) {
          const sum = window(i, j, k).reduce((total, [p, q, r]) => total + at(s, p, q, r) ** 2, 0);
          out.push(at(s, i, j, k) / (bias + a * sum) ** beta);
        }
  return out;
}

const channels = (before: number, after: number) => (c: number, h: number, w: number) =>
  Array.from({ length: before + after + 1 }, (_, t) => [c - before + t, h, w] as const);
const square = (reach: number) => (c: number, h: number, w: number) =>
  Array.from(
    { length: (2 * reach + 1) ** 2 },
    (_, t) => [c, h - reach + Math.floor(t / (2 * reach + 1)), w - reach + (t % (2 * reach + 1))] as const,
  );

/** Mean of squares over three neighbouring channels, by a pool over [n, 1, c, h·w]. */
const poolOverChannels = (size: number) => [
  node("Reshape", ["sq", "five"], "r5"),
  node("Pad", ["r5", "pads"], "padded"),
  node("AveragePool", ["padded"], "mean5", { kernel_shape: [size, 1, 1], strides: [1, 1, 1] }),
  node("Reshape", ["mean5", "four"], "mean"),
];
const shapes = (before: number, after: number) => ({
  five: ints(2, 1, 7, 5, 3),
  four: ints(...dims),
  pads: ints(0, 0, before, 0, 0, 0, 0, after, 0, 0),
});
const ending = [
  node("Mul", ["mean", "alpha"], "m"),
  node("Add", ["m", "k"], "base"),
  node("Pow", ["base", "beta"], "d"),
  node("Div", ["x", "d"], "y"),
];
const constants = { alpha: scalar(0.6), k: scalar(1.5), beta: scalar(0.75), two: scalar(2), minus: scalar(-0.75) };

const spellings: readonly {
  name: string;
  nodes: readonly FileNode[];
  more: Record<string, FileTensor>;
  note: RegExp;
  want: number[];
}[] = [
  {
    name: "PyTorch's",
    nodes: [node("Mul", ["x", "x"], "sq"), ...poolOverChannels(3), ...ending],
    more: shapes(1, 1),
    note: /channels −1…\+1, a 0.2, beta 0.75, bias 1.5/,
    want: expected(channels(1, 1), 0.2, 0.75, 1.5),
  },
  {
    name: "an even window that reaches back",
    nodes: [node("Mul", ["x", "x"], "sq"), ...poolOverChannels(4), ...ending],
    more: shapes(2, 1),
    note: /channels −2…\+1/,
    want: expected(channels(2, 1), 0.15, 0.75, 1.5),
  },
  {
    name: "an even window that reaches ahead",
    nodes: [node("Pow", ["x", "two"], "sq"), ...poolOverChannels(4), ...ending],
    more: shapes(1, 2),
    note: /channels −1…\+2/,
    want: expected(channels(1, 2), 0.15, 0.75, 1.5),
  },
  {
    name: "a product with a negative power",
    more: shapes(1, 1),
    note: /channels −1…\+1/,
    want: expected(channels(1, 1), 0.2, 0.75, 1.5),
    nodes: [
      node("Pow", ["x", "two"], "sq"),
      ...poolOverChannels(3),
      node("Mul", ["alpha", "mean"], "m"),
      node("Add", ["k", "m"], "base"),
      node("Pow", ["base", "minus"], "d"),
      node("Mul", ["d", "x"], "y"),
    ],
  },
  {
    name: "no power at all (beta 1)",
    more: shapes(1, 1),
    note: /beta 1,/,
    want: expected(channels(1, 1), 0.2, 1, 1.5),
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      ...poolOverChannels(3),
      node("Mul", ["mean", "alpha"], "m"),
      node("Add", ["m", "k"], "base"),
      node("Div", ["x", "base"], "y"),
    ],
  },
  {
    name: "a square root",
    more: shapes(1, 1),
    note: /beta 0.5,/,
    want: expected(channels(1, 1), 0.2, 0.5, 1.5),
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      ...poolOverChannels(3),
      node("Mul", ["mean", "alpha"], "m"),
      node("Add", ["m", "k"], "base"),
      node("Sqrt", ["base"], "d"),
      node("Div", ["x", "d"], "y"),
    ],
  },
  {
    name: "the reciprocal of a power of a square root",
    more: { ...shapes(1, 1), p15: scalar(1.5) },
    note: /beta 0.75,/,
    want: expected(channels(1, 1), 0.2, 0.75, 1.5),
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      ...poolOverChannels(3),
      node("Mul", ["mean", "alpha"], "m"),
      node("Add", ["m", "k"], "base"),
      node("Sqrt", ["base"], "s"),
      node("Pow", ["s", "p15"], "p"),
      node("Reciprocal", ["p"], "d"),
      node("Mul", ["d", "x"], "y"),
    ],
  },
  {
    name: "a pool after a transposition",
    more: {},
    note: /channels −1…\+1/,
    want: expected(channels(1, 1), 0.2, 0.75, 1.5),
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      node("Transpose", ["sq"], "t", { perm: [0, 2, 1, 3] }),
      node("AveragePool", ["t"], "p", { kernel_shape: [3, 1], pads: [1, 0, 1, 0], count_include_pad: 1 }),
      node("Transpose", ["p"], "mean", { perm: [0, 2, 1, 3] }),
      ...ending,
    ],
  },
  {
    name: "Caffe's within a channel",
    more: {},
    note: /rows and columns −1…\+1/,
    want: expected(square(1), 0.6 / 9, 0.75, 1.5),
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      node("AveragePool", ["sq"], "mean", { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
      ...ending,
    ],
  },
  {
    name: "a mean over shifted copies",
    more: {
      reach: ints(0, 1, 0, 0, 0, 1, 0, 0),
      one: ints(1),
      ...Object.fromEntries(
        [0, 1, 2].flatMap((i) => [
          [`from${i}`, ints(i)],
          [`to${i}`, ints(i + 7)],
        ]),
      ),
    },
    note: /channels −1…\+1, a 0.2/,
    want: expected(channels(1, 1), 0.2, 0.75, 1.5),
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      node("Pad", ["sq", "reach"], "padded"),
      ...[0, 1, 2].flatMap((i) => [
        node("Slice", ["padded", `from${i}`, `to${i}`, "one"], `part${i}`),
        node("Unsqueeze", [`part${i}`, "one"], `copy${i}`),
      ]),
      node("Concat", ["copy0", "copy1", "copy2"], "copies", { axis: 1 }),
      node("ReduceMean", ["copies"], "mean", { axes: [1], keepdims: 0 }),
      ...ending,
    ],
  },
];

const perChannel = { dims: [7, 1, 1], data: Float32Array.of(0.75, 0.75, 0.75, 0.5, 0.75, 0.75, 0.75) };
const nearMisses: readonly { name: string; nodes: readonly FileNode[]; more: Record<string, FileTensor> }[] = [
  {
    name: "another exponent per channel",
    nodes: [node("Mul", ["x", "x"], "sq"), ...poolOverChannels(3), ...ending],
    more: { ...shapes(1, 1), beta: perChannel },
  },
  {
    name: "a window over rows only",
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      node("AveragePool", ["sq"], "mean", { kernel_shape: [3, 1], pads: [1, 0, 1, 0], count_include_pad: 1 }),
      ...ending,
    ],
    more: {},
  },
  {
    name: "a divisor that does not count padding",
    nodes: [
      node("Mul", ["x", "x"], "sq"),
      node("AveragePool", ["sq"], "mean", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      ...ending,
    ],
    more: {},
  },
  {
    name: "another alpha per channel",
    nodes: [node("Mul", ["x", "x"], "sq"), ...poolOverChannels(3), ...ending],
    more: { ...shapes(1, 1), alpha: { ...perChannel, data: perChannel.data.map((v) => v * 2) } },
  },
  {
    name: "the square of something else",
    nodes: [node("Tanh", ["x"], "z"), node("Mul", ["z", "z"], "sq"), ...poolOverChannels(3), ...ending],
    more: shapes(1, 1),
  },
];

describe("LRN in disguise", () => {
  it.each(spellings)("$name is folded", async ({ nodes, more, note, want }) => {
    const model = await spelled(nodes, { ...constants, ...more });
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Relu", "LRN"]);
    expect(model.inspect().nodes[1].note).toMatch(note);
    const { data } = model.predict(input).output;
    for (let i = 0; i < want.length; i++) expect(Math.abs(data[i] - want[i])).toBeLessThan(1e-6 * 3);
  });

  it.each(nearMisses)("$name is not folded: it runs, and is a quotient of two values", async ({ nodes, more }) => {
    const model = await spelled(nodes, { ...constants, ...more });
    expect(model.predict(input).output.dims).toEqual(dims);
    const { nodes: found } = model.inspect();
    expect(found.map(({ type }) => type)).not.toContain("LRN");
    expect(found.filter(({ rule }) => rule === "signal").map(({ type }) => type)).toHaveLength(1);
  });
});
