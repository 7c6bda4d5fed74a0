import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Judge } from "../fuzz/judge-apart.ts";

const folder = join(import.meta.dirname, "hostile");
const files = readdirSync(folder).filter((name) => name.endsWith(".onnx"));

/**
 * Files of a few bytes that ask for much, or are not written as they should. With 64 MB and 1e9 multiply-adds each ends
 * in an answer, the same whatever memory holds, or in an LrpError; the process has less than 500 MB all the while.
 */
describe("a damaged file", () => {
  const judge = new Judge(resolve(import.meta.dirname, "../.."));
  afterAll(() => judge.end());

  it.each(files)("%s", async (name) => {
    const verdict = await judge.judge(new Uint8Array(readFileSync(join(folder, name))), 60);
    expect(verdict.fault, verdict.stack).toBeUndefined();
    expect(verdict.outcome).toMatch(/^(explained|(load|predict|explain): [\w-]+)$/);
  });
});
