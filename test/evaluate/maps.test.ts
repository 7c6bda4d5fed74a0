import { describe, expect, test } from "vitest";
import { type Attribution, mapOf, sampleOf } from "../../src/evaluate/attribution.ts";
import { complexity } from "../../src/evaluate/complexity.ts";
import { conservation, startOf } from "../../src/evaluate/conservation.ts";
import { massAccuracy, pointing, positiveMass, rankAccuracy } from "../../src/evaluate/localisation.ts";
import { cosine, pearson, spearman } from "../../src/evaluate/similarity.ts";
import { expectClose } from "../close.ts";
import { golden } from "../golden/read.ts";
import { numbers } from "../random.ts";
import { refusal } from "./refusal.ts";
import { explained, goldenMap } from "./small-cnn.ts";

const localisation = (relevance: Attribution, mask: Attribution | { data: boolean[]; dims: number[] }) =>
  [positiveMass, rankAccuracy, pointing].map((metric) => metric(relevance, mask));

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
    const { RMA_positive, RRA, pointing_game } = wanted.localisation;
    expectClose(localisation(goldenMap, mask), [RMA_positive, RRA, Number(pointing_game)], 1e-11);
    const positive = { ...goldenMap, data: Array.from(goldenMap.data, (v) => Math.max(v, 0)) };
    expectClose([massAccuracy(positive, mask)], [RMA_positive], 1e-11);
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
      mapOf({ data: [1, 2, 3, 40, 50, 60], dims: [1, 2, 1, 3] }),
      { data: Float64Array.of(41, 52, 63), dims: [1, 3] },
    ],
    [
      "a map of one sample, not channels",
      mapOf({ data: [1, 2, 3, 40, 50, 60], dims: [1, 2, 3] }),
      { data: Float64Array.of(1, 2, 3, 40, 50, 60), dims: [2, 3] },
    ],
    [
      "a signal of two channels, which says so",
      mapOf({ data: [1, 2, 3, 40, 50, 60], dims: [1, 2, 3], channelAxis: "first" }),
      { data: Float64Array.of(41, 52, 63), dims: [1, 3] },
    ],
    [
      "channels last",
      mapOf({ data: [1, 20, 3, 40, 5, 60], dims: [1, 3, 1, 2], channelAxis: "last" }),
      { data: Float64Array.of(21, 43, 65), dims: [3, 1] },
    ],
    [
      "what explain returns of a network without an axis of samples",
      mapOf({ relevance: { data: [1, 2, 3, 40, 50, 60], dims: [2, 1, 3], batchAxis: null }, targets: [[]] }),
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
    ["localised with both signs", localisation(row(4, -2, 1, 1), row(1, 1, 0, 0)), [4 / 6, 0.5, 1]],
    ["the mass of what is nowhere negative", massAccuracy(row(4, 2, 1, 1), row(1, 1, 0, 0)), 0.75],
    ["no relevance is positive", [rankAccuracy, pointing].map((m) => m(row(-1, -2), row(1, 0))), [1, 1]],
    [
      "a mask with the axes of sample and channel",
      pointing({ data: [1, 2, 3, 4], dims: [1, 2, 2] }, { data: [0, 0, 0, 1], dims: [1, 1, 2, 2] }),
      1,
    ],
    ["nothing is left", conservation(row(0, 0), 4).relative, -1],
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

/** Every choice of `count` of these. */
function* choices(of: readonly number[], count: number): Generator<number[]> {
  if (count === 0) yield [];
  else
    for (const [i, first] of of.entries())
      for (const rest of choices(of.slice(i + 1), count - 1)) yield [first, ...rest];
}

describe("equal relevance", () => {
  test.each<[string, number[], number[], number, number]>([
    ["wherever the mask is, at the top", [1, 0, 0, 0], [1, 1, 0, 0], 2 / 3, 1],
    ["wherever the mask is, at the ends", [1, 0, 0, 0], [1, 0, 0, 1], 2 / 3, 1],
    ["several that are highest", [1, 1, 0], [0, 1, 0], 1 / 2, 1 / 2],
    ["all of them", [2, 2, 2, 2], [0, 1, 0, 0], 1 / 4, 1 / 4],
    ["below what is sure", [3, 2, 2, -1], [1, 0, 1, 0], 3 / 4, 1],
    ["none at the end of the choice", [0, 5, 0, 3], [0, 1, 0, 1], 1, 1],
  ])("%s", (_name, map, mask, rank, point) => {
    expect(rankAccuracy(row(...map), row(...mask))).toBeCloseTo(rank, 12);
    expect(pointing(row(...map), row(...mask))).toBeCloseTo(point, 12);
  });

  test("the mean over all choices of the highest places", () => {
    for (let seed = 0; seed < 40; seed++) {
      const map = Array.from(numbers(7, seed), (v) => Math.round(1.5 * v));
      const mask = Array.from(numbers(7, seed + 100), (v) => Number(v > 0));
      const count = mask.reduce((a, b) => a + b);
      if (count === 0 || count === 7 || map.every((v) => v === 0)) continue;
      const sumOf = (places: number[]) => places.reduce((s, p) => s + map[p], 0);
      const all = [...choices([0, 1, 2, 3, 4, 5, 6], count)];
      const most = Math.max(...all.map(sumOf));
      const best = all.filter((places) => sumOf(places) === most);
      const hits = best.map((places) => places.filter((p) => mask[p]).length / count);
      expect(rankAccuracy(row(...map), row(...mask))).toBeCloseTo(hits.reduce((a, b) => a + b) / hits.length, 12);
    }
  });
});

describe("refusals", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["fewer numbers than dims", () => mapOf({ data: [1], dims: [1, 2] }), /2 numbers for dims \[1,2\], got 1/],
    ["no dims", () => mapOf({ data: [1] } as unknown as Attribution), /dims that are whole numbers above 0/],
    ["NaN", () => mapOf(row(1, NaN)), /finite numbers, got NaN at position 1/],
    ["a batch", () => mapOf({ data: [1, 2], dims: [2, 1, 1] }), /a single sample.*sampleOf/],
    [
      "a batch that knows it",
      () => complexity({ relevance: { data: [1, 2], dims: [2, 1] }, targets: [[], []] }),
      /a single sample, with dims \[1, …\], got 2 samples, with dims \[2, 1\]. sampleOf/,
    ],
    ["channels nowhere", () => mapOf({ ...row(1), channelAxis: "middle" as never }), /'first' or 'last', got 'middle'/],
    ["a sample beyond the batch", () => sampleOf(row(1), 1), /a sample from 0 to 0, got 1/],
    ["nothing to conserve", () => conservation(row(1), 0), /^undefined: .*other than 0, got 0/],
    ["no tolerance", () => conservation(row(1), 1, 0), /above 0/],
    [
      "a mask of other dims",
      () => localisation(row(1, 2), row(1, 0, 0)),
      /the mask: expected dims \[1,2\], those of the places, got dims \[1,3\]/,
    ],
    [
      "a mask of other dims, as they were given",
      () => pointing({ data: [1, 2], dims: [1, 1, 1, 2] }, { data: [1, 0, 0], dims: [1, 1, 1, 3] }),
      /the mask: expected dims \[1,2\], those of the places, got dims \[1,1,1,3\]/,
    ],
    [
      "shares of a sum in which signs cancel",
      () => massAccuracy(row(4, -2, 1, 1), row(1, 1, 0, 0)),
      /^undefined: massAccuracy: expected relevance that is nowhere negative.* 1 of 4 .*positiveMass/,
    ],
    ["a mask of weights", () => localisation(row(1, 2), row(0.5, 0)), /0 and 1, or booleans, got 0.5/],
    ["an empty mask", () => localisation(row(1, 2), row(0, 0)), /0 of 2 places inside/],
    ["a full mask", () => localisation(row(1, 2), row(1, 1)), /2 of 2 places inside/],
    [
      "no positive relevance",
      () => positiveMass(row(-1, -1), row(1, 0)),
      /^undefined: positiveMass.*positive somewhere/,
    ],
    ["no relevance at all", () => complexity(row(0, -0)), /^undefined: complexity: expected relevance that is not 0/],
    ...[massAccuracy, positiveMass, rankAccuracy, pointing].map((metric): [string, () => unknown, RegExp] => [
      `no relevance at all: ${metric.name}`,
      () => metric(row(0, -0), row(1, 0)),
      new RegExp(`^undefined: ${metric.name}: expected relevance that is not 0 everywhere`),
    ]),
    ["no relevance, and a mask that is wrong", () => pointing(row(0, 0), row(1, 1)), /^the mask/],
    ["a constant", () => spearman([0.1, 0.1, 0.1], [1, 2, 3]), /^undefined: spearman: expected numbers that vary/],
    ["other lengths", () => pearson([1, 2], [1, 2, 3]), /the same dims, got dims \[2\] and \[3\]/],
    [
      "the same numbers of other dims",
      () => cosine({ data: [1, 2], dims: [1, 2] }, { data: [1, 2], dims: [2, 1] }),
      /got dims \[1,2\] and \[2,1\]/,
    ],
  ])("%s", async (_name, run, text) => {
    expect(await refusal(run)).toMatch(text);
  });
});
