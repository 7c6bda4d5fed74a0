import { instantiateSync } from "@assemblyscript/loader";
import { type Kernels, relaxed, simd } from "../core.gen.ts";
import { LrpError } from "../error.ts";

/** @internal A running copy of the kernels with a memory of its own. */
export interface Instance {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
}

export type Binary = "simd" | "relaxed";

/** A module of one function that multiplies and adds with one rounding: it validates only where relaxed SIMD exists. */
const PROBE = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  19,
  1,
  17,
  0,
  65,
  0,
  253,
  15,
  65,
  0,
  253,
  15,
  65,
  0,
  253,
  15,
  253,
  133,
  2,
  11,
);

/** Whether this runtime has relaxed SIMD (Node from 22, Chromium from 114, Deno, Bun, workerd). */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(PROBE);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  // A loop, because Uint8Array.from goes through an iterator: ten times as slow, on every start.
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

const compiled = new Map<Binary, Promise<WebAssembly.Module>>();

/**
 * @internal
 * Compiles a binary, once.
 * @throws LrpError code "unsupported" where WebAssembly SIMD is missing or compiling is forbidden
 */
export function compile(binary: Binary): Promise<WebAssembly.Module> {
  let module = compiled.get(binary);
  if (!module) {
    module = WebAssembly.compile(fromBase64(binary === "relaxed" ? relaxed : simd)).catch((error: Error) => {
      compiled.delete(binary);
      throw new LrpError("unsupported", {
        where: "this runtime",
        expected: "WebAssembly with SIMD",
        received: error.message,
        fix: "A page with a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src.",
      });
    });
    compiled.set(binary, module);
  }
  return module;
}

/** @internal A fresh instance of a compiled binary. */
export function instantiate(module: WebAssembly.Module): Instance {
  const { exports } = instantiateSync(module, {});
  return { kernels: exports as unknown as Kernels, memory: exports.memory as WebAssembly.Memory };
}
