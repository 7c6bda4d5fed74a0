/*
 * The entry for Cloudflare workers, which compile no bytes: the binaries are modules that are bundled with the worker.
 */
import relaxed from "./core-relaxed.wasm";
import simd from "./core.wasm";
import { register } from "../ops/index.ts";
import { rare } from "../ops/rare/index.ts";
import { loadWith } from "../model/load.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";
import { binaryFor } from "../run/wasm.ts";

/** As `load` of index.ts. */
export function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  return loadWith(Promise.resolve({ simd, relaxed }[binaryFor(options)]), source, options);
}

register(rare);

export * from "./api.ts";
