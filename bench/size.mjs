/*
 * What a page has to load, compressed by brotli at its best:
 *   npm run bench:size
 * all of it in one file, as a bundler makes it; and its parts, each compressed by itself.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";
import { table } from "./table.mjs";

const GOAL = 60_000;
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const withoutBinaries = {
  name: "without binaries",
  setup({ onLoad }) {
    onLoad({ filter: /core\.gen\.js$/ }, () => ({ contents: 'export const simd = "", relaxed = "";' }));
  },
};
const options = { bundle: true, minify: true, format: "esm", platform: "browser", target: "es2022", write: false, metafile: true };
const entry = { entryPoints: [at("build/js/index.js")], ...options };
const { outputFiles: [whole] } = await build(entry);
const { outputFiles: [code], metafile } = await build({ ...entry, plugins: [withoutBinaries] });

const parts = {
  "kernels, plain SIMD": readFileSync(at("build/core.wasm")),
  "kernels, relaxed SIMD": readFileSync(at("build/core-relaxed.wasm")),
  "JavaScript, minified, with its dependencies": code.contents,
  together: whole.contents,
};
const rows = Object.entries(parts).map(([name, bytes]) => [name, bytes.length, brotliCompressSync(bytes).length]);
const size = rows.at(-1)[2];
/** Whose the JavaScript is: a dependency's, or relprop's own. */
const owners = new Map();
for (const [path, { bytesInOutput }] of Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))) {
  const owner = path.match(/node_modules\/((@[^/]+\/)?[^/]+)(?!.*node_modules)/)?.[1] ?? "relprop";
  owners.set(owner, (owners.get(owner) ?? 0) + bytesInOutput);
}

console.log(`${table(["part", "bytes", "brotli"], rows)}

${table(
  ["of the JavaScript", "bytes"],
  [...owners].sort(([, a], [, b]) => b - a),
)}

goal ≤ ${GOAL}: ${size <= GOAL ? "met" : "not met"}`);
