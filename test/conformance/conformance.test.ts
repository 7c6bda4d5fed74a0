import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasData } from "../data.ts";
import { judgeAll } from "./judge.ts";
import { backendTests, readReport, report, reportPath, worse } from "./report.ts";

if (!hasData) console.log("skipped: ONNX's backend tests, which lie in the same folder");

describe.runIf(hasData)("ONNX's backend tests", () => {
  it("none gives a worse result than test/conformance/REPORT.md says", async () => {
    const [text, verdicts] = [readFileSync(reportPath, "utf8"), await judgeAll([backendTests])];
    expect(worse(readReport(text), verdicts)).toEqual([]);
    if (report(verdicts) !== text)
      console.log(`results have changed, none for the worse: npm run conformance writes ${reportPath}`);
  });
});
