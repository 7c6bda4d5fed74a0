/*
 * npm run wild             the networks of the data folder; writes test/wild/REPORT.md
 * npm run wild -- FOLDER   those of a folder with an index.json of that form; prints the page
 *
 * Ends with 1 where a file is worse than the page says, or a number is wrong; with 2 where there is nothing to judge.
 */
import "../../src/entries/operators.ts";
import { readFileSync, writeFileSync } from "node:fs";
import { judgeFolder } from "./judge.ts";
import { readReport, report, reportPath, wildFolder, worse } from "./report.ts";

async function main(): Promise<void> {
  const [folder = wildFolder] = process.argv.slice(2);
  const verdicts = await judgeFolder(folder, ({ file, reason }) => console.error(`${file}${reason && `: ${reason}`}`));
  if (folder !== wildFolder) {
    console.log(report(verdicts));
    return;
  }
  const lost = worse(readReport(readFileSync(reportPath, "utf8")), verdicts);
  writeFileSync(reportPath, report(verdicts));
  if (lost.length === 0) return;
  console.error(lost.join("\n"));
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(`wild: ${(error as Error).message}`);
  process.exitCode = 2;
}
