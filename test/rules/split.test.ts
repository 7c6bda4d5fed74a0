import { describe, expect, test } from "vitest";
import { conv2d, dense, ruleOf } from "../../src/entries/index.ts";
import { expectClose, magnitude } from "../close.ts";
import { explainLayer, network } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { numbers, tensor } from "../random.ts";
import { apply, conv, dense as denseMap } from "../reference/linear.ts";
import { alphaBeta, explain } from "../reference/rules.ts";
import { weighted } from "./cases.ts";

/*
 * αβ takes z⁺ as z − z⁻, unless relevance lies where z < 0, where that would cancel: what it gives is the same.
 */

const convolution = (c: number, m: number, group: number) => {
  const [dims, weight, bias] = [[2, c, 5, 6], tensor([m, c / group, 3, 3], 3), tensor([m], 5)];
  return {
    dims,
    source: network(dims, conv2d({ weight, bias, pads: 1, group })),
    map: conv(dims, weight, bias.data, { group, pads: [1, 1, 1, 1] }),
  };
};
const layer = () => {
  const [dims, weight, bias] = [[3, 20], tensor([17, 20], 3), tensor([17], 5)];
  return { dims, source: network(dims, dense({ weight, bias })), map: denseMap(3, weight, bias.data) };
};
const layers = {
  "a convolution": convolution(5, 9, 1),
  "one whose windows are tiles": convolution(16, 16, 1),
  "one of each channel": convolution(8, 8, 8),
  "a dense layer": layer(),
};

describe.each(Object.entries(layers))("%s", (_name, { dims, source, map }) => {
  const signed = tensor(dims, 11);
  const inputs = { "of both signs": signed, "≥ 0": { dims, data: signed.data.map(Math.abs) } };
  describe.each(Object.entries(inputs))("inputs %s", (_what, x) => {
    const z = apply(map, x.data);
    const above = numbers(z.length, 7).map((v, j) => (z[j] > 0 ? v : 0));
    const lowest = z.indexOf(z.reduce((a, b) => Math.min(a, b)));
    const stray = above.map((v, j) => (j === lowest ? 1 : v));
    test.each([
      ["relevance where z > 0", above],
      ["some of it where z < 0", stray],
    ])("%s", async (_where, r) => {
      for (const [alpha, beta] of [
        [2, 1],
        [1.5, 0.5],
      ]) {
        const { relevance, ledger } = await explainLayer(source, x, r, weighted(ruleOf.alphaBeta({ alpha, beta })));
        const want = explain(map, x.data, r, alphaBeta(alpha, beta));
        expectClose(relevance.data, want.relevance, tolerance.alphaBeta);
        for (const row of ledger) expect(Math.abs(row.gap)).toBeLessThan(1e-5 * magnitude(r));
      }
    });
  });
});

test("what is left of z⁺ where z⁻ is a million times as large", async () => {
  const weight = { dims: [2, 3], data: Float32Array.of(-5.3, -3.1, 1e-6, 1, 2, 3) };
  const x = { dims: [1, 3], data: Float32Array.of(1, 1.7, 3) };
  const r = [1, 0];
  const { relevance } = await explainLayer(network(x.dims, dense({ weight })), x, r, weighted(ruleOf.alphaBeta()));
  const want = explain(denseMap(1, weight), x.data, r, alphaBeta(2, 1));
  expectClose(relevance.data, want.relevance, tolerance.alphaBeta);
});
