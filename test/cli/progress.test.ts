import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Interrupted, progressLine, withProgress } from "../../src/cli/progress.ts";
import { run } from "../../src/cli/run.ts";

const CLEAR = "\r\x1b[K";

describe("a line of progress", () => {
  test.each<[done: number, total: number, times: Parameters<typeof progressLine>[2], line: string]>([
    [30, 120, { now: 4000, last: 4000 }, "30 of 120 images, 25 %, 12 s left"],
    [30, 120, { now: 6000, last: 4000 }, "30 of 120 images, 25 %, 10 s left"],
    [30, 120, { now: 17_000, last: 4000 }, "30 of 120 images, 25 %, 17 s so far"],
    [0, 7, { now: 5000, last: 0 }, "0 of 7 images, 0 %, 5 s so far"],
    [0, 7, { now: 5000, last: 0, expected: 65_000 }, "0 of 7 images, 0 %, 60 s left"],
    [7, 7, { now: 5000, last: 5000, expected: 65_000 }, "7 of 7 images, 100 %, 5 s so far"],
    [299, 300, { now: 29_900, last: 29_900 }, "299 of 300 images, 99 %, 1 s left"],
    [1, 2, { now: 99_000, last: 99_000 }, "1 of 2 images, 50 %, 99 s left"],
    [1, 2, { now: 99_001, last: 99_001 }, "1 of 2 images, 50 %, 2 min left"],
    [1, 3, { now: 50 * 60_000, last: 50 * 60_000 }, "1 of 3 images, 33 %, 2 h left"],
  ])("%i of %i at %o", (done, total, times, line) => expect(progressLine({ done, total }, "images", times)).toBe(line));
});

interface Recorded {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly terminals: { readonly out: boolean; readonly err: boolean };
  readonly columns: number;
  readonly written: string[];
}

function recorded(isTerminal: boolean, columns = 80): Recorded {
  const written: string[] = [];
  const err = (text: string) => written.push(text);
  return { out: () => {}, err, terminals: { out: false, err: isTerminal }, columns, written };
}

describe("work of several parts", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const task = { parts: "images", kept: (done: number) => `${done} are kept.` };
  /** Parts that take so many milliseconds each. */
  const parts = (streams: Recorded, times: readonly number[], more = {}) =>
    withProgress(streams, { ...task, ...more }, async (onProgress) => {
      onProgress({ done: 0, total: times.length });
      for (const [i, time] of times.entries()) {
        vi.advanceTimersByTime(time);
        onProgress({ done: i + 1, total: times.length });
      }
    });

  test("on a terminal it is one line, which is cleared at the end", async () => {
    const terminal = recorded(true);
    await parts(terminal, [1000, 1000, 1000]);
    expect(terminal.written).toContain(`${CLEAR}1 of 3 images, 33 %, 2 s left`);
    expect(terminal.written.every((text) => text.startsWith(CLEAR) && !text.includes("\n"))).toBe(true);
    expect(terminal.written.at(-1)).toBe(CLEAR);
  });

  test("one column of the terminal stays free", async () => {
    for (const [columns, line] of [
      [10, "1 of 2 im"],
      [0, ""],
    ] as const) {
      const narrow = recorded(true, columns);
      await parts(narrow, [1000, 1000]);
      expect(narrow.written).toContain(`${CLEAR}${line}`);
      expect(Math.max(...narrow.written.map((text) => text.length - CLEAR.length))).toBeLessThan(Math.max(1, columns));
    }
  });

  test("elsewhere there is a line every few seconds, also while no part is done", async () => {
    const pipe = recorded(false);
    await parts(pipe, [3000, 12_000, 1000]);
    expect(pipe.written.filter((line) => !line.includes("about"))).toEqual([
      "relprop: 1 of 3 images, 33 %, 4 s left\n",
      "relprop: 1 of 3 images, 33 %, 10 s so far\n",
      "relprop: 1 of 3 images, 33 %, 15 s so far\n",
    ]);
  });

  test("what is done within seconds says nothing there", async () => {
    const pipe = recorded(false);
    await parts(pipe, [1000, 1000, 1000]);
    expect(pipe.written).toEqual([]);
  });

  test("what is one part says nothing anywhere", async () => {
    for (const isTerminal of [true, false]) {
      const streams = recorded(isTerminal);
      await parts(streams, [60_000]);
      expect(streams.written).toEqual([]);
    }
  });

  test.each([true, false])(
    "what takes long is announced when two parts are done; a terminal: %s",
    async (isTerminal) => {
      const streams = recorded(isTerminal);
      // The first has a plan to make.
      await parts(streams, [2500, 500, ...Array<number>(18).fill(500)]);
      expect(streams.written.filter((text) => text.includes("about"))).toEqual([
        `${isTerminal ? CLEAR : ""}relprop: 20 images will take about 12 s\n`,
      ]);
    },
  );

  test("what is expected is announced before any part is done", async () => {
    const pipe = recorded(false);
    await parts(pipe, [7000, 7000], { expected: 200_000 });
    expect(pipe.written.slice(0, 2)).toEqual([
      "relprop: 2 images will take about 4 min\n",
      "relprop: 0 of 2 images, 0 %, 4 min left\n",
    ]);
    expect(pipe.written.filter((text) => text.includes("about"))).toHaveLength(1);
  });

  test("the line is cleared before an error is told", async () => {
    const terminal = recorded(true);
    const failing = withProgress(terminal, task, async (onProgress) => {
      onProgress({ done: 1, total: 2 });
      throw new Error("half way");
    });
    await expect(failing).rejects.toThrow("half way");
    expect(terminal.written.at(-1)).toBe(CLEAR);
  });

  test("Ctrl-C ends it with what is kept", async () => {
    const controller = new AbortController();
    const streams = {
      ...recorded(false),
      interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => work(controller.signal),
    };
    const ended = withProgress(streams, task, async (onProgress, signal) => {
      onProgress({ done: 3, total: 9 });
      controller.abort();
      signal!.throwIfAborted();
    });
    await expect(ended).rejects.toThrow(new Interrupted("3 are kept."));
  });
});

test("what a command says while it explains goes to stderr", async () => {
  const terminal = recorded(true);
  const words = ["explain", "demo/digits.onnx", "demo/three.png", "--method", "occlusion", "--window", "1"];
  expect(await run(words, terminal)).toBe(0);
  const lines = terminal.written.filter((text) => text.startsWith(CLEAR)).map((text) => text.slice(CLEAR.length));
  expect(lines.some((line) => /^\d+ of 784 runs of the network, \d+ %, /.test(line))).toBe(true);
  expect(terminal.written.at(-1)).toBe(CLEAR);
});
