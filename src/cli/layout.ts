import { printable, STEERING } from "../base/printable.ts";

/** A number in a few digits: 19.42, 0.001235, -1.2e-7, 123457. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || !Number.isFinite(value)) return `${value}`;
  if (size < 1e-4 || size >= 1e9) return value.toExponential(2);
  return size >= 1e4 ? value.toFixed(0) : value.toPrecision(4);
}

/** One line of JSON; what would steer a terminal is written as JSON can. */
export const jsonLine = (value: unknown): string =>
  `${JSON.stringify(value).replace(STEERING, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;

/** Rows as text, columns aligned: left, or right for the columns named. Every line ends in "\n". */
export function columns(given: readonly (readonly string[])[], right: readonly number[] = [], indent = "  "): string {
  const rows = given.map((row) => row.map(printable));
  const widths = rows.reduce<number[]>((max, row) => row.map((cell, i) => Math.max(max[i] ?? 0, cell.length)), []);
  const pad = (cell: string, i: number) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]));
  return rows.map((row) => `${indent}${row.map(pad).join("  ").trimEnd()}\n`).join("");
}

/** A term and its text, wrapped beside it. */
export function definition(term: string, text: string, left: number, width = 100): string {
  const lines = wrap(text, width - left);
  const head = term.length + 1 < left ? `${term.padEnd(left)}${lines.shift() ?? ""}\n` : `${term}\n`;
  return head + lines.map((line) => `${" ".repeat(left)}${line}\n`).join("");
}

/** Text cut between words into lines of at most `width`. @param space where it may be cut */
export function wrap(text: string, width: number, space: string | RegExp = " "): string[] {
  const lines = [""];
  for (const word of text.split(space)) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** Words in a sentence: "a", "a and b", "a, b and c". */
export const listed = (words: readonly string[]): string =>
  [words.slice(0, -1).join(", "), ...words.slice(-1)].filter(Boolean).join(" and ");
