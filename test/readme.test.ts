import { describe, expect, it } from "vitest";
import { methods, metrics } from "../src/evaluate/index.ts";
import { composites, lrnModes, rules } from "../src/index.ts";
import { ops } from "../src/ops/index.ts";
import { blocks, complaints, run } from "./blocks.ts";
import { readTable, table, writeTable } from "./readme.ts";
import { summary } from "./runtimes/cases.mjs";

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
  metrics: table(
    ["metric", "what it measures", "range", "better", "needs", "source"],
    metrics.map((m) => [`\`${m.name}\``, m.summary, m.range, m.better, m.needs.join(", "), m.source]),
  ),
  lrn: table(
    ["`lrn`", "what it does"],
    Object.entries(lrnModes).map(([name, { summary }]) => [`\`${name}\``, summary]),
  ),
  operators: table(
    ["operator", "how relevance passes"],
    [...ops.values()].filter((op) => op.family !== "taylor").map((op) => [op.type, op.summary]),
  ),
  runtimes: table(["runtime or bundler", "version", "what is imported", "binary"], summary()),
};

describe("README", () => {
  it.each(Object.keys(tables))("the table of %s is that of the library (npm run docs writes it)", (name) => {
    if (process.env.WRITE_DOCS) writeTable(name, tables[name]);
    else expect(readTable(name)).toBe(tables[name]);
  });
});

describe("code in the README and the guides", () => {
  it.each(blocks)("runs and prints what it says: $where", (block) => {
    expect(run(block).filter(Boolean)).toEqual(block.prints);
  });

  it("has the package's types", () => {
    expect(complaints()).toEqual([]);
  });
});
