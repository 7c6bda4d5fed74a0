import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { rare } from "../src/ops/rare/index.ts";

/*
 * What a page gets, and what it gets by `relprop/operators`. The tests have all operators, so this is seen in a process
 * of its own, and in the package as a program has it.
 */

const root = resolve(import.meta.dirname, "..");
const run = (file: string) => execFileSync(process.execPath, [file], { encoding: "utf8" }).trim().split("\n");

/** A folder with a program in it, whose relprop is the one that was built. */
function programIn(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "relprop-operators-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/relprop"));
  const file = join(folder, "program.mjs");
  writeFileSync(file, text);
  return file;
}

test("what a page does not have tells which import brings it, and that is all it takes", () => {
  const types = rare.map(({ type }) => type).filter((type) => !type.endsWith("Rounding"));
  const program = programIn(`
    import { network, op } from "${join(root, "dist/index.js")}";
    const says = (type) => {
      try {
        network({ inputs: { x: [1] }, build: (g, { x }) => ({ y: g.node(op(type, { no: 1 }), x) }) });
      } catch ({ message }) {
        return message;
      }
    };
    const types = ${JSON.stringify(types)};
    for (const type of types) console.log(says(type));
    await import("${join(root, "dist/operators.js")}");
    for (const type of types) console.log(says(type));
  `);
  const said = run(program);
  for (const [i, type] of types.entries()) {
    expect(said[i]).toContain(
      `relprop does not run the operator '${type}'. ` +
        'Write import "relprop/operators" beside the import of relprop: it adds more operators',
    );
    expect(said[types.length + i]).not.toContain("relprop does not run");
  }
});

const SUMS = `
  import { load, op, sequential } from "relprop";
  const model = await load(sequential({ input: [3] }, [op("CumSum", {}, [1])]));
  console.log([...model.predict({ data: Float32Array.of(1, 2, 4), dims: [1, 3] }).output.data].join());
`;

test("Node has all operators", () => {
  expect(run(programIn(SUMS))).toEqual(["1,3,7"]);
});

test("a bundler keeps an import that has nothing to give but what it does", async () => {
  const file = programIn(`import "relprop/operators";\n${SUMS}`);
  const outfile = file.replace("program", "bundle");
  const options = { bundle: true, minify: true, format: "esm", platform: "browser", logLevel: "silent" } as const;
  await build({ ...options, entryPoints: [file], outfile });
  expect(run(outfile)).toEqual(["1,3,7"]);
});
