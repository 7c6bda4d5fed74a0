import { describe, expect, it } from "vitest";
import { composites, type ExplainOptions, type Input, ruleOf } from "../../src/entries/index.ts";
import "../../src/entries/operators.ts";
import { expectClose, total } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

const INT64 = 7;
const FLOAT = 1;
const [N, S, V, H] = [2, 3, 7, 5];
const words = tensor([V, H], 1);
const scores = tensor([S * H, 2], 2);
const given = [4, 0, 6, 6, 1, 3];
const list = (dims: readonly number[], ...data: number[]): FileTensor => ({ dims, data });
const floats = (dims: readonly number[], ...data: number[]): FileTensor => ({ dims, data: Float32Array.from(data) });

/** What `made` has computed are rows of words, of which two scores are. */
function textFile(
  nodes: readonly FileNode[],
  made = "at",
  {
    initializers = {},
    inputs = { ids: ["n", S] },
    types = { ids: INT64 },
  }: {
    initializers?: Record<string, FileTensor>;
    inputs?: Record<string, (number | string)[]>;
    types?: Record<string, number>;
  } = {},
) {
  const isRow = made === "rows";
  return onnx({
    nodes: [
      ...nodes,
      ...(isRow ? [] : [{ type: "Gather", inputs: ["words", made], outputs: ["rows"] }]),
      { type: "Tanh", inputs: ["rows"], outputs: ["a"] },
      { type: "Flatten", inputs: ["a"], outputs: ["f"] },
      { type: "MatMul", inputs: ["f", "scores"], outputs: ["y"] },
    ],
    initializers: { words, scores, ...initializers },
    inputs,
    outputs: { y: ["n", 2] },
    types,
  });
}

/** The two scores of each sample, from its rows. */
const scoresOf = (rows: readonly number[]) =>
  Array.from({ length: 2 * N }, (_, i) =>
    total(
      rows
        .slice(Math.floor(i / 2) * S * H, (Math.floor(i / 2) + 1) * S * H)
        .map((v, k) => Math.tanh(v) * scores.data[2 * k + (i % 2)]),
    ),
  );

async function explained(file: Uint8Array, input: Input, options: ExplainOptions = {}) {
  using model = await loadInMode(file);
  return model.explain(input, { target: 1, composite: "epsilon", ...options });
}

const plain = textFile([{ type: "Identity", inputs: ["ids"], outputs: ["at"] }]);
const ids = (data: readonly number[] = given) => ({ dims: [N, S], data: BigInt64Array.from(data, BigInt) });

