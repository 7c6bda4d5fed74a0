import { shown, usage } from "../base/error.ts";

export type Cell = string | number | boolean | null | undefined;

function cell(value: unknown, where: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && !Number.isFinite(value)) throw usage(where, "a finite number", value);
  if (!["string", "number", "boolean"].includes(typeof value))
    throw usage(where, "a text, a number or a boolean", typeof value);
  const text = String(value);
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Rows as CSV, RFC 4180 with lines that end in "\n"; numbers with all their digits.
 *
 * @param rows all with the names of the first, which are the header
 * @throws LrpError "usage" where a row has other names, or a cell is no text, number or boolean
 * @example toCsv([{ method: "epsilon", auc: 0.5 }]); // "method,auc\nepsilon,0.5\n"
 */
export function toCsv(rows: readonly Readonly<Record<string, Cell>>[]): string {
  if (!Array.isArray(rows)) throw usage("toCsv", "a list of rows", shown(rows));
  if (rows.length === 0) throw usage("toCsv", "at least one row", "none");
  const bad = rows.findIndex((row) => typeof row !== "object" || row === null);
  if (bad >= 0) throw usage(`row ${bad} of toCsv`, "an object", shown(rows[bad]));
  const names = Object.keys(rows[0]);
  const lines = rows.map((row, i) => {
    const own = Object.keys(row);
    if (own.length !== names.length || !names.every((name) => Object.hasOwn(row, name)))
      throw usage(`row ${i} of toCsv`, `the columns ${names.join(", ")}`, own.join(", "));
    return names.map((name) => cell(row[name], `'${name}' in row ${i} of toCsv`)).join(",");
  });
  return [names.map((name) => cell(name, "toCsv")).join(","), ...lines, ""].join("\n");
}

/**
 * A result as JSON: typed arrays as lists, and no number lost to null.
 *
 * @throws LrpError "usage" where a number is not finite
 * @example toJson({ data: Float32Array.of(1, 2) }, 0); // '{"data":[1,2]}'
 */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(
    value,
    (key, v) => {
      if (typeof v === "number" && !Number.isFinite(v)) throw usage(`'${key}' of toJson`, "a finite number", v);
      return ArrayBuffer.isView(v) ? Array.from(v as Float32Array) : v;
    },
    indent,
  );
}
