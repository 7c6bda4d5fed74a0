import { type Pixels, type Plane, planes } from "../image/pixels.ts";
import { resize } from "../image/resize.ts";

/**
 * A picture for a terminal with 24-bit colours: every character is an upper half block, so it shows two pixels, one
 * above the other. A picture wider than `columns` is reduced by averaging areas, its aspect ratio kept.
 *
 * @param options.columns the most characters in a line. Default: 80
 * @returns lines that end in "\n", each with its colours reset at the end
 * @example
 * process.stdout.write(toAnsi(heatmap(explanation.relevance), { columns: process.stdout.columns }));
 */
export function toAnsi(picture: Pixels, options: { readonly columns?: number } = {}): string {
  const width = Math.min(picture.width, Math.max(1, Math.floor(options.columns ?? 80)));
  const height = Math.max(1, Math.round((picture.height * width) / picture.width));
  const parts = planes(picture, 3).map((plane) => resize(plane, width, height, { filter: "box" }));
  let text = "";
  for (let y = 0; y < height; y += 2) text += line(parts, y);
  return text;
}

function line(parts: readonly Plane[], y: number): string {
  const { width, height } = parts[0];
  let text = "";
  let last = "";
  for (let x = 0; x < width; x++) {
    const below = y + 1 < height ? `48;2;${colour(parts, x, y + 1)}` : "49";
    const style = `\x1b[38;2;${colour(parts, x, y)};${below}m`;
    text += style === last ? "▀" : `${style}▀`;
    last = style;
  }
  return `${text}\x1b[0m\n`;
}

function colour(parts: readonly Plane[], x: number, y: number): string {
  return parts.map((plane) => plane.data[y * plane.width + x]).join(";");
}
