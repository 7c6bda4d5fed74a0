import { describe, expect, it } from "vitest";
import { BAND } from "../../../src/cli/evaluate/curves.ts";
import { holm } from "../../../src/cli/evaluate/holm.ts";
import type { Part, Settings } from "../../../src/cli/evaluate/part.ts";
import { summaryOf } from "../../../src/cli/evaluate/summary.ts";
import { survey } from "../../../src/cli/evaluate/survey.ts";
import { bootstrap, mean } from "../../../src/evaluate/index.ts";
import { expectClose } from "../../close.ts";
import { refusal } from "../../evaluate/refusal.ts";
import { part, parts, settings } from "./parts.ts";

const summary = async (of: readonly Part[] = parts, how: Settings = settings, held?: number) =>
  summaryOf(how, of, await survey(how, of), held);

describe("holm", () => {
  it.each<[number[], number[]]>([
    [[], []],
    [[0.2], [0.2]],
    [
      [0.01, 0.04, 0.03],
      [0.03, 0.06, 0.06],
    ],
    // Sorted 0.005, 0.01, 0.02, 0.5: times 4, 3, 2, 1.
    [
      [0.02, 0.5, 0.005, 0.01],
      [0.04, 0.5, 0.02, 0.03],
    ],
    // 2 · 0.4 is more than the last, which must not be below it; none is above 1.
    [
      [0.5, 0.4],
      [0.8, 0.8],
    ],
    [
      [0.9, 0.8, 0.9],
      [1, 1, 1],
    ],
  ])("%j", (p, adjusted) => {
    const found = holm(p);
    expect(found).toHaveLength(p.length);
    for (const [i, v] of adjusted.entries()) expect(found[i]).toBeCloseTo(v, 12);
  });
});

