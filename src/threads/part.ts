/*
 * What threads share beside the memory: the call that is being worked on, and who does what.
 *
 *   ticket   number of the call · 4096 + parts that nobody has taken yet; END when there is nothing more to do
 *   done     parts that are finished
 *   parts    of the call
 *   failed   length of the text that says how a part failed
 *
 * A thread takes a part by counting the ticket down. Whoever comes late finds nothing left: the main thread waits for parts, never for threads.
 */
export const TICKET = 0;
const DONE = 1;
const PARTS = 2;
const FAILED = 3;
export const END = -1;
export const MOST_PARTS = 4095;

/** Places of a call's numbers. */
const [KERNEL, COUNT, ALONG, ALSO, UNIT, TOTAL, SCRATCH, SCRATCH_BYTES] = [0, 1, 2, 3, 4, 5, 6, 7];
const ARGS = 8;
const MOST_ARGS = 32;
const TEXT = 200;

/** Looks at a number before a thread sleeps: some 50 microseconds. */
const SPINS = 5000;

export interface Control {
  readonly buffer: SharedArrayBuffer;
  readonly ints: Int32Array;
  readonly numbers: Float64Array;
  readonly text: Uint16Array;
}

export function controlOf(buffer: SharedArrayBuffer = new SharedArrayBuffer(64 + 8 * (ARGS + 2 * MOST_ARGS) + 2 * TEXT)): Control {
  const numbers = new Float64Array(buffer, 64, ARGS + 2 * MOST_ARGS);
  return { buffer, ints: new Int32Array(buffer, 0, 16), numbers, text: new Uint16Array(buffer, 64 + numbers.byteLength, TEXT) };
}

/** Makes a call ready for every thread to take parts of. `numbers` as `encode` made them. */
export function offer({ ints, numbers }: Control, call: Float64Array, parts: number): void {
  numbers.set(call);
  ints[PARTS] = parts;
  Atomics.store(ints, DONE, 0);
  const number = ((ints[TICKET] >> 12) + 1) & 0x3ffff;
  Atomics.store(ints, TICKET, (number << 12) | parts);
  Atomics.notify(ints, TICKET);
}

/** A call in numbers. */
export function encode(
  kernel: number,
  { args, moves, along, also, unit, total, scratch, scratchBytes }: {
    readonly args: readonly number[];
    readonly moves: readonly number[];
    readonly along: number;
    readonly also: number;
    readonly unit: number;
    readonly total: number;
    readonly scratch: number;
    readonly scratchBytes: number;
  },
): Float64Array {
  return Float64Array.of(kernel, args.length, along, also, unit, total, scratch, scratchBytes, ...args, ...moves);
}

/** Takes parts of the call that is on offer until none is left. Part i's arguments are args + i · moves. */
export function help({ ints, numbers, text }: Control, kernels: readonly ((...args: number[]) => void)[], thread: number): void {
  for (let ticket = Atomics.load(ints, TICKET); ticket !== END && (ticket & MOST_PARTS) > 0; ticket = Atomics.load(ints, TICKET)) {
    if (Atomics.compareExchange(ints, TICKET, ticket, ticket - 1) !== ticket) continue;
    const part = ints[PARTS] - (ticket & MOST_PARTS);
    const count = numbers[COUNT];
    const args: number[] = [];
    for (let i = ARGS; i < ARGS + count; i++) args.push(numbers[i] + part * numbers[i + count]);
    args[numbers[ALONG]] = Math.min(numbers[UNIT], numbers[TOTAL] - part * numbers[UNIT]);
    if (numbers[ALSO] >= 0) args[numbers[ALSO]] = args[numbers[ALONG]];
    if (numbers[SCRATCH] >= 0) args[numbers[SCRATCH]] += thread * numbers[SCRATCH_BYTES];
    try {
      kernels[numbers[KERNEL]](...args);
    } catch (error) {
      const words = String(error).slice(0, TEXT);
      for (let i = 0; i < words.length; i++) text[i] = words.charCodeAt(i);
      Atomics.store(ints, FAILED, words.length);
    }
    if (Atomics.add(ints, DONE, 1) + 1 === ints[PARTS]) Atomics.notify(ints, DONE);
  }
}

/** Looks again and again for a while, because being woken takes longer than most waits; then sleeps until `place` is no longer `value`. */
export function waitWhile({ ints }: Control, place: number, value: number): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(ints, place) !== value) return;
  Atomics.wait(ints, place, value);
}

/** Waits until every part of the call is finished. */
export function finish(control: Control): void {
  const { ints } = control;
  for (let done = Atomics.load(ints, DONE); done < ints[PARTS]; done = Atomics.load(ints, DONE)) waitWhile(control, DONE, done);
}

/** How a part failed, if one did; asked once. */
export function failure({ ints, text }: Control): string | undefined {
  const length = Atomics.exchange(ints, FAILED, 0);
  return length > 0 ? String.fromCharCode(...text.subarray(0, length)) : undefined;
}
