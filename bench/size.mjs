/*
 * What a page has to load, compressed by brotli at its best:
 *   npm run bench:size
 * all of it in one file, as a bundler makes it; and its parts, each compressed by itself.
 */
import { readFileSync } from "node:fs";
import { at, bundle, compressed } from "./bundle.mjs";
import { table } from "./table.mjs";

const GOAL = 60_000;
const whole = await bundle({ binaries: true });
const { contents: code, metafile } = await bundle({ binaries: false });

const parts = {
  "kernels, plain SIMD": readFileSync(at("build/core.wasm")),
  "kernels, relaxed SIMD": readFileSync(at("build/core-relaxed.wasm")),
  "JavaScript, minified, with its dependencies": code,
  together: whole.contents,
};
const rows = Object.entries(parts).map(([name, bytes]) => [name, bytes.length, compressed(bytes)]);
const size = rows.at(-1)[2];
/** Whose the JavaScript is: a dependency's, or relprop's own. */
const owners = new Map();
for (const [path, { bytesInOutput }] of Object.values(metafile.outputs).flatMap(({ inputs }) =>
  Object.entries(inputs),
)) {
  const owner = path.match(/node_modules\/((@[^/]+\/)?[^/]+)(?!.*node_modules)/)?.[1] ?? "relprop";
  owners.set(owner, (owners.get(owner) ?? 0) + bytesInOutput);
}

console.log(`${table(["part", "bytes", "brotli"], rows)}

${table(
  ["of the JavaScript", "bytes"],
  [...owners].sort(([, a], [, b]) => b - a),
)}

goal ≤ ${GOAL}: ${size <= GOAL ? "met" : "not met"}`);
