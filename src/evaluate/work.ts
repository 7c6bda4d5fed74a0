/** How long work is watched and ended. */
export interface Work {
  /** Aborted, it ends the work with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every part, with how many parts of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** @internal Whoever aborts gets a turn: promises that are resolved already would not let timers and events in between. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** @internal Does `total` parts one after another, and returns what they give. */
export async function doParts<T>(total: number, part: (i: number) => T | Promise<T>, { signal, onProgress }: Work): Promise<T[]> {
  const done: T[] = [];
  for (let i = 0; i < total; i++) {
    signal?.throwIfAborted();
    done.push(await part(i));
    onProgress?.(i + 1, total);
    await turn();
  }
  signal?.throwIfAborted();
  return done;
}