describe("ids that are computed", () => {
  const cast = (to: number, from: string, out: string): FileNode => ({
    type: "Cast",
    inputs: [from],
    outputs: [out],
    attributes: { to },
  });
  const node = (type: string, inputs: readonly string[], ...outputs: string[]): FileNode => ({ type, inputs, outputs });
  const two = { two: list([], 2), seven: list([], 7), zero: list([], 0), one: list([1], 1) };

  it.each<[string, readonly FileNode[], (id: number) => number]>([
    ["Cast, twice", [cast(6, "ids", "i"), cast(INT64, "i", "at")], (v) => v],
    [
      "floats between",
      [cast(FLOAT, "ids", "g"), node("Neg", ["g"], "h"), node("Neg", ["h"], "i"), cast(INT64, "i", "at")],
      (v) => v,
    ],
    [
      "Add, and what is left of a division",
      [node("Add", ["ids", "two"], "i"), node("Mod", ["i", "seven"], "at")],
      (v) => (v + 2) % 7,
    ],
    [
      "Clip",
      [node("Clip", ["ids", "two", "seven"], "j"), node("Min", ["j", "five"], "at")],
      (v) => Math.min(Math.max(v, 2), 5),
    ],
    [
      "Where of a comparison",
      [node("Equal", ["ids", "two"], "is"), node("Where", ["is", "zero", "ids"], "at")],
      (v) => (v === 2 ? 0 : v),
    ],
    [
      "Where that takes a constant",
      [node("Greater", ["ids", "two"], "is"), node("Where", ["is", "zero", "ids"], "at")],
      (v) => (v > 2 ? 0 : v),
    ],
    ["products", [node("Mul", ["ids", "two"], "i"), node("Div", ["i", "two"], "at")], (v) => v],
    [
      "moves",
      [
        node("Reshape", ["ids", "flat"], "i"),
        node("Unsqueeze", ["i", "one"], "j"),
        node("Reshape", ["j", "like"], "at"),
      ],
      (v) => v,
    ],
    ["a table of integers", [node("Gather", ["other", "ids"], "at")], (v) => 6 - v],
  ])("%s: the relevance is that of the rows", async (_, nodes, of) => {
    const initializers = {
      ...two,
      five: list([], 5),
      flat: list([1], -1),
      like: list([2], -1, S),
      other: list([7], 6, 5, 4, 3, 2, 1, 0),
    };
    const e = await explained(textFile(nodes, "at", { initializers }), ids());
    const same = await explained(plain, ids(given.map(of)));
    expect(e.output).toEqual(same.output);
    expect(e.relevance).toEqual(same.relevance);
    expect(e.notes).toEqual(same.notes);
    expect(e.ledger.every(({ gap, magnitude }) => Math.abs(gap) <= 1e-6 * magnitude)).toBe(true);
  });

  it("of several inputs, all goes to the first, and a note says so", async () => {
    const nodes = [node("Mul", ["more", "mask"], "i"), node("Add", ["i", "ids"], "at")];
    const inputs = { ids: ["n", S], mask: ["n", S], more: ["n", S] };
    const file = textFile(nodes, "at", { inputs, types: { ids: INT64, mask: INT64, more: INT64 } });
    const [first, mask, more] = [
      [1, 0, 2, 3, 0, 1],
      [1, 1, 0, 1, 0, 1],
      [3, 2, 5, 1, 4, 2],
    ];
    const e = await explained(file, { ids: ids(first), mask: ids(mask), more: ids(more) });
    const same = await explained(plain, ids(first.map((v, i) => v + mask[i] * more[i])));
    expect(e.inputs.ids).toEqual(same.relevance);
    for (const name of ["mask", "more"]) expect(e.inputs[name].data).toEqual(new Float32Array(N * S));
    expect(e.notes).toEqual([
      "node 'rows' (Gather) is a table whose rows 'ids', 'mask' and 'more' choose together: all relevance goes to the first of them.",
    ]);
  });

  it("of several inputs one behind the other, each has its own", async () => {
    const file = textFile([{ ...node("Concat", ["ids", "more"], "at"), attributes: { axis: 1 } }], "at", {
      inputs: { ids: ["n", 1], more: ["n", 2] },
      types: { ids: INT64, more: INT64 },
    });
    const part = (from: number, to: number) => ({
      dims: [N, to - from],
      data: [...given.slice(from, to), ...given.slice(S + from, S + to)],
    });
    const e = await explained(file, { ids: part(0, 1), more: part(1, 3) });
    const { data } = (await explained(plain, ids())).relevance;
    expect([...e.inputs.ids.data]).toEqual([data[0], data[3]]);
    expect([...e.inputs.more.data]).toEqual([data[1], data[2], data[4], data[5]]);
    expect(e.notes).toEqual([]);
  });

  it("positions that are counted from the words: both tables are the words'", async () => {
    const nodes = [
      node("Equal", ["ids", "zero"], "is"),
      node("Not", ["is"], "isNot"),
      cast(INT64, "isNot", "ones"),
      node("CumSum", ["ones", "last"], "counted"),
      node("Mul", ["counted", "ones"], "places"),
      node("Gather", ["words", "ids"], "w"),
      node("Gather", ["positions", "places"], "p"),
      node("Add", ["w", "p"], "rows"),
    ];
    const positions = tensor([S + 1, H], 5);
    const initializers = { ...two, last: list([], 1), positions };
    const e = await explained(textFile(nodes, "rows", { initializers }), ids(), { at: ["w", "p"] });
    expect(e.shares).toEqual({});
    const rows = Array.from({ length: N * S }, (_, i) =>
      total(["w", "p"].flatMap((v) => [...e.at[v].data.subarray(i * H, i * H + H)])),
    );
    expectClose(e.relevance.data, rows, 1e-6);
  });

  it("as floats, which a file may want", async () => {
    const file = textFile([cast(INT64, "ids", "at")], "at", { types: { ids: FLOAT } });
    const e = await explained(file, { dims: [N, S], data: Float32Array.from(given) });
    expect(e.relevance.data).toEqual((await explained(plain, ids())).relevance.data);
  });

  it("arithmetic of integers that are no ids shares by what each is", async () => {
    const file = onnx({
      nodes: [node("Add", ["x", "two"], "i"), cast(FLOAT, "i", "f"), node("MatMul", ["f", "w"], "y")],
      initializers: { ...two, w: tensor([3, 1], 3) },
      inputs: { x: ["n", 3] },
      outputs: { y: ["n", 1] },
      types: { x: INT64 },
    });
    const e = await explained(file, { dims: [1, 3], data: [1, 2, 6] }, { target: 0, at: ["i"] });
    const r = Array.from(e.at.i.data);
    expectClose(e.relevance.data, [r[0] / 3, r[1] / 2, (r[2] * 3) / 4], 1e-5);
  });
});

