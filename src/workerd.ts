/*
 * The entry for Cloudflare workers, which compile no bytes: the binaries are modules that are bundled with the worker.
 */
import relaxed from "./core-relaxed.wasm";
import simd from "./core.wasm";
import { loadWith } from "./load.ts";
import type { Model } from "./model.ts";
import type { Source } from "./open.ts";
import type { LoadOptions } from "./options.ts";
import { binaryFor } from "./run/wasm.ts";

/** As `load` of index.ts. */
export function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  return loadWith(Promise.resolve({ simd, relaxed }[binaryFor(options)]), source, options);
}

export * from "./api.ts";
