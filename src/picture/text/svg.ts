import { checkSide } from "../plots/check.ts";
import { type Attributes, element, figure, INK, texts as lines } from "../plots/svg.ts";
import { wrap } from "../plots/text.ts";
import { type Direction, directionOf, inSight, sideOf } from "./direction.ts";
import { type Rgb, type Scale, type ShownToken, shown, signed, type TextOptions, type TextRelevance } from "./shown.ts";
import { lettersWidth } from "./width.ts";

export interface SvgOptions extends TextOptions {
  /** Of the whole picture, in CSS pixels. Default: 720. */
  readonly width?: number;
}

const PAD = 16;
const SIZE = 16;
const GAP = 6;
const ROW = 30;
const BAR = { width: 140, height: 10 };

const css = (colour: Rgb) => `rgb(${colour.join(",")})`;
const widthOfToken = ({ text }: ShownToken) => Math.max(SIZE / 2, lettersWidth(text, SIZE)) + 4;

/**
 * A text as an SVG file: each token before the colour of its relevance, a legend, and what is explained. What
 * `textHtml` says of colours, special tokens, directions and characters holds here too.
 *
 * @returns the text of the file; its description has every token with its relevance
 * @throws LrpError as `textHtml` does, and code "usage" for a width below 240
 * @example
 * await writeFile("text.svg", textSvg({ tokens: words, relevance, special, target: "positive" }));
 */
export function textSvg(text: TextRelevance, options: SvgOptions = {}): string {
  const { width = 720 } = options;
  checkSide("width", width, 240);
  const {
    texts: [{ tokens, direction, facts, warning }],
    scale,
  } = shown([text], options);
  const inner = width - 2 * PAD;
  const measure = (part: string) => lettersWidth(part, 12);
  const rows = rowsOf(tokens, inner);
  const head = warning === undefined ? [] : wrap(`Warning: ${warning.replace(/^Warning: /, "")}`, inner, measure);
  const top = PAD + head.length * 15 + (head.length > 0 ? 8 : 0);
  const bottom = top + rows.length * ROW + 8;
  const said = facts.flatMap(([name, value]) => wrap(`${name}: ${value}`, inner, measure));
  const title = facts.filter(([name]) => name === "target").map(([, value]) => `Relevance for ${value}`);
  const described = tokens.map(({ text, relevance }) => `${text} ${signed(relevance)}`).join("; ");
  return figure(width, bottom + 32 + said.length * 15 + PAD, title[0] ?? "Relevance of a text", described, [
    ...lines(head, PAD, PAD + 12, { "font-weight": "bold" }),
    ...rows.flatMap((row, i) => drawnRow(row, direction, inner, top + i * ROW)),
    ...legend(scale, bottom),
    ...lines(said, PAD, bottom + 36, { fill: INK.faint }),
  ]);
}

/** Tokens in lines; one that is wider than a line has a line. */
function rowsOf(tokens: readonly ShownToken[], width: number): ShownToken[][] {
  const rows: ShownToken[][] = [];
  let used = 0;
  for (const token of tokens) {
    const wide = widthOfToken(token);
    if (rows.length > 0 && used + GAP + wide <= width) {
      rows[rows.length - 1].push(token);
      used += GAP + wide;
    } else {
      rows.push([token]);
      used = wide;
    }
  }
  return rows;
}

function drawnRow(row: readonly ShownToken[], base: Direction, inner: number, y: number): string[] {
  const order = inSight(
    row.map(({ text, colours }) => (colours ? sideOf(text) : undefined)),
    base,
  );
  const whole = row.reduce((sum, token) => sum + widthOfToken(token) + GAP, -GAP);
  let x = PAD + (base === "rtl" ? Math.max(0, inner - whole) : 0);
  return order.flatMap((i) => {
    // One that is wider than the picture is pressed together.
    const wide = Math.min(inner, widthOfToken(row[i]));
    const drawn = drawnToken(row[i], base, x, y, wide, widthOfToken(row[i]) > inner);
    x += wide + GAP;
    return drawn;
  });
}

function drawnToken(
  { text, colours }: ShownToken,
  base: Direction,
  x: number,
  y: number,
  width: number,
  pressed: boolean,
): string[] {
  const frame: Attributes = colours
    ? { fill: css(colours.back), rx: 3 }
    : { fill: "none", stroke: INK.axis, "stroke-dasharray": "3 2", rx: 3 };
  const letters: Attributes = {
    "font-size": colours ? SIZE : SIZE - 3,
    "text-anchor": "middle",
    fill: colours ? css(colours.ink) : INK.faint,
    ...(colours && (directionOf(text) ?? base) === "rtl" && { direction: "rtl" }),
    ...(pressed && { textLength: width - 4, lengthAdjust: "spacingAndGlyphs" }),
  };
  return [
    element("rect", { x, y, width, height: ROW - 6, ...frame }),
    ...lines([text], x + width / 2, y + 17.5, letters),
  ];
}

function legend({ at, low, high }: Scale, y: number): string[] {
  const left = PAD + lettersWidth(low, 12) + 8;
  const step = BAR.width / 28;
  const bars = Array.from({ length: 28 }, (_, i) =>
    element("rect", { x: left + i * step, y, width: step + 0.5, height: BAR.height, fill: css(at(i / 27)) }),
  );
  return [
    ...lines([low], PAD, y + 10, { fill: INK.faint }),
    ...bars,
    element("rect", { x: left, y, width: BAR.width, height: BAR.height, fill: "none", stroke: INK.axis }),
    ...lines([high], left + BAR.width + 8, y + 10, { fill: INK.faint }),
  ];
}
