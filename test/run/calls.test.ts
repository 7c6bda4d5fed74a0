import { describe, expect, it } from "vitest";
import {
  baseEntries,
  type Composite,
  dense,
  type ExplainOptions,
  type LoadOptions,
  load,
  type Model,
  relu,
  type Rule,
  ruleOf,
  type Tensor,
} from "../../src/entries/index.ts";
import { compileText } from "../../src/run/wasm.ts";
import { network } from "../explain.ts";
import { type FileNode, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { node } from "../rules/cases.ts";

/*
 * What a model keeps from call to call - plans, weights, the memory that they lie in - changes no result: whatever was
 * asked before, an answer is that of a model that was asked nothing else.
 */

const file = onnx({
  nodes: [
    node("Conv", ["x", "w1", "b1"], "c1", { pads: [1, 1, 1, 1] }),
    node("Relu", ["c1"], "r1"),
    node("LRN", ["r1"], "n1", { size: 3, alpha: { float: 2 } }),
    node("Conv", ["n1", "w2", "b2"], "c2", { pads: [1, 1, 1, 1] }),
    node("Add", ["c2", "r1"], "s"),
    node("Relu", ["s"], "r2"),
    node("GlobalAveragePool", ["r2"], "g"),
    node("Flatten", ["g"], "f"),
    node("Gemm", ["f", "w3", "b3"], "first", { transB: 1 }),
    node("Gemm", ["f", "w3", "b4"], "second", { transB: 1, alpha: { float: 0.5 } }),
  ],
  initializers: {
    w1: tensor([6, 3, 3, 3], 1),
    b1: tensor([6], 2),
    w2: tensor([6, 6, 3, 3], 3),
    b2: tensor([6], 4),
    w3: tensor([4, 6], 5),
    b3: tensor([4], 6),
    b4: tensor([4], 7),
  },
  inputs: { x: ["n", 3, "h", "w"] },
  outputs: { first: ["n", 4], second: ["n", 4] },
});

const one = (rule: Rule): Composite => [{ type: ["convolution", "dense"], rule }, ...baseEntries()];

/** Settings that differ in one thing each from another of them; some rules differ though their names do not. */
const settings: readonly ExplainOptions[] = [
  {},
  { composite: "epsilon" },
  { composite: "epsilon", epsilon: 0.25 },
  { composite: "epsilon", start: "one" },
  { composite: "epsilon", target: 2 },
  { composite: "epsilon", output: "second" },
  { composite: "epsilon", at: ["r1"] },
  { composite: "epsilon", at: ["r2"] },
  { composite: "epsilon", at: ["r1", "c2"] },
  { composite: "epsilon", at: ["c2", "r1"] },
  { composite: "epsilon", lrn: "identity" },
  { composite: "epsilon", sum: "ratio" },
  { composite: "epsilonAlpha2Beta1" },
  { composite: "epsilonAlpha2Beta1", alpha: 3 },
  { composite: "epsilonGammaBox", low: -1, high: 1 },
  { composite: "epsilonGammaBox", low: -2, high: 1 },
  { composite: "epsilonGammaBox", low: [-1, -2, -3], high: 1 },
  { composite: one(ruleOf.zPlus()) },
  { composite: one(ruleOf.zPlus({ bias: false })) },
  { composite: one(ruleOf.zPlus({ epsilon: 0.5 })) },
  { composite: one(ruleOf.zPlus({ epsilon: 0.5, stabilizer: "clip" })) },
  { composite: one(ruleOf.gamma({ gamma: 0.5 })) },
  { composite: one(ruleOf.wSquare()) },
  { composite: one(ruleOf.wSquare({ bias: false })) },
  { composite: "gradient" },
];

type Call = (model: Model, x: Tensor) => unknown;
const calls: readonly Call[] = [
  (model, x) => model.predict(x),
  ...settings.flatMap(({ target = "argmax", ...options }): Call[] => [
    (model, x) => model.explain(x, { ...options, target }),
    (model, x) => model.explainEach(x, [target, 1], options),
  ]),
];

const inputs = [tensor([1, 3, 5, 6], 11), tensor([1, 3, 5, 6], 12), tensor([2, 3, 5, 6], 13), tensor([1, 3, 6, 5], 14)];

/** Numbers from 0 to `below`, the same every time. */
function dice(below: number): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("whatever was asked before, the answer is the same", () => {
  it.each<[string, LoadOptions]>([
    ["weights kept", {}],
    ["weights repacked", { weights: "repacked" }],
  ])("%s", async (_name, options) => {
    const known = new Map<string, unknown>();
    const alone = async (call: number, input: number) => {
      const key = `${call} ${input}`;
      if (!known.has(key)) {
        using model = await load(file, options);
        known.set(key, calls[call](model, inputs[input]));
      }
      return known.get(key);
    };
    using model = await load(file, options);
    const [callAt, inputAt] = [dice(calls.length), dice(2 * inputs.length)];
    for (let round = 0; round < 120; round++) {
      // Mostly the same shape: another one gives up everything.
      const [call, input] = [callAt(), Math.max(0, inputAt() - inputs.length)];
      const now = calls[call](model, inputs[input]);
      expect(now, `round ${round}, call ${call}, input ${input}`).toEqual(await alone(call, input));
    }
  });

  it("each setting after each other", async () => {
    const [x] = inputs;
    const some = settings.filter(({ at }) => at === undefined);
    using model = await load(file);
    const fresh = await Promise.all(
      some.map(async (options) => {
        using own = await load(file);
        return own.explain(x, options).relevance.data;
      }),
    );
    for (const [i, first] of some.entries()) {
      for (const [k, second] of some.entries()) {
        model.explain(x, first);
        expect(model.explain(x, second).relevance.data, `${i}, ${k}`).toEqual(fresh[k]);
      }
    }
  });
});

describe("in a memory that holds the weights of one rule alone", () => {
  // 640 kB, and as much again for each rule that reads them squared, as ones, or with a sign.
  const large = network([1, 512], dense({ weight: tensor([320, 512], 1), bias: tensor([320], 2) }), relu());
  const x = tensor([1, 512], 3);
  const rules = [ruleOf.wSquare(), ruleOf.flat(), ruleOf.zPlus()];

  it("rules take turns", async () => {
    using any = await load(large);
    const expected = rules.map((rule) => any.explain(x, { composite: one(rule) }));
    using small = await load(large, { maxMemory: 65536 });
    const needs = rules.map((rule) => {
      try {
        return small.explain(x, { composite: one(rule) });
      } catch (error) {
        return Number(/it would take (\d+) bytes/.exec((error as Error).message)![1]);
      }
    });
    using tight = await load(large, { maxMemory: Math.max(...(needs as number[])) });
    for (const i of [0, 1, 0, 2, 1, 2, 0, 0, 1]) {
      expect(tight.explain(x, { composite: one(rules[i]) }), rules[i].name).toEqual(expected[i]);
      expect(tight.predict(x).output).toEqual(expected[i].output);
    }
  });
});

describe("an input that becomes a constant of the network", () => {
  const made = onnx({
    nodes: [node("Conv", ["x", "w"], "c"), node("Relu", ["c"], "r"), node("Reshape", ["r", "shape"], "y")],
    inputs: { x: [1, 2, 4, 5], w: [3, 2, 2, 2], shape: [2] },
    types: { shape: 7 },
    outputs: { y: [] },
  });
  const x = tensor([1, 2, 4, 5], 1);
  const shapes = [
    [1, 36],
    [36, 1],
    [2, 18],
  ].map((data) => ({ data, dims: [2] }));
  const weights = [tensor([3, 2, 2, 2], 2), tensor([3, 2, 2, 2], 3)];

  it("counts by its numbers in every call", async () => {
    using model = await load(made);
    for (const w of [0, 1, 1, 0]) {
      for (const shape of shapes) {
        using fresh = await load(made);
        const given = { x, w: weights[w], shape };
        const { output } = model.predict(given);
        expect(output.dims).toEqual(shape.data);
        expect(output).toEqual(fresh.predict(given).output);
      }
    }
  });

  it("may be an array that the caller writes to between two calls", async () => {
    using model = await load(made);
    const w = { dims: weights[0].dims, data: weights[0].data.slice() };
    const given = { x, w, shape: shapes[0] };
    const before = model.predict(given).output.data;
    w.data.set(weights[1].data);
    const after = model.predict(given).output.data;
    using fresh = await load(made);
    expect(after).not.toEqual(before);
    expect(after).toEqual(fresh.predict({ ...given, w: weights[1] }).output.data);
  });
});

describe("results are the caller's", () => {
  it("and stay as they are, whatever is asked next", async () => {
    using model = await load(file);
    const options = { composite: "epsilon", at: ["r1"] };
    const prediction = model.predict(inputs[0]);
    const explanation = model.explain(inputs[0], options);
    const copies = structuredClone([prediction, explanation]);
    model.predict(inputs[1]);
    model.explain(inputs[1], options);
    expect([prediction, explanation]).toEqual(copies);
  });

  it("and may be written to", async () => {
    using model = await load(file);
    const first = model.explain(inputs[0]);
    const copy = structuredClone(first);
    for (const { data } of [first.output, first.logits, first.relevance]) data.fill(7);
    expect(model.explain(inputs[0])).toEqual(copy);
  });
});

describe("one value in several shapes", () => {
  it("is laid out for each of them", async () => {
    // The same 24 numbers as images [2, 3, 4], [4, 3, 2] and [2, 4, 3].
    const shapes = [
      [1, 2, 3, 4],
      [1, 4, 3, 2],
      [1, 2, 4, 3],
    ];
    const nodes: FileNode[] = shapes.flatMap(([, c], i) => [
      node("Reshape", ["x", `shape${i}`], `x${i}`),
      node("Conv", [`x${i}`, `w${c}`], `y${i}`),
    ]);
    const weights = { w2: tensor([3, 2, 2, 2], 5), w4: tensor([3, 4, 2, 2], 6) };
    const initializers = {
      ...weights,
      ...Object.fromEntries(shapes.map((data, i) => [`shape${i}`, { dims: [4], data }])),
    };
    using model = await load(
      onnx({ nodes, initializers, inputs: { x: [1, 24] }, outputs: { y0: [], y1: [], y2: [] } }),
    );
    const x = tensor([1, 24], 7);
    const { outputs } = model.predict(x);
    for (const [i, dims] of shapes.entries()) {
      const weight = weights[`w${dims[1]}` as keyof typeof weights];
      using alone = await load(
        onnx({
          nodes: [node("Conv", ["x", "w"], "y")],
          initializers: { w: weight },
          inputs: { x: dims },
          outputs: { y: [] },
        }),
      );
      expect(outputs[`y${i}`].data, `${dims}`).toEqual(alone.predict({ dims, data: x.data }).output.data);
    }
  });
});

describe("a binary that is compiled once", () => {
  const empty = "0061736d01000000";
  it("is another one for another text", async () => {
    const named = `${empty}00020161`;
    const [a, b, again] = await Promise.all([empty, named, empty].map(compileText));
    expect(again).toBe(a);
    expect(b).not.toBe(a);
  });

  it("is tried again where it failed", async () => {
    const first = compileText(`${empty}ff`);
    await expect(first).rejects.toMatchObject({ code: "unsupported" });
    const second = compileText(`${empty}ff`);
    await expect(second).rejects.toMatchObject({ code: "unsupported" });
    expect(second).not.toBe(first);
  });
});

it("the same rules at other nodes are another plan", async () => {
  const source = network([1, 4], ...[1, 2, 3].map((seed) => dense({ name: `d${seed}`, weight: tensor([4, 4], seed) })));
  const input = tensor([1, 4], 7);
  const at = (...rules: readonly Rule[]): Composite => rules.map((rule, i) => ({ layer: `d${i + 1}`, rule }));
  const [epsilon, zPlus] = [ruleOf.epsilon(), ruleOf.zPlus()];
  const composites = [at(epsilon, zPlus, epsilon), at(epsilon, zPlus, zPlus), at(epsilon, epsilon, zPlus)];
  using model = await load(source);
  for (const composite of composites) {
    using fresh = await load(source);
    expect(model.explain(input, { composite }).relevance).toEqual(fresh.explain(input, { composite }).relevance);
  }
});

it("options of another call are no options of this one", async () => {
  const input = tensor([1, 4], 7);
  const source = network([1, 4], dense({ weight: tensor([4, 4], 1), bias: tensor([4], 2) }), relu());
  using model = await load(source);
  const asked: ExplainOptions[] = [
    {},
    { composite: "epsilon" },
    { composite: "epsilon", epsilon: 0.5 },
    { composite: "epsilon", epsilon: 0.25 },
    { composite: "gradient" },
    { composite: "gradient", start: "logit" },
    { composite: "paperBeta", beta: 2 },
    { composite: "paperBeta" },
    { composite: [{ type: "dense", rule: ruleOf.zPlus() }, ...baseEntries()] },
    { composite: [{ type: "dense", rule: ruleOf.epsilon({ epsilon: 0.5 }) }, ...baseEntries()] },
  ];
  for (const options of [...asked, ...asked]) {
    using fresh = await load(source);
    const [got, want] = [model, fresh].map((one) => one.explain(input, options));
    expect([got.relevance, got.rules, got.start]).toEqual([want.relevance, want.rules, want.start]);
  }
  // One of the caller's own may change between calls.
  const mine = [{ type: "dense", rule: ruleOf.zPlus() }, ...baseEntries()];
  const before = model.explain(input, { composite: mine }).relevance;
  mine[0] = { type: "dense", rule: ruleOf.epsilon({ epsilon: 0.5 }) };
  expect(model.explain(input, { composite: mine }).relevance).not.toEqual(before);
  for (const wrong of [Number.NaN, Infinity, "0.5", null, [0.5], { valueOf: () => 0.5 }]) {
    const options = { composite: "epsilon", epsilon: wrong } as unknown as ExplainOptions;
    expect(() => model.explain(input, options), `${wrong}`).toThrowError(/'epsilon'/);
  }
  const stray = { composite: "epsilon", espilon: 0.5 } as ExplainOptions;
  expect(() => model.explain(input, stray)).toThrowError(/'espilon'/);
  for (const at of ["y", null, {}])
    expect(() => model.explain(input, { at } as unknown as ExplainOptions)).toThrowError(/'at'/);
});
