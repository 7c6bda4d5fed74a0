import { describe, expect, test } from "vitest";
import {
  conv2d,
  dense,
  type ExplainOptions,
  flatten,
  globalAveragePool,
  type Layer,
  network as described,
  relu,
  sigmoid,
  softmax,
  type Target,
  type Tensor,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, total } from "../close.ts";
import { network } from "../explain.ts";
import { chain } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { softmax as softmaxOf } from "../reference/layers.ts";

/*
 * What is explained, and where relevance starts.
 */

const dims = [3, 2, 5, 4];
const x = tensor(dims, 1);
const layers: readonly Layer[] = [
  conv2d({ weight: tensor([4, 2, 3, 3], 2), bias: tensor([4], 3) }),
  relu(),
  flatten(),
  dense({ name: "fc", weight: tensor([4, 24], 4), bias: tensor([4], 5) }),
];
const classes = ["cat, house cat", "dog", "White Shark", "dog, hound"];
const sampleOf = ({ data, dims: [n, ...rest] }: Tensor, i: number): Tensor => ({
  dims: [1, ...rest],
  data: data.slice((i * data.length) / n, ((i + 1) * data.length) / n),
});

describe("targets", async () => {
  const model = await loadInMode(network(dims, ...layers), { classes });
  const logits = model.predict(x).output.data;
  const best = [0, 1, 2].map((n) => {
    const own = [...logits.subarray(4 * n, 4 * n + 4)];
    return own.indexOf(Math.max(...own));
  });
  const explain = (target: Target | undefined, options: Omit<ExplainOptions, "target"> = {}) =>
    model.explain(x, { composite: "epsilon", target, ...options });
  const relevance = (target: Target | undefined, options: Omit<ExplainOptions, "target"> = {}) =>
    explain(target, options).relevance.data;

  test("the highest logit of each sample, unless said otherwise", () => {
    expect(new Set(best).size).toBeGreaterThan(1);
    const { targets, start } = model.explain(x, { composite: "epsilon" });
    expect(targets).toEqual(
      best.map((index, n) => [{ index, name: classes[index], weight: 1, score: logits[4 * n + index] }]),
    );
    expect(start).toBe("logit");
    expect(relevance(undefined)).toEqual(relevance("argmax"));
    expect(relevance("argmax")).toEqual(relevance(best));
  });

  test("the first of those that are equal", async () => {
    const equal = await loadInMode(
      network([1, 2], dense({ weight: { dims: [4, 2], data: Float32Array.of(1, 1, 2, 3, 2, 3, 0, 0) } })),
    );
    const { targets } = equal.explain({ dims: [1, 2], data: Float32Array.of(1, 1) }, { composite: "epsilon" });
    expect(targets[0].map(({ index }) => index)).toEqual([1]);
  });

  test("an index, or a name: the whole entry or one of its parts, whatever the case", () => {
    expect(relevance("white shark")).toEqual(relevance(2));
    expect(relevance(" House CAT ")).toEqual(relevance(0));
    expect(relevance("cat, house cat")).toEqual(relevance(0));
    expect(relevance("hound")).toEqual(relevance(3));
    expect(explain(1).targets).toEqual(
      [0, 1, 2].map((n) => [{ index: 1, name: "dog", weight: 1, score: logits[4 * n + 1] }]),
    );
  });

  test("one for each sample", () => {
    const parts = [2, 0, 3].map(
      (target, n) => model.explain(sampleOf(x, n), { composite: "epsilon", target }).relevance.data,
    );
    const together = explain([2, "house cat", 3]);
    expectClose(
      together.relevance.data,
      parts.flatMap((p) => [...p]),
      1e-6,
    );
    expect(together.targets.map(([t]) => t.index)).toEqual([2, 0, 3]);
  });

  test("a batch is its samples, one by one", () => {
    for (const composite of ["epsilonPlus", "epsilonAlpha2Beta1Flat", "paperEpsilon"]) {
      const parts = [0, 1, 2].map((n) => model.explain(sampleOf(x, n), { composite, target: 1 }).relevance.data);
      expectClose(
        model.explain(x, { composite, target: 1 }).relevance.data,
        parts.flatMap((p) => [...p]),
        1e-6,
      );
    }
  });

  test("relevance is linear in what is explained: weights by index or name, a vector, a vector for each sample", () => {
    const single = [0, 1, 2, 3].map((t) => relevance(t));
    const combined = (weight: (sample: number, t: number) => number) =>
      single[0].map((_, i) => single.reduce((s, r, t) => s + weight(Math.floor(i / 40), t) * r[i], 0));
    const weights = [0.5, 0, -2, 1];
    expectClose(
      relevance({ 0: 0.5, "white shark": -2, hound: 1 }),
      combined((_n, t) => weights[t]),
      1e-5,
    );
    expectClose(
      relevance(Float32Array.from(weights)),
      combined((_n, t) => weights[t]),
      1e-5,
    );
    const each = Float32Array.of(1, 0, 0, 0, 0, 2, 0, -1, 0.25, 0.5, 0.75, 1);
    expectClose(
      relevance(each),
      combined((n, t) => each[4 * n + t]),
      1e-5,
    );
    expect(explain(each).targets.map((own) => own.map((t) => [t.index, t.weight]))).toEqual([
      [[0, 1]],
      [
        [1, 2],
        [3, -1],
      ],
      [
        [0, 0.25],
        [1, 0.5],
        [2, 0.75],
        [3, 1],
      ],
    ]);
  });

  test("it starts from the logit or from 1, and differs by that factor", () => {
    for (const composite of ["epsilon", "epsilonPlus", "epsilonAlpha2Beta1", "paperBeta"]) {
      const [logit, one] = (["logit", "one"] as const).map((start) => explain([0, 1, 2], { composite, start }));
      expectClose(
        logit.relevance.data,
        one.relevance.data.map((r, i) => r * logit.targets[Math.floor(i / 40)][0].score),
        1e-6,
      );
      expect(one.start).toBe("one");
      expectClose(
        [one.ledger[0].received, logit.ledger[0].received],
        [3, total(logit.targets.flat().map((t) => t.score))],
        1e-6,
      );
    }
    // Weights multiply the logit, or stand for themselves.
    expectClose([explain({ 1: 2, 2: -1 }, { start: "one" }).ledger[0].received], [3], 1e-6);
  });

  test("what was explained before leaves no trace", () => {
    const [first, other] = [explain(0, { at: ["relu1"] }), explain(3, { composite: "epsilonPlus", at: ["input"] })];
    const small = model.explain(sampleOf(x, 0), { target: 2 });
    model.predict(x);
    const again = explain(0, { at: ["relu1"] });
    expect(again).toEqual(first);
    expect(again.relevance.data).not.toBe(first.relevance.data);
    expect(other.at.input.data).toEqual(other.relevance.data);
    expect(model.explain(sampleOf(x, 0), { target: 2 })).toEqual(small);
  });

  test.each<[string, ExplainOptions, string]>([
    ["an index beyond the classes", { target: 4 }, "option 'target': expected a class from 0 to 3, got 4."],
    ["a negative index", { target: -1 }, "expected a class from 0 to 3, got -1."],
    ["an index between", { target: 1.5 }, "expected a class from 0 to 3, got 1.5."],
    ["an unknown name, with the nearest", { target: "shrk" }, "expected a class name, got 'shrk'. Nearest: "],
    ["a name that two classes have", { target: "dog" }, "the name 'dog' stands for the classes 1, 3."],
    ["a list of another length", { target: [0, 1] }, "expected a class for each of 3 samples, got a list of 2."],
    [
      "a vector of another length",
      { target: new Float32Array(5) },
      "expected 4 weights, or 4 for each of 3 samples, got 5.",
    ],
    ["weights that are all 0", { target: new Float32Array(4) }, "expected finite weights, not all of them 0"],
    ["a weight that is no number", { target: { 1: NaN } }, "expected finite weights"],
    ["a class beyond, among weights", { target: { 9: 1 } }, "expected a class from 0 to 3, got 9."],
    ["another start", { start: "zero" as "one" }, "option 'start': expected 'logit' or 'one', got 'zero'."],
    ["an unknown value", { at: ["nowhere"] }, "option 'at': expected a value on the way from the input to 'fc'"],
    ["an unknown output", { output: "prob" }, "option 'output': expected an output of the network ('fc'), got 'prob'."],
  ])("refused: %s", (_name, options, text) => expect(() => model.explain(x, options)).toThrow(text));

  describe("one class against others", async () => {
    // Logits as they come in, so that what starts is what arrives: f = 1 + ln(1, 2, 5), p = 1/8, 1/4, 5/8.
    const eye = dense({ weight: { dims: [3, 3], data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) } });
    const same = await loadInMode(network([1, 3], eye), { classes: ["cat", "dog", "fox"] });
    const f = [1, 2, 5].map((v) => 1 + Math.log(v));
    const input = { dims: [1, 3], data: Float32Array.from(f) };
    const mean = (f[0] + f[1]) / 2;
    test.each<[string, Target, number[], number]>([
      ["another class: the log-odds", { class: 2, against: 0 }, [-1, 0, 1], f[2] - f[0]],
      [
        "another class, by name, and the highest logit unless said otherwise",
        { against: "dog" },
        [0, -1, 1],
        f[2] - f[1],
      ],
      ["the highest logit", { class: "cat", against: "argmax" }, [1, 0, -1], f[0] - f[2]],
      ["all others alike (CLRP)", { class: 2, against: "others" }, [-1 / 2, -1 / 2, 1], f[2] - mean],
      [
        "others by their probability (SGLRP)",
        { class: 2, against: "softmax" },
        [-5 / 64, -10 / 64, 15 / 64],
        (15 * f[2] - 5 * f[0] - 10 * f[1]) / 64,
      ],
      [
        "others by their probability, of a class that is not the highest",
        { class: 0, against: "softmax" },
        [7 / 64, -2 / 64, -5 / 64],
        (7 * f[0] - 2 * f[1] - 5 * f[2]) / 64,
      ],
    ])("%s", (_name, target, weights, score) => {
      const from = (start: "logit" | "one") => same.explain(input, { composite: "epsilon", target, start });
      expectClose(from("one").relevance.data, weights, 2e-6);
      expectClose([from("one").ledger[0].received], [total(weights)], 1e-6, 1);
      expectClose(
        from("logit").relevance.data,
        weights.map((w, c) => w * f[c]),
        2e-6,
      );
      expectClose([from("logit").ledger[0].received], [score], 1e-6);
      const [[first, ...rest]] = from("logit").targets;
      expect(weights[first.index]).toBeGreaterThan(0);
      expectClose(
        [first, ...rest].map((t) => t.weight),
        [first, ...rest].map((t) => weights[t.index]),
        1e-6,
      );
    });

    test(
      "CLRP is the difference of two explanations: the class', and the same relevance spread over the " + "others",
      () => {
        const score = logits[2];
        const dual = relevance({ 0: -score / 3, 1: -score / 3, 3: -score / 3 }, { start: "one" });
        const single = relevance(2);
        const contrast = relevance({ class: 2, against: "others" }, { start: "one" });
        expectClose(
          contrast.subarray(0, 40).map((v) => v * score),
          single.subarray(0, 40).map((v, i) => v + dual[i]),
          1e-5,
        );
      },
    );

    test("in a batch each sample has its own class, and several contrasts are several targets", () => {
      const each = explain({ class: [2, "house cat", 3], against: [0, 1, 1] });
      expect(each.targets.map((own) => own.map((t) => [t.index, t.weight]))).toEqual([
        [
          [2, 1],
          [0, -1],
        ],
        [
          [0, 1],
          [1, -1],
        ],
        [
          [3, 1],
          [1, -1],
        ],
      ]);
      const contrasts: readonly Target[] = [
        { against: "others" },
        { class: 1, against: "softmax" },
        { class: 1, against: 3 },
      ];
      const together = model.explainEach(x, contrasts, { composite: "epsilon" });
      expect(together).toEqual(contrasts.map((target) => explain(target)));
      expect(together[0].targets.map(([t]) => t.index)).toEqual(best);
      expectClose(together[2].relevance.data, relevance({ 1: 1, 3: -1 }), 0);
    });

    test.each<[string, Target, string]>([
      ["itself", { class: 1, against: "dog" }, "class 1 is held against itself, in sample 0."],
      ["an unknown name", { against: "othes" }, "expected a class name, got 'othes'."],
      ["nothing", { against: undefined } as never, "expected a class, got undefined."],
      [
        "something beside",
        { against: 1, than: 2 } as never,
        "there is no field 'than'. The fields are class, against, weights, position, area.",
      ],
    ])("refused: against %s", (_name, target, text) => expect(() => same.explain(input, { target })).toThrow(text));

    test("refused: a softmax that is saturated, a network of one class", async () => {
      const far = { dims: [1, 3], data: Float32Array.of(200, 0, 0) };
      expect(() => same.explain(far, { target: { against: "softmax" } })).toThrow(
        "the softmax is flat here: it gives class 0 the probability 1",
      );
      expect(() => same.explain(far, { target: { class: 1, against: "softmax" } })).toThrow("the softmax is flat here");
      const near = same.explain(
        { dims: [1, 3], data: Float32Array.of(40, 0, 0) },
        { target: { against: "softmax" }, start: "one" },
      );
      expectClose([near.targets[0][0].weight, near.targets[0][1].weight], [2 * Math.exp(-40), -Math.exp(-40)], 1e-6);
      using single = await loadInMode(network([1, 3], dense({ weight: tensor([1, 3], 1) })));
      expect(() => single.explain(input, { target: { against: "others" } })).toThrow("there is one class only");
    });
  });

  test("a name without any names", async () => {
    using nameless = await loadInMode(network(dims, ...layers));
    expect(() => nameless.explain(x, { target: "dog" })).toThrow(
      "Class names are known when they are given as option 'classes' of load.",
    );
    expect(nameless.explain(x, { target: 1 }).targets[0]).toEqual([
      { index: 1, name: undefined, weight: 1, score: logits[1] },
    ]);
  });

  describe("a squashing function at the end is left out", () => {
    const probabilities = [0, 1, 2].flatMap((n) => [...softmaxOf(logits.subarray(4 * n, 4 * n + 4), 4, 1)]);
    const weights = [tensor([4, 24], 4), tensor([4], 5)];
    const file = (...end: Parameters<typeof chain>[1]) =>
      chain(
        ["n", 2, 5, 4],
        [
          { type: "Conv", parameters: [tensor([4, 2, 3, 3], 2), tensor([4], 3)] },
          { type: "Relu" },
          { type: "Flatten" },
          { type: "Gemm", attributes: { transB: 1 }, parameters: weights },
          ...end,
        ],
      );
    const shape = { dims: [2], data: [0, 4] };
    test.each([
      ["Softmax", network(dims, ...layers, softmax()), probabilities],
      ["Sigmoid", network(dims, ...layers, sigmoid()), [...logits].map((v) => 1 / (1 + Math.exp(-v)))],
      ["LogSoftmax", file({ type: "LogSoftmax", attributes: { axis: 1 } }), probabilities.map(Math.log)],
      ["Softmax", file({ type: "Softmax" }, { type: "Identity" }), probabilities],
      [
        "Softmax",
        file({ type: "Softmax" }, { type: "Reshape", parameters: [shape] }, { type: "Dropout" }),
        probabilities,
      ],
    ])("%s", async (type, source, expected) => {
      using squashed = await loadInMode(source, { classes });
      const {
        output,
        relevance: r,
        targets,
        notes,
        rules,
      } = squashed.explain(x, { composite: "epsilon", target: [0, 1, 2] });
      const plain = explain([0, 1, 2]);
      expectClose(output.data, expected, 2e-6);
      expect(output).toEqual(squashed.predict(x).output);
      expect(r).toEqual(plain.relevance);
      expect(targets).toEqual(plain.targets);
      expect(notes.filter((n) => n.includes(`(${type})`) && n.includes("is left out"))).toHaveLength(1);
      expect(rules.map((rule) => rule.type)).not.toContain(type);
      expect(plain.notes).toEqual([]);
    });

    test("one in the middle is no end, and has a rule", async () => {
      using inner = await loadInMode(
        network(dims, ...layers, softmax({ name: "inner" }), dense({ weight: tensor([2, 4], 9) })),
      );
      expect(inner.predict(x).output.dims).toEqual([3, 2]);
      const { rules, notes } = inner.explain(x);
      expect(rules.find(({ node }) => node === "inner")?.rule).toBe("taylor");
      expect(notes.join()).not.toContain("left out");
    });
  });

  test("classes as channels of single positions, [n, 4, 1, 1]", async () => {
    const body = [conv2d({ weight: tensor([5, 2, 3, 3], 2) }), relu(), globalAveragePool()];
    const [weight, bias] = [tensor([4, 5], 4), tensor([4], 5)];
    using asImage = await loadInMode(
      network(dims, ...body, conv2d({ weight: { ...weight, dims: [4, 5, 1, 1] }, bias })),
      { classes },
    );
    using asRow = await loadInMode(network(dims, ...body, flatten(), dense({ weight, bias })), { classes });
    expect(asImage.predict(x).output.dims).toEqual([3, 4, 1, 1]);
    for (const target of [
      "argmax",
      2,
      "hound",
      [0, 1, 2],
      { 0: 1, 3: -1 },
      Float32Array.of(1, 2, 3, 4),
    ] satisfies Target[]) {
      // The head is a dense layer in one and a convolution in the other: the same rule for both.
      const [a, b] = [asImage, asRow].map((m) => m.explain(x, { composite: "paperEpsilon", target }));
      expectClose(a.relevance.data, b.relevance.data, 1e-5);
      expect(a.targets.map((own) => own.map((t) => [t.index, t.name, t.weight]))).toEqual(
        b.targets.map((own) => own.map((t) => [t.index, t.name, t.weight])),
      );
    }
    expect(() => asImage.explain(x, { target: 4 })).toThrow("a class from 0 to 3");
  });

  test("several targets of one input: the same bits as one after the other", () => {
    const each: readonly Target[] = ["argmax", 2, { 0: 1, 3: -0.5 }, [1, 0, 3], 2];
    for (const composite of ["epsilon", "epsilonPlus", "epsilonAlpha2Beta1"]) {
      const together = model.explainEach(x, each, { composite, at: ["relu1"] });
      expect(together).toEqual(each.map((target) => model.explain(x, { composite, target, at: ["relu1"] })));
    }
    expect(() => model.explainEach(x, [])).toThrow("explainEach: expected a list of targets, got []");
    expect(() => model.explainEach(x, 3 as never)).toThrow("a list of targets");
    expect(() => model.explainEach(x, [0], { target: 1 } as never)).toThrow("it does not take option 'target'");
    expect(() => model.explainEach(x, [0, 9])).toThrow("a class from 0 to 3");
  });

  test("one of several outputs", async () => {
    const heads = described({
      inputs: { x: ["n", 2, 5, 4] },
      build(g, values) {
        const f = g.node(flatten({ name: "f" }), values.x);
        const head = (name: string, m: number, seed: number) =>
          g.node(dense({ weight: tensor([m, 40], seed), name }), f);
        return { a: head("a", 3, 2), b: head("b", 5, 3) };
      },
    });
    using two = await loadInMode(heads);
    const { outputs, output } = two.predict(x);
    expect(Object.keys(outputs)).toEqual(["a", "b"]);
    expect(output).toMatchObject(outputs.a);
    const explained = two.explain(x, { composite: "epsilon", output: "b", target: 4 });
    expect(explained.output).toMatchObject(outputs.b);
    expect(explained.targets.map(([t]) => t.score)).toEqual([4, 9, 14].map((i) => outputs.b.data[i]));
    expect(explained.ledger.map((l) => l.node)).toEqual(["b", "f"]);
    expect(() => two.explain(x, { output: "a", target: 4 })).toThrow("a class from 0 to 2");
  });

  test("relevance at every value on the way", () => {
    const { at, relevance: r, ledger } = explain(0, { at: ["input", "conv0", "relu1", "flatten2", "fc"] });
    expect(Object.fromEntries(Object.entries(at).map(([name, t]) => [name, t.dims]))).toEqual({
      input: dims,
      conv0: [3, 4, 3, 2],
      relu1: [3, 4, 3, 2],
      flatten2: [3, 24],
      fc: [3, 4],
    });
    expect(at.input).toEqual(r);
    expectClose(at.conv0.data, at.relu1.data, 0);
    expectClose(at.relu1.data, at.flatten2.data, 0);
    expect(Array.from(at.fc.data)).toEqual([logits[0], 0, 0, 0, logits[4], 0, 0, 0, logits[8], 0, 0, 0]);
    for (const row of ledger) expectClose([total(at[row.node].data)], [row.received], 1e-6, row.magnitude);
  });
});
