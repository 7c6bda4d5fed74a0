import { describe, expect, test } from "vitest";
import { ruleOf, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count, type LinearMap, place, positions } from "../reference/linear.ts";
import { alphaBeta, epsilon } from "../reference/rules.ts";
import { checkRule } from "./check.ts";
import { fileOf } from "./rows.ts";

/*
 * Layers of a sequence that give out a state, against their recurrences.
 */

type Numbers = ArrayLike<number>;
type Inputs = Readonly<Record<string, Tensor>>;

interface Layer {
  readonly type: string;
  readonly attributes: FileNode["attributes"];
  /** The inputs in the layer's order; undefined: left out. */
  readonly inputs: readonly (readonly [name: string, value: Tensor | undefined])[];
  /** The names of inputs that are constants of the file. */
  readonly constants?: readonly string[];
}

const byName = (given: Layer["inputs"]): Inputs =>
  Object.fromEntries(given.flatMap(([name, value]) => (value ? [[name, value]] : [])));

/** The layer as a file, with what its callers give. */
function fileWith({ type, attributes, inputs, constants = [] }: Layer): { file: Uint8Array; given: Inputs } {
  const all = Object.entries(byName(inputs));
  const given = Object.fromEntries(all.filter(([name]) => !constants.includes(name)));
  const file = onnx(
    {
      nodes: [
        { type, attributes, inputs: inputs.map(([name, value]) => (value ? name : "")), outputs: ["y", "state"] },
      ],
      initializers: Object.fromEntries(all.filter(([name]) => constants.includes(name))),
      inputs: Object.fromEntries(Object.entries(given).map(([name, { dims }]) => [name, dims])),
      outputs: { y: [], state: [] },
    },
    27,
  );
  return { file, given };
}

/** Both outputs, and the gradient of the first for every input, by differences of the reference. */
async function checkLayer(layer: Layer, forward: (inputs: Readonly<Record<string, Numbers>>) => readonly Numbers[]) {
  const { file, given } = fileWith(layer);
  const data = Object.fromEntries(
    Object.entries(byName(layer.inputs)).map(([name, value]) => [name, Float64Array.from(value.data)]),
  );
  const [y, state] = forward(data);
  const r = numbers(y.length, 21);
  using model = await loadInMode(file, { batch: false });
  const { outputs } = model.predict(given as never);
  expectClose(outputs.y.data as Float32Array, y, 5e-6);
  expectClose(outputs.state.data as Float32Array, state, 5e-6);
  const options = { output: "y", start: "one", composite: [{ rule: ruleOf.gradient() }], unknown: "gradient" } as const;
  const { inputs } = model.explain(given as never, { ...options, target: r });
  const value = (all: typeof data) => Array.from(forward(all)[0]).reduce((sum, v, i) => sum + v * r[i], 0);
  for (const name of Object.keys(given)) {
    const slopes = data[name].map((_, k) => {
      const [up, down] = [1e-5, -1e-5].map((d) =>
        value({ ...data, [name]: data[name].map((v, j) => (j === k ? v + d : v)) }),
      );
      return (up - down) / 2e-5;
    });
    expectClose(inputs[name].data, slopes, 2e-5);
  }
}

