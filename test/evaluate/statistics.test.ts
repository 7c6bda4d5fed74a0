import { describe, expect, test } from "vitest";
import { bootstrap, mean, pairedDifference } from "../../src/evaluate/bootstrap.ts";
import { pairedTest } from "../../src/evaluate/paired-test.ts";
import { normal, normalQuantile } from "../../src/evaluate/distributions.ts";
import { areaUnder } from "../../src/evaluate/curve.ts";
import { perturbation } from "../../src/evaluate/perturbation.ts";
import { measure, type MeasureOptions } from "../../src/evaluate/measure.ts";
import { random } from "../../src/evaluate/random.ts";
import { metrics, type Subject } from "../../src/evaluate/table.ts";
import { toCsv, toJson } from "../../src/evaluate/text.ts";
import { load } from "../../src/entries/index.ts";
import { numbers } from "../random.ts";
import { refusal } from "./refusal.ts";
import { goldenMap, smallCnn, target, withSmallCnn, x } from "./small-cnn.ts";

describe("bootstrap", () => {
  test("samples that are all the same have no width", () => {
    expect(bootstrap([2, 2, 2], mean)).toEqual({
      value: 2,
      low: 2,
      high: 2,
      level: 0.95,
      n: 3,
      resamples: 2000,
      seed: 0,
    });
  });

  // Of 0 and 1, 100 of each: the mean's deviation is 1/2 / √200.
  test("the interval of a mean is that of the normal distribution, where samples are many", () => {
    const samples = Array.from({ length: 200 }, (_, i) => i % 2);
    const deviation = 0.5 / Math.sqrt(200);
    for (const [level, z] of [
      [0.95, 1.96],
      [0.8, 1.2816],
    ]) {
      const { low, high } = bootstrap(samples, mean, { level, resamples: 20_000, seed: 1 });
      expect(Math.abs(low - (0.5 - z * deviation))).toBeLessThan(0.004);
      expect(Math.abs(high - (0.5 + z * deviation))).toBeLessThan(0.004);
    }
  });

  test("few samples have Student's interval", () => {
    // s² = (4 + 1 + 9) / 2, so s / √3 = √(7 / 3); t of 2 degrees of freedom.
    const { low, high } = bootstrap([1, 2, 6], mean, { resamples: 1 });
    const reach = 4.302652729749462 * Math.sqrt(7 / 3);
    expect(low).toBeCloseTo(3 - reach, 9);
    expect(high).toBeCloseTo(3 + reach, 9);
    const narrower = bootstrap([1, 2, 6], mean, { level: 0.5 });
    expect(narrower.high - 3).toBeCloseTo(0.8164965809277261 * Math.sqrt(7 / 3), 9);
  });

  test("the interval of a ratio of few is the jackknife's, written out", () => {
    const pairs = Array.from(numbers(9, 6), (v, i) => [2 + v, 3 + numbers(9, 7)[i]]);
    const ratio = (some: readonly number[][]) => mean(some.map(([a]) => a)) / mean(some.map(([, b]) => b));
    const without = pairs.map((_, i) => ratio(pairs.filter((_, k) => k !== i)));
    const centre = mean(without);
    const deviation = Math.sqrt((8 / 9) * without.reduce((s, v) => s + (v - centre) ** 2, 0));
    const { value, low, high } = bootstrap(pairs, ratio);
    expect(value).toBe(ratio(pairs));
    // t of 8 degrees of freedom.
    expect(high - value).toBeCloseTo(2.3060041350333704 * deviation, 9);
    expect(value - low).toBeCloseTo(2.3060041350333704 * deviation, 9);
  });

  test("the interval of many is BCa, written out", () => {
    const samples = Array.from(numbers(25, 8), (v) => Math.exp(2 * v));
    const { value, low, high } = bootstrap(samples, mean, { resamples: 999, seed: 3 });
    const { uniform } = random(3);
    const means = Array.from({ length: 999 }, () => mean(samples.map(() => samples[Math.floor(25 * uniform())])));
    means.sort((a, b) => a - b);
    // Of a mean, the acceleration is Σ d³ / (6 (Σ d²)^1.5) with d the distances from it.
    const d = samples.map((v) => v - mean(samples));
    const acceleration = (mean(d.map((v) => v ** 3)) * 25) / (6 * (25 * mean(d.map((v) => v * v))) ** 1.5);
    const bias = normalQuantile(means.filter((v) => v < value).length / 999);
    // Student's t of 24 degrees of freedom, times √(n / (n − 1)).
    const z = 2.063898561628021 * Math.sqrt(25 / 24);
    const at = (q: number) => {
      const place = 998 * normal(bias + (bias + q) / (1 - acceleration * (bias + q)));
      const below = Math.floor(place);
      return means[below] + (place - below) * (means[below + 1] - means[below]);
    };
    expect(low).toBeCloseTo(at(-z), 9);
    expect(high).toBeCloseTo(at(z), 9);
    // Skewed to the right: it reaches further there than to the left, and than percentiles.
    expect(high - value).toBeGreaterThan(1.2 * (value - low));
    expect(high).toBeGreaterThan(means[974]);
  });

  test("what all resamples agree on, and what lies at an end of them", () => {
    expect(bootstrap(new Array(30).fill(5), mean)).toMatchObject({ low: 5, high: 5 });
    const samples = Array.from({ length: 30 }, (_, i) => i);
    const { low, high } = bootstrap(samples, (some) => Math.max(...some), { resamples: 50 });
    expect([low >= 0, high]).toEqual([true, 29]);
  });

  test("pairs", () => {
    const [a, b] = [numbers(50, 1), numbers(50, 2)].map((v) => Array.from(v));
    const above = b.map((v) => v + 3);
    expect(pairedDifference(above, b).low).toBeCloseTo(3, 6);
    const ratio = bootstrap(
      b.map((v) => ({ own: 2 * v, other: v })),
      (some) => mean(some.map((p) => p.own)) / mean(some.map((p) => p.other)),
    );
    expect(ratio.high).toBeCloseTo(2, 12);
    expect(pairedDifference(a, b, { seed: 4 })).toEqual(pairedDifference(a, b, { seed: 4 }));
    expect(pairedDifference(a.slice(0, 19), b.slice(0, 19), { seed: 4 })).toEqual({
      ...pairedDifference(a.slice(0, 19), b.slice(0, 19), { seed: 5 }),
      seed: 4,
    });
    expect(pairedDifference(a, b, { seed: 4 }).low).not.toBe(pairedDifference(a, b, { seed: 5 }).low);
    expect(Object.isFrozen(ratio)).toBe(true);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["a single sample", () => bootstrap([1], mean), /at least 2 samples, got 1/],
    ["no statistic", () => bootstrap([1, 2], undefined as never), /a function of samples, such as mean, got undefined/],
    ["a level of 0", () => bootstrap([1, 2], mean, { level: 0 }), /between 0 and 1, got 0/],
    ["a level of 1", () => bootstrap([1, 2], mean, { level: 1 }), /between 0 and 1, got 1/],
    ["a level of 95", () => bootstrap([1, 2], mean, { level: 95 }), /between 0 and 1, got 95/],
    ["a statistic that is not finite", () => bootstrap([0, 0], ([v]) => 1 / v), /a finite number, got Infinity/],
    ["pairs that are none", () => pairedDifference([1, 2], [1]), /2 and 1/],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));
});

