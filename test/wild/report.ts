import { join } from "node:path";
import { dataRoot } from "../data-root.ts";
import type { Answer, Verdict } from "./judge.ts";

export const wildFolder = join(dataRoot, "wild");
/** From the project's folder, where npm and vitest run. */
export const reportPath = "test/wild/REPORT.md";

const steps = ["loads", "predicts", "explains", "stable"] as const;
const HEAD = ["file", ...steps, "the first reason why not"];

const row = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;

/** All verdicts as a page. */
export function report(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((v) => [v.file, ...steps.map((step) => v[step]), v.reason]);
  const counts = steps.map((step) => `${verdicts.filter((v) => v[step] === "yes").length}`);
  return `# Published networks

ONNX files that people publish, as they are, and what relprop makes of each. \`npm run wild\` writes this page for the files of the
data folder; \`npm run wild -- FOLDER\` prints it for a folder with an \`index.json\` of that form. A file predicts where every
output is as onnxruntime-web computes it: to 5e-5 of the largest number or 2e-7, and 2e-3 of the largest for float16. It is
explained with the default composite and target; it is stable unless relevance has exploded. A test fails where a file has become
worse.

${[HEAD, HEAD.map(() => "---"), ...rows, ["together", ...counts, `of ${verdicts.length}`]].map(row).join("\n")}
`;
}

/** The answers of every file that stands in a report. */
export function readReport(text: string): Map<string, readonly string[]> {
  const rows = [...text.matchAll(/^\| (\S+\.onnx) \| (.*)$/gm)];
  return new Map(rows.map(([, file, rest]) => [file, rest.split(" | ").slice(0, steps.length)]));
}

/** A line for each file that is worse than it was, or gone. */
export function worse(before: ReadonlyMap<string, readonly string[]>, verdicts: readonly Verdict[]): string[] {
  const now = new Map(verdicts.map((verdict) => [verdict.file, verdict]));
  return [...before].flatMap(([file, was]) => {
    const verdict = now.get(file);
    if (!verdict) return [`${file}: not found`];
    const lost = steps.find((step, i) => was[i] === "yes" && (verdict[step] as Answer) !== "yes");
    return lost ? [`${file}: ${lost} no more: ${verdict.reason}`] : [];
  });
}
