import { describe, expect, test } from "vitest";
import {
  attribute,
  complexity,
  evaluate,
  type EvaluateOptions,
  perturbation,
  positiveMass,
  sensitivity,
} from "../../src/evaluate/index.ts";
import { load, type Model } from "../../src/entries/index.ts";
import { refusal } from "./refusal.ts";
import { smallCnn, target, withSmallCnn, x } from "./small-cnn.ts";

const perturbed = { steps: 8, step: 8 } as const;
const methods = [
  { method: "epsilonPlus" },
  { method: "epsilon", epsilon: 0.1, label: "more" },
  { method: "occlusion", window: 2 },
];
const given: EvaluateOptions = { methods, metrics: ["morf", "random", "gini"], target, perturbation: perturbed };

/** A model that counts how often it predicts. */
function counting(model: Model): { model: Model; calls: () => number } {
  let calls = 0;
  const counted = new Proxy(model, {
    get: (own, name) => {
      if (name === "predict") calls++;
      const value = Reflect.get(own, name, own);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });
  return { model: counted, calls: () => calls };
}

describe("evaluate", () => {
  test("is attribute and measure, for each method and metric", () =>
    withSmallCnn(async (model) => {
      const { results, predicted, targets } = await evaluate(model, x, given);
      expect(results.map(({ method }) => method)).toEqual(["epsilonPlus", "more", "occlusion"]);
      expect(targets.map(({ index, weight }) => [index, weight])).toEqual([[target, 1]]);
      const logits = model.predict(x).logits.data;
      expect(predicted).toEqual({
        index: logits.indexOf(Math.max(...logits)),
        name: undefined,
        logit: Math.max(...logits),
      });
      for (const [i, { relevance, values, curves, missing }] of results.entries()) {
        const { label: _, ...choice } = methods[i] as (typeof methods)[1];
        const own = (await attribute(model, x, { ...choice, target })).relevance;
        expect(relevance).toEqual(own);
        const curve = await perturbation(model, x, own, { ...perturbed, target });
        expect(curves.morf?.values).toEqual(curve.values);
        expect(values.gini).toBe(complexity(own).gini);
        expect(missing).toEqual({});
        expect(Object.keys(curves)).toEqual(i === 0 ? ["morf", "random"] : ["random", "morf"]);
        expect(curves.random).toBe(results[0].curves.random);
      }
    }));

  test("methods take every parameter of rules; one that does not exist is refused by name", () =>
    withSmallCnn(async (model) => {
      const choices = [
        { sum: "clip", delta: 0.2 },
        { lrn: "identity", epsilon: 0.1 },
      ] as const;
      for (const choice of choices) {
        const { results } = await evaluate(model, x, {
          methods: [{ method: "epsilon", ...choice }],
          metrics: [],
          target,
        });
        expect(results[0].relevance).toEqual(model.explain(x, { composite: "epsilon", ...choice, target }).relevance);
      }
      const wrong = { method: "epsilon", zeta: 1 } as never;
      await expect(evaluate(model, x, { methods: [wrong], metrics: [] })).rejects.toThrow(
        /there is no option 'zeta'\. The options are .*delta\./,
      );
    }));

  test("the target is decided once, on the input as it is", () =>
    withSmallCnn(async (model) => {
      const seen = {
        metrics: ["maxSensitivity"],
        sensitivity: { radius: 3, samples: 5 },
        methods: [{ method: "gradient" }],
      };
      const [{ values }] = (await evaluate(model, x, { ...seen, target: "argmax" })).results;
      const { index } = model.explain(x).targets[0][0];
      const byHand = await sensitivity(
        (near) => model.explain(near, { composite: "gradient", target: index }).relevance,
        x,
        seen.sensitivity,
      );
      expect(values.maxSensitivity).toBe(byHand.maxSensitivity);
    }));

  test("what each method should sum to: the score, or what it starts from", () =>
    withSmallCnn(async (model) => {
      const composites = ["epsilon", "gradient", "excitationBackprop"].map((method) => ({ method }));
      const { results } = await evaluate(model, x, {
        target,
        metrics: ["conservation"],
        methods: [...composites, { method: "gradientTimesInput" }],
      });
      const score = model.predict(x).logits.data[target];
      const sums = results.map(({ relevance }) => relevance.data.reduce((a, b) => a + b, 0));
      const expected = [score, 1, 1, score];
      for (const [i, { values }] of results.entries())
        expect(values.conservation).toBeCloseTo(Math.abs(sums[i] / expected[i] - 1), 5);
    }));

  test("a metric without a value is null, and says why; the others have theirs", () =>
    withSmallCnn(async (model) => {
      const black = { data: new Float32Array(x.data.length), dims: x.dims };
      const { results } = await evaluate(model, black, {
        target,
        methods: [{ method: "gradientTimesInput" }, { method: "gradient" }],
        metrics: ["gini", "morf", "random"],
        perturbation: perturbed,
      });
      expect(results[0].values).toEqual({ gini: null, morf: null, random: expect.any(Number) });
      expect(results[0].missing).toEqual({
        gini: "complexity: expected relevance that is not 0 everywhere, got 0.",
        morf: "order 'morf' of perturbation: expected relevance that is not 0 everywhere, got 0.",
      });
      expect(Object.keys(results[0].curves)).toEqual(["random"]);
      expect(Object.keys(results[1].curves).sort()).toEqual(["morf", "random"]);
      expect(results[1].values.gini).toBeGreaterThan(0);
    }));

  test("masks, other networks, and time", () =>
    withSmallCnn(async (model) => {
      const mask = { data: Array.from({ length: 64 }, (_, i) => i < 32), dims: [8, 8] };
      const network = { source: smallCnn, load: (changed: typeof smallCnn) => load(changed, { relaxed: "never" }) };
      const metrics = ["positiveMass", "massAccuracy", "parameterRandomisation", "time"];
      const [{ values, missing, relevance }] = (
        await evaluate(model, x, { methods: [{ method: "epsilon" }], metrics, target, mask, network })
      ).results;
      expect(values.positiveMass).toBe(positiveMass(relevance, mask));
      // ε gives both signs.
      expect(values.massAccuracy).toBe(null);
      expect(missing.massAccuracy).toMatch(/positiveMass/);
      expect(values.parameterRandomisation).toBeLessThan(1);
      expect(values.time).toBeGreaterThan(0);
    }));

  test("curves by chance are followed once for all methods", () =>
    withSmallCnn(async (model) => {
      const one = counting(model);
      await evaluate(one.model, x, { ...given, metrics: ["random"], methods: [{ method: "epsilon" }] });
      const two = counting(model);
      await evaluate(two.model, x, {
        ...given,
        metrics: ["random"],
        methods: [{ method: "epsilon" }, { method: "gradient" }],
      });
      expect(two.calls()).toBe(one.calls());
    }));

  test("progress, and an end by signal", () =>
    withSmallCnn(async (model) => {
      const seen: string[] = [];
      await evaluate(model, x, { ...given, onProgress: ({ done, total }) => seen.push(`${done}/${total}`) });
      expect(seen).toEqual(["1/3", "2/3", "3/3"]);
      await expect(evaluate(model, x, { ...given, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
        "enough",
      );
    }));

  test("a batch is refused, whatever is measured", () =>
    withSmallCnn(async (model) => {
      const two = { data: Float32Array.of(...x.data, ...x.data), dims: [2, ...x.dims.slice(1)] };
      expect(await refusal(() => evaluate(model, two, { ...given, metrics: ["conservation"] }))).toMatch(
        /the input: expected a tensor of a single sample.*got 256 numbers with dims \[2, 2, 8, 8\]/,
      );
    }));

  test.each<[string, object, RegExp]>([
    ["no methods", { methods: [] }, /option 'methods': expected a list/],
    [
      "two of one label",
      { methods: [{ method: "epsilon" }, { method: "epsilon", epsilon: 1 }] },
      /two methods have the label 'epsilon'/,
    ],
    [
      "a method that is none",
      { methods: [{ method: "lime" }] },
      /option 'method': expected one of gradientTimesInput, .*got 'lime'/,
    ],
    ["a parameter of another method", { methods: [{ method: "epsilonPlus", gamma: 1 }] }, /gamma/],
    ["a metric that is none", { metrics: ["truth"] }, /metric: expected one of conservation.*got 'truth'/],
    ["a mask that is missing", { metrics: ["pointing"] }, /pointing needs 'mask'/],
    ["no radius", { metrics: ["maxSensitivity"] }, /option 'radius'/],
    ["another option", { steps: 3 }, /evaluate: there is no option 'steps'\. The options are methods, metrics/],
  ])("refuses %s", (_name, options, text) =>
    withSmallCnn(async (model) =>
      expect(await refusal(() => evaluate(model, x, { ...given, ...options }))).toMatch(text),
    ),
  );
});
