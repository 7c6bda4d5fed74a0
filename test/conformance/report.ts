import { join } from "node:path";
import { dataRoot } from "../data-root.ts";
import { ABSOLUTE, RELATIVE } from "./compare.ts";
import { type Status, statuses, type Verdict } from "./judge.ts";

/** ONNX's own tests in the data folder, of which the report tells. */
export const backendTests = join(dataRoot, "onnx_backend_tests");
/** From the project's folder, where npm and vitest run. */
export const reportPath = "test/conformance/REPORT.md";

const meaning: Readonly<Record<Status, string>> = {
  passed: "The file as it is gives what is expected.",
  unsupported: "relprop refuses, and says what it takes instead.",
  failed: "A wrong answer, a crash, or an error that blames the file or the caller.",
};

export const keyOf = ({ suite, name }: Pick<Verdict, "suite" | "name">) => `${suite}/${name}`;

/** Lists by key, in the order of the keys. */
function grouped(verdicts: readonly Verdict[], key: (verdict: Verdict) => string): [string, Verdict[]][] {
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) groups.set(key(verdict), [...(groups.get(key(verdict)) ?? []), verdict]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const escaped = rows.map((cells) => cells.map((cell) => String(cell).replaceAll("|", "\\|").replaceAll("\n", " ")));
  return [head, head.map(() => "---"), ...escaped].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** How many tests of each folder have which status. */
export function totals(verdicts: readonly Verdict[]): string {
  const counts = (of: readonly Verdict[]) => statuses.map((status) => of.filter((v) => v.status === status).length);
  const rows = grouped(verdicts, (v) => v.suite).map(([suite, of]) => [suite, ...counts(of), of.length]);
  return table(["folder", ...statuses, "tests"], [...rows, ["together", ...counts(verdicts), verdicts.length]]);
}

function namesOf(verdicts: readonly Verdict[]): string {
  return grouped(verdicts, (v) => v.suite)
    .map(([suite, of]) => `${suite}: ${of.map((v) => v.name).join(", ")}`)
    .join("; ");
}

function section(status: Status, verdicts: readonly Verdict[]): string {
  const groups = grouped(verdicts, ({ operators, reason }) => JSON.stringify([operators.join(", "), reason]));
  const rows = groups.map(([, of]) => [of[0].operators.join(", "), of[0].reason, of.length, namesOf(of)]);
  return `## ${status}\n\n${meaning[status]}\n\n${rows.length > 0 ? table(["operators", "reason", "count", "tests"], rows) : "None."}\n`;
}

const tolerances = Object.entries(RELATIVE)
  .map(([type, share]) => `${type} may differ by ${share.toExponential()}`)
  .join(", ");

/** All verdicts as a page, in which every test stands by its name. */
export function report(verdicts: readonly Verdict[]): string {
  const sections = [...statuses].reverse().map((status) =>
    section(
      status,
      verdicts.filter((v) => v.status === status),
    ),
  );
  return `# Conformance

ONNX's backend tests, and what relprop makes of each. \`npm run conformance\` writes this page; \`npm test\` fails where a test has become
worse (${statuses.join(", ")}: from best to worst). The number of outputs, shapes, element types, integers and booleans must be equal;
${tolerances} of what is expected and ${ABSOLUTE.toExponential()}.

${totals(verdicts)}

${sections.join("\n")}`;
}

/** The status of every test that stands in a report. */
export function readReport(text: string): Map<string, Status> {
  const found = new Map<string, Status>();
  for (const status of statuses) {
    const rows =
      text
        .split(`\n## ${status}\n`)[1]
        ?.split("\n## ")[0]
        .matchAll(/ \| \d+ \| (.*) \|$/gm) ?? [];
    const lists = [...rows].flatMap(([, cell]) => cell.split("; "));
    for (const [suite, names] of lists.map((list) => list.split(": "))) {
      for (const name of names.split(", ")) found.set(keyOf({ suite, name }), status);
    }
  }
  return found;
}

/** A line for each test that is worse than it was, or gone. */
export function worse(before: ReadonlyMap<string, Status>, verdicts: readonly Verdict[]): string[] {
  const now = new Map(verdicts.map((verdict) => [keyOf(verdict), verdict]));
  return [...before].flatMap(([key, was]) => {
    const verdict = now.get(key);
    if (!verdict) return [`${key}: ${was} before, not found now`];
    const { status, reason } = verdict;
    return statuses.indexOf(status) > statuses.indexOf(was) ? [`${key}: ${was} before, ${status} now: ${reason}`] : [];
  });
}
