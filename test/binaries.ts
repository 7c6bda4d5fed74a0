import { existsSync } from "node:fs";
import { hasRelaxedSimd, load, type LoadOptions, type Model, type Network } from "../src/index.ts";

/** "threads": two of them, on the better of the binaries. */
export type Binary = "simd" | "relaxed" | "threads";

/** Threads are started from the file that is shipped. */
const threads = new URL("../dist/threads/index.js", import.meta.url);

/** Whether npm run build has been run. */
export const built = existsSync(threads);

/** The binaries that this runtime can run; every test of numbers runs on all of them. */
export function binaries(): readonly Binary[] {
  return hasRelaxedSimd() ? ["simd", "relaxed"] : ["simd"];
}

/** The line that says which binaries are tested. */
export function binariesLine(): string {
  return hasRelaxedSimd()
    ? "binaries: simd and relaxed"
    : "binaries: simd only; relaxed SIMD is skipped, this runtime does not have it (Node does from 22)";
}

/** Loads a network for one binary. */
export async function loadFor(binary: Binary, source: Uint8Array | Network, options: Omit<LoadOptions, "relaxed"> = {}): Promise<Model> {
  if (binary === "threads") {
    const shipped: typeof import("../src/threads/index.ts") = await import(threads.href);
    return shipped.load(source, { ...options, threads: 2 });
  }
  return load(source, { ...options, relaxed: binary === "simd" ? "never" : "auto" });
}
