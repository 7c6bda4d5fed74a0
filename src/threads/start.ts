import type { Orders } from "./worker.ts";

/** A thread beside the caller's. */
export interface Helper {
  /** Settled when it waits for work, or could not be started. */
  readonly ready: Promise<void>;
  end(): void;
}

const threads = () => globalThis.process?.getBuiltinModule?.("node:worker_threads");

export const canStart = (): boolean => threads() !== undefined || typeof Worker !== "undefined";

/** Starts a thread. It does not keep the process alive. */
export function start(orders: Orders): Helper {
  const node = threads();
  if (node) {
    // Without the process's flags, some of which a worker does not take.
    const worker = new node.Worker(new URL("./worker.js", import.meta.url), { execArgv: [] });
    const ready = new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve()).on("error", reject);
    }).finally(() => worker.unref());
    worker.postMessage(orders);
    return { ready, end: () => void worker.terminate() };
  }
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new Error(event.message || "the file of the worker could not be loaded"));
  });
  worker.postMessage(orders);
  return { ready, end: () => worker.terminate() };
}
