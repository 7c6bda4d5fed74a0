/** So long, in milliseconds, is Redis waited for by what is to end. */
export const PATIENCE = 3000;

/** What a promise gives; undefined where the signal is aborted and has been for so many milliseconds. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal, ms = 0): Promise<T | undefined> {
  let [begin, end] = [() => {}, () => {}];
  const over = new Promise<undefined>((resolve) => {
    begin = () => {
      const timer = setTimeout(resolve, ms, undefined);
      end = () => clearTimeout(timer);
    };
  });
  if (signal.aborted) begin();
  else signal.addEventListener("abort", begin);
  try {
    return await Promise.race([promise, over]);
  } finally {
    signal.removeEventListener("abort", begin);
    end();
  }
}
