import { afterAll, describe, expect, test } from "vitest";
import { load } from "../../src/entries/index.ts";
import * as library from "../../src/evaluate/index.ts";
import { onnx } from "../onnx-writer.ts";
import { refusal } from "./refusal.ts";
import { goldenMap, smallCnn, x } from "./small-cnn.ts";

/* Whatever is missing, or null, or something else than is wanted, is an LrpError that says what. */

const map = { data: [1, 2], dims: [1, 2] };
const mask = { data: [1, 0], dims: [1, 2] };
const curve = { values: [1, 2] };
const explain = () => map;
const model = await load(smallCnn, { relaxed: "never" });
const words = await load(
  onnx({
    nodes: [
      { type: "Gather", inputs: ["w", "ids"], outputs: ["rows"] },
      { type: "ReduceSum", inputs: ["rows", "axis"], outputs: ["y"], attributes: { keepdims: 0 } },
    ],
    initializers: { w: { dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }, axis: { dims: [1], data: [1] } },
    inputs: { ids: ["n", 2] },
    types: { ids: 7 },
    outputs: { y: ["n", 2] },
  }),
);
afterAll(() => {
  model.dispose();
  words.dispose();
});

/** Arguments that are right (options among them), of every function that is exported. */
const right: Readonly<Record<string, readonly unknown[]>> = {
  attribute: [model, x, { method: "epsilon" }],
  evaluate: [model, x, { methods: [{ method: "epsilon" }], metrics: ["gini"] }],
  mapOf: [map],
  sampleOf: [map, 0],
  bootstrap: [[1, 2], library.mean, {}],
  mean: [[1, 2]],
  pairedDifference: [[1, 2], [2, 3], {}],
  pairedTest: [[1, 2], [2, 3], {}],
  complexity: [map, 0.1],
  conservation: [map, 1, 0.1],
  startOf: [{ targets: [[]], start: "one" }],
  massAccuracy: [map, mask],
  positiveMass: [map, mask],
  rankAccuracy: [map, mask],
  pointing: [map, mask],
  measure: [["gini"], { relevance: map }, {}],
  aopc: [curve],
  areaUnder: [curve],
  perturbation: [model, x, goldenMap, {}],
  tokenFlipping: [words, { ids: { data: [1, 0], dims: [1, 2] } }, map, { flip: { ids: 2 } }],
  relevanceGain: [
    { ...curve, order: "lerf" },
    { ...curve, order: "morf" },
  ],
  parameterRandomisation: [smallCnn, explain, {}],
  parametrisedLayers: [smallCnn, {}],
  randomized: [smallCnn, {}],
  random: [1],
  sensitivity: [explain, x, { radius: 1 }],
  cosine: [map, map],
  pearson: [map, map],
  spearman: [map, map],
  toCsv: [[{ a: 1 }]],
};
/** What may be undefined: it has a default, or there is nothing that is wrong. */
const optional = new Set([
  "bootstrap 2",
  "pairedDifference 2",
  "pairedTest 2",
  "complexity 1",
  "conservation 2",
  "measure 2",
  "perturbation 3",
  "parameterRandomisation 2",
  "parametrisedLayers 1",
  "randomized 1",
]);

describe("what is missing", () => {
  test("every function that is exported is tried, but the one that takes anything", () => {
    const functions = Object.entries(library).filter(([, value]) => typeof value === "function");
    expect(functions.map(([name]) => name).sort()).toEqual([...Object.keys(right), "toJson"].sort());
  });

  const cases = Object.entries(right).flatMap(([name, list]) =>
    list.flatMap((_, i) =>
      [undefined, null, 5n, "text", () => 1]
        .filter((value) => !(value === undefined && optional.has(`${name} ${i}`)))
        .filter((value) => value === null || typeof value !== typeof list[i])
        .map((value) => [name, i, value] as const),
    ),
  );
  test.each(cases)("%s: argument %i is %s", async (name, i, value) => {
    const list = right[name].map((own, k) => (k === i ? value : own));
    const call = (library as unknown as Record<string, (...list: unknown[]) => unknown>)[name];
    const text = await refusal(() => call(...list));
    expect(text).not.toBe("no error");
    expect(text).not.toContain("[object Object]");
  });

  test.each([undefined, null, {}, { data: [1] }, { dims: [8, 8] }, { data: [1], dims: [8, 8] }])(
    "a mask that is %j",
    async (wrong) => {
      for (const metric of [library.massAccuracy, library.positiveMass, library.rankAccuracy, library.pointing])
        expect(await refusal(() => metric(goldenMap, wrong as never))).toMatch(/^the mask: /);
    },
  );

  test.each([undefined, null, {}, { data: [1] }, { dims: [8, 8] }])("relevance that is %j", async (wrong) => {
    const subject = { relevance: wrong as never, input: x, model, mask, expected: 1 };
    for (const name of ["conservation", "morf", "random", "relevanceGain", "aopc", "massAccuracy", "pointing", "gini"])
      expect(await refusal(() => library.measure([name], subject)), name).toMatch(/^the attribution: /);
  });

  test("a row, and a method, that is none", async () => {
    expect(await refusal(() => library.toCsv([{ a: 1 }, undefined as never]))).toMatch(/row 1 of toCsv: .*undefined/);
    const options = { methods: [null as never], metrics: [] };
    expect(await refusal(() => library.evaluate(model, x, options))).toMatch(/a list of { method, … }, got \[null\]/);
  });

  test("a mask that is null is one that is missing", async () =>
    expect(await refusal(() => library.measure(["pointing"], { relevance: map, mask: null as never }))).toMatch(
      /pointing needs 'mask'/,
    ));
});
