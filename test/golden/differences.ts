import { composites, lrnModes, rules } from "../../src/entries/index.ts";
import { methods } from "../../src/evaluate/index.ts";
import { expectClose } from "../close.ts";
import { table } from "../readme.ts";

/** What relevance is compared with. */
export type Source = "zennit" | "definition";
const sources: readonly Source[] = ["zennit", "definition"];

interface Cell {
  off: number;
  readonly cases: Set<string>;
}

const order = [
  ...[...rules, ...composites, ...methods].map((row) => row.name),
  ...Object.keys(lrnModes).map((mode) => `lrn: ${mode}`),
];
const place = (row: string) => (order.includes(row) ? order.indexOf(row) : order.length);

/** The largest differences between relevance and golden cases, as shares of the largest |R|, for the README. */
export class Differences {
  readonly #rows = new Map<string, Partial<Record<Source, Cell>>>();

  /** As `expectClose`; the difference goes to the row of that rule or composite. */
  expectClose(
    source: Source,
    row: string,
    name: string,
    actual: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: number,
  ): void {
    const off = expectClose(actual, expected, tolerance);
    const cells = this.#rows.get(row) ?? {};
    this.#rows.set(row, cells);
    cells[source] ??= { off: 0, cases: new Set() };
    const cell = cells[source];
    cell.off = Math.max(cell.off, off);
    cell.cases.add(name);
  }

  /** Of each cell: what it says, and the number itself. */
  cells(): { row: string; says: (string | undefined)[]; off: (number | undefined)[] }[] {
    return [...this.#rows]
      .sort(([a], [b]) => place(a) - place(b))
      .map(([row, cells]) => ({
        row,
        says: sources.map((s) => cells[s] && `${upwards(cells[s].off)} (${cells[s].cases.size})`),
        off: sources.map((s) => cells[s]?.off),
      }));
  }

  table(zennit: string): string {
    const rows = this.cells().map(({ row, says }) => [`\`${row}\``, ...says.map((text) => text ?? "")]);
    return table(
      ["rule, composite or method", `from zennit ${zennit} (cases)`, "from the definition in float64 (cases)"],
      rows,
    );
  }
}

/** One significant digit, rounded up. */
function upwards(value: number): string {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(value));
  const digit = Math.ceil(value / 10 ** exponent);
  return digit > 9 ? `1e${exponent + 1}` : `${digit}e${exponent}`;
}

/**
 * In what a table that was written earlier differs from these numbers: in rows or numbers of cases, or by being
 * exceeded, which another machine's fused multiply-adds may do by little. Undefined where it does not.
 */
export function outdated(written: string, now: ReturnType<Differences["cells"]>): string | undefined {
  const rows = written.split("\n").slice(2);
  if (rows.length !== now.length) return `${now.length} rows, not ${rows.length}`;
  for (const [i, { row, says, off }] of now.entries()) {
    const [name, ...texts] = rows[i].split("|").slice(1, -1);
    if (name.trim() !== `\`${row}\``) return `a row for ${row}, not for ${name.trim()}`;
    for (const [k, text] of texts.entries()) {
      const [stated, cases] = text.trim().split(" ");
      if (cases !== says[k]?.split(" ")[1] || (off[k] ?? 0) > 2 * Number(stated))
        return `${row}: ${says[k]}, not ${text.trim()}`;
    }
  }
  return undefined;
}
