import { instantiateSync } from "@assemblyscript/loader";
import type { Kernels } from "../kernels.gen.ts";
import { LrpError } from "../base/error.ts";
import type { Plan } from "../plan/place.ts";
import type { HostStep, KernelStep, Value } from "../program/step.ts";

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
  /** Tests look at memory before and after each step: what is to run in the place of `run`. */
  watch?(plan: Plan, address: (value: Value) => number): (step: KernelStep | HostStep, run: () => void) => () => void;
}

/** @internal What a model computes with: one instance, and so one memory, for all shapes of input. */
export interface Engine {
  readonly instance: Instance;
  /** Called once, when the model is disposed. */
  end(): void;
}

/** Bytes by which a memory grows. */
export const PAGE = 65536;

export type Binary = "simd" | "relaxed";

/**
 * The bytes that hexadecimal digits spell: brotli sees that one binary is mostly the other, which base64 would hide
 * from it.
 */
function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digit = (at: number) => (text.charCodeAt(at) & 15) + 9 * (text.charCodeAt(at) >> 6);
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 16 * digit(2 * i) + digit(2 * i + 1);
  return bytes;
}

/** A module of one function that multiplies and adds with one rounding: it validates only where relaxed SIMD exists. */
const PROBE = "0061736d010000000105016000017b030201000a130111004100fd0f4100fd0f4100fd0ffd85020b";

/** Whether this runtime has relaxed SIMD (Node from 22, Chromium from 114, Deno, Bun, workerd). */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(fromHex(PROBE));
}

/** @internal The better binary of those that the runtime has and the caller allows. */
export function binaryFor({ relaxed = "auto" }: { readonly relaxed?: "auto" | "never" }): Binary {
  return relaxed !== "never" && hasRelaxedSimd() ? "relaxed" : "simd";
}

/**
 * @internal
 * @throws LrpError code "unsupported" where WebAssembly SIMD is missing or compiling is forbidden
 */
export async function compile(code: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(code);
  } catch (error) {
    throw refused(error);
  }
}

const refused = (error: unknown) =>
  new LrpError("unsupported", {
    where: "this runtime",
    expected: "WebAssembly with SIMD",
    received: (error as Error).message,
    fix: "A page with a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src.",
  });

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** @internal Compiles a binary that hexadecimal digits spell, once. */
export function compileText(code: string): Promise<WebAssembly.Module> {
  let module = compiled.get(code);
  if (!module) {
    module = compile(fromHex(code)).catch((error) => {
      compiled.delete(code);
      throw error;
    });
    compiled.set(code, module);
  }
  return module;
}

/**
 * @internal Compiles a small binary that hexadecimal digits spell.
 * @throws LrpError code "unsupported" where compiling is forbidden
 */
export function compileTextNow(code: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(fromHex(code));
  } catch (error) {
    throw refused(error);
  }
}

/** @internal A fresh instance of a compiled binary. */
export function instantiate(module: WebAssembly.Module): Instance {
  // A module of another realm (Next's edge sandbox) is none to the loader, which asks for instanceof.
  const { exports } =
    module instanceof WebAssembly.Module ? instantiateSync(module, {}) : new WebAssembly.Instance(module, {});
  return { kernels: exports as unknown as Kernels, memory: exports.memory as WebAssembly.Memory };
}
