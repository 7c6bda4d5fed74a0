import { colormap, isRising } from "../heatmap/colormap.ts";
import type { Picture } from "../image/pixels.ts";
import { fill, widthOf, write } from "../plots/draw.ts";
import { LEADING } from "../plots/font.ts";
import { wrap } from "../plots/text.ts";

const MARGIN = 12;
const BAR = 10;

/** What a legend says. */
export interface LegendText {
  /** The magnitude that has full colour. */
  readonly full: number;
  /** What is explained, and how the picture was made. */
  readonly lines: readonly string[];
}

const digits = (v: number) => String(Number(v.toPrecision(3)));

/** The colours from −full, or from 0, to full with these numbers at its ends, and lines of text below. */
export function legend(width: number, map: string, { full, lines }: LegendText): Picture {
  const inner = width - 2 * MARGIN;
  const text = lines.flatMap((line) => wrap(line, inner, (part) => widthOf(part, 1)));
  const height = MARGIN / 2 + BAR + 4 + LEADING * (1 + text.length) + MARGIN / 2;
  const drawn = { data: new Uint8ClampedArray(4 * width * height).fill(255), width, height };
  const [colour, rises] = [colormap(map), isRising(map)];
  for (let x = 0; x < inner; x++) {
    const share = x / (inner - 1);
    fill(drawn, MARGIN + x, MARGIN / 2, 1, BAR, [...colour(rises ? share : 2 * share - 1), 255]);
  }
  const [low, high] =
    full === 0 ? ["no relevance", ""] : [rises ? "0 or against" : `−${digits(full)} against`, `for ${digits(full)}`];
  const top = MARGIN / 2 + BAR + 4;
  write(drawn, low, MARGIN, top, 1);
  write(drawn, high, width - MARGIN - widthOf(high, 1), top, 1);
  for (const [i, line] of text.entries()) write(drawn, line, MARGIN, top + LEADING * (i + 1), 1);
  return drawn;
}
