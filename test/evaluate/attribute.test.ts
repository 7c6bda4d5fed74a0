import { describe, expect, it, test } from "vitest";
import { attribute, type AttributeOptions, methods, type Progress, random } from "../../src/evaluate/index.ts";
import {
  averagePool2d,
  conv2d,
  dense,
  flatten,
  load,
  LrpError,
  lrn,
  maxPool2d,
  type Model,
  relu,
  ruleOf,
  sigmoid,
  softmax,
  type Tensor,
} from "../../src/entries/index.ts";
import { expectClose, total } from "../close.ts";
import { network } from "../explain.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

const dims = [2, 3, 8, 8];
const x = tensor(dims, 1);
const [one] = [x.data.length / 2];
const deep = (bias: boolean, ...last: Parameters<typeof network>[1][]) =>
  network(
    dims,
    conv2d({ weight: tensor([4, 3, 3, 3], 2), bias: bias ? tensor([4], 5) : undefined, pads: 1 }),
    relu(),
    maxPool2d({ kernel: 2 }),
    flatten(),
    dense({ weight: tensor([5, 64], 3), bias: bias ? tensor([5], 6) : undefined }),
    ...last,
  );
const smooth = network(
  dims,
  conv2d({ weight: tensor([4, 3, 3, 3], 2), bias: tensor([4], 5), pads: 1 }),
  lrn({ size: 3, alpha: 0.5 }),
  sigmoid(),
  averagePool2d({ kernel: 2 }),
  flatten(),
  dense({ weight: tensor([5, 64], 3) }),
  softmax(),
);
const model = await load(deep(true, softmax()));

/** Σ of each sample. */
const sums = ({ data, dims: [n] }: Tensor) =>
  Array.from({ length: n }, (_, s) => total(data.subarray((s * data.length) / n, ((s + 1) * data.length) / n)));
const targets = [1, 3];
/** The logit of each sample's target. */
const scoresAt = (m: Model, data: Float32Array) => {
  const { logits } = m.predict({ data, dims });
  return targets.map((t, s) => logits.data[s * logits.dims[1] + t]);
};
const gradientAt = (data: Float32Array) =>
  model.explain({ data, dims }, { composite: "gradient", target: targets }).relevance.data;
const relevanceBy = async (options: AttributeOptions, input = x) =>
  (await attribute(model, input, { target: targets, ...options })).relevance.data;