describe("summary", () => {
  it("means, differences and what is best", async () => {
    const [morf, gini] = (await summary()).metrics;
    expect(morf.methods.map(({ mean }) => mean)).toEqual([2, 3]);
    expect(morf.methods[0]).toMatchObject({ n: 3, undefined: 0, reasons: {}, difference: null });
    expect(morf.methods[0].low!).toBeLessThan(2);
    expect(morf.methods[0].high!).toBeGreaterThan(2);
    // Three differences of 1: no width; two of the eight choices of signs are as far from 0.
    expect(morf.methods[1].difference).toMatchObject({ n: 3, mean: 1, low: 1, high: 1, p: 0.25 });
    expect(morf).toMatchObject({ better: "lower", best: "first", notWorse: [] });
    // Two pairs, 0.1 and 0.3 less: too few to show anything.
    expect(gini).toMatchObject({ better: "higher", best: "first", notWorse: ["second:lrn=taylor"] });
  });

  it("leaves out what is undefined, in pairs on both sides", async () => {
    const [first, second] = (await summary()).metrics[1].methods;
    expect(first).toMatchObject({ n: 3, undefined: 0 });
    expect(first.mean).toBeCloseTo(0.5, 12);
    expect(second).toMatchObject({ n: 2, undefined: 1, reasons: { "all 0": 1 } });
    expect(second.mean).toBeCloseTo(0.3, 12);
    // 0.3 − 0.4 and 0.3 − 0.6: two of the four choices of signs.
    expect(second.difference).toMatchObject({ n: 2, p: 0.5 });
    expect(second.difference!.mean).toBeCloseTo(-0.2, 12);
    // s / √2 = 0.1; Student's t of one degree of freedom.
    expect(second.difference!.low).toBeCloseTo(-0.2 - 1.27062047361747, 12);
    expect(second.difference!.high).toBeCloseTo(-0.2 + 1.27062047361747, 12);
  });

  it("the best is one with a value for the most images, whatever the mean of fewer", async () => {
    const fewer = parts.map(({ image }, i) =>
      part(image, [{ morf: 2, gini: 0.4 }, i === 1 ? { morf: null, gini: null } : { morf: 1, gini: 0.9 }]),
    );
    const [morf, gini] = (await summary(fewer)).metrics;
    expect([morf.best, gini.best]).toEqual(["first", "first"]);
    expect(gini.methods.map(({ n }) => n)).toEqual([3, 2]);
  });

  it("adjusts for every p of the report", async () => {
    const found = await summary();
    expect(found.comparisons).toBe(2);
    expect(found.metrics.map(({ methods }) => methods[1].difference!.holm)).toEqual([0.5, 0.5]);
  });

  // Differences 1, −1 and 0.5 on one side and the other of 0.
  it.each([
    ["morf", 1],
    ["gini", -1],
  ])("a method whose paired interval reaches 0 is not shown to be worse: %s", async (metric, sign) => {
    const pairs = [
      [1, 2],
      [2, 1],
      [3, 3.5],
    ];
    const some = pairs.map(([a, b], i) => part(i, [{ [metric]: sign * a }, { [metric]: sign * b }]));
    const [row] = (await summary(some, { ...settings, metrics: [metric] })).metrics;
    expect(row).toMatchObject({ best: "first", notWorse: ["second:lrn=taylor"] });
    expect(row.methods[1].difference!.low!).toBeLessThan(0);
    expect(row.methods[1].difference!.high!).toBeGreaterThan(0);
  });

  it("the best need not be the first", async () => {
    const some = parts.map((p) => ({
      ...p,
      methods: p.methods.map((m, i) => ({ ...m, values: p.methods[1 - i].values })),
    }));
    expect((await summary(some)).metrics[0]).toMatchObject({ best: "second:lrn=taylor", notWorse: [] });
  });

  it("nothing is best where neither direction is better", async () => {
    const some = [0, 1].map((i) => part(i, [{ random: i }, { random: i + 1 }]));
    const found = await summary(some, { ...settings, metrics: ["random"] });
    expect(found.metrics[0]).toMatchObject({ best: null, notWorse: [] });
    expect(found.metrics[0].methods[1].difference).toBe(null);
    expect(found.comparisons).toBe(0);
  });

  it("nothing is best where nothing has a value", async () => {
    const some = [0, 1].map((i) => part(i, [{ gini: null }, { gini: null }]));
    const [gini] = (await summary(some, { ...settings, metrics: ["gini"] })).metrics;
    expect(gini).toMatchObject({ best: null, notWorse: [] });
    expect(gini.methods[1]).toMatchObject({
      n: 0,
      mean: null,
      low: null,
      undefined: 2,
      difference: { n: 0, mean: null, p: null },
    });
  });

  it("accuracy of the labelled images", async () => {
    expect((await summary()).accuracy).toMatchObject({
      n: 2,
      mean: 0.5,
      low: 0.012579117093425053,
      high: 0.9874208829065749,
    });
    const right = parts.map((p) => ({ ...p, label: { index: p.predicted.index } }));
    // Three of three: 0.025^(1/3) is the least accuracy that gives it in 2.5 % of cases.
    expect((await summary(right)).accuracy).toMatchObject({ n: 3, mean: 1, high: 1 });
    expect((await summary(right)).accuracy!.low).toBeCloseTo(0.025 ** (1 / 3), 9);
    expect((await summary([parts[2]])).accuracy).toBe(null);
  });

  it("one image has no interval", async () => {
    const found = await summary(parts.slice(0, 1));
    const none = { low: null, high: null };
    expect(found.metrics[0].methods[1]).toMatchObject({
      n: 1,
      mean: 2,
      ...none,
      difference: { n: 1, mean: 1, ...none, p: null, holm: null },
    });
    expect(found.accuracy).toMatchObject({ n: 1, mean: 1, ...none });
    expect(found.curves[0]).toMatchObject({ mean: [0, -1], ...none });
  });

  it("curves: means, bands, and the random order once", async () => {
    const { curves } = await summary();
    expect(curves.map(({ order, method }) => [order, method])).toEqual([
      ["morf", "first"],
      ["morf", "second:lrn=taylor"],
      ["random", null],
    ]);
    const [first, second] = curves;
    expect(first).toMatchObject({ n: 3, replaced: [0, 4], mean: [5 / 3, 2 / 3] });
    expect(second.mean[1]).toBeCloseTo(-1 / 3, 12);
    // Images 0, 1 and 4: s² = 13/3; Student's t of two degrees of freedom.
    const reach = 4.302652729749462 * Math.sqrt(13 / 9);
    expectClose([...first.low!, ...first.high!], [5 / 3 - reach, 2 / 3 - reach, 5 / 3 + reach, 2 / 3 + reach], 1e-12);
  });

  it.each([19, 25])("the band of %i curves is the interval of the mean at each point", async (count) => {
    const many = Array.from({ length: count }, (_, i) => part((i * i) % 101, [{ morf: i }, { morf: -i }])).map(
      (p, i) => ({ ...p, image: i }),
    );
    const [first] = (await summary(many, { ...settings, metrics: ["morf"] })).curves;
    for (const m of [0, 1]) {
      const scores = many.map(({ methods }) => methods[0].curves.morf[m]);
      const { low, high } = bootstrap(scores, mean, { resamples: BAND.resamples, seed: settings.seed });
      expectClose([first.low![m], first.high![m]], [low, high], 1e-12);
    }
  });

  it("what can be held at a time changes nothing", async () => {
    const many = Array.from({ length: 25 }, (_, i) =>
      part(i, [
        { morf: i, gini: 0.1 },
        { morf: (7 * i) % 25, gini: null },
      ]),
    );
    // One number of each image, and three: a metric of one method has 25 of them, a curve 50.
    for (const held of [0, 200, 650]) expect(await summary(many, settings, held)).toEqual(await summary(many));
  });

  it("a curve that one method has not on one image", async () => {
    const [a, ...rest] = parts;
    const some = [{ ...a, methods: [a.methods[0], { ...a.methods[1], curves: {} }] }, ...rest];
    expect((await summary(some)).curves.map(({ n }) => n)).toEqual([3, 2, 3]);
  });

  it("no mean curve of images that differ in what is replaced", async () => {
    expect((await summary([parts[0], { ...parts[1], replaced: [0, 5] }])).curves).toEqual([]);
  });

  it.each<[string, Settings, readonly Part[], RegExp]>([
    ["no parts", settings, [], /the report: there are no results/],
    [
      "a metric that is none",
      { ...settings, metrics: ["x"] },
      [part(0, [{ x: 1 }, { x: 1 }])],
      /a metric: expected one of conservation.*'x'/,
    ],
  ])("refuses %s", async (_name, how, of, text) => expect(await refusal(() => summary(of, how))).toMatch(text));
});
