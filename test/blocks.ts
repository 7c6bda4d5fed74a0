import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { transformSync } from "esbuild";
import ts from "typescript";
import { readme, referenceFolder, root } from "./readme.ts";

/** A piece of TypeScript in a text, and the lines that it says it prints: what follows `// → `. */
export interface Block {
  /** File and line of the text. */
  readonly where: string;
  readonly code: string;
  readonly prints: readonly string[];
}

export const guides = join(root, "docs/guides");
const inside = join(root, "docs/inside.md");
export const tutorials = join(root, "docs/tutorials");
const landing = join(root, "docs/index.md");
const texts = [
  readme,
  inside,
  landing,
  ...[guides, tutorials, referenceFolder].flatMap((folder) => readdirSync(folder).map((file) => join(folder, file))),
].filter((f) => f.endsWith(".md"));

function blocksOf(file: string): Block[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(({ 1: code, index }) => ({
    where: `${relative(root, file)}:${text.slice(0, index).split("\n").length + 1}`,
    code,
    prints: [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line.trimEnd()),
  }));
}

/** Every piece of TypeScript that the README, the site's first page, guides, tutorials and the reference have. */
export const blocks = texts.flatMap(blocksOf);

/** A folder of a program that has installed relprop and what its blocks import, with the demo's files beside it. */
function program(): string {
  const folder = mkdtempSync(join(tmpdir(), "relprop-blocks-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/relprop"));
  for (const path of ["node_modules/@types", "node_modules/@huggingface", "node_modules/fast-png", "demo"])
    symlinkSync(join(root, path), join(folder, path));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  return folder;
}

/** Runs the scripts that it is given, one after the other, and prints what each of them prints as JSON. */
const runner = `import { format } from "node:util";
const all = [];
for (const script of process.argv.splice(2)) {
  const lines = [];
  console.log = (...given) => lines.push(...format(...given).split("\\n"));
  try { await import(script); } catch (error) { lines.push(String(error?.stack ?? error)); }
  all.push(lines);
}
process.stdout.write(JSON.stringify(all), () => process.exit());`;

/** Runs all blocks, in one process since each takes half a second to start. @returns the lines that each prints */
export function runAll(folder = program()): string[][] {
  const scripts = blocks.map(({ code }, i) => {
    const script = join(folder, `block${i}.js`);
    writeFileSync(script, transformSync(code, { loader: "ts", format: "esm", target: "es2022" }).code);
    return script;
  });
  const main = join(folder, "run.js");
  writeFileSync(main, runner);
  return JSON.parse(execFileSync(process.execPath, [main, ...scripts], { cwd: folder, encoding: "utf8" }));
}

/**
 * Checks the types of all blocks as a program that imports the package. @returns what the compiler says, with places in
 * the texts
 */
export function complaints(folder = program()): string[] {
  const files = blocks.map(({ code }, i) => {
    const file = join(folder, `block${i}.ts`);
    writeFileSync(file, code);
    return file;
  });
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      target: "es2022",
      module: "nodenext",
      lib: ["es2022", "dom"],
      types: ["node"],
      strict: true,
      noEmit: true,
      noUnusedLocals: true,
    },
    folder,
  );
  const program = ts.createProgram(files, options);
  // The blocks' files and the package's, not those of others: the compiler's and Node's take most of the time.
  const checked = program
    .getSourceFiles()
    .filter(({ fileName }) => !/node_modules\/(typescript|@types|@huggingface)\//.test(fileName));
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...checked.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  return found.map(({ file, start = 0, messageText }) => {
    const i = files.indexOf(file?.fileName ?? "");
    const line = file ? file.text.slice(0, start).split("\n").length : 0;
    return (
      `${i < 0 ? file?.fileName : blocks[i].where}, line ${line}: ` +
      `${ts.flattenDiagnosticMessageText(messageText, "\n")}`
    );
  });
}
