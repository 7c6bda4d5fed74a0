/** What is cut into pieces of so many bytes: a Redis answers nobody else while it sends one. */
export const CHUNK = 2 ** 22;
/** As many bytes of a message stand in the job itself. */
export const INLINE = 2 ** 16;
/** As many bytes may a message have: the inputs of one job, or its results. */
export const MOST_MESSAGE = 2 ** 28;
/** As many bytes may a file of the model have. */
export const MOST_FILE = 2 ** 31 - 1;
/** So many items share a job at most, and their inputs so many bytes, unless a single one has more. */
export const MOST_ITEMS = 100;
export const MOST_TOGETHER = 2 ** 22;
/** There are so many jobs at least, if there are as many items: several workers share them. */
const LEAST_JOBS = 64;
/** So many milliseconds of work are a job at most, where that is known: what is lost when a worker is. */
const MOST_TIME = 5000;
/** So many bytes of messages, and so many jobs, wait in the queue at a time; the others follow. */
export const MOST_AHEAD = 2 ** 29;
export const MOST_JOBS = 1000;

/**
 * How many items a job has.
 * @param each milliseconds that one takes, if that is known
 * @example
 * together(200); // 4
 * together(50_000, 400); // 12
 */
export function together(items: number, each?: number): number {
  const byTime = each === undefined ? MOST_ITEMS : Math.floor(MOST_TIME / Math.max(each, 1));
  return Math.max(1, Math.min(MOST_ITEMS, byTime, Math.ceil(items / LEAST_JOBS)));
}
