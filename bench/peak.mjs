import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { hasRelaxedSimd } from "../dist/index.js";
import { scratch } from "./networks.mjs";

const MEGABYTES = 400;

/** The shortest of a few runs, in seconds: what the machine does when nobody disturbs it. */
export function best(run, times = 5) {
  let shortest = Infinity;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    run();
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest / 1000;
}

/**
 * Compiles peak.ts for this runtime and measures: floating point operations, bytes read and bytes copied (each counted
 * twice), a second.
 */
export async function peaks() {
  mkdirSync(scratch, { recursive: true });
  const binary = join(scratch, "peak.wasm");
  const asc = createRequire(import.meta.url).resolve("assemblyscript/bin/asc.js");
  const features = ["--enable", "simd", ...(hasRelaxedSimd() ? ["--enable", "relaxed-simd"] : [])];
  const options = [
    ...features,
    "-O3",
    "--runtime",
    "stub",
    "--noAssert",
    "--use",
    "abort=",
    "--initialMemory",
    "1",
    "--outFile",
    binary,
  ];
  // From this folder: in the project's own, asc would add the kernels.
  execFileSync(process.execPath, [asc, "peak.ts", ...options], { cwd: import.meta.dirname, stdio: "inherit" });
  const { instance } = await WebAssembly.instantiate(readFileSync(binary));
  const { multiplyAdds, read, copy, memory } = instance.exports;
  memory.grow(MEGABYTES * 16);
  // Pages that nobody has written are one page of zeros, which never leaves the cache.
  new Uint8Array(memory.buffer).fill(1);
  const bytes = MEGABYTES * 2 ** 20;
  const rounds = 5e7;
  // Once before, so that the optimizing compiler is done.
  multiplyAdds(rounds / 10, 0.5, 0.25);
  return {
    flops: (12 * 4 * 2 * rounds) / best(() => multiplyAdds(rounds, 0.5, 0.25)),
    read: bytes / best(() => read(65536, bytes)),
    copy: bytes / best(() => copy(65536, 65536 + bytes / 2, bytes / 2)),
  };
}
