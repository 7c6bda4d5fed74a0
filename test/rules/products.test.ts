import { describe, expect, test } from "vitest";
import { type ExplainOptions, load, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { expectClose, total } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * Products of two computed values: gates and signals, halves, gradients; products of matrices.
 */

const node = (line: string, attributes: FileNode["attributes"] = {}): FileNode => {
  const [output, , type, ...inputs] = line.split(" ");
  return { type, inputs, outputs: [output], attributes };
};
const file = (nodes: readonly FileNode[], inputs: FileGraph["inputs"], initializers: FileGraph["initializers"] = {}) =>
  onnx({ nodes, inputs, outputs: { y: [] }, initializers });

const DIMS = [2, 3, 5];
const [a, b] = [tensor(DIMS, 1), tensor(DIMS, 2)];
const R = numbers(30, 3);
const gated = (gate: string) => [node(`g = ${gate} b`), node("y = Mul a g")];
const pair = { a: DIMS, b: DIMS };
const explain = async (bytes: Uint8Array, inputs: Readonly<Record<string, Tensor>>, options: ExplainOptions = {}) => {
  using model = await loadInMode(bytes);
  return model.explain(inputs, { composite: "epsilon", target: R, start: "one", ...options });
};
const zeros = (count: number) => new Float32Array(count);

describe("a product of two computed values", () => {
  test.each(["Sigmoid", "HardSigmoid", "Tanh", "Softmax"])(
    "gives all to the signal and none to a gate of %s",
    async (gate) => {
      const { inputs, rules, ledger } = await explain(file(gated(gate), pair), { a, b });
      expect(inputs.a.data).toEqual(R);
      expect(inputs.b.data).toEqual(zeros(30));
      expect(rules.map(({ node: name, rule }) => `${name}: ${rule}`)).toEqual(["y: signal"]);
      expect(Math.max(...ledger.map(({ gap, other }) => Math.abs(gap) + Math.abs(other)))).toBeLessThan(1e-6);
    },
  );

  test("of sigmoid and tanh the sigmoid is the gate, whichever stands first", async () => {
    for (const product of ["y = Mul t s", "y = Mul s t"]) {
      const { inputs } = await explain(file([node("s = Sigmoid a"), node("t = Tanh b"), node(product)], pair), {
        a,
        b,
      });
      expect(inputs.a.data).toEqual(zeros(30));
      expect(inputs.b.data).toEqual(R);
    }
  });

  test("the smaller factor is the gate, whatever it stands behind", async () => {
    const small = tensor([2, 1, 5], 4);
    for (const product of ["y = Mul a b", "y = Mul b a"]) {
      const { inputs } = await explain(file([node(product)], { a: DIMS, b: [2, 1, 5] }), { a, b: small });
      expect(inputs.a.data).toEqual(R);
      expect(inputs.b.data).toEqual(zeros(10));
    }
  });

  test("a gate is found through what moves and scales it", async () => {
    const nodes = [
      node("s = Sigmoid b"),
      node("m = Mul s two"),
      node("t = Transpose m", { perm: [0, 2, 1] }),
      node("y = Mul t a"),
    ];
    const bytes = file(nodes, { a: DIMS, b: [2, 5, 3] }, { two: { dims: [], data: Float32Array.of(2) } });
    const { inputs } = await explain(bytes, { a, b: tensor([2, 5, 3], 2) });
    expect(inputs.a.data).toEqual(R);
  });

  test("neither a gate: half to each, summed to its shape", async () => {
    const { inputs } = await explain(file([node("y = Mul a b")], pair), { a, b });
    for (const name of ["a", "b"])
      expectClose(
        inputs[name].data,
        R.map((v) => v / 2),
        1e-7,
      );
    const small = await explain(
      file([node("y = Mul a b")], { a: DIMS, b: [3, 1] }),
      { a, b: tensor([3, 1], 4) },
      { product: "half" },
    );
    const sums = [0, 1, 2].map((c) => R.reduce((sum, v, i) => sum + (Math.floor(i / 5) % 3 === c ? v / 2 : 0), 0));
    expectClose(small.inputs.b.data, sums, 1e-6);
    expectClose([total(small.inputs.a.data) + total(small.inputs.b.data)], [total(R)], 1e-6);
  });

  test("x / y is x · (1 / y)", async () => {
    const bytes = file([node("y = Div a b")], pair);
    const signal = await explain(bytes, { a, b: tensor(DIMS, 2, 0.5, 2) });
    expect(signal.inputs.a.data).toEqual(R);
    const half = await explain(bytes, { a, b: tensor(DIMS, 2, 0.5, 2) }, { product: "half" });
    expectClose(
      half.inputs.b.data,
      R.map((v) => v / 2),
      1e-7,
    );
  });

  test("the gradient, where it is asked for", async () => {
    const given = { a, b: tensor(DIMS, 2, 0.5, 2) };
    const [x, d] = [given.a.data, given.b.data];
    const mul = await explain(file([node("y = Mul a b")], pair), given, { product: "gradient" });
    expectClose(
      mul.inputs.a.data,
      R.map((r, i) => r * d[i]),
      1e-6,
    );
    expectClose(
      mul.inputs.b.data,
      R.map((r, i) => r * x[i]),
      1e-6,
    );
    const div = await explain(file([node("y = Div a b")], pair), given, { product: "gradient" });
    expectClose(
      div.inputs.b.data,
      R.map((r, i) => (-r * x[i]) / d[i] ** 2),
      1e-6,
    );
  });

  test("what lies behind a gate that gets nothing needs no rule", async () => {
    const nodes = [node("c = Sin b"), node("s = Softmax c", { axis: 1 }), node("y = Mul a s")];
    const bytes = file(nodes, pair);
    expect((await explain(bytes, { a, b })).inputs.a.data).toEqual(R);
    await expect(explain(bytes, { a, b }, { product: "half" })).rejects.toThrow(/node 'c' \(Sin\)/);
  });

  test("in a composite of one's own", async () => {
    const bytes = file(gated("Sigmoid"), pair);
    const rest = [{ type: "activation", rule: ruleOf.pass() }];
    const composite = [{ type: "product", rule: ruleOf.product("half") }, ...rest];
    expectClose(
      (await explain(bytes, { a, b }, { composite })).inputs.b.data,
      R.map((v) => v / 2),
      1e-7,
    );
    await expect(explain(bytes, { a, b }, { composite: rest })).rejects.toThrow(/Add \{ type: "product"/);
    const wrong = [{ type: "product", rule: ruleOf.pass() }, ...rest];
    await expect(explain(bytes, { a, b }, { composite: wrong })).rejects.toThrow(/one of signal, half, gradient/);
  });
});

describe("a product of matrices", () => {
  /** s = R / (2ab), R_a = a ⊙ (s bᵀ), R_b = b ⊙ (aᵀ s) in double precision, a and b of a batch. */
  function literal(x: Float32Array, w: Float32Array, r: Float32Array, [n, k, m]: readonly number[]) {
    const [toX, toW] = [new Float64Array(x.length), new Float64Array(w.length)];
    for (let s = 0; s < r.length / (n * m); s++)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < m; j++) {
          const terms = Array.from({ length: k }, (_, t) => x[(s * n + i) * k + t] * w[(s * k + t) * m + j]);
          const z = terms.reduce((sum, v) => sum + v, 0);
          terms.forEach((v, t) => {
            const share = (v / z / 2) * r[(s * n + i) * m + j];
            toX[(s * n + i) * k + t] += share;
            toW[(s * k + t) * m + j] += share;
          });
        }
    return { toX, toW };
  }

  test("gives half to each, by what the terms contribute", async () => {
    const [n, k, m] = [3, 5, 7];
    const [x, w] = [tensor([2, n, k], 5, 0.2, 2), tensor([2, k, m], 6, 0.2, 2)];
    const r = numbers(2 * n * m, 7);
    const bytes = file([node("y = MatMul a b")], { a: [2, n, k], b: [2, k, m] });
    const { inputs, rules, ledger } = await explain(bytes, { a: x, b: w }, { target: r });
    const { toX, toW } = literal(x.data, w.data, r, [n, k, m]);
    expectClose(inputs.a.data, toX, 1e-6);
    expectClose(inputs.b.data, toW, 1e-6);
    expect(rules[0].rule).toBe("half");
    expect(Math.abs(ledger[0].gap) + Math.abs(ledger[0].other)).toBeLessThan(1e-5);
  });

  test("is no dense layer to a composite", async () => {
    const bytes = file(
      [node("c = MatMul a b"), node("y = MatMul c w")],
      { a: [3, 5], b: [5, 7] },
      { w: tensor([7, 2], 8) },
    );
    using model = await load(bytes);
    const rules = model.inspect({ composite: "epsilonPlus" }).nodes.map(({ rule }) => rule);
    expect(rules).toEqual(["half", "epsilon(0.000001)"]);
  });
});