describe("composites that are methods", () => {
  test("gradient is the slope of the logit", async () => {
    using m = await load(smooth);
    const e = m.explain(x, { composite: "gradient", target: targets });
    expect([e.start, e.notes.length]).toEqual(["one", 1]);
    const [h, some] = [1 / 16, Array.from({ length: 24 }, (_, i) => i * 16 + (i % 5))];
    const slope = some.map((i) => {
      const [up, down] = [h, -h].map((by) =>
        scoresAt(
          m,
          x.data.map((v, k) => (k === i ? v + by : v)),
        ),
      );
      return (up[Math.floor(i / one)] - down[Math.floor(i / one)]) / (2 * h);
    });
    expectClose(
      some.map((i) => e.relevance.data[i]),
      slope,
      2e-3,
    );
  });

  test("they start from one unless they are told, and what is small is no loss", () => {
    const wide = { dims, data: x.data.map((v) => v * 1e-6) };
    const [e, named, told] = [{}, { start: "one" }, { start: "logit" }].map((o) =>
      model.explain(x, { composite: "gradient", ...(o as object) }),
    );
    expect(named).toEqual(e);
    expectClose(
      told.relevance.data.subarray(0, one),
      e.relevance.data.subarray(0, one).map((v) => v * e.targets[0][0].score),
      1e-6,
    );
    const own = model.explain(x, { composite: [{ rule: ruleOf.gradient() }], start: "one" });
    expect(e).toEqual({ ...own, composite: "gradient" });
    expect(own.composite).toBeUndefined();
    expect(model.explain(wide, { composite: "gradient" }).notes.join()).not.toContain("Less than 1 %");
  });

  test("gradients pass what has no rule, and say nothing of it; excitation does not", async () => {
    using m = await load(
      onnx({
        nodes: [
          { type: "Softmax", inputs: ["x"], outputs: ["share"] },
          { type: "Relu", inputs: ["share"], outputs: ["y"] },
        ],
        inputs: { x: ["n", 3] },
        outputs: { y: ["n", 3] },
      }),
    );
    const input = { data: Float32Array.of(1, -2, 3), dims: [1, 3] };
    const total = Math.exp(1) + Math.exp(-2) + Math.exp(3);
    const p = [1, -2, 3].map((v) => Math.exp(v) / total);
    const slope = p.map((v, i) => p[1] * ((i === 1 ? 1 : 0) - v));
    for (const composite of ["gradient", "guidedBackprop", "deconvnet"]) {
      const { relevance, notes } = m.explain(input, { composite, target: 1 });
      expectClose(relevance.data, slope, 1e-6);
      expect(notes).toEqual([]);
    }
    expect(() => m.explain(input, { composite: "excitationBackprop" })).toThrowError(
      /node 'share' \(Softmax\): expected/,
    );
  });

  test("excitation backpropagation is a probability", async () => {
    const positive = tensor(dims, 1, 0, 1);
    const { relevance } = model.explain(positive, { composite: "excitationBackprop", target: targets });
    expect(relevance.data.every((v) => v >= 0)).toBe(true);
    expectClose(sums(relevance), [1, 1], 1e-4);
  });

  test("attribute is explain", async () => {
    const seen: Progress[] = [];
    const onProgress = (p: Progress) => seen.push(p);
    const [name] = model.inputs.map((port) => port.name);
    expect(await attribute(model, x, { method: "epsilon", epsilon: 0.1, target: 2, at: [name], onProgress })).toEqual(
      model.explain(x, { composite: "epsilon", epsilon: 0.1, target: 2, at: [name] }),
    );
    expect(seen).toEqual([{ done: 1, total: 1 }]);
  });
});

