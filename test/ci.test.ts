import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const read = (name: string) => readFileSync(join(resolve(import.meta.dirname, ".."), name), "utf8");
const scripts: Readonly<Record<string, string>> = JSON.parse(read("package.json")).scripts;

/** The scripts that a text names: `npm test`, `npm run NAME`. */
const namedIn = (text: string) =>
  [...text.matchAll(/\bnpm (?:run (?:--silent )?([\w:]+)|(test)\b)/g)].map(([, name, test]) => name ?? test);

/** What .ci/run runs: its steps, and what these run. */
const steps = namedIn(String(read(".ci/run").match(/\bstep npm .*/g)));
const run = new Set(steps);
for (const name of run) for (const inner of namedIn(scripts[name] ?? "")) run.add(inner);

const left: Readonly<Record<string, string>> = {
  docs: "writes the README's tables; test/readme.test.ts compares them",
  wild: "writes a page; test/wild/wild.test.ts compares it",
  format: "writes sources",
  "demo:page": "serves until it is ended; test:browser builds the page and visits it",
  mutants: "takes long; each fault in its list is there so that a test is",
  "study:lrn": "takes half an hour",
  "study:leaderboard": "takes half an hour",
};

describe(".ci/run", () => {
  it.each(Object.keys(scripts))("runs npm run %s, or there is a reason why not", (name) => {
    expect(run.has(name), left[name]).toBe(!(name in left));
  });

  it("runs scripts that there are", () => {
    expect(steps.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe.each(["README.md", "CONTRIBUTING.md", "assembly/README.md", "bench/README.md"])("%s", (file) => {
  it("names scripts that there are", () => {
    const named = namedIn(read(file));
    expect(named).not.toEqual([]);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
