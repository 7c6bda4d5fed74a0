import { describe, expect, test } from "vitest";
import { baseEntries, conv2d, dense, flatten, relu, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, total } from "../close.ts";
import { explainFrom, explainLayer, network } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, average, conv, count, dense as denseMap, type Dims, sum, transposed } from "../reference/linear.ts";
import { epsilon, explain } from "../reference/rules.ts";
import { node, rules, weighted } from "./cases.ts";

/*
 * Relevance where a graph branches and joins, against the definitions, layer by layer.
 */

const plus = (...parts: readonly ArrayLike<number>[]) =>
  Float64Array.from(parts[0], (_, i) => parts.reduce((s, p) => s + p[i], 0));

/** Positive numbers, so that no sum of this file is a small difference of large terms; weights of either sign. */
const positive = (dims: Dims, seed = 11): Tensor => tensor(dims, seed, 0.25, 1.25);
const upward = (dims: Dims, seed: number): Tensor => tensor(dims, seed, -0.25, 1);

describe("branches", () => {
  describe.each(rules)("%s", (_name, rule, literal, off) => {
    const dims = [2, 3, 4, 5];
    const x = positive(dims);
    const [w, b] = [upward([3, 3, 3, 3], 3), tensor([3], 5)];
    const map = conv(dims, w, b.data, { pads: [1, 1, 1, 1] });
    const run = (graph: FileGraph, r: ArrayLike<number>, at: readonly string[] = []) =>
      loadInMode(onnx(graph)).then((m) => explainFrom(m, x, r, { composite: weighted(rule), at }));

    test("a skip connection: the sum is shared by what its terms add, the branches add up at x", async () => {
      const graph: FileGraph = {
        nodes: [node("Conv", ["x", "w", "b"], "a", { pads: [1, 1, 1, 1] }), node("Add", ["a", "x"], "y")],
        initializers: { w, b },
        inputs: { x: ["n", 3, 4, 5] },
        outputs: { y: [] },
      };
      const r = numbers(count(dims), 7);
      const shares = explain(sum(dims, [1, 1]), [...apply(map, x.data), ...x.data], r, epsilon).relevance;
      const [toA, toX] = [shares.subarray(0, r.length), shares.subarray(r.length)];
      const { relevance, at } = await run(graph, r, ["a", "x"]);
      expectClose(at.a.data, toA, tolerance.norm);
      const expected = plus(explain(map, x.data, toA, literal).relevance, toX);
      expectClose(relevance.data, expected, tolerance.norm);
      expect(at.x.data).toEqual(relevance.data);
    });

    test("a concatenation: every part gets its slice", async () => {
      const graph: FileGraph = {
        nodes: [
          node("Conv", ["x", "w", "b"], "a", { pads: [1, 1, 1, 1] }),
          node("Relu", ["a"], "p"),
          node("Concat", ["p", "x", "p"], "y", { axis: 1 }),
        ],
        initializers: { w, b },
        inputs: { x: ["n", 3, 4, 5] },
        outputs: { y: [] },
      };
      const r = numbers(2 * 9 * 20, 7);
      const part = (k: number) =>
        Float64Array.from({ length: 120 }, (_, i) => r[Math.floor(i / 60) * 180 + k * 60 + (i % 60)]);
      const { relevance, at } = await run(graph, r, ["p"]);
      expectClose(at.p.data, plus(part(0), part(2)), 1e-6);
      expectClose(relevance.data, plus(explain(map, x.data, plus(part(0), part(2)), literal).relevance, part(1)), off);
    });

    test("a value used twice: the relevances add up", async () => {
      const [w1, w2] = [upward([4, 3], 3), upward([4, 3], 4)];
      const [one, two] = [denseMap(2, w1), denseMap(2, w2)];
      const graph: FileGraph = {
        nodes: [
          node("GlobalAveragePool", ["x"], "g"),
          node("Flatten", ["g"], "h"),
          node("Gemm", ["h", "w1"], "p", { transB: 1 }),
          node("Gemm", ["h", "w2"], "q", { transB: 1 }),
          node("Sum", ["p", "q"], "y"),
        ],
        initializers: { w1, w2 },
        inputs: { x: ["n", 3, 4, 5] },
        outputs: { y: [] },
      };
      const r = numbers(8, 7);
      const h = Array.from({ length: 6 }, (_, i) => total(x.data.subarray(i * 20, i * 20 + 20)) / 20);
      const shares = explain(sum([2, 4], [1, 1]), [...apply(one, h), ...apply(two, h)], r, epsilon).relevance;
      const expected = plus(
        explain(one, h, shares.subarray(0, 8), literal).relevance,
        explain(two, h, shares.subarray(8), literal).relevance,
      );
      expectClose((await run(graph, r, ["h"])).at.h.data, expected, tolerance.norm);
    });

    test("the same weights in two layers of different stride", async () => {
      const graph: FileGraph = {
        nodes: [
          node("Conv", ["x", "w", "b"], "a", { strides: [2, 2], pads: [1, 1, 1, 1] }),
          node("Conv", ["x", "w", "b"], "c", { pads: [1, 1, 1, 1] }),
          node("Conv", ["x", "w", "b"], "d", { strides: [2, 2], pads: [0, 0, 1, 1] }),
          node("Conv", ["x", "w", "b"], "e", { dilations: [1, 2] }),
          node("Flatten", ["a"], "a1"),
          node("Flatten", ["c"], "c1"),
          node("Flatten", ["d"], "d1"),
          node("Flatten", ["e"], "e1"),
          node("Concat", ["a1", "c1", "d1", "e1"], "y", { axis: 1 }),
        ],
        initializers: { w, b },
        inputs: { x: ["n", 3, 4, 5] },
        outputs: { y: [] },
      };
      const maps = [
        conv(dims, w, b.data, { strides: [2, 2], pads: [1, 1, 1, 1] }),
        map,
        conv(dims, w, b.data, { strides: [2, 2], pads: [0, 0, 1, 1] }),
        conv(dims, w, b.data, { dilations: [1, 2] }),
      ];
      const lengths = maps.map((m) => m.connections.length / 2);
      const row = total(lengths);
      const r = numbers(2 * row, 7);
      const parts = maps.map((m, k) => {
        const first = total(lengths.slice(0, k));
        return explain(
          m,
          x.data,
          Float64Array.from(
            { length: 2 * lengths[k] },
            (_, i) => r[Math.floor(i / lengths[k]) * row + first + (i % lengths[k])],
          ),
          literal,
        ).relevance;
      });
      const { relevance, output } = await run(graph, r);
      expectClose(
        output.data.subarray(0, row),
        maps.flatMap((m, k) => [...apply(m, x.data).subarray(0, lengths[k])]),
        1e-6,
      );
      expectClose(relevance.data, plus(...parts), off);
    });
  });

  test("terms of different shapes: what is repeated gets the sum of its shares", async () => {
    const x = positive([2, 3, 4, 5]);
    const bytes = onnx({
      nodes: [node("GlobalAveragePool", ["x"], "g"), node("Add", ["g", "x"], "y")],
      inputs: { x: ["n", 3, 4, 5] },
      outputs: { y: [] },
    });
    const r = numbers(120, 7);
    const mean = Array.from({ length: 6 }, (_, i) => total(x.data.subarray(20 * i, 20 * i + 20)) / 20);
    const toMean = new Float64Array(6);
    const expected = Float64Array.from(r, (v, i) => {
      const z = mean[Math.floor(i / 20)] + x.data[i] + 1e-6;
      toMean[Math.floor(i / 20)] += (mean[Math.floor(i / 20)] / z) * v;
      return (x.data[i] / z) * v;
    });
    const map = average([2, 3, 4, 5], { kernel: [4, 5] });
    explain(map, x.data, toMean, epsilon).relevance.forEach((v, i) => {
      expected[i] += v;
    });
    const { relevance, at } = await loadInMode(bytes).then((m) =>
      explainFrom(m, x, r, { composite: baseEntries(), at: ["g"] }),
    );
    expectClose(at.g.data, toMean, tolerance.norm);
    expectClose(relevance.data, expected, tolerance.norm);
  });

  test("terms of different ranks: every number gets its own share", async () => {
    const x = positive([1, 2, 3, 4]);
    const bytes = onnx({
      nodes: [node("Reshape", ["x", "shape"], "r"), node("Tanh", ["r"], "t"), node("Add", ["x", "t"], "y")],
      initializers: { shape: { dims: [3], data: [2, 3, 4] } },
      inputs: { x: [1, 2, 3, 4] },
      outputs: { y: [] },
    });
    const r = numbers(24, 7);
    const t = x.data.map(Math.tanh);
    const { at } = await loadInMode(bytes).then((m) => explainFrom(m, x, r, { composite: baseEntries(), at: ["t"] }));
    expectClose(
      at.t.data,
      r.map((v, i) => (t[i] / (x.data[i] + t[i] + 1e-6)) * v),
      tolerance.norm,
    );
  });

  test("a scale that repeats a value passes the sum", async () => {
    const scale = tensor([1, 5], 3, 1, 2);
    const bytes = onnx({
      nodes: [node("Mul", ["x", "scale"], "y")],
      initializers: { scale },
      inputs: { x: ["n", 3, 1] },
      outputs: { y: [] },
    });
    const r = numbers(30, 7);
    const { relevance, ledger } = await explainLayer(bytes, positive([2, 3, 1]), r, baseEntries());
    expectClose(
      relevance.data,
      Array.from({ length: 6 }, (_, i) => total(r.subarray(5 * i, 5 * i + 5))),
      1e-6,
    );
    expect(ledger[0]).toMatchObject({ rule: "pass", bias: 0, other: 0 });
  });

  test("the same weights with different groups", async () => {
    const [dims, w] = [[1, 4, 5, 5], tensor([4, 2, 3, 3], 3)];
    const x = tensor(dims, 11);
    const graph: FileGraph = {
      nodes: [
        node("Conv", ["x", "w"], "a", { group: 2 }),
        node("Slice", ["x", "i0", "i2", "i1"], "half"),
        node("Conv", ["half", "w"], "c"),
        node("Concat", ["a", "c"], "y", { axis: 1 }),
      ],
      initializers: { w, i0: { dims: [1], data: [0] }, i1: { dims: [1], data: [1] }, i2: { dims: [1], data: [2] } },
      inputs: { x: dims },
      outputs: { y: [] },
    };
    const [both, half] = [conv(dims, w, undefined, { group: 2 }), conv([1, 2, 5, 5], w, undefined)];
    const r = numbers(72, 7);
    const { output, relevance } = await explainLayer(onnx(graph), x, r, ruleOf.gradient());
    expectClose(output.data, [...apply(both, x.data), ...apply(half, x.data.subarray(0, 50))], 1e-6);
    const expected = transposed(both, r.subarray(0, 36));
    transposed(half, r.subarray(36)).forEach((v, i) => {
      expected[i] += v;
    });
    expectClose(relevance.data, expected, 1e-5);
  });

  test("a sum of three, and differences: shared by what each term adds, with its sign", async () => {
    const int = (v: number) => ({ dims: [1], data: [v] });
    const slices = [0, 2, 4].map((from, i) => node("Slice", ["x", `i${from}`, `i${from + 2}`, "i1"], `t${i}`));
    const initializers = { i0: int(0), i1: int(1), i2: int(2), i4: int(4), i6: int(6) };
    const of = (nodes: readonly FileNode[]) =>
      onnx({ nodes: [...slices, ...nodes], initializers, inputs: { x: ["n", 6, 2, 3] }, outputs: { y: [] } });
    const r = numbers(12, 7);
    const x = positive([1, 6, 2, 3]);
    const three = explain(sum([1, 2, 2, 3], [1, 1, 1]), x.data, r, epsilon).relevance;
    const added = await explainLayer(of([node("Sum", ["t0", "t1", "t2"], "y")]), x, r, baseEntries());
    expectClose(added.relevance.data, three, tolerance.norm);

    // What is taken away is negative, so that nothing cancels: t0 − t1 − t2.
    const y = { dims: x.dims, data: x.data.map((v, i) => (i < 12 ? v : -v)) };
    const d = y.data.subarray(0, 12).map((v, i) => v - y.data[12 + i]);
    const outer = explain(sum([1, 2, 2, 3], [1, -1]), [...d, ...y.data.subarray(24)], r, epsilon).relevance;
    const inner = explain(sum([1, 2, 2, 3], [1, -1]), y.data.subarray(0, 24), outer.subarray(0, 12), epsilon).relevance;
    const taken = await explainLayer(
      of([node("Sub", ["t0", "t1"], "d"), node("Sub", ["d", "t2"], "y")]),
      y,
      r,
      baseEntries(),
    );
    expectClose(taken.relevance.data, [...inner, ...outer.subarray(12)], tolerance.norm);
  });
});

