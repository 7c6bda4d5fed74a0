import { afterAll, describe, expect, test } from "vitest";
import {
  averagePool2d,
  baseEntries,
  batchNormalization,
  type Composite,
  type ExplainOptions,
  conv2d,
  dense,
  flatten,
  globalAveragePool,
  type Layer,
  type LinearRule,
  lrn,
  type LrnMode,
  maxPool2d,
  relu,
  type Rule,
  ruleOf,
} from "../../src/entries/index.ts";
import { attribute, type AttributeOptions } from "../../src/evaluate/index.ts";
import { loadInMode, modeName } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainLayer, network, predict } from "../explain.ts";
import { Differences, outdated, type Source } from "../golden/differences.ts";
import { leftOut, reasonFor } from "../golden/left-out.ts";
import { flat, type Golden, golden, nested, tensorOf } from "../golden/read.ts";
import { cancelling, tolerance } from "../golden/tolerance.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { readTable, writeTable } from "../readme.ts";

/*
 * Every case of the golden files. Their names are collected while the tests are declared; what is neither a test nor in
 * the list of what is left out is found at the end.
 */

const tested = new Set<string>();
const every = new Set<string>();
const differences = new Differences();
let running = "";

function expectRelevance(
  source: Source,
  row: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  off: number,
): void {
  differences.expectClose(source, row, running, actual, expected, off);
}

