import { describe, expect, test } from "vitest";
import { lrn, type LrnOptions } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { network } from "../explain.ts";
import { chain } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { lrnForward } from "../reference/lrn.ts";
import { expectLayer } from "./check.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** [dims, options, before, after] */
const cases: readonly (readonly [readonly number[], LrnOptions, number, number])[] = [
  ...range(1, 9).map((c) => [[2, c, 3, 5], { size: 3, alpha: 2 }, 1, 1] as const),
  [[1, 7, 3, 2], { size: 1, alpha: 2 }, 0, 0],
  [[1, 7, 3, 2], { size: 2, alpha: 2 }, 0, 1],
  [[1, 7, 3, 2], { size: 2, alpha: 2, window: "torch" }, 1, 0],
  [[1, 7, 3, 2], { size: 6, alpha: 2, beta: 0.6 }, 2, 3],
  [[1, 7, 3, 2], { size: 6, alpha: 2, beta: 0.6, window: "torch" }, 3, 2],
  [[1, 3, 2, 5], { size: 11, alpha: 5, beta: 1.25, bias: 2 }, 5, 5],
  [[3, 5, 7], { size: 4, alpha: 5, beta: 0.5 }, 1, 2],
  [[2, 3, 5, 4], { size: 3, alpha: 5, region: "spatial" }, 1, 1],
  [[1, 9, 2, 7], { size: 4, alpha: 5, bias: 0.5, region: "spatial" }, 1, 2],
  [[1, 2, 5, 3], { size: 9, alpha: 5, beta: 0.4, region: "spatial" }, 4, 4],
];

describe("LRN", () => {
  test.each(cases)("[%s] %j", async (dims, options, before, after) => {
    const { size, alpha = 1e-4, beta: c = 0.75, bias: kappa = 1, region = "channels" } = options;
    const o = { region, before, after, a: alpha / (region === "channels" ? size : size ** 2), c, kappa };
    await expectLayer(network(dims, lrn(options)), tensor(dims, 11, -2, 2), {
      dims,
      forward: (x) => lrnForward(x, dims, o),
    });
    // PyTorch's lean and windows within a channel are not ONNX's.
    if (region === "channels" && options.window !== "torch") {
      const attributes = { size, alpha: { float: alpha }, beta: { float: c }, bias: { float: kappa } };
      await expectLayer(chain(["n", ...dims.slice(1)], [{ type: "LRN", attributes }]), tensor(dims, 11, -2, 2), {
        dims,
        forward: (x) => lrnForward(x, dims, o),
      });
    }
  });

  test("nonsense is refused where it is described", async () => {
    expect(() => lrn({ size: 0 })).toThrow("layer 'lrn': expected a size ≥ 1, got 0.");
    expect(() => lrn({ name: "norm1", size: 3, bias: 0 })).toThrow("layer 'norm1': expected bias > 0");
    expect(() => lrn({ size: 3, alpha: -1 })).toThrow("alpha ≥ 0");
    await expect(loadInMode(chain(["n", 3, 2, 2], [{ type: "LRN", attributes: {} }]))).rejects.toThrow(
      "node 'y0' (LRN): expected a size ≥ 1",
    );
  });
});
