import { describe, test } from "vitest";
import { batchNormalization } from "../../src/index.ts";
import { binaries } from "../binaries.ts";
import { network } from "../explain.ts";
import { chain } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { batchNorm } from "../reference/layers.ts";
import { expectLayer } from "./check.ts";

describe.each(binaries())("BatchNormalization (%s)", (binary) => {
  test.each([[[3, 5]], [[2, 7, 3]], [[2, 3, 5, 7]], [[1, 9, 2, 3]], [[3, 1, 4, 2]]])("alone, over %j", async (dims) => {
    const c = dims[1];
    const p = { scale: tensor([c], 1, 0.5, 2), shift: tensor([c], 2), mean: tensor([c], 3), variance: tensor([c], 4, 0.1, 3) };
    const literal = (epsilon: number) => (x: ArrayLike<number>) =>
      batchNorm(x, dims, { scale: p.scale.data, shift: p.shift.data, mean: p.mean.data, variance: p.variance.data, epsilon });
    const x = tensor(dims, 11);
    await expectLayer(binary, network(dims, batchNormalization(p)), x, { dims, forward: literal(1e-5) });
    await expectLayer(binary, network(dims, batchNormalization({ ...p, epsilon: 0.5 })), x, { dims, forward: literal(0.5) });
    const parameters = [p.scale, p.shift, p.mean, p.variance];
    await expectLayer(binary, chain(["n", ...dims.slice(1)], [{ type: "BatchNormalization", parameters }]), x, {
      dims,
      forward: literal(1e-5),
    });
    await expectLayer(
      binary,
      chain(["n", ...dims.slice(1)], [{ type: "BatchNormalization", attributes: { epsilon: { float: 0.25 } }, parameters }], 9),
      x,
      { dims, forward: literal(0.25) },
    );
  });
});
