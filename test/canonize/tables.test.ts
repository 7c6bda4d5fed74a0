import { describe, expect, it } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { expectClose, total } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

const INT64 = 7;
const [N, S, H, K, C] = [2, 5, 3, 7, 2];
const words = tensor([11, H], 1, 0.2, 1);
const places = tensor([13, H], 2, 0.2, 1);
const [hidden, bias] = [tensor([H, K], 3), tensor([K], 4)];
const scores = tensor([S * K, C], 5);
const ids = [3, 0, 10, 3, 7, 1, 1, 9, 2, 5];
const input = { dims: [N, S], data: BigInt64Array.from(ids, BigInt) };
const list = (dims: readonly number[], ...data: number[]): FileTensor => ({ dims, data });

const composite = [
  { type: "dense", rule: ruleOf.epsilon({ epsilon: 1e-9 }) },
  { type: "sum", rule: ruleOf.norm({ epsilon: 1e-9 }) },
  { type: "bilinear", rule: ruleOf.product("half") },
  { rule: ruleOf.pass() },
];

/**
 * Words, and rows of positions added to them, a dense layer, ReLU, and a dense layer of all; relevance of one score for
 * each sample, term by term in double precision, every ε at 0.
 */
function reference(position: (s: number) => ArrayLike<number>, scale: number, c: number) {
  const [word, place] = [new Float64Array(N * S), new Float64Array(N * S)];
  let score = 0;
  for (let n = 0; n < N; n++)
    for (let s = 0; s < S; s++) {
      const a = Array.from({ length: H }, (_, h) => words.data[ids[n * S + s] * H + h] * scale);
      const b = Array.from(position(s));
      const x = a.map((v, h) => v + b[h]);
      for (let k = 0; k < K; k++) {
        const terms = x.map((v, h) => v * hidden.data[h * K + k]);
        const z = total(terms) + bias.data[k];
        const out = Math.max(z, 0) * scores.data[(s * K + k) * C + c];
        score += out;
        if (z <= 0) continue;
        terms.forEach((term, h) => {
          const r = (term / z) * out;
          word[n * S + s] += (a[h] / x[h]) * r;
          place[n * S + s] += (b[h] / x[h]) * r;
        });
      }
    }
  return { word, place, score };
}

/** A file of that network. @param added what is added to the words, made by these nodes */
function file(
  nodes: readonly FileNode[],
  added: string,
  initializers: Record<string, FileTensor>,
  more: Partial<FileGraph> = {},
) {
  return onnx({
    nodes: [
      { type: "Gather", inputs: ["words", "ids"], outputs: ["w"] },
      ...nodes,
      { type: "Add", inputs: [added, "scaled"], outputs: ["x"] },
      { type: "MatMul", inputs: ["x", "hidden"], outputs: ["z"] },
      { type: "Add", inputs: ["z", "bias"], outputs: ["b"] },
      { type: "Relu", inputs: ["b"], outputs: ["a"] },
      { type: "Flatten", inputs: ["a"], outputs: ["f"] },
      { type: "MatMul", inputs: ["f", "scores"], outputs: ["y"] },
    ],
    initializers: { words, hidden, bias, scores, ...initializers },
    inputs: { ids: ["n", "s"] },
    outputs: { y: ["n", C] },
    types: { ids: INT64 },
    ...more,
  });
}

const plain: FileNode = { type: "Identity", inputs: ["w"], outputs: ["scaled"] };
const row = (s: number) => places.data.subarray(s * H, s * H + H);
const chosen = [4, 0, 12, 1, 4];
const fixed = tensor([S, H], 6, 0.2, 1);

