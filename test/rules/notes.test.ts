import { describe, expect, it } from "vitest";
import {
  baseEntries,
  batchNormalization,
  type Composite,
  dense,
  type ExplainOptions,
  load,
  maxPool2d,
  relu,
  ruleOf,
  type Target,
} from "../../src/entries/index.ts";
import { network } from "../explain.ts";
import { onnx } from "../onnx-writer.ts";

/*
 * The notes on an explanation: when they are there, and what they say.
 */

const exact: Composite = [{ type: "dense", rule: ruleOf.lrp0() }, ...baseEntries()];
const row = (...data: number[]) => ({ dims: [1, data.length], data: Float32Array.from(data) });

/** y_j = x + b_j: of the relevance of y_j, x gets 1 / (1 + b_j) where x is 1. */
const absorbing = (...b: number[]) =>
  network(
    [1, 1],
    dense({
      weight: { dims: [b.length, 1], data: new Float32Array(b.length).fill(1) },
      bias: { dims: [b.length], data: Float32Array.from(b) },
    }),
  );

const said = (notes: readonly string[]) => notes.filter((note) => note.startsWith("Less than 1 %"));

describe("less than 1 % of the relevance reaches the input", () => {
  const notesOf = async (b: number[], target: Target, options: ExplainOptions = {}) => {
    using model = await load(absorbing(...b));
    return said(model.explain(row(1), { composite: exact, target, ...options }).notes);
  };

  it.each<[string, number[], Target]>([
    ["0.98 %", [101], 0],
    ["0.98 % of a logit below 0", [-103], 0],
    ["0.98 % of one class, with a weight", [101, 0], { 0: -2 }],
    // The score is 0, and what starts is 101 twice.
    ["0.98 % of two classes that are held against each other", [101, 101], { class: 0, against: 1 }],
  ])("is said of %s", async (_name, b, target) => {
    for (const start of ["logit", "one"] as const) expect(await notesOf(b, target, { start }), start).toHaveLength(1);
  });

  it.each<[string, number[], Target]>([
    ["1.01 %", [98], 0],
    ["1.01 % of a logit below 0", [-100], 0],
    ["1.01 % of one class, with a weight", [98, 1000], { 0: -2 }],
    ["all of it", [0], 0],
  ])("is not said of %s", async (_name, b, target) => {
    for (const start of ["logit", "one"] as const) expect(await notesOf(b, target, { start }), start).toEqual([]);
  });

  it("tells both numbers, each target its own", async () => {
    using model = await load(absorbing(499, 0));
    const [most, none] = model.explainEach(row(1), [0, 1], { composite: exact });
    expect(said(most.notes)).toEqual([
      "Less than 1 % of the relevance reaches the input (1.0 of 5.0e+2): the ledger shows where the rest went.",
    ]);
    expect(said(none.notes)).toEqual([]);
  });

  it("is of all samples of a batch together", async () => {
    using model = await load(absorbing(150));
    const share = (...data: number[]) =>
      said(model.explain({ dims: [data.length, 1], data: Float32Array.from(data) }, { composite: exact }).notes);
    // 1 of 151; 2 of 152; together 3 of 303.
    expect(share(1)).toHaveLength(1);
    expect(share(2)).toEqual([]);
    expect(share(1, 2)).toHaveLength(1);
    expect(share(1, 3)).toEqual([]);
  });

  it("is of the sum of what arrives at all inputs", async () => {
    // y = a − b + 200, for 2.5 and 2.25: 0.25 of 200.25; for 1.5 and −1.25: 2.75 of 202.75. Of a alone it is the other
    // way round: more than 1 %, and less.
    const bytes = onnx({
      nodes: [
        { type: "Sub", inputs: ["a", "b"], outputs: ["d"] },
        { type: "MatMul", inputs: ["d", "one"], outputs: ["e"] },
        { type: "Add", inputs: ["e", "most"], outputs: ["y"] },
      ],
      initializers: { one: row(1), most: { dims: [1], data: Float32Array.of(200) } },
      inputs: { a: [1, 1], b: [1, 1] },
      outputs: { y: [1, 1] },
    });
    using model = await load(bytes);
    const all: Composite = [{ type: ["dense", "sum"], rule: ruleOf.lrp0() }, ...baseEntries()];
    const notesAt = (a: number, b: number) => said(model.explain({ a: row(a), b: row(b) }, { composite: all }).notes);
    expect(notesAt(1.5, -1.25)).toEqual([]);
    expect(notesAt(2.5, 2.25)).toHaveLength(1);
  });

  it("is not said of slopes, which are no shares, but of a rule whose activations alone pass slopes", async () => {
    const tiny = dense({ weight: row(1e-4) });
    using model = await load(network([1, 1], tiny));
    expect(said(model.explain(row(1), { composite: "gradient" }).notes)).toEqual([]);
    using rectified = await load(
      network([1, 1], dense({ weight: row(1), bias: { dims: [1], data: Float32Array.of(150) } }), relu()),
    );
    const slopes: Composite = [{ type: "activation", rule: ruleOf.gradient() }, ...exact];
    expect(said(rectified.explain(row(1), { composite: slopes }).notes)).toHaveLength(1);
  });

  it("is not said where there is no relevance", async () => {
    using model = await load(absorbing(-1));
    expect(model.explain(row(1), { composite: exact }).notes).toEqual([]);
  });
});

