import { LrpError } from "./error.ts";

/** WebAssembly's addresses have 32 bits. */
export const MOST_MEMORY = 2 ** 32;
export const MOST_WORK = 1e12;

/** A number that JavaScript works on takes as long as so many multiply-adds of a kernel: measured, rounded up. */
export const HOST = 32;

/** The most that a model may take. */
export interface Limits {
  readonly maxMemory?: number;
  readonly maxWork?: number;
}

/**
 * What one stage may take of JavaScript's memory, and of time. It is asked before anything is made, so that what has no
 * room is not begun.
 */
export class Budget {
  readonly #maxMemory: number;
  readonly #maxWork: number;
  #bytes = 0;
  /** Multiply-adds so far. */
  work = 0;
  /** What is looked at, for errors. */
  where = "the model";

  constructor({ maxMemory = MOST_MEMORY, maxWork = MOST_WORK }: Limits = {}) {
    this.#maxMemory = maxMemory;
    this.#maxWork = maxWork;
  }

  /** Takes bytes that stay, and multiply-adds. @throws LrpError code "memory" */
  take(bytes: number, work = 0): void {
    this.fits((this.#bytes += bytes));
    this.work += work;
    // What is no number does not fit either.
    if (this.work <= this.#maxWork) return;
    throw new LrpError("memory", {
      where: this.where,
      problem: `one sample takes ${this.work} multiply-adds up to here, more than the ${this.#maxWork} of maxWork`,
      fix: "Load with a larger maxWork, or use a smaller input.",
      mentions: [{ text: "maxWork", option: "maxWork" }],
    });
  }

  /** Whether there is room for so many bytes at one time. @throws LrpError code "memory" */
  fits(bytes: number): void {
    if (bytes <= this.#maxMemory) return;
    throw new LrpError("memory", {
      where: this.where,
      problem: `this needs ${bytes} bytes, more than the ${this.#maxMemory} that are allowed`,
      fix: "Load with a larger maxMemory, or use a smaller batch or input.",
      mentions: [{ text: "maxMemory", option: "maxMemory" }],
    });
  }
}
