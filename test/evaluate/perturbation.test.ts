import { describe, expect, test } from "vitest";
import { layoutOf } from "../../src/base/layout.ts";
import { mapOf } from "../../src/evaluate/attribution.ts";
import { imputeLinear } from "../../src/evaluate/impute.ts";
import { aopc, areaUnder, relevanceGain } from "../../src/evaluate/curve.ts";
import { type Curve, perturbation, type PerturbationOptions } from "../../src/evaluate/perturbation.ts";
import { notesOn } from "../../src/evaluate/predictor.ts";
import { fillOf, type Replacement } from "../../src/evaluate/replacement.ts";
import type { Progress } from "../../src/evaluate/runs.ts";
import { dense, flatten, load, type Model, softmax, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { network } from "../explain.ts";
import { golden } from "../golden/read.ts";
import { refusal } from "./refusal.ts";
import { explained, goldenMap, target, withSmallCnn, x } from "./small-cnn.ts";

const zero = { kind: "value", value: 0 } as const;

describe("goldens", () => {
  const { pixel_flipping: flipping, region_perturbation: regions } = golden("metrics");
  const four = { target, replacement: zero, step: 4 };
  const run = (options: PerturbationOptions) => withSmallCnn((model) => perturbation(model, x, goldenMap, options));

  test("pixel flipping", async () => {
    const [morf, lerf] = [await run({ ...four, order: "morf" }), await run({ ...four, order: "lerf" })];
    expectClose(morf.values, flipping["MoRF_curve(17 points incl. unperturbed)"], 1e-6);
    expectClose(lerf.values, flipping.LeRF_curve, 1e-6);
    expectClose([areaUnder(morf)], [flipping["AUC_MoRF(mean trapezoid)"]], 1e-6);
    expectClose([areaUnder(lerf)], [flipping.AUC_LeRF], 1e-6);
    expectClose([relevanceGain(lerf, morf)], [flipping["SRG=AUC_LeRF-AUC_MoRF"]], 1e-6);
    expect(morf.replaced).toEqual(Array.from({ length: 17 }, (_, m) => 4 * m));
  });

  test("regions", async () => {
    const curve = await run({ target, replacement: zero, region: regions.patch, steps: regions.L });
    const { values } = curve;
    expectClose(
      values.map((v) => values[0] - v),
      regions["f(x0)-f(xk), k=0..8"],
      1e-6,
    );
    expectClose([aopc(curve)], [regions["AOPC=1/(L+1)*sum"]], 1e-6);
  });

  test("relevance with channels gives the curve of its map", async () => {
    const { relevance } = await explained("epsilonPlus");
    const curve = await withSmallCnn((model) => perturbation(model, x, relevance, four));
    expect(curve.values).toEqual((await run(four)).values);
  });
});

/** f_0 = Σ x and f_1 = x_0, of one channel of 2 × 3 pixels. */
async function withSum<T>(use: (model: Model) => Promise<T>, ...end: Parameters<typeof network>[1][]): Promise<T> {
  const weight = { dims: [2, 6], data: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0) };
  using model = await load(network([1, 1, 2, 3], flatten(), dense({ weight }), ...end));
  return await use(model);
}

