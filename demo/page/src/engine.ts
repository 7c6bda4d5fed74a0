import { LrpError } from "relprop";
import type { Calls, Response } from "./protocol.ts";

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

const waiting = new Map<number, Waiting>();
let next = 0;
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });

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

/** Asks the worker, which answers one call after the other. @throws LrpError as relprop does there */
export function ask<K extends keyof Calls>(call: K, given: Parameters<Calls[K]>[0]): ReturnType<Calls[K]> {
  const id = next++;
  return new Promise<unknown>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, call, given });
  }) as ReturnType<Calls[K]>;
}
