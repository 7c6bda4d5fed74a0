import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  baseEntries,
  composites,
  dense,
  type ExplainOptions,
  type Explanation,
  heatmap,
  type Input,
  type Layer,
  load,
  LrpError,
  type Model,
  network,
  op,
  ruleOf,
  type Tensor,
} from "../../src/entries/index.ts";
import { decode } from "../../src/read/onnx/decode.ts";
import { expectClose, total } from "../close.ts";

/*
 * What is right for each of the small models beside this file.
 */

/**
 * Cases that are not right yet, and what they lack. Their tests ask that what is right fails: whoever mends one takes
 * its line away.
 */
const pending: Readonly<Record<string, string>> = {};

interface Stored {
  readonly dims: readonly number[];
  readonly type: string;
  readonly data: readonly number[];
}

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly outputs: Readonly<Record<string, Stored>>;
}

const path = (file: string) => new URL(file, import.meta.url);
const names = readdirSync(path(".")).flatMap((file) => (file.endsWith(".onnx") ? [file.slice(0, -5)] : []));

function caseOf(name: string): Case {
  const stored: Pick<Case, "inputs" | "outputs"> = JSON.parse(readFileSync(path(`${name}.json`), "utf8"));
  return { name, bytes: readFileSync(path(`${name}.onnx`)), ...stored };
}

/** The arrays in which callers have numbers of each type; integers and booleans may be in any. */
const arrays: Readonly<Record<string, { from(data: readonly number[]): ArrayLike<number> } | typeof BigInt64Array>> = {
  float16: Float32Array,
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
};

/** An input of a case as a caller has it. */
function given({ dims, type, data }: Stored) {
  return { dims, data: type.startsWith("float") ? (arrays[type] as typeof Float32Array).from(data) : data };
}

/** The bits of a normal float16: ±(1 + fraction / 1024) · 2^(exponent − 15). */
const half = (bits: number): number =>
  (bits >> 15 ? -1 : 1) * (1 + (bits & 1023) / 1024) * 2 ** (((bits >> 10) & 31) - 15);

/** What is stored of an output; of float16 the bits. */
const wanted = ({ type, data }: Stored): readonly number[] => (type === "float16" ? data.map(half) : data);

// A name may be "__proto__".
const inputsOf = ({ inputs }: Pick<Case, "inputs">): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, given(t) as Tensor]));

const only = (of: Pick<Case, "inputs">): Tensor => Object.values(inputsOf(of))[0];

/** The network computes what onnxruntime does. */
async function runs(of: Case): Promise<Model> {
  const model = await load(of.bytes);
  const { outputs } = model.predict(inputsOf(of));
  expect(Object.keys(outputs)).toEqual(Object.keys(of.outputs));
  for (const [name, stored] of Object.entries(of.outputs)) {
    const { dims, data, type = "float32" } = outputs[name];
    expect(dims).toEqual(stored.dims);
    expect(type).toBe(stored.type);
    expect(data).toBeInstanceOf(arrays[type]);
    const expected = wanted(stored);
    const tolerance = type === "float16" ? 2e-3 : 2e-6;
    expectClose(
      Array.from<number | bigint, number>(data, Number),
      expected,
      tolerance,
      Math.max(1, ...expected.map(Math.abs)),
    );
  }
  return model;
}

/** What is explained, of the case that is judged or of another one. */
async function explained(of: Case, options: ExplainOptions = {}): Promise<Explanation> {
  using model = await runs(of);
  return model.explain(inputsOf(of), options);
}

type Right = (of: Case) => Promise<void>;

/** Runs, and is explained without loss: Σ R is the score but for what the ledger names. */
const isExplained: Right = async (of) => {
  const { inputs, ledger, targets } = await explained(of, { composite: "epsilon" });
  const arrived = Object.values(inputs).reduce((sum, r) => sum + total(r.data), 0);
  const absorbed = ledger.reduce((sum, row) => sum + row.bias + row.stabilizer + row.dead + row.other, 0);
  const score = targets.flat().reduce((sum, t) => sum + t.weight * t.score, 0);
  expect(score).not.toBe(0);
  expectClose([arrived + absorbed], [score], 1e-5);
};

/** The file is refused, and the message says why. */
const refused =
  (code: LrpError["code"], ...says: readonly string[]): Right =>
  async (of) => {
    const error = await explained(of).then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(LrpError);
    expect(error.code).toBe(code);
    for (const words of says) expect(error.message).toContain(words);
  };

/** The same bits as a network of two dense layers with an activation between them. */
const asActivation =
  (activation: Layer): Right =>
  async (of) => {
    const weights = new Map(decode(of.bytes).graph.initializers.map(({ name, value }) => [name, value as Tensor]));
    const [w, v] = ["w", "v"].map((name) => weights.get(name)!);
    const transposed = ({ dims: [rows, columns], data }: Tensor): Tensor => ({
      dims: [columns, rows],
      data: Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]),
    });
    const twin = network({
      inputs: { x: [1, 4] },
      build: (g, { x }) => ({
        y: g.chain(x, dense({ weight: transposed(w) }), activation, dense({ weight: transposed(v) })),
      }),
    });
    using native = await load(twin);
    for (const composite of ["epsilon", "epsilonPlusFlat", "gradient", "epsilonAlpha2Beta1", "paperBeta"]) {
      const { relevance } = await explained(of, { composite });
      expect([...relevance.data], composite).toEqual([...native.explain(only(of), { composite }).relevance.data]);
    }
  };

