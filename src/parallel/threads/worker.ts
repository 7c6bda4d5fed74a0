import { ownChannel } from "../workers.ts";
import { CALL, controlOf, END, help, waitWhile } from "./part.ts";

/** What a thread gets when it starts. */
export interface Orders {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  /** Names of the kernels, by which calls number them. */
  readonly kernels: readonly string[];
  /** Which one it is, of how many. */
  readonly thread: number;
  readonly threads: number;
}

const channel = ownChannel<Orders, string>();

channel.onmessage = ({ data: { module, memory, buffer, kernels, thread, threads } }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const control = controlOf(threads, buffer);
  const known = kernels.map((name) => exports[name] as (...args: number[]) => void);
  channel.postMessage("ready");
  for (let call = Atomics.load(control.ints, CALL); call !== END; call = Atomics.load(control.ints, CALL)) {
    help(control, known, thread);
    waitWhile(control, CALL, call);
  }
  channel.onmessage = null;
};
