import { LrpError } from "relprop";
import type { CallsLike, Given, Response } from "./calls.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Asks a worker, which answers one call after the other. What is asked throws an LrpError as relprop does there. */
export function engine<C extends CallsLike<C>>(worker: Worker) {
  const waiting = new Map<number, Waiting>();
  let next = 0;

  worker.addEventListener("message", ({ data }: MessageEvent<Response>) => {
    const { resolve, reject } = waiting.get(data.id)!;
    waiting.delete(data.id);
    if ("refusal" in data) reject(new LrpError(data.refusal.code, data.refusal.issues));
    else if ("fault" in data) reject(new Error(data.fault));
    else resolve(data.answer);
  });

  worker.addEventListener("error", (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error(event.message || "The worker did not start."));
    waiting.clear();
  });

  return <K extends keyof C>(call: K, given: Given<C, K>): ReturnType<C[K]> => {
    const id = next++;
    return new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.postMessage({ id, call, given });
    }) as ReturnType<C[K]>;
  };
}
