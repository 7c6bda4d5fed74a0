import { printable } from "../../base/printable.ts";
import { type Rgb, shown, type TextOptions, type TextRelevance } from "./shown.ts";
import { cellsOf } from "./width.ts";

export interface AnsiOptions extends TextOptions {
  /** The most characters in a line. Default: 80. */
  readonly columns?: number;
}

const RESET = "\x1b[0m";
const BAR = 24;
const style = (back: Rgb, ink: Rgb) => `\x1b[48;2;${back.join(";")};38;2;${ink.join(";")}m`;

/**
 * A text for a terminal with 24-bit colours: each token before the colour of its relevance, a legend, and what is
 * explained. Special tokens are underlined and have no colour. The direction of writing is the terminal's.
 *
 * @returns lines that end in "\n", each with its colours reset at the end. Control characters of the text become U+FFFD
 * @throws LrpError as `textHtml` does
 * @example
 * process.stdout.write(textAnsi({ tokens: words, relevance, special }, { columns: process.stdout.columns }));
 */
export function textAnsi(text: TextRelevance, options: AnsiOptions = {}): string {
  const { columns = 80 } = options;
  const {
    texts: [{ tokens, facts, warning }],
    scale,
  } = shown([text], options);
  const lines: string[] = [];
  let used = 0;
  for (const { text: token, colours } of tokens) {
    const word = printable(token);
    const width = cellsOf(word);
    const drawn = `${colours ? style(colours.back, colours.ink) : "\x1b[4m"}${word}${RESET}`;
    if (lines.length > 0 && used + 1 + width <= columns) {
      lines[lines.length - 1] += ` ${drawn}`;
      used += 1 + width;
    } else {
      lines.push(drawn);
      used = width;
    }
  }
  const bar = Array.from({ length: BAR }, (_, i) => `\x1b[48;2;${scale.at(i / (BAR - 1)).join(";")}m `).join("");
  const said = facts.map(([name, value]) => `${name}: ${printable(value)}`);
  return [
    ...(warning === undefined ? [] : [`! ${printable(warning)}`]),
    ...lines,
    `${scale.low} ${bar}${RESET} ${scale.high}`,
    ...said,
    "",
  ].join("\n");
}
