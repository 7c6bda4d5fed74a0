import { expect, test } from "vitest";
import { LrpError, load, type Model } from "../../src/entries/index.ts";
import { numbers } from "../random.ts";
import { RUNS, SEED } from "./drawing.ts";
import { KINDS, spelled } from "./disguises.ts";

/*
 * Whatever layer relprop finds in the nodes of a file, the file means the same as where it finds none: beside numbers of
 * every size, since what bounds or guards a layer counts at some of them only.
 */

const SIZES = Array.from({ length: 15 }, (_, i) => 10 ** (i - 8));

/** What both files give of one input, or undefined where the nodes as they are leave float32's range. */
function both([found, open]: readonly Model[], x: { dims: number[]; data: Float32Array }) {
  try {
    return [found, open].map((model) => model.predict(x).outputs.y.data as Float32Array);
  } catch (error) {
    if (error instanceof LrpError) return undefined;
    throw error;
  }
}

test.each(KINDS)("%s, spelled out or nearly", async (kind) => {
  let found = 0;
  for (let i = 0; i < 4 * RUNS; i++) {
    const { dims, text, bytes, open } = spelled(kind, 1_000_000 * SEED + i);
    using folded = await load(bytes, { batch: false });
    using whole = await load(open, { batch: false });
    if (folded.inspect().nodes.length < whole.inspect().nodes.length - 1) found++;
    const count = dims.reduce((a, d) => a * d, 1);
    for (const [k, size] of SIZES.entries()) {
      // Few large numbers among small ones, or all of a size.
      const data = numbers(count, 1000 * i + k).map((v) => size * (k % 2 === 0 ? v ** 3 : v));
      const pair = both([folded, whole], { dims: [...dims], data });
      if (!pair) continue;
      const [y, expected] = pair;
      const most = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
      const off = y.reduce((m, v, j) => Math.max(m, Math.abs(v - expected[j])), 0);
      expect(off, `${text}, at ${size}: beside ${most}`).toBeLessThanOrEqual(3e-5 * most);
    }
  }
  expect(found).toBeGreaterThan(RUNS / 4);
});
