/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Everything, with both binaries inside.
 *
 * @module relprop
 */
// An entry says where its binaries come from, which runtime or bundler finds while building; and whether there are workers;
// all else is `loadWith`.
// One entry for all would need a condition in an import, which a page that imports dist/index.js by URL cannot read.
import { loadEmbedded } from "../model/embedded.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";
import { remoteOf } from "../parallel/remote.ts";

/**
 * Loads a network.
 *
 * @param source the bytes of an ONNX file, or a network described with `network` or `sequential`
 * @throws LrpError "not-onnx", "invalid-model" or "unsupported", with every problem of the file at once
 * @example
 * const weight = { data: Float32Array.of(3, 1), dims: [1, 2] };
 * const model = await load(sequential({ input: [2] }, [dense({ weight })]));
 * model.predict({ data: Float32Array.of(1, 2), dims: [1, 2] }).output.data; // Float32Array [5]
 */
export function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  return loadEmbedded(source, options, remoteOf);
}

export * from "./api.ts";
