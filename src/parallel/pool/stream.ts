/*
 * From an iterable to an iterable, by way of workers. Items are pulled one at a time, and only while fewer than `most`
 * are in the air: pulled, and not yet handed to whoever iterates.
 */

export interface Progress {
  /** Items that are finished, those with an error included. */
  readonly done: number;
  /** How many there are, where the iterable says so (an array, a Set). */
  readonly total?: number;
}

/** Of an AbortSignal, what is needed. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** How a pool goes through many inputs. */
export interface StreamOptions {
  /** Results in the order of the inputs (default true), or each as soon as it is there. */
  readonly ordered?: boolean;
  /** An AbortSignal: ends the iteration, which throws the signal's reason; nothing is pulled or begun any more. */
  readonly signal?: Signal;
  /** Called whenever an item is finished. What it throws ends the iteration. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Inputs of a pool. */
export type Many<T> = Iterable<T | PromiseLike<T>> | AsyncIterable<T>;

/** An item on its way. */
export interface Flight<R> {
  readonly result: Promise<R>;
  drop(): void;
}

export function iteratorOf<T>(items: Many<T>): Iterator<T | PromiseLike<T>> | AsyncIterator<T> | undefined {
  const { [Symbol.asyncIterator]: slow, [Symbol.iterator]: quick } = Object(items) as AsyncIterable<T> & Iterable<T>;
  return slow?.call(items) ?? quick?.call(items);
}

/** How many items there are, if the iterable knows. */
export function totalOf(items: Many<unknown>): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown };
  return [length, size].find((count) => typeof count === "number") as number | undefined;
}

/** @param launch called for each item when it is pulled */
export async function* stream<T, R>(
  source: NonNullable<ReturnType<typeof iteratorOf<T>>>,
  launch: (item: T, index: number) => Flight<R>,
  most: number,
  { ordered = true, signal, onProgress, total }: StreamOptions & { readonly total?: number },
): AsyncGenerator<R, void, undefined> {
  const air = new Map<number, Flight<R>>();
  const ready = new Map<number, R>();
  let [pulled, handed, done] = [0, 0, 0];
  let [pulling, exhausted, closed] = [false, false, false];
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};

  const fail = (error: unknown) => {
    failure ??= { error };
    wake();
  };
  const dropAll = () => {
    closed = true;
    for (const flight of air.values()) flight.drop();
  };
  const abort = () => {
    dropAll();
    fail(signal!.reason);
  };
  const land = (index: number, result: R) => {
    air.delete(index);
    if (closed) return;
    ready.set(index, result);
    done++;
    onProgress?.(total === undefined ? { done } : { done, total });
    wake();
  };
  const next = async (): Promise<T | undefined> => {
    try {
      const { done: end, value } = await source.next();
      exhausted = end === true;
      return value as Promise<T>;
    } catch (error) {
      // A source that throws has closed itself.
      exhausted = true;
      throw error;
    }
  };
  const pull = async () => {
    pulling = true;
    try {
      const item = await next();
      if (closed || exhausted) return;
      const index = pulled++;
      const flight = launch(item!, index);
      air.set(index, flight);
      flight.result.then((result) => land(index, result)).catch(fail);
    } catch (error) {
      fail(error);
    } finally {
      pulling = false;
      wake();
    }
  };

  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  try {
    for (;;) {
      if (failure) throw failure.error;
      if (!pulling && !exhausted && pulled - handed < most) void pull();
      const index = ordered ? handed : [...ready.keys()][0];
      if (ready.has(index)) {
        const result = ready.get(index)!;
        ready.delete(index);
        handed++;
        yield result;
      } else if (exhausted && handed === pulled) return;
      else await new Promise<void>((go) => (wake = go));
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    dropAll();
    const closing = exhausted ? undefined : Promise.resolve(source.return?.());
    // A source that is waiting for something itself would be waited for.
    if (pulling) closing?.catch(() => {});
    else await closing;
  }
}