describe("CausalConvWithState", () => {
  const [n, channels] = [2, 3];
  /** x with what came before it. */
  const whole = (x: Numbers, past: Numbers | undefined, length: number, before: number) =>
    positions([n, channels, length + before]).map(([b, c, t]) =>
      t < before
        ? (past?.[place([n, channels, before], [b, c, t])] ?? 0)
        : x[place([n, channels, length], [b, c, t - before])],
    );

  test.each([
    { length: 6, kernel: 4 },
    { length: 6, kernel: 4, bias: true, activation: "silu" },
    { length: 5, kernel: 3, past: true, activation: "swish" },
    { length: 1, kernel: 4, bias: true, past: true, activation: "none" },
    { length: 2, kernel: 5 },
    { length: 4, kernel: 1, past: true },
  ])("%j", async ({ length, kernel, bias = false, past = false, activation }) => {
    const before = kernel - 1;
    const dims = [n, channels, length];
    const layer: Layer = {
      type: "CausalConvWithState",
      attributes: activation ? { activation } : {},
      inputs: [
        ["x", tensor(dims, 1)],
        ["w", tensor([channels, 1, kernel], 2)],
        ["b", bias ? tensor([channels], 3) : undefined],
        ["past", past && before > 0 ? tensor([n, channels, before], 4) : undefined],
      ],
      constants: ["w", "b"],
    };
    await checkLayer(layer, ({ x, w, b, past: earlier }) => {
      const all = whole(x, earlier, length, before);
      const at = (sample: number, c: number, t: number) => all[place([n, channels, length + before], [sample, c, t])];
      const y = positions(dims).map(([sample, c, t]) => {
        let sum = b?.[c] ?? 0;
        for (let j = 0; j < kernel; j++) sum += w[c * kernel + j] * at(sample, c, t + j);
        return activation === "silu" || activation === "swish" ? sum / (1 + Math.exp(-sum)) : sum;
      });
      return [y, positions([n, channels, before]).map(([sample, c, t]) => at(sample, c, length + t))];
    });
  });

  test("is a convolution for every rule", async () => {
    const [length, kernel] = [5, 3];
    const x = [n, channels, length];
    const [w, b] = [tensor([channels, 1, kernel], 2), tensor([channels], 3)];
    const connections = positions(x).map(([sample, c, t]) =>
      Array.from({ length: kernel }, (_, j) => ({ t: t + j - kernel + 1, w: w.data[c * kernel + j] })).flatMap((tap) =>
        tap.t < 0 ? [] : [{ i: place(x, [sample, c, tap.t]), w: tap.w }],
      ),
    );
    const bias = positions(x).map(([, c]) => b.data[c]);
    const map: LinearMap = { dims: x, inputs: count(x), connections, bias };
    const file = fileOf({
      ...{ type: "CausalConvWithState", x, dims: x, parameters: [w, b], opset: 27 },
      forward: (v) => connections.map((list, j) => list.reduce((sum, { i, w }) => sum + w * v[i], bias[j])),
    });
    for (const [rule, by] of [
      [ruleOf.epsilon(), epsilon],
      [ruleOf.alphaBeta(), alphaBeta(2, 1)],
    ] as const)
      await checkRule(file, map, tensor(x, 5), rule, by);
  });
});

interface Case {
  readonly rule: string;
  /** How many queries share a key. */
  readonly groups?: number;
  readonly past?: boolean;
  readonly decay?: "heads" | "keys";
  /** Whether β is the same for all heads. */
  readonly beta?: "heads" | "one";
  readonly scale?: number;
  readonly length?: number;
}

