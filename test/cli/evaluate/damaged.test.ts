import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../src/cli/run.ts";
import { checkSame } from "../../../src/cli/evaluate/store.ts";
import { parts, settings as made } from "./parts.ts";

/** Folders of results in which a file is not as it was written. */

const sha256 = "a".repeat(64);
const settings = {
  ...made,
  model: { ...made.model, sha256 },
  data: { ...made.data, sha256, images: 3 },
};
const three = parts.map((part, image) => ({ ...part, image }));
let dir = "";
const at = (name: string) => join(dir, name);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "relprop-"));
  mkdirSync(at("part/parts"), { recursive: true });
  writeFileSync(at("part/settings.json"), JSON.stringify(settings));
  for (const part of three) writeFileSync(at(`part/parts/0000${part.image}.json`), JSON.stringify(part));
  return () => rmSync(dir, { recursive: true });
});

async function merge(...more: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: string[][] = [[], []];
  const streams = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) };
  const code = await run(["merge", at("part"), ...more, "--out", at("merged")], streams);
  return { code, out: out.join(""), err: err.join("") };
}

const REMOVE = "It is damaged: remove it, and run the same line again.\n";
/** A part that can be made wrong. */
type Loose = {
  image: unknown;
  predicted: { index: unknown };
  methods: {
    method: unknown;
    values: Record<string, unknown>;
    missing: Record<string, unknown>;
    curves: { morf: unknown[] };
  }[];
};
const changed = (change: (part: Loose) => void) => {
  const part = structuredClone(three[1]) as unknown as Loose;
  change(part);
  return JSON.stringify(part);
};
const whole = JSON.stringify(three[1]);
const deep = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;

test("whole ones are merged", async () => {
  expect(await merge()).toMatchObject({ code: 0, err: "" });
  expect(readdirSync(at("merged"))).toContain("report.html");
});

describe("a part", () => {
  test.each<[string, string, string]>([
    ["null", "null", ": expected an object, got null."],
    ["{}", "{}", ", image: expected 1, got nothing."],
    ["a list", "[]", ": expected an object, got []."],
    ["NaN", whole.replace('"morf":3', '"morf":NaN'), ": expected JSON, as relprop evaluate writes it,"],
    ["cut off", whole.slice(0, -9), ": expected JSON, as relprop evaluate writes it, got text that is no JSON ("],
    ["nothing", "", ": expected the results of an image, got an empty file."],
    ["deep", deep, ": lists and objects in it nest deeper than 64."],
    ["of another image", JSON.stringify(three[2]), ", image: expected 1, got 2."],
    [
      "infinite",
      whole.replace('"morf":3', '"morf":1e999'),
      ", methods[0].values.morf: expected a finite number, got Infinity.",
    ],
    [
      "without a metric",
      changed((p) => delete p.methods[1].values.gini),
      ", methods[1].values.gini: expected a finite number, got nothing.",
    ],
    ["without a method", changed((p) => p.methods.pop()), ", methods.length: expected 2, got 1."],
    [
      "with a null in its methods",
      changed((p) => p.methods.splice(0, 1, null as unknown as Loose["methods"][0])),
      ", methods[0]: expected an object, got null.",
    ],
    [
      "of another method",
      changed((p) => Object.assign(p.methods[0], { method: "third" })),
      ", methods[0].method: expected first, got 'third'.",
    ],
    [
      "with a text in a curve",
      changed((p) => p.methods[0].curves.morf.splice(1, 1, "1")),
      ", methods[0].curves.morf[1]: expected a finite number, got '1'.",
    ],
    [
      "with a curve cut off",
      changed((p) => p.methods[0].curves.morf.pop()),
      ", curve 'morf': expected 2 points, got 1.",
    ],
    [
      "with a class of its own kind",
      changed((p) => Object.assign(p.predicted, { index: -1 })),
      ", predicted.index: expected a whole number from 0 on, got -1.",
    ],
    [
      "with a reason that is none",
      changed((p) => Object.assign(p.methods[0].missing, { gini: {} })),
      ", methods[0].missing.gini: expected a text, got [object Object].",
    ],
  ])("%s", async (_, content, message) => {
    writeFileSync(at("part/parts/00001.json"), content);
    const { code, out, err } = await merge();
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(`relprop: file '${at("part/parts/00001.json")}'${message}`.slice(0, 300));
    if (content !== "") expect(err.endsWith(REMOVE)).toBe(true);
    expect(readdirSync(dir)).toEqual(["part"]);
  });

  test("several are all named", async () => {
    for (const image of [0, 2]) writeFileSync(at(`part/parts/0000${image}.json`), "{}");
    const { err } = await merge();
    for (const image of [0, 2])
      expect(err).toContain(`file '${at(`part/parts/0000${image}.json`)}', image: expected ${image}, got nothing.`);
  });

  test("of an image that there is not", async () => {
    writeFileSync(at("part/parts/00007.json"), JSON.stringify({ ...three[1], image: 7 }));
    expect((await merge()).err).toContain("00007.json': there is no image 7: the data has 3, counted from 0.");
  });

  test("that is a folder", async () => {
    rmSync(at("part/parts/00001.json"));
    mkdirSync(at("part/parts/00001.json"));
    expect((await merge()).err).toContain("00001.json': expected the results of an image, got a directory.");
  });
});

