import { describe, expect, test } from "vitest";
import { parametersOf } from "../../src/kernels.gen.ts";
import { bytesOf } from "../../src/plan/place.ts";
import {
  controlOf,
  dismiss,
  dismissed,
  encode,
  failure,
  finish,
  help,
  offer,
} from "../../src/parallel/threads/part.ts";
import { type Split, split } from "../../src/parallel/threads/split.ts";

/*
 * How a call is cut into parts, and how threads take them, in one thread that plays all of them.
 */

const fixed = {
  args: [100, 7, 5000, 9000],
  moves: [40, 0, 0, 8],
  along: 1,
  unit: 7,
  scratch: 2,
  scratchBytes: 64,
  sums: -1,
};
const some = (parts: number, more: Partial<Split> = {}): Split => ({ ...fixed, parts, total: 7 * parts - 3, ...more });

/** Part i as it is meant to be. */
const meant = ({ args, moves, along, unit, total, scratch, scratchBytes }: Split, thread: number, i: number) =>
  args.map((v, k) => {
    if (k === along) return i === Math.ceil(total / unit) - 1 ? total - i * unit : unit;
    return v + i * moves[k] + (k === scratch ? thread * scratchBytes : 0);
  });

describe("parts of a call", () => {
  test.each([1, 2, 3, 5])("are all done once, by any of %i threads", (threads) => {
    const control = controlOf(threads);
    for (const parts of [1, 2, 3, 4, 7, 16]) {
      for (let thread = 0; thread < threads; thread++) {
        for (const call of [some(parts), some(parts, { scratch: -1, total: 7 * parts })]) {
          const seen: number[][] = [];
          offer(control, encode(1, call), parts);
          help(control, [() => expect.fail("another kernel"), (...args) => void seen.push(args)], thread);
          const all = Array.from({ length: parts }, (_, i) => meant(call, thread, i));
          expect(seen.sort((a, b) => a[0] - b[0])).toEqual(all);
          expect(finish(control)).toBe(true);
          // Nothing is left for whoever comes late.
          help(control, [() => expect.fail("late"), () => expect.fail("late")], (thread + 1) % threads);
        }
      }
    }
  });

  test("are shared evenly, and each thread begins with its own", () => {
    const control = controlOf(3);
    offer(control, encode(0, some(7)), 7);
    const firsts = [0, 1, 2].map((thread) => {
      const seen: number[] = [];
      const copy = controlOf(3, control.buffer.slice(0));
      help(copy, [(x) => void seen.push((x - 100) / 40)], thread);
      return seen;
    });
    // Of 7 parts: 0 and 1, 2 and 3, 4 to 6.
    expect(firsts.map((seen) => seen[0])).toEqual([0, 2, 4]);
    expect(firsts[1]).toEqual([2, 3, 4, 5, 6, 0, 1]);
  });

  test("that fail are told of once, and the others are done", () => {
    const control = controlOf(2);
    let done = 0;
    const kernel = (x: number) => {
      done++;
      if (x === 140) throw new RangeError(`at ${x}`);
    };
    offer(control, encode(0, some(4)), 4);
    help(control, [kernel], 1);
    expect(done).toBe(4);
    expect(finish(control)).toBe(true);
    expect(failure(control)).toBe("RangeError: at 140");
    expect(failure(control)).toBeUndefined();
  });

  test("are no longer taken once threads are dismissed", () => {
    const control = controlOf(2);
    expect(dismissed(control)).toBe(false);
    dismiss(control);
    expect(dismissed(control)).toBe(true);
  });
});

describe("a call", () => {
  const names = parametersOf("multiply");
  const args = (count: number) => [1000, 100_000, 200_000, count];
  const lengths = [1, 1, 1, 0];

  test("is cut so that the busiest thread has little more than its share", () => {
    for (const threads of [2, 3, 4, 7]) {
      for (const granules of [2, 3, 5, 8, 29]) {
        const count = 4096 * granules - 5;
        const cut = split({ kernel: "multiply", args: args(count), lengths }, threads);
        if (!cut) expect.fail(`${threads} threads, ${granules} granules`);
        expect(cut.total).toBe(count);
        expect(names[cut.along]).toBe("count");
        expect(cut.unit % 4096).toBe(0);
        expect(cut.parts).toBe(Math.ceil(count / cut.unit));
        expect(cut.moves).toEqual([4 * cut.unit, 4 * cut.unit, 4 * cut.unit, 0]);
        const busiest = (Math.ceil(cut.parts / threads) * cut.unit) / count;
        const best = (Math.ceil(granules / threads) * 4096) / count;
        expect(busiest).toBeCloseTo(best, 9);
      }
    }
  });

  test("that is small, or of a kernel that cannot be cut, is not", () => {
    expect(split({ kernel: "multiply", args: args(4096), lengths }, 2)).toBeUndefined();
    expect(split({ kernel: "countNonzero", args: [1000, 100_000], lengths: [1, 0] }, 2)).toBeUndefined();
    // One row is one part.
    expect(
      split({ kernel: "softmaxForward", args: [0, 0, 1, 100_000, 1], lengths: [1, 1, 0, 0, 0] }, 2),
    ).toBeUndefined();
  });

  test("with a scratch needs one for each thread, with sums one for each part", () => {
    const lrn = split(
      { kernel: "lrnForward", args: [0, 0, 0, 9999, 5, 1, 1, 1, 0.75, 1], lengths: [1, 1, 11, 0, 0, 0, 0, 0, 0, 0] },
      3,
    )!;
    expect([lrn.scratch, lrn.scratchBytes, lrn.sums]).toEqual([2, bytesOf(11), -1]);
    const sum = split({ kernel: "sum", args: [0, 0, 100_000], lengths: [1, 4, 0] }, 3)!;
    expect([sum.scratch, sum.sums, sum.unit, sum.parts]).toEqual([-1, 1, 16384, 7]);
  });
});
