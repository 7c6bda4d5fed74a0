import type { Split } from "./split.ts";

/*
 * What threads share beside the memory: the call that is being worked on, and who does what.
 *
 *   call     its number; END when there is nothing more to do
 *   done     parts that are finished
 *   parts    of the call
 *   failed   length of the text that says how a part failed
 *   left     for each thread, how many parts of its share nobody has taken yet
 *
 * A thread takes parts of its own share by counting down, so that it meets the numbers again that it has just computed,
 * and then those that others have not come to. Whoever comes late finds nothing left: the main thread waits for parts,
 * never for threads.
 */

/** Places are a cache line apart. */
const LINE = 16;
export const CALL = 0;
const DONE = LINE;
const PARTS = 2 * LINE;
const FAILED = 3 * LINE;
const LEFT = 4 * LINE;
export const END = -1;

/** Places of a call's numbers. */
const [KERNEL, COUNT, ALONG, UNIT, TOTAL, SCRATCH, SCRATCH_BYTES] = [0, 1, 2, 3, 4, 5, 6];
const ARGS = 7;
const MOST_ARGS = 32;
const TEXT = 200;

/** Looks at a number before a thread sleeps: some 50 microseconds. */
const SPINS = 5000;

/**
 * Seconds in which no part is finished, after which a thread counts as lost. A thread that is ended from outside (by
 * its runtime, for want of memory) cannot say so, and one that computes looks the same: the largest parts that fit a
 * memory take seconds, on slow machines tens.
 */
export const PATIENCE = 300;

export interface Control {
  readonly buffer: SharedArrayBuffer;
  readonly threads: number;
  readonly ints: Int32Array;
  readonly numbers: Float64Array;
  readonly text: Uint16Array;
}

export function controlOf(threads: number, shared?: SharedArrayBuffer): Control {
  const [intBytes, numberBytes] = [4 * (LEFT + threads * LINE), 8 * (ARGS + 2 * MOST_ARGS)];
  const buffer = shared ?? new SharedArrayBuffer(intBytes + numberBytes + 2 * TEXT);
  return {
    buffer,
    threads,
    ints: new Int32Array(buffer, 0, intBytes / 4),
    numbers: new Float64Array(buffer, intBytes, numberBytes / 8),
    text: new Uint16Array(buffer, intBytes + numberBytes, TEXT),
  };
}

/** A call in numbers. */
export function encode(
  kernel: number,
  { args, moves, along, unit, total, scratch, scratchBytes }: Split,
): Float64Array {
  return Float64Array.of(kernel, args.length, along, unit, total, scratch, scratchBytes, ...args, ...moves);
}

/** Where a thread's share of the parts ends. */
const endOf = (thread: number, parts: number, threads: number) => Math.floor(((thread + 1) * parts) / threads);

/** Makes a call ready for every thread to take parts of. `numbers` as `encode` made them. */
export function offer({ ints, numbers, threads }: Control, call: Float64Array, parts: number): void {
  numbers.set(call);
  ints[PARTS] = parts;
  ints[DONE] = 0;
  for (let t = 0; t < threads; t++) {
    Atomics.store(ints, LEFT + t * LINE, endOf(t, parts, threads) - endOf(t - 1, parts, threads));
  }
  Atomics.store(ints, CALL, (ints[CALL] + 1) & 0x7fffffff);
  Atomics.notify(ints, CALL);
}

/** Tells every thread that there is nothing more to do. */
export function dismiss({ ints }: Control): void {
  Atomics.store(ints, CALL, END);
  Atomics.notify(ints, CALL);
}

export const dismissed = ({ ints }: Control): boolean => Atomics.load(ints, CALL) === END;

/** A part that nobody has taken yet, of this thread's share if there is one; -1 where none is left. */
function take({ ints, threads }: Control, thread: number): number {
  for (let i = 0; i < threads; i++) {
    const owner = (thread + i) % threads;
    const place = LEFT + owner * LINE;
    for (let left = Atomics.load(ints, place); left > 0; left = Atomics.load(ints, place)) {
      if (Atomics.compareExchange(ints, place, left, left - 1) === left)
        return endOf(owner, ints[PARTS], threads) - left;
    }
  }
  return -1;
}

/** Does parts of the call that is on offer until none is left. Part i's arguments are args + i · moves. */
export function help(control: Control, kernels: readonly ((...args: number[]) => void)[], thread: number): void {
  const { ints, numbers, text } = control;
  for (let part = take(control, thread); part >= 0; part = take(control, thread)) {
    try {
      const count = numbers[COUNT];
      const args: number[] = [];
      for (let i = ARGS; i < ARGS + count; i++) args.push(numbers[i] + part * numbers[i + count]);
      args[numbers[ALONG]] = Math.min(numbers[UNIT], numbers[TOTAL] - part * numbers[UNIT]);
      if (numbers[SCRATCH] >= 0) args[numbers[SCRATCH]] += thread * numbers[SCRATCH_BYTES];
      kernels[numbers[KERNEL]](...args);
    } catch (error) {
      const words = String(error).slice(0, TEXT);
      for (let i = 0; i < words.length; i++) text[i] = words.charCodeAt(i);
      Atomics.store(ints, FAILED, words.length);
    }
    if (Atomics.add(ints, DONE, 1) + 1 === ints[PARTS]) Atomics.notify(ints, DONE);
  }
}

/**
 * Looks again and again for a while, because being woken takes longer than most waits; then sleeps until `place` is no
 * longer `value`, or that many milliseconds.
 */
export function waitWhile({ ints }: Control, place: number, value: number, most = Number.POSITIVE_INFINITY): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(ints, place) !== value) return;
  Atomics.wait(ints, place, value, most);
}

/** Waits until every part of the call is finished; false where one will not be, because a thread is lost. */
export function finish(control: Control): boolean {
  const { ints } = control;
  // Waits are counted, not read off a clock: it may go on while the machine is asleep.
  for (let done = Atomics.load(ints, DONE); done < ints[PARTS]; done = Atomics.load(ints, DONE)) {
    for (let seconds = 0; Atomics.load(ints, DONE) === done; seconds++) {
      if (seconds === PATIENCE) return false;
      waitWhile(control, DONE, done, 1000);
    }
  }
  return true;
}

/** How a part failed, if one did; asked once. */
export function failure({ ints, text }: Control): string | undefined {
  const length = Atomics.exchange(ints, FAILED, 0);
  return length > 0 ? String.fromCharCode(...text.subarray(0, length)) : undefined;
}