const BOX = { composite: "epsilonGammaBox", low: 0, high: 255 } as const;

/** The same relevance as another case, under these options. */
async function agrees(of: Case, other: string, all: readonly ExplainOptions[], tolerance = 1e-4): Promise<void> {
  for (const options of all) {
    const { relevance } = await explained(of, options);
    expectClose(relevance.data, (await explained(caseOf(other), options)).relevance.data, tolerance);
  }
}

/** Normalised outside, pixels have no units of their own that a bound could be given in. */
const asOutside: Right = (of) =>
  agrees(
    of,
    "pre_out",
    ["epsilon", "epsilonPlus", "epsilonPlusFlat", "epsilonAlpha2Beta1"].map((composite) => ({ composite })),
  );

/** Relevance passes the scale and shift, and all of it arrives. */
const normalised =
  (other: string): Right =>
  async (of) => {
    const { relevance, targets } = await explained(of, { composite: "epsilon" });
    expectClose([total(relevance.data)], [targets[0][0].score], 1e-4);
    await agrees(of, other, [{ composite: "epsilon" }, {}, BOX]);
  };

/** A class for each sample, and each is explained as it is by itself. */
const samples =
  (input: string, axis: number): Right =>
  async (of) => {
    const { inputs, targets } = await explained(of, { composite: "epsilon" });
    const [stored] = Object.values(of.outputs);
    const [count, classes] = stored.dims;
    const rows = Array.from({ length: count }, (_, i) => stored.data.slice(i * classes, (i + 1) * classes));
    expect(targets.map(([t]) => t.index)).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
    const x = of.inputs[input];
    const inner = x.dims.slice(axis + 1).reduce((product, d) => product * d, 1);
    const isOf = (sample: number) => (_: number, i: number) => Math.floor(i / inner) % count === sample;
    using model = await load(of.bytes);
    for (let sample = 0; sample < count; sample++) {
      const one: Stored = {
        ...x,
        dims: x.dims.map((d, k) => (k === axis ? 1 : d)),
        data: x.data.filter(isOf(sample)),
      };
      const alone = model.explain(inputsOf({ inputs: { ...of.inputs, [input]: one } }), { composite: "epsilon" });
      expectClose(inputs[input].data.filter(isOf(sample)), alone.inputs[input].data, 1e-5);
    }
  };

/** One sample, whatever the number of classes. */
const withoutBatch: Right = async (of) => {
  const { targets } = await explained(of, { target: 2 });
  expect(targets).toHaveLength(1);
  expect(targets[0]).toEqual([expect.objectContaining({ index: 2, weight: 1 })]);
  expectClose([targets[0][0].score], [Object.values(of.outputs)[0].data[2]], 1e-5);
};

const channelsLast: Right = async (of) => {
  using model = await runs(of);
  expect(model.inputs).toEqual([expect.objectContaining({ channelAxis: "last" })]);
  const { relevance } = model.explain(inputsOf(of));
  const { width, height } = heatmap(relevance);
  expect([width, height]).toEqual([8, 6]);
};

/** An output [1, C, H, W]: a lone class says too little. */
const perPixel: Right = async (of) => {
  using model = await runs(of);
  const input = inputsOf(of);
  expect(() => model.explain(input, { target: 1 })).toThrow(/position.*area.*index/s);
  const { logits } = model.predict(input);
  const [, , h, w] = logits.dims;
  const at = (target: unknown) => model.explain(input, { target, composite: "epsilon" } as ExplainOptions);
  const pixel = at({ class: 1, position: [2, 3] });
  expect(pixel.targets).toHaveLength(1);
  expect(at({ index: [1, 2, 3] }).relevance).toEqual(pixel.relevance);
  const score = (e: Explanation) => e.targets.flat().reduce((sum, t) => sum + t.weight * t.score, 0);
  expectClose([score(pixel)], [logits.data[h * w + 2 * w + 3]], 1e-6);
  const everywhere = at({ class: 1, area: "all" });
  expectClose([score(everywhere)], [total(logits.data.subarray(h * w, 2 * h * w))], 1e-5);
  expect(everywhere.relevance.data).not.toEqual(pixel.relevance.data);
  expect(at({ class: 1, area: { box: [2, 3, 3, 4] } }).relevance).toEqual(pixel.relevance);
};

/** Under every composite, and under flat and zBox in every layer. */
const asPaddedConv: Right = (of) =>
  agrees(of, "q_conv", [
    ...composites.map(({ name, required }) => ({ composite: name, ...(required && { low: -1, high: 2 }) })),
    ...[ruleOf.flat(), ruleOf.zBox({ low: -1, high: 2 }), ruleOf.wSquare(), ruleOf.gamma()].map((rule) => ({
      composite: [{ type: "convolution", rule }, { type: "dense", rule: ruleOf.epsilon() }, ...baseEntries()],
    })),
  ] as readonly ExplainOptions[]);

