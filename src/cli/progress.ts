import type { Progress } from "../evaluate/index.ts";
import type { Streams } from "./command.ts";

/** "\r", and the line from there on emptied (ECMA-48, EL). */
const CLEAR = "\r\x1b[K";

/** How often a line is written: on a terminal, where it is rewritten, and elsewhere. */
const OFTEN = { terminal: 100, file: 5000 };

/** What takes so long is announced. */
const LONG = 10_000;

/** Work that was ended by Ctrl-C. */
export class Interrupted extends Error {
  /** @param kept in a sentence, what there is of it */
  constructor(kept: string) {
    super(`interrupted. ${kept}`);
  }
}

/** Work that consists of many parts. */
export interface Task {
  /** What is counted: "images". */
  readonly parts: string;
  /** Milliseconds that all of it is expected to take, where that is known before the first part is done. */
  readonly expected?: number;
  /** What there is of it when it is interrupted, in a sentence. */
  readonly kept: (done: number) => string;
}

/** A time, rounded up, in one unit. */
function duration(ms: number): string {
  const [seconds, minutes, hours] = [1000, 60_000, 3_600_000].map((unit) => Math.ceil(ms / unit));
  if (seconds < 100) return `${seconds} s`;
  return minutes < 100 ? `${minutes} min` : `${hours} h`;
}

/** Milliseconds since work began, when the last part was done, and how long all of it was expected to take. */
interface Times {
  readonly now: number;
  readonly last: number;
  readonly expected?: number;
}

/**
 * How far work is: done of total, percent, and the time that is left if the rest goes as what is done went. Where that
 * is not known, or has passed, the time that it has taken.
 *
 * @example
 * progressLine({ done: 30, total: 120 }, "images", { now: 4500, last: 4000 });
 * // "30 of 120 images, 25 %, 12 s left"
 */
export function progressLine({ done, total }: Progress, parts: string, { now, last, expected = 0 }: Times): string {
  const whole = done > 0 ? (last * total) / done : expected;
  const time = whole > now ? `${duration(whole - now)} left` : `${duration(now)} so far`;
  return `${done} of ${total} ${parts}, ${Math.floor((100 * done) / total)} %, ${time}`;
}

/**
 * Does work of several parts, and tells on stderr how far it is: on a terminal in a line that is rewritten and at the
 * end, whatever that is, cleared; elsewhere in a line every few seconds. Work that takes long is announced: from what
 * is expected, or else when the first two parts are done.
 *
 * @throws Interrupted on Ctrl-C
 * @example
 * const task = { parts: "runs of the network", kept: () => "No file was written." };
 * await withProgress(streams, task, (onProgress) => attribute(model, input, { ...options, onProgress }));
 */
export async function withProgress<T>(
  { err, terminals, columns = 80, interruptible }: Streams,
  { parts, expected, kept }: Task,
  work: (onProgress: (progress: Progress) => void, signal?: AbortSignal) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const since = () => performance.now() - start;
  const isTerminal = terminals?.err === true;
  const often = isTerminal ? OFTEN.terminal : OFTEN.file;
  let latest: Progress = { done: 0, total: 1 };
  let last = 0;
  let [written, isAnnounced] = [isTerminal ? -often : 0, false];
  const tell = () => {
    const now = since();
    if (latest.total <= 1 || now - written < often) return;
    written = now;
    const line = progressLine(latest, parts, { now, last, expected });
    // A full line would wrap, and "\r" goes back to the last row only.
    err(isTerminal ? `${CLEAR}${line.slice(0, Math.max(0, columns - 1))}` : `relprop: ${line}\n`);
  };
  const announce = (whole: number) => {
    isAnnounced = true;
    if (whole >= LONG && latest.total > 1)
      err(`${isTerminal ? CLEAR : ""}relprop: ${latest.total} ${parts} will take about ${duration(whole)}\n`);
  };
  const onProgress = (progress: Progress) => {
    const [before, then, now] = [latest, last, since()];
    [latest, last] = [progress, now];
    if (!isAnnounced && expected !== undefined) announce(expected);
    // What is done once, such as a plan, is over with the first part: the second is the measure of the others.
    else if (!isAnnounced && before.done > 0)
      announce(then + ((now - then) * (progress.total - before.done)) / (progress.done - before.done));
    tell();
  };
  const timer = setInterval(tell, Math.min(often, 1000));
  try {
    const watched = (signal?: AbortSignal) =>
      work(onProgress, signal).catch((error) => {
        throw signal?.aborted ? new Interrupted(kept(latest.done)) : error;
      });
    return await (interruptible ? interruptible(watched) : watched());
  } finally {
    clearInterval(timer);
    if (isTerminal && latest.total > 1) err(CLEAR);
  }
}
