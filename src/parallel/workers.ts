/**
 * @internal node:worker_threads where they are (Node from 20.16, Deno, Bun), without an import that bundlers would
 * follow.
 */
export const nodeThreads = () => globalThis.process?.getBuiltinModule?.("node:worker_threads");

/** @internal */
export const hasWorkers = (): boolean => nodeThreads() !== undefined || typeof Worker !== "undefined";

/** @internal A worker's side of what passes between it and whoever started it. */
export interface Channel<In, Out> {
  onmessage: ((message: { readonly data: In }) => void) | null;
  postMessage(message: Out, transfer?: readonly ArrayBuffer[]): void;
}

/** @internal Where a worker's messages come from: Node's threads have one, those of browsers are one. */
export function ownChannel<In, Out>(): Channel<In, Out> {
  return (nodeThreads()?.parentPort ?? globalThis) as unknown as Channel<In, Out>;
}
