/*
 * The entry for Next's edge runtime. Only the plain binary: what is imported is compiled while building, and Node 20
 * has no relaxed SIMD.
 */
import simd from "./core.wasm?module";
import { register } from "../ops/index.ts";
import { rare } from "../ops/rare/index.ts";
import { loadWith } from "../model/load.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";

/** As `load` of index.ts. */
export function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  return loadWith(Promise.resolve(simd), source, options);
}

register(rare);

export * from "./api.ts";
