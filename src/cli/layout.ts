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

/** A term and its text, wrapped beside it. @param space where it may be cut */
export function definition(term: string, text: string, left: number, width = 80, space?: RegExp): string {
  const lines = wrap(printable(text), width - left, space);
  const head = term.length + 1 < left ? `${term.padEnd(left)}${lines.shift() ?? ""}\n` : `${term}\n`;
  return head + lines.map((line) => `${" ".repeat(left)}${line}\n`).join("");
}

/** What is longer than a line is broken. */
const pieces = (word: string, width: number): readonly string[] =>
  word.length > width ? (word.match(new RegExp(`.{1,${width}}`, "gs")) ?? []) : [word];

/** Text cut between words into lines of at most `width`. @param space where it may be cut */
export function wrap(text: string, width: number, space: string | RegExp = " "): string[] {
  const lines = [""];
  for (const word of text.split(space).flatMap((word) => pieces(word, width))) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

const inUnits = (units: readonly (readonly [size: number, name: string])[], one: string) => (value: number) => {
  const [size, name] = units.find(([least]) => value >= least) ?? [1, one];
  return `${size === 1 ? value : (value / size).toPrecision(3)} ${name}`;
};

/** A number of bytes: "28.0 MB". */
export const bytesText = inUnits(
  [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ],
  "bytes",
);

/** A number of multiply-adds: "2.82 billion multiply-adds". */
export const workText = inUnits(
  [
    [1e9, "billion multiply-adds"],
    [1e6, "million multiply-adds"],
  ],
  "multiply-adds",
);

/** Words in a sentence: "a", "a and b", "a, b and c". */
export const listed = (words: readonly string[]): string =>
  [words.slice(0, -1).join(", "), ...words.slice(-1)].filter(Boolean).join(" and ");
