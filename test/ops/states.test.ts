import { describe, expect, test } from "vitest";
import { ruleOf, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, onnx } from "../onnx-writer.ts";
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
