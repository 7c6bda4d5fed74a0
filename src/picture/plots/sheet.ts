import { usage } from "../../base/error.ts";
import { type Picture, type Pixels, planes } from "../image/pixels.ts";
import { fill, widthOf, write } from "./draw.ts";
import { LEADING } from "./font.ts";
import { wrap } from "./text.ts";

export interface Tile {
  readonly label: string;
  /** RGBA, RGB, grey + alpha or grey; transparent parts are white. */
  readonly picture: Pixels;
}

export interface SheetOptions {
  /** Tiles in a row. Default: as many as there are rows, or one more. */
  readonly columns?: number;
  /** A text above all tiles. */
  readonly title?: string;
}

const GAP = 12;
/**
 * Tiles are at least so wide, and letters grow by one pixel's width with each multiple: some 18 of them fit beside each
 * other.
 */
const LEAST = 112;
const MAX_PIXELS = 2 ** 26;
const FRAME = 200;

type Size = Pick<Pixels, "width" | "height">;

/**
 * Pictures side by side, with their names below, as one picture for `encodePng`.
 *
 * All tiles have the size of the largest picture. A smaller one is enlarged by the largest whole factor that fits,
 * every pixel a square, and centred: nothing is interpolated. Labels are wrapped, not cut; a character that the font
 * lacks (it has ASCII and α β γ ε ⁺ ⁻ ²) is a box.
 *
 * @returns RGBA, opaque
 * @throws LrpError code "usage" for no tiles, columns that are no whole number from 1 on, pictures of other than 1 to 4
 *   values per pixel, and sheets of more than 2^26 pixels.
 * @example
 * const pictureOf = (composite) => heatmap(model.explain(x, { composite }).relevance);
 * const sheet = contactSheet(names.map((label) => ({ label, picture: pictureOf(label) })));
 * await writeFile("sheet.png", await encodePng(sheet));
 */
export function contactSheet(tiles: readonly Tile[], { columns, title = "" }: SheetOptions = {}): Picture {
  if (tiles.length === 0) throw usage("option 'tiles'", "at least one", "none");
  const across = Math.min(tiles.length, columns ?? Math.ceil(Math.sqrt(tiles.length)));
  if (!Number.isInteger(across) || across < 1) throw usage("option 'columns'", "a whole number from 1 on", across);
  const { cell, letter } = sizes(tiles);
  const step = LEADING * letter;
  const lines = (text: string, width: number) =>
    text === "" ? [] : wrap(text, width, (part) => widthOf(part, letter));
  const width = across * (cell.width + GAP) + GAP;
  const head = lines(title, width - 2 * GAP);
  const labels = tiles.map(({ label }) => lines(label, cell.width));
  const tops = [GAP + (head.length > 0 ? head.length * step + GAP / 2 : 0)];
  for (let from = 0; from < tiles.length; from += across) {
    const most = Math.max(...labels.slice(from, from + across).map(({ length }) => length));
    tops.push(tops[tops.length - 1] + cell.height + GAP / 2 + most * step + GAP);
  }
  const height = tops[tops.length - 1];
  if (width * height > MAX_PIXELS)
    throw usage("option 'tiles'", `a sheet of at most ${MAX_PIXELS} pixels`, `${width} x ${height}`);
  const sheet = { data: new Uint8ClampedArray(4 * width * height).fill(255), width, height };
  for (const [i, line] of head.entries()) write(sheet, line, GAP, GAP + i * step, letter);
  for (const [i, { picture }] of tiles.entries()) {
    const [x, y] = [GAP + (i % across) * (cell.width + GAP), tops[Math.floor(i / across)]];
    place(sheet, picture, x, y, cell);
    for (const [k, line] of labels[i].entries()) {
      const indent = Math.floor((cell.width - widthOf(line, letter)) / 2);
      write(sheet, line, x + indent, y + cell.height + GAP / 2 + k * step, letter);
    }
  }
  return sheet;
}

/** Of every tile, and of the pixels of letters. */
function sizes(tiles: readonly Tile[]): { readonly cell: Size; readonly letter: number } {
  const widest = Math.max(...tiles.map(({ picture }) => picture.width));
  const highest = Math.max(...tiles.map(({ picture }) => picture.height));
  const factor = Math.max(1, Math.floor(LEAST / Math.max(widest, highest)));
  const width = Math.max(LEAST, widest * factor);
  return { cell: { width, height: highest * factor }, letter: Math.floor(width / LEAST) };
}

/** A picture in the middle of its cell, in a frame of one pixel, which shows where white ends. */
function place(sheet: Picture, picture: Pixels, left: number, top: number, cell: Size): void {
  const { width: w, height: h } = picture;
  const factor = Math.floor(Math.min(cell.width / w, cell.height / h));
  const [x0, y0] = [left + Math.floor((cell.width - w * factor) / 2), top + Math.floor((cell.height - h * factor) / 2)];
  const channels = planes(picture, 3);
  fill(sheet, x0 - 1, y0 - 1, w * factor + 2, h * factor + 2, [FRAME, FRAME, FRAME]);
  for (let i = 0; i < w * h; i++) {
    const colour = channels.map(({ data }) => data[i]);
    fill(sheet, x0 + (i % w) * factor, y0 + Math.floor(i / w) * factor, factor, factor, colour);
  }
}
