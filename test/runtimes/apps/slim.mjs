import { readFile } from "node:fs/promises";
import * as relprop from "relprop/slim";
import { report } from "./report.mjs";

const plain = await readFile(new URL(import.meta.resolve("relprop/core.wasm")));
const best = relprop.hasRelaxedSimd()
  ? await readFile(new URL(import.meta.resolve("relprop/core-relaxed.wasm")))
  : plain;
console.log(await report(relprop, { plain: { wasm: plain }, best: { wasm: Promise.resolve(new Response(best)) } }));
