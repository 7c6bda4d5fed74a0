/*
 * npm run build: two steps, each of which runs only if anything has changed (stamp.mjs).
 *
 * kernels     compiles the AssemblyScript kernels to build/*.wasm, and signs those that are shipped as files.
 * TypeScript  embeds them, then compiles src/ to build/js/ and types, and joins the modules to what a program imports:
 * dist/.
 *
 * What is embedded: src/kernels.gen.ts holds the types of the kernels' exports and the names of their arguments, so
 * that a misspelled kernel or argument does not compile, and the version with which the binaries are signed;
 * src/core.gen.ts holds both binaries in hexadecimal, and src/codecs.gen.ts the decoders of pictures that npm has
 * installed. src/shared.gen.ts holds the same two over a memory that is
 * shared, and the program of a thread as text: a page's bundler need not know that there is one.
 * build/checked.wasm, whose kernels assert what they demand of their arguments, is for tests and stays there.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, relative } from "node:path";
import { createInterface } from "node:readline";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { buildSync } from "esbuild";
import { at, hashOf, step } from "./stamp.mjs";

/** What is compiled from the kernels: targets of asconfig.json. */
const targets = ["release", "relaxed", "shared", "shared-relaxed", "checked"];

const json = (path) => JSON.parse(readFileSync(at(path), "utf8"));
const { version, exports, bin } = json("package.json");
const config = json("asconfig.json");

const binaries = targets.map((target) => config.targets[target].outFile);
const generated = ["src/kernels.gen.ts", "src/core.gen.ts", "src/shared.gen.ts", "src/codecs.gen.ts"];
/** Decoders of pictures, by their names as files. */
const codecs = {
  "jpeg-turbo.wasm": new URL(import.meta.resolve("@cwasm/jpeg-turbo/jpeg-turbo.wasm")),
  "webp.wasm": new URL(import.meta.resolve("@cwasm/webp/webp.wasm")),
};

/** This program, and what npm has installed for it. */
const tools = ["assembly/build.mjs", "assembly/stamp.mjs", "node_modules/.package-lock.json"];

/** What a compiler says of its own work, not of a source. */
const IDLE = "Last converge was suboptimal.";

/** Runs programs of Node side by side. Whatever one has against a source, it prints. */
async function run(...programs) {
  const children = programs.map((args) => {
    const child = spawn(process.execPath, args, { cwd: at("."), stdio: ["inherit", "inherit", "pipe"] });
    createInterface({ input: child.stderr }).on("line", (line) => line === IDLE || console.error(line));
    return child;
  });
  const ends = await Promise.all(children.map((child) => once(child, "close")));
  if (ends.some(([code]) => code !== 0)) process.exit(1);
}

/**
 * The name and content of a custom section, each shorter than 128 bytes: whoever is handed a binary can tell whose it
 * is.
 */
function section(name, text) {
  const content = Buffer.concat([Buffer.of(name.length), Buffer.from(name + text)]);
  return Buffer.concat([Buffer.of(0, content.length), content]);
}

async function compileKernels() {
  const asc = ["node_modules/assemblyscript/bin/asc.js", "--config", "asconfig.json", "--target"];
  await run(...targets.map((target) => [...asc, target]));
  for (const name of ["core.wasm", "core-relaxed.wasm"])
    appendFileSync(at(`build/${name}`), section("relprop", version));
}

/** Writes what src/ knows of the kernels, and the program of a thread. */
function embed() {
  const declarations = readFileSync(at("build/core.d.ts"), "utf8");
  // Every kernel with its arguments; the comment before each function says which of them are pointers.
  const functions = declarations.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s*export function (\w+)\((.*)\): (\w+);/g);
  const kernels = [...functions].map(([, types, name, list, result]) => {
    const parameters = [...types.matchAll(/@param (\w+) `(\w+)`/g)].map(([, parameter, type]) => ({
      name: parameter,
      isPointer: type === "usize",
    }));
    return { name, list, result, parameters };
  });
  const hex = (path) => readFileSync(path).toString("hex");
  const member = ({ name, isPointer }) => `readonly ${name}: ${isPointer ? "P" : "number"}`;

  writeFileSync(
    at("src/kernels.gen.ts"),
    `// Written by assembly/build.mjs.
/** The kernels, as the compiler declares them. */
export interface Kernels {
${kernels.map(({ name, list, result }) => `  ${name}(${list}): ${result};`).join("\n")}
}

/** The arguments of every kernel by name: pointers are of type P. */
export interface KernelArguments<P> {
${kernels.map(({ name, parameters }) => `  ${name}: { ${parameters.map(member).join("; ")} };`).join("\n")}
}

/** The names of every kernel's arguments, in order, with a space between. */
const parameters: Readonly<Record<keyof Kernels, string>> = {
${kernels.map(({ name, parameters }) => `  ${name}: "${parameters.map((p) => p.name).join(" ")}",`).join("\n")}
};

const lists = new Map<keyof Kernels, readonly string[]>();

/** The names of a kernel's arguments, in order. */
export function parametersOf(kernel: keyof Kernels): readonly string[] {
  let list = lists.get(kernel);
  // Taken apart once: a plan has very many calls.
  if (!list) lists.set(kernel, (list = parameters[kernel].split(" ")));
  return list;
}

/** With which the binaries are signed. */
export const version = "${version}";
`,
  );

  writeFileSync(
    at("src/core.gen.ts"),
    `// Written by assembly/build.mjs.
/** Plain SIMD. */
export const simd: string = "${hex(at("build/core.wasm"))}";

/** The same source with relaxed SIMD: fused multiply-add. */
export const relaxed: string = "${hex(at("build/core-relaxed.wasm"))}";
`,
  );

  writeFileSync(
    at("src/codecs.gen.ts"),
    `// Written by assembly/build.mjs.
/** libjpeg-turbo. */
export const jpeg: string = "${hex(codecs["jpeg-turbo.wasm"])}";

/** libwebp. */
export const webp: string = "${hex(codecs["webp.wasm"])}";
`,
  );

  const worker = buildSync({
    entryPoints: [at("src/parallel/threads/worker.ts").pathname],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    write: false,
  }).outputFiles[0].text;

  writeFileSync(
    at("src/shared.gen.ts"),
    `// Written by assembly/build.mjs.
/** The kernels over a memory that several instances share. */
export const shared: { readonly simd: string; readonly relaxed: string } = {
  simd: "${hex(at("build/shared.wasm"))}",
  relaxed: "${hex(at("build/shared-relaxed.wasm"))}",
};

/** What a thread runs: worker.ts in one piece. */
export const worker: string = ${JSON.stringify(worker)};
`,
  );
}

