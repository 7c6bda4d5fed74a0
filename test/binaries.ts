import { hasRelaxedSimd, load, type LoadOptions, type Model, type Network } from "../src/index.ts";

export type Binary = "simd" | "relaxed";

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
export function loadFor(binary: Binary, source: Uint8Array | Network, options: Pick<LoadOptions, "classes"> = {}): Promise<Model> {
  return load(source, { ...options, relaxed: binary === "simd" ? "never" : "auto" });
}
