import { describe, expect, test } from "vitest";
import type { Attribution } from "../../src/evaluate/attribution.ts";
import { crossedBounds, parameterRandomisation, type RandomisationOptions } from "../../src/evaluate/randomisation.ts";
import { parametrisedLayers, randomized } from "../../src/evaluate/randomized.ts";
import { type Explainer, sensitivity, type SensitivityOptions } from "../../src/evaluate/sensitivity.ts";
import { random } from "../../src/evaluate/random.ts";
import { spearman } from "../../src/evaluate/similarity.ts";
import { batchNormalization, dense, load, type Network, relu, type Source } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { network } from "../explain.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { refusal } from "./refusal.ts";
import { smallCnn, target, withSmallCnn, x } from "./small-cnn.ts";

describe("sensitivity", () => {
  const point = { dims: [1, 3], data: Float32Array.of(1.001, -2, 2) };
  const scaled =
    (factor: number): Explainer =>
    (input) => ({ dims: input.dims, data: Array.from(input.data, (v) => factor * v) });
  const run = (explain: Explainer, options: Partial<SensitivityOptions> = {}) =>
    sensitivity(explain, point, { radius: 0.5, ...options });

  test("R = a x has the Lipschitz constant |a|", async () => {
    for (const a of [2, -3]) expectClose([(await run(scaled(a))).localLipschitz], [Math.abs(a)], 1e-12);
  });

  test("R = a x: of x = 4 it changes by |d| / 4, and |d| comes near to r", async () => {
    const { maxSensitivity } = await sensitivity(
      scaled(7),
      { dims: [1, 1], data: Float32Array.of(4) },
      { radius: 0.5, samples: 100 },
    );
    expect(maxSensitivity).toBeLessThanOrEqual(0.125);
    expect(maxSensitivity).toBeGreaterThan(0.9 * 0.125);
  });

  test("relevance that is always the same is not sensitive", async () => {
    expect(await run(() => ({ dims: [2], data: [1, 2] }))).toEqual({
      maxSensitivity: 0,
      localLipschitz: 0,
      radius: 0.5,
      samples: 10,
      seed: 0,
      notes: [],
    });
  });

  test("a note where the target changes, which only what explain returns knows", async () => {
    const explained: Explainer = ({ data }) => ({
      relevance: { dims: [3], data: Array.from(data) },
      targets: [[{ index: Number(data[0] > 1), weight: 1, score: 0 }]],
    });
    const { notes } = await run(explained, { samples: 40 });
    expect(notes).toEqual([expect.stringMatching(/^[12]\d of 40 nearby inputs were explained for another target/)]);
    expect((await run(explained, { radius: 1e-3 })).notes).toEqual([]);
    const bare: Explainer = async (input) => ((await explained(input)) as { relevance: Attribution }).relevance;
    expect((await run(bare, { samples: 40 })).notes).toEqual([]);
  });

  test("a network; one seed, one result; progress; an end by signal", async () => {
    const seen: number[] = [];
    const explained = (options: Partial<SensitivityOptions>) =>
      withSmallCnn((model) =>
        sensitivity((input) => model.explain(input, { target }).relevance, x, { radius: 0.05, ...options }),
      );
    const first = await explained({ onProgress: ({ done }) => seen.push(done) });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(first.maxSensitivity).toBeGreaterThan(0);
    expect(await explained({})).toEqual(first);
    expect((await explained({ seed: 1 })).maxSensitivity).not.toBe(first.maxSensitivity);
    await expect(explained({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "no radius",
      () => run(scaled(1), { radius: undefined }),
      /option 'radius': expected a finite number above 0, got undefined/,
    ],
    [
      "an infinite radius",
      () => run(scaled(1), { radius: Infinity }),
      /option 'radius': expected a finite number above 0, got Infinity/,
    ],
    ["no samples", () => run(scaled(1), { samples: 0 }), /option 'samples': expected a whole number, 1 or more, got 0/],
    [
      "a negative seed",
      () => run(scaled(1), { seed: -1 }),
      /option 'seed': expected a whole number, from 0 to 4294967295, got -1/,
    ],
    [
      "another option",
      () => run(scaled(1), { steps: 3 } as never),
      /there is no option '\w+'\. The options are radius, samples/,
    ],
    ["a radius that rounds to nothing", () => run(scaled(1), { radius: 1e-12 }), /changes float32 numbers/],
    [
      "a batch",
      () => sensitivity(scaled(1), { dims: [2, 3], data: new Float32Array(6).fill(1) }, { radius: 1 }),
      /a single sample, with dims \[1, …\], got 2 samples, with dims \[2, 3\]. sampleOf/,
    ],
    [
      "a batch that the explanation knows",
      () => run((input) => ({ relevance: scaled(1)(input) as Attribution, targets: [[], []] })),
      /a single sample, with dims \[1, …\], got 2 samples/,
    ],
    ["no relevance", () => run(scaled(0)), /^undefined: .*not 0 everywhere/],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));
});

/** Two dense layers with a normalization between them. */
const three: Network = network(
  [1, 4],
  dense({ name: "fc1", weight: tensor([5, 4], 1), bias: tensor([5], 2) }),
  batchNormalization({
    name: "norm",
    scale: tensor([5], 3),
    shift: tensor([5], 4),
    mean: tensor([5], 5),
    variance: tensor([5], 6, 0.1, 2),
  }),
  relu({ name: "relu" }),
  dense({ name: "fc2", weight: tensor([3, 5], 7) }),
);
const constants = ({ graph }: Network) =>
  Object.fromEntries([...graph.constants].map(([name, c]) => [name, Array.from(c.data)]));

describe("randomized", () => {
  test("layers with parameters, from the output down", async () => {
    expect(await parametrisedLayers(three)).toEqual(["fc2", "norm", "fc1"]);
    expect(await parametrisedLayers(smallCnn)).toEqual(["fc", "conv2", "conv1"]);
  });

  test("the numbers of a layer change places; those of others stay", async () => {
    const own = constants(three);
    for (const layers of [0, 1, 2, 3, undefined]) {
      const mixed = constants(await randomized(three, { layers, seed: 5 }));
      const moved = ["fc2", "norm", "fc1"].slice(0, layers);
      for (const [name, values] of Object.entries(own)) {
        if (moved.includes(name.split(":")[0])) expect(mixed[name]).not.toEqual(values);
        else expect(mixed[name]).toEqual(values);
        expect([...mixed[name]].sort()).toEqual([...values].sort());
      }
    }
    expect(constants(three)).toEqual(own);
  });

  test("one seed, one network, however many layers; another seed, another", async () => {
    const [one, all, other] = await Promise.all(
      [{ layers: 1, seed: 5 }, { seed: 5 }, { seed: 6 }].map(async (options) =>
        constants(await randomized(three, options)),
      ),
    );
    expect(one["fc2:0"]).toEqual(all["fc2:0"]);
    expect(other["fc2:0"]).not.toEqual(all["fc2:0"]);
    expect(constants(await randomized(three))).toEqual(constants(await randomized(three, { seed: 0 })));
    expect(all["norm:0"].map((v) => three.graph.constants.get("norm:0")!.data.indexOf(v))).not.toEqual(
      all["norm:1"].map((v) => three.graph.constants.get("norm:1")!.data.indexOf(v)),
    );
  });

  test("it loads and runs", async () => {
    using model = await load(await randomized(three, { layers: 1, seed: 5 }));
    using trained = await load(three);
    const input = tensor([2, 4], 8);
    const hidden = trained.explain(input, { composite: "epsilon", at: ["relu"] });
    expect(hidden.output.data).not.toEqual(model.predict(input).output.data);
    expect(model.predict(input).output.dims).toEqual([2, 3]);
  });

  test("layers that are many, each with two ways to the one before", async () => {
    const layers = Array.from({ length: 3000 }, (_, i) => [
      { type: "MatMul", inputs: [i === 0 ? "x" : `y${i - 1}`, `w${i}`], outputs: [`z${i}`] },
      { type: "Add", inputs: [`z${i}`, `z${i}`], outputs: [`y${i}`] },
    ]);
    const weights = layers.map((_, i) => [`w${i}`, { dims: [2, 2], data: numbers(4, i) }] as const);
    const bytes = onnx({
      nodes: layers.flat(),
      initializers: Object.fromEntries(weights),
      inputs: { x: ["n", 2] },
      outputs: { [`y${layers.length - 1}`]: ["n", 2] },
    });
    expect(await parametrisedLayers(bytes)).toEqual(layers.map(([product]) => product.outputs[0]).reverse());
  });

  test("weights that stand in Constant nodes and are transposed", async () => {
    const weight = numbers(12, 9);
    const bytes = onnx({
      nodes: [
        {
          type: "Constant",
          inputs: [],
          outputs: ["w"],
          attributes: { value: { tensor: { dims: [3, 4], data: weight } } },
        },
        { type: "Transpose", inputs: ["w"], outputs: ["wT"], attributes: { perm: [1, 0] } },
        { type: "MatMul", name: "product", inputs: ["x", "wT"], outputs: ["y"] },
      ],
      inputs: { x: ["n", 4] },
      outputs: { y: ["n", 3] },
    });
    expect(await parametrisedLayers(bytes)).toEqual(["product"]);
    const mixed = await randomized(bytes, { seed: 1 });
    const moved = mixed.graph.constants.get("w")!.data;
    expect(Array.from(moved)).not.toEqual(Array.from(weight));
    using model = await load(mixed);
    const { data } = model.predict({ dims: [1, 4], data: Float32Array.of(1, 0, 0, 0) }).output;
    expectClose(data, [moved[0], moved[4], moved[8]], 1e-7);
  });

  test("weights that two layers share belong to the one nearer to the output", async () => {
    const bytes = onnx({
      nodes: [
        { type: "MatMul", name: "first", inputs: ["x", "w"], outputs: ["h"] },
        { type: "MatMul", name: "second", inputs: ["h", "w"], outputs: ["y"] },
      ],
      initializers: { w: { dims: [4, 4], data: numbers(16, 9) } },
      inputs: { x: ["n", 4] },
      outputs: { y: ["n", 4] },
    });
    expect(await parametrisedLayers(bytes)).toEqual(["second"]);
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "more layers than there are",
      () => randomized(three, { layers: 4 }),
      /option 'layers': expected a whole number, from 0 to 3, got 4/,
    ],
    ["a network without parameters", () => randomized(network([1, 4], relu())), /it has no layers with parameters/],
    ["another option", () => randomized(three, { layer: 1 } as never), /The options are layers, seed, externalData/],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));
});

describe("the parameter randomisation test", () => {
  type Explain = (network: Network) => Attribution;
  const weights: Explain = ({ graph }) => ({ data: graph.constants.get("fc2:0")!.data, dims: [3, 5] });
  const run = (explain: Explain, options: RandomisationOptions = {}, source: Source = three) =>
    parameterRandomisation(source, (n) => [explain(n)], options);

  test("relevance that knows nothing of the network passes no step", async () => {
    const steps = await run(() => ({ data: [3, 1, 2], dims: [3] }));
    const same = { spearman: 1, low: 1, high: 1, each: [1], draws: [1, 1, 1, 1, 1], flat: 0 };
    expect(steps).toEqual(["fc2", "norm", "fc1"].map((layer) => ({ layer, ...same })));
    expect(Object.isFrozen(steps) && Object.isFrozen(steps[0])).toBe(true);
  });

  test("relevance that is a layer's weights changes at that layer, and stays so", async () => {
    const steps = await run(weights, { seed: 2, draws: 1 });
    const expected = Math.abs(spearman(weights(three), weights(await randomized(three, { layers: 1, seed: 2 }))));
    expect(steps.map((s) => s.spearman)).toEqual([expected, expected, expected]);
    expect(steps[0]).toMatchObject({ low: null, high: null, each: [expected], draws: [expected] });
    expect(expected).toBeLessThan(0.9);
  });

  test("every draw is another, and the mean is of |ρ|", async () => {
    const seen: number[] = [];
    const explain: Explain = (network) => {
      const map = weights(network);
      if (network.graph !== three.graph) seen.push(spearman(weights(three), map));
      return map;
    };
    const [step] = await run(explain, { draws: 8 });
    const rho = seen.slice(0, 8);
    expect(new Set(rho).size).toBe(8);
    expect(rho.some((r) => r < 0)).toBe(true);
    expectClose(step.draws, rho.map(Math.abs), 1e-12);
    expectClose([step.spearman], [rho.reduce((a, r) => a + Math.abs(r), 0) / 8], 1e-12);
  });

  test("a map that is turned round is the same map still", async () => {
    const ramp = Array.from({ length: 9 }, (_, i) => i);
    const explain: Explain = ({ graph }) => ({ data: graph === three.graph ? ramp : ramp.map((v) => -v), dims: [9] });
    expect((await run(explain)).map((s) => s.spearman)).toEqual([1, 1, 1]);
  });

  test("relevance that has become even counts as 0, and is counted", async () => {
    const sample = (...data: number[]) => ({ data, dims: [2] });
    const explain = ({ graph }: Network) => [sample(1, 2), graph === three.graph ? sample(1, 2) : sample(4, 4)];
    const steps = await parameterRandomisation(three, explain, { draws: 2 });
    expect(steps[0]).toMatchObject({ layer: "fc2", spearman: 0.5, each: [1, 0], draws: [0.5, 0.5], flat: 2 });
  });

  test("the interval is about other samples and other draws", async () => {
    // |ρ| of 3 samples, and of 2 draws.
    const { low, high } = crossedBounds([0.2, 0.4, 0.6], [0.3, 0.5], 0.95);
    // Variances of the means: 0.04 / 3 and 0.02 / 2; (v + w)² / (v² / 2 + w² / 1) = 2.9 degrees of freedom, cut to 2.
    const reach = 4.302652729749462 * Math.sqrt(0.04 / 3 + 0.02 / 2);
    expectClose([low, high], [0.4 - reach, 0.4 + reach], 1e-9);
    const ofOne = crossedBounds([0.4], [0.3, 0.5], 0.95);
    expectClose([ofOne.high - 0.4], [12.706204736174696 * 0.1], 1e-9);
    expect(crossedBounds([0.4, 0.4], [0.4, 0.4], 0.95)).toEqual({ low: 0.4, high: 0.4 });
  });

  test.each([
    [1, 5, 0, 1],
    [6, 5, 1, 1],
    [6, 5, 0, 0],
    [20, 3, 0.3, 1],
  ])("%i samples and %i draws, of deviations %f and %f: 95 % of intervals hold the mean", (S, D, ofSample, ofDraw) => {
    const { normal } = random(S + D);
    let held = 0;
    for (let i = 0; i < 1000; i++) {
      const [rows, columns] = [S, D].map((n, k) =>
        Array.from({ length: n }, () => (k === 0 ? ofSample : ofDraw) * normal()),
      );
      const table = rows.map((r) => columns.map((c) => r + c + 0.5 * normal()));
      const each = table.map((own) => own.reduce((a, b) => a + b) / D);
      const draws = columns.map((_, d) => table.reduce((s, own) => s + own[d], 0) / S);
      const { low, high } = crossedBounds(each, draws, 0.95);
      if (low <= 0 && 0 <= high) held++;
    }
    expect(held).toBeGreaterThan(930);
  });

  test("on a network", async () => {
    const seen: string[] = [];
    const explain = async (changed: Network) => {
      using model = await load(changed);
      return [model.explain(x, { target }).relevance];
    };
    const onProgress = ({ done, total }: { done: number; total: number }) => seen.push(`${done}/${total}`);
    const steps = await parameterRandomisation(smallCnn, explain, { seed: 3, draws: 2, onProgress });
    expect(steps.map((s) => s.layer)).toEqual(["fc", "conv2", "conv1"]);
    for (const { spearman: rho } of steps) expect(rho).toBeLessThan(0.95);
    expect(await parameterRandomisation(smallCnn, explain, { seed: 3, draws: 2 })).toEqual(steps);
    expect(seen).toEqual(["1/6", "2/6", "3/6", "4/6", "5/6", "6/6"]);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(parameterRandomisation(smallCnn, explain, { signal })).rejects.toThrow("enough");
  });

  test.each<[string, () => unknown, RegExp]>([
    [
      "one attribution instead of a list",
      () => parameterRandomisation(three, weights as never),
      /a list of attributions/,
    ],
    [
      "relevance without ranks",
      () => run(() => ({ data: [1, 1], dims: [2] })),
      /^undefined: the trained network.s relevance: expected numbers that vary/,
    ],
    ["no draws", () => run(weights, { draws: 0 }), /option 'draws': expected a whole number, 1 or more, got 0/],
    ["a network without parameters", () => run(weights, {}, network([1, 4], relu())), /layers with parameters/],
  ])("refuses %s", async (_name, act, text) => expect(await refusal(act)).toMatch(text));
});
