import { describe, expect, test } from "vitest";
import { type Input, load } from "../../src/entries/index.ts";
import { attribute } from "../../src/evaluate/index.ts";
import { expectClose, total } from "../close.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { refusal } from "./refusal.ts";

/*
 * Rollout and gradient × attention against their equations, on an encoder that is written out below, with slopes of
 * attention weights that are differences of scores in double precision.
 */

const [T, W, H, D, L, C, F, WORDS] = [5, 7, 3, 2, 2, 3, 11, 13];
type Matrix = readonly (readonly number[])[];
type Weights = Readonly<Record<string, { readonly dims: readonly number[]; readonly data: Float32Array }>>;

const weight = (dims: readonly number[], seed: number) => ({
  dims,
  data: numbers(
    dims.reduce((a, b) => a * b),
    seed,
  ),
});
const layers = Array.from({ length: L }, (_, l) => l);
const weights: Weights = Object.fromEntries(
  [
    ...layers.flatMap((l): (readonly [string, readonly number[]])[] => [
      [`q${l}`, [W, H * D]],
      [`k${l}`, [W, H * D]],
      [`v${l}`, [W, H * D]],
      [`o${l}`, [H * D, W]],
      [`a${l}`, [W, F]],
      [`b${l}`, [F, W]],
    ]),
    ["classes", [W, C]] as const,
    ["words", [WORDS, W]] as const,
    ["positions", [1, T, W]] as const,
    ["class", [1, 1, W]] as const,
    ["patches", [W, 2, 3, 2]] as const,
  ].map(([name, dims], i) => [name, weight(dims, i + 1)]),
);

