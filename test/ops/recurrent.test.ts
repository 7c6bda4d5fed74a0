import { describe, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { expectLayer } from "./check.ts";
import { type Case, layer, type Type } from "./recurrent-layer.ts";

/*
 * LSTM, GRU and RNN against their definition: outputs, and the gradient by differences of it.
 */

const check = async (type: Type, c: Case, seed = 1) => {
  const { file, x, forward, dims } = layer(type, c, seed);
  await expectLayer(file, x, { dims, forward, scale: Math.max(1, ...forward(x.data).map(Math.abs)) });
};

const TYPES: readonly Type[] = ["LSTM", "GRU", "RNN"];
const DIRECTIONS = ["forward", "reverse", "bidirectional"] as const;

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
    ])("%s", (_, c) => check(type, { direction, ...(type === "RNN" ? { ...c, variant: false } : c) }));
  });

  test.each([1, 2, 3, 4, 5, 8, 9, 31])("%i hidden", (hidden) => check(type, { sizes: [3, 2, 5, hidden] }));

  test.each([1, 2, 3, 4, 5, 7])("%i samples", (batch) =>
    check(type, { sizes: [3, batch, 2, 6], variant: type === "GRU" }),
  );

  test.each([[0], [1], [0, 1]])("outputs %j", (...wanted) => check(type, { wanted }));
});

describe("the cells of an LSTM", () => {
  test.each([[2], [1, 2], [0, 2]])("outputs %j", (...wanted) => check("LSTM", { wanted }));
  test.each(DIRECTIONS)("peepholes, %s", (direction) => check("LSTM", { direction, peepholes: true }));
  test("more neurons than their relevance is added up of at once", () =>
    check("LSTM", { sizes: [2, 1, 2, 259], scale: 0.1 }));
  test("peepholes with everything else", () =>
    check("LSTM", {
      direction: "bidirectional",
      peepholes: true,
      variant: true,
      clip: 0.5,
      lengths: [1, 5, 4],
      batchFirst: true,
    }));
});

/** Alone, and as a gate. A kink is a matter of luck for differences, so numbers stay away from it. */
const FUNCTIONS: readonly (readonly [name: string, alpha?: number, beta?: number])[] = [
  ["Relu"],
  ["Tanh"],
  ["Sigmoid"],
  ["Affine", 0.5, -0.25],
  ["LeakyRelu"],
  ["LeakyRelu", 0.3],
  ["ThresholdedRelu", 0.2],
  ["ScaledTanh", 0.75, 1.5],
  ["HardSigmoid"],
  ["HardSigmoid", 0.4, 0.3],
  ["Elu"],
  ["Elu", 0.5],
  ["Softsign"],
  ["Softplus"],
  ["sigmoid"],
  ["RELU"],
];

describe.each(FUNCTIONS)("%s with %s and %s", (...f) => {
  test("in an RNN", () => check("RNN", { functions: [f] }));
  test("in a GRU", () => check("GRU", { functions: [f, ["Tanh"]] }));
  test("in a GRU, at the end", () => check("GRU", { functions: [["Sigmoid"], f], variant: true }));
  test("in an LSTM", () => check("LSTM", { functions: [f, ["Tanh"], ["Tanh"]] }));
  test("in an LSTM, behind the gates", () => check("LSTM", { functions: [["Sigmoid"], f, f] }));
});

describe("functions of two directions", () => {
  test("take alpha and beta in their order", () =>
    check("LSTM", {
      direction: "bidirectional",
      functions: [
        ["HardSigmoid", 0.3, 0.4],
        ["Tanh"],
        ["ScaledTanh", 0.5, 1.25],
        ["Sigmoid"],
        ["Elu", 0.7],
        ["Affine", 0.9, 0.1],
      ],
    }));

  test("have alpha and beta of their own where the lists end", () =>
    check("RNN", { direction: "bidirectional", functions: [["HardSigmoid", 0.3, 0.4], ["HardSigmoid"]] }));
});

test("a long sequence stays as close to the definition as a short one", async () => {
  const c: Case = { sizes: [1500, 1, 3, 5], direction: "bidirectional", states: false };
  for (const type of TYPES) {
    const { file, x, forward } = layer(type, c);
    using model = await loadInMode(file);
    expectClose(model.predict(x).output.data, forward(x.data), 1e-6);
  }
});
