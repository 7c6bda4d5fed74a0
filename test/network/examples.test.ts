import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import * as relprop from "../../src/entries/index.ts";
import { root } from "../readme.ts";

/** The examples in the comments of a file that print something: `// → ` says what. */
function examplesOf(file: string): { code: string; prints: string[] }[] {
  const comments = readFileSync(join(root, file), "utf8").matchAll(/@example\n([\s\S]*?)\*\//g);
  return [...comments]
    .map(([, text]) => text.replace(/^ \* ?/gm, ""))
    .map((code) => ({ code, prints: [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line) }))
    .filter(({ prints }) => prints.length > 0);
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;

describe.each(["src/read/layers.ts", "src/read/network.ts"])("examples in %s", (file) => {
  test.each(examplesOf(file))("$code", async ({ code, prints }) => {
    const lines: string[] = [];
    const log = (value: unknown) => lines.push(inspect(value));
    await new AsyncFunction("console", ...Object.keys(relprop), code)({ log }, ...Object.values(relprop));
    expect(lines).toEqual(prints);
  });

  test("are there", () => {
    expect(examplesOf(file).length).toBeGreaterThan(0);
  });
});
