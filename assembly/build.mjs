/*
 * Compiles the AssemblyScript kernels to build/*.wasm and embeds them:
 * src/core.gen.ts holds both binaries as base64 and the type of their exports,
 * so that a misspelled kernel or a wrong number of arguments does not compile.
 * src/threads/shared.gen.ts holds the same two over a memory that is shared, the names of the arguments, and the program of a thread
 * as text: a page's bundler need not know that there is one.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";

const at = (path) => new URL(`../${path}`, import.meta.url);
const asc = at("node_modules/assemblyscript/bin/asc.js").pathname;

for (const target of ["release", "relaxed", "shared", "shared-relaxed"]) {
  execFileSync(process.execPath, [asc, "--config", "asconfig.json", "--target", target], { cwd: at(".").pathname, stdio: "inherit" });
}

const declarations = readFileSync(at("build/core.d.ts"), "utf8");
const kernels = [...declarations.matchAll(/export function (\w+)\((.*)\): (\w+);/g)];
const base64 = (path) => readFileSync(at(path)).toString("base64");
const worker = buildSync({
  entryPoints: [at("src/threads/worker.ts").pathname],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  write: false,
}).outputFiles[0].text;

writeFileSync(
  at("src/core.gen.ts"),
  `// Written by assembly/build.mjs.
/** The kernels, as the compiler declares them. */
export interface Kernels {
${kernels.map(([, name, parameters, result]) => `  ${name}(${parameters}): ${result};`).join("\n")}
}

/** Plain SIMD. */
export const simd: string = "${base64("build/core.wasm")}";

/** The same source with relaxed SIMD: fused multiply-add. */
export const relaxed: string = "${base64("build/core-relaxed.wasm")}";
`,
);

writeFileSync(
  at("src/threads/shared.gen.ts"),
  `// Written by assembly/build.mjs.
import type { Kernels } from "../core.gen.ts";

/** The kernels over a memory that several instances share. */
export const shared: { readonly simd: string; readonly relaxed: string } = {
  simd: "${base64("build/shared.wasm")}",
  relaxed: "${base64("build/shared-relaxed.wasm")}",
};

/** What a thread runs: worker.ts in one piece. */
export const worker: string = ${JSON.stringify(worker)};

/** The names of every kernel's arguments, in order. */
export const parameters: Readonly<Record<keyof Kernels, readonly string[]>> = ${JSON.stringify(
    Object.fromEntries(kernels.map(([, name, list]) => [name, [...list.matchAll(/(\w+):/g)].map(([, argument]) => argument)])),
    undefined,
    2,
  )};
`,
);
