import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  batchNormalization,
  type Builder,
  clip,
  conv2d,
  dense,
  flatten,
  globalAveragePool,
  type Handle,
  type Input,
  lrn,
  maxPool2d,
  network,
  type Network,
  op,
  relu,
  type Tensor,
} from "../../src/entries/index.ts";
import { ops } from "../../src/ops/index.ts";
import { magnitude } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { samples } from "../properties/networks.ts";
import { tensor } from "../random.ts";
import { described } from "./from-file.ts";

const node = (
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: FileNode["attributes"] = {},
): FileNode => ({
  type,
  inputs,
  outputs: [output],
  attributes,
});

/**
 * Both give the same bits, whatever is asked for; where nodes are called alike, all that is said of them is the same
 * too.
 * @returns how much relevance that is
 */
async function expectSame(code: Network, file: FileGraph, x: Input, { names = true } = {}): Promise<number> {
  let most = 0;
  const [one, other] = [await loadInMode(code), await loadInMode(onnx(file, 22))];
  expect(one.inputs).toEqual(other.inputs);
  expect(one.outputs.map((o) => o.name)).toEqual(other.outputs.map((o) => o.name));
  expect(one.predict(x)).toEqual(other.predict(x));
  for (const { name } of other.outputs) {
    for (const composite of ["epsilonPlusFlat", "epsilonAlpha2Beta1", "gradient"]) {
      const options = { composite, output: name, unknown: "gradient" } as const;
      const [a, b] = [one.explain(x, options), other.explain(x, options)];
      if (names) expect(a).toEqual(b);
      else expect(a.inputs).toEqual(b.inputs);
      for (const { data } of Object.values(b.inputs)) most = Math.max(most, magnitude(data));
    }
  }
  return most;
}

