import { widthOf } from "../plots/text.ts";

/** What a reader takes for one character: a letter with its marks, a picture of several code points. */
const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What of a text has a width of its own: no marks above or below a letter, and one code point of a picture. */
const wide = (text: string): string =>
  Array.from(characters.segment(text), ({ segment }) =>
    /\p{Extended_Pictographic}/u.test(segment)
      ? String.fromCodePoint(segment.codePointAt(0)!)
      : segment.replace(/[\p{Mn}\p{Me}\p{Cf}]/gu, ""),
  ).join("");

/** How wide a text is at most, in pixels. */
export const lettersWidth = (text: string, fontSize: number): number => widthOf(wide(text), fontSize);

/** East Asian scripts, their full-width forms, and pictures. */
const DOUBLE = new RegExp(
  "[\\u1100-\\u115f\\u2e80-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6]|" +
    "[\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]",
  "u",
);

/** How many cells of a terminal a text takes: two for each character of double width. */
export const cellsOf = (text: string): number => [...wide(text)].reduce((sum, c) => sum + (DOUBLE.test(c) ? 2 : 1), 0);
