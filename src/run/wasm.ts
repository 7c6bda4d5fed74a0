import { instantiateSync } from "@assemblyscript/loader";
import { type Kernels, relaxed, simd } from "../core.gen.ts";
import { LrpError } from "../error.ts";

/** @internal A call of a kernel whose arguments are known. */
export interface BoundCall {
  readonly kernel: keyof Kernels;
  readonly args: readonly number[];
  /** For every argument that is a pointer, how many float32 elements its value has from there on; 0 for numbers. */
  readonly lengths: readonly number[];
}

/** @internal A running copy of the kernels with a memory of its own. */
export interface Instance {
  readonly kernels: Kernels;
  readonly memory: WebAssembly.Memory;
  /**
   * How a call is made ready, where that is more than calling the kernel.
   * @param spare gives the address of that many bytes that are free while the call runs
   */
  bind?(call: BoundCall, spare: (bytes: number) => number): () => void;
}

/** @internal Where a model's instances come from: one for each shape of input that it meets. */
export interface Engine {
  instance(): Instance;
  /** Called once, when the model is disposed. */
  end(): void;
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

/** @internal The better binary of those that the runtime has and the caller allows. */
export function binaryFor({ relaxed = "auto" }: { readonly relaxed?: "auto" | "never" }): Binary {
  return relaxed !== "never" && hasRelaxedSimd() ? "relaxed" : "simd";
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * @internal
 * Compiles a binary, once.
 * @throws LrpError code "unsupported" where WebAssembly SIMD is missing or compiling is forbidden
 */
export function compile(binary: Binary, codes: Readonly<Record<Binary, string>> = { simd, relaxed }): Promise<WebAssembly.Module> {
  const code = codes[binary];
  let module = compiled.get(code);
  if (!module) {
    module = WebAssembly.compile(fromBase64(code)).catch((error: Error) => {
      compiled.delete(code);
      throw new LrpError("unsupported", {
        where: "this runtime",
        expected: "WebAssembly with SIMD",
        received: error.message,
        fix: "A page with a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src.",
      });
    });
    compiled.set(code, module);
  }
  return module;
}

/** @internal A fresh instance of a compiled binary. */
export function instantiate(module: WebAssembly.Module): Instance {
  const { exports } = instantiateSync(module, {});
  return { kernels: exports as unknown as Kernels, memory: exports.memory as WebAssembly.Memory };
}