/** Ways in which exporters come by the rows of positions, and which rows these are. */
const spellings: readonly [
  name: string,
  nodes: readonly FileNode[],
  share: string,
  row: (s: number) => ArrayLike<number>,
  initializers?: Record<string, FileTensor>,
][] = [
  [
    "Gather by constant ids",
    [{ type: "Gather", inputs: ["places", "at"], outputs: ["p"] }],
    "places",
    (s) => row(chosen[s]),
    { at: list([S], ...chosen) },
  ],
  [
    "a buffer that is cut to the length, then Gather",
    [
      { type: "Shape", inputs: ["ids"], outputs: ["dims"] },
      { type: "Gather", inputs: ["dims", "one"], outputs: ["length"] },
      { type: "Unsqueeze", inputs: ["length", "zero"], outputs: ["end"] },
      { type: "Slice", inputs: ["buffer", "zero", "end", "one1"], outputs: ["at"] },
      { type: "Gather", inputs: ["places", "at"], outputs: ["p"] },
    ],
    "places",
    row,
    { buffer: list([1, 13], ...Array(13).keys()), one: list([], 1), one1: list([1], 1), zero: list([1], 0) },
  ],
  [
    "a slice of the table",
    [
      { type: "Slice", inputs: ["places", "from", "to"], outputs: ["cut"] },
      { type: "Unsqueeze", inputs: ["cut", "zero"], outputs: ["p"] },
    ],
    "places",
    (s) => row(s + 2),
    { from: list([1], 2), to: list([1], 2 + S), zero: list([1], 0) },
  ],
  [
    "Range, and spread over the samples",
    [
      { type: "Shape", inputs: ["ids"], outputs: ["dims"] },
      { type: "Gather", inputs: ["dims", "one"], outputs: ["length"] },
      { type: "Range", inputs: ["nought", "length", "one"], outputs: ["at"] },
      { type: "Expand", inputs: ["at", "dims"], outputs: ["each"] },
      { type: "Gather", inputs: ["places", "each"], outputs: ["p"] },
    ],
    "places",
    row,
    { nought: list([], 0), one: list([], 1) },
  ],
  ["a table that is as long", [], "p", (s) => fixed.data.subarray(s * H, s * H + H), { p: fixed }],
];

