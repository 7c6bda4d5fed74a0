import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import { methods, metrics } from "../src/evaluate/index.ts";
import { composites, lrnModes, type ParameterRow, parameters, rules } from "../src/entries/index.ts";
import { ops } from "../src/ops/index.ts";
import { rare } from "../src/ops/rare/index.ts";
import { type Fields, ruleFields } from "../src/rules/literal.ts";
import { expectedOf, type ParameterName } from "../src/rules/parameters.ts";
import { familyRows } from "./families.ts";
import { blocks, complaints, guides, runAll, tutorials } from "./blocks.ts";
import { readTable, root, table, writeTable } from "./readme.ts";
import { summary } from "./runtimes/cases.mjs";
import { commands } from "../src/cli/commands.ts";
import { described, groups, usage } from "../src/cli/help.ts";
import { type Option, optionExample } from "../src/cli/option.ts";
import { inGroup, options } from "../src/cli/options.ts";

/** The default of a parameter, and where it is another. */
const defaultOf = (name: string, { default: value = "" }: ParameterRow) =>
  [
    value,
    ...composites.flatMap((c) =>
      Object.entries(c.defaults ?? {}).flatMap(([k, v]) => (k === name ? [`${v} in ${c.name}`] : [])),
    ),
  ].join("; ");

/** The options of a group, each with an example and the commands that take it. */
const optionTable = (group: Option["group"]) =>
  table(
    ["option", "what it does", "example", "commands"],
    inGroup(group).map((name) => {
      const option: Option = options[name];
      const takers = commands.filter(({ options }) => options.some((own) => own === name));
      return [
        `\`--${name}${option.value ? ` ${option.value}` : ""}\``,
        described(option),
        `\`--${name}${option.kind === "flag" ? "" : ` ${optionExample(option)}`}\``,
        takers.map((command) => command.name).join(", "),
      ];
    }),
  );

/** The tables of README and reference, from the tables of the library. */
const tables: Readonly<Record<string, string>> = {
  rules: table(
    ["rule", "equation", "what it does", "source", "parameters"],
    rules.map((r) => [`\`${r.name}\``, r.equation, r.summary, r.source, r.parameters.join(", ")]),
  ),
  parameters: table(
    ["parameter", "what it is", "may be", "default", "rules that read it"],
    (Object.entries(parameters) as [ParameterName, ParameterRow][]).map(([name, row]) => [
      `\`${name}\``,
      row.summary,
      `${expectedOf(name)}${row.beside ? `, with ${row.beside.name} ${row.beside.value}` : ""}`,
      defaultOf(name, row),
      row.rules.join(", "),
    ]),
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
    ["operator", "what becomes of the relevance of its output", "a page imports"],
    [...ops.values()]
      .filter(({ family, type }) => family !== "taylor" && !type.endsWith("Rounding"))
      .map((op) => [op.type, op.summary, rare.includes(op) ? "`relprop/operators`" : ""]),
  ),
  families: table(["network", "predicts", "is explained", "note"], familyRows),
  commands: table(
    ["command", "what it does", "it needs"],
    commands.map((c) => [`\`${usage(c)}\``, c.summary, (c.needs ?? []).map((name) => `\`--${name}\``).join(", ")]),
  ),
  "cli-options": groups.map(([group, title]) => `### ${title}\n\n${optionTable(group)}`).join("\n\n"),
  runtimes: table(["runtime or bundler", "version", "what is imported", "binary"], summary()),
};

describe("README and reference", () => {
  it.each(Object.keys(tables))("the table of %s is that of the library (npm run docs writes it)", (name) => {
    if (process.env.WRITE_DOCS) writeTable(name, tables[name]);
    else expect(readTable(name)).toBe(tables[name]);
  });
});

/** Every field of a rule as an object, and what it may be, in the order of the library. */
const fieldRows = (of: string, fields: Fields): string[] =>
  Object.entries(fields).flatMap(([name, field]) => [
    `| ${of} | \`${name}\` | ${field.expected}${field.optional ? ", or nothing" : ""} |`,
    ...(field.fields ? fieldRows(field.each ?? name, field.fields) : []),
  ]);

test("the guide has every field of a rule as an object, with what it may be", () => {
  const { pass, linear, own } = ruleFields;
  const more = (kind: string, { kind: _, name: __, ...fields }: Fields) => fieldRows(kind, fields);
  const lines = readTable("fields", join(guides, "choosing-a-rule.md")).split("\n").slice(2);
  const expected = [...fieldRows("every rule", pass), ...more("linear", linear), ...more("own", own)];
  expect(lines.map((line) => `${line.split(" |").slice(0, 3).join(" |")} |`)).toEqual(expected);
});

/** Files of the examples that a tutorial shows, between comments of their names. */
const copies = readdirSync(tutorials).flatMap((name) => {
  const file = join(tutorials, name);
  const shown = readFileSync(file, "utf8").matchAll(/^<!-- (examples\/\S+) -->$/gm);
  return [...shown].map(([, example]) => ({ tutorial: name, example, file }));
});

it.each(copies)("$tutorial shows $example as it is (npm run docs writes it)", ({ example, file }) => {
  const block = `\`\`\`${extname(example).slice(1)}\n${readFileSync(join(root, example), "utf8")}\`\`\``;
  if (process.env.WRITE_DOCS) writeTable(example, block, file);
  else expect(readTable(example, file)).toBe(block);
});

describe("code in the README, the guides, the tutorials and the reference", () => {
  let printed: readonly string[][];
  beforeAll(() => {
    printed = runAll();
  });

  it.each(blocks.map((block, i) => ({ ...block, i })))("prints what it says: $where", ({ i, prints }) => {
    expect(printed[i].filter(Boolean)).toEqual(prints);
  });

  it("has the package's types", () => {
    expect(complaints()).toEqual([]);
  });
});
