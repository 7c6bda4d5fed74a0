/*
 * npm run conformance                        ONNX's backend tests of the data folder; writes test/conformance/REPORT.md
 * npm run conformance -- PATH... [--json]    tests in ONNX's layout at and below each path, which may be a .tar.gz; a line for each
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { judgeAll } from "./judge.ts";
import { backendTests, keyOf, report, reportPath, totals } from "./report.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });

const verdicts = await judgeAll(positionals.length > 0 ? positionals : [backendTests]);

if (positionals.length === 0) writeFileSync(reportPath, report(verdicts));
if (values.json) console.log(JSON.stringify(verdicts, undefined, 2));
else {
  for (const verdict of positionals.length > 0 ? verdicts : []) {
    console.log(`${verdict.status} ${keyOf(verdict)}${verdict.reason && `: ${verdict.operators.join(", ")}: ${verdict.reason}`}`);
  }
  console.log(totals(verdicts));
}
if (verdicts.some(({ status }) => status === "failed")) process.exitCode = 1;
