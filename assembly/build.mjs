/*
 * Compiles the AssemblyScript kernels to build/*.wasm and embeds them:
 * src/kernels.gen.ts holds the types of their exports and the names of their arguments, so that a misspelled kernel or argument does
 * not compile, and the version with which the binaries are signed; src/core.gen.ts holds both binaries in hexadecimal.
 * src/threads/shared.gen.ts holds the same two over a memory that is shared, and the program of a thread
 * as text: a page's bundler need not know that there is one.
 * build/checked.wasm, whose kernels assert what they demand of their arguments, is for tests and stays there.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";

const at = (path) => new URL(`../${path}`, import.meta.url);
const asc = at("node_modules/assemblyscript/bin/asc.js").pathname;

const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));

/** The name and content of a custom section, each shorter than 128 bytes: whoever is handed a binary can tell whose it is. */
function section(name, text) {
  const content = Buffer.concat([Buffer.of(name.length), Buffer.from(name + text)]);
  return Buffer.concat([Buffer.of(0, content.length), content]);
}

for (const folder of ["build", "dist"]) rmSync(at(folder), { recursive: true, force: true });
mkdirSync(at("dist"));
for (const target of ["release", "relaxed", "shared", "shared-relaxed", "checked"]) {
  execFileSync(process.execPath, [asc, "--config", "asconfig.json", "--target", target], { cwd: at(".").pathname, stdio: "inherit" });
}
for (const name of ["core.wasm", "core-relaxed.wasm"]) {
  appendFileSync(at(`build/${name}`), section("relprop", version));
  copyFileSync(at(`build/${name}`), at(`dist/${name}`));
}

const declarations = readFileSync(at("build/core.d.ts"), "utf8");
/** Every kernel with its arguments; the comment before each function says which of them are pointers. */
const kernels = [...declarations.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s*export function (\w+)\((.*)\): (\w+);/g)].map(([, types, name, list, result]) => ({
  name,
  list,
  result,
  parameters: [...types.matchAll(/@param (\w+) `(\w+)`/g)].map(([, parameter, type]) => ({ name: parameter, isPointer: type === "usize" })),
}));
const hex = (path) => readFileSync(at(path)).toString("hex");
const worker = buildSync({
  entryPoints: [at("src/threads/worker.ts").pathname],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  write: false,
}).outputFiles[0].text;

writeFileSync(
  at("src/kernels.gen.ts"),
  `// Written by assembly/build.mjs.
/** The kernels, as the compiler declares them. */
export interface Kernels {
${kernels.map(({ name, list, result }) => `  ${name}(${list}): ${result};`).join("\n")}
}

/** The arguments of every kernel by name: pointers are of type P. */
export interface KernelArguments<P> {
${kernels.map(({ name, parameters }) => `  ${name}: { ${parameters.map((p) => `readonly ${p.name}: ${p.isPointer ? "P" : "number"}`).join("; ")} };`).join("\n")}
}

/** The names of every kernel's arguments, in order, with a space between. */
const parameters: Readonly<Record<keyof Kernels, string>> = {
${kernels.map(({ name, parameters }) => `  ${name}: "${parameters.map((p) => p.name).join(" ")}",`).join("\n")}
};

/** The names of a kernel's arguments, in order. */
export const parametersOf = (kernel: keyof Kernels): readonly string[] => parameters[kernel].split(" ");

/** With which the binaries are signed. */
export const version = "${version}";
`,
);

writeFileSync(
  at("src/core.gen.ts"),
  `// Written by assembly/build.mjs.
/** Plain SIMD. */
export const simd: string = "${hex("build/core.wasm")}";

/** The same source with relaxed SIMD: fused multiply-add. */
export const relaxed: string = "${hex("build/core-relaxed.wasm")}";
`,
);

writeFileSync(
  at("src/threads/shared.gen.ts"),
  `// Written by assembly/build.mjs.
/** The kernels over a memory that several instances share. */
export const shared: { readonly simd: string; readonly relaxed: string } = {
  simd: "${hex("build/shared.wasm")}",
  relaxed: "${hex("build/shared-relaxed.wasm")}",
};

/** What a thread runs: worker.ts in one piece. */
export const worker: string = ${JSON.stringify(worker)};
`,
);
