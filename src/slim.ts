/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Everything but the binaries, which the caller fetches.
 *
 * @module relprop/slim
 */
import { LrpError } from "./error.ts";
import { version } from "./kernels.gen.ts";
import { loadWith } from "./load.ts";
import type { Model } from "./model.ts";
import type { Source } from "./open.ts";
import type { LoadOptions } from "./options.ts";
import { compile } from "./run/wasm.ts";

/** The kernels: relprop/core.wasm, or relprop/core-relaxed.wasm where `hasRelaxedSimd()`; compiled, as bytes, or as the answer to a request. */
export type Wasm = WebAssembly.Module | BufferSource | Response;

export interface SlimOptions extends Omit<LoadOptions, "relaxed"> {
  /** Compiled once and given to many: `const wasm = await WebAssembly.compileStreaming(fetch(url))`. */
  readonly wasm: Wasm | Promise<Wasm>;
}

/** What a value is, whichever realm it comes from. */
const kindOf = (value: unknown) => Object.prototype.toString.call(value).slice(8, -1);

const refuse = (expected: string, received: string, fix?: string) =>
  new LrpError("usage", { where: "option 'wasm'", expected, received, fix });

/** The bytes of an answer that is one: a server that has no such file often sends a page. */
async function bodyOf(response: Response): Promise<ArrayBuffer> {
  const body = await response.arrayBuffer();
  const magic = body.byteLength >= 4 && new DataView(body).getUint32(0) === 0x0061736d;
  if (response.ok && magic) return body;
  throw refuse(`WebAssembly at ${response.url || "its address"}`, response.ok ? "something else" : `status ${response.status}`);
}

async function moduleOf(wasm: SlimOptions["wasm"]): Promise<WebAssembly.Module> {
  const given = await wasm;
  const kind = kindOf(given);
  const module =
    kind === "WebAssembly.Module"
      ? (given as WebAssembly.Module)
      : kind === "Response"
        ? await compile(await bodyOf(given as Response))
        : kind === "ArrayBuffer" || ArrayBuffer.isView(given)
          ? await compile(given as BufferSource)
          : undefined;
  if (!module) throw refuse("a WebAssembly.Module, its bytes, or the Response to a request for them", kind);
  const [signed] = WebAssembly.Module.customSections(module, "relprop");
  const found = signed && new TextDecoder().decode(signed);
  if (found !== version) throw refuse(`the kernels of relprop ${version}`, found ? `those of ${found}` : "another module");
  return module;
}

/**
 * Loads a network, as `load` of "relprop" does, for kernels that the caller fetches.
 *
 * @throws LrpError as `load`, and "usage" where `wasm` is not this version's
 * @example
 * const name = hasRelaxedSimd() ? "core-relaxed.wasm" : "core.wasm";
 * const model = await load(bytes, { wasm: fetch(`/static/${name}`) });
 */
export function load(source: Source, { wasm, ...options }: SlimOptions): Promise<Model> {
  return loadWith(moduleOf(wasm), source, options);
}

export * from "./api.ts";