/** The value that is given decides, for each call anew. */
const byCondition: Right = async (of) => {
  using model = await runs(of);
  const [x, c] = [of.inputs.x, (on: boolean): Stored => ({ dims: [], type: "bool", data: [Number(on)] })];
  const w = decode(of.bytes).graph.initializers[0].value!.data;
  const through = (f: (v: number) => number) =>
    [0, 1, 2].map((j) => x.data.reduce((sum, v, i) => sum + f(v) * w[i * 3 + j], 0));
  for (const on of [false, true, false]) {
    const input: Input = inputsOf({ inputs: { x, c: c(on) } });
    const expected = through(on ? (v) => Math.max(v, 0) : (v) => -v);
    expectClose(model.predict(input).output.data, expected, 1e-6);
    const { relevance } = model.explain(input, { composite: "epsilon", target: 0 });
    const parts = x.data.map((v, i) => (on ? Math.max(v, 0) : -v) * w[i * 3]);
    expectClose(relevance.data, parts, 1e-4);
  }
};

/** Relevance starts from the scores before the softmax that gives this output, which is the one that is explained. */
const fromLogits =
  (output: string): Right =>
  async (of) => {
    await isExplained(of);
    const { logits, ...e } = await explained(of);
    const powers = Array.from(logits.data, Math.exp);
    const softmax = powers.map((v) => v / total(powers));
    expectClose(e.output.data, softmax, 2e-6);
    expectClose(e.output.data, of.outputs[output].data, 2e-6);
    expect(e.targets[0][0].score).toBe(Math.max(...logits.data));
  };

const byName: Right = async (of) => {
  const { inputs, outputs } = await explained(of);
  expect(Object.keys(inputs)).toEqual(["__proto__"]);
  expect(Object.keys(outputs)).toEqual(["toString"]);
};

const right: Readonly<Record<string, Right>> = {
  // One function in several spellings.
  a_gelu_erf: asActivation(op("Gelu")),
  a_hardswish_hs: asActivation(op("HardSwish")),
  a_leaky_max: asActivation(op("LeakyRelu", { alpha: Math.fround(0.1) })),
  a_relu_max0: asActivation(op("Relu")),
  a_relu_where: asActivation(op("Relu")),
  a_silu: isExplained,
  hardswish_spelled: asActivation(op("HardSwish")),
  pre_bn: asOutside,
  pre_in: asOutside,
  pre_out: isExplained,
  q_conv: isExplained,
  q_padconv: asPaddedConv,
  zb_bn_in_0: normalised("zb_norm_in_0"),
  zb_bn_in_1: normalised("zb_norm_in_1"),
  zb_norm_in_0: normalised("zb_bn_in_0"),
  zb_norm_in_1: normalised("zb_bn_in_1"),
  zb_scale_in_1: (of) => agrees(of, "zb_scale_w_1", [{}, { composite: "epsilon" }, BOX]),
  zb_scale_w_1: isExplained,

  // Samples, channels, classes.
  first_is_batch: samples("x", 0),
  nhwc_pre: channelsLast,
  nobatch_chw: withoutBatch,
  nobatch_chw4: withoutBatch,
  second_is_batch: samples("x", 0),
  seg_softmax: perPixel,
  time_major_in: samples("x", 1),
  unet: perPixel,

  // What the file says.
  bn_extra_outs: refused("unsupported", "(BatchNormalization)", "training mode"),
  clip_minmax_swapped: async (of) => {
    const { relevance } = await explained(of, { composite: "gradient" });
    expect([...relevance.data]).toEqual([0, 0, 0, 0]);
  },
  const_value_string: isExplained,
  if_input: byCondition,
  proto_names: byName,
  siamese: isExplained,

  cumsum: isExplained,
  dead_node: isExplained,
  double_io: isExplained,
  dyn_quant: isExplained,
  e_softmax_cast: fromLogits("y"),
  e_softmax_spelled: fromLogits("y"),
  einsum: isExplained,
  fp16_io: isExplained,
  func_local: isExplained,
  gru: isExplained,
  label_first: fromLogits("p"),
  ln_mid: isExplained,
  lstm: isExplained,
  ms_gelu: asActivation(op("Gelu")),
  onehot: isExplained,
  opset23: isExplained,
  opset6: isExplained,
  qdq_weight: isExplained,
  scalar_input: isExplained,
  se_block: isExplained,
  sklearn_mlp: fromLogits("probabilities"),
  topk: isExplained,
  uint8_in: isExplained,
  unused_init: isExplained,
};

describe("small cases", () => {
  it("have what is right for each, and nothing else", () => {
    expect(Object.keys(right).sort()).toEqual([...names].sort());
    expect(Object.keys(pending).filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each(names.map((name) => [name, pending[name] ? `lacks: ${pending[name]}` : "right"]))("%s (%s)", async (name) => {
    const judged = right[name](caseOf(name));
    await (pending[name] ? expect(judged, "it is right: delete it from `pending`").rejects.toThrow() : judged);
  });
});
