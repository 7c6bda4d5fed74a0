import { TITLE } from "./svg.ts";

/** Widths of characters in the widest of the usual sans-serif fonts (DejaVu, Verdana), in ems. */
const widths: readonly (readonly [characters: RegExp, width: number])[] = [
  [/[ijl.,:;'|!]/, 0.37],
  [/[frtI()[\]/\-" ]/, 0.46],
  [/[mwMW@%—]/, 1],
  [/[A-Z_=+<>±−]/, 0.8],
  [/[\u2e80-\uffff]|[^\0-\uffff]/u, 1],
];

/**
 * How wide a text is at most, in pixels. Nothing here can ask a font, so this is a table, and errs to the wide side.
 */
export function widthOf(text: string, fontSize: number): number {
  return (
    [...text].reduce((sum, c) => sum + (widths.find(([characters]) => characters.test(c))?.[1] ?? 0.64), 0) * fontSize
  );
}

/**
 * A text in lines of at most `width`, cut between words, after a colon or comma, or, where a word is too long,
 * anywhere. Nothing but the spaces at cuts is lost.
 *
 * @param measure the width of a text, in the unit of `width`
 * @returns at least one line
 */
export function wrap(text: string, width: number, measure: (text: string) => number): string[] {
  const lines = [""];
  for (const piece of text.split(/(?<=[\s:,])(?![\s:,])/)) {
    if (lines.at(-1) !== "" && measure((lines.at(-1) + piece).trimEnd()) > width) lines.push("");
    for (const c of piece) {
      if (lines.at(-1) !== "" && c.trim() !== "" && measure(lines.at(-1) + c) > width) lines.push("");
      lines[lines.length - 1] += c;
    }
  }
  return lines.map((line) => line.trim());
}

/** A title in lines; bold letters are a tenth wider than others. */
export function titleLines(title: string, width: number): string[] {
  return wrap(title, width, (text) => widthOf(text, TITLE * 1.1));
}