describe("the paired test", () => {
  const against = (d: readonly number[], options = {}) =>
    pairedTest(
      d,
      d.map(() => 0),
      options,
    );

  test.each<[string, number[], number]>([
    ["one pair says nothing", [5], 1],
    ["three of one sign: only all + and all −", [1, 2, 4], 2 / 8],
    // ±(4 + 2 − 1), and ±(4 + 2 + 1).
    ["three, the smallest of the other sign", [-1, 2, 4], 4 / 8],
    ["no difference", [0, 0, 0, 0], 1],
    ["zeros count on both sides", [1, 0, 0], 1],
    ["a mean of 0", [1, -1, 2, -2], 1],
    ["ten that are equal", new Array(10).fill(3), 2 / 1024],
    // Two + and one −: ± 1 of the six such choices, ± 3 of the other two.
    ["equal but for a sign", [1, 1, -1], 1],
  ])("%s", (_name, d, p) =>
    expect(against(d)).toMatchObject({ p, exact: true, n: d.length, resamples: 2 ** d.length }),
  );

  test("what is equal but for rounding counts", () => {
    // 0.3 − 0.2 < 0.1 and 0.8 − 0.7 > 0.1, in doubles: + + − is as far as + − +, and as − + +.
    const [a, b] = [
      [0.3, 0.8, 0.1],
      [0.2, 0.7, 0.2],
    ];
    expect(pairedTest(a, b).p).toBe(1);
    // All sums of three are reached in another order: 0.1 + 0.2 + 0.3 ≠ 0.3 + 0.2 + 0.1.
    expect(against([0.1, 0.2, 0.3, 0.3, 0.2, -0.1]).p).toBe(against([1, 2, 3, 3, 2, -1]).p);
  });

  test("all choices of signs, written out", () => {
    const [a, b] = [numbers(9, 3), numbers(9, 4)].map((v) => Array.from(v));
    let sums = [0];
    for (const [i, v] of a.entries()) sums = sums.flatMap((s) => [s + (v - b[i]), s - (v - b[i])]);
    const far = sums.filter((s) => Math.abs(s) >= Math.abs(sums[0]));
    expect(pairedTest(a, b)).toEqual({
      difference: sums[0] / 9,
      p: far.length / 512,
      n: 9,
      resamples: 512,
      exact: true,
      seed: 0,
    });
  });

  test("signs by chance come near to all of them", () => {
    const d = Array.from(numbers(14, 5), (v) => v + 0.2);
    const all = against(d, { resamples: 2 ** 14 });
    const some = against(d, { resamples: 2 ** 14 - 1, seed: 1 });
    expect([all.exact, some.exact]).toEqual([true, false]);
    expect(all.p).toBeGreaterThan(0.02);
    // Five deviations of a share.
    expect(Math.abs(some.p - all.p)).toBeLessThan(5 * Math.sqrt((all.p * (1 - all.p)) / 2 ** 14));
    expect(some).toEqual(against(d, { resamples: 2 ** 14 - 1, seed: 1 }));
    expect(some.p).not.toBe(against(d, { resamples: 2 ** 14 - 1, seed: 2 }).p);
    expect(Object.isFrozen(some)).toBe(true);
  });

  test("chance never gives 0", () => {
    expect(against(new Array(40).fill(1), { resamples: 99 })).toMatchObject({
      p: 1 / 100,
      resamples: 99,
      exact: false,
    });
  });

  test.each<[string, () => unknown, RegExp]>([
    ["no pairs", () => pairedTest([], []), /1 or more, got 0 and 0/],
    ["pairs that are none", () => pairedTest([1, 2], [1]), /2 and 1/],
    ["a number that is none", () => pairedTest([1, NaN], [1, 2]), /finite numbers, got NaN/],
    ["an infinite one", () => pairedTest([1, 1], [1, -Infinity]), /finite numbers, got -Infinity/],
    [
      "no resamples",
      () => pairedTest([1], [1], { resamples: 0 }),
      /option 'resamples': expected a whole number, 1 or more, got 0/,
    ],
    ["half a seed", () => pairedTest([1], [1], { seed: 0.5 }), /option 'seed'/],
    [
      "an option of the interval",
      () => pairedTest([1], [1], { level: 0.9 } as never),
      /there is no option 'level'\. The options are resamples, seed/,
    ],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));
});

