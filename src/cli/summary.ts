import { basename } from "node:path";
import { composites, type LedgerRow } from "../entries/index.ts";
import { methods } from "../evaluate/index.ts";
import { columns, digits } from "./layout.ts";
import type { Score } from "../run/ranking.ts";
import type { Report } from "./report.ts";
import { inOwnWords } from "./words.ts";

/** The columns of the ledger in which relevance ends before the input, and what they are called. */
const sinks = [
  ["bias", "biases"],
  ["stabilizer", "stabilizers"],
  ["dead", "dead neurons"],
  ["softmax", "softmax"],
  ["other", "elsewhere"],
] as const satisfies readonly (readonly [keyof LedgerRow, string])[];

/** What `relprop explain` prints for people. @param words rows about the words of a text */
export function summary(found: Report, words: readonly (readonly string[])[] = []): string {
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
    position,
    area,
    targets,
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
    found.similarTo !== null
      ? ["similar to", `${JSON.stringify(found.similarTo)}, score ${digits(logit)}`]
      : [
          "class",
          `${target}${name}${against === null ? "" : ` against ${against}`}` +
            `${position ? ` at ${position.join(", ")}` : area ? ` over ${area} places` : ""}, logit ` +
            `${digits(logit)}${start === "one" && !method ? ", started from 1" : ""}`,
        ],
  ];
  const tail = [
    ...words,
    ...(isShared(found) ? [...growthRow(found), ...stabilityRow(found)] : []),
    ...(Object.keys({ ...found.inputs, ...found.shares }).length > 1 ? sumRows("input", found.inputs) : []),
    ...sumRows("table", found.shares),
    ...sumRows("at", found.at),
    ...notes
      .map((note) => inOwnWords(note))
      .map((note) => (note.startsWith("Warning: ") ? ["WARNING", note.slice(9)] : ["note", note])),
    ...files.map((path) => ["wrote", path]),
    ["time", `${time.load.toFixed(0)} ms to load, ${time.explain.toFixed(0)} ms to explain`],
  ];
  const parts = [
    columns(head, [], ""),
    `largest outputs\n${classTable(found.scores)}`,
    whereItWent(found),
    columns(tail, [], ""),
  ];
  return parts.filter(Boolean).join("\n");
}

/** Where relevance has arrived, and how much. */
const sumRows = (what: string, sums: Report["at"]): string[][] =>
  Object.entries(sums).map(([name, { dims, sum }]) => [what, `${name}: ${digits(sum)} in [${dims.join(", ")}]`]);

/** Whether relevance is shared out: slopes are no shares, and other methods have no ledger. */
const isShared = ({ method, composite }: Report): boolean =>
  !method && composites.find(({ name }) => name === composite)?.unknown !== "gradient";

function growthRow({ ledger }: Report): string[][] {
  const [most] = [...ledger].sort((a, b) => b.amplification - a.amplification);
  if (!most) return [];
  return [["amplified", `at most ${digits(most.amplification)}-fold, at ${most.node} (${most.type}, ${most.rule})`]];
}

/** The whole, where it is judged. */
function stabilityRow({ stability: { verdict, amplification, peak, arrived } }: Report): string[][] {
  if (verdict === "unjudged") return [];
  const size = `Σ|R| is ${digits(amplification!)} times that of the start, and at most ${digits(peak!)} times on the way`;
  return [[verdict === "amplified" ? "EXPLODED" : verdict, `${size}; ΣR is ${digits(arrived!)} of the start`]];
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

/** A percentage of a sum says nothing where its terms cancel, or where all of them are 0. */
const LEAST = 0.01;

function whereItWent(found: Report): string {
  const { method, ledger, relevanceSum, arrivedSum, sharesSum, targets } = found;
  const says = methods.find(({ name }) => name === method)?.sum;
  if (says) return `relevance sums to ${digits(relevanceSum)}, which ${says}\n`;
  if (!isShared(found)) return "";
  const lost = sinks.map(([column, name]) => {
    const most = ledger.reduce((a, b) => (Math.abs(b[column]) > Math.abs(a[column]) ? b : a), ledger[0]);
    return { name, sum: ledger.reduce((total, row) => total + row[column], 0), most: most && `most at ${most.node}` };
  });
  const tables = { name: "tables", sum: sharesSum, most: "" };
  const parts = [{ name: "input", sum: arrivedSum, most: "" }, ...[tables, ...lost].filter(({ sum }) => sum !== 0)];
  const total = parts.reduce((sum, part) => sum + part.sum, 0);
  const size = parts.reduce((sum, part) => sum + Math.abs(part.sum), 0);
  const share = (value: number) => `${((100 * value) / total).toFixed(1)} %`.replace(/^-(?=0\.0 )/, "");
  const cancels = Math.abs(total) <= LEAST * size;
  const rows = parts.map(({ name, sum, most }) => [name, digits(sum), cancels ? "" : share(sum), most]);
  const of = targets.length > 1 ? `, of all ${targets.length} samples,` : "";
  return `relevance of ${digits(total)}${of} went to\n${columns(rows, [1, 2])}`;
}
