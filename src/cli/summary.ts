import { basename } from "node:path";
import type { LedgerRow } from "../entries/index.ts";
import { columns, digits } from "./layout.ts";
import type { Score } from "./ranking.ts";
import type { Report } from "./report.ts";
import { inOwnWords } from "./words.ts";

/** The columns of the ledger in which relevance ends before the input, and what they are called. */
const sinks = [
  ["bias", "biases"],
  ["stabilizer", "stabilizers"],
  ["dead", "dead neurons"],
  ["other", "elsewhere"],
] as const satisfies readonly (readonly [keyof LedgerRow, string])[];

/** What `relprop explain` prints for people. */
export function summary(found: Report): string {
  const {
    target,
    className,
    against,
    logit,
    start,
    method,
    composite,
    lrn,
    sum,
    rules,
    ledger,
    position,
    area,
    targets,
    stability,
    notes,
    files,
    time,
  } = found;
  const name = className === null ? "" : ` ${className}`;
  const head = [
    ["model", basename(found.model)],
    ["input", found.input + (targets.length > 1 ? `, sample ${found.sample} of ${targets.length}` : "")],
    [
      method ? "method" : "rules",
      `${method ?? composite}${lrn && rules.some(({ type }) => type === "LRN") ? `, LRN ${lrn}` : ""}` +
        `${!sum || sum === "norm" ? "" : `, sums ${sum}`}`,
    ],
    [
      "class",
      `${target}${name}${against === null ? "" : ` against ${against}`}` +
        `${position ? ` at ${position.join(", ")}` : area ? ` over ${area} places` : ""}, logit ` +
        `${digits(logit)}${start === "one" && !method ? ", started from 1" : ""}`,
    ],
  ];
  const [most] = [...ledger].sort((a, b) => b.amplification - a.amplification);
  const tail = [
    ...(most
      ? [["amplified", `at most ${digits(most.amplification)}-fold, at ${most.node} (${most.type}, ${most.rule})`]]
      : []),
    ...stabilityRow(stability),
    ...Object.entries(found.at).map(([value, { dims, sum }]) => [
      "at",
      `${value}: ${digits(sum)} in [${dims.join(", ")}]`,
    ]),
    ...notes
      .map((note) => inOwnWords(note))
      .map((note) => (note.startsWith("Warning: ") ? ["WARNING", note.slice(9)] : ["note", note])),
    ...files.map((path) => ["wrote", path]),
    ["time", `${time.load.toFixed(0)} ms to load, ${time.explain.toFixed(0)} ms to explain`],
  ];
  return `${columns(head, [], "")}\n${classTable(found.scores)}\n${whereItWent(found)}\n${columns(tail, [], "")}`;
}

/** The whole, where it is judged. */
function stabilityRow({ verdict, amplification, peak, arrived }: Report["stability"]): string[][] {
  if (verdict === "unjudged") return [];
  const times = `Σ|R| ${digits(amplification!)}-fold at the input, at most ${digits(peak!)}-fold on the way`;
  return [[verdict === "amplified" ? "EXPLODED" : verdict, `${times}, ΣR ${digits(arrived!)} of the start`]];
}

/** Classes with their scores, one per line. */
export function classTable(scores: readonly Score[]): string {
  return columns(
    scores.map(({ index, name, score, position }) => [
      digits(score),
      `${index}${position ? ` at ${position.join(", ")}` : ""}`,
      name ?? "",
    ]),
    [0, 1],
  );
}

function whereItWent({ method, ledger, relevanceSum, targets }: Report): string {
  if (method) return `relevance sums to ${digits(relevanceSum)}\n`;
  const lost = sinks.map(([column, name]) => {
    const most = ledger.reduce((a, b) => (Math.abs(b[column]) > Math.abs(a[column]) ? b : a), ledger[0]);
    return { name, sum: ledger.reduce((total, row) => total + row[column], 0), most: most?.node };
  });
  const batch = targets.length > 1;
  const inputSum = batch ? undefined : relevanceSum;
  const total = lost.reduce((t, { sum }) => t + sum, inputSum ?? 0);
  const share = (value: number) => (batch || total === 0 ? "" : `${((100 * value) / total).toFixed(1)} %`);
  const rows = [
    ["input", digits(relevanceSum), share(relevanceSum), ""],
    ...lost
      .filter(({ sum }) => sum !== 0)
      .map(({ name, sum, most }) => [name, digits(sum), share(sum), `most at ${most}`]),
  ];
  const of = batch ? " (input: this sample; the rest: the whole batch)" : "";
  return `relevance went to${of}\n${columns(rows, [1, 2])}`;
}
