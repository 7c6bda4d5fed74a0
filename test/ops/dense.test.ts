import { describe, expect, test } from "vitest";
import { dense } from "../../src/index.ts";
import { binaries, loadFor } from "../binaries.ts";
import { largest } from "../close.ts";
import { network } from "../explain.ts";
import { chain } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { apply, dense as denseMap, turnover } from "../reference/linear.ts";
import { expectLayer } from "./check.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe.each(binaries())("dense layers (%s)", (binary) => {
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
      await expectLayer(binary, network([n, k], dense({ weight, bias })), x, {
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
      data: Float64Array.from({ length: m * k }, (_, i) => alpha * (transB ? b.data[i] : b.data[(i % k) * m + Math.floor(i / k)])),
    };
    const map = denseMap(n, weight, bias && Array.from({ length: m }, (_, o) => beta * bias.data[bias.data.length === 1 ? 0 : o]));
    const attributes = { transB, alpha: { float: alpha }, beta: { float: beta } };
    await expectLayer(binary, chain(["n", k], [{ type: "Gemm", attributes, parameters: [b, bias] }]), x, {
      dims: [n, m],
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
  });

  test.each([[[3, 5]], [[2, 3, 5]], [[2, 3, 4, 5]]])("MatMul: %j by [5, 7]", async (dims) => {
    const [x, b] = [tensor(dims, 11), tensor([5, 7], 3)];
    const weight = { dims: [7, 5], data: Float64Array.from({ length: 35 }, (_, i) => b.data[(i % 5) * 7 + Math.floor(i / 5)]) };
    const map = denseMap(x.data.length / 5, weight);
    await expectLayer(binary, chain(["n", ...dims.slice(1)], [{ type: "MatMul", parameters: [b] }]), x, {
      dims: [...dims.slice(0, -1), 7],
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
  });

  test("sizes that do not fit are errors", async () => {
    await expect(loadFor(binary, network([1, 5], dense({ name: "fc", weight: tensor([3, 4], 3) })))).rejects.toThrow(
      "node 'fc' (Gemm): expected an A of 4 columns, got 5.",
    );
  });
});
