import { describe, expect, test } from "vitest";
import {
  conv2d,
  dense,
  flatten,
  globalAveragePool,
  heatmap,
  load,
  type Network,
  type NetworkInput,
  network,
  op,
  preprocess,
  type Tensor,
} from "../../src/entries/index.ts";
import { tensor as drawn } from "../random.ts";

const tensor = (dims: readonly number[], seed = 1): Tensor => drawn(dims, seed);

/** A network whose outputs' names of axes are those of the file, or others. */
function renamed(made: Network, dims: readonly (number | string)[]): Network {
  const { graph } = made;
  return { graph: { ...graph, outputs: graph.outputs.map((port) => ({ ...port, dims })) } };
}

const time = (inputs: Record<string, NetworkInput>, axis: number) =>
  network({
    inputs,
    build: (g, { x }) => ({
      y: g.node(dense({ weight: tensor([3, 4]) }), g.node(op("ReduceMean", { keepdims: 0 }), x, [axis])),
    }),
  });

const samplesOf = async (made: Network, x: Tensor, options = {}) => {
  using model = await load(made, options);
  const e = model.explain(x, { composite: "epsilon" });
  return { samples: e.targets.length, axis: e.relevance.batchAxis, said: model.inputs[0].batchAxis };
};

describe("which axis counts samples", () => {
  test("the one that goes by the name of the output's first", async () => {
    const made = renamed(time({ x: ["T", "N", 4] }, 0), ["N", 3]);
    expect(await samplesOf(made, tensor([5, 2, 4]))).toMatchObject({ samples: 2, axis: 1 });
    // Sizes that happen to be equal say nothing.
    expect(await samplesOf(made, tensor([2, 2, 4]))).toMatchObject({ samples: 2, axis: 1 });
  });

  test.each([[["batch", 3]], [["?", 3]], [[]]])(
    "the one that the output follows, where it calls it %s",
    async (dims) => {
      const last = renamed(time({ x: ["T", "N", 4] }, 0), dims);
      expect(await samplesOf(last, tensor([2, 2, 4]))).toMatchObject({ samples: 2, axis: 1 });
      expect(await samplesOf(last, tensor([7, 1, 4]))).toMatchObject({ samples: 1, axis: 1 });
      const first = renamed(time({ x: ["N", "T", 4] }, 1), dims);
      expect(await samplesOf(first, tensor([3, 3, 4]))).toMatchObject({ samples: 3, axis: 0 });
    },
  );

  test("the second input's, where the first has none", async () => {
    for (const dims of [
      ["N", 4],
      ["rows", 4],
      ["?", "?"],
    ]) {
      const made = network({
        inputs: { s: [1], x: ["N", 4] },
        build: (g, { s, x }) => ({ y: g.chain(g.node(op("Add"), x, s), dense({ weight: tensor([4, 4]) })) }),
      });
      using model = await load(renamed(made, dims));
      const e = model.explain({ s: tensor([1]), x: tensor([3, 4]) });
      expect(e.targets).toHaveLength(3);
      expect([e.inputs.s.batchAxis, e.inputs.x.batchAxis]).toEqual([null, 0]);
    }
  });

  test("both first axes, where each input calls its own otherwise", async () => {
    const made = network({
      inputs: { a: ["N", 4], b: ["M", 4] },
      build: (g, { a, b }) => ({ y: g.chain(g.node(op("Add"), a, b), dense({ weight: tensor([2, 4]) })) }),
    });
    using model = await load(renamed(made, ["rows", 2]));
    const e = model.explain({ a: tensor([3, 4]), b: tensor([3, 4], 2) });
    expect(e.targets).toHaveLength(3);
    expect([e.inputs.a.batchAxis, e.inputs.b.batchAxis]).toEqual([0, 0]);
    // The same where the first call has several samples.
    const square = network({
      inputs: { a: ["N", "K"], b: ["M", "K"] },
      build: (g, { a, b }) => ({ y: g.node(op("Add"), a, b) }),
    });
    using other = await load(renamed(square, ["rows", 4]));
    const { inputs } = other.explain({ a: tensor([3, 4]), b: tensor([3, 4], 2) });
    expect([inputs.a.batchAxis, inputs.b.batchAxis]).toEqual([0, 0]);
  });

  const plain = (dims: readonly number[], classes: number) =>
    network({
      inputs: { x: dims },
      build: (g, { x }) => {
        const y = g.chain(
          g.node(op("Unsqueeze"), x, [0]),
          conv2d({ weight: tensor([5, dims[0], 3, 3]) }),
          globalAveragePool(),
          flatten(),
          dense({ weight: tensor([classes, 5]) }),
        );
        return { y: g.node(op("Squeeze"), y, [0]) };
      },
    });

  test.each([2, 3, 4])("no axis of a picture without one, whatever the number of classes: %s", async (classes) => {
    using model = await load(plain([3, 8, 8], classes));
    expect(model.inputs[0]).toMatchObject({ batchAxis: null, channelAxis: "first" });
    const e = model.explain(tensor([3, 8, 8]), { target: classes - 1 });
    expect(e.targets).toMatchObject([[{ index: classes - 1 }]]);
    expect(e.relevance).toMatchObject({ dims: [3, 8, 8], batchAxis: null, channelAxis: "first" });
    expect(heatmap(e.relevance)).toMatchObject({ width: 8, height: 8 });
    const photo = { data: new Uint8Array(48).fill(9), width: 4, height: 4 };
    expect(preprocess(photo, "unit", model.inputs[0])).toMatchObject({ dims: [3, 8, 8], batchAxis: null });
  });

  test("axis 0, where sizes are fixed and equal there, and an output of rank 1 is one sample", async () => {
    const rows = (dims: number[]) =>
      network({ inputs: { x: dims }, build: (g, { x }) => ({ y: g.node(dense({ weight: tensor([3, 4]) }), x) }) });
    expect(await samplesOf(rows([5, 4]), tensor([5, 4]))).toEqual({ samples: 5, axis: 0, said: 0 });
    expect(await samplesOf(rows([1, 4]), tensor([1, 4]))).toEqual({ samples: 1, axis: 0, said: 0 });
    const sum = network({ inputs: { x: [3] }, build: (g, { x }) => ({ y: g.node(op("Relu"), x) }) });
    expect(await samplesOf(sum, tensor([3]))).toEqual({ samples: 1, axis: null, said: null });
  });

  describe("as option 'batch' says", () => {
    const made = time({ x: ["a", "b", 4] }, 0);
    test("another axis, or none", async () => {
      expect(await samplesOf(renamed(made, ["a", 3]), tensor([2, 2, 4]), { batch: { x: 1 } })).toEqual({
        samples: 2,
        axis: 1,
        said: undefined,
      });
      for (const batch of [false, { x: null }]) {
        using model = await load(made, { batch } as never);
        const e = model.explain(tensor([5, 1, 4]));
        expect([e.targets.length, e.relevance.batchAxis]).toEqual([1, null]);
      }
    });

    test.each<[object, RegExp]>([
      [{ batch: { z: 0 } }, /option 'batch' of load: expected the name of an input \(x\), got 'z'/],
      [{ batch: { x: 3 } }, /option 'batch' of load: expected an axis of 'x' \[a, b, 4\], or null, got 3/],
      [{ batch: true }, /option 'batch' of load/],
      [{ channelAxis: "middle" }, /option 'channelAxis' of load: expected 'first' or 'last', got 'middle'/],
      [{ channelAxis: { y: "last" } }, /the name of an input \(x\), got 'y'/],
    ])("refused: %j", async (options, says) => {
      await expect(load(made, options as never)).rejects.toThrowError(says);
    });

    test("an axis that the output does not have", async () => {
      using model = await load(made, { batch: { x: 0 } });
      expect(() => model.explain(tensor([5, 2, 4]))).toThrowError(
        /axis 0 of 'x' has 5 samples, but it is not clear which axis of the output 'y'/,
      );
    });
  });
});

