import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { load, LrpError, type Model } from "../../src/entries/index.ts";
import { dataFile, hasData } from "../data.ts";
import { families, type Works } from "../families.ts";
import { numbers } from "../random.ts";

const own = (file: string) => file.startsWith("cases/");
const bytesOf = (file: string) => (own(file) ? readFileSync(join(import.meta.dirname, "..", file)) : dataFile(file));

/** An input of one sample; free sizes, such as lengths of sequences, are 64. */
function inputOf({ inputs }: Model) {
  return Object.fromEntries(
    inputs.map(({ name, type, dims }) => {
      const sizes = dims.map((d, axis) => (typeof d === "number" ? d : axis === 0 ? 1 : 64));
      const count = sizes.reduce((a, b) => a * b, 1);
      const data = type === "float32" ? Float32Array.from(numbers(count, 1)) : new Array<number>(count).fill(1);
      return [name, { dims: sizes, data }];
    }),
  );
}

async function works(file: string): Promise<Works> {
  let step: Works = "refused";
  try {
    using model = await load(bytesOf(file));
    const input = inputOf(model);
    model.predict(input);
    step = "predicts";
    expect(model.explain(input).relevance.data.every(Number.isFinite)).toBe(true);
    return "explains";
  } catch (error) {
    if (!(error instanceof LrpError)) throw error;
    return step;
  }
}

describe.each(families)("$family", ({ works: expected, files }) => {
  it.each(files.filter((file) => hasData || own(file)))(`%s: ${expected}`, async (file) => {
    expect(await works(file)).toBe(expected);
  });

  it("has files of test/ that are there", () => {
    for (const file of files.filter(own)) expect(existsSync(join(import.meta.dirname, "..", file))).toBe(true);
  });
});
