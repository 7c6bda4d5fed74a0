import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

/** The straight line: a room may take from itself and from those before it, never from those after. */
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
  "entries",
  "parallel",
  "cli",
];
/** What the build writes has no room, and takes nothing from any. */
const isGenerated = (file: string) => /^\w+\.gen(\.ts)?$/.test(file);

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const roomOf = (file: string) => (isGenerated(file) ? -1 : rooms.indexOf(file.split("/")[0]));

function importsOf(file: string): string[] {
  const text = readFileSync(join(source, file), "utf8");
  return [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, path]) =>
    relative(source, resolve(dirname(join(source, file)), path)),
  );
}

describe("architecture", () => {
  it("every file has a room", () => {
    expect(files.filter((file) => roomOf(file) < 0 && !isGenerated(file))).toEqual([]);
  });

  it.each(files)("%s imports nothing from a later room", (file) => {
    expect(importsOf(file).filter((other) => roomOf(other) > roomOf(file))).toEqual([]);
  });

  it("no imports in a circle", () => {
    const graph = new Map(files.map((file) => [file, importsOf(file)]));
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) throw new Error([...path.slice(path.indexOf(file)), file].join(" → "));
      if (done.has(file)) return;
      for (const other of graph.get(file) ?? []) visit(other, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });

  it.each(files.filter((file) => !file.endsWith(".gen.ts")))("%s can be read in one go (at most 350 lines)", (file) => {
    expect(readFileSync(join(source, file), "utf8").split("\n").length).toBeLessThanOrEqual(351);
  });

  it("the core takes nothing from Node and evaluates no text", () => {
    for (const file of files.filter((f) => !f.startsWith("cli/") && !f.endsWith(".gen.ts"))) {
      const code = readFileSync(join(source, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
      expect(code, file).not.toMatch(/from "node:|\beval\(|new Function\(|\brequire\("|\bprocess\.|\bBuffer\b\./);
    }
  });

  it("kernels hold no state", () => {
    for (const file of readdirSync(join(root, "assembly")).filter((f) => f.endsWith(".ts"))) {
      expect(readFileSync(join(root, "assembly", file), "utf8"), file).not.toMatch(/^(let|var) /m);
    }
  });
});