describe("settings", () => {
  test.each<[string, unknown, string]>([
    ["null", null, ": expected an object, got null."],
    ["{}", {}, ", relprop: expected a text, got nothing."],
    [
      "without images",
      { ...settings, data: { ...settings.data, images: 0 } },
      ", data.images: expected 1 or more, got 0.",
    ],
    ["of an unknown metric", { ...settings, metrics: ["morf", "mort"] }, ", metrics[1]: expected one of "],
    ["without the model", { ...settings, model: null }, ", model: expected an object, got null."],
    ["of methods that are no list", { ...settings, methods: "first" }, ", methods: expected a list, got 'first'."],
  ])("%s", async (_, content, message) => {
    writeFileSync(at("part/settings.json"), JSON.stringify(content));
    const { code, err } = await merge();
    expect(code).toBe(2);
    expect(err).toContain(`relprop: file '${at("part/settings.json")}'${message}`);
    expect(err.endsWith(REMOVE) || err.includes("...")).toBe(true);
  });
});

describe("an image in two folders", () => {
  const both = (content: string) => {
    mkdirSync(at("other/parts"), { recursive: true });
    writeFileSync(at("other/settings.json"), JSON.stringify(settings));
    writeFileSync(at("other/parts/00001.json"), content);
    return merge(at("other"));
  };

  test("with the same results counts once", async () => {
    const alone = await merge();
    const report = readFileSync(at("merged/results.json"));
    rmSync(at("merged"), { recursive: true });
    expect(await both(whole)).toEqual(alone);
    expect(readFileSync(at("merged/results.json"))).toEqual(report);
  });

  test("with other results is refused", async () => {
    const { code, err } = await both(JSON.stringify({ ...three[1], name: "another" }));
    expect(code).toBe(2);
    expect(err).toContain("have different results for one image. Remove one of the two.");
    expect(readdirSync(dir)).not.toContain("merged");
  });

  test("also where an earlier merge has left it", async () => {
    await merge();
    writeFileSync(at("part/parts/00001.json"), JSON.stringify({ ...three[1], name: "another" }));
    expect((await merge()).err).toContain(`'${at("merged/parts/00001.json")}' and '${at("part/parts/00001.json")}'`);
  });
});

test("one message says in what two evaluations differ, without their hashes", () => {
  const other = { ...made, model: { ...made.model, sha256: "f".repeat(64) }, metrics: ["gini"] };
  expect(() => checkSame("report", other, made)).toThrow(
    "folder 'report': it has results of another evaluation: the model is another one; metrics is [\"gini\"] there, and ",
  );
});