describe("LinearAttention", () => {
  const [n, shared, keys, values] = [2, 2, 3, 4];

  const layerOf = ({ rule, groups = 1, past, decay, beta, scale, length = 3 }: Case): Layer => ({
    type: "LinearAttention",
    attributes: {
      update_rule: rule,
      q_num_heads: shared * groups,
      kv_num_heads: shared,
      ...(scale !== undefined && { scale: { float: scale } }),
    },
    inputs: [
      ["q", tensor([n, length, shared * groups * keys], 1)],
      ["k", tensor([n, length, shared * keys], 2)],
      ["v", tensor([n, length, shared * values], 3)],
      ["past", past ? tensor([n, shared, keys, values], 4) : undefined],
      ["g", decay && tensor([n, length, decay === "keys" ? shared * keys : shared], 5, -1, 0)],
      ["b", beta && tensor([n, length, beta === "heads" ? shared : 1], 6, 0, 1)],
    ],
  });

  /** S ← e^g S; S ← S + k (β (v − kᵀ S))ᵀ, or S + k vᵀ; o = scale · qᵀ S */
  function recurrence(
    { rule, groups = 1, scale, length = 3, decay, beta }: Case,
    x: Readonly<Record<string, Numbers>>,
  ) {
    const heads = shared * groups;
    const y = new Float64Array(n * length * heads * values);
    const states = new Float64Array(n * shared * keys * values);
    for (const [b, h] of positions([n, shared])) {
      const at = (name: string, t: number, size: number, i: number) =>
        x[name][place([n, length, shared, size], [b, t, h, i])];
      const s = positions([keys, values]).map(
        ([i, j]) => x.past?.[place([n, shared, keys, values], [b, h, i, j])] ?? 0,
      );
      for (let t = 0; t < length; t++) {
        if (rule.startsWith("gated"))
          for (const [i, j] of positions([keys, values]))
            s[i * values + j] *= Math.exp(decay === "keys" ? at("g", t, keys, i) : at("g", t, 1, 0));
        const written = Array.from({ length: values }, (_, j) => {
          const v = at("v", t, values, j);
          if (!rule.endsWith("delta")) return v;
          let known = 0;
          for (let i = 0; i < keys; i++) known += at("k", t, keys, i) * s[i * values + j];
          return (beta === "heads" ? at("b", t, 1, 0) : x.b[b * length + t]) * (v - known);
        });
        for (const [i, j] of positions([keys, values])) s[i * values + j] += at("k", t, keys, i) * written[j];
        for (const [g, j] of positions([groups, values])) {
          let sum = 0;
          for (let i = 0; i < keys; i++)
            sum += x.q[place([n, length, heads, keys], [b, t, h * groups + g, i])] * s[i * values + j];
          y[place([n, length, heads, values], [b, t, h * groups + g, j])] = (scale || 1 / Math.sqrt(keys)) * sum;
        }
      }
      states.set(s, (b * shared + h) * keys * values);
    }
    return [y, states];
  }

  test.each<Case>([
    { rule: "linear" },
    { rule: "linear", length: 1, groups: 2, past: true, scale: 0.25 },
    { rule: "gated", decay: "keys" },
    { rule: "gated", decay: "heads", past: true, groups: 3 },
    { rule: "delta", beta: "heads" },
    { rule: "delta", beta: "one", past: true },
    { rule: "gated_delta", decay: "keys", beta: "heads", groups: 2 },
    { rule: "gated_delta", decay: "heads", beta: "one", past: true, scale: 2 },
    { rule: "gated_delta", decay: "keys", beta: "heads", length: 1 },
  ])("%j", async (c) => {
    await checkLayer(layerOf(c), (x) => recurrence(c, x));
  });

  test("relevance passes as through a Scan that spells it out", async () => {
    const c: Case = { rule: "gated_delta", decay: "keys", beta: "heads", past: true };
    const layer = layerOf(c);
    const { file, given } = fileWith(layer);
    const node = (line: string, attributes: FileNode["attributes"] = {}): FileNode => {
      const [output, , type, ...inputs] = line.split(" ");
      return { type, inputs, outputs: [output], attributes };
    };
    const steps = (name: string) => [
      node(`${name}5 = Reshape ${name} dims-${name}`),
      node(`${name}t = Transpose ${name}5`, { perm: [1, 0, 2, 3, 4] }),
    ];
    const shapes: Readonly<Record<string, readonly number[]>> = {
      q: [1, keys],
      k: [keys, 1],
      v: [1, values],
      g: [keys, 1],
      b: [1, 1],
    };
    const body: FileGraph = {
      nodes: [
        node("d = Mul s g1"),
        node("kt = Transpose k1", { perm: [0, 1, 3, 2] }),
        node("known = MatMul kt d"),
        node("new = Sub v1 known"),
        node("w = Mul b1 new"),
        node("p = MatMul k1 w"),
        node("to = Add d p"),
        node("o = MatMul q1 to"),
      ],
      inputs: { s: [], q1: [], k1: [], v1: [], g1: [], b1: [] },
      outputs: { to: [], o: [] },
    };
    const spelled = onnx(
      {
        nodes: [
          ...Object.keys(shapes).flatMap(steps),
          node("e = Exp gt"),
          {
            type: "Scan",
            inputs: ["past", "qt", "kt", "vt", "e", "bt"],
            outputs: ["state", "os"],
            attributes: { num_scan_inputs: 5, body: { graph: body } },
          },
          node("ot = Transpose os", { perm: [1, 0, 2, 3, 4] }),
          node("all = Reshape ot flat"),
          node("y = Mul all scale"),
        ],
        initializers: {
          ...Object.fromEntries(
            Object.entries(shapes).map(([name, dims]) => [
              `dims-${name}`,
              { dims: [5], data: [n, 3, shared, ...dims] },
            ]),
          ),
          flat: { dims: [3], data: [n, 3, shared * values] },
          scale: { dims: [], data: Float32Array.of(1 / Math.sqrt(keys)) },
        },
        inputs: Object.fromEntries(Object.entries(given).map(([name, { dims }]) => [name, dims])),
        outputs: { y: [] },
      },
      17,
    );
    const target = numbers(n * 3 * shared * values, 8);
    for (const composite of ["attnLrp", "epsilonPlusFlat"] as const) {
      const options = { output: "y", start: "one", target, composite } as const;
      using whole = await loadInMode(file, { batch: false });
      using parts = await loadInMode(spelled, { batch: false });
      const [one, other] = [whole, parts].map((model) => model.explain(given as never, options));
      for (const name of Object.keys(given)) expectClose(one.inputs[name].data, other.inputs[name].data, 1e-4);
      for (const { gap, magnitude } of one.ledger) expect(Math.abs(gap)).toBeLessThanOrEqual(1e-5 * magnitude);
    }
  });

  test("is refused where it has too many steps", async () => {
    const { file } = fileWith(layerOf({ rule: "linear", length: 9000 }));
    await expect(loadInMode(file, { batch: false })).rejects.toThrow("at most 32768 nodes");
  });
});