describe("where channels are", () => {
  type Step = readonly [type: string, attributes?: object, axes?: readonly number[]];
  const axisOf = async (dims: readonly (number | string)[], ...steps: readonly Step[]) => {
    const made = network({
      inputs: { x: dims },
      build(g, { x }) {
        const last = steps.reduce((v, [type, attributes, axes]) => g.node(op(type, attributes), v, axes), x);
        return { y: g.node(flatten(), last) };
      },
    });
    return (await load(made)).inputs[0].channelAxis;
  };

  test("what a Transpose brings to where convolutions look for them", async () => {
    expect(await axisOf([1, 6, 8, 5], ["Transpose", { perm: [0, 3, 1, 2] }])).toBe("last");
    expect(await axisOf([1, 6, 8, 5], ["Neg"], ["Transpose", { perm: [0, 3, 1, 2] }])).toBe("last");
    expect(await axisOf([1, 6, 8, 5], ["Transpose", { perm: [0, 2, 1, 3] }], ["GlobalAveragePool"])).toBe("first");
    expect(await axisOf([6, 8, 5], ["Unsqueeze", {}, [0]], ["Transpose", { perm: [0, 3, 1, 2] }])).toBe("last");
    expect(await axisOf([1, 6, 8], ["Transpose", { perm: [0, 2, 1] }], ["GlobalAveragePool"])).toBe("last");
  });

  test("what a convolution or pooling reads", async () => {
    // Three columns are no colours.
    expect(await axisOf([1, 6, 8, 3], ["GlobalAveragePool"])).toBe("first");
    expect(await axisOf([1, 6, 8], ["GlobalAveragePool"])).toBe("first");
    // A new axis is that of the channels.
    expect(await axisOf([1, 6, 8], ["Unsqueeze", {}, [1]], ["GlobalAveragePool"])).toBe(undefined);
  });

  test("sizes, with a note, where nothing else says it", async () => {
    expect(await axisOf([1, 6, 8, 3], ["Relu"])).toBe("last");
    expect(await axisOf([1, 3, 8, 3], ["Relu"])).toBe("first");
    expect(await axisOf([1, 6, 8, 2], ["Relu"])).toBe("first");
    const made = network({
      inputs: { x: [1, 6, 8, 3] },
      build: (g, { x }) => ({ y: g.chain(x, op("Relu"), flatten()) }),
    });
    using model = await load(made);
    expect(model.inspect().notes).toContainEqual(
      expect.stringMatching(/input 'x' f32\[1, 6, 8, 3\] is taken to have its channels last/),
    );
    const { notes, relevance } = model.explain(tensor([1, 6, 8, 3]), { composite: "gradient" });
    expect(notes).toContainEqual(expect.stringMatching(/channels last/));
    expect(heatmap(relevance)).toMatchObject({ width: 8, height: 6 });
    using told = await load(made, { channelAxis: { x: "first" } });
    expect(told.inspect().notes).toEqual([]);
    expect(heatmap(told.explain(tensor([1, 6, 8, 3]), { composite: "gradient" }).relevance)).toMatchObject({
      width: 3,
    });
  });

  test("pictures are made so", async () => {
    const made = network({
      inputs: { x: [1, 2, 3, 3] },
      build: (g, { x }) => ({ y: g.chain(x, op("Relu"), flatten()) }),
    });
    using model = await load(made, { channelAxis: "last" });
    const photo = { data: Uint8Array.from({ length: 18 }, (_, i) => i), width: 3, height: 2 };
    const last = preprocess(photo, "raw", model.inputs[0]);
    expect(last).toMatchObject({ dims: [1, 2, 3, 3], channelAxis: "last" });
    expect(Array.from(last.data)).toEqual(Array.from(photo.data));
    const first = preprocess(photo, "raw", [1, 3, 2, 3]);
    expect(Array.from(first.data)).toEqual([0, 3, 6, 9, 12, 15, 1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17]);
  });
});
