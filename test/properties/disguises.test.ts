import { expect, test } from "vitest";
import { LrpError, load, type Model, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { numbers } from "../random.ts";
import { RUNS, SEED } from "./drawing.ts";
import { KINDS, spelled } from "./disguises.ts";

/*
 * Whatever layer relprop finds in the nodes of a file, the file means the same as where it finds none: beside numbers of
 * every size, since what bounds or guards a layer counts at some of them only.
 */

const COUNT = 2 * RUNS;
const SIZES = Array.from({ length: 15 }, (_, i) => 10 ** (i - 8));

/** What is asked for; none where that is refused: a pad may be more than the picture has, a quotient infinite. */
async function orNone<T>(ask: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof LrpError) return undefined;
    throw error;
  }
}

const output = (model: Model, x: Tensor) => model.predict(x).outputs.y.data as Float32Array;
const slopes = (model: Model, x: Tensor) =>
  explainFrom(model, x, numbers(output(model, x).length, 1), { composite: "gradient" }).relevance.data;

test.each(KINDS)("%s, spelled out or nearly", async (kind) => {
  let [found, compared] = [0, 0];
  for (let i = 0; i < COUNT; i++) {
    const { dims, text, bytes, open } = spelled(kind, 1_000_000 * SEED + i);
    using folded = await orNone(() => load(bytes, { batch: false }));
    using whole = await orNone(() => load(open, { batch: false }));
    if (!folded || !whole) continue;
    if (folded.inspect().nodes.length < whole.inspect().nodes.length - 1) found++;
    const both = (of: typeof output, data: Float32Array) =>
      orNone(() => [folded, whole].map((model) => of(model, { dims, data })));
    const count = dims.reduce((a, d) => a * d, 1);
    for (const [k, size] of SIZES.entries()) {
      // Few large numbers among small ones, or all of a size.
      const data = numbers(count, 1000 * i + k).map((v) => size * (k % 2 === 0 ? v ** 3 : v));
      const outputs = await both(output, data);
      if (!outputs) continue;
      const [y, expected] = outputs;
      const most = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
      const off = y.reduce((m, v, j) => Math.max(m, Math.abs(v - expected[j])), 0);
      expect(off, `${text}, at ${size}: beside ${most}`).toBeLessThanOrEqual(3e-5 * most);
    }
    const gradients = await both(slopes, numbers(count, 1000 * i));
    if (!gradients) continue;
    compared++;
    expectClose(gradients[0], gradients[1], 1e-4);
  }
  expect(compared).toBeGreaterThan(COUNT / 2);
  expect(found).toBeGreaterThan(COUNT / 8);
});
