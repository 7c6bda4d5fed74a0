import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** The straight line of src: a room may take from itself and from those before it, never from those after. */
const rooms = [
  "base",
  "graph",
  "program",
  "ops",
  "read",
  "infer",
  "canonize",
  "rules",
  "plan",
  "run",
  "model",
  "picture",
  "evaluate",
  "parallel",
  "service",
  "queue",
  "entries",
  "cli",
];
/** What the build writes has no room, and takes nothing from any. */
const isGenerated = (file: string) => /^src\/\w+\.gen(\.ts)?$/.test(file);

const { exports, bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** The package as a user has it. */
const entries: readonly string[] = JSON.stringify([exports, bin]).match(/dist\/[\w/-]+\.js/g)!;
const isEntry = (file: string) => entries.includes(file);
/** Its inside, as it was compiled. */
const isInside = (file: string) => file.startsWith("build/js/");

/**
 * What code of a folder may import by path from outside of it. Nobody but tests imports src: what is demonstrated and
 * measured is what was built, and only benches and studies look inside.
 */
const outside: Readonly<Record<string, (file: string) => boolean>> = {
  src: () => false,
  assembly: () => false,
  demo: (file) => isEntry(file) || file === "test/build.ts",
  examples: () => false,
  bench: (file) => isEntry(file) || isInside(file) || file === "assembly/simd.ts",
  docs: (file) => isEntry(file) || isInside(file) || file === "bench/table.mjs",
};

const isCode = (path: string) => /\.(ts|mjs|js)$/.test(path);
const isInstalled = (path: string) => /(^|\/)(node_modules|dist|build)\//.test(path);
const codeIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => `${folder}/${file}`)
    .filter((file) => isCode(file) && !isInstalled(file));

const files = codeIn("src");
const code = [...Object.keys(outside), "test"].flatMap(codeIn);
const roomOf = (file: string) => (isGenerated(file) ? -1 : rooms.indexOf(file.split("/")[1]));

/** Code that a file imports or starts by its path; AssemblyScript leaves the extension out. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const paths = [...text.matchAll(/(?:\bfrom |\bimport |\bimport\(|new URL\()"(\.[^"]+)"/g)].map(([, path]) => path);
  return paths
    .map((path) => relative(root, resolve(dirname(join(root, file)), /\.\w+$/.test(path) ? path : `${path}.ts`)))
    .filter(isCode);
}

describe("architecture", () => {
  it("every file has a room", () => {
    expect(files.filter((file) => roomOf(file) < 0 && !isGenerated(file))).toEqual([]);
  });

  it.each(files)("%s imports nothing from a later room", (file) => {
    expect(importsOf(file).filter((other) => roomOf(other) > roomOf(file))).toEqual([]);
  });

  it("no imports in a circle anywhere", () => {
    const graph = new Map(code.map((file) => [file, importsOf(file)]));
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) throw new Error([...path.slice(path.indexOf(file)), file].join(" → "));
      if (done.has(file)) return;
      for (const other of graph.get(file) ?? []) visit(other, [...path, file]);
      done.add(file);
    };
    for (const file of code) visit(file, []);
  });

  it.each(Object.keys(outside))("%s imports nothing that lies outside of it but what it may", (folder) => {
    const stray = codeIn(folder).flatMap((file) =>
      importsOf(file)
        .filter((other) => !other.startsWith(`${folder}/`) && !outside[folder](other))
        .map((other) => `${file}: ${other}`),
    );
    expect(stray).toEqual([]);
  });

  it.each(files.filter((file) => !file.endsWith(".gen.ts")))("%s can be read in one go (at most 300 lines)", (file) => {
    expect(readFileSync(join(root, file), "utf8").split("\n").length).toBeLessThanOrEqual(301);
  });

  it("the core takes nothing from Node and evaluates no text", () => {
    // The clients of a Redis run in Node, too.
    for (const file of files.filter((f) => !/^src\/(cli|queue)\//.test(f) && !f.endsWith(".gen.ts"))) {
      const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
      expect(text, file).not.toMatch(/from "node:|\beval\(|new Function\(|\brequire\("|\bprocess\.|\bBuffer\b\./);
    }
  });

  it("kernels hold no state", () => {
    for (const file of readdirSync(join(root, "assembly")).filter((f) => f.endsWith(".ts"))) {
      expect(readFileSync(join(root, "assembly", file), "utf8"), file).not.toMatch(/^(let|var) /m);
    }
  });
});
