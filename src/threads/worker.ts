import { controlOf, END, help, TICKET, waitWhile } from "./part.ts";

/** What a thread gets when it starts. */
export interface Orders {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly buffer: SharedArrayBuffer;
  /** Names of the kernels, by which calls number them. */
  readonly kernels: readonly string[];
  readonly thread: number;
}

interface Port {
  onmessage: ((message: { data: Orders }) => void) | null;
  postMessage(message: string): void;
}

/** Where messages come from: Node's threads have a port, those of browsers are one. */
const port = (globalThis.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? globalThis) as unknown as Port;

port.onmessage = ({ data: { module, memory, buffer, kernels, thread } }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const control = controlOf(buffer);
  const known = kernels.map((name) => exports[name] as (...args: number[]) => void);
  port.postMessage("ready");
  for (;;) {
    help(control, known, thread);
    const ticket = Atomics.load(control.ints, TICKET);
    if (ticket === END) break;
    waitWhile(control, TICKET, ticket);
  }
  port.onmessage = null;
};
