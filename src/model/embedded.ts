import { relaxed, simd } from "../core.gen.ts";
import { loadWith } from "./load.ts";
import type { Model } from "./model.ts";
import type { LoadOptions } from "./options.ts";
import type { RemoteOf } from "./remote.ts";
import type { Source } from "../read/open.ts";
import { binaryFor, compileText } from "../run/wasm.ts";

/** @internal Loads a network for the kernels that the JavaScript carries. @param remoteOf as `loadWith` takes it */
export function loadEmbedded(source: Source, options: LoadOptions = {}, remoteOf?: RemoteOf): Promise<Model> {
  return loadWith(compileText({ simd, relaxed }[binaryFor(options)]), source, options, remoteOf);
}
