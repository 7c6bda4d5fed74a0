import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasData } from "../data.ts";
import { difference, judgeFolder, numbersOf, type StoredOutput, type Verdict } from "./judge.ts";
import { readReport, report, reportPath, wildFolder, worse } from "./report.ts";

if (!hasData) console.log("skipped: published networks, which lie in the same folder");

describe.runIf(hasData)("published networks", () => {
  it("none is worse than test/wild/REPORT.md says", { timeout: 240_000 }, async () => {
    const [text, verdicts] = [readFileSync(reportPath, "utf8"), await judgeFolder(wildFolder)];
    expect(worse(readReport(text), verdicts)).toEqual([]);
    if (report(verdicts) !== text)
      console.log(`results have changed, none for the worse: npm run wild writes ${reportPath}`);
  });
});

describe("the judge of published networks", () => {
  const stored: StoredOutput = { type: "float32", dims: [4], every: 2, data: [1, -3], max: 3, sum: 1, sumAbs: 7 };
  const output = (...data: number[]) => ({ dims: [4], data: Float32Array.from(data) });

  it("compares the numbers that are stored, and by their sums those that are not", () => {
    expect(difference(output(1, 1, -3, 2), stored)).toBeUndefined();
    expect(difference(output(1.001, 1, -3, 2), stored)).toMatch(/off by 1\.0e-3/);
    expect(difference(output(1, 1.01, -3, 2), stored)).toMatch(/the sum is off by 1\.0e-2/);
    expect(difference(output(1, 1, -3, Number.NaN), stored)).toMatch(/sum/);
    expect(difference(output(Number.NaN, 1, -3, 2), stored)).toMatch(/off by NaN/);
    expect(difference({ dims: [2, 2], data: new Float32Array(4) }, stored)).toMatch(/dims/);
    expect(difference(undefined, stored)).toMatch(/left out/);
  });

  it("makes inputs by integers", () => {
    const s1 = (12345n * 1103515245n + 12345n) % 2n ** 31n;
    const s2 = (s1 * 1103515245n + 12345n) % 2n ** 31n;
    const [u, v] = [s1, s2].map((s) => Number(s) / (2 ** 31 - 1));
    const seed = { dims: [2], seed: 12345 };
    expect(numbersOf({ type: "float32", ...seed, low: -1, high: 1 })).toEqual([-1 + 2 * u, -1 + 2 * v]);
    expect(numbersOf({ type: "int64", ...seed, high: 10 })).toEqual([Math.floor(10 * u), Math.floor(10 * v)]);
    expect(numbersOf({ type: "float16", ...seed })).toEqual([u, v].map((w) => (w > 0.5 ? 1 : 0.5)));
  });

  it("notices what has become worse, by its own page", () => {
    const verdict = (file: string, explains: "yes" | "no"): Verdict => ({
      file,
      loads: "yes",
      predicts: "yes",
      explains,
      stable: explains,
      reason: explains === "yes" ? "" : "why | not",
    });
    const before = readReport(report([verdict("a.onnx", "yes"), verdict("b.onnx", "no"), verdict("c.onnx", "yes")]));
    expect(worse(before, [verdict("a.onnx", "no"), verdict("b.onnx", "yes")])).toEqual([
      "a.onnx: explains no more: why | not",
      "c.onnx: not found",
    ]);
  });
});
