/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The library without the binaries, which the caller fetches.
 *
 * @module relprop/slim
 */
import { LrpError } from "../base/error.ts";
import { version } from "../kernels.gen.ts";
import { loadWith } from "../model/load.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";
import { remoteOf } from "../parallel/remote.ts";
import { compile } from "../run/wasm.ts";

/**
 * The kernels, relprop/core.wasm, or relprop/core-relaxed.wasm where `hasRelaxedSimd()`: a WebAssembly.Module, its
 * bytes, or the Response to a request for them. TypeScript knows these types only with the libraries of a page, and
 * even then any object can be a Module.
 */
export type Wasm = object;

export interface SlimOptions extends Omit<LoadOptions, "relaxed"> {
  /** Compiled once and given to many: `const wasm = await WebAssembly.compileStreaming(fetch(url))`. */
  readonly wasm: Wasm | Promise<Wasm>;
}

/** What a value is, whichever realm it comes from. */
const kindOf = (value: unknown) => Object.prototype.toString.call(value).slice(8, -1);

const refuse = (expected: string, received: string) =>
  new LrpError("usage", { where: "option 'wasm'", expected, received });

async function bodyOf(response: Response): Promise<ArrayBuffer> {
  const from = response.url || "its address";
  if (response.bodyUsed) throw refuse(`an unread response from ${from}`, "one that has been read already");
  if (!response.ok) throw refuse(`WebAssembly at ${from}`, `status ${response.status}`);
  return response.arrayBuffer();
}

/** The bytes of a value that has some. */
async function bytesOf(given: unknown): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const kind = kindOf(given);
  if (kind === "Response") return new Uint8Array(await bodyOf(given as Response));
  if (kind === "ArrayBuffer") return new Uint8Array(given as ArrayBuffer);
  if (!ArrayBuffer.isView(given) || kindOf(given.buffer) !== "ArrayBuffer") return undefined;
  return new Uint8Array(given.buffer as ArrayBuffer, given.byteOffset, given.byteLength);
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d];

async function moduleOf(wasm: SlimOptions["wasm"] | undefined): Promise<WebAssembly.Module> {
  const given = await wasm;
  if (kindOf(given) === "WebAssembly.Module") return given as WebAssembly.Module;
  const bytes = await bytesOf(given);
  if (!bytes) throw refuse("a WebAssembly.Module, its bytes, or a Response that holds them", kindOf(given));
  // A server that has no such file often sends a page.
  if (MAGIC.some((byte, i) => bytes[i] !== byte))
    throw refuse(
      "WebAssembly",
      `${bytes.length} bytes that begin with ${JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 15)))}`,
    );
  return compile(bytes);
}

async function kernelsOf(wasm: SlimOptions["wasm"] | undefined): Promise<WebAssembly.Module> {
  const module = await moduleOf(wasm);
  const [signed] = WebAssembly.Module.customSections(module, "relprop");
  const found = signed && new TextDecoder().decode(signed);
  if (found !== version)
    throw refuse(`the kernels of relprop ${version}`, found ? `those of ${found}` : "another module");
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
export function load(source: Source, options: SlimOptions): Promise<Model> {
  const { wasm, ...rest }: Partial<SlimOptions> = options ?? {};
  return loadWith(kernelsOf(wasm), source, rest, remoteOf);
}

export * from "./api.ts";