describe("a node amplifies relevance", () => {
  /** y = a − b passes (a + b) / (a − b) times as much as it receives. */
  const difference = (name: string) => dense({ name, weight: { dims: [2, 2], data: Float32Array.of(1, -1, 0, 1) } });
  const amplified = async (a: number, b: number) => {
    using model = await load(network([1, 2], difference("first")));
    return model.explain(row(a, b), { composite: exact, target: 0, start: "one" }).notes;
  };

  it("beyond 30 times, not at 30", async () => {
    expect(await amplified(31, 29)).toEqual([]);
    expect(await amplified(31, 28.75)).toEqual([]);
    expect(await amplified(31, 29.25)).toHaveLength(1);
  });

  it("names the one that does most, and counts the others", async () => {
    // (2048 − 2016, 31) and 32 − 31: (32 + 31) / 1 times, then (2048 + 2016 + 31) / (32 + 31).
    const layers = [
      dense({ name: "first", weight: { dims: [2, 3], data: Float32Array.of(1, -1, 0, 0, 0, 1) } }),
      dense({ name: "second", weight: row(1, -1) }),
    ];
    using model = await load(network([1, 3], ...layers));
    const { notes, ledger } = model.explain(row(2048, 2016, 31), { composite: exact, start: "one" });
    expect(ledger.map(({ node, amplification }) => [node, amplification])).toEqual([
      ["second", 63],
      ["first", 65],
    ]);
    expect(notes).toEqual([
      expect.stringMatching(/^Warning: /),
      expect.stringMatching(
        /^node 'first' \(Gemm, lrp0\) amplifies relevance 65\.0-fold \(1 more do so more than 30-fold\), /,
      ),
    ]);
  });
});

describe("what is so at several nodes", () => {
  const unit = { dims: [3], data: new Float32Array(3).fill(1) };
  const none = { dims: [3], data: new Float32Array(3) };
  /** As DenseNet has it: normalization behind a ReLU, which no linear layer can take in. */
  const normalized = (count: number) =>
    network(
      [1, 3, 2, 2],
      ...Array.from({ length: count }, (_, i) => [
        relu(),
        batchNormalization({ name: `norm${i}`, scale: unit, shift: none, mean: none, variance: unit }),
      ]).flat(),
      relu(),
      maxPool2d({ kernel: 2 }),
    );
  const x = { dims: [1, 3, 2, 2], data: new Float32Array(12).fill(1) };

  it("is said once, with how many there are; rules and inspect name them", async () => {
    using model = await load(normalized(61));
    const said = [
      "each of the 61 BatchNormalization nodes (the first is 'norm0'; inspect lists them all) has no linear neighbour to be " +
        "folded into: relevance passes through it unchanged.",
    ];
    const { notes, rules } = model.explain(x, { target: { index: [0, 0, 0] } });
    expect(notes).toEqual(said);
    const each = "has no linear neighbour to be folded into: relevance passes through it unchanged";
    expect(rules.filter(({ note }) => note?.endsWith(each)).map(({ node }) => node)).toEqual(
      Array.from({ length: 61 }, (_, i) => `norm${i}`),
    );
    const inspection = model.inspect();
    expect(inspection.notes).toEqual(said);
    expect(inspection.nodes.filter(({ note }) => note?.endsWith(each))).toHaveLength(61);
    expect(inspection.text.split("\n").filter((line) => line.endsWith(each))).toHaveLength(61);
  });

  it("is said with its name of one alone", async () => {
    using model = await load(normalized(1));
    const { notes } = model.explain(x, { target: { index: [0, 0, 0] } });
    expect(notes).toEqual([
      "node 'norm0' (BatchNormalization) has no linear neighbour to be folded into: relevance passes through it unchanged.",
    ]);
  });

  it("is said once by inspect of what has no rule, too", async () => {
    const halves = { dims: [1, 3], data: new Float32Array(3).fill(0.5) };
    const nodes = Array.from({ length: 7 }, (_, i) => ({
      type: "Sin",
      inputs: [i === 0 ? "x" : `y${i - 1}`],
      outputs: [`y${i}`],
    }));
    using model = await load(onnx({ nodes, inputs: { x: [1, 3] }, outputs: { y6: [1, 3] } }));
    const { notes } = model.inspect();
    expect(notes).toEqual([
      expect.stringMatching(
        /^each of the 7 Sin nodes \(the first is 'y0'; inspect lists them all\): no rule passes relevance through it, since .*\.$/,
      ),
    ]);
    const passed = model.explain(halves, { unknown: "gradient", target: 0 });
    expect(passed.notes.filter((note) => note.includes("the 7 Sin nodes"))).toHaveLength(1);
  });
});
