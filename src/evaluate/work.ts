/** How far work is: parts that are done, of how many. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** How work is watched and ended. */
export interface Watch {
  /** Aborted, it ends the work between two parts: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after every part. */
  readonly onProgress?: (progress: Progress) => void;
}

/** @internal Whoever aborts gets a turn: promises that are resolved already would not let timers and events in between. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** @internal Does `total` parts one after another, and returns what they give. */
export async function doParts<T>(total: number, part: (i: number) => T | Promise<T>, { signal, onProgress }: Watch): Promise<T[]> {
  const done: T[] = [];
  for (let i = 0; i < total; i++) {
    signal?.throwIfAborted();
    done.push(await part(i));
    onProgress?.({ done: i + 1, total });
    await turn();
  }
  signal?.throwIfAborted();
  return done;
}
