import { nodeThreads } from "../workers.ts";
import { worker as program } from "../../shared.gen.ts";
import type { Orders } from "./worker.ts";

/** A thread beside the caller's. */
export interface Helper {
  /** Settled when it waits for work, or could not be started. */
  readonly ready: Promise<void>;
  end(): void;
}

/** Starts a thread. It does not keep the process alive. */
export function start(orders: Orders): Helper {
  const node = nodeThreads();
  if (node) {
    // Without the process's flags, some of which a worker does not take.
    const worker = new node.Worker(program, { eval: true, execArgv: [] });
    const ready = new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve()).on("error", reject);
      worker.once("exit", (code) => reject(new Error(`a thread that ended at once, with exit code ${code}`)));
    }).finally(() => worker.unref());
    worker.postMessage(orders);
    return { ready, end: () => void worker.terminate() };
  }
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const worker = new Worker(url);
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => reject(new Error(event.message || "a page that does not let it start"));
  }).finally(() => URL.revokeObjectURL(url));
  worker.postMessage(orders);
  return { ready, end: () => worker.terminate() };
}