/** A rule without its numbers. */
const plainName = ({ name }: { name: string }) => name.replace(/\(.*| of .*/, "");

/** Declares one case, or, if it is in the list of what is left out, nothing. */
function goldenCase(name: string, run: () => Promise<void>): void {
  every.add(name);
  if (reasonFor(name)) return;
  tested.add(name);
  test(name, () => {
    running = name;
    return run();
  });
}

const plainly: Composite = [{ rule: ruleOf.norm() }];

describe("rules_hand", () => {
  type Entry = Record<string, unknown> & { name: string };
  const entries: readonly Entry[] = golden("rules_hand");
  const by = (name: string): Entry => entries.find((e) => e.name === name)!;
  const [denseSetup, convSetup] = [by("dense_setup"), by("conv_setup 3x3 valid")];
  const ones = by("conv_flat_pad1 (padded pixels are not counted)").R_out;
  const maxSetup = by("maxpool2 winner-take-all, first max in row-major order");

  /** The rule of a linear case, how far it may be off, and what the case has in place of the set-up. */
  const box = { low: -1, high: 3 };
  const linear: Readonly<Record<string, { rule: LinearRule; off: number; pads?: number; r?: unknown }>> = {
    dense_lrp0: { rule: ruleOf.lrp0(), off: tolerance.lrp0 },
    "dense_eps_0.25": { rule: ruleOf.epsilon({ epsilon: 0.25 }), off: tolerance.epsilon },
    "dense_eps_1e-6": { rule: ruleOf.epsilon(), off: tolerance.epsilon },
    "dense_eps_0.25*rms(zennit norm_scale)": {
      rule: ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" }),
      off: tolerance.epsilon,
    },
    "dense_gamma_generalised_0.25": { rule: ruleOf.gamma({ gamma: 0.25 }), off: tolerance.plain },
    "dense_gamma_original_0.25_positive_x": { rule: ruleOf.gamma({ gamma: 0.25 }), off: tolerance.plain },
    dense_alpha2beta1: { rule: ruleOf.alphaBeta(), off: tolerance.alphaBeta },
    "dense_alpha1beta0 (z+)": { rule: ruleOf.zPlus(), off: tolerance.plain },
    "dense_alpha1.5beta0.5": { rule: ruleOf.alphaBeta({ alpha: 1.5 }), off: tolerance.alphaBeta },
    "dense_wsquare(zennit, b^2 in denom)": { rule: ruleOf.wSquare(), off: tolerance.plain },
    "dense_wsquare(no bias: innvestigate/Julia/toolbox)": {
      rule: ruleOf.wSquare({ bias: false }),
      off: tolerance.plain,
    },
    dense_flat: { rule: ruleOf.flat(), off: tolerance.plain },
    "dense_zbox(-1,3)": { rule: ruleOf.zBox(box), off: tolerance.plain },
    // Rules are data: innvestigate's way of z⁺, A = L(x⁺; W⁺, b⁺) + L(x⁻; W⁻, b⁻) without a stabilizer.
    "dense_alpha1beta0 as innvestigate 2.x (b+ and b- in the denominator)": {
      rule: {
        ...ruleOf.zPlus({ epsilon: 0 }),
        name: "zPlus of innvestigate",
        groups: [
          {
            coefficient: 1,
            passes: [
              { input: [1, 0], weight: [1, 0], bias: [1, 0] },
              { input: [0, 1], weight: [0, 1], bias: [0, 1] },
            ],
          },
        ],
      },
      off: tolerance.plain,
    },
    "conv_eps_1e-6": { rule: ruleOf.epsilon(), off: tolerance.epsilon },
    conv_alpha2beta1: { rule: ruleOf.alphaBeta(), off: tolerance.alphaBeta },
    conv_flat: { rule: ruleOf.flat(), off: tolerance.plain },
    "conv_gamma.25": { rule: ruleOf.gamma({ gamma: 0.25 }), off: tolerance.plain },
    "conv_zbox(-1,3)": { rule: ruleOf.zBox(box), off: tolerance.plain },
    "conv_flat_pad1 (padded pixels are not counted)": { rule: ruleOf.flat(), off: tolerance.plain, pads: 1, r: ones },
    "conv_zbox_pad1(-1,3) (padding stays 0, not low/high)": {
      rule: ruleOf.zBox(box),
      off: tolerance.plain,
      pads: 1,
      r: ones,
    },
  };

  const run: Readonly<Record<string, (entry: Entry, key: string) => Promise<void>>> = {
    "maxpool2 winner-take-all, first max in row-major order": (e, key) => pool(e, key, maxPool2d({ kernel: 2 }), 0),
    "maxpool 3x3 stride 2 pad 1 (overlap)": (e, key) => pool(e, key, maxPool2d({ kernel: 3, strides: 2, pads: 1 }), 0),
    "avgpool2 norm rule": (e, key) => pool(e, key, averagePool2d({ kernel: 2 }), tolerance.norm),
    "add (Norm rule, eps 1e-6)": add,
    "batchnorm merged into the preceding dense": merge,
    "batchnorm stand-alone": standAlone,
  };

  async function pool(e: Entry, key: string, layer: Layer, off: number): Promise<void> {
    const [x, r] = [e.x ?? maxSetup.x, e.R_out ?? maxSetup.R_out].map(nested);
    const { relevance, output } = await explainLayer(network(x.dims, layer), x, r.data, plainly);
    expectClose(output.data, flat(e.y), 1e-7);
    expectRelevance("definition", off === 0 ? "max pooling" : "norm", relevance.data, flat(e[key]), off);
  }

  // Each pair is a sample of its own: the third one's relevance is 10⁵ times that of the first.
  async function add(e: Entry, key: string): Promise<void> {
    const int = (...data: number[]) => ({ dims: [data.length], data });
    const bytes = onnx({
      nodes: [
        { type: "Slice", inputs: ["x", "zero", "one", "one"], outputs: ["a"] },
        { type: "Slice", inputs: ["x", "one", "two", "one"], outputs: ["b"] },
        { type: "Add", inputs: ["a", "b"], outputs: ["y"] },
      ],
      initializers: { zero: int(0), one: int(1), two: int(2) },
      inputs: { x: ["n", 2] },
      outputs: { y: ["n", 1] },
    });
    const [a, b, r] = [e.a, e.b, e.R_out].map((v) => v as number[]);
    const expected = e[key] as number[];
    for (let i = 0; i < a.length; i++) {
      const { relevance } = await explainLayer(
        bytes,
        { dims: [1, 2], data: Float32Array.of(a[i], b[i]) },
        [r[i]],
        plainly,
      );
      expectRelevance("definition", "norm", [relevance.data[key === "R_a" ? 0 : 1]], [expected[i]], tolerance.norm);
    }
  }

  const parameters = (e: Entry) => ({
    scale: nested(e.gamma),
    shift: nested(e.beta),
    mean: nested(e.mean),
    variance: nested(e.var),
    epsilon: e.eps as number,
  });

  // The merged weights are read off: W' e_i + b' for the unit vectors, and flat's share would not tell.
  async function merge(e: Entry, key: string): Promise<void> {
    using model = await loadInMode(
      network([1, 2], dense({ weight: nested(e.W), bias: nested(e.b) }), batchNormalization(parameters(e))),
    );
    expect(model.inspect({ composite: "epsilon" }).nodes.map((n) => n.type)).toEqual(["Gemm"]);
    const b = flat(e.b_merged);
    if (key === "b_merged")
      expectClose(model.predict({ dims: [1, 2], data: new Float32Array(2) }).output.data, b, 1e-6);
    else {
      const gradients = [0, 1].map((target) =>
        Array.from(
          model.explain(
            { dims: [1, 2], data: new Float32Array(2) },
            { composite: [{ rule: ruleOf.gradient() }], target, start: "one" },
          ).relevance.data,
        ),
      );
      expectClose(gradients.flat(), flat(e.W_merged), 1e-6);
    }
  }

  async function standAlone(e: Entry, key: string): Promise<void> {
    const p = by("batchnorm merged into the preceding dense");
    const x = { dims: [1, 2], data: nested(e.x).data };
    const { relevance, output, notes } = await explainLayer(
      network([1, 2], batchNormalization(parameters(p))),
      x,
      e.R_out as number[],
      [{ rule: ruleOf.pass() }],
    );
    expectClose(output.data, flat(e.y), 1e-6);
    expectRelevance("definition", "pass", relevance.data, flat(e[key]), 0);
    expect(notes.join()).toContain("passes through these nodes unchanged");
  }

  async function weighted(e: Entry, key: string): Promise<void> {
    const { rule, off, pads = 0, r } = linear[e.name];
    const isDense = e.name.startsWith("dense");
    const setup = isDense ? denseSetup : convSetup;
    const [weight, bias, x] = [setup.W, setup.b, e.x ?? setup.x].map(nested);
    const received = nested(r ?? e.R_out ?? setup.R_out);
    const layer = isDense ? dense({ weight, bias }) : conv2d({ weight, bias, pads });
    const { relevance, output } = await explainLayer(network(x.dims, layer), x, received.data, rule);
    if (pads === 0) expectClose(output.data, flat(e.z ?? setup.z), 1e-6);
    expectRelevance("definition", plainName(rule), relevance.data, flat(e[key]), off);
  }

  for (const e of entries) {
    for (const key of Object.keys(e).filter((k) => (k.startsWith("R_") && k !== "R_out") || k.endsWith("_merged"))) {
      goldenCase(`rules_hand/${e.name}/${key}`, () => (run[e.name] ?? weighted)(e, key));
    }
  }
});

describe("zennit_layers", () => {
  interface Row {
    readonly layer: ReturnType<typeof golden>;
    readonly input: Golden;
    readonly output: Golden;
    readonly R_out: Golden;
    readonly rules: Record<string, Golden>;
  }
  const rows: readonly Row[] = golden("zennit_layers").layers;

  const rulesOf: Readonly<Record<string, { rule: Rule; off: number }>> = {
    "Epsilon(0)": { rule: ruleOf.lrp0(), off: tolerance.lrp0 },
    "Epsilon(1e-6)": { rule: ruleOf.epsilon(), off: tolerance.epsilon },
    "Epsilon(0.25)": { rule: ruleOf.epsilon({ epsilon: 0.25 }), off: tolerance.epsilon },
    "Epsilon(0.25*rms)": { rule: ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" }), off: tolerance.epsilon },
    "Epsilon(clip 0.25)": { rule: ruleOf.epsilon({ epsilon: 0.25, stabilizer: "clip" }), off: tolerance.epsilon },
    "Gamma(0.25)": { rule: ruleOf.gamma({ gamma: 0.25 }), off: tolerance.plain },
    ZPlus: { rule: ruleOf.zPlus(), off: tolerance.plain },
    "AlphaBeta(2,1)": { rule: ruleOf.alphaBeta({ alpha: 2, beta: 1 }), off: tolerance.alphaBeta },
    "AlphaBeta(1.5,0.5)": { rule: ruleOf.alphaBeta({ alpha: 1.5, beta: 0.5 }), off: tolerance.alphaBeta },
    WSquare: { rule: ruleOf.wSquare(), off: tolerance.plain },
    Flat: { rule: ruleOf.flat(), off: tolerance.plain },
    "ZBox(-1,1)": { rule: ruleOf.zBox({ low: -1, high: 1 }), off: tolerance.plain },
    Norm: { rule: ruleOf.norm(), off: tolerance.norm },
  };

  function source({ layer, input }: Row) {
    const { type, stride, padding, dilation, groups, weight, bias, kernel_size, output_padding, count_include_pad } =
      layer;
    const [w, b] = [weight, bias].map((t) => t && tensorOf(t));
    switch (type) {
      case "Linear":
        return network(input.shape, dense({ weight: w!, bias: b }));
      case "Conv2d":
        return network(
          input.shape,
          conv2d({ weight: w!, bias: b, strides: stride, pads: padding, dilations: dilation, group: groups }),
        );
      case "Conv1d":
        return chain(
          ["n", ...input.shape.slice(1)],
          [
            {
              type: "Conv",
              attributes: { strides: stride, pads: [padding[0], padding[0]], dilations: dilation, group: groups },
              parameters: [w, b],
            },
          ],
        );
      case "ConvTranspose2d":
        return chain(
          ["n", ...input.shape.slice(1)],
          [
            {
              type: "ConvTranspose",
              attributes: {
                strides: stride,
                pads: [...padding, ...padding],
                dilations: dilation,
                group: groups,
                output_padding,
              },
              parameters: [w, b],
            },
          ],
        );
      case "AvgPool2d":
        return network(
          input.shape,
          averagePool2d({ kernel: kernel_size, strides: stride, pads: padding, countPads: count_include_pad }),
        );
      default:
        return network(input.shape, globalAveragePool());
    }
  }

  for (const row of rows) {
    for (const [name, expected] of Object.entries(row.rules)) {
      goldenCase(`zennit_layers/${row.layer.name}/${name}`, async () => {
        const { rule, off } = rulesOf[name];
        const wider = cancelling.find(({ layer }) => layer === row.layer.name)?.off ?? 0;
        const { relevance, output } = await explainLayer(source(row), tensorOf(row.input), row.R_out.data, rule);
        expect(output.dims).toEqual(row.output.shape);
        expectClose(output.data, row.output.data, 1e-6);
        expect(relevance.dims).toEqual(expected.shape);
        expectRelevance("zennit", plainName(rule), relevance.data, expected.data, Math.max(off, wider));
      });
    }
  }
});

describe("zennit_small_cnn", () => {
  const file = golden("zennit_small_cnn");
  const x = tensorOf(file.input);
  const parametersOf = (name: string) => {
    const { weight, bias } = file.layers.find((l: { name: string }) => l.name === name);
    return { name, weight: tensorOf(weight), bias: tensorOf(bias) };
  };
  const layers = [
    conv2d({ ...parametersOf("conv1"), pads: 1 }),
    relu({ name: "relu1" }),
    maxPool2d({ name: "pool1", kernel: 2 }),
    conv2d(parametersOf("conv2")),
    relu({ name: "relu2" }),
    flatten({ name: "flat" }),
    dense(parametersOf("fc")),
  ];

  const single = (rule: Rule): Composite => [{ type: ["convolution", "dense"], rule }, ...baseEntries()];
  const options: Readonly<Record<string, ExplainOptions & { off: number; row?: string }>> = {
    LRP0: { composite: single(ruleOf.lrp0()), off: tolerance.lrp0 },
    "Epsilon(1e-6)": { composite: "epsilon", off: tolerance.epsilon },
    "Epsilon(0.25)": { composite: "epsilon", epsilon: 0.25, off: tolerance.epsilon },
    "Epsilon(0.25*rms)": {
      composite: single(ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" })),
      off: tolerance.epsilon,
    },
    "Epsilon(1e-6,zero_bias)": { composite: single(ruleOf.epsilon({ bias: false })), off: tolerance.epsilon },
    "Gamma(0.25)": { composite: single(ruleOf.gamma({ gamma: 0.25 })), off: tolerance.plain },
    ZPlus: { composite: single(ruleOf.zPlus()), off: tolerance.plain },
    "AlphaBeta(2,1)": { composite: single(ruleOf.alphaBeta({ alpha: 2, beta: 1 })), off: tolerance.alphaBeta },
    WSquare: { composite: single(ruleOf.wSquare()), off: tolerance.plain },
    Flat: { composite: single(ruleOf.flat()), off: tolerance.plain },
    EpsilonPlus: { composite: "epsilonPlus", off: tolerance.epsilon },
    EpsilonPlusFlat: { composite: "epsilonPlusFlat", off: tolerance.epsilon },
    EpsilonAlpha2Beta1: { composite: "epsilonAlpha2Beta1", off: tolerance.alphaBeta },
    EpsilonAlpha2Beta1Flat: { composite: "epsilonAlpha2Beta1Flat", off: tolerance.alphaBeta },
    "EpsilonGammaBox(-1,1)": { composite: "epsilonGammaBox", low: -1, high: 1, off: tolerance.epsilon },
    "EpsilonPlus(zero_bias)": {
      composite: [
        { type: "dense", rule: ruleOf.epsilon({ bias: false }) },
        { type: "convolution", rule: ruleOf.zPlus({ bias: false }) },
        ...baseEntries(),
      ],
      row: "epsilonPlus",
      off: tolerance.epsilon,
    },
    ExcitationBackprop: {
      composite: [{ type: "activation", rule: ruleOf.gradient() }, ...single(ruleOf.zPlus())],
      row: "zPlus, and gradient in activations",
      off: tolerance.plain,
    },
    Gradient: { composite: "gradient", off: tolerance.plain },
    GuidedBackprop: { composite: "guidedBackprop", off: tolerance.plain },
    DeconvNet: { composite: "deconvnet", off: tolerance.plain },
  };

  const others: Readonly<Record<string, AttributeOptions>> = {
    integrated_gradients_n20_zero_baseline: { method: "integratedGradients", steps: 20 },
    [Object.keys(file).find((key) => key.startsWith("occlusion"))!]: { method: "occlusion", window: 2, keep: true },
  };
  for (const [name, given] of Object.entries(others))
    goldenCase(`zennit_small_cnn/${name.replace(/ .*/, "")}`, async () => {
      using model = await loadInMode(network(x.dims, ...layers));
      const { relevance } = await attribute(model, x, { ...given, target: file.targets });
      expect(relevance.dims).toEqual(file[name].shape);
      expectRelevance("zennit", given.method, relevance.data, file[name].data, tolerance.plain);
    });

  for (const c of file.cases) {
    goldenCase(`zennit_small_cnn/${c.composite}/${c.init}`, async () => {
      const { off, row: named, ...given } = options[c.composite];
      using model = await loadInMode(network(x.dims, ...layers));
      const wanted: Record<string, Golden> = c.relevance_at_output_of ?? {};
      const { relevance, at, output } = model.explain(x, {
        ...given,
        target: file.targets,
        // Gradients start from one by themselves.
        start: c.init === "logit" ? "logit" : options[c.composite].composite === "gradient" ? undefined : "one",
        at: Object.keys(wanted),
      });
      expectClose(output.data, file.output.data, 1e-6);
      const row =
        named ?? (typeof given.composite === "string" ? given.composite : plainName(given.composite![0].rule));
      expectRelevance("zennit", row, relevance.data, c.relevance.data, off);
      const samples = [
        relevance.data.subarray(0, relevance.data.length / 2),
        relevance.data.subarray(relevance.data.length / 2),
      ];
      expectClose(
        samples.map((s) => s.reduce((a, b) => a + b, 0)),
        c.sum_per_sample,
        off,
      );
      for (const [layer, expected] of Object.entries(wanted)) {
        expect(at[layer].dims).toEqual(expected.shape);
        expectRelevance("zennit", row, at[layer].data, expected.data, off);
      }
    });
  }

  for (const [i, [name, expected]] of Object.entries(file.activations as Record<string, Golden>).entries()) {
    goldenCase(`zennit_small_cnn/activations/${name}`, async () => {
      const output = await predict(network(x.dims, ...layers.slice(0, i + 1)), x);
      expect(output.dims).toEqual(expected.shape);
      expectClose(output.data, expected.data, 1e-6);
    });
  }
});

describe("lrn_taylor", () => {
  const file = golden("lrn_taylor");
  const modes: Readonly<Record<string, LrnMode>> = {
    identity: "identity",
    taylor: "taylor",
    taylor_uniform: "taylor-uniform",
    beta1: "beta",
    gradient: "gradient",
    caffe: "unnormalised",
  };

  for (const c of file.cases) {
    const { size, alpha, beta, "k(bias)": bias, window, alpha_divided_by_size } = c.attrs;
    const layer = lrn({ size, alpha: alpha_divided_by_size ? alpha : alpha * size, beta, bias, window });
    for (const [mode, expected] of Object.entries(c.R_in as Record<string, Golden>)) {
      goldenCase(`lrn_taylor/${c.name}/${mode}`, async () => {
        const { relevance, output } = await explainLayer(
          network(c.x.shape, layer),
          tensorOf(c.x),
          c.R_out.data,
          ruleOf.lrn(modes[mode]),
        );
        expectClose(output.data, c.y.data, 1e-6);
        expectRelevance("definition", `lrn: ${modes[mode]}`, relevance.data, expected.data, tolerance.plain);
      });
    }
  }

  const within = file.within_channel_caffe;
  goldenCase("lrn_taylor/within_channel_caffe/taylor", async () => {
    const { size, alpha, beta } = within.attrs;
    const { relevance, output } = await explainLayer(
      network(within.x.shape, lrn({ size, alpha, beta, region: "spatial" })),
      tensorOf(within.x),
      within.R_out.data,
      ruleOf.lrn(),
    );
    expectClose(output.data, within.y.data, 1e-6);
    expectRelevance("definition", "lrn: taylor", relevance.data, within.R_in_taylor.data, tolerance.plain);
  });

  const net = file.lrn_net;
  const layers = [
    conv2d({ weight: tensorOf(net.conv_w), bias: tensorOf(net.conv_b), pads: 1 }),
    relu({ name: "relu" }),
    lrn({ name: "lrn", size: 5, alpha: 5 }),
    maxPool2d({ kernel: 2 }),
    flatten(),
    dense({ weight: tensorOf(net.fc_w), bias: tensorOf(net.fc_b) }),
  ];
  const x = tensorOf(net.input);
  goldenCase("lrn_taylor/lrn_net/lrn_out", async () =>
    expectClose((await predict(network(x.dims, ...layers.slice(0, 3)), x)).data, net.lrn_out.data, 1e-6),
  );
  for (const c of net.cases) {
    goldenCase(`lrn_taylor/lrn_net/${c.rule_basic}/${c.lrn_mode}`, async () => {
      using model = await loadInMode(network(x.dims, ...layers));
      const [composite, off] =
        c.rule_basic === "beta1" ? ["paperBeta", tolerance.alphaBeta] : ["paperEpsilon", tolerance.epsilon];
      const { output, relevance, at } = model.explain(x, {
        composite,
        lrn: modes[c.lrn_mode],
        target: 0,
        start: "logit",
        at: ["lrn", "relu"],
      });
      expectClose(output.data, net.output.data, 1e-6);
      expectClose([at.lrn.data.reduce((a, b) => a + b, 0)], [c.R_at_lrn_out_sum], off);
      expectRelevance("definition", composite, at.relu.data, c.R_at_lrn_in.data, off);
      expectRelevance("definition", composite, relevance.data, c.R_input.data, off);
      expectClose([relevance.data.reduce((a, b) => a + b, 0)], [c.sum], off);
    });
  }
});

test("every case of the files is a test, or is left out for a reason", () => {
  // rules_hand 24 + 2 + 2 + 2 + 3 results of 28 cases; 7 layers with 13 rules, 3 pools; 26 cases, 7 activations, 2
  // other methods; 13 × 6, 1, 1 and 12 for LRN.
  expect(every.size).toBe(33 + 94 + 35 + 92);
  expect([...every].filter((name) => !tested.has(name) && !reasonFor(name))).toEqual([]);
  expect(
    leftOut.filter((l) => ![...every].some((name) => reasonFor(name) === l)),
    "idle reasons",
  ).toEqual([]);
});

// Of the other ways of running, the README says nothing.
test.runIf(modeName === "plain")("the README says how large the differences are", () => {
  const { zennit } = golden("zennit_layers");
  if (process.env.WRITE_DOCS) writeTable("differences", differences.table(zennit));
  expect(outdated(readTable("differences"), differences.cells())).toBeUndefined();
});

afterAll(() => {
  const lines = leftOut.map((l) => `  ${l.case}: ${l.reason}`);
  console.log([`${tested.size} golden cases; left out ${every.size - tested.size}:`, ...lines].join("\n"));
});
