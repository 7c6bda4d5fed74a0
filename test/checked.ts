import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Kernels } from "../src/kernels.gen.ts";
import { type Instance, instantiate } from "../src/run/wasm.ts";
import { parameters } from "../src/threads/shared.gen.ts";

/** Written by npm run build. */
export const checkedBinary = join(import.meta.dirname, "../build/checked.wasm");

/**
 * The kernels with the assertions at their entries. One that does not hold becomes an Error that has its text, its file and line (the
 * loader's), and the call: `fill(y = 1026, count = 1, value = 0): abort: a pointer is no multiple of 4 at assembly/check.ts:51:3`.
 */
export function checkedInstance(): Instance {
  const { kernels, memory } = instantiate(new WebAssembly.Module(readFileSync(checkedBinary)));
  const named = Object.entries(parameters).map(([name, names]) => {
    const kernel = kernels[name as keyof Kernels] as (...args: number[]) => unknown;
    const call = (...args: number[]) => {
      try {
        return kernel(...args);
      } catch (error) {
        const given = names.map((argument, i) => `${argument} = ${args[i]}`);
        throw new Error(`${name}(${given.join(", ")}): ${(error as Error).message}`, { cause: error });
      }
    };
    return [name, call];
  });
  return { kernels: Object.fromEntries(named), memory };
}