/** The folders of src/ that are found in dist/ under a shorter name. */
const shorter = { plots: "picture/plots", text: "picture/text", pool: "parallel/pool", threads: "parallel/threads" };

/** What the command line starts in threads of its own. */
const programs = ["cli/serve-worker.js"];

/** Where a module that programs import comes from, by its path in dist/. */
function sourceOf(path) {
  const [folder, ...rest] = path.split("/");
  return rest.length === 0 ? `entries/${path}` : [shorter[folder] ?? folder, ...rest].join("/");
}

/**
 * What require() gets: the same modules, where the program can require those. Jest often cannot, and says nothing that
 * would help.
 */
const required = (module) => `try {
  module.exports = require("./${module}");
} catch (error) {
  const text = \`relprop is made of ES modules, which cannot be loaded by require() here.
- In Jest: set NODE_OPTIONS=--experimental-vm-modules, and write "await import()" in the test, in place of "require()"
  or "import". From Jest 30.5 and Node 24.9 on, require() works with that option.
- In Node: use "import", or "require()" from Node 20.19 on.\`;
  throw new Error(text, { cause: error });
}
`;

/** What Node gets, where size is no matter: a module with all operators. */
const OPERATORS = "../operators.js";
const withOperators = (module) => `import "${OPERATORS}";\nexport * from "${module}";\n`;

async function compileTypeScript() {
  // A file of an earlier build would be shipped, and a file that has moved still be found.
  for (const folder of ["build/js", "dist"]) rmSync(at(folder), { recursive: true, force: true });
  embed();
  await run(["node_modules/typescript/bin/tsc", "-p", "src"]);
  const modules = [...JSON.stringify([exports, bin]).match(/(?<=dist\/)[\w/-]+\.js/g), ...programs];
  buildSync({
    entryPoints: [...new Set(modules)]
      .filter((path) => !path.startsWith("node/"))
      .map((path) => ({
        in: at(`build/js/${sourceOf(path)}`).pathname,
        out: path.slice(0, -3),
      })),
    bundle: true,
    splitting: true,
    chunkNames: "pool/[name]-[hash]",
    packages: "external",
    external: ["*.wasm", "*.wasm?module"],
    format: "esm",
    target: "es2022",
    outdir: at("dist").pathname,
    absWorkingDir: at(".").pathname,
    logLevel: "warning",
  });
  const entries = Object.values(exports);
  mkdirSync(at("dist/node"), { recursive: true });
  for (const { node, default: module } of entries.filter((entry) => entry.node))
    writeFileSync(at(node.default), withOperators(module.replace("./dist", "..")));
  const both = entries.flatMap((entry) => [entry, entry.node ?? []].flat()).filter((entry) => entry.require);
  for (const { require: common, types, default: module } of both) {
    writeFileSync(at(common.default), required(relative(dirname(common.default), module)));
    writeFileSync(
      at(common.types),
      `export * from "./${relative(dirname(common.types), types).replace(/\.d\.ts$/, ".js")}";\n`,
    );
  }
  for (const name of ["core.wasm", "core-relaxed.wasm"]) copyFileSync(at(`build/${name}`), at(`dist/${name}`));
  for (const [name, file] of Object.entries(codecs)) copyFileSync(file, at(`dist/${name}`));
}

const sources = hashOf(["assembly", "asconfig.json", ...tools], (path) => !path.startsWith("assembly/__tests__/"));
await step("kernels", `${version} ${sources}`, [...binaries, "build/core.d.ts"], compileKernels);

const modules = hashOf(
  ["src", "package.json", ...binaries, "build/core.d.ts", ...tools],
  (path) => !generated.includes(path),
);
await step("TypeScript", modules, [...generated, "build/js", "dist"], compileTypeScript);
