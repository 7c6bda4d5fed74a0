import { turn, type Watch } from "./runs.ts";

/** @internal Does `total` parts one after another, and returns what they give. */
export async function doParts<T>(
  total: number,
  part: (i: number) => T | Promise<T>,
  { signal, onProgress }: Watch,
): Promise<T[]> {
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
