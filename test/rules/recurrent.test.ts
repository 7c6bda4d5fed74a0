import { describe, expect, test } from "vitest";
import { type Rule, ruleOf } from "../../src/entries/index.ts";
import { expectClose, largest, magnitude, total } from "../close.ts";
import { explainLayer } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { loadInMode } from "../modes.ts";
import { type Case, layer, type Type } from "../ops/recurrent-layer.ts";
import { numbers } from "../random.ts";
import type { Rule as Definition } from "../reference/recurrent-rules.ts";
import { adding, clip, epsilon } from "../reference/rules.ts";
import { withParameters } from "./rows.ts";

/*
 * Relevance of LSTM, GRU and RNN against its definition, the ledger's columns included: every kind of cell, every rule.
 */

const TYPES: readonly Type[] = ["LSTM", "GRU", "RNN"];
const DIRECTIONS = ["forward", "reverse", "bidirectional"] as const;

async function check(type: Type, c: Case, rule: Rule, definition: Definition, off: number, seed = 1) {
  const { file, x, back, dims } = layer(type, c, seed);
  const u = numbers(dims[1], seed + 11);
  const { relevance, ledger } = await explainLayer(file, x, u, rule);
  const expected = back(x.data, u, definition);
  expectClose(relevance.data, expected.relevance, off);
  const row = ledger.find((each) => each.type === type)!;
  expect(row.rule).toBe(rule.name);
  for (const column of ["bias", "stabilizer", "dead"] as const)
    expect(Math.abs(row[column] - expected.ledger[column]), column).toBeLessThan(1e-4 * row.magnitude);
  expect(Math.abs(row.gap)).toBeLessThan(1e-5 * row.magnitude);
  expect(row.other).toBe(0);
}

async function explained(type: Type, c: Case, rule: Rule) {
  const { file, x, dims } = layer(type, c);
  return explainLayer(file, x, numbers(dims[1], 3), rule);
}

/** With an ε that keeps small denominators from making float32's rounding large. */
const byEpsilon = (type: Type, c: Case, seed?: number) =>
  check(type, c, ruleOf.epsilon({ epsilon: 0.25 }), { by: epsilon, stab: adding(0.25) }, tolerance.epsilon, seed);

/** The first seed whose sums do not nearly cancel by the definition: float32's rounding is as many times larger. */
function calmSeed(type: Type, c: Case): number {
  for (let seed = 1; ; seed++) {
    const { x, back, dims } = layer(type, c, seed);
    const isCalm = (bias: boolean) =>
      largest(back(x.data, numbers(dims[1], seed + 11), { by: epsilon, stab: adding(0), bias }).relevance) < 10;
    if (isCalm(true) && isCalm(false)) return seed;
  }
}

describe.each(TYPES)("%s", (type) => {
  describe.each(DIRECTIONS)("%s", (direction) => {
    test.each<[string, Case]>([
      ["with states and biases", {}],
      ["without either", { bias: false, states: false }],
      ["sequences of several lengths, none among them", { lengths: [5, 0, 3] }],
      ["sequences of equal lengths beside others", { sizes: [4, 5, 3, 2], lengths: [3, 3, 1, 4, 4] }],
      ["shorter sequences only", { lengths: [2, 1, 2] }],
      ["the variant", { variant: true }],
      ["the variant without biases", { variant: true, bias: false }],
      ["bounded", { clip: 0.4, scale: 1 }],
      ["batch first", { batchFirst: true, lengths: [5, 2, 4] }],
      ["one of everything", { sizes: [1, 1, 1, 1] }],
    ])("%s", (_, c) => byEpsilon(type, { direction, ...(type === "RNN" ? { ...c, variant: false } : c) }));
  });

  test.each([1, 2, 3, 4, 5, 8, 9, 31])("%i hidden", (hidden) => byEpsilon(type, { sizes: [3, 2, 5, hidden] }));
  test.each([1, 2, 3, 4, 5, 7])("%i samples", (batch) =>
    byEpsilon(type, { sizes: [3, batch, 2, 6], variant: type === "GRU" }),
  );
  test.each([[0], [1], [0, 1]])("outputs %j", (...wanted) => byEpsilon(type, { wanted, direction: "bidirectional" }));

  /** Whether inputs and weights keep their places: some inputs of the map are the cell's own states. */
  const isSloped = ({ groups }: LinearRule) =>
    groups.every(({ passes }) => passes.every(({ input, weight }) => Array.isArray(input) && Array.isArray(weight)));

  describe.each(type === "RNN" ? [false] : [false, true])("variant %j", (variant) => {
    const c: Case = { variant, direction: "bidirectional", lengths: [4, 2, 3], sizes: [4, 3, 2, 5] };
    const seed = calmSeed(type, c);
    test.each(withParameters.filter(({ rule }) => isSloped(rule(1))))("$name", (row) => {
      const options = row.options ?? {};
      const delta = /^clip\((.*)\)/.exec(row.rule(1).name)?.[1];
      const definition = { by: row.literal((i) => i), ...options, ...(delta && { sum: clip(Number(delta)) }) };
      return check(type, c, row.rule(1), definition, row.off, seed);
    });
  });
});

test("peepholes are gates", () => byEpsilon("LSTM", { peepholes: true, direction: "bidirectional" }));

test.each<[string, Case["functions"]]>([
  ["HardSigmoid", [["HardSigmoid", 0.4, 0.3], ["Softsign"], ["ScaledTanh", 0.75, 1.5]]],
  ["Relu", [["Relu"], ["LeakyRelu", 0.3], ["Elu"]]],
  ["Affine", [["Affine", 0.5, -0.25], ["Tanh"], ["Softplus"]]],
])("an LSTM whose gates are %s", (_, functions) => byEpsilon("LSTM", { functions }));

test.each(TYPES)("%s without biases conserves", async (type) => {
  const c: Case = { bias: false, sizes: [4, 3, 2, 5] };
  const { file, x, dims } = layer(type, c, calmSeed(type, c));
  const u = numbers(dims[1], 3);
  const { relevance } = await explainLayer(file, x, u, ruleOf.lrp0());
  expectClose([total(relevance.data)], [total(u)], 1e-4, magnitude(u));
});

describe("a GRU whose gate behind the product may be negative", () => {
  const c: Case = { variant: true, functions: [["Tanh"], ["Tanh"]] };
  test("shares by contribution", () => byEpsilon("GRU", c));
  test.each([ruleOf.zPlus(), ruleOf.gamma(), ruleOf.clip()])("refuses $name, which goes by signs of weights", (rule) =>
    expect(explained("GRU", c, rule)).rejects.toThrow("gates of it may be negative"),
  );
});

test.each([ruleOf.wSquare(), ruleOf.flat(), ruleOf.zBox({ low: -1, high: 1 })])("$name is refused", (rule) =>
  expect(explained("LSTM", {}, rule)).rejects.toThrow("some of its inputs are its own states"),
);

test("a rule for activations is refused", () =>
  expect(explained("RNN", {}, ruleOf.pass())).rejects.toThrow("a rule for linear layers"));

test("named composites give it the rule of dense layers", async () => {
  using model = await loadInMode(layer("LSTM", {}).file);
  const ruleBy = (composite: string) => model.inspect({ composite }).nodes.find(({ type }) => type === "LSTM")!.rule;
  expect(["epsilonPlusFlat", "paperBeta", "gradient"].map(ruleBy)).toEqual([
    "epsilon(0.000001)",
    "beta(1)",
    "gradient",
  ]);
});
