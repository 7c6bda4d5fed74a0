import { expect, test } from "vitest";
import { expectClose, magnitude } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { controlled } from "./control.ts";

test.each(Array.from({ length: 60 }, (_, i) => 31 * i + 1))(
  "branches, loops, scans and sequences: seed %i",
  async (seed) => {
    const { bytes, x, y } = controlled(seed);
    using model = await loadInMode(bytes, { batch: false });
    const { output } = model.predict(x);
    expect(output.dims).toEqual([2, 3]);
    expectClose(output.data as Float32Array, y, 1e-5, magnitude(y));
  },
);