describe("a matrix times columns of zeros and ones", () => {
  const range = [...Array(V).keys()];
  const cast: FileNode = { type: "Cast", inputs: ["is"], outputs: ["columns"], attributes: { to: FLOAT } };
  const multiply: FileNode = { type: "MatMul", inputs: ["columns", "words"], outputs: ["rows"] };
  const equal = (to: readonly number[], inputs = ["all", "each"]) =>
    textFile(
      [
        { type: "Unsqueeze", inputs: ["ids", "last"], outputs: ["each"] },
        { type: "Equal", inputs, outputs: ["is"] },
        cast,
        multiply,
      ],
      "rows",
      { initializers: { last: list([1], -1), all: list([V], ...to) } },
    );
  const oneHot = (values: FileTensor, attributes = {}) =>
    textFile(
      [{ type: "OneHot", inputs: ["ids", "depth", "values"], outputs: ["columns"], attributes }, multiply],
      "rows",
      {
        initializers: { depth: list([], V), values },
      },
    );

  const files: readonly [string, Uint8Array][] = [
    ["Equal", equal(range)],
    ["Equal, the other way round", equal(range, ["each", "all"])],
    ["OneHot", oneHot(floats([2], 0, 1))],
  ];

  it.each(files)("%s: chooses rows, under every composite", async (type, file) => {
    using model = await loadInMode(file);
    using like = await loadInMode(plain);
    expect(model.predict(ids())).toEqual(like.predict(ids()));
    for (const { name, required } of composites) {
      if (required) continue;
      const [e, same] = [model, like].map((of) => of.explain(ids(), { target: 0, composite: name }));
      expect(e.relevance, name).toEqual(same.relevance);
    }
    const { text } = model.inspect();
    expect(text).toContain(
      `Gather(words: f32[7, 5], ${type === "OneHot" ? "ids" : "each"})  # rows that ${type.replace(/,.*/, "")} '`,
    );
    expect(text).not.toMatch(/= (Equal|OneHot|Cast)\(/);
    // Beyond the table there are zeros; from its end OneHot counts alone.
    const strays = [7, 100, -1, -7, -8, 2];
    const rows = strays.map((id) => (type === "OneHot" && id < 0 && id >= -V ? id + V : id));
    const e = model.explain(ids(strays), { target: 1, at: ["rows"] });
    const want = rows.flatMap((id) => Array.from({ length: H }, (_, h) => words.data[id * H + h] ?? 0));
    expectClose(e.output.data, scoresOf(want), 1e-6);
    expect(e.ledger.every(({ gap, magnitude }) => Math.abs(gap) <= 1e-6 * magnitude)).toBe(true);
  });

  /** What relevance of one score passes, and the words' relevance. */
  async function wayOf(file: Uint8Array) {
    using model = await loadInMode(file);
    const { relevance, rules } = model.explain(ids(), { target: 1, composite: "epsilon" });
    return { relevance, types: rules.map(({ type }) => type) };
  }

  it("near misses stay what they are: another list, other values, columns along another axis", async () => {
    for (const file of [equal([1, 0, 2, 3, 4, 5, 6]), oneHot(floats([2], 0, 2)), oneHot(floats([2], 0.5, 1))])
      expect((await wayOf(file)).types).toContain("MatMul");
    const turned = textFile(
      [
        { type: "OneHot", inputs: ["ids", "depth", "values"], outputs: ["o"], attributes: { axis: 1 } },
        { type: "Transpose", inputs: ["o"], outputs: ["columns"], attributes: { perm: [0, 2, 1] } },
        multiply,
      ],
      "rows",
      { initializers: { depth: list([], V), values: floats([2], 0, 1) } },
    );
    const { types, relevance } = await wayOf(turned);
    expect(types).toContain("OneHot");
    // ε shares by what each column contributes, and only the one that is 1 does.
    expectClose(relevance.data, (await wayOf(plain)).relevance.data, 1e-4);
  });

  it("columns that are flattened are a dense layer's, and the relevance of a column is its id's", async () => {
    const wide = tensor([S * V, 2], 6);
    const file = onnx({
      nodes: [
        { type: "Unsqueeze", inputs: ["ids", "last"], outputs: ["each"] },
        { type: "Equal", inputs: ["each", "all"], outputs: ["is"] },
        cast,
        { type: "Flatten", inputs: ["columns"], outputs: ["f"] },
        { type: "MatMul", inputs: ["f", "wide"], outputs: ["y"] },
      ],
      initializers: { last: list([1], -1), all: list([V], ...range), wide },
      inputs: { ids: ["n", S] },
      outputs: { y: ["n", 2] },
      types: { ids: INT64 },
    });
    using model = await loadInMode(file);
    const e = model.explain(ids(), { composite: [{ rule: ruleOf.epsilon({ epsilon: 1e-9 }) }], target: 1 });
    const want = given.map((id, i) => wide.data[2 * ((i % S) * V + id) + 1]);
    expectClose(e.relevance.data, want, 1e-5);
  });
});
