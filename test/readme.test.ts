import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { methods } from "../src/evaluate/index.ts";
import { composites, lrnModes, rules } from "../src/index.ts";
import { ops } from "../src/ops/index.ts";
import { readme, readTable, root, table, writeTable } from "./readme.ts";

/** The tables of the README, from the tables of the library. */
const tables: Readonly<Record<string, string>> = {
  rules: table(
    ["rule", "equation", "what it does", "source", "parameters"],
    rules.map((r) => [`\`${r.name}\``, r.equation, r.summary, r.source, r.parameters.join(", ")]),
  ),
  composites: table(
    ["composite", "rules", "parameters"],
    composites.map((c) => [`\`${c.name}\``, c.summary, c.parameters.join(", ")]),
  ),
  methods: table(
    ["method", "equation", "what it does", "source", "parameters"],
    methods.map((m) => [`\`${m.name}\``, m.equation, m.summary, m.source, m.parameters.join(", ")]),
  ),
  lrn: table(
    ["`lrn`", "what it does"],
    Object.entries(lrnModes).map(([name, { summary }]) => [`\`${name}\``, summary]),
  ),
  operators: table(
    ["operator", "how relevance passes"],
    [...ops.values()].filter((op) => op.family !== "taylor").map((op) => [op.type, op.summary]),
  ),
};

describe("README", () => {
  it.each(Object.keys(tables))("the table of %s is that of the library (npm run docs writes it)", (name) => {
    if (process.env.WRITE_DOCS) writeTable(name, tables[name]);
    else expect(readTable(name)).toBe(tables[name]);
  });

  const blocks = [...readFileSync(readme, "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  const built = existsSync(join(root, "dist/index.js"));
  if (!built) console.log("skipped: the README's code, which needs npm run build");

  it.runIf(built).each(blocks)("its code runs: %#", (code) => {
    const folder = mkdtempSync(join(tmpdir(), "relprop-readme-"));
    const script = join(folder, "block.mjs");
    const types = code.replace("type Composite, ", "").replace("mine: Composite", "mine").replace("(...dims: number[])", "(...dims)");
    writeFileSync(
      script,
      types
        .replace('"relprop"', JSON.stringify(`file://${join(root, "dist/index.js")}`))
        .replace('"relprop/evaluate"', JSON.stringify(`file://${join(root, "dist/evaluate/index.js")}`))
        .replace('"stroke.png"', JSON.stringify(join(folder, "stroke.png"))),
    );
    expect(execFileSync(process.execPath, [script], { cwd: root, encoding: "utf8" }).length).toBeGreaterThan(0);
  });
});
