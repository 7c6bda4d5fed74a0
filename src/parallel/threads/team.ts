import type { Kernels } from "../../kernels.gen.ts";
import { assert, LrpError } from "../../base/error.ts";
import { type Engine, type Instance, PAGE } from "../../run/wasm.ts";
import { type Control, controlOf, dismiss, dismissed, encode, failure, finish, help, offer, PATIENCE } from "./part.ts";
import { parametersOf } from "../../kernels.gen.ts";
import { split, SUMS } from "./split.ts";
import { type Helper, start } from "./start.ts";

type Ready = NonNullable<Instance["bind"]>;

/** Ends threads. Holds nothing else, above all not the memory: whoever waits for a model to be collected keeps this. */
const ending = (control: Control, helpers: readonly Helper[]) => () => {
  dismiss(control);
  for (const helper of helpers) helper.end();
};

const lost = () =>
  new LrpError("unsupported", {
    where: "a thread of the model",
    problem: `it has not done its part of the work within ${PATIENCE} seconds: it hangs, or was ended from outside`,
    fix: "The model cannot be used any more; load it again.",
  });

/** A memory that is shared has its addresses set aside for all that it may grow to. */
function sharedMemory(most: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: 2, maximum: Math.max(2, Math.floor(most / PAGE)), shared: true });
  } catch (error) {
    throw new LrpError("memory", {
      where: "option 'threads'",
      expected: `an address space of ${most} bytes for shared memory`,
      received: String(error),
      fix: "Dispose models that are no longer needed, give a smaller 'maxMemory', or load from 'relprop', without threads.",
    });
  }
}

/**
 * Starts `threads - 1` threads beside the caller's, all with an instance over one memory.
 *
 * @param most bytes that the memory may grow to
 * @param grain as `split` takes it
 */
export async function team(module: WebAssembly.Module, threads: number, most: number, grain?: number): Promise<Engine> {
  const memory = sharedMemory(most);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = exports as unknown as Kernels;
  const names = Object.keys(exports).filter((name): name is keyof Kernels => typeof exports[name] === "function");
  const known = names.map((name) => kernels[name] as (...args: number[]) => void);
  const control = controlOf(threads);
  const helpers = Array.from({ length: threads - 1 }, (_, i) =>
    start({ module, memory, buffer: control.buffer, kernels: names, thread: i + 1, threads }),
  );
  const end = ending(control, helpers);
  await Promise.all(helpers.map(({ ready }) => ready)).catch((error: Error) => {
    end();
    throw new LrpError("unsupported", {
      where: "option 'threads'",
      expected: "a runtime that starts threads from a text",
      received: error.message,
      fix: "A page with a Content-Security-Policy needs blob: in worker-src. Or load from 'relprop', without threads.",
    });
  });

  const ready: Ready = (call, spare) => {
    const cut = split(call, threads, grain);
    if (!cut) return () => known[names.indexOf(call.kernel)](...call.args);
    const { parts, scratch, scratchBytes, sums } = cut;
    const args = [...cut.args];
    const moves = [...cut.moves];
    if (scratch >= 0) args[scratch] = spare(threads * scratchBytes);
    const count = sums >= 0 ? SUMS[parametersOf(call.kernel)[sums]] : 0;
    if (count > 0) {
      args[sums] = spare(8 * count * parts);
      moves[sums] = 8 * count;
    }
    const numbers = encode(names.indexOf(call.kernel), { ...cut, args, moves });
    const run = () => {
      offer(control, numbers, parts);
      help(control, known, 0);
      if (!finish(control)) {
        end();
        throw lost();
      }
      const failed = failure(control);
      assert(failed === undefined, `${call.kernel} in a thread: ${failed}`);
    };
    if (count === 0) return run;
    return () => {
      const parted = new Float64Array(memory.buffer, args[sums], count * parts).fill(0);
      run();
      addUp(
        parted,
        new Float64Array(memory.buffer, call.args[sums], count),
        parametersOf(call.kernel)[sums] === "sums",
      );
    };
  };
  const bind: Ready = (call, spare) => {
    const run = ready(call, spare);
    return () => {
      // A thread that only stood still may write to the memory yet.
      if (dismissed(control)) throw lost();
      run();
    };
  };
  return { instance: { kernels, memory, bind }, end };
}

/** Adds the parts' sums in order, as a kernel does that has all chunks to itself. */
function addUp(parted: Float64Array, to: Float64Array, fresh: boolean): void {
  if (fresh) to.fill(0);
  for (let i = 0; i < parted.length; i++) to[i % to.length] += parted[i];
}
