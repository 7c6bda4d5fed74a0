import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LrpError } from "../../src/base/error.ts";
import {
  checkedAnswers,
  checkedDone,
  checkedItem,
  checkedItems,
  checkedOrder,
  checkedStudy,
} from "../../src/queue/messages.ts";

const HASH = "0".repeat(64);
const options = { methods: [{ method: "epsilon" }], metrics: ["gini"] };
const tensor = { data: new Float32Array(4), dims: [1, 1, 2, 2] };

/** What each message may be, and one more field of it at a time that is wrong. */
const study = {
  ...{ id: HASH, relprop: "0.1.0", node: "v20", key: "k", weights: [], load: {}, options },
  model: { sha256: HASH, bytes: 10 },
};
const item = { id: 3, input: tensor, relevance: false, target: "argmax", perturbation: { region: 2, seed: 1 } };
const order = { study: HASH, ids: [3], items: { text: "[]" } };
const result = {
  ...{ method: "epsilon", values: { gini: null }, missing: { gini: "why" }, stability: { verdict: "stable" } },
  curves: { morf: { values: [1, 2], regions: [0, 1], replaced: [0, 1] } },
};
const value = { targets: [{ index: 1 }], predicted: { index: 1, logit: 2 }, results: [result] };
const answer = { id: 3, value };

test("messages as relprop writes them are taken", () => {
  expect(checkedStudy(study)).toBe(study);
  expect(checkedItem(item, "it")).toBe(item);
  expect(checkedItem({ ...item, input: { path: "a/b.png", sha256: HASH } }, "it")).toBeTruthy();
  expect(checkedOrder(order)).toBe(order);
  expect(checkedItems([item], order)).toEqual([item]);
  expect(checkedDone({ study: HASH, answers: { sha256: HASH, bytes: 5 } })).toBeTruthy();
  expect(checkedAnswers([answer], options)).toEqual([answer]);
});

describe("what is otherwise is refused, by a sentence that says where", () => {
  test.each<[string, unknown]>([
    ["an object, got null", null],
    ["id: expected a SHA-256", { ...study, id: "x" }],
    ["model.bytes: expected a whole number from 1", { ...study, model: { sha256: HASH, bytes: 2 ** 40 } }],
    ["only id, relprop", { ...study, run: "rm" }],
    ["load: expected only batch", { ...study, load: { createWorker: "x" } }],
    ["options: expected only", { ...study, options: { ...options, network: {} } }],
    [
      "options.methods[0]: expected options of a method, got 'signal'",
      { ...study, options: { ...options, methods: [{ method: "a", signal: 1 }] } },
    ],
    ["options.methods.length", { ...study, options: { ...options, methods: [] } }],
    ["nests less deep", { ...study, options: { ...options, methods: [{ method: "a", low: [[[[[[[[1]]]]]]]] }] } }],
  ])("study: %s", (problem, given) => {
    expect(() => checkedStudy(given)).toThrow(problem);
  });

  test.each<[string, unknown]>([
    ["dims: expected a list", { ...item, input: { data: new Float32Array(1), dims: "1" } }],
    ["as many numbers as its dims say", { ...item, input: { ...tensor, dims: [1, 1, 2, 3] } }],
    ["data: expected a Float32Array", { ...item, input: { data: [1], dims: [1] } }],
    ["only data, dims", { ...item, input: { ...tensor, more: 1 } }],
    ["only path, sha256, index", { ...item, input: { path: "a", sha256: HASH, mode: "w" } }],
    ["only region", { ...item, perturbation: { signal: {} } }],
    ["steps: expected a whole number from 1 to 1000000", { ...item, perturbation: { steps: 1e12 } }],
    ["relevance: expected true or false", { ...item, relevance: undefined }],
  ])("item: %s", (problem, given) => {
    expect(() => checkedItem(given, "item 3")).toThrow(problem);
  });

  test.each<[string, unknown]>([
    ["ids.length", { ...order, ids: [] }],
    ["ids[0]: expected a whole number", { ...order, ids: ["../x"] }],
    ["only text", { ...order, items: { text: "[]", more: 1 } }],
    ["items.bytes", { ...order, items: { sha256: HASH, bytes: 1e12 } }],
  ])("job: %s", (problem, given) => {
    expect(() => checkedOrder(given)).toThrow(problem);
  });

  test("items of another job", () => {
    expect(() => checkedItems([{ ...item, id: 4 }], order)).toThrow("expected those of the job: 3, got 4");
  });

  test.each<[string, unknown]>([
    ["the methods epsilon", { ...value, results: [] }],
    ["the metrics gini, got morf", { ...value, results: [{ ...result, values: { morf: 1 } }] }],
    [
      "as many points as steps",
      { ...value, results: [{ ...result, curves: { a: { ...result.curves.morf, regions: [0] } } }] },
    ],
    ["verdict: expected one of", { ...value, results: [{ ...result, stability: {} }] }],
    ["predicted.logit: expected a number", { ...value, predicted: { index: 1, logit: "2" } }],
    ["as many numbers as its dims", { ...value, results: [{ ...result, relevance: { ...tensor, dims: [1e9] } }] }],
  ])("answer: %s", (problem, given) => {
    expect(() => checkedAnswers([{ id: 3, value: given }], options)).toThrow(problem);
  });
});

test("whatever comes, a message is taken or refused by an LrpError", () => {
  const spoiled = (base: object) =>
    fc
      .tuple(fc.constantFrom(...Object.keys(base)), fc.jsonValue({ maxDepth: 3 }))
      .map(([key, wrong]) => ({ ...base, [key]: wrong }));
  const check = (take: () => unknown) => {
    try {
      take();
    } catch (error) {
      expect(error).toBeInstanceOf(LrpError);
    }
  };
  fc.assert(fc.property(spoiled(study), (given) => check(() => checkedStudy(given))));
  fc.assert(fc.property(spoiled(item), (given) => check(() => checkedItems([given], order))));
  fc.assert(fc.property(spoiled(order), (given) => check(() => checkedOrder(given))));
  fc.assert(
    fc.property(spoiled(result), (given) =>
      check(() => checkedAnswers([{ id: 3, value: { ...value, results: [given] } }], options)),
    ),
  );
});
