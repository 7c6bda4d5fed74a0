import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "..");
export const readme = join(root, "README.md");
export const referenceFolder = join(root, "docs/reference");
const reference = (name: string) => join(referenceFolder, `${name}.md`);

export const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");

/** A text around the table of that name. */
function around(name: string, file: string): { before: string; text: string; after: string } {
  const all = readFileSync(file, "utf8");
  const start = `<!-- ${name} -->\n`;
  const [from, to] = [all.indexOf(start) + start.length, all.indexOf(`<!-- /${name} -->`)];
  return { before: all.slice(0, from), text: all.slice(from, to).trim(), after: all.slice(to) };
}

/** Which file has which table, between comments of its name. */
const places: Readonly<Record<string, string>> = {
  families: readme,
  rules: reference("rules"),
  parameters: reference("rules"),
  composites: reference("rules"),
  lrn: reference("rules"),
  methods: reference("methods"),
  metrics: reference("metrics"),
  operators: reference("operators"),
  runtimes: reference("runtimes"),
  differences: reference("precision"),
  commands: reference("command-line"),
  "cli-options": reference("command-line"),
};

export const readTable = (name: string, file = places[name]): string => around(name, file).text;

export function writeTable(name: string, text: string, file = places[name]): void {
  const { before, after } = around(name, file);
  writeFileSync(file, `${before}${text}\n${after}`);
}
