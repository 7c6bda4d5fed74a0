import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Kernels, parametersOf } from "../src/kernels.gen.ts";
import { type Instance, instantiate } from "../src/run/wasm.ts";

/** Written by npm run build. */
const checkedBinary = join(import.meta.dirname, "../build/checked.wasm");

/**
 * The kernels with the assertions at their entries. One that does not hold becomes an Error that has its text, its file
 * and line (the loader's), and the call:
 *
 *   fill(y = 1026, count = 1, value = 0): abort: a pointer is no multiple of 4 at assembly/check.ts:51:3
 */
export function checkedInstance(): Instance {
  const { kernels, memory } = instantiate(new WebAssembly.Module(readFileSync(checkedBinary)));
  const named = Object.entries(kernels).flatMap(([name, kernel]) => {
    // Beside the kernels stand the loader's own functions.
    if (typeof kernel !== "function" || name.startsWith("__")) return [];
    const call = (...args: number[]) => {
      try {
        return kernel(...args);
      } catch (error) {
        const given = parametersOf(name as keyof Kernels).map((argument, i) => `${argument} = ${args[i]}`);
        throw new Error(`${name}(${given.join(", ")}): ${(error as Error).message}`, { cause: error });
      }
    };
    return [[name, call]];
  });
  return { kernels: Object.fromEntries(named), memory };
}
