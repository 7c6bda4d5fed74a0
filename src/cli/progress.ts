import type { Progress } from "../evaluate/index.ts";
import type { Streams } from "./command.ts";

/** "\r", and the line from there on emptied (ECMA-48, EL). */
const CLEAR = "\r\x1b[K";

/** The time that is left, rounded up, in one unit. */
function duration(ms: number): string {
  const [seconds, minutes, hours] = [1000, 60_000, 3_600_000].map((unit) => Math.ceil(ms / unit));
  if (seconds < 100) return `${seconds} s`;
  return minutes < 100 ? `${minutes} min` : `${hours} h`;
}

/**
 * How far work is, in one line: done of total, percent, and the time that is left if the rest goes as what is done
 * went. It is cut to `columns` − 1 characters, since a full line would wrap, and "\r" goes back to the last row only.
 *
 * @param elapsedMs what `done` of them took
 * @example progressLine({ done: 30, total: 120 }, 4000); // "30/120  25 %  12 s left"
 */
export function progressLine({ done, total }: Progress, elapsedMs: number, columns = 80): string {
  const left = done > 0 && done < total ? `  ${duration((elapsedMs * (total - done)) / done)} left` : "";
  return `${done}/${total}  ${Math.floor((100 * done) / total)} %${left}`.slice(0, Math.max(0, columns - 1));
}

/**
 * Does work, and on a terminal shows how far it is, in a line that is rewritten and at the end, whatever that is,
 * cleared.
 * @example await withProgress(streams, (onProgress) => attribute(model, input, { ...options, onProgress }));
 */
export async function withProgress<T>(
  { err, live, columns }: Streams,
  work: (onProgress?: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  if (!live) return work();
  const start = performance.now();
  try {
    return await work((progress) => err(`${CLEAR}${progressLine(progress, performance.now() - start, columns)}`));
  } finally {
    err(CLEAR);
  }
}