const six: Tensor = { dims: [1, 1, 2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const values = (
  options: PerturbationOptions,
  relevance = [6, -5, 4, -3, 2, -1],
  ...end: Parameters<typeof network>[1][]
) =>
  withSum(
    async (model) =>
      (await perturbation(model, six, { data: relevance, dims: [2, 3] }, { target: 0, replacement: zero, ...options }))
        .values,
    ...end,
  );

describe("by hand", () => {
  test.each<[string, Promise<unknown>, unknown]>([
    ["most relevant first", values({}), [21, 20, 17, 12, 6, 2, 0]],
    ["least relevant first", values({ order: "lerf" }), [21, 19, 15, 9, 4, 1, 0]],
    ["smallest |R| first", values({ order: "minAbs" }), [21, 15, 10, 6, 3, 1, 0]],
    ["a shorter last step", values({ step: 4 }), [21, 6, 0]],
    ["no more than these steps", values({ step: 2, steps: 1 }), [21, 17]],
    // Columns 0 and 1 sum to −2, column 2 to 3.
    ["regions that are cut off at the edge", values({ region: 2 }), [21, 12, 0]],
    ["a value", values({ replacement: { kind: "value", value: 10 }, steps: 1 }), [21, 30]],
    ["the mean", values({ replacement: { kind: "mean" }, steps: 1 }), [21, 23.5]],
    ["another class", values({ target: 1, steps: 2 }), [1, 0, 0]],
    ["one class against another", values({ target: { class: 0, against: 1 }, steps: 2 }), [20, 20, 17]],
    ["the class that the input itself has", values({ target: "argmax", steps: 1 }), [21, 20]],
  ])("%s", async (_name, found, expected) => expect(await found).toEqual(expected));

  test("a gain by regions that are cut off at the edge", async () => {
    const curve = (order: "morf" | "lerf") =>
      withSum((model) => perturbation(model, six, mapOf(six), { order, target: 0, replacement: zero, region: 2 }));
    // Columns 0 and 1 sum to 12, column 2 to 9: (21 + 12)/2 and 12/2 against (21 + 9)/2 and 9/2, halved.
    const [lerf, morf] = [await curve("lerf"), await curve("morf")];
    expect(relevanceGain(lerf, morf)).toBe(1.5);
    expect([lerf.regions, lerf.replaced, morf.regions, morf.replaced]).toEqual([
      [0, 1, 2],
      [0, 2, 6],
      [0, 1, 2],
      [0, 4, 6],
    ]);
  });

  test("a probability, and a logit, where the network ends in a softmax", async () => {
    const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
    const options = { target: 1, steps: 2, score: "probability" } as const;
    for (const end of [[], [softmax()]]) {
      expectClose(await values(options, undefined, ...end), [sigmoid(-20), sigmoid(-20), sigmoid(-17)], 1e-7);
      expect(await values({ target: 0, steps: 1 }, undefined, ...end)).toEqual([21, 20]);
    }
  });

  test("the one logit of a network; it has no probability", async () => {
    using model = await load(
      network([1, 1, 2, 3], flatten(), dense({ weight: { dims: [1, 6], data: new Float32Array(6).fill(1) } })),
    );
    const run = (score: "logit" | "probability") =>
      perturbation(model, six, mapOf(six), { replacement: zero, steps: 1, score });
    expect((await run("logit")).values).toEqual([21, 15]);
    expect(await refusal(() => run("probability"))).toMatch(
      /option 'score': expected 'logit', since the network has one class only/,
    );
  });

  test("areas", () => {
    const curve = { values: [6, 1, 2] };
    expect([areaUnder(curve), aopc(curve)]).toEqual([2.5, 3]);
    expect(areaUnder({ values: [6, 1] })).toBe(3.5);
  });
});

describe("equal relevance", () => {
  /** Which pixel is replaced at each step. */
  const orderOf = async (options: PerturbationOptions, relevance: number[]) => {
    const curve = await values({ replacement: zero, ...options }, relevance);
    return curve.slice(1).map((v, m) => curve[m] - v - 1);
  };
  const seeds = Array.from({ length: 200 }, (_, seed) => seed);

  test.each(["morf", "lerf", "minAbs"] as const)("%s: by the seed, each as often first", async (order) => {
    const relevance = [1, -1, 1, 1, -1, 1];
    const group = order === "minAbs" ? [0, 1, 2, 3, 4, 5] : order === "morf" ? [0, 2, 3, 5] : [1, 4];
    const firsts = await Promise.all(
      seeds.map(async (seed) => (await orderOf({ order, seed }, relevance)).slice(0, group.length)),
    );
    for (const first of firsts) expect([...first].sort()).toEqual(group);
    for (const place of group) {
      const count = firsts.filter(([first]) => first === place).length;
      // Four deviations of a share.
      const share = 1 / group.length;
      expect(Math.abs(count / seeds.length - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / seeds.length));
    }
  });

  test("what relevance leaves open is as in the random order, for every order alike", async () => {
    for (const seed of [0, 1, 2]) {
      const chance = await orderOf({ order: "random", seed }, [1, 1, 1, 1, 1, 1]);
      for (const order of ["morf", "lerf", "minAbs"] as const) {
        expect(await orderOf({ order, seed }, [1, 1, 1, 1, 1, 1])).toEqual(chance);
        const [one] = order === "morf" ? [[0, 0, 9, 0, 0, 0]] : [[1, 1, 0, 1, 1, 1]];
        expect(await orderOf({ order, seed }, one)).toEqual([2, ...chance.filter((place) => place !== 2)]);
      }
    }
  });

  test("without any relevance there is an order by chance alone", async () => {
    const none = [0, -0, 0, 0, 0, 0];
    for (const order of ["morf", "lerf", "minAbs"] as const)
      expect(await refusal(() => values({ order }, none))).toMatch(
        `undefined: order '${order}' of perturbation: expected relevance that is not 0 everywhere`,
      );
    expect((await orderOf({ order: "random" }, none)).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("equal regions, too", async () => {
    const first = await Promise.all(
      seeds.map(async (seed) => (await values({ region: 2, seed, steps: 1 }, [1, 1, 2, 0, 0, 0]))[1]),
    );
    expect(new Set(first)).toEqual(new Set([9, 12]));
  });
});

describe("how numbers lie", () => {
  /** The same picture of 2 channels, channels first and last; f = Σ x_i (i + 1) of the first, channel by channel. */
  const [C, H, W] = [2, 3, 4];
  const first = { dims: [1, C, H, W], data: Float32Array.from({ length: C * H * W }, (_, i) => Math.sin(i + 1)) };
  const turned = (data: ArrayLike<number>) =>
    Float32Array.from({ length: C * H * W }, (_, i) => data[(i % C) * H * W + Math.floor(i / C)]);
  const last = { dims: [1, H, W, C], data: turned(first.data), channelAxis: "last" as const };
  const back = (data: Float32Array) => {
    const out = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) out[(i % C) * H * W + Math.floor(i / C)] = data[i];
    return out;
  };
  const predictor = (isLast: boolean) => ({
    inputs: [{ name: "x", type: "float32", dims: ["n", ...(isLast ? last : first).dims.slice(1)] }] as never,
    predict(input: unknown) {
      const { data, dims } = input as Tensor;
      const size = C * H * W;
      const logits = Array.from({ length: dims[0] }, (_, n) => {
        const own = data.subarray(n * size, (n + 1) * size);
        return (isLast ? back(own) : own).reduce((s, v, i) => s + v * ((i * 7) % 11), 0);
      });
      return { logits: { data: Float32Array.from(logits), dims: [dims[0], 1] } } as never;
    },
  });

  test.each<Replacement>([
    { kind: "value", value: [3, -2] },
    { kind: "mean" },
    { kind: "blur", sigma: 1 },
    { kind: "linear", noise: 0 },
  ])("channels last give the curve of channels first: $kind", async (replacement) => {
    const options = { replacement, step: 2 };
    const of = (isLast: boolean, own: Tensor) => perturbation(predictor(isLast), own, own, options);
    const [a, b] = [await of(false, first), await of(true, last)];
    expectClose(b.values, a.values, 1e-6);
    // The relevance alone may say where channels are.
    const { channelAxis: _, ...input } = last;
    expect((await perturbation(predictor(true), input, last, options)).values).toEqual(b.values);
  });

  test("[1, h, w] is one picture", async () => {
    const model = (shape: number[]) =>
      load(network(shape, flatten(), dense({ weight: { dims: [1, 6], data: Float32Array.of(1, 2, 3, 4, 5, 6) } })));
    using flat = await model([1, 2, 3]);
    using deep = await model([1, 1, 2, 3]);
    const options = { replacement: zero, region: 2 } as const;
    const map = { data: six.data, dims: [1, 2, 3] };
    const own = await perturbation(flat, map, map, options);
    expect(own.regions).toEqual([0, 1, 2]);
    expect(own.values).toEqual((await perturbation(deep, six, six, options)).values);
  });
});

describe("what relevance is of", () => {
  const followed = (explained: PerturbationOptions["target"], options: PerturbationOptions) =>
    withSmallCnn(
      async (model) =>
        (await perturbation(model, x, model.explain(x, { target: explained }), { steps: 1, ...options })).notes,
    );

  test("a note where it is another target", async () => {
    expect(await followed(target, { target })).toEqual([]);
    expect(await followed("argmax", {})).toEqual([]);
    expect(await followed({ class: 0, against: "softmax" }, { target: { class: 0, against: "softmax" } })).toEqual([]);
    expect(await followed(0, { target: 1 })).toEqual([
      "The relevance explains class 0, but the score that is followed is that of class 1.",
    ]);
    expect(await followed(0, { target: Float32Array.of(1 / 3, -1, 2) })).toEqual([
      "The relevance explains class 0, but the score that is followed is that of 0.333 · class 0 + -1 · class 1 + 2 · class 2.",
    ]);
    expect(await followed({ class: 0, against: 1 }, { target: 0 })).toEqual([
      "The relevance explains class 0 + -1 · class 1, but the score that is followed is that of class 0.",
    ]);
  });

  test("of many classes, three are named", () => {
    const targets = [Array.from({ length: 9 }, (_, index) => ({ index, weight: 1, score: 0 }))];
    const cat = { index: 3, name: "cat", weight: 1, score: 0 };
    expect(notesOn({ relevance: goldenMap, targets }, [cat])).toEqual([
      "The relevance explains class 0 + class 1 + class 2 + …, but the score that is followed is that of class 3 'cat'.",
    ]);
  });

  test("relevance alone does not know", () =>
    withSmallCnn(async (model) => {
      const { relevance } = model.explain(x, { target: 0 });
      expect((await perturbation(model, x, relevance, { target: 1, steps: 1 })).notes).toEqual([]);
    }));
});

describe("replacements", () => {
  const fill = (replacement: Replacement, input: Tensor, removed: number[], seed = 0) =>
    fillOf(
      replacement,
      input.data,
      layoutOf(input),
      seed,
    )(Uint8Array.from({ length: removed.length }, (_, i) => removed[i]));
  const image = (height: number, width: number, at: (y: number, x: number) => number): Tensor => ({
    dims: [1, 1, height, width],
    data: Float32Array.from({ length: height * width }, (_, i) => at(Math.floor(i / width), i % width)),
  });

  test("a value for each channel", () => {
    const two = { dims: [1, 2, 1, 2], data: new Float32Array(4) };
    expect(Array.from(fill({ kind: "value", value: [1, 2] }, two, [1, 1]))).toEqual([1, 1, 2, 2]);
  });

  test("noise: the same from one seed, within the input's range or another", () => {
    const input = image(10, 10, (y, x) => y - x);
    const draw = (seed: number, range = {}) => fill({ kind: "noise", ...range }, input, new Array(100).fill(1), seed);
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    const [all, own] = [draw(3), draw(3, { low: 5, high: 6 })];
    expect(all.every((v) => v >= -9 && v < 9) && Math.min(...all) < -7 && Math.max(...all) > 7).toBe(true);
    expect(own.every((v) => v >= 5 && v <= 6)).toBe(true);
  });

  test("noise for each channel: what one range draws, scaled", () => {
    const two = { dims: [1, 2, 5, 1], data: new Float32Array(10) };
    const draw = (range: object) => Array.from(fill({ kind: "noise", ...range }, two, new Array(10).fill(1), 2));
    const unit = draw({ low: 0, high: 1 });
    expect(new Set(unit).size).toBe(10);
    const scaled = unit.map((v, i) => (i < 5 ? v - 1 : 10 + 4 * v));
    expectClose(draw({ low: [-1, 10], high: [0, 14] }), scaled, 1e-6);
    expect(draw({ low: [0, 2], high: 2 }).slice(5)).toEqual(new Array(5).fill(2));
  });

  test("a blur keeps what is even, and spreads a point by the Gaussian", () => {
    const even = fill(
      { kind: "blur", sigma: 2 },
      image(5, 7, () => 3),
      [1],
    );
    expectClose(even, new Array(35).fill(3), 1e-6);
    const point = fill(
      { kind: "blur", sigma: 1 },
      image(9, 9, (y, x) => (y === 4 && x === 4 ? 1 : 0)),
      [1],
    );
    const g = [0, 1, 2, 3].map((d) => Math.exp(-(d * d) / 2));
    const total = g[0] + 2 * (g[1] + g[2] + g[3]);
    expectClose(
      [point[4 * 9 + 4], point[3 * 9 + 4], point[3 * 9 + 5]],
      [1, g[1], g[1] * g[1]].map((v) => v / total ** 2),
      1e-6,
    );
    // At the edge, half of the Gaussian is missing, and the rest counts for all of it.
    const edge = fill(
      { kind: "blur", sigma: 1 },
      image(1, 5, (_y, x) => (x === 0 ? 1 : 0)),
      [1],
    );
    expectClose([edge[0]], [g[0] / (g[0] + g[1] + g[2] + g[3])], 1e-6);
  });

  test("linear imputation restores a plane", () => {
    const plane = image(9, 8, (y, x) => 3 * y - 2 * x + 1);
    const removed = Array.from({ length: 72 }, (_, i) => (i % 8 >= 2 && i % 8 <= 5 && i >= 16 && i < 56 ? 1 : 0));
    const holes = { ...plane, data: plane.data.map((v, i) => (removed[i] ? 99 : v)) };
    expectClose(fill({ kind: "linear", noise: 0 }, holes, removed), plane.data, 1e-6);
  });

  test("linear imputation by hand: at an edge, and where one pixel or none is left", () => {
    const impute = (data: number[], removed: number[], width: number) =>
      Array.from(
        imputeLinear({ data, layout: layoutOf({ dims: [1, data.length / width, width] }) }, Uint8Array.from(removed)),
      );
    // The corner's neighbours: two straight ones with 1/6, a diagonal one with 1/12.
    expectClose(impute([0, 1, 2, 4], [1, 0, 0, 0], 2), [(1 + 2 + 4 / 2) / 2.5, 1, 2, 4], 1e-7);
    // x_1 = (x_0 + x_2) / 2 along a line, x_3 = x_2.
    expectClose(impute([0, 9, 9, 3, 9], [0, 1, 1, 0, 1], 5), [0, 1, 2, 3, 3], 1e-7);
    expectClose(impute([7, 1, 1, 1], [0, 1, 1, 1], 2), [7, 7, 7, 7], 1e-7);
    expect(impute([1, 2, 3, 6], [1, 1, 1, 1], 2)).toEqual([3, 3, 3, 3]);
  });

  test("the noise of linear imputation is a share of the input's deviation", () => {
    const input = image(40, 40, (y, x) => ((y + x) % 2 ? 100 : -100));
    const removed = input.data.map((_, i) => (i % 7 === 0 ? 1 : 0));
    const [plain, noisy] = [0, 0.1].map((noise) => fill({ kind: "linear", noise }, input, [...removed]));
    const added = plain.map((v, i) => noisy[i] - v);
    const deviation = Math.sqrt(added.reduce((s, v) => s + v * v, 0) / added.length);
    expect(Math.abs(deviation - 10)).toBeLessThan(0.6);
  });
});

describe("the run", () => {
  const noisy: PerturbationOptions = { target, step: 3, steps: 20, replacement: { kind: "noise" }, seed: 7 };
  const run = (options: PerturbationOptions) =>
    withSmallCnn((model) => perturbation(model, x, goldenMap, { ...noisy, ...options }));

  test.each<Replacement>([{ kind: "noise" }, { kind: "linear" }])(
    "batches of any size give the same curve: $kind",
    async (replacement) => {
      const whole = await run({ replacement, batch: 64 });
      expect(whole.values).toHaveLength(21);
      for (const batch of [1, 4, 16]) expectClose((await run({ replacement, batch })).values, whole.values, 1e-6);
    },
  );

  test("a network of a fixed batch gets that", async () => {
    const whole = await run({});
    const sizes = new Set<number>();
    const fixed = await withSmallCnn((model) => {
      const inputs = [{ ...model.inputs[0], dims: [4, ...model.inputs[0].dims.slice(1)] }];
      const predict = async (input: unknown) => {
        sizes.add((input as Tensor).dims[0]);
        return model.predict(input as Tensor);
      };
      return perturbation({ inputs, predict }, x, goldenMap, noisy);
    });
    expect([...sizes]).toEqual([4]);
    expectClose(fixed.values, whole.values, 1e-6);
  });

  test("one seed, one curve; another seed, another", async () => {
    const random: PerturbationOptions = { order: "random", replacement: zero };
    expect(await run({})).toEqual(await run({}));
    expect((await run({ seed: 8 })).values).not.toEqual((await run({})).values);
    expect(await run(random)).toEqual(await run(random));
    expect((await run({ ...random, seed: 8 })).values).not.toEqual((await run(random)).values);
  });

  test("the noise is the same in every order", async () => {
    const ends = await Promise.all((["morf", "lerf", "random"] as const).map((order) => run({ order, steps: 100 })));
    for (const { values, replaced } of ends) {
      expect(replaced.at(-1)).toBe(64);
      expectClose([values.at(-1)!], [ends[0].values.at(-1)!], 1e-6);
    }
  });

  test("progress, and an end by signal", async () => {
    const seen: string[] = [];
    const controller = new AbortController();
    const onProgress = ({ done, total }: Progress) => {
      seen.push(`${done}/${total}`);
      if (done === 2) setImmediate(() => controller.abort(new Error("enough")));
    };
    await expect(run({ batch: 4, onProgress, signal: controller.signal })).rejects.toThrow("enough");
    expect(seen).toEqual(["1/6", "2/6"].concat(seen.slice(2)));
    expect(seen.length).toBeLessThan(5);
    await expect(run({ signal: AbortSignal.abort(new Error("at once")) })).rejects.toThrow("at once");
  });

  test("a frozen result that says how it was made", async () => {
    const curve = await run({});
    expect(Object.isFrozen(curve) && Object.isFrozen(curve.values) && Object.isFrozen(curve.regions)).toBe(true);
    expect(curve.regions).toEqual(curve.replaced);
    expect({ ...curve, values: [], replaced: [], regions: [], targets: curve.targets.map((t) => t.index) }).toEqual({
      values: [],
      replaced: [],
      regions: [],
      targets: [target],
      score: "logit",
      order: "morf",
      replacement: { kind: "noise" },
      region: 1,
      step: 3,
      seed: 7,
      notes: [],
    });
    expect(Object.isFrozen(curve.notes)).toBe(true);
  });
});

describe("refusals", () => {
  const bad = (options: object) => () => values(options as PerturbationOptions);
  const curve = (order: string, step = 1) =>
    ({ order, step, values: [1, 2], replaced: [0, 1], targets: [] }) as unknown as Curve;
  test.each<[string, () => unknown, RegExp]>([
    [
      "an option that is none",
      bad({ orders: 1 }),
      /perturbation: there is no option 'orders'\. The options are order,/,
    ],
    [
      "an order that is none",
      bad({ order: "MoRF" }),
      /option 'order': expected one of morf, lerf, minAbs, random, got 'MoRF'/,
    ],
    ["half a step", bad({ step: 0.5 }), /option 'step': expected a whole number, 1 or more, got 0.5/],
    ["a negative seed", bad({ seed: -1 }), /option 'seed'/],
    ["a score that is none", bad({ score: "loss" }), /'logit' or 'probability'/],
    [
      "a replacement that is none",
      bad({ replacement: "mean" }),
      /option 'replacement': expected one of value, mean, noise, blur, linear/,
    ],
    [
      "an option of another replacement",
      bad({ replacement: { kind: "mean", value: 1 } }),
      /there is no option 'value'\. The only option is kind/,
    ],
    [
      "values for other channels",
      bad({ replacement: { kind: "value", value: [1, 2] } }),
      /a finite number, or 1 of them/,
    ],
    [
      "a noise upside down",
      bad({ replacement: { kind: "noise", low: 1, high: 0 } }),
      /a low that is not above high, got 1 and 0 in channel 0/,
    ],
    [
      "noise that ends nowhere",
      bad({ replacement: { kind: "noise", high: Infinity } }),
      /high: expected a finite number, or 1 of them/,
    ],
    [
      "noise for other channels",
      bad({ replacement: { kind: "noise", low: [0, 1] } }),
      /low: expected a finite number, or 1 of them, got 0,1/,
    ],
    ["a blur of no width", bad({ replacement: { kind: "blur", sigma: 0 } }), /sigma: expected a finite number above 0/],
    ["a class that is none", bad({ target: 2 }), /a class from 0 to 1/],
    [
      "a map of other places",
      () => withSum((m) => perturbation(m, six, { data: [1, 2], dims: [1, 2] })),
      /the input's dims \[1,1,2,3\] or its places \[2,3\], got dims \[1,2\]/,
    ],
    [
      "a batch",
      () => withSum((m) => perturbation(m, { dims: [2, 1], data: new Float32Array(2) }, mapOf(six))),
      /a tensor of a single sample/,
    ],
    ["a gain of equal orders", () => relevanceGain(curve("morf"), curve("morf")), /a curve lerf and a curve morf/],
    ["a gain of other steps", () => relevanceGain(curve("lerf", 2), curve("morf")), /differ only in their order/],
    ["an area of a point", () => areaUnder({ values: [1] }), /at least two values/],
  ])("%s", async (_name, run, text) => {
    expect(await refusal(run)).toMatch(text);
  });
});
