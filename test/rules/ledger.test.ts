import { describe, expect, test } from "vitest";
import {
  baseEntries,
  type Composite,
  composites,
  conv2d,
  type Explanation,
  type ExplainOptions,
  dense,
  lrnModes,
  type LrnMode,
  relu,
  ruleOf,
  sigmoid,
  type SumRule,
  sumRules,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, magnitude, total } from "../close.ts";
import { explainFrom, explainLayer, network } from "../explain.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { nets } from "./nets.ts";

/*
 * The conservation ledger: received = passed + bias + stabilizer + dead + other + gap, in every row of every network.
 */

const rest: Partial<Record<string, ExplainOptions>> = { epsilonGammaBox: { low: -1, high: 1 } };
const one = (rule: Composite[number]["rule"]): Composite => [
  { type: ["convolution", "dense"], rule },
  ...baseEntries(),
];

const settings: readonly (readonly [string, ExplainOptions])[] = [
  ...composites.map(({ name }) => [name, { composite: name, ...rest[name] }] as const),
  ["lrp0", { composite: one(ruleOf.lrp0()) }],
  ["wSquare", { composite: one(ruleOf.wSquare()) }],
  ["epsilon, relative", { composite: one(ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" })) }],
  ["epsilon, clip", { composite: one(ruleOf.epsilon({ epsilon: 0.1, stabilizer: "clip" })) }],
  ["ratio", { composite: one(ruleOf.ratio()) }],
  ["clip", { composite: one(ruleOf.clip()) }],
  ...Object.keys(sumRules).map(
    (sum) => [`sums by ${sum}`, { composite: "epsilonAlpha2Beta1", sum: sum as SumRule }] as const,
  ),
  ["zPlus without bias", { composite: one(ruleOf.zPlus({ bias: false })) }],
  ["gradient at activations", { composite: [{ type: "activation", rule: ruleOf.gradient() }, ...one(ruleOf.zPlus())] }],
  ["gradient", { composite: [{ rule: ruleOf.gradient() }] }],
];

/** What every explanation's ledger has to fulfil. */
function expectBalanced(
  { ledger, relevance }: Explanation,
  started: number,
  at: Explanation["at"],
  producedBy: ReadonlyMap<string, string>,
): void {
  const most = Math.max(...ledger.map((row) => row.magnitude));
  for (const row of ledger) {
    const { received, passed, bias, stabilizer, dead, other, gap } = row;
    expect(
      Object.values(row).every((v) => typeof v === "string" || Number.isFinite(v)),
      `finite numbers at ${row.node}`,
    ).toBe(true);
    expect(
      Math.abs(received - (passed + bias + stabilizer + dead + other + gap)),
      `the sum of ${row.node}`,
    ).toBeLessThanOrEqual(1e-12 * most + 1e-12);
    expect(Math.abs(gap), `the gap of ${row.node}`).toBeLessThanOrEqual(1e-5 * most);
    expect(row.magnitude).toBeGreaterThanOrEqual(Math.abs(received) * (1 - 1e-9));
    // What a node receives is what arrives at its output.
    const output = at[producedBy.get(row.node)!];
    expectClose([received], [total(output.data)], 1e-6, most);
  }
  // From the first to the last: nothing is lost between the rows either.
  const kept = ledger.reduce((sum, row) => sum + row.bias + row.stabilizer + row.dead + row.other + row.gap, 0);
  expectClose([total(relevance.data) + kept], [started], 1e-6, most);
}

describe("every row adds up", () => {
  describe.each(nets)("$name", ({ dims, source, hasLrn }) => {
    const modes: readonly (LrnMode | undefined)[] = hasLrn
      ? [undefined, ...(Object.keys(lrnModes) as LrnMode[])]
      : [undefined];
    test.each(settings)("%s", async (_name, options) => {
      using model = await loadInMode(source);
      const x = tensor(dims, 40);
      for (const lrn of modes) {
        if (lrn && !composites.some((c) => c.name === options.composite && c.parameters.includes("lrn"))) continue;
        const { nodes } = model.inspect({ ...options, lrn, dims });
        const known = nodes.filter((n) => n.rule !== "left out");
        const producedBy = new Map(known.map((n) => [n.node, n.outputs[0].name]));
        for (const start of ["logit", "one"] as const) {
          const explanation = model.explain(x, { ...options, lrn, start, at: [...producedBy.values()] });
          const started = explanation.targets
            .flat()
            .reduce((sum, t) => sum + (start === "logit" ? t.score : t.weight), 0);
          expect(explanation.ledger.map((row) => [row.node, row.type, row.rule]).reverse()).toEqual(
            known.map((n) => [n.node, n.type, n.rule]),
          );
          expectBalanced(explanation, started, explanation.at, producedBy);
          // The same plan, whatever relevance starts from.
          if (start === "one") continue;
          // Without `at` memory is used again as soon as it can be: nothing may change.
          const bare = model.explain(x, { ...options, lrn, start });
          expect([bare.relevance, bare.ledger]).toEqual([explanation.relevance, explanation.ledger]);
          expect(model.predict(x).output).toEqual(explanation.output);
        }
      }
    });
  });
});

describe("single columns", () => {
  // z = (1·1 + 2·0.5 + 1, −1·1 + 2·0.25 + 0.25) = (3, −0.25)
  const weight = { dims: [2, 2], data: Float32Array.of(1, 0.5, -1, 0.25) };
  const layer = dense({ weight, bias: { dims: [2], data: Float32Array.of(1, 0.25) } });
  const x = { dims: [1, 2], data: Float32Array.of(1, 2) };
  const row = async (rule: Composite[number]["rule"], r: number[]) =>
    (await explainLayer(network([1, 2], layer), x, r, rule)).ledger[0];

  test("bias: what b has of z", async () => {
    expect(await row(ruleOf.lrp0(), [6, 1])).toMatchObject({ received: 7, stabilizer: 0, dead: 0, other: 0 });
    expectClose([(await row(ruleOf.lrp0(), [6, 1])).bias], [(1 / 3) * 6 + (0.25 / -0.25) * 1], 1e-6);
    // z⁺: 2 + 1 and 0.5 + 0.25.
    expectClose([(await row(ruleOf.zPlus(), [6, 3])).bias], [(1 / 3) * 6 + (0.25 / 0.75) * 3], 1e-5);
    // αβ: no bias is negative, and β takes from what pulls down alone.
    expectClose([(await row(ruleOf.alphaBeta(), [6, 3])).bias], [2 * ((1 / 3) * 6 + (0.25 / 0.75) * 3)], 1e-5);
    // w²: 1 + 0.25 + 1 and 1 + 0.0625 + 0.0625.
    expectClose([(await row(ruleOf.wSquare(), [9, 9])).bias], [(1 / 2.25) * 9 + (0.0625 / 1.125) * 9], 1e-5);
    for (const rule of [
      ruleOf.lrp0({ bias: false }),
      ruleOf.flat(),
      ruleOf.zBox({ low: 0, high: 3 }),
      ruleOf.gradient(),
    ])
      expect((await row(rule, [6, 1])).bias, rule.name).toBe(0);
  });

  test("stabilizer: what ε has of z + ε", async () => {
    expectClose(
      [(await row(ruleOf.epsilon({ epsilon: 0.5 }), [7, 3])).stabilizer],
      [(0.5 / 3.5) * 7 + (-0.5 / -0.75) * 3],
      1e-6,
    );
    // Clipped: 3 stays, −0.25 becomes −0.5.
    expectClose(
      [(await row(ruleOf.epsilon({ epsilon: 0.5, stabilizer: "clip" }), [7, 3])).stabilizer],
      [(-0.25 / -0.5) * 3],
      1e-6,
    );
    const rms = Math.sqrt((9 + 0.0625) / 2);
    expectClose(
      [(await row(ruleOf.epsilon({ epsilon: 0.5, stabilizer: "relative" }), [7, 3])).stabilizer],
      [((0.5 * rms) / (3 + 0.5 * rms)) * 7 + ((0.5 * rms) / (0.25 + 0.5 * rms)) * 3],
      1e-6,
    );
    expectClose([(await row(ruleOf.flat({ epsilon: 0.5 }), [5, 10])).stabilizer], [(0.5 / 2.5) * 15], 1e-6);
    expect((await row(ruleOf.lrp0(), [7, 3])).stabilizer).toBe(0);
  });

  test("dead: what arrives at neurons without anything to share by", async () => {
    const zeros = { dims: [2, 2], data: new Float32Array(4) };
    const { ledger } = await explainLayer(network([2, 2], dense({ weight })), zeros, [1, 2, 3, -10], ruleOf.epsilon());
    expect(ledger[0]).toMatchObject({
      received: -4,
      passed: 0,
      bias: 0,
      stabilizer: 0,
      dead: -4,
      other: 0,
      gap: 0,
      magnitude: 16,
    });
    // Nothing pulls z₁ down: β's share of it is dead, −1 · 5. z₂ is pulled both ways.
    const { dead } = await row(ruleOf.alphaBeta(), [5, 3]);
    expectClose([dead], [-5], 1e-6);
  });

  test("other: what constants keep", async () => {
    const bytes = onnx({
      nodes: [
        { type: "Relu", inputs: ["x"], outputs: ["r"] },
        { type: "Add", inputs: ["r", "c"], outputs: ["y"] },
      ],
      initializers: { c: { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, -6) } },
      inputs: { x: ["n", 2, 3] },
      outputs: { y: [] },
    });
    const values = { dims: [2, 2, 3], data: Float32Array.of(1, 1, 1, 1, 1, 1, 3, 2, 1, 0.5, 0.25, 2) };
    const r = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const c = [1, 2, 3, 4, 5, -6];
    const kept = r.map((v, i) => (v * c[i % 6]) / (c[i % 6] + values.data[i]));
    const { ledger, relevance } = await explainLayer(bytes, values, r, [
      { type: "sum", rule: ruleOf.lrp0() },
      ...baseEntries(),
    ]);
    const add = ledger.find((l) => l.type === "Add")!;
    expectClose(
      [add.received, add.passed, add.other],
      [total(r), total(r) - total(kept), total(kept)],
      1e-6,
      magnitude(kept),
    );
    expect(Math.abs(add.gap)).toBeLessThan(1e-4);
    expectClose(
      relevance.data,
      r.map((v, i) => v - kept[i]),
      1e-5,
    );
  });

  test("other: what a padded constant, and a constant part of a concatenation, keep", async () => {
    const bytes = onnx({
      nodes: [
        { type: "Concat", inputs: ["x", "c"], outputs: ["k"], attributes: { axis: 1 } },
        { type: "Pad", inputs: ["k", "pads", "v"], outputs: ["y"] },
      ],
      initializers: {
        c: { dims: [1, 2], data: Float32Array.of(8, 9) },
        pads: { dims: [4], data: [0, 1, 0, 0] },
        v: { dims: [], data: Float32Array.of(5) },
      },
      inputs: { x: [1, 3] },
      outputs: { y: [] },
    });
    const { ledger, relevance } = await explainLayer(bytes, tensor([1, 3], 1), [32, 1, 2, 4, 8, 16], ruleOf.norm());
    expect(Array.from(relevance.data)).toEqual([1, 2, 4]);
    expect(ledger.map((l) => [l.type, l.received, l.passed, l.other, l.gap])).toEqual([
      ["Pad", 63, 31, 32, 0],
      ["Concat", 31, 7, 24, 0],
    ]);
  });

  test("other: what a gradient rule does not account for", async () => {
    const { ledger, relevance } = await explainLayer(
      network([1, 2], layer, relu()),
      x,
      [10, 20],
      [{ rule: ruleOf.gradient() }],
    );
    expect(ledger.map((l) => [l.type, l.received, l.passed, l.other])).toEqual([
      ["Relu", 30, 10, 20],
      ["Gemm", 10, 15, -5],
    ]);
    expect(Array.from(relevance.data)).toEqual([10, 5]);
  });

  test("a value that two nodes read counts in both, once each", async () => {
    const bytes = onnx({
      nodes: [
        { type: "Relu", inputs: ["x"], outputs: ["r"] },
        { type: "Concat", inputs: ["r", "r"], outputs: ["k"], attributes: { axis: 1 } },
        { type: "Add", inputs: ["r", "r"], outputs: ["s"] },
        { type: "Concat", inputs: ["k", "s"], outputs: ["y"], attributes: { axis: 1 } },
      ],
      inputs: { x: [1, 2] },
      outputs: { y: [] },
    });
    const { ledger, relevance } = await explainLayer(
      bytes,
      { dims: [1, 2], data: Float32Array.of(1, 2) },
      [1, 2, 3, 4, 5, 6],
      [{ type: "sum", rule: ruleOf.lrp0() }, ...baseEntries()],
    );
    expect(Array.from(relevance.data)).toEqual([9, 12]);
    expect(Object.fromEntries(ledger.map((l) => [l.node, [l.received, l.passed, l.gap]]))).toEqual({
      y: [21, 21, 0],
      s: [11, 11, 0],
      k: [10, 10, 0],
      r: [21, 21, 0],
    });
  });

  test("only what relevance passes has a row: nothing behind the logits, nothing beside them", async () => {
    using model = await loadInMode(
      network([1, 2, 3, 3], conv2d({ weight: tensor([2, 2, 3, 3], 3) }), relu(), sigmoid()),
    );
    const { ledger } = model.explain(tensor([1, 2, 3, 3], 4), { target: 0 });
    expect(ledger.map((l) => l.type)).toEqual(["Relu", "Conv"]);
    const beside = onnx({
      nodes: [
        { type: "Relu", inputs: ["x"], outputs: ["y"] },
        { type: "Tanh", inputs: ["x"], outputs: ["z"] },
      ],
      inputs: { x: [1, 2] },
      outputs: { y: [], z: [] },
    });
    using two = await loadInMode(beside);
    expect(explainFrom(two, x, [1, 1], { output: "z" }).ledger.map((l) => l.node)).toEqual(["z"]);
    expect(explainFrom(two, x, [1, 1], {}).ledger.map((l) => l.node)).toEqual(["y"]);
  });
});
