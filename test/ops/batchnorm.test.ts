import { describe, expect, test } from "vitest";
import { batchNormalization, load, type Tensor } from "../../src/entries/index.ts";

import { network } from "../explain.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { batchNorm } from "../reference/layers.ts";
import { expectLayer } from "./check.ts";

describe("BatchNormalization", () => {
  test.each([[[3, 5]], [[2, 7, 3]], [[2, 3, 5, 7]], [[1, 9, 2, 3]], [[3, 1, 4, 2]]])("alone, over %j", async (dims) => {
    const c = dims[1];
    const p = {
      scale: tensor([c], 1, 0.5, 2),
      shift: tensor([c], 2),
      mean: tensor([c], 3),
      variance: tensor([c], 4, 0.1, 3),
    };
    const literal = (epsilon: number) => (x: ArrayLike<number>) =>
      batchNorm(x, dims, {
        scale: p.scale.data,
        shift: p.shift.data,
        mean: p.mean.data,
        variance: p.variance.data,
        epsilon,
      });
    const x = tensor(dims, 11);
    await expectLayer(network(dims, batchNormalization(p)), x, { dims, forward: literal(1e-5) });
    await expectLayer(network(dims, batchNormalization({ ...p, epsilon: 0.5 })), x, { dims, forward: literal(0.5) });
    const parameters = [p.scale, p.shift, p.mean, p.variance];
    await expectLayer(chain(["n", ...dims.slice(1)], [{ type: "BatchNormalization", parameters }]), x, {
      dims,
      forward: literal(1e-5),
    });
    await expectLayer(
      chain(
        ["n", ...dims.slice(1)],
        [{ type: "BatchNormalization", attributes: { epsilon: { float: 0.25 } }, parameters }],
        9,
      ),
      x,
      { dims, forward: literal(0.25) },
    );
  });

  test("one number for each sample is one channel", async () => {
    const [scale, shift, mean, variance] = [[2], [0.5], [0.25], [4]].map((data) => ({
      dims: [1],
      data: Float32Array.from(data),
    }));
    await expectLayer(
      chain(["n"], [{ type: "BatchNormalization", parameters: [scale, shift, mean, variance] }], 9),
      tensor([5], 11),
      {
        dims: [5],
        forward: (x) => Float64Array.from(x, (v) => (2 * (v - 0.25)) / Math.sqrt(4 + 1e-5) + 0.5),
      },
    );
  });

  test.each([[[3, 5]], [[2, 7, 3]], [[2, 3, 5, 7]]])(
    "statistics of every position (spatial = 0), over %j",
    async (dims) => {
      const own = dims.slice(1);
      const [scale, shift, mean, variance] = [
        tensor(own, 1, 0.5, 2),
        tensor(own, 2),
        tensor(own, 3),
        tensor(own, 4, 0.1, 3),
      ];
      const at = (i: number) => i % scale.data.length;
      const forward = (x: ArrayLike<number>) =>
        Float64Array.from(
          x,
          (v, i) =>
            (scale.data[at(i)] * (v - mean.data[at(i)])) / Math.sqrt(variance.data[at(i)] + 1e-5) + shift.data[at(i)],
        );
      const file = (parameters: readonly Tensor[]) =>
        chain(["n", ...own], [{ type: "BatchNormalization", attributes: { spatial: 0 }, parameters }], 7);
      await expectLayer(file([scale, shift, mean, variance]), tensor(dims, 11), { dims, forward });
      // Parameters of channels say what is meant, whatever the attribute says.
      const [g, b, m, v] = [1, 2, 3, 4].map((seed) => tensor([dims[1]], seed, 0.5, 2));
      const perChannel = { scale: g.data, shift: b.data, mean: m.data, variance: v.data, epsilon: 1e-5 };
      await expectLayer(file([g, b, m, v]), tensor(dims, 11), { dims, forward: (x) => batchNorm(x, dims, perChannel) });
      await expect(load(file([g, b, m, tensor([2, 2], 1)]))).rejects.toThrowError(/numbers in each parameter/);
    },
  );

  test("what makes no scale is refused", async () => {
    const [scale, shift, mean] = [tensor([3], 1), tensor([3], 2), tensor([3], 3)];
    const file = (...parameters: Tensor[]) =>
      load(chain([1, 3], [{ type: "BatchNormalization", attributes: { epsilon: { float: 0.25 } }, parameters }]));
    const variance = (v: number) => ({ dims: [3], data: Float32Array.of(1, v, 1) });
    await expect(file(scale, shift, mean, variance(-0.25))).rejects.toThrow(
      "expected a variance ≥ 0, got a negative one",
    );
    await expect(file(scale, shift, mean, variance(-1))).rejects.toThrow("expected a variance ≥ 0");
    await expect(file(scale, shift, mean)).rejects.toThrow("expected an input 'input_var', got none");
    await file(scale, shift, mean, variance(0));
  });

  // Until opset 13 the number of outputs is all that says so; since then there is an attribute.
  test.each([
    [8, ["y", "m", "v", "sm", "sv"], 4],
    [9, ["y", "m", "v"], 2],
    [13, ["y", "", "", "", "sv"], 1],
    [17, ["y", "m", "v"], 2],
  ])("opset %i with outputs %j is in training mode", async (opset, outputs, more) => {
    const names = ["scale", "shift", "mean", "variance"];
    const node = { type: "BatchNormalization", inputs: ["x", ...names], outputs };
    const initializers = Object.fromEntries(names.map((name, i) => [name, tensor([3], i, 0.1, 3)]));
    const file = (outputs: string[]) =>
      onnx({ nodes: [{ ...node, outputs }], initializers, inputs: { x: [2, 3, 5] }, outputs: { y: [] } }, opset);
    await expect(load(file(outputs))).rejects.toThrow(
      `node 'y' (BatchNormalization): its further outputs (${more}) mean that it is in training mode. Export`,
    );
    await load(file(["y", "", "", "", ""]));
  });
});