const row = (type: string, inputs: string, output: string, attributes: FileNode["attributes"] = {}): FileNode => ({
  type,
  inputs: inputs.split(" "),
  outputs: [output],
  attributes,
});
/** Q, K and V of a layer, from the values of two tokens lists. */
const head = (l: number, from: string, to: string): FileNode[] =>
  ["q", "k", "v"].flatMap((name) => [
    row("MatMul", `${name === "q" ? to : from} ${name}${l}`, `${name}${l}all`),
    row("Reshape", `${name}${l}all heads`, `${name}${l}heads`),
    row("Transpose", `${name}${l}heads`, `${name}${l}at`, { perm: name === "k" ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
  ]);
const attended = (l: number, x: string, from = x): FileNode[] => [
  ...head(l, from, x),
  row("MatMul", `q${l}at k${l}at`, `s${l}`),
  row("Div", `s${l} root`, `t${l}`),
  row("Softmax", `t${l}`, `p${l}`, { axis: -1 }),
  row("MatMul", `p${l} v${l}at`, `z${l}`),
  row("Transpose", `z${l}`, `z${l}t`, { perm: [0, 2, 1, 3] }),
  row("Reshape", `z${l}t joined`, `z${l}j`),
  row("MatMul", `z${l}j o${l}`, `r${l}`),
];
const block = (l: number): FileNode[] => [
  ...attended(l, `x${l}`),
  row("Add", `x${l} r${l}`, `y${l}`),
  row("MatMul", `y${l} a${l}`, `h${l}`),
  row("Relu", `h${l}`, `h${l}r`),
  row("MatMul", `h${l}r b${l}`, `n${l}`),
  row("Add", `y${l} n${l}`, `x${l + 1}`),
];
const first = [row("Gather", `x${L} zero`, "read", { axis: 1 })];
const mean = [row("ReduceMean", `x${L}`, "read", { axes: [1], keepdims: 0 })];
const ids = [row("Gather", "words ids", "rows"), row("Add", "rows positions", "x0")];
const image = [
  row("Conv", "image patches", "grid", { kernel_shape: [3, 2], strides: [3, 2] }),
  row("Reshape", "grid flat", "list"),
  row("Transpose", "list", "tokens", { perm: [0, 2, 1] }),
  row("Concat", "class tokens", "x0", { axis: 1 }),
];
const blocks = layers.flatMap(block);
const IMAGE = { image: [1, 2, 6, 4] };
const IDS = { ids: [1, T] };
const file = (nodes: readonly FileNode[], more: Partial<FileGraph> = {}) =>
  onnx({
    nodes: [...nodes, row("MatMul", "read classes", "logits")],
    inputs: IDS,
    types: { ids: 7 },
    outputs: { logits: [] },
    initializers: {
      ...weights,
      heads: { dims: [4], data: [0, 0, H, D] },
      joined: { dims: [3], data: [0, 0, H * D] },
      flat: { dims: [3], data: [0, W, -1] },
      halves: { dims: [4], data: [2, 2, 3, 4] },
      along: weight([T, T, 3], 5),
      root: { dims: [], data: Float32Array.of(Math.SQRT2) },
      zero: { dims: [], data: [0] },
    },
    ...more,
  });

const at = (name: string, ...index: number[]): number =>
  weights[name].data[index.reduce((sum, i, axis) => sum * weights[name].dims[axis] + i, 0)];
const list = <V>(count: number, make: (i: number) => V): V[] => Array.from({ length: count }, (_, i) => make(i));
const times = (x: Matrix, name: string): number[][] =>
  x.map((values) => list(weights[name].dims[1], (j) => total(values.map((v, i) => v * at(name, i, j)))));

/** The score, with δ added to one weight of attention; and all weights [layer][head][token][token]. */
function run(
  x0: Matrix,
  read: (x: Matrix) => number[],
  c: number,
  delta?: { readonly at: string; readonly by: number },
) {
  let x = x0;
  const all: number[][][][] = [];
  for (const l of layers) {
    const [q, k, v] = ["q", "k", "v"].map((name) => times(x, `${name}${l}`));
    const p = list(H, (h) =>
      list(T, (i) => {
        const scores = list(
          T,
          (j) => total(list(D, (d) => q[i][h * D + d] * k[j][h * D + d])) / Math.fround(Math.SQRT2),
        );
        const powers = scores.map(Math.exp);
        return powers.map((v, j) => v / total(powers) + (delta?.at === [l, h, i, j].join() ? delta.by : 0));
      }),
    );
    all.push(p);
    const z = list(T, (i) => list(H * D, (e) => total(list(T, (j) => p[Math.floor(e / D)][i][j] * v[j][e]))));
    const added = times(z, `o${l}`);
    const y = x.map((values, i) => values.map((v, w) => v + added[i][w]));
    const inner = times(
      times(y, `a${l}`).map((values) => values.map((v) => Math.max(v, 0))),
      `b${l}`,
    );
    x = y.map((values, i) => values.map((v, w) => v + inner[i][w]));
  }
  return { score: total(read(x).map((v, w) => v * at("classes", w, c))), all };
}

const product = (a: Matrix, b: Matrix) => a.map((r) => b[0].map((_, j) => total(r.map((v, k) => v * b[k][j]))));
const identity = list(T, (i) => list(T, (j) => (i === j ? 1 : 0)));

/** R, token by token. */
function reference(method: string, x0: Matrix, read: (x: Matrix) => number[], c: number): Matrix {
  const step = 1e-4;
  const { all } = run(x0, read, c);
  const slope = (place: string) =>
    (run(x0, read, c, { at: place, by: step }).score - run(x0, read, c, { at: place, by: -step }).score) / 2 / step;
  return layers.reduce((below: Matrix, l) => {
    const layer = list(T, (i) =>
      list(T, (j) => {
        const heads = list(H, (h) => {
          const p = all[l][h][i][j];
          return method === "attentionRollout" ? p : Math.max(0, p * slope([l, h, i, j].join()));
        });
        const mixed = total(heads) / H + (i === j ? 1 : 0);
        return method === "attentionRollout" ? mixed / 2 : mixed;
      }),
    );
    return product(layer, below);
  }, identity);
}

const METHODS = ["attentionRollout", "gradientTimesAttention"];
const readFirst = (x: Matrix) => [...x[0]];
const readMean = (x: Matrix) => list(W, (w) => total(x.map((values) => values[w])) / T);
const text = [3, 11, 0, 3, 7];
const idsOf = (given: readonly number[]): Input => ({ ids: { data: given, dims: [1, given.length] } });
const rows = list(T, (t) => list(W, (w) => at("words", text[t], w) + at("positions", 0, t, w)));
const picture = { data: numbers(48, 77), dims: [1, 2, 6, 4] };
/** Where the pixels of patch (a, b) are, channel by channel. */
const pixels = (a: number, b: number) =>
  list(2, (c) => list(3, (y) => list(2, (x) => ({ c, y, x, i: (c * 6 + 3 * a + y) * 4 + 2 * b + x })))).flat(2);
const patches = list(T, (t) =>
  list(W, (w) => {
    if (t === 0) return at("class", 0, 0, w);
    const [a, b] = [Math.floor((t - 1) / 2), (t - 1) % 2];
    return total(pixels(a, b).map(({ c, y, x, i }) => picture.data[i] * at("patches", w, c, y, x)));
  }),
);

describe.each(METHODS)("%s", (method) => {
  test.each([
    ["the first token", first, readFirst],
    ["the mean of the tokens", mean, readMean],
  ] as const)("of ids, read from %s", async (_name, end, read) => {
    using model = await load(file([...ids, ...blocks, ...end]));
    const found = await attribute(model, idsOf(text), { method, target: 1 });
    const r = reference(method, rows, read, 1);
    const expected = read === readFirst ? r[0] : r[0].map((_, j) => total(r.map((values) => values[j])) / T);
    expectClose(found.relevance.data, expected, 2e-6);
    expect(found.relevance.dims).toEqual([1, T]);
    expect(found.inputs.ids).toBe(found.relevance);
    expect(found.notes.join()).toBe(
      read === readFirst ? "" : "The score is read from 5 tokens, whose relevance is averaged.",
    );
    expect([found.targets[0][0].index, found.rules, found.stability.verdict]).toEqual([1, [], "unjudged"]);
  });

  test("of a picture: spread over the pixels of each patch", async () => {
    using model = await load(file([...image, ...blocks, ...first], { inputs: IMAGE }));
    const { relevance } = await attribute(model, picture, { method, target: 2 });
    const [r] = reference(method, patches, readFirst, 2);
    const expected = new Float64Array(48);
    for (const [a, b] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])
      for (const { i } of pixels(a, b)) expected[i] = r[1 + 2 * a + b] / 12;
    expectClose(relevance.data, expected, 2e-6);
  });

  test.each<[string, readonly FileNode[], Partial<FileGraph>, Input, string]>([
    [
      "no attention",
      [...ids, row("Gather", "x0 zero", "read", { axis: 1 })],
      {},
      idsOf(text),
      "a network with attention, got one without",
    ],
    [
      "other tokens",
      [
        ...ids,
        row("Gather", "words more", "from"),
        ...attended(0, "x0", "from"),
        row("Gather", "r0 zero", "read", { axis: 1 }),
      ],
      { inputs: { ...IDS, more: [1, 3] }, types: { ids: 7, more: 7 } },
      { ...(idsOf(text) as object), more: { data: [1, 2, 3], dims: [1, 3] } } as Input,
      "self-attention, of the same tokens in every layer, got node 'z0' with weights f32[1, 3, 5, 3]",
    ],
    [
      "side by side",
      [
        ...ids,
        ...attended(0, "x0"),
        ...attended(1, "x0"),
        row("Add", "r0 r1", "both"),
        row("Gather", "both zero", "read", { axis: 1 }),
      ],
      {},
      idsOf(text),
      "layers one behind the other, got node 'z1', which does not read 'z0'",
    ],
    [
      "a convolution behind",
      [
        ...ids,
        ...blocks,
        row("Conv", `x${L} along`, "mixed", { pads: [1, 1] }),
        row("Gather", "mixed zero", "read", { axis: 1 }),
      ],
      {},
      idsOf(text),
      "tokens that meet in attention only, got node 'mixed' (Conv)",
    ],
    [
      "patches that overlap",
      [
        row("Conv", "image patches", "grid", { kernel_shape: [3, 2], strides: [3, 1], pads: [0, 0, 0, 1] }),
        row("Reshape", "grid flat", "list"),
        row("Transpose", "list", "x0", { perm: [0, 2, 1] }),
        ...blocks,
        ...first,
      ],
      { inputs: { image: [1, 2, 3, 4] } },
      { data: picture.data.slice(24), dims: [1, 2, 3, 4] },
      "tokens that are each made from numbers of their own, got number 1 of 'image' in 2 of 4 tokens",
    ],
    [
      "windows",
      [
        row("Reshape", "image halves", "apart"),
        row("Conv", "apart patches", "grid", { kernel_shape: [3, 2], strides: [3, 2] }),
        row("Reshape", "grid flat", "list"),
        row("Transpose", "list", "x0", { perm: [0, 2, 1] }),
        ...attended(0, "x0"),
        row("ReduceMean", "r0", "both", { axes: [0], keepdims: 1 }),
        row("Gather", "both zero", "read", { axis: 1 }),
      ],
      { inputs: IMAGE },
      picture,
      "tokens that are each made from numbers of their own, got ones that differ from head to head",
    ],
  ])("is refused: %s", async (_name, nodes, more, input, message) => {
    using model = await load(file(nodes, more));
    expect(await refusal(() => attribute(model, input, { method }))).toContain(message);
  });
});
