import { describe, expect, test } from "vitest";
import { baseEntries, batchNormalization, type Composite, conv2d, dense, flatten, type Layer, type LinearRule, relu, ruleOf, type Tensor } from "../../src/index.ts";
import { type Binary, binaries, loadFor } from "../binaries.ts";
import { expectClose, magnitude, total } from "../close.ts";
import { explainFrom, explainLayer, network } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { chain, type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { batchNormAffine } from "../reference/layers.ts";
import { apply, average, conv, count, dense as denseMap, type Dims, type LinearMap, sum, transposed } from "../reference/linear.ts";
import { alphaBeta, epsilon, explain, gamma, type NeuronRule } from "../reference/rules.ts";

/*
 * Relevance where a graph branches and joins, and what becomes of BatchNormalization; against the definitions, layer by layer.
 */

const node = (type: string, inputs: readonly string[], output: string, attributes: FileNode["attributes"] = {}): FileNode => ({ type, inputs, outputs: [output], attributes });
const weighted = (rule: LinearRule): Composite => [{ type: ["convolution", "dense"], rule }, ...baseEntries()];
const rules: readonly (readonly [string, LinearRule, NeuronRule, number])[] = [
  ["epsilon", ruleOf.epsilon(), epsilon, tolerance.epsilon], ["zPlus", ruleOf.zPlus(), alphaBeta(1, 0), tolerance.norm], ["gamma", ruleOf.gamma(), gamma(0.25), tolerance.norm],
];

const plus = (...parts: readonly ArrayLike<number>[]) => Float64Array.from(parts[0], (_, i) => parts.reduce((s, p) => s + p[i], 0));

/** Positive numbers, so that no sum of this file is a small difference of large terms; weights of either sign. */
const positive = (dims: Dims, seed = 11): Tensor => tensor(dims, seed, 0.25, 1.25);
const upward = (dims: Dims, seed: number): Tensor => tensor(dims, seed, -0.25, 1);

describe.each(binaries())("branches (%s)", (binary) => {
  describe.each(rules)("%s", (_name, rule, literal, off) => {
    const dims = [2, 3, 4, 5];
    const x = positive(dims);
    const [w, b] = [upward([3, 3, 3, 3], 3), tensor([3], 5)];
    const map = conv(dims, w, b.data, { pads: [1, 1, 1, 1] });
    const run = (graph: FileGraph, r: ArrayLike<number>, at: readonly string[] = []) => loadFor(binary, onnx(graph)).then((m) => explainFrom(m, x, r, { composite: weighted(rule), at }));

    test("a skip connection: the sum is shared by what its terms add, the branches add up at x", async () => {
      const graph: FileGraph = {
        nodes: [node("Conv", ["x", "w", "b"], "a", { pads: [1, 1, 1, 1] }), node("Add", ["a", "x"], "y")],
        initializers: { w, b }, inputs: { x: ["n", 3, 4, 5] }, outputs: { y: [] },
      };
      const r = numbers(count(dims), 7);
      const shares = explain(sum(dims, [1, 1]), [...apply(map, x.data), ...x.data], r, epsilon).relevance;
      const [toA, toX] = [shares.subarray(0, r.length), shares.subarray(r.length)];
      const { relevance, at } = await run(graph, r, ["a", "x"]);
      expectClose(at.a.data, toA, off);
      const expected = plus(explain(map, x.data, toA, literal).relevance, toX);
      expectClose(relevance.data, expected, off);
      expect(at.x.data).toEqual(relevance.data);
    });

    test("a concatenation: every part gets its slice", async () => {
      const graph: FileGraph = {
        nodes: [
          node("Conv", ["x", "w", "b"], "a", { pads: [1, 1, 1, 1] }), node("Relu", ["a"], "p"), node("Concat", ["p", "x", "p"], "y", { axis: 1 }),
        ],
        initializers: { w, b }, inputs: { x: ["n", 3, 4, 5] }, outputs: { y: [] },
      };
      const r = numbers(2 * 9 * 20, 7);
      const part = (k: number) => Float64Array.from({ length: 120 }, (_, i) => r[Math.floor(i / 60) * 180 + k * 60 + (i % 60)]);
      const { relevance, at } = await run(graph, r, ["p"]);
      expectClose(at.p.data, plus(part(0), part(2)), 1e-6);
      expectClose(relevance.data, plus(explain(map, x.data, plus(part(0), part(2)), literal).relevance, part(1)), off);
    });

    test("a value used twice: the relevances add up", async () => {
      const [w1, w2] = [upward([4, 3], 3), upward([4, 3], 4)];
      const [one, two] = [denseMap(2, w1), denseMap(2, w2)];
      const graph: FileGraph = {
        nodes: [
          node("GlobalAveragePool", ["x"], "g"), node("Flatten", ["g"], "h"), node("Gemm", ["h", "w1"], "p", { transB: 1 }), node("Gemm", ["h", "w2"], "q", { transB: 1 }), node("Sum", ["p", "q"], "y"),
        ],
        initializers: { w1, w2 }, inputs: { x: ["n", 3, 4, 5] }, outputs: { y: [] },
      };
      const r = numbers(8, 7);
      const h = Array.from({ length: 6 }, (_, i) => total(x.data.subarray(i * 20, i * 20 + 20)) / 20);
      const shares = explain(sum([2, 4], [1, 1]), [...apply(one, h), ...apply(two, h)], r, epsilon).relevance;
      const expected = plus(explain(one, h, shares.subarray(0, 8), literal).relevance, explain(two, h, shares.subarray(8), literal).relevance);
      expectClose((await run(graph, r, ["h"])).at.h.data, expected, off);
    });

    test("the same weights in two layers of different stride", async () => {
      const graph: FileGraph = {
        nodes: [
          node("Conv", ["x", "w", "b"], "a", { strides: [2, 2], pads: [1, 1, 1, 1] }), node("Conv", ["x", "w", "b"], "c", { pads: [1, 1, 1, 1] }),
          node("Conv", ["x", "w", "b"], "d", { strides: [2, 2], pads: [0, 0, 1, 1] }), node("Conv", ["x", "w", "b"], "e", { dilations: [1, 2] }),
          node("Flatten", ["a"], "a1"), node("Flatten", ["c"], "c1"), node("Flatten", ["d"], "d1"), node("Flatten", ["e"], "e1"), node("Concat", ["a1", "c1", "d1", "e1"], "y", { axis: 1 }),
        ],
        initializers: { w, b }, inputs: { x: ["n", 3, 4, 5] }, outputs: { y: [] },
      };
      const maps = [
        conv(dims, w, b.data, { strides: [2, 2], pads: [1, 1, 1, 1] }), map, conv(dims, w, b.data, { strides: [2, 2], pads: [0, 0, 1, 1] }), conv(dims, w, b.data, { dilations: [1, 2] }),
      ];
      const lengths = maps.map((m) => m.connections.length / 2);
      const row = total(lengths);
      const r = numbers(2 * row, 7);
      const parts = maps.map((m, k) => {
        const first = total(lengths.slice(0, k));
        return explain(m, x.data, Float64Array.from({ length: 2 * lengths[k] }, (_, i) => r[Math.floor(i / lengths[k]) * row + first + (i % lengths[k])]), literal).relevance;
      });
      const { relevance, output } = await run(graph, r);
      expectClose(output.data.subarray(0, row), maps.flatMap((m, k) => [...apply(m, x.data).subarray(0, lengths[k])]), 1e-6);
      expectClose(relevance.data, plus(...parts), off);
    });
  });

  test("terms of different shapes: what is repeated gets the sum of its shares", async () => {
    const x = positive([2, 3, 4, 5]);
    const bytes = onnx({ nodes: [node("GlobalAveragePool", ["x"], "g"), node("Add", ["g", "x"], "y")], inputs: { x: ["n", 3, 4, 5] }, outputs: { y: [] } });
    const r = numbers(120, 7);
    const mean = Array.from({ length: 6 }, (_, i) => total(x.data.subarray(20 * i, 20 * i + 20)) / 20);
    const toMean = new Float64Array(6);
    const expected = Float64Array.from(r, (v, i) => {
      const z = mean[Math.floor(i / 20)] + x.data[i] + 1e-6;
      toMean[Math.floor(i / 20)] += (mean[Math.floor(i / 20)] / z) * v;
      return (x.data[i] / z) * v;
    });
    const map = average([2, 3, 4, 5], { kernel: [4, 5] });
    explain(map, x.data, toMean, epsilon).relevance.forEach((v, i) => { expected[i] += v; });
    const { relevance, at } = await loadFor(binary, bytes).then((m) => explainFrom(m, x, r, { composite: baseEntries(), at: ["g"] }));
    expectClose(at.g.data, toMean, tolerance.norm);
    expectClose(relevance.data, expected, tolerance.norm);
  });

  test("a scale that repeats a value passes the sum", async () => {
    const scale = tensor([1, 5], 3, 1, 2);
    const bytes = onnx({ nodes: [node("Mul", ["x", "scale"], "y")], initializers: { scale }, inputs: { x: ["n", 3, 1] }, outputs: { y: [] } });
    const r = numbers(30, 7);
    const { relevance, ledger } = await explainLayer(binary, bytes, positive([2, 3, 1]), r, baseEntries());
    expectClose(relevance.data, Array.from({ length: 6 }, (_, i) => total(r.subarray(5 * i, 5 * i + 5))), 1e-6);
    expect(ledger[0]).toMatchObject({ rule: "pass", bias: 0, other: 0 });
  });

  test("the same weights with different groups", async () => {
    const [dims, w] = [[1, 4, 5, 5], tensor([4, 2, 3, 3], 3)];
    const x = tensor(dims, 11);
    const graph: FileGraph = {
      nodes: [
        node("Conv", ["x", "w"], "a", { group: 2 }), node("Slice", ["x", "i0", "i2", "i1"], "half"), node("Conv", ["half", "w"], "c"), node("Concat", ["a", "c"], "y", { axis: 1 }),
      ],
      initializers: { w, i0: { dims: [1], data: [0] }, i1: { dims: [1], data: [1] }, i2: { dims: [1], data: [2] } }, inputs: { x: dims }, outputs: { y: [] },
    };
    const [both, half] = [conv(dims, w, undefined, { group: 2 }), conv([1, 2, 5, 5], w, undefined)];
    const r = numbers(72, 7);
    const { output, relevance } = await explainLayer(binary, onnx(graph), x, r, ruleOf.gradient());
    expectClose(output.data, [...apply(both, x.data), ...apply(half, x.data.subarray(0, 50))], 1e-6);
    const expected = transposed(both, r.subarray(0, 36));
    transposed(half, r.subarray(36)).forEach((v, i) => { expected[i] += v; });
    expectClose(relevance.data, expected, 1e-5);
  });

  test("a mean, a sum of three, a difference: shared by what each term adds, with its sign", async () => {
    const x = positive([1, 6, 2, 3]);
    const int = (v: number) => ({ dims: [1], data: [v] });
    const slices = [0, 2, 4].map((from, i) => node("Slice", ["x", `i${from}`, `i${from + 2}`, "i1"], `t${i}`));
    const initializers = { i0: int(0), i1: int(1), i2: int(2), i4: int(4), i6: int(6) };
    const parts = [0, 1, 2].flatMap((t) => [...x.data.subarray(t * 12, t * 12 + 12)]);
    const r = numbers(12, 7);
    const cases: readonly [string, FileNode[], number[]][] = [
      ["Sum", [node("Sum", ["t0", "t1", "t2"], "y")], [1, 1, 1]],
      ["Sub", [node("Sub", ["t0", "t1"], "d"), node("Sub", ["d", "t2"], "y")], [1, -1, -1]],
    ];
    const literal = (type: string, signs: readonly number[]) => {
      if (type === "Sum") return explain(sum([1, 2, 2, 3], signs), parts, r, epsilon).relevance;
      const d = parts.slice(0, 12).map((v, i) => v - parts[12 + i]);
      const outer = explain(sum([1, 2, 2, 3], [1, -1]), [...d, ...parts.slice(24)], r, epsilon).relevance;
      return [...explain(sum([1, 2, 2, 3], [1, -1]), parts.slice(0, 24), outer.subarray(0, 12), epsilon).relevance, ...outer.subarray(12)];
    };
    for (const [type, nodes, signs] of cases) {
      const { relevance } = await explainLayer(binary, onnx({ nodes: [...slices, ...nodes], initializers, inputs: { x: ["n", 6, 2, 3] }, outputs: { y: [] } }), x, r, baseEntries());
      expectClose(relevance.data, literal(type, signs), 1e-4);
    }
  });
});

/** A BatchNormalization whose scale has either sign. */
function normalization(channels: number) {
  const p = { scale: tensor([channels], 21, -0.5, 2), shift: tensor([channels], 22), mean: tensor([channels], 23), variance: tensor([channels], 24, 0.2, 2), epsilon: 1e-3 };
  return { layer: batchNormalization(p), ...batchNormAffine({ scale: p.scale.data, shift: p.shift.data, mean: p.mean.data, variance: p.variance.data, epsilon: p.epsilon }) };
}

describe.each(binaries())("BatchNormalization (%s)", (binary) => {
  /** Outputs scaled and shifted: W' = s W, b' = s b + t. Inputs: W' = W s, b' = b + W t. */
  const scaled = (map: LinearMap, channelOfOutput: (j: number) => number, s: readonly number[], t: readonly number[]): LinearMap => ({
    ...map,
    connections: map.connections.map((list, j) => list.map(({ i, w }) => ({ i, w: w * s[channelOfOutput(j)] }))),
    bias: map.bias.map((b, j) => b * s[channelOfOutput(j)] + t[channelOfOutput(j)]),
  });
  const fed = (map: LinearMap, channelOfInput: (i: number) => number, s: readonly number[], t: readonly number[]): LinearMap => ({
    ...map,
    connections: map.connections.map((list) => list.map(({ i, w }) => ({ i, w: w * s[channelOfInput(i)] }))),
    bias: map.bias.map((b, j) => map.connections[j].reduce((z, { i, w }) => z + w * t[channelOfInput(i)], b)),
  });
  const channel = (dims: Dims) => (i: number) => Math.floor(i / count(dims.slice(2))) % dims[1];

  interface Case { readonly name: string; readonly dims: Dims; readonly layers: readonly Layer[]; readonly map: LinearMap }

  const image = [2, 3, 5, 4];
  const [w, b, grouped, fc] = [tensor([4, 3, 3, 2], 3), tensor([4], 5), tensor([6, 1, 2, 2], 4), tensor([5, 3], 6)];
  const padded = { pads: [1, 1, 1, 1] as const };
  const [n3, n4, n5, n6] = [3, 4, 5, 6].map(normalization);
  const cases: readonly Case[] = [
    { name: "after a convolution", dims: image, layers: [conv2d({ weight: w, bias: b, ...padded }), n4.layer], map: scaled(conv(image, w, b.data, padded), channel([2, 4, 5, 5]), n4.factor, n4.offset) },
    { name: "after a convolution without bias", dims: image, layers: [conv2d({ weight: w }), n4.layer], map: scaled(conv(image, w, undefined), channel([2, 4, 3, 3]), n4.factor, n4.offset) },
    { name: "after a depthwise convolution", dims: image, layers: [conv2d({ weight: grouped, group: 3 }), n6.layer], map: scaled(conv(image, grouped, undefined, { group: 3 }), channel([2, 6, 4, 3]), n6.factor, n6.offset) },
    { name: "before a convolution", dims: image, layers: [n3.layer, conv2d({ weight: w, bias: b })], map: fed(conv(image, w, b.data), channel(image), n3.factor, n3.offset) },
    { name: "before a convolution in groups", dims: image, layers: [n3.layer, conv2d({ weight: grouped, group: 3, strides: 2 })], map: fed(conv(image, grouped, undefined, { group: 3, strides: [2, 2] }), channel(image), n3.factor, n3.offset) },
    { name: "after a dense layer", dims: [3, 3], layers: [dense({ weight: fc, bias: tensor([5], 7) }), n5.layer], map: scaled(denseMap(3, fc, tensor([5], 7).data), (j) => j % 5, n5.factor, n5.offset) },
    { name: "before a dense layer", dims: [3, 3], layers: [n3.layer, dense({ weight: fc })], map: fed(denseMap(3, fc), (i) => i % 3, n3.factor, n3.offset) },
    { name: "on both sides", dims: [3, 3], layers: [n3.layer, dense({ weight: fc }), n5.layer], map: scaled(fed(denseMap(3, fc), (i) => i % 3, n3.factor, n3.offset), (j) => j % 5, n5.factor, n5.offset) },
  ];

  test.each(cases)("$name: folded, and explained as one layer", async ({ dims, layers, map }) => {
    const x = tensor(dims, 11);
    const z = apply(map, x.data);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    for (const [, rule, literal, off] of rules) {
      const { output, relevance, ledger, notes } = await explainLayer(binary, network(dims, ...layers), x, r, weighted(rule));
      expectClose(output.data, z, 3e-6);
      const expected = explain(map, x.data, r, literal);
      expectClose(relevance.data, expected.relevance, off);
      expect(ledger).toHaveLength(1);
      expectClose([ledger[0].bias, ledger[0].stabilizer], [expected.bias, expected.stabilizer], off, magnitude(r) + magnitude(expected.relevance));
      expect(notes).toEqual([]);
    }
  });

  test("in files, and whatever nobody reads twice: convolution, BatchNormalization, ReLU, BatchNormalization, convolution", async () => {
    const [one, two] = [normalization(4), normalization(4)];
    const last = tensor([5, 4, 2, 2], 8);
    const epsilon = { float: 1e-3 };
    const file = chain(["n", 3, 5, 4], [
      { type: "Conv", attributes: { pads: [1, 1, 1, 1] }, parameters: [w, b] }, { type: "BatchNormalization", attributes: { epsilon }, parameters: one.layer.parameters }, { type: "Relu" },
      { type: "BatchNormalization", attributes: { epsilon }, parameters: two.layer.parameters }, { type: "Conv", parameters: [last] },
    ]);
    const first = scaled(conv(image, w, b.data, padded), channel([2, 4, 5, 5]), one.factor, one.offset);
    const second = fed(conv([2, 4, 5, 5], last, undefined), channel([2, 4, 5, 5]), two.factor, two.offset);
    const x = tensor(image, 11);
    const h = apply(first, x.data).map((v) => Math.max(0, v));
    const r = numbers(second.connections.length, 7);
    const { output, relevance, rules: given } = await explainLayer(binary, file, x, r, weighted(ruleOf.zPlus()));
    expectClose(output.data, apply(second, h), 3e-6);
    expectClose(relevance.data, explain(first, x.data, explain(second, h, r, alphaBeta(1, 0)).relevance, alphaBeta(1, 0)).relevance, 3e-5);
    expect(given.map((g) => g.type)).toEqual(["Conv", "Relu", "Conv"]);
  });

  test("inspect tells what was folded", async () => {
    using model = await loadFor(binary, network(image, conv2d({ name: "c", weight: w }), batchNormalization({ name: "bn", scale: b, shift: b, mean: b, variance: tensor([4], 1, 1, 2) })));
    const [only, ...rest] = model.inspect().nodes;
    expect(rest).toEqual([]);
    expect(only).toMatchObject({ node: "c", type: "Conv", note: "BatchNormalization 'bn' folded in" });
  });

  // In the padding the normalized value is 0, not the shift: no bias is the same everywhere.
  test("before a padded convolution: passes, and a note says so", async () => {
    const { layer, factor, offset } = normalization(3);
    const x = tensor(image, 11);
    const y = Float64Array.from(x.data, (v, i) => factor[channel(image)(i)] * v + offset[channel(image)(i)]);
    const map = conv(image, w, b.data, padded);
    const z = apply(map, y);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    for (const [, rule, literal, off] of rules) {
      const { output, relevance, rules: given, notes } = await explainLayer(binary, network(image, layer, conv2d({ weight: w, bias: b, pads: 1 })), x, r, weighted(rule));
      expectClose(output.data, z, 3e-6);
      expectClose(relevance.data, explain(map, y, r, literal).relevance, off);
      expect(given.map((g) => g.rule)).toEqual(["pass", rule.name]);
      expect(notes.join()).toContain("(BatchNormalization) has no linear neighbour to be folded into");
    }
  });

  test("BatchNormalization, ReLU, convolution: passes, and a note says so", async () => {
    const { layer, factor, offset } = normalization(3);
    const x = tensor(image, 11);
    const y = Float64Array.from(x.data, (v, i) => Math.max(0, factor[channel(image)(i)] * v + offset[channel(image)(i)]));
    const map = conv(image, w, b.data);
    const z = apply(map, y);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    const file = chain(["n", 3, 5, 4], [
      { type: "BatchNormalization", attributes: { epsilon: { float: 1e-3 } }, parameters: layer.parameters }, { type: "Relu" }, { type: "Conv", parameters: [w, b] },
    ]);
    for (const source of [network(image, layer, relu(), conv2d({ weight: w, bias: b })), file]) {
      const { relevance, rules: given, notes } = await explainLayer(binary, source, x, r, weighted(ruleOf.zPlus()));
      expectClose(relevance.data, explain(map, y, r, alphaBeta(1, 0)).relevance, tolerance.plain);
      expect(given.map((g) => [g.type, g.rule])).toEqual([["BatchNormalization", "pass"], ["Relu", "pass"], ["Conv", "zPlus"]]);
      expect(notes).toHaveLength(1);
      expect(notes[0]).toContain("(BatchNormalization) has no linear neighbour");
    }
  });

  test("a convolution whose output another layer reads too is left alone", async () => {
    const { layer: _, factor, offset } = normalization(4);
    const [s, t] = [factor, offset].map((v) => ({ dims: [4], data: Float32Array.from(v) }));
    const zeros = { dims: [4], data: new Float32Array(4) };
    const ones = { dims: [4], data: new Float32Array(4).fill(1) };
    const bytes = onnx({
      nodes: [node("Conv", ["x", "w", "b"], "a"), node("BatchNormalization", ["a", "s", "t", "zeros", "ones"], "n", { epsilon: { float: 0 } }), node("Concat", ["a", "n"], "y", { axis: 1 })],
      initializers: { w, b, s, t, zeros, ones }, inputs: { x: image }, outputs: { y: [] },
    });
    const x = tensor(image, 11);
    const map = conv(image, w, b.data);
    const z = apply(map, x.data);
    const r = numbers(2 * z.length, 7);
    const sample = z.length / 2;
    const toA = Float64Array.from(z, (v, j) => (Math.abs(v) > 0.1 ? r[Math.floor(j / sample) * 2 * sample + (j % sample)] + r[Math.floor(j / sample) * 2 * sample + sample + (j % sample)] : 0));
    const kept = r.map((v, i) => (toA[Math.floor(i / (2 * sample)) * sample + (i % sample)] === 0 ? 0 : v));
    const { relevance, output } = await explainLayer(binary, bytes, x, kept, weighted(ruleOf.epsilon()));
    expectClose(output.data.subarray(sample, 2 * sample), z.slice(0, sample).map((v, j) => s.data[channel([2, 4, 3, 3])(j)] * v + t.data[channel([2, 4, 3, 3])(j)]), 3e-6);
    expectClose(relevance.data, explain(map, x.data, toA, epsilon).relevance, tolerance.epsilon);
  });

  test("scaling by constants is folded as well", async () => {
    const perChannel = tensor([4, 1, 1], 31, 0.5, 2);
    const shift = tensor([1, 4, 1, 1], 32);
    const bytes = onnx({
      nodes: [node("Div", ["x", "half"], "d"), node("Conv", ["d", "w", "b"], "a"), node("Mul", ["scale", "a"], "m"), node("Sub", ["m", "shift"], "y")],
      initializers: { w, b, scale: perChannel, shift, half: { dims: [], data: Float32Array.of(0.5) } }, inputs: { x: image }, outputs: { y: [] },
    });
    using model = await loadFor(binary, bytes);
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Conv"]);
    const x = tensor(image, 11);
    const doubled = fed(conv(image, w, b.data), () => 0, [2], [0]);
    const map = scaled(doubled, channel([2, 4, 3, 3]), [...perChannel.data], [...shift.data].map((v) => -v));
    const r = apply(map, x.data).map((v) => (Math.abs(v) > 0.1 ? 1 : 0));
    expectClose(explainFrom(model, x, r, { composite: weighted(ruleOf.epsilon()) }).relevance.data, explain(map, x.data, r, epsilon).relevance, tolerance.epsilon);
  });
});

describe.each<Binary>(binaries())("shapes between the layers (%s)", (binary) => {
  test("channels last and channels first meet: convolution, transposition, flattening, dense", async () => {
    const dims = [2, 3, 4, 5];
    const [w, fc] = [upward([4, 3, 2, 2], 3), upward([3, 48], 4)];
    const map = conv(dims, w, undefined);
    const head = denseMap(2, fc);
    const x = positive(dims);
    const h = apply(map, x.data).map((v) => Math.max(v, 0));
    // As [n, h, w, c], then one row.
    const turn = (i: number) => { const [n, rest] = [Math.floor(i / 48), i % 48]; const [p, c] = [Math.floor(rest / 4), rest % 4]; return n * 48 + c * 12 + p; };
    const turned = h.map((_, i) => h[turn(i)]);
    const r = numbers(6, 7, 0.5, 1);
    const toTurned = explain(head, turned, r, epsilon).relevance;
    const toH = new Float64Array(96);
    toTurned.forEach((v, i) => { toH[turn(i)] = v; });
    const bytes = onnx({
      nodes: [
        node("Conv", ["x", "w"], "a"), node("Relu", ["a"], "p"), node("Transpose", ["p"], "t", { perm: [0, 2, 3, 1] }), node("Flatten", ["t"], "f"), node("Gemm", ["f", "fc"], "y", { transB: 1 }),
      ],
      initializers: { w, fc }, inputs: { x: ["n", 3, 4, 5] }, outputs: { y: [] },
    });
    const { relevance } = await explainLayer(binary, bytes, x, r, weighted(ruleOf.epsilon()));
    expectClose(relevance.data, explain(map, x.data, toH, epsilon).relevance, tolerance.epsilon);
    // The same layers in code, without the transposition.
    const plain = await explainLayer(binary, network(dims, conv2d({ weight: w }), relu(), flatten(), dense({ weight: fc })), x, r, weighted(ruleOf.epsilon()));
    expectClose(plain.relevance.data, explain(map, x.data, explain(head, h, r, epsilon).relevance, epsilon).relevance, tolerance.epsilon);
  });
});
