import { describe, expect, test } from "vitest";
import { batchNormalization, conv2d, dense, type Layer, relu, ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, magnitude } from "../close.ts";
import { explainFrom, explainLayer, network } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { batchNormAffine } from "../reference/layers.ts";
import { apply, conv, count, dense as denseMap, type Dims, fed, type LinearMap, scaled } from "../reference/linear.ts";
import { alphaBeta, epsilon, explain } from "../reference/rules.ts";
import { node, rules, weighted } from "./cases.ts";

/*
 * BatchNormalization and other scalings: folded into the layer beside them and explained with it, or passed.
 */

/** A BatchNormalization whose scale has either sign. */
function normalization(channels: number) {
  const p = {
    scale: tensor([channels], 21, -0.5, 2),
    shift: tensor([channels], 22),
    mean: tensor([channels], 23),
    variance: tensor([channels], 24, 0.2, 2),
    epsilon: 1e-3,
  };
  return {
    layer: batchNormalization(p),
    ...batchNormAffine({
      scale: p.scale.data,
      shift: p.shift.data,
      mean: p.mean.data,
      variance: p.variance.data,
      epsilon: p.epsilon,
    }),
  };
}

describe("BatchNormalization", () => {
  const channel = (dims: Dims) => (i: number) => Math.floor(i / count(dims.slice(2))) % dims[1];

  interface Case {
    readonly name: string;
    readonly dims: Dims;
    readonly layers: readonly Layer[];
    readonly map: LinearMap;
  }

  const image = [2, 3, 5, 4];
  const [w, b, grouped, fc] = [tensor([4, 3, 3, 2], 3), tensor([4], 5), tensor([6, 1, 2, 2], 4), tensor([5, 3], 6)];
  const padded = { pads: [1, 1, 1, 1] as const };
  const [n3, n4, n5, n6] = [3, 4, 5, 6].map(normalization);
  const cases: readonly Case[] = [
    {
      name: "after a convolution",
      dims: image,
      layers: [conv2d({ weight: w, bias: b, ...padded }), n4.layer],
      map: scaled(conv(image, w, b.data, padded), channel([2, 4, 5, 5]), n4.factor, n4.offset),
    },
    {
      name: "after a convolution without bias",
      dims: image,
      layers: [conv2d({ weight: w }), n4.layer],
      map: scaled(conv(image, w, undefined), channel([2, 4, 3, 3]), n4.factor, n4.offset),
    },
    {
      name: "after a depthwise convolution",
      dims: image,
      layers: [conv2d({ weight: grouped, group: 3 }), n6.layer],
      map: scaled(conv(image, grouped, undefined, { group: 3 }), channel([2, 6, 4, 3]), n6.factor, n6.offset),
    },
    {
      name: "before a convolution",
      dims: image,
      layers: [relu(), n3.layer, conv2d({ weight: w, bias: b })],
      map: fed(conv(image, w, b.data), channel(image), n3.factor, n3.offset),
    },
    {
      name: "before a convolution in groups",
      dims: image,
      layers: [relu(), n3.layer, conv2d({ weight: grouped, group: 3, strides: 2 })],
      map: fed(conv(image, grouped, undefined, { group: 3, strides: [2, 2] }), channel(image), n3.factor, n3.offset),
    },
    {
      name: "after a dense layer",
      dims: [3, 3],
      layers: [dense({ weight: fc, bias: tensor([5], 7) }), n5.layer],
      map: scaled(denseMap(3, fc, tensor([5], 7).data), (j) => j % 5, n5.factor, n5.offset),
    },
    {
      name: "before a dense layer",
      dims: [3, 3],
      layers: [relu(), n3.layer, dense({ weight: fc })],
      map: fed(denseMap(3, fc), (i) => i % 3, n3.factor, n3.offset),
    },
    {
      name: "on both sides",
      dims: [3, 3],
      layers: [relu(), n3.layer, dense({ weight: fc }), n5.layer],
      map: scaled(
        fed(denseMap(3, fc), (i) => i % 3, n3.factor, n3.offset),
        (j) => j % 5,
        n5.factor,
        n5.offset,
      ),
    },
  ];

  test.each(cases)("$name: folded, and explained as one layer", async ({ dims, layers, map }) => {
    const x = tensor(dims, 11);
    // Before the first layer it would be a change of the input's units.
    const h = layers[0].type === "Relu" ? x.data.map((v) => Math.max(0, v)) : x.data;
    const z = apply(map, h);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    for (const [, rule, literal, off] of rules) {
      const { output, relevance, ledger, notes } = await explainLayer(network(dims, ...layers), x, r, weighted(rule));
      expectClose(output.data, z, 3e-6);
      const expected = explain(map, h, r, literal);
      expectClose(relevance.data, expected.relevance, off);
      expect(ledger.map(({ type }) => type).filter((type) => type !== "Relu")).toHaveLength(1);
      expectClose(
        [ledger[0].bias, ledger[0].stabilizer],
        [expected.bias, expected.stabilizer],
        off,
        magnitude(r) + magnitude(expected.relevance),
      );
      expect(notes).toEqual([]);
    }
  });

  test(
    "in files, and whatever nobody reads twice: convolution, BatchNormalization, ReLU, BatchNormalization, " +
      "convolution",
    async () => {
      const [one, two] = [normalization(4), normalization(4)];
      const last = tensor([5, 4, 2, 2], 8);
      const epsilon = { float: 1e-3 };
      const file = chain(
        ["n", 3, 5, 4],
        [
          { type: "Conv", attributes: { pads: [1, 1, 1, 1] }, parameters: [w, b] },
          { type: "BatchNormalization", attributes: { epsilon }, parameters: one.layer.parameters },
          { type: "Relu" },
          { type: "BatchNormalization", attributes: { epsilon }, parameters: two.layer.parameters },
          { type: "Conv", parameters: [last] },
        ],
      );
      const first = scaled(conv(image, w, b.data, padded), channel([2, 4, 5, 5]), one.factor, one.offset);
      const second = fed(conv([2, 4, 5, 5], last, undefined), channel([2, 4, 5, 5]), two.factor, two.offset);
      const x = tensor(image, 11);
      const h = apply(first, x.data).map((v) => Math.max(0, v));
      const r = numbers(second.connections.length, 7);
      const { output, relevance, rules: given } = await explainLayer(file, x, r, weighted(ruleOf.zPlus()));
      expectClose(output.data, apply(second, h), 3e-6);
      expectClose(
        relevance.data,
        explain(first, x.data, explain(second, h, r, alphaBeta(1, 0)).relevance, alphaBeta(1, 0)).relevance,
        tolerance.plain,
      );
      expect(given.map((g) => g.type)).toEqual(["Conv", "Relu", "Conv"]);
    },
  );

  test("inspect tells what was folded", async () => {
    using model = await loadInMode(
      network(
        image,
        conv2d({ name: "c", weight: w }),
        batchNormalization({ name: "bn", scale: b, shift: b, mean: b, variance: tensor([4], 1, 1, 2) }),
      ),
    );
    const [only, ...rest] = model.inspect().nodes;
    expect(rest).toEqual([]);
    expect(only).toMatchObject({ node: "c", type: "Conv", note: "BatchNormalization 'bn' folded in" });
  });

  test.each([0, 1])("beside a Gemm with factors of its own, transB %i", async (transB) => {
    const weight = tensor(transB === 1 ? [4, 3] : [3, 4], 31);
    const bias = tensor([4], 32);
    const gemm = {
      type: "Gemm",
      attributes: { transB, alpha: { float: 0.5 }, beta: { float: 3 } },
      parameters: [weight, bias],
    };
    const rows = Float32Array.from(
      { length: 12 },
      (_, i) => 0.5 * weight.data[transB === 1 ? i : (i % 3) * 4 + Math.floor(i / 3)],
    );
    const own = denseMap(
      3,
      { dims: [4, 3], data: rows },
      bias.data.map((v) => 3 * v),
    );
    const statistics = (n: ReturnType<typeof normalization>) => ({
      type: "BatchNormalization",
      attributes: { epsilon: { float: 1e-3 } },
      parameters: n.layer.parameters,
    });
    for (const [nodes, map] of [
      [[gemm, statistics(n4)], scaled(own, (j) => j % 4, n4.factor, n4.offset)],
      [[{ type: "Relu" }, statistics(n3), gemm], fed(own, (i) => i % 3, n3.factor, n3.offset)],
    ] as const) {
      const x = tensor([3, 3], 11);
      const h = nodes.length === 3 ? x.data.map((v) => Math.max(0, v)) : x.data;
      const {
        output,
        relevance,
        rules: given,
      } = await explainLayer(chain(["n", 3], nodes), x, numbers(12, 7), weighted(ruleOf.zPlus()));
      expect(given.map(({ type }) => type).filter((type) => type !== "Relu")).toEqual(["Gemm"]);
      expectClose(output.data, apply(map, h), 3e-6);
      expectClose(relevance.data, explain(map, h, numbers(12, 7), alphaBeta(1, 0)).relevance, tolerance.plain);
    }
  });

  // In the padding the normalized value is 0, not the shift: no bias is the same everywhere.
  test.each([[[1, 0, 0, 0]], [[0, 1, 0, 0]], [[0, 0, 1, 0]], [[0, 0, 0, 1]]])(
    "not before one that is padded by %j",
    async (pads) => {
      const { layer, factor, offset } = normalization(3);
      const x = tensor(image, 11);
      const y = Float64Array.from(x.data, (v, i) => factor[channel(image)(i)] * v + offset[channel(image)(i)]);
      const file = chain(
        ["n", ...image.slice(1)],
        [
          { type: "BatchNormalization", attributes: { epsilon: { float: 1e-3 } }, parameters: layer.parameters },
          { type: "Conv", attributes: { pads }, parameters: [w, b] },
        ],
      );
      using model = await loadInMode(file);
      expectClose(model.predict(x).output.data, apply(conv(image, w, b.data, { pads }), y), 3e-6);
    },
  );

  test("before a padded convolution: passes, and a note says so", async () => {
    const { layer, factor, offset } = normalization(3);
    const x = tensor(image, 11);
    const y = Float64Array.from(
      x.data,
      (v, i) => factor[channel(image)(i)] * Math.max(0, v) + offset[channel(image)(i)],
    );
    const map = conv(image, w, b.data, padded);
    const z = apply(map, y);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    for (const [, rule, literal, off] of rules) {
      const {
        output,
        relevance,
        rules: given,
        notes,
      } = await explainLayer(
        network(image, relu(), layer, conv2d({ weight: w, bias: b, pads: 1 })),
        x,
        r,
        weighted(rule),
      );
      expectClose(output.data, z, 3e-6);
      expectClose(relevance.data, explain(map, y, r, literal).relevance, off);
      expect(given.map((g) => g.rule)).toEqual(["pass", "pass", rule.name]);
      expect(notes.join()).toContain("(BatchNormalization) has no linear neighbour to be folded into");
    }
  });

  test("BatchNormalization, ReLU, convolution: passes, and a note says so", async () => {
    const { layer, factor, offset } = normalization(3);
    const x = tensor(image, 11);
    const y = Float64Array.from(x.data, (v, i) =>
      Math.max(0, factor[channel(image)(i)] * v + offset[channel(image)(i)]),
    );
    const map = conv(image, w, b.data);
    const z = apply(map, y);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    const file = chain(
      ["n", 3, 5, 4],
      [
        { type: "BatchNormalization", attributes: { epsilon: { float: 1e-3 } }, parameters: layer.parameters },
        { type: "Relu" },
        { type: "Conv", parameters: [w, b] },
      ],
    );
    for (const source of [network(image, layer, relu(), conv2d({ weight: w, bias: b })), file]) {
      const { relevance, rules: given, notes } = await explainLayer(source, x, r, weighted(ruleOf.zPlus()));
      expectClose(relevance.data, explain(map, y, r, alphaBeta(1, 0)).relevance, tolerance.plain);
      expect(given.map((g) => [g.type, g.rule])).toEqual([
        ["BatchNormalization", "pass"],
        ["Relu", "pass"],
        ["Conv", "zPlus"],
      ]);
      expect(notes).toHaveLength(1);
      expect(notes[0]).toContain("The network normalizes its input");
    }
  });

  test("a convolution whose output another layer reads too is left alone; the shift behind it is its bias all the same", async () => {
    const { layer: _, factor, offset } = normalization(4);
    const [s, t] = [factor, offset].map((v) => ({ dims: [4], data: Float32Array.from(v) }));
    const zeros = { dims: [4], data: new Float32Array(4) };
    const ones = { dims: [4], data: new Float32Array(4).fill(1) };
    const bytes = onnx({
      nodes: [
        node("Conv", ["x", "w", "b"], "a"),
        node("BatchNormalization", ["a", "s", "t", "zeros", "ones"], "n", { epsilon: { float: 0 } }),
        node("Concat", ["a", "n"], "y", { axis: 1 }),
      ],
      initializers: { w, b, s, t, zeros, ones },
      inputs: { x: image },
      outputs: { y: [] },
    });
    const x = tensor(image, 11);
    const map = conv(image, w, b.data);
    const z = apply(map, x.data);
    const r = numbers(2 * z.length, 7);
    const sample = z.length / 2;
    const toA = Float64Array.from(z, (v, j) => {
      const [c, at] = [channel([2, 4, 3, 3])(j), Math.floor(j / sample) * 2 * sample + (j % sample)];
      const n = s.data[c] * v + t.data[c];
      return Math.abs(v) > 0.1 && Math.abs(n) > 0.1 ? r[at] + (r[at + sample] * s.data[c] * v) / n : 0;
    });
    const kept = r.map((v, i) => (toA[Math.floor(i / (2 * sample)) * sample + (i % sample)] === 0 ? 0 : v));
    const { relevance, output, rules: given } = await explainLayer(bytes, x, kept, weighted(ruleOf.epsilon()));
    expectClose(
      output.data.subarray(sample, 2 * sample),
      z.slice(0, sample).map((v, j) => s.data[channel([2, 4, 3, 3])(j)] * v + t.data[channel([2, 4, 3, 3])(j)]),
      3e-6,
    );
    expectClose(relevance.data, explain(map, x.data, toA, epsilon).relevance, tolerance.epsilon);
    expect(given.map(({ type, rule }) => `${type} ${rule}`).slice(1)).toEqual(["Mul pass", "Add norm", "Concat route"]);
  });

  test("scaling by constants is folded as well", async () => {
    const perChannel = tensor([4, 1, 1], 31, 0.5, 2);
    const shift = tensor([1, 4, 1, 1], 32);
    const bytes = onnx({
      nodes: [
        node("Relu", ["x"], "h"),
        node("Div", ["h", "half"], "d"),
        node("Conv", ["d", "w", "b"], "a"),
        node("Mul", ["scale", "a"], "m"),
        node("Sub", ["m", "shift"], "y"),
      ],
      initializers: { w, b, scale: perChannel, shift, half: { dims: [], data: Float32Array.of(0.5) } },
      inputs: { x: image },
      outputs: { y: [] },
    });
    using model = await loadInMode(bytes);
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["Relu", "Conv"]);
    const x = tensor(image, 11);
    const h = x.data.map((v) => Math.max(0, v));
    const doubled = fed(conv(image, w, b.data), () => 0, [2], [0]);
    const map = scaled(
      doubled,
      channel([2, 4, 3, 3]),
      [...perChannel.data],
      [...shift.data].map((v) => -v),
    );
    const r = apply(map, h).map((v) => (Math.abs(v) > 0.1 ? 1 : 0));
    expectClose(
      explainFrom(model, x, r, { composite: weighted(ruleOf.epsilon()) }).relevance.data,
      explain(map, h, r, epsilon).relevance,
      tolerance.epsilon,
    );
  });
});
