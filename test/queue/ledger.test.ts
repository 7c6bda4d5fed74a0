import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/queue/ledger.ts";
import { together } from "../../src/queue/limits.ts";

const ids = (count: number) => Array.from({ length: count }, (_, i) => i);

test.each([
  [1, undefined, 1],
  [64, undefined, 1],
  [200, undefined, 4],
  [50_000, undefined, 100],
  [50_000, 400, 12],
  [50_000, 60_000, 1],
  [0, undefined, 1],
])("%s items of %s ms each: jobs of %s", (items, each, size) => {
  expect(together(items, each)).toBe(size);
});

describe("the ledger of a queue", () => {
  test("hands out every item once, as far as a job takes it", () => {
    const ledger = new Ledger(ids(130));
    const seen: number[] = [];
    for (let next = ledger.next(); next.length > 0; next = ledger.next()) {
      const taken = next.slice(0, 2);
      ledger.queued(`part-${taken[0]}`, taken, 10);
      seen.push(...taken);
    }
    expect(seen).toEqual(ids(130));
    expect([ledger.jobs, ledger.bytes]).toEqual([65, 650]);
  });

  test("what was in the queue before is not handed out, and waits again when its job comes back without it", () => {
    const ledger = new Ledger(ids(4));
    ledger.queued("part-1", [1, 2], 0);
    expect(ledger.next()).toEqual([0]);
    ledger.queued("part-0", [0], 0);
    expect(ledger.next()).toEqual([3]);
    ledger.open.delete(2);
    expect(ledger.returned("part-1")).toEqual([]);
    expect(ledger.next()).toEqual([1]);
  });

  test("an item that comes back for the fourth time is given up", () => {
    const ledger = new Ledger([7]);
    for (const given of [[], [], [], [7]]) {
      ledger.queued("part-7", ledger.next(), 1);
      expect(ledger.returned("part-7")).toEqual(given);
    }
    ledger.open.delete(7);
    expect([ledger.next(), ledger.bytes]).toEqual([[], 0]);
  });

  test("the items of a job that has failed wait again, each by itself; one that fails by itself is told", () => {
    const ledger = new Ledger(ids(300));
    ledger.queued("part-0", ledger.next(), 1);
    expect(ledger.failed("part-0")).toBeUndefined();
    for (const id of ids(5)) {
      expect(ledger.next()).toEqual([id]);
      ledger.queued(`part-${id}`, [id], 1);
    }
    expect(ledger.next()).toEqual([5, 6, 7, 8, 9]);
    expect(ledger.failed("part-3")).toBe(3);
  });

  test("a job is missing when it is in no list for the second time", () => {
    const ledger = new Ledger(ids(2));
    ledger.queued("part-0", [0], 1);
    ledger.queued("part-1", [1], 1);
    expect(ledger.missing(new Set(["part-1"]))).toEqual([]);
    expect(ledger.missing(new Set(["part-0"]))).toEqual([]);
    expect(ledger.missing(new Set(["part-0"]))).toEqual(["part-1"]);
  });
});