describe("text", () => {
  test("CSV", () => {
    const rows = [
      { name: 'a "b", c', x: 0.1, holds: true, note: undefined },
      { name: "two\nlines", x: -1e-7, holds: false, note: " padded" },
    ];
    expect(toCsv(rows)).toBe('name,x,holds,note\n"a ""b"", c",0.1,true,\n"two\nlines",-1e-7,false," padded"\n');
  });

  test("JSON", () => {
    expect(toJson({ a: Float32Array.of(0.5), b: null }, 0)).toBe('{"a":[0.5],"b":null}');
  });

  test.each<[string, () => unknown, RegExp]>([
    ["no rows", () => toCsv([]), /at least one row/],
    ["rows of other names", () => toCsv([{ a: 1 }, { b: 1 }]), /row 1 of toCsv: expected the columns a, got b/],
    ["a number that is none", () => toCsv([{ a: NaN }]), /'a' in row 0 of toCsv: expected a finite number, got NaN/],
    ["a list in a cell", () => toCsv([{ a: [1] as never }]), /text, a number or a boolean, got object/],
    ["a number that JSON has not", () => toJson({ a: [Infinity] }), /a finite number, got Infinity/],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));
});

describe("the table of metrics", () => {
  const options: MeasureOptions = {
    perturbation: { target, step: 8, replacement: { kind: "value", value: 0 } },
    sensitivity: { radius: 0.1, samples: 2 },
    randomisation: { seed: 1 },
  };
  const counting = (model: { predict: unknown }) => {
    let calls = 0;
    const predict = (input: never) => {
      calls++;
      return (model.predict as (x: never) => never).call(model, input);
    };
    return { ...(model as object), predict, calls: () => calls };
  };

  test("measures all of them, each run once", () =>
    withSmallCnn(async (model) => {
      const counted = { ...counting(model), inputs: model.inputs };
      const subject: Subject = {
        relevance: { ...goldenMap, data: Array.from(goldenMap.data, Math.abs) },
        input: x,
        model: counted,
        mask: { data: Array.from({ length: 64 }, (_, i) => i % 8 < 4), dims: [8, 8] },
        expected: 1,
        explainer: (input) => model.explain(input, { target }).relevance,
        network: {
          source: smallCnn,
          explain: async (changed) => {
            using other = await load(changed);
            return [other.explain(x, { target }).relevance];
          },
        },
        milliseconds: 5,
      };
      const found = await measure(
        metrics.map((row) => row.name),
        subject,
        options,
      );
      expect(Object.keys(found)).toEqual(metrics.map((row) => row.name));
      for (const value of Object.values(found)) expect(Number.isFinite(value)).toBe(true);
      // Four orders, 9 inputs each, in one batch.
      expect(counted.calls()).toBe(4);
      expect(found.relevanceGain).toBe(found.lerf - found.morf);
      expect(found.morf).toBe(areaUnder(await perturbation(model, x, subject.relevance, options.perturbation)));
      expect(found.effective).toBe(64);
      expect(Object.isFrozen(found)).toBe(true);
    }));

  test("notes of what is measured, once each run", () =>
    withSmallCnn(async (model) => {
      const notes: string[] = [];
      const relevance = model.explain(x, { target: target === 0 ? 1 : 0 });
      const explainer = (input: typeof x) => model.explain(input, { target: input === x ? 0 : 1 });
      await measure(
        ["morf", "aopc", "maxSensitivity", "localLipschitz"],
        { relevance, input: x, model, explainer },
        { ...options, onNote: (note) => notes.push(note) },
      );
      expect(notes.map((note) => note.slice(0, 30))).toEqual([
        `The relevance explains class ${target === 0 ? 1 : 0}`,
        "2 of 2 nearby inputs were expl",
      ]);
    }));

  test("a metric without a value is an error, not a number", async () => {
    const none = { ...goldenMap, data: new Float64Array(64) };
    const mask = { data: Array.from({ length: 64 }, (_, i) => i % 8 < 4), dims: [8, 8] };
    const undefinedOf = [
      "morf",
      "lerf",
      "minAbs",
      "relevanceGain",
      "aopc",
      "massAccuracy",
      "positiveMass",
      "rankAccuracy",
      "pointing",
      "gini",
      "entropy",
      "effective",
    ];
    await withSmallCnn(async (model) => {
      for (const name of undefinedOf)
        expect(await refusal(() => measure([name], { relevance: none, input: x, model, mask }, options)), name).toMatch(
          /^undefined: .*relevance that is not 0 everywhere/,
        );
    });
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "a batch",
      () =>
        measure(["gini"], {
          relevance: { data: [1, 2], dims: [2, 1] },
          input: { data: new Float32Array(2), dims: [2, 1] },
        }),
      /a tensor of a single sample.*got 2 numbers with dims \[2, 1\]/,
    ],
    [
      "a metric that is none",
      () => measure(["faithfulness"], { relevance: goldenMap }),
      /metric: expected one of conservation, morf, .*got 'faithfulness'/,
    ],
    [
      "what is missing, all at once",
      () => measure(["morf", "pointing"], { relevance: goldenMap }),
      /morf needs 'model', morf needs 'input', pointing needs 'mask'/,
    ],
    [
      "a radius that is missing",
      () => measure(["maxSensitivity"], { relevance: goldenMap, input: x, explainer: () => goldenMap }),
      /option 'radius'/,
    ],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));

  test("names are given once", () => {
    expect(new Set(metrics.map((row) => row.name)).size).toBe(metrics.length);
  });
});
