import { LrpError } from "relprop";
import type { CallsLike, Given, Response, Tell } from "./calls.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** How what is asked ends when it is cancelled. */
export class Cancelled extends Error {}

/**
 * Asks a worker, which answers one call after the other. What is asked throws an LrpError as relprop does there.
 *
 * @param create makes the worker; once more after each `cancel`, which ends it with all that it knows
 */
export function engine<C extends CallsLike<C>>(create: () => Worker, tell: Tell = () => {}) {
  const waiting = new Map<number, Waiting>();
  let next = 0;

  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };

  const start = () => {
    const worker = create();
    worker.addEventListener("message", ({ data }: MessageEvent<Response>) => {
      const asked = waiting.get(data.id);
      if (!asked) return;
      if ("progress" in data) return tell(data.progress);
      waiting.delete(data.id);
      if ("refusal" in data) asked.reject(new LrpError(data.refusal.code, data.refusal.issues));
      else if ("fault" in data) asked.reject(new Error(data.fault));
      else asked.resolve(data.answer);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      failAll(new Error(event.message || "The worker did not start."));
    });
    return worker;
  };
  let worker = start();

  const ask = <K extends keyof C>(call: K, given: Given<C, K>): ReturnType<C[K]> => {
    const id = next++;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, call, given });
    }) as ReturnType<C[K]>;
  };
  const cancel = () => {
    worker.terminate();
    failAll(new Cancelled());
    worker = start();
  };
  return Object.assign(ask, { cancel });
}