describe("methods against their definitions", () => {
  test("gradient × input: LRP-0 where there are no biases", async () => {
    using plain = await load(deep(false));
    const { relevance, ...e } = await attribute(plain, x, { method: "gradientTimesInput", target: targets });
    const lrp = plain.explain(x, { composite: "epsilon", epsilon: 0, target: targets });
    expectClose(relevance.data, lrp.relevance.data, 1e-5);
    expect(e).toMatchObject({
      start: "one",
      ledger: [],
      at: {},
      notes: [],
      output: lrp.output,
      logits: lrp.logits,
      targets: lrp.targets,
    });
    expect(e.rules.map(({ rule }) => rule)).toEqual(["gradient", "gradient", "route", "route", "gradient"]);
    expect(e.inputs[plain.inputs[0].name]).toEqual(relevance);
  });

  test("integrated gradients: the mean of the gradients on the way, from a number or a tensor", async () => {
    const b = tensor([1, ...dims.slice(1)], 9);
    for (const [baseline, at] of [
      [0.5, () => 0.5],
      [b, (i: number) => b.data[i % one]],
      [tensor(dims, 10), (i: number) => tensor(dims, 10).data[i]],
    ] as const) {
      const expected = new Float64Array(x.data.length);
      const from = x.data.map((_, i) => at(i));
      for (const k of [1, 2, 3]) {
        const slope = gradientAt(x.data.map((v, i) => from[i] + (k / 3) * (v - from[i])));
        slope.forEach((g, i) => {
          expected[i] += ((x.data[i] - from[i]) * g) / 3;
        });
      }
      expectClose(await relevanceBy({ method: "integratedGradients", steps: 3, baseline }), expected, 1e-5);
    }
  });

  test("integrated gradients are complete: Σ R nears f(x) − f(b)", async () => {
    using m = await load(smooth);
    const [full, none] = [scoresAt(m, x.data), scoresAt(m, new Float32Array(x.data.length))];
    const gap = async (steps: number) => {
      const { relevance } = await attribute(m, x, { method: "integratedGradients", steps, target: targets, batch: 16 });
      return Math.max(...sums(relevance).map((sum, s) => Math.abs(sum - (full[s] - none[s]))));
    };
    const [coarse, fine] = [await gap(10), await gap(160)];
    expect(fine).toBeLessThan(coarse / 8);
    expect(fine).toBeLessThan(0.01);
  });

  test("SmoothGrad: the mean gradient of inputs with noise of a share of each sample's range", async () => {
    const wide = { dims, data: x.data.map((v, i) => (i < one ? v : 10 * v)) };
    const range = [0, 1].map((s) => {
      const own = Array.from(wide.data.subarray(s * one, (s + 1) * one));
      return Math.max(...own) - Math.min(...own);
    });
    const { normal } = random(5);
    const expected = new Float64Array(x.data.length);
    for (let k = 0; k < 4; k++)
      gradientAt(wide.data.map((v, i) => v + 0.2 * range[Math.floor(i / one)] * normal())).forEach((g, i) => {
        expected[i] += g / 4;
      });
    const options = { method: "smoothGrad", samples: 4, noise: 0.2, seed: 5 };
    const found = await relevanceBy(options, wide);
    expectClose(found, expected, 1e-5);
    expect(await relevanceBy(options, wide)).toEqual(found);
    expect(await relevanceBy({ ...options, seed: 6 }, wide)).not.toEqual(found);
    expectClose(await relevanceBy({ method: "smoothGrad", samples: 3, noise: 0 }), gradientAt(x.data), 1e-6);
  });

  test.each([
    [{ window: 2 }, [3, 2, 2], [3, 2, 2]],
    [{ window: 3 }, [3, 3, 3], [3, 3, 3]],
    [{ window: 3, strides: 2, fill: 0.5 }, [3, 3, 3], [3, 2, 2]],
    [{ window: [2, 4], strides: [1, 3], keep: true }, [3, 2, 4], [3, 1, 3]],
    [{ window: [1, 4, 8], keep: true, fill: -1 }, [1, 4, 8], [1, 4, 8]],
  ])("occlusion %j: the mean of what its windows cost", async (options, window, strides) => {
    const { fill = 0, keep = false } = options as { fill?: number; keep?: boolean };
    const [, c, h, w] = dims;
    const starts = [c, h, w].map((length, axis) => {
      const list = [0];
      while (list[list.length - 1] + window[axis] < length) list.push(list[list.length - 1] + strides[axis]);
      return list;
    });
    const cost: number[][] = Array.from(x.data, () => []);
    const clean = scoresAt(model, x.data);
    for (const from of starts[0].flatMap((i) => starts[1].flatMap((j) => starts[2].map((k) => [i, j, k])))) {
      const inside = Array.from(x.data, (_, i) =>
        [Math.floor(i / (h * w)) % c, Math.floor(i / w) % h, i % w].every(
          (at, axis) => at >= from[axis] && at < from[axis] + window[axis],
        ),
      );
      const scores = scoresAt(
        model,
        x.data.map((v, i) => (inside[i] === keep ? v : fill)),
      );
      inside.forEach((yes, i) => {
        const s = Math.floor(i / one);
        if (yes) cost[i].push(keep ? scores[s] : clean[s] - scores[s]);
      });
    }
    const expected = cost.map((list) => total(list) / list.length);
    const e = await attribute(model, x, { method: "occlusion", target: targets, ...options });
    expectClose(e.relevance.data, expected, 1e-5);
    expect([e.rules, e.notes.length]).toEqual([[], 1]);
  });

  test("occlusion of a row of features, one by one", async () => {
    const weight = { dims: [1, 4], data: Float32Array.of(1, -2, 3, 0.5) };
    using linear = await load(network([1, 4], dense({ weight })));
    const e = await attribute(
      linear,
      { dims: [1, 4], data: Float32Array.of(1, 2, 3, 4) },
      { method: "occlusion", window: 1 },
    );
    expectClose(e.relevance.data, [1, -4, 9, 2], 1e-6);
  });
});

