import { describe, expect, test } from "vitest";
import { dense, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, largest, magnitude } from "../close.ts";
import { explainLayer, network } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, count, dense as denseMap, type Dims, matMul, transposed, turnover } from "../reference/linear.ts";
import { epsilon, explain, flat, wSquare } from "../reference/rules.ts";
import { node, rules, weighted } from "../rules/cases.ts";
import { expectLayer } from "./check.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("dense layers", () => {
  const sizes = [
    ...range(1, 9).map((k) => [2, k, 5]),
    ...range(1, 13).map((m) => [3, 7, m]),
    ...range(1, 9).map((n) => [n, 11, 6]),
    [1, 31, 33],
    [2, 257, 3],
    [1, 1031, 5],
    [5, 64, 17],
  ];
  test.each(sizes)("dense: %i × %i → %i", async (n, k, m) => {
    for (const bias of [tensor([m], 5), undefined]) {
      const [x, weight] = [tensor([n, k], 11), tensor([m, k], 3)];
      const map = denseMap(n, weight, bias?.data);
      await expectLayer(network([n, k], dense({ weight, bias })), x, {
        dims: [n, m],
        forward: (v) => apply(map, v),
        scale: largest(turnover(map, x.data)),
      });
    }
  });

  test.each([
    { transB: 1, alpha: 1, beta: 1, c: [7] },
    { transB: 0, alpha: 1, beta: 1, c: [7] },
    { transB: 0, alpha: -1.5, beta: 0.5, c: [1, 7] },
    { transB: 1, alpha: 0.25, beta: 2, c: [1] },
    { transB: 1, alpha: 2, beta: 0, c: [7] },
    { transB: 0, alpha: 3, beta: 1, c: undefined },
    { transB: 1, alpha: 1, beta: -1, c: [] },
  ])("Gemm: transB $transB, alpha $alpha, beta $beta, C $c", async ({ transB, alpha, beta, c }) => {
    const [n, k, m] = [3, 5, 7];
    const [x, b, bias] = [tensor([n, k], 11), tensor(transB ? [m, k] : [k, m], 3), c && tensor(c, 5)];
    const weight = {
      dims: [m, k],
      data: Float64Array.from(
        { length: m * k },
        (_, i) => alpha * (transB ? b.data[i] : b.data[(i % k) * m + Math.floor(i / k)]),
      ),
    };
    const map = denseMap(
      n,
      weight,
      bias && Array.from({ length: m }, (_, o) => beta * bias.data[bias.data.length === 1 ? 0 : o]),
    );
    const attributes = { transB, alpha: { float: alpha }, beta: { float: beta } };
    await expectLayer(chain(["n", k], [{ type: "Gemm", attributes, parameters: [b, bias] }]), x, {
      dims: [n, m],
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
  });

  test.each([
    { transA: 1, transB: 1, alpha: 1, beta: 1, c: [7] },
    { transA: 1, transB: 0, alpha: -0.5, beta: 0.5, c: [3, 7] },
    { transA: 0, transB: 0, alpha: 2, beta: -1, c: [3, 1] },
    { transA: 0, transB: 1, alpha: 1, beta: 1, c: [3, 7] },
    { transA: 0, transB: 1, alpha: 1, beta: 0, c: [3, 7] },
  ])(
    "Gemm: transA $transA, transB $transB, alpha $alpha, beta $beta, C $c",
    async ({ transA, transB, alpha, beta, c }) => {
      const [n, k, m] = [3, 5, 7];
      const [x, b, bias] = [tensor([n, k], 11), tensor(transB ? [m, k] : [k, m], 3), tensor(c, 5)];
      const forward = (v: ArrayLike<number>) =>
        Float64Array.from({ length: n * m }, (_, i) => {
          const [row, o] = [Math.floor(i / m), i % m];
          const at = (c.length > 1 ? row * c[1] : 0) + (c.at(-1) === 1 ? 0 : o);
          return range(0, k - 1).reduce(
            (sum, j) => sum + alpha * v[row * k + j] * b.data[transB ? o * k + j : j * m + o],
            beta * bias.data[at],
          );
        });
      const attributes = { transA, transB, alpha: { float: alpha }, beta: { float: beta } };
      const turned = transA ? [{ type: "Transpose" }] : [];
      const file = chain(x.dims, [...turned, { type: "Gemm", attributes, parameters: [b, bias] }]);
      await expectLayer(file, x, { dims: [n, m], forward, scale: 5 });
    },
  );

  test("a C that does not fit is an error", async () => {
    const file = chain([3, 5], [{ type: "Gemm", parameters: [tensor([5, 7], 3), tensor([2, 7], 5)] }]);
    await expect(loadInMode(file)).rejects.toThrow("a C that can be broadcast to [3,7], got dims [2,7].");
  });

  test.each([[[3, 5]], [[2, 3, 5]], [[2, 3, 4, 5]]])("MatMul: %j by [5, 7]", async (dims) => {
    const [x, b] = [tensor(dims, 11), tensor([5, 7], 3)];
    const weight = {
      dims: [7, 5],
      data: Float64Array.from({ length: 35 }, (_, i) => b.data[(i % 5) * 7 + Math.floor(i / 5)]),
    };
    const map = denseMap(x.data.length / 5, weight);
    await expectLayer(chain(["n", ...dims.slice(1)], [{ type: "MatMul", parameters: [b] }]), x, {
      dims: [...dims.slice(0, -1), 7],
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
  });

  const shapes: readonly (readonly [Dims, Dims])[] = [
    [
      [2, 3, 5],
      [2, 5, 7],
    ],
    [
      [3, 5],
      [2, 5, 7],
    ],
    [
      [2, 3, 5],
      [1, 5, 7],
    ],
    [
      [1, 3, 5],
      [4, 5, 2],
    ],
    [
      [3, 1, 2, 5],
      [2, 5, 7],
    ],
    [
      [3, 2, 2, 5],
      [3, 1, 5, 4],
    ],
    [
      [2, 1, 3, 2, 5],
      [2, 3, 1, 5, 3],
    ],
    [
      [3, 5],
      [5, 7],
    ],
    [[5], [5, 7]],
    [[5], [2, 5, 7]],
    [[3, 5], [5]],
    [[2, 3, 5], [5]],
    [[5], [5]],
    [
      [1, 11],
      [11, 1],
    ],
    [
      [2, 1, 13],
      [2, 13, 1],
    ],
  ];
  /** a · b for an input [1, all numbers of x], as [1, all numbers of y]. */
  const product = (a: Dims, b: Dims, computed: "first" | "second", y: Dims, weight: Tensor) => {
    const int = (values: Dims) => ({ dims: [values.length], data: values });
    const x = computed === "first" ? a : b;
    return onnx({
      nodes: [
        node("Reshape", ["x", "shape"], "r"),
        node("MatMul", computed === "first" ? ["r", "w"] : ["w", "r"], "p"),
        node("Reshape", ["p", "flat"], "y"),
      ],
      initializers: { w: weight, shape: int(x), flat: int([1, count(y)]) },
      inputs: { x: [1, count(x)] },
      outputs: { y: [] },
    });
  };
  describe.each(["first", "second"] as const)("MatMul with a constant %s factor", (constant) => {
    test.each(shapes.map(([a, b]) => [`[${a}] · [${b}]`, a, b] as const))("%s", async (_name, a, b) => {
      const [xDims, wDims] = constant === "first" ? [b, a] : [a, b];
      const weight = tensor(wDims, 3);
      const map = matMul(xDims, weight, constant);
      const source = product(a, b, constant === "first" ? "second" : "first", map.dims, weight);
      const x = tensor([1, count(xDims)], 11);
      const scale = largest(turnover(map, x.data));
      await expectLayer(source, x, { dims: [1, count(map.dims)], forward: (v) => apply(map, v), scale });
      const z = apply(map, x.data);
      const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 || z.length === 1 ? v : 0));
      const every: typeof rules = [
        ...rules,
        ["flat", ruleOf.flat(), flat, tolerance.plain],
        ["wSquare", ruleOf.wSquare(), wSquare, tolerance.plain],
        ["relative", ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" }), epsilon, 1],
      ];
      for (const [name, rule, literal, off] of every) {
        const { relevance, ledger } = await explainLayer(source, x, r, weighted(rule));
        if (name !== "relative") expectClose(relevance.data, explain(map, x.data, r, literal).relevance, off);
        for (const row of ledger) expect(Math.abs(row.gap)).toBeLessThan(1e-5 * magnitude(r) + 1e-9);
      }
    });
  });

  test.each(shapes.map(([a, b]) => [`[${a}] · [${b}]`, a, b] as const))(
    "MatMul of two computed factors: %s",
    async (_name, a, b) => {
      const int = (...values: number[]) => ({ dims: [values.length], data: values });
      const [i, j] = [count(a), count(b)];
      const nodes = [
        node("Slice", ["x", "0", "i", "1"], "s"),
        node("Slice", ["x", "i", "end", "1"], "t"),
        node("Reshape", ["s", "a"], "p"),
        node("Reshape", ["t", "b"], "q"),
        node("MatMul", ["p", "q"], "y"),
      ];
      const initializers = { 0: int(0), 1: int(1), i: int(i), end: int(i + j), a: int(...a), b: int(...b) };
      const x = tensor([1, i + j], 11);
      using model = await loadInMode(onnx({ nodes, initializers, inputs: { x: [1, i + j] }, outputs: { y: [] } }));
      const map = matMul(a, { dims: b, data: x.data.subarray(i) }, "second");
      const { output } = model.predict(x);
      expect(output.dims).toEqual(map.dims);
      expectClose(output.data, apply(map, x.data), 2e-6, largest(turnover(map, x.data)));
      const given = { composite: "epsilon", target: numbers(output.data.length, 7), start: "one" } as const;
      const first = transposed(map, given.target);
      const second = transposed(matMul(b, { dims: a, data: x.data.subarray(0, i) }, "first"), given.target);
      expectClose(model.explain(x, { ...given, product: "gradient" }).relevance.data, [...first, ...second], 1e-5);
    },
  );

  test("MatMul of two constants is folded", async () => {
    const [a, b] = [tensor([2, 3, 5], 3), tensor([5, 7], 4)];
    const map = matMul(a.dims, b, "second");
    const bytes = onnx({
      nodes: [node("MatMul", ["a", "b"], "c"), node("Add", ["x", "c"], "y")],
      initializers: { a, b },
      inputs: { x: [2, 3, 7] },
      outputs: { y: [] },
    });
    using model = await loadInMode(bytes);
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Add"]);
    expectClose(model.predict({ dims: [2, 3, 7], data: new Float32Array(42) }).output.data, apply(map, a.data), 2e-6);
  });

  // A scale along the columns is one of the outputs only where every output has weights of its own.
  test.each([
    [[5, 7], 1],
    [[2, 5, 7], 2],
    [[1, 5, 7], 2],
  ] as const)("MatMul by %j and a scaling behind it: %i nodes", async (dims, left) => {
    const [x, w, scale] = [tensor([2, 3, 5], 11), tensor(dims, 3), tensor([7], 4)];
    const map = matMul(x.dims, w, "second");
    using model = await loadInMode(
      chain(
        [2, 3, 5],
        [
          { type: "MatMul", parameters: [w] },
          { type: "Mul", parameters: [scale] },
        ],
      ),
    );
    expect(model.inspect().nodes).toHaveLength(left);
    expectClose(
      model.predict(x).output.data,
      apply(map, x.data).map((v, j) => v * scale.data[j % 7]),
      3e-6,
    );
  });

  test("sizes that do not fit are errors", async () => {
    const twice = (a: Dims, b: Dims) => loadInMode(chain(a, [{ type: "MatMul", parameters: [tensor(b, 3)] }]));
    await expect(twice([2, 3, 5], [3, 7])).rejects.toThrow(
      "node 'y0' (MatMul): expected a first factor of 3 columns, got 5",
    );
    await expect(twice([2, 3, 5], [3, 5, 7])).rejects.toThrow(
      "node 'y0' (MatMul): expected batches that can be broadcast, got [2,3,5] and [3,5,7]",
    );
    await expect(twice([3, 5], [])).rejects.toThrow("node 'y0' (MatMul): expected factors of rank 1 or more");

    await expect(loadInMode(network([1, 5], dense({ name: "fc", weight: tensor([3, 4], 3) })))).rejects.toThrow(
      "node 'fc' (Gemm): expected an A of 4 columns, got 5.",
    );
  });
});
