import { describe, expect, test } from "vitest";
import { type Attribution, mapOf, sampleOf } from "../../src/evaluate/attribution.ts";
import { complexity } from "../../src/evaluate/complexity.ts";
import { conservation, startOf } from "../../src/evaluate/conservation.ts";
import { massAccuracy, pointing, positiveMass, rankAccuracy } from "../../src/evaluate/localisation.ts";
import { cosine, pearson, spearman } from "../../src/evaluate/similarity.ts";
import { expectClose } from "../close.ts";
import { golden } from "../golden/read.ts";
import { refusal } from "./refusal.ts";
import { explained, goldenMap } from "./small-cnn.ts";

const localisation = (relevance: Attribution, mask: Attribution | { data: boolean[]; dims: number[] }) =>
  [massAccuracy, positiveMass, rankAccuracy, pointing].map((metric) => metric(relevance, mask));

/*
 * Metrics of maps alone: nothing runs the network.
 */

const row = (...data: number[]): Attribution => ({ data, dims: [1, data.length] });
const wanted = golden("metrics");

describe("goldens", () => {
  test("the map is that of epsilonPlus", async () => {
    const { relevance } = await explained("epsilonPlus");
    expectClose(mapOf(relevance).data, goldenMap.data as number[], 1e-5);
  });

  test("conservation", async () => {
    const { sum_R, R_out, abs_error, relative_error } = wanted.conservation;
    for (const map of [goldenMap, (await explained("epsilonPlus")).relevance]) {
      const found = conservation(map, R_out);
      expectClose([found.sum, found.difference, found.relative], [sum_R, abs_error, relative_error], 1e-6, 1);
      expect([found.holds, conservation(map, R_out, 0.01).holds]).toEqual([false, true]);
    }
  });

  test("localisation", () => {
    const inside = (v: number) => v >= 2 && v <= 5;
    const mask = {
      data: Array.from({ length: 64 }, (_, i) => inside(i % 8) && inside(Math.floor(i / 8))),
      dims: [1, 1, 8, 8],
    };
    const [mass, positive, rank, points] = localisation(goldenMap, mask);
    const { "RMA_signed=sum(R*m)/sum(R)": RMA_signed, RMA_positive, RRA, pointing_game } = wanted.localisation;
    expectClose([mass, positive, rank] as number[], [RMA_signed, RMA_positive, RRA], 1e-11);
    expect(points).toBe(pointing_game);
  });

  test("complexity", () => {
    const { gini, entropy, effective } = complexity(goldenMap);
    const c = wanted.complexity;
    expectClose([gini, entropy], [c["gini(|R|)"], c["entropy(|R|/sum)"]], 1e-11);
    expect(effective).toBe(c["effective_complexity(|R|>1e-3*max)"]);
  });

  test("similarity", async () => {
    const [a, b] = [await explained("epsilonPlus"), await explained("epsilonGammaBox")].map((e) => e.relevance);
    const { pearson: r, cosine: c, ...rest } = wanted.similarity;
    expectClose([pearson(a, b), cosine(a, b)], [r, c], 1e-5);
    expectClose([spearman(a, b)], Object.values(rest) as number[], 1e-9);
  });
});

