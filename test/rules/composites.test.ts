import { describe, expect, test } from "vitest";
import {
  averagePool2d,
  baseEntries,
  type Composite,
  composites,
  conv2d,
  dense,
  type ExplainOptions,
  flatten,
  type Handle,
  lrn,
  LrpError,
  maxPool2d,
  network as described,
  op,
  relu,
  type Rule,
  ruleOf,
  rules,
  softmax,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { network } from "../explain.ts";
import { tensor } from "../random.ts";

const dims = [1, 2, 6, 6];
const x = tensor(dims, 1);
const source = network(
  dims,
  conv2d({ name: "conv1", weight: tensor([3, 2, 3, 3], 2), pads: 1 }),
  relu({ name: "relu1" }),
  lrn({ name: "norm1", size: 3 }),
  maxPool2d({ name: "max", kernel: 2 }),
  conv2d({ name: "conv2", weight: tensor([4, 3, 2, 2], 3) }),
  relu({ name: "relu2" }),
  averagePool2d({ name: "mean", kernel: 2 }),
  flatten({ name: "flat" }),
  dense({ name: "fc1", weight: tensor([5, 4], 4) }),
  relu({ name: "relu3" }),
  dense({ name: "fc2", weight: tensor([3, 5], 5) }),
  softmax({ name: "prob" }),
);
const model = await loadInMode(source);

/** The rules of the layers that have weights, of LRN, and of everything else that has a choice. */
function rulesFor(options: ExplainOptions): string[] {
  const given = Object.fromEntries(model.explain(x, options).rules.map((r) => [r.node, r.rule]));
  expect(Object.keys(given)).toEqual([
    "conv1",
    "relu1",
    "norm1",
    "max",
    "conv2",
    "relu2",
    "mean",
    "flat",
    "fc1",
    "relu3",
    "fc2",
  ]);
  expect([given.max, given.flat]).toEqual(["route", "route"]);
  expect(
    model
      .inspect(options)
      .nodes.filter((n) => n.rule !== "left out")
      .map((n) => [n.node, n.rule]),
  ).toEqual(Object.entries(given));
  return ["conv1", "conv2", "fc1", "fc2", "norm1", "mean", "relu1"].map((name) => given[name]);
}

const rest = ["taylor", "norm", "pass"];

describe("named composites", () => {
  test.each<[string, ExplainOptions, string[]]>([
    ["epsilon", {}, ["epsilon(0.000001)", "epsilon(0.000001)", "epsilon(0.000001)", "epsilon(0.000001)", ...rest]],
    [
      "epsilon",
      { epsilon: 0.25, lrn: "identity" },
      ["epsilon(0.25)", "epsilon(0.25)", "epsilon(0.25)", "epsilon(0.25)", "identity", "norm", "pass"],
    ],
    ["epsilonPlus", {}, ["zPlus", "zPlus", "epsilon(0.000001)", "epsilon(0.000001)", ...rest]],
    [
      "epsilonPlusFlat",
      { lrn: "taylor-uniform" },
      ["flat", "zPlus", "epsilon(0.000001)", "epsilon(0.000001)", "taylor-uniform", "norm", "pass"],
    ],
    [
      "epsilonAlpha2Beta1",
      {},
      ["alphaBeta(2, 1)", "alphaBeta(2, 1)", "epsilon(0.000001)", "epsilon(0.000001)", ...rest],
    ],
    [
      "epsilonAlpha2Beta1",
      { alpha: 3 },
      ["alphaBeta(3, 2)", "alphaBeta(3, 2)", "epsilon(0.000001)", "epsilon(0.000001)", ...rest],
    ],
    [
      "epsilonAlpha2Beta1",
      { beta: 0.5 },
      ["alphaBeta(1.5, 0.5)", "alphaBeta(1.5, 0.5)", "epsilon(0.000001)", "epsilon(0.000001)", ...rest],
    ],
    [
      "epsilonAlpha2Beta1Flat",
      { epsilon: 0.1, lrn: "gradient" },
      ["flat", "alphaBeta(2, 1)", "epsilon(0.1)", "epsilon(0.1)", "gradient", "norm", "pass"],
    ],
    [
      "epsilonGammaBox",
      { low: -1, high: 1 },
      ["zBox(-1, 1)", "gamma(0.25)", "epsilon(0.000001)", "epsilon(0.000001)", ...rest],
    ],
    [
      "epsilonGammaBox",
      { low: [-1, -2], high: [1, 2], gamma: 0.5, lrn: "unnormalised" },
      ["zBox(-1,-2, 1,2)", "gamma(0.5)", "epsilon(0.000001)", "epsilon(0.000001)", "unnormalised", "norm", "pass"],
    ],
    ["recurrentGamma", { gamma: 0.5 }, ["flat", "zPlus", "epsilon(0.000001)", "epsilon(0.000001)", ...rest]],
    ["paperEpsilon", {}, ["epsilon(0.01)", "epsilon(0.01)", "epsilon(0.01)", "epsilon(0.01)", ...rest]],
    ["paperBeta", {}, ["beta(1)", "beta(1)", "beta(1)", "beta(1)", ...rest]],
    ["paperBeta", { beta: 0, lrn: "beta" }, ["beta(0)", "beta(0)", "beta(0)", "beta(0)", "beta", "norm", "pass"]],
    ["attnLrp", {}, [...Array(4).fill("lrp0"), "taylor", "lrp0", "pass"]],
    ["cpLrp", { sum: "ratio" }, [...Array(4).fill("lrp0"), "taylor", "lrp0", "pass"]],
    [
      "attnLrpGamma",
      { gamma: 0.5 },
      ["gamma(0.5)", "gamma(0.5)", "gamma(0.1)", "gamma(0.1)", "taylor", "lrp0", "pass"],
    ],
    ["gradient", {}, Array(7).fill("gradient")],
    ["guidedBackprop", {}, [...Array(6).fill("gradient"), "guided"]],
    ["deconvnet", {}, [...Array(6).fill("gradient"), "deconvnet"]],
    ["excitationBackprop", {}, [...Array(4).fill("excitation"), "identity", "excitation", "pass"]],
  ])("%s %j", (composite, options, expected) => expect(rulesFor({ composite, ...options })).toEqual(expected));

  test("every named composite is listed above, and the default is epsilonPlusFlat with Taylor", () => {
    expect(composites.map((c) => c.name)).toEqual([
      "epsilon",
      "epsilonPlus",
      "epsilonPlusFlat",
      "epsilonAlpha2Beta1",
      "epsilonAlpha2Beta1Flat",
      "epsilonGammaBox",
      "recurrentGamma",
      "paperEpsilon",
      "paperBeta",
      "attnLrp",
      "cpLrp",
      "attnLrpGamma",
      "gradient",
      "guidedBackprop",
      "deconvnet",
      "excitationBackprop",
    ]);
    expect(rulesFor({})).toEqual(rulesFor({ composite: "epsilonPlusFlat", lrn: "taylor" }));
    expect(model.explain(x).relevance).toEqual(
      model.explain(x, { composite: "epsilonPlusFlat", lrn: "taylor", target: "argmax", start: "logit" }).relevance,
    );
  });

  test("flat is for a first convolution: a dense first layer would share evenly over the whole input", async () => {
    const dims = [1, 2];
    const mlp = await loadInMode(network(dims, dense({ weight: tensor([3, 2], 1) })));
    expect(mlp.explain(tensor(dims, 2), { composite: "epsilonPlusFlat" }).rules.map(({ rule }) => rule)).toEqual([
      "epsilon(0.000001)",
    ]);
  });

  test("every rule of the table can be made", () => {
    expect(rules.map((r) => r.name).sort()).toEqual(Object.keys(ruleOf).sort());
  });
});

describe("composites of one's own", () => {
  const [e, z, f, w] = [ruleOf.epsilon({ epsilon: 0.5 }), ruleOf.zPlus(), ruleOf.flat(), ruleOf.wSquare()];
  test.each<[string, Composite, string[]]>([
    [
      "the first match wins",
      [
        { type: "Conv", rule: z },
        { type: ["convolution", "dense"], rule: e },
        { type: "Gemm", rule: f },
      ],
      ["zPlus", "zPlus", "epsilon(0.5)", "epsilon(0.5)"],
    ],
    [
      "by position",
      [
        { position: "first", rule: f },
        { position: "last", rule: w },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["flat", "zPlus", "zPlus", "wSquare"],
    ],
    [
      "position and type",
      [
        { type: "dense", position: "first", rule: f },
        { type: "convolution", position: "last", rule: f },
        { type: "dense", position: "last", rule: w },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["zPlus", "zPlus", "zPlus", "wSquare"],
    ],
    [
      "by name",
      [
        { layer: "conv2", rule: f },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["zPlus", "flat", "zPlus", "zPlus"],
    ],
    [
      "by a pattern of the name",
      [
        { layer: /^(conv1|fc)/, rule: f },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["flat", "zPlus", "flat", "flat"],
    ],
    [
      "name and type",
      [
        { layer: /2$/, type: "dense", rule: w },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["zPlus", "zPlus", "zPlus", "wSquare"],
    ],
    [
      "a pattern that is sticky or global still matches every layer",
      [
        { layer: /conv/g, rule: f },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["flat", "flat", "zPlus", "zPlus"],
    ],
    [
      "where a global pattern matched in one name is not where it begins in the next",
      [
        { layer: /\d$/g, type: ["Conv", "Gemm"], rule: f },
        { type: ["Conv", "Gemm"], rule: z },
      ],
      ["flat", "flat", "flat", "flat"],
    ],
  ])("%s", (_name, composite, expected) =>
    expect(rulesFor({ composite: [...composite, ...baseEntries()] }).slice(0, 4)).toEqual(expected),
  );

  test("baseEntries take the mode of LRN", () => {
    expect(
      rulesFor({ composite: [{ type: ["convolution", "dense"], rule: z }, ...baseEntries("beta")] }).slice(4),
    ).toEqual(["beta", "norm", "pass"]);
  });

  test("rules of linear layers also at means and sums", () => {
    const linear: Composite = [
      { type: ["convolution", "dense", "average"], rule: ruleOf.alphaBeta() },
      ...baseEntries(),
    ];
    expect(rulesFor({ composite: linear }).at(-2)).toBe("alphaBeta(2, 1)");
  });

  test("two layers that nothing precedes are both first", async () => {
    const [w, v] = [tensor([3, 2, 3, 3], 1), tensor([3, 3, 3, 3], 2)];
    const graph = described({
      inputs: { x: ["n", 2, 6, 6] },
      build(g, values) {
        const a = g.node(conv2d({ weight: w, name: "a" }), values.x);
        const c = g.chain(
          values.x,
          conv2d({ weight: w, pads: 1, name: "b" }),
          relu(),
          conv2d({ weight: v, name: "c" }),
        );
        return { y: g.node(op("Add"), a, c) };
      },
    });
    using two = await loadInMode(graph);
    const given = (composite: Composite) =>
      Object.fromEntries(
        two
          .explain(x, {
            composite: [...composite, { type: "Conv", rule: z }, ...baseEntries()],
            target: { index: [0, 0, 0] },
          })
          .rules.map((r) => [r.node, r.rule]),
      );
    expect(given([{ position: "first", rule: f }])).toMatchObject({ a: "flat", b: "flat", c: "zPlus" });
    expect(given([{ position: "last", rule: f }])).toMatchObject({ a: "flat", b: "zPlus", c: "flat" });
  });

  test("behind a sum it is enough that one term has passed a layer", async () => {
    const weight = tensor([2, 2, 3, 3], 1);
    const graph = described({
      inputs: { x: ["n", 2, 6, 6] },
      build(g, values) {
        const block = (v: Handle, name: string) => g.node(op("Add"), v, g.node(conv2d({ weight, pads: 1, name }), v));
        return { y: block(block(values.x, "a"), "b") };
      },
    });
    using skipping = await loadInMode(graph);
    for (const [position, a, b] of [
      ["first", "flat", "zPlus"],
      ["last", "zPlus", "flat"],
    ] as const) {
      const { rules: given } = skipping.explain(x, {
        composite: [{ position, type: "Conv", rule: f }, { type: "Conv", rule: z }, ...baseEntries()],
        target: { index: [0, 0, 0] },
      });
      expect(Object.fromEntries(given.map((r) => [r.node, r.rule]))).toMatchObject({ a, b });
    }
  });
});

/** The error that explaining with these options ends in. */
function refusal(options: ExplainOptions): LrpError {
  try {
    model.explain(x, options);
  } catch (error) {
    if (error instanceof LrpError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("what is refused", () => {
  test("nodes that nothing matches, all of them, with what to do", () => {
    const error = refusal({ composite: [{ type: "convolution", rule: ruleOf.zPlus() }] });
    expect(error.code).toBe("rule");
    expect(error.issues.map((i) => i.where)).toEqual(
      ["relu1", "norm1", "relu2", "mean", "fc1", "relu3", "fc2"].map(
        (name, i) => `node '${name}' (${["Relu", "LRN", "Relu", "AveragePool", "Gemm", "Relu", "Gemm"][i]})`,
      ),
    );
    expect(error.issues[1]).toMatchObject({ problem: "no entry of the composite matches it" });
    expect(error.issues[1].fix).toContain('{ type: "lrn", rule: … }');
    // To look is no error: what has no rule is shown.
    const { nodes, notes } = model.inspect({ composite: [{ type: "convolution", rule: ruleOf.zPlus() }] });
    expect(nodes.map((n) => n.rule)).toEqual([
      "zPlus",
      "none",
      "none",
      "route",
      "zPlus",
      "none",
      "none",
      "route",
      "none",
      "none",
      "none",
      "left out",
    ]);
    const [relu, lrn, , mean, gemm] = error.message.split("\n");
    const many = (line: string, n: number) =>
      line.replace(/^node ('\w+') \((\w+)\)/, `each of the ${n} $2 nodes (the first is $1; inspect lists them all)`);
    expect(notes.slice(0, 4)).toEqual([many(relu, 3), lrn, mean, many(gemm, 2)]);
  });

  test.each<[string, Rule, string[]]>([
    ["a rule of weights at layers without any", ruleOf.flat(), ["relu1", "norm1", "relu2", "mean", "relu3"]],
    ["pass at layers that have weights", ruleOf.pass(), ["conv1", "norm1", "conv2", "mean", "fc1", "fc2"]],
    ["a rule of LRN elsewhere", ruleOf.lrn(), ["conv1", "relu1", "conv2", "relu2", "mean", "fc1", "relu3", "fc2"]],
    ["ε at activations and LRN", ruleOf.epsilon(), ["relu1", "norm1", "relu2", "relu3"]],
  ])("%s", (_name, rule, nodes) => {
    const error = refusal({ composite: [{ rule }] });
    expect(error.code).toBe("rule");
    expect(error.issues.map((i) => i.where.split("'")[1])).toEqual(nodes);
    for (const issue of error.issues) expect(issue.received).toBe(`the rule ${rule.name}`);
  });

  test.each<[string, ExplainOptions, string]>([
    ["an unknown composite", { composite: "lrp" }, "option 'composite': expected one of epsilon, epsilonPlus"],
    ["bounds that are missing", { composite: "epsilonGammaBox", low: -1 }, "it needs the option high"],
    [
      "a parameter that the composite does not have",
      { composite: "epsilonPlus", gamma: 0.5 },
      "option 'gamma': the composite epsilonPlus does not take gamma, but",
    ],
    [
      "parameters beside a composite of one's own",
      { composite: baseEntries(), epsilon: 0.1 },
      "option 'epsilon': a composite of your own takes no parameters beside it",
    ],
    [
      "a parameter that other composites have",
      { composite: "epsilonPlus", gamma: 0.5 },
      "Composites that take it: epsilonGammaBox, recurrentGamma, attnLrpGamma.",
    ],
    [
      "parameters that no composite has together",
      { composite: "epsilonPlus", gamma: 0.5, alpha: 2 },
      "the composite epsilonPlus does not take gamma, but epsilon, lrn, sum, product, layerNorm, attention, delta.",
    ],
    ["α and β that do not fit", { composite: "epsilonAlpha2Beta1", alpha: 2, beta: 2 }, "alpha − beta = 1"],
    ["α below 1", { composite: "epsilonAlpha2Beta1", alpha: 0.5 }, "option 'alpha': expected a number ≥ 1"],
    ["a negative ε", { composite: "epsilon", epsilon: -1 }, "option 'epsilon': expected a number ≥ 0, got -1"],
    ["an ε that is no number", { composite: "epsilon", epsilon: NaN }, "option 'epsilon'"],
    [
      "an unknown mode of LRN",
      { lrn: "caffe" as "taylor" },
      "option 'lrn': expected taylor, taylor-uniform, identity, beta, gradient, unnormalised, got 'caffe'",
    ],
    ["bounds that are no numbers", { composite: "epsilonGammaBox", low: [0, NaN], high: 1 }, "option 'low'"],
    [
      "a bound for another number of channels",
      { composite: "epsilonGammaBox", low: [0, 0, 0], high: 1 },
      "node 'conv1' (Conv)",
    ],
  ])("%s", (_name, options, text) => {
    const error = refusal(options);
    expect(error.message).toContain(text);
    expect(["usage", "rule"]).toContain(error.code);
  });
});