describe("shapes between the layers", () => {
  test("channels last and channels first meet: convolution, transposition, flattening, dense", async () => {
    const dims = [2, 3, 4, 5];
    const [w, fc] = [upward([4, 3, 2, 2], 3), upward([3, 48], 4)];
    const map = conv(dims, w, undefined);
    const head = denseMap(2, fc);
    const x = positive(dims);
    const h = apply(map, x.data).map((v) => Math.max(v, 0));
    // As [n, h, w, c], then one row.
    const turn = (i: number) => {
      const [n, rest] = [Math.floor(i / 48), i % 48];
      const [p, c] = [Math.floor(rest / 4), rest % 4];
      return n * 48 + c * 12 + p;
    };
    const turned = h.map((_, i) => h[turn(i)]);
    const r = numbers(6, 7, 0.5, 1);
    const toTurned = explain(head, turned, r, epsilon).relevance;
    const toH = new Float64Array(96);
    toTurned.forEach((v, i) => {
      toH[turn(i)] = v;
    });
    const bytes = onnx({
      nodes: [
        node("Conv", ["x", "w"], "a"),
        node("Relu", ["a"], "p"),
        node("Transpose", ["p"], "t", { perm: [0, 2, 3, 1] }),
        node("Flatten", ["t"], "f"),
        node("Gemm", ["f", "fc"], "y", { transB: 1 }),
      ],
      initializers: { w, fc },
      inputs: { x: ["n", 3, 4, 5] },
      outputs: { y: [] },
    });
    const { relevance } = await explainLayer(bytes, x, r, weighted(ruleOf.epsilon()));
    expectClose(relevance.data, explain(map, x.data, toH, epsilon).relevance, tolerance.epsilon);
    // The same layers in code, without the transposition.
    const plain = await explainLayer(
      network(dims, conv2d({ weight: w }), relu(), flatten(), dense({ weight: fc })),
      x,
      r,
      weighted(ruleOf.epsilon()),
    );
    expectClose(
      plain.relevance.data,
      explain(map, x.data, explain(head, h, r, epsilon).relevance, epsilon).relevance,
      tolerance.epsilon,
    );
  });
});