describe("tables that no input chooses from", () => {
  it.each(spellings)("%s", async (_, nodes, share, position, initializers = {}) => {
    const bytes = file([plain, ...nodes], "p", { places, ...initializers });
    using model = await loadInMode(bytes);
    const options = { composite, target: 1, at: ["x", share] };
    const e = model.explain(input, options);
    const { word, place, score } = reference(position, 1, 1);
    expect(Object.keys(e.shares)).toEqual([share]);
    expect(e.shares[share]).toMatchObject({ dims: [N, S], batchAxis: 0 });
    expect(e.inputs.ids).toMatchObject({ dims: [N, S], batchAxis: 0 });
    expectClose([total(e.targets.flat().map(({ score }) => score))], [score], 1e-6);
    expect(e.at[share]).toBe(e.shares[share]);
    expectClose(e.inputs.ids.data, word, 1e-5);
    expectClose(e.shares[share].data, place, 1e-5);
    // What arrives is what comes to the sum, and nothing is left in its books.
    expectClose([total(e.relevance.data) + total(e.shares[share].data)], [total(e.at.x.data)], 1e-5);
    expect(e.ledger.every(({ other, gap, magnitude }) => other === 0 && Math.abs(gap) <= 1e-5 * magnitude)).toBe(true);
    expect(e.stability.arrived).toBeCloseTo((total(word) + total(place)) / score, 4);
    // Each sample has its own.
    for (const n of [0, 1]) {
      const one = model.explain({ dims: [1, S], data: input.data.subarray(n * S, n * S + S) }, options);
      expectClose(one.shares[share].data, place.subarray(n * S, n * S + S), 1e-5);
    }
    const [first, second] = model.explainEach(input, [0, 1], { composite });
    expect(second.shares).toEqual(e.shares);
    expectClose(first.shares[share].data, reference(position, 1, 0).place, 1e-5);
    expect(model.inspect({ dims: [N, S] }).text).toContain(`rows of '${share}', which no input chooses`);
  });

  it("behind a scale, and of one word", async () => {
    const scaled: FileNode = { type: "Mul", inputs: ["w", "factor"], outputs: ["scaled"] };
    const at: FileNode = { type: "Gather", inputs: ["places", "at"], outputs: ["p"] };
    const more = { places, factor: { dims: [], data: Float32Array.of(1.75) }, at: list([1, S], 0, 1, 2, 3, 4) };
    using model = await loadInMode(file([scaled, at], "p", more));
    const e = model.explain(input, { composite, target: 0 });
    const { word, place } = reference(row, 1.75, 0);
    expectClose(e.inputs.ids.data, word, 1e-5);
    expectClose(e.shares.places.data, place, 1e-5);
    const [one] = [tensor([K, C], 8)];
    using short = await loadInMode(file([plain, at], "p", { ...more, at: list([1, 1], 6), scores: one }));
    const { shares, ledger } = short.explain({ dims: [1, 1], data: [4] }, { composite, target: 0 });
    expect(shares.places.dims).toEqual([1, 1]);
    expect(shares.places.data[0]).not.toBe(0);
    expect(ledger.every(({ other }) => other === 0)).toBe(true);
  });

  /** The shares of a graph of ids, of which something is added. */
  async function sharesOf(nodes: readonly FileNode[], initializers: Record<string, FileTensor>, s = S) {
    const bytes = onnx({
      nodes: [{ type: "Gather", inputs: ["words", "ids"], outputs: ["w"] }, ...nodes],
      initializers: { words, ...initializers },
      inputs: { ids: [1, s] },
      outputs: { y: [] },
      types: { ids: INT64 },
    });
    using model = await loadInMode(bytes);
    const given = { dims: [1, s], data: ids.slice(0, s) };
    const count = model.predict(given).output.data.length;
    const { shares, ledger } = model.explain(given, { composite, target: numbers(count, 9), start: "one" });
    return { shares, other: total(ledger.map((row) => row.other)) };
  }
  const add = (...inputs: string[]): FileNode => ({
    type: "Add",
    inputs,
    outputs: [inputs.length > 2 ? inputs[2] : "y"],
  });

  it("is none: a bias, behind a layer or not, and what is added to something else than words", async () => {
    const layer: FileNode = { type: "MatMul", inputs: ["w", "square"], outputs: ["l"] };
    const square = tensor([H, H], 10);
    const pick: FileNode = { type: "Gather", inputs: ["biases", "second"], outputs: ["b"] };
    const biases = { biases: tensor([4, H], 11), second: list([1], 2) };
    for (const [nodes, initializers, s] of [
      [[add("w", "b")], { b: tensor([H], 12) }, S],
      [[add("w", "b")], { b: tensor([1, 1, H], 12) }, S],
      [[add("w", "b")], { b: tensor([1, 1, H], 12) }, 1],
      [[layer, pick, add("l", "b")], { square, ...biases }, S],
      [[layer, pick, add("l", "b")], { square, ...biases }, 1],
      [
        [
          { type: "Transpose", inputs: ["w"], outputs: ["t"], attributes: { perm: [0, 2, 1] } },
          { type: "MatMul", inputs: ["w", "t"], outputs: ["q"] },
          add("q", "b"),
        ],
        { b: tensor([S, S], 12) },
        S,
      ],
    ] as const)
      expect((await sharesOf(nodes, initializers as never, s)).shares).toEqual({});
  });

  it("is one behind a layer too, where it has a row for each place; and a row that was chosen", async () => {
    const layer: FileNode = { type: "MatMul", inputs: ["w", "square"], outputs: ["l"] };
    const square = tensor([H, H], 10);
    const { shares, other } = await sharesOf([layer, add("l", "p")], { square, p: fixed });
    expect(Object.keys(shares)).toEqual(["p"]);
    expect(other).toBe(0);
    const pick: FileNode = { type: "Gather", inputs: ["types", "first"], outputs: ["t"] };
    const one = await sharesOf([pick, add("w", "t")], { types: tensor([2, H], 11), first: list([1, 1], 0) });
    expect(Object.keys(one.shares)).toEqual(["types"]);
    expect(one.shares.types.dims).toEqual([1, S]);
  });

  it("of two tables that are added to each other first, the share has both names", async () => {
    const nodes: FileNode[] = [
      { type: "Gather", inputs: ["places", "at"], outputs: ["p"] },
      { type: "Gather", inputs: ["types", "kind"], outputs: ["t"] },
      { type: "Add", inputs: ["p", "t"], outputs: ["both"] },
      add("both", "w"),
    ];
    const initializers = {
      places,
      types: tensor([2, H], 11),
      at: list([S], 0, 1, 2, 3, 4),
      kind: list([1, S], 0, 0, 1, 1, 0),
    };
    expect(Object.keys((await sharesOf(nodes, initializers)).shares)).toEqual(["places + types"]);
  });

  it("is laid out like the input whose rows it is added to, by transposing, reshaping and cutting too", async () => {
    const w: FileNode[] = [
      { type: "Slice", inputs: ["w", "two", "end", "one"], outputs: ["cut"] },
      { type: "Transpose", inputs: ["cut"], outputs: ["turned"], attributes: { perm: [1, 0, 2] } },
      { type: "Reshape", inputs: ["turned", "flat"], outputs: ["rows"] },
      add("rows", "p"),
    ];
    const p = tensor([3, H], 6, 0.2, 1);
    const { shares } = await sharesOf(w, {
      p,
      two: list([1], 2),
      end: list([1], 9),
      one: list([1], 1),
      flat: list([2], 3, H),
    });
    expect(shares.p.dims).toEqual([1, S]);
    const r = numbers(3 * H, 9);
    const want = Array.from({ length: S }, (_, s) =>
      total(
        Array.from({ length: s < 2 ? 0 : H }, (_, h) => {
          const [a, b] = [words.data[ids[s] * H + h], p.data[(s - 2) * H + h]];
          return (b / (a + b)) * r[(s - 2) * H + h];
        }),
      ),
    );
    expectClose(shares.p.data, want, 1e-6);
  });

  it("that is added for two inputs has a share for each", async () => {
    const more: FileNode[] = [
      { type: "Gather", inputs: ["words", "more"], outputs: ["m"] },
      { type: "Slice", inputs: ["places", "zero", "five"], outputs: ["p"] },
      { type: "Slice", inputs: ["places", "zero", "four"], outputs: ["q"] },
      { type: "Add", inputs: ["w", "p"], outputs: ["a"] },
      { type: "Add", inputs: ["m", "q"], outputs: ["b"] },
      { type: "Concat", inputs: ["a", "b"], outputs: ["y"], attributes: { axis: 1 } },
    ];
    const initializers = { places, zero: list([1], 0), four: list([1], 4), five: list([1], 5) };
    const bytes = onnx({
      nodes: [{ type: "Gather", inputs: ["words", "ids"], outputs: ["w"] }, ...more],
      initializers: { words, ...initializers },
      inputs: { ids: [1, 5], more: [1, 4] },
      outputs: { y: [] },
      types: { ids: INT64, more: INT64 },
    });
    using model = await loadInMode(bytes);
    const given = { ids: { dims: [1, 5], data: [1, 2, 3, 4, 5] }, more: { dims: [1, 4], data: [5, 6, 7, 8] } };
    const { shares } = model.explain(given, { composite, target: new Float32Array(9 * H).fill(1), start: "one" });
    expect(Object.entries(shares).map(([name, { dims }]) => [name, dims])).toEqual([
      ["places", [1, 5]],
      ["places (more)", [1, 4]],
    ]);
  });

  it("is none where no ids choose: positions of pictures stay in the ledger", async () => {
    const bytes = onnx({
      nodes: [
        { type: "MatMul", inputs: ["patches", "square"], outputs: ["w"] },
        { type: "Add", inputs: ["w", "p"], outputs: ["y"] },
      ],
      initializers: { square: tensor([H, H], 10), p: fixed },
      inputs: { patches: ["n", S, H] },
      outputs: { y: ["n", S, H] },
    });
    using model = await loadInMode(bytes);
    const { shares, ledger } = model.explain(tensor([1, S, H], 11), { composite, target: { class: 0, area: "all" } });
    expect(shares).toEqual({});
    expect(total(ledger.map((row) => row.other))).not.toBe(0);
  });
});
