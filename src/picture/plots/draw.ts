import type { Picture } from "../image/pixels.ts";
import { ADVANCE, pixelsOf } from "./font.ts";

const TEXT = 34;

/** The gap after the last letter is none of the text. */
export function widthOf(text: string, letter: number): number {
  return ([...text].length * ADVANCE - 1) * letter;
}

/** Writes a line of text, each of its pixels a square. */
export function write(sheet: Picture, line: string, left: number, top: number, size: number): void {
  for (const { x, y } of pixelsOf(line)) fill(sheet, left + x * size, top + y * size, size, size, [TEXT, TEXT, TEXT]);
}

/** Fills a rectangle with a colour. */
export function fill(
  { data, width }: Picture,
  left: number,
  top: number,
  w: number,
  h: number,
  colour: readonly number[],
): void {
  for (let y = top; y < top + h; y++) {
    for (let x = left; x < left + w; x++) data.set(colour, 4 * (y * width + x));
  }
}
