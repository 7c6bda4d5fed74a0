import { describe, expect, test } from "vitest";
import { progressLine, withProgress } from "../../src/cli/progress.ts";
import { run } from "../../src/cli/run.ts";

describe("a line of progress", () => {
  test.each<[done: number, total: number, elapsed: number, line: string]>([
    [30, 120, 4000, "30/120  25 %  12 s left"],
    [0, 7, 5000, "0/7  0 %"],
    [7, 7, 5000, "7/7  100 %"],
    [299, 300, 29_900, "299/300  99 %  1 s left"],
    [1, 2, 99_000, "1/2  50 %  99 s left"],
    [1, 2, 99_001, "1/2  50 %  2 min left"],
    [1, 3, 50 * 60_000, "1/3  33 %  2 h left"],
  ])("%i of %i after %i ms", (done, total, elapsed, line) => expect(progressLine({ done, total }, elapsed)).toBe(line));

  test("one column of the terminal stays free", () => {
    expect(progressLine({ done: 30, total: 120 }, 4000, 10)).toBe("30/120  2");
    expect(progressLine({ done: 30, total: 120 }, 4000, 0)).toBe("");
  });
});

describe("work that is watched", () => {
  const streams = (live: boolean) => {
    const [out, err]: string[][] = [[], []];
    return {
      out: (text: string) => out.push(text),
      err: (text: string) => err.push(text),
      live,
      written: () => [out.join(""), err] as const,
    };
  };
  const occlusion = ["explain", "demo/digits.onnx", "demo/three.png", "--method", "occlusion", "--window", "14"];

  test("a terminal shows one line, cleared at the end", async () => {
    const terminal = streams(true);
    expect(await run(occlusion, terminal)).toBe(0);
    const [out, err] = terminal.written();
    expect(err.length).toBeGreaterThan(1);
    expect(err.at(-2)).toBe("\r\x1b[K4/4  100 %");
    expect(err.at(-1)).toBe("\r\x1b[K");
    expect(out).toContain("occlusion");
  });

  test("anything else shows nothing", async () => {
    const pipe = streams(false);
    expect(await run(occlusion, pipe)).toBe(0);
    expect(pipe.written()[1]).toEqual([]);
  });

  test("it is cleared before an error is told", async () => {
    const terminal = streams(true);
    const failing = withProgress(terminal, async (onProgress) => {
      onProgress?.({ done: 1, total: 2 });
      throw new Error("half way");
    });
    await expect(failing).rejects.toThrow("half way");
    expect(terminal.written()[1].at(-1)).toBe("\r\x1b[K");
  });
});