const each: readonly AttributeOptions[] = [
  { method: "gradientTimesInput" },
  { method: "integratedGradients", steps: 7 },
  { method: "smoothGrad", samples: 7 },
  { method: "occlusion", window: 3 },
];

describe.each(each)("$method", (options) => {
  it("is in the list above for each row of the table", () =>
    expect(each.map(({ method }) => method)).toEqual(methods.filter(({ rows }) => !rows).map(({ name }) => name)));

  it("is the same in batches of every size, and tells how far it is", async () => {
    const whole = await attribute(model, x, { ...options, batch: 1 });
    for (const batch of [2, 3, 8, 100]) {
      const seen: Progress[] = [];
      const e = await attribute(model, x, { ...options, batch, onProgress: (p) => seen.push(p) });
      expectClose(e.relevance.data, whole.relevance.data, 1e-5);
      expect([e.targets.length, e.output.dims, e.logits.dims]).toEqual([2, [2, 5], [2, 5]]);
      expect(seen.at(-1)).toEqual({ done: seen[0].total, total: seen[0].total });
      expect(seen.length).toBe(Math.ceil(seen[0].total / Math.max(1, Math.floor(batch / 2))));
    }
  });

  it("decides the target once, on the input as it was given", async () => {
    const { targets: chosen } = model.explain(x);
    const e = await attribute(model, x, options);
    expect(e.targets.map(([t]) => t.index)).toEqual(chosen.map(([t]) => t.index));
    expect(e.relevance).toEqual(
      (await attribute(model, x, { ...options, target: chosen.map(([t]) => t.index) })).relevance,
    );
  });

  it("ends when it is told to, with the reason, and leaves the model as it was", async () => {
    const before = model.predict(x);
    await expect(attribute(model, x, { ...options, signal: AbortSignal.abort("no time") })).rejects.toBe("no time");
    const controller = new AbortController();
    const seen: Progress[] = [];
    // A timer of the same thread: it gets its turn after the first batch.
    setImmediate(() => controller.abort(new Error("enough")));
    const promise = attribute(model, x, {
      ...options,
      batch: 2,
      signal: controller.signal,
      onProgress: (p) => seen.push(p),
    });
    await expect(promise).rejects.toThrow("enough");
    expect(seen.map(({ done }) => done)).toEqual([1]);
    expect(model.predict(x)).toEqual(before);
  });

  it("takes a copy: what becomes of the caller's array meanwhile does not matter", async () => {
    const mine = { dims, data: x.data.slice() };
    const promise = attribute(model, mine, { ...options, target: targets, batch: 2 });
    mine.data.fill(9);
    expect((await promise).relevance.data).toEqual(await relevanceBy({ ...options, batch: 2 }));
  });

  it("runs one at a time where the network takes one sample", async () => {
    const inner = { type: "Reshape", inputs: ["x", "shape"], outputs: ["flat"] };
    const file = (n: number | string) =>
      onnx({
        nodes: [inner, { type: "Gemm", inputs: ["flat", "w"], outputs: ["y"] }],
        initializers: { shape: { dims: [2], data: [1, 6] }, w: tensor([6, 2], 1) },
        inputs: { x: [n, 2, 3] },
        outputs: { y: [n, 2] },
      });
    const input = tensor([1, 2, 3], 1);
    const again =
      options.method === "gradientTimesInput" ? options : { ...options, ...(options.window && { window: 1 }) };
    using fixed = await load(file(1));
    const expected = await attribute(fixed, input, again);
    using named = await load(file("n"));
    expect((await attribute(named, input, { ...again, batch: 1 })).relevance).toEqual(expected.relevance);
    if (options.method !== "gradientTimesInput")
      await expect(attribute(named, input, again)).rejects.toThrowError(
        /option 'batch': \d+ copies of the input ran together\. A network that takes one sample at a time needs batch: 1/,
      );
  });
});

