/*
 * npm run conformance                        ONNX's backend tests of the data folder; writes test/conformance/REPORT.md
 * npm run conformance -- PATH... [--json]    tests in ONNX's layout at and below each path, which may be a .tar.gz;
 *                                            a line for each
 *
 * Ends with 0 where no test failed, 1 where one did, 2 where there was none to run.
 */
import "../../src/entries/operators.ts";
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { judgeAll } from "./judge.ts";
import { backendTests, keyOf, report, reportPath, totals } from "./report.ts";

async function main(): Promise<void> {
  const { values, positionals: given } = parseArgs({ allowPositionals: true, options: { json: { type: "boolean" } } });
  const paths = given.length > 0 ? given : [backendTests];
  const missing = paths.filter((path) => !existsSync(path));
  const fix =
    given.length > 0
      ? ""
      : ": set RELPROP_DATA to the folder that holds onnx_backend_tests, or give the paths of tests";
  if (missing.length > 0) throw new Error(`no ${missing.join(", ")}${fix}`);
  const verdicts = await judgeAll(paths);
  if (given.length === 0) writeFileSync(reportPath, report(verdicts));
  if (values.json) console.log(JSON.stringify(verdicts, undefined, 2));
  else {
    for (const verdict of given.length > 0 ? verdicts : []) {
      console.log(
        `${verdict.status} ` +
          `${keyOf(verdict)}${verdict.reason && `: ${verdict.operators.join(", ")}: ${verdict.reason}`}`,
      );
    }
    console.log(totals(verdicts));
  }
  if (verdicts.some(({ status }) => status === "failed")) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`conformance: ${(error as Error).message}`);
  process.exitCode = 2;
}