describe("by hand", () => {
  test.each<[string, unknown, unknown]>([
    [
      "a map sums channels",
      mapOf({ data: [1, 2, 3, 40, 50, 60], dims: [1, 2, 3] }),
      { data: Float64Array.of(41, 52, 63), dims: [1, 3] },
    ],
    [
      "a map as it is",
      mapOf({ data: [1, 2, 3, 4], dims: [2, 2] }),
      { data: Float64Array.of(1, 2, 3, 4), dims: [2, 2] },
    ],
    ["the features of a row", mapOf({ data: [1, 2], dims: [2] }), { data: Float64Array.of(1, 2), dims: [1, 2] }],
    [
      "one of a batch",
      sampleOf({ data: Float32Array.of(1, 2, 3, 4), dims: [2, 1, 2] }, 1),
      { data: Float32Array.of(3, 4), dims: [1, 1, 2] },
    ],
    [
      "conserved",
      conservation(row(1, 2), 4, 0.25),
      { sum: 3, expected: 4, difference: -1, relative: -0.25, holds: true },
    ],
    ["not conserved", conservation(row(1, 2), 4, 0.24).holds, false],
    ["a negative output", conservation(row(-1, -2), -2).relative, 0.5],
    [
      "start: logit",
      startOf({ start: "logit", targets: [[{ index: 0, weight: 2, score: 3 }], [{ index: 1, weight: -1, score: 5 }]] }),
      1,
    ],
    [
      "start: one",
      startOf({ start: "one", targets: [[{ index: 0, weight: 2, score: 3 }], [{ index: 1, weight: -1, score: 5 }]] }),
      1,
    ],
    ["localised with both signs", localisation(row(4, -2, 1, 1), row(1, 1, 0, 0)), [0.5, 4 / 6, 0.5, true]],
    ["no relevance is positive", [rankAccuracy, pointing].map((m) => m(row(-1, -2), row(1, 0))), [1, true]],
    ["ties point at the first", pointing(row(1, 1), row(0, 1)), false],
    ["all in one place", complexity(row(0, 0, -5, 0)), { gini: 0.75, entropy: 0, effective: 1 }],
    ["evenly spread", complexity(row(1, -1, 1, -1)), { gini: 0, entropy: Math.log(4), effective: 4 }],
    ["effective above a tenth", complexity(row(10, 1, 2), 0.1).effective, 2],
    ["reversed", spearman([1, 2, 3], [9, 0, -7]), -1],
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / √(4.5 · 5).
    ["ties share their ranks", spearman([1, 2, 2, 3], [1, 2, 3, 4]), 4.5 / Math.sqrt(22.5)],
    ["monotone, not linear", [spearman([1, 2, 3], [1, 2, 9]), pearson([1, 2, 3], [1, 2, 9]) < 1], [1, true]],
    ["numbers whose squares vanish", [spearman([1e-300, 2e-300], [1, 2]), cosine([1e-300], [1e300])], [1, 1]],
    ["at a right angle", cosine([1, 0], [0, 3]), 0],
  ])("%s", (_name, found, expected) => {
    const rounded = (v: unknown) =>
      JSON.parse(JSON.stringify(v, (_k, x) => (typeof x === "number" ? Number(x.toPrecision(12)) : x)));
    expect(rounded(found)).toEqual(rounded(expected));
  });

  test("results are frozen", () => {
    for (const result of [conservation(row(1), 1), complexity(row(1))]) expect(Object.isFrozen(result)).toBe(true);
  });
});

describe("refusals", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["fewer numbers than dims", () => mapOf({ data: [1], dims: [1, 2] }), /2 numbers for dims \[1,2\], got 1/],
    ["no dims", () => mapOf({ data: [1] } as unknown as Attribution), /dims of whole numbers/],
    ["NaN", () => mapOf(row(1, NaN)), /finite numbers, got NaN at position 1/],
    ["a batch", () => mapOf({ data: [1, 2], dims: [2, 1, 1] }), /one sample.*sampleOf/],
    ["a sample beyond the batch", () => sampleOf(row(1), 1), /a sample from 0 to 0, got 1/],
    ["nothing to conserve", () => conservation(row(1), 0), /^undefined: .*other than 0, got 0/],
    ["no tolerance", () => conservation(row(1), 1, 0), /above 0/],
    [
      "a mask of other dims",
      () => localisation(row(1, 2), row(1, 0, 0)),
      /the mask: expected dims \[1,2\], got \[1,3\]/,
    ],
    ["a mask of weights", () => localisation(row(1, 2), row(0.5, 0)), /0 and 1, or booleans, got 0.5/],
    ["an empty mask", () => localisation(row(1, 2), row(0, 0)), /0 of 2 inside/],
    ["a full mask", () => localisation(row(1, 2), row(1, 1)), /2 of 2 inside/],
    ["relevance that cancels", () => localisation(row(1, -1), row(1, 0)), /^undefined: massAccuracy.*sum is not 0/],
    ["no positive relevance", () => positiveMass(row(-1, -1), row(1, 0)), /^undefined: positiveMass.*sum is not 0/],
    ["no relevance at all", () => complexity(row(0, 0)), /^undefined: .*not 0 everywhere/],
    ["a constant", () => spearman([0.1, 0.1, 0.1], [1, 2, 3]), /^undefined: spearman: expected numbers that vary/],
    ["other lengths", () => pearson([1, 2], [1, 2, 3]), /the same dims, got 2 and 3/],
  ])("%s", async (_name, run, text) => {
    expect(await refusal(run)).toMatch(text);
  });
});