describe("the same network as a file gives the same bits", () => {
  const weight = (dims: readonly number[], seed: number) => tensor(dims, seed, -0.5, 0.7);
  const pads = [1, 1, 1, 1];

  test("a residual block", async () => {
    const [w1, b1, w2] = [weight([4, 3, 3, 3], 1), weight([4], 2), weight([4, 4, 3, 3], 3)];
    const [s, t, m, v] = [5, 6, 7, 8].map((seed) => tensor([4], seed, 0.5, 1.5));
    const code = network({
      inputs: { x: ["n", 3, 6, 5] },
      build(g, { x }) {
        const stem = g.chain(x, conv2d({ weight: w1, bias: b1, pads: 1, name: "c1" }), relu({ name: "r1" }));
        const body = g.chain(
          stem,
          conv2d({ weight: w2, pads: 1, name: "c2" }),
          batchNormalization({ scale: s, shift: t, mean: m, variance: v, name: "n2" }),
        );
        return {
          y: g.chain(
            g.node(op("Add", { name: "sum" }), body, stem),
            relu({ name: "r2" }),
            globalAveragePool({ name: "y" }),
          ),
        };
      },
    });
    const file: FileGraph = {
      nodes: [
        node("Conv", ["x", "c1:0", "c1:1"], "c1", { pads }),
        node("Relu", ["c1"], "r1"),
        node("Conv", ["r1", "c2:0"], "c2", { pads }),
        node("BatchNormalization", ["c2", "n2:0", "n2:1", "n2:2", "n2:3"], "n2"),
        node("Add", ["n2", "r1"], "sum"),
        node("Relu", ["sum"], "r2"),
        node("GlobalAveragePool", ["r2"], "y"),
      ],
      initializers: { "c1:0": w1, "c1:1": b1, "c2:0": w2, "n2:0": s, "n2:1": t, "n2:2": m, "n2:3": v },
      inputs: { x: ["n", 3, 6, 5] },
      outputs: { y: [] },
    };
    expect(await expectSame(code, file, tensor([2, 3, 6, 5], 9))).toBeGreaterThan(0.1);
  });

  test("two inputs, of which one is of integers, and two outputs", async () => {
    const [table, w] = [weight([7, 4], 1), weight([3, 4], 2)];
    const code = network({
      inputs: { ids: { dims: ["n", 5], type: "int64" }, x: ["n", 4] },
      build(g, { ids, x }) {
        const words = g.node(
          op("ReduceMean", { keepdims: 0, name: "mean" }),
          g.node(op("Gather", { name: "words" }), table, ids),
          [1],
        );
        const both = g.node(op("Add", { name: "both" }), words, x);
        return { scores: g.node(dense({ weight: w }), both), positive: g.node(relu(), both) };
      },
    });
    const file: FileGraph = {
      nodes: [
        node("Gather", ["table", "ids"], "words"),
        node("ReduceMean", ["words", "axes"], "mean", { keepdims: 0 }),
        node("Add", ["mean", "x"], "both"),
        node("Gemm", ["both", "w"], "scores", { transB: 1 }),
        node("Relu", ["both"], "positive"),
      ],
      initializers: { table, w, axes: { dims: [1], data: [1] } },
      inputs: { ids: ["n", 5], x: ["n", 4] },
      outputs: { scores: [], positive: [] },
      types: { ids: 7 },
    };
    const ids = { dims: [2, 5], data: BigInt64Array.from([0n, 6n, 2n, 2n, 1n, 5n, 4n, 3n, 0n, 6n]) };
    expect(await expectSame(code, file, { ids, x: tensor([2, 4], 3) }, { names: false })).toBeGreaterThan(0.1);
  });

  test("a siamese network: what both branches share is there once", async () => {
    const [w1, b1, w2, w3] = [weight([4, 1, 3, 3], 1), weight([4], 2), weight([5, 16], 3), weight([2, 5], 4)];
    const code = network({
      inputs: { left: ["n", 1, 6, 6], right: ["n", 1, 6, 6] },
      build(g, { left, right }) {
        const branch = (x: Handle) =>
          g.chain(
            x,
            conv2d({ weight: w1, bias: b1 }),
            relu(),
            maxPool2d({ kernel: 2 }),
            flatten(),
            dense({ weight: w2 }),
          );
        return { y: g.node(dense({ weight: w3 }), g.node(op("Sub"), branch(left), branch(right))) };
      },
    });
    const branch = (x: string): FileNode[] => [
      node("Conv", [x, "w1", "b1"], `${x}1`),
      node("Relu", [`${x}1`], `${x}2`),
      node("MaxPool", [`${x}2`], `${x}3`, { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Flatten", [`${x}3`], `${x}4`),
      node("Gemm", [`${x}4`, "w2"], `${x}5`, { transB: 1 }),
    ];
    const file: FileGraph = {
      nodes: [
        ...branch("left"),
        ...branch("right"),
        node("Sub", ["left5", "right5"], "d"),
        node("Gemm", ["d", "w3"], "y", { transB: 1 }),
      ],
      initializers: { w1, b1, w2, w3 },
      inputs: { left: ["n", 1, 6, 6], right: ["n", 1, 6, 6] },
      outputs: { y: [] },
    };
    expect(
      await expectSame(code, file, { left: tensor([2, 1, 6, 6], 5), right: tensor([2, 1, 6, 6], 6) }, { names: false }),
    ).toBeGreaterThan(0.1);
    const [one, other] = [await loadInMode(code), await loadInMode(onnx(file, 22))];
    expect(one.inspect().parameters).toBe(36 + 4 + 80 + 10);
    expect(other.inspect().parameters).toBe(one.inspect().parameters);
  });

  test("an inception block, LRN, and a Split", async () => {
    const [w1, w3, w5, wp] = [
      weight([2, 4, 1, 1], 1),
      weight([3, 4, 3, 3], 2),
      weight([2, 4, 5, 5], 3),
      weight([1, 4, 1, 1], 4),
    ];
    const code = network({
      inputs: { x: ["n", 4, 7, 6] },
      build(g, { x }) {
        const h = g.node(lrn({ size: 3, alpha: 2, name: "norm" }), x);
        const branches = [
          g.node(conv2d({ weight: w1, name: "1x1" }), h),
          g.node(conv2d({ weight: w3, pads: 1, name: "3x3" }), h),
          g.node(conv2d({ weight: w5, pads: 2, name: "5x5" }), h),
          g.chain(
            h,
            maxPool2d({ kernel: 3, strides: 1, pads: 1, name: "pool" }),
            conv2d({ weight: wp, name: "reduced" }),
          ),
        ];
        const joined = g.chain(
          g.node(op("Concat", { axis: 1, name: "joined" }), ...branches),
          clip({ min: 0, max: 6, name: "clip" }),
        );
        const [few, many] = g.outputs(["few", "many"], op("Split", { axis: 1, name: "split" }), joined, [3, 5]);
        return { few, many };
      },
    });
    const file: FileGraph = {
      nodes: [
        node("LRN", ["x"], "norm", { size: 3, alpha: { float: 2 } }),
        node("Conv", ["norm", "1x1:0"], "1x1"),
        node("Conv", ["norm", "3x3:0"], "3x3", { pads }),
        node("Conv", ["norm", "5x5:0"], "5x5", { pads: [2, 2, 2, 2] }),
        node("MaxPool", ["norm"], "pool", { kernel_shape: [3, 3], pads }),
        node("Conv", ["pool", "reduced:0"], "reduced"),
        node("Concat", ["1x1", "3x3", "5x5", "reduced"], "joined", { axis: 1 }),
        node("Clip", ["joined", "clip:0", "clip:1"], "clip"),
        {
          type: "Split",
          inputs: ["clip", "split:input2"],
          outputs: ["few", "many"],
          attributes: { axis: 1 },
          name: "split",
        },
      ],
      initializers: {
        ...{ "1x1:0": w1, "3x3:0": w3, "5x5:0": w5, "reduced:0": wp },
        "clip:0": { dims: [], data: Float32Array.of(0) },
        "clip:1": { dims: [], data: Float32Array.of(6) },
        "split:input2": { dims: [2], data: [3, 5] },
      },
      inputs: { x: ["n", 4, 7, 6] },
      outputs: { few: [], many: [] },
    };
    expect(await expectSame(code, file, tensor([2, 4, 7, 6], 5))).toBeGreaterThan(0.1);
    expect((await loadInMode(code)).inspect().text).toBe((await loadInMode(onnx(file, 22))).inspect().text);
  });

  test("random networks", async () => {
    await fc.assert(
      fc.asyncProperty(samples, async ({ graph, x }) => {
        await expectSame(described(graph), graph, x);
      }),
      { seed: 3, numRuns: 25 },
    );
  });
});

describe("names", () => {
  const x = tensor([1, 4], 1);
  const namesOf = (build: (g: Builder, x: Handle) => Record<string, Handle>) => {
    const { graph } = network({ inputs: { x: [1, 4] }, build: (g, given) => build(g, given.x) });
    return graph.nodes.map(({ name, outputs }) => `${name}: ${outputs}`);
  };

  test("a value is called as its node, and one that nobody named as the output that it is", () => {
    expect(namesOf((g, v) => ({ y: g.chain(v, relu(), relu()) }))).toEqual(["relu0: relu0", "relu1: y"]);
    expect(namesOf((g, v) => ({ relu1: g.chain(v, relu(), relu()) }))).toEqual(["relu0: relu0", "relu1: relu1"]);
  });

  test("a chosen name stays, and a value may be several outputs", () => {
    expect(namesOf((g, v) => ({ y: g.node(relu({ name: "r" }), v) }))).toEqual(["r: r", "y: y"]);
    expect(
      namesOf((g, v) => {
        const [a] = g.outputs(["a"], relu(), v);
        return { b: a };
      }),
    ).toEqual(["relu0: a", "b: b"]);
    expect(
      namesOf((g, v) => {
        const r = g.node(relu(), v);
        return { a: r, b: r };
      }),
    ).toEqual(["relu0: a", "b: b"]);
  });

  test("an input may be an output", async () => {
    const model = await loadInMode(
      network({ inputs: { x: [1, 4] }, build: (g, given) => ({ y: g.node(relu(), given.x), x: given.x, z: given.x }) }),
    );
    for (const output of ["x", "z"]) {
      expect(model.predict(x).outputs[output].data).toEqual(x.data);
      const { relevance } = model.explain(x, { output, target: 2, start: "one" });
      expect(relevance.data).toEqual(Float32Array.of(0, 0, 1, 0));
    }
  });

  test("several outputs are counted", () => {
    const parts = op("Split", { axis: 1, num_outputs: 2 });
    expect(
      namesOf((g, v) => {
        const [a, b] = g.outputs(2, parts, v);
        return { y: g.node(op("Add"), a, b) };
      }),
    ).toEqual(["split0: split0.0,split0.1", "add1: y"]);
  });
});

test("every operator is there by its name", () => {
  for (const type of ops.keys()) {
    let message = "";
    try {
      network({ inputs: { x: [1] }, build: (g, { x }) => ({ y: g.node(op(type, { no: 1 }), x) }) });
    } catch (error) {
      ({ message } = error as Error);
    }
    // The row may miss something before it is seen that it knows of no such attribute.
    expect(message, type).toMatch(
      new RegExp(`^node '${type.toLowerCase()}0' \\(${type}\\): (?!relprop does not run the operator)`),
    );
  }
});

test("bounds that are open are left out, and may be infinite inputs of the operator", async () => {
  const layers = [clip({ min: -Infinity, max: Infinity }), clip({ max: 2 })];
  const code = network({
    inputs: { x: [1, 4] },
    build: (g, { x }) => ({
      y: g.node(op("Clip"), g.chain(x, ...layers), { dims: [], data: Float32Array.of(-Infinity) }),
    }),
  });
  expect(code.graph.nodes.map(({ inputs }) => inputs)).toEqual([
    ["x"],
    ["clip0", "", "clip1:1"],
    ["clip1", "clip2:input2"],
  ]);
  const x = { dims: [1, 4], data: Float32Array.of(-9, 1, 2, 3) };
  expect((await loadInMode(code)).predict(x).output.data).toEqual(Float32Array.of(-9, 1, 2, 2));
});

test("a description does not change with what it was made of", () => {
  const perm = [0, 2, 1];
  const { graph } = network({
    inputs: { x: [1, 2, 3] },
    build: (g, { x }) => ({ y: g.node(op("Transpose", { perm }), x) }),
  });
  perm.reverse();
  expect(graph.nodes[0].attributes).toEqual({ perm: [0, 2, 1] });
});

test("tensors and infinities of masks are given as in a file", async () => {
  const mask: Tensor = { dims: [4], data: Float32Array.of(1, 0, 0, 1), type: "bool" };
  const none = { dims: [4], data: Float32Array.of(1, -Infinity, -Infinity, 1) };
  const code = network({
    inputs: { x: ["n", 4] },
    build(g, { x }) {
      const fill = g.node(op("ConstantOfShape", { value: { dims: [1], data: Float32Array.of(2) } }), [4]);
      return { y: g.node(op("Softmax"), g.node(op("Where"), mask, g.node(op("Add"), x, fill), none)) };
    },
  });
  const [a, b, c, d] = (await loadInMode(code)).predict({ dims: [1, 4], data: Float32Array.of(3, 5, 5, 3) }).output
    .data;
  expect([a, b, c, d]).toEqual([0.5, 0, 0, 0.5]);
});
