import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeEach, expect, it } from "vitest";
import { at, hashOf, step } from "../assembly/stamp.mjs";

const folder = "build/stamp-test";
const path = (name: string) => at(`${folder}/${name}`);
const clear = () => {
  for (const name of [folder, "build/test.stamp"]) rmSync(at(name), { recursive: true, force: true });
};
afterAll(clear);

let ran = 0;

/** Runs a step, if it is due. @returns how often it has run so far */
async function build(fails = false): Promise<number> {
  await step(
    "test",
    hashOf([`${folder}/in`, `${folder}/alone`], (file: string) => !file.endsWith(".gen")),
    [`${folder}/out`],
    () => {
      ran++;
      mkdirSync(path("out"), { recursive: true });
      writeFileSync(path("out/a"), "A");
      if (fails) throw new Error("on purpose");
      writeFileSync(path("out/b"), "B");
    },
  );
  return ran;
}

beforeEach(async () => {
  clear();
  mkdirSync(path("in/deep"), { recursive: true });
  writeFileSync(path("in/deep/a"), "a");
  writeFileSync(path("alone"), "1");
  ran = 0;
  expect([await build(), await build()]).toEqual([1, 1]);
});

it.each<[string, () => void]>([
  ["a source that is changed", () => writeFileSync(path("in/deep/a"), "b")],
  ["a single file that is changed", () => writeFileSync(path("alone"), "2")],
  ["a source that is added", () => writeFileSync(path("in/b"), "")],
  ["a source that has another name", () => renameSync(path("in/deep/a"), path("in/deep/b"))],
  ["a source that is gone", () => rmSync(path("alone"))],
  ["an output that is damaged", () => writeFileSync(path("out/a"), "a")],
  ["an output that is gone", () => rmSync(path("out/b"))],
  ["outputs that are all gone", () => rmSync(path("out"), { recursive: true })],
  ["an output that nobody made", () => writeFileSync(path("out/c"), "")],
  ["a stamp that is damaged", () => writeFileSync(at("build/test.stamp"), "")],
  ["a stamp that is gone", () => rmSync(at("build/test.stamp"))],
])("a step is due after %s, once", async (name, change) => {
  change();
  expect(await build()).toBe(2);
  expect(await build(), name).toBe(2);
});

it("what a step leaves out makes it due as little as a new date does", async () => {
  writeFileSync(path("in/x.gen"), "made");
  writeFileSync(path("alone"), "1");
  expect(await build()).toBe(1);
});

it("a step that fails is due again", async () => {
  writeFileSync(path("alone"), "2");
  await expect(build(true)).rejects.toThrow("on purpose");
  expect([await build(), await build()]).toEqual([3, 3]);
});