describe("what is refused", () => {
  test.each<[AttributeOptions | object, RegExp]>([
    [{ method: "lime" }, /option 'method': expected one of gradientTimesInput, .*epsilonPlus.*, got 'lime'/],
    [
      { method: "smoothGrad", steps: 3 },
      /method 'smoothGrad': there is no option 'steps'\. The options are .*samples, noise, seed\./,
    ],
    [{ method: "epsilon", steps: 3 }, /there is no option 'steps'/],
    [{ method: "occlusion", start: "logit" }, /there is no option 'start'/],
    [{ method: "gradient", batch: 0 }, /option 'batch': expected a whole number, 1 or more, got 0/],
    [{ method: "integratedGradients", steps: 0.5 }, /option 'steps': expected a whole number, 1 or more, got 0.5/],
    [{ method: "integratedGradients", baseline: Number.NaN }, /option 'baseline': .*got NaN/],
    [
      { method: "integratedGradients", baseline: tensor([3, 8, 8], 1) },
      /option 'baseline': expected .*\[2, 3, 8, 8\].*got f32\[3, 8, 8\]/,
    ],
    [{ method: "smoothGrad", samples: 0 }, /option 'samples'/],
    [{ method: "smoothGrad", noise: -1 }, /option 'noise': expected a number ≥ 0, got -1/],
    [{ method: "smoothGrad", seed: -1 }, /a seed: expected a whole number/],
    [
      { method: "occlusion" },
      /option 'window': expected a whole number, or a list of them for the last axes, from 1 to \[3,8,8\], got none/,
    ],
    [{ method: "occlusion", window: 9 }, /option 'window': .*got 9/],
    [{ method: "occlusion", window: [1, 1.5, 1] }, /option 'window': .*got \[1,1.5,1\]/],
    [{ method: "occlusion", window: 0 }, /option 'window': .*got 0/],
    [{ method: "occlusion", window: [] }, /option 'window': .*got \[\]/],
    [{ method: "occlusion", window: [1, 1, 1, 1] }, /option 'window': .*got \[1,1,1,1\]/],
    [{ method: "occlusion", window: 2, strides: 3 }, /option 'strides': .*from 1 to \[3,2,2\], got 3/],
    [{ method: "occlusion", window: 2, fill: Number.POSITIVE_INFINITY }, /option 'fill': expected a finite number/],
    [{ method: "occlusion", window: 2, keep: 1 }, /option 'keep'/],
    [{ method: "occlusion", window: 2, target: 5 }, /option 'target': expected a class from 0 to 4, got 5/],
  ])("%j", async (options, message) => {
    const error = await attribute(model, x, options as AttributeOptions).catch((e) => e);
    expect(error).toBeInstanceOf(LrpError);
    expect(error.code).toBe("usage");
    expect(error.message).toMatch(message);
  });

  test("inputs that cannot be changed bit by bit", async () => {
    const nodes = [{ type: "Add", inputs: ["a", "b"], outputs: ["y"] }];
    using two = await load(onnx({ nodes, inputs: { a: ["n", 2], b: ["n", 2] }, outputs: { y: ["n", 2] } }));
    const given = { a: tensor([1, 2], 1), b: tensor([1, 2], 2) };
    await expect(attribute(two, given, { method: "smoothGrad" })).rejects.toThrowError(
      /method 'smoothGrad': expected a network with one input of a floating-point type, got a f32\[n, 2\], b f32\[n, 2\]. Composites explain networks with any inputs/,
    );
    expect(Object.keys((await attribute(two, given, { method: "gradient" })).inputs)).toEqual(["a", "b"]);
  });

  test("an input of wrong dims, as explain refuses it", async () => {
    await expect(attribute(model, tensor([1, 3, 8, 7], 1), { method: "smoothGrad" })).rejects.toMatchObject({
      code: "shape",
    });
  });
});
