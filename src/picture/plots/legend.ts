import { INK, LINE, FONT, texts } from "./svg.ts";
import { widthOf, wrap } from "./text.ts";

/** Of the sample of line and marker before a name. */
const SAMPLE = 40;
const GAP = 16;

export interface Legend {
  readonly place: "right" | "below";
  /** Of what it takes away from the plot at that side, gap included. */
  readonly size: number;
  /** Its entries, from its upper left corner on. */
  readonly entries: readonly { readonly x: number; readonly y: number; readonly lines: readonly string[] }[];
}

/**
 * Lays names out right of the plot, where they take at most a third of the width and no more than its height; else
 * below.
 */
export function legendOf(names: readonly string[], width: number, height: number): Legend {
  const measure = (text: string) => widthOf(text, FONT);
  const natural = SAMPLE + Math.max(...names.map(measure));
  if (natural <= width / 3 && names.length * (LINE + 4) <= height) {
    return {
      place: "right",
      size: natural + GAP,
      entries: names.map((name, i) => ({ x: 0, y: i * (LINE + 4), lines: [name] })),
    };
  }
  const columns = Math.max(1, Math.floor((width + GAP) / (natural + GAP)));
  const column = (width + GAP) / columns;
  const cells = names.map((name) => wrap(name, column - GAP - SAMPLE, measure));
  let y = 0;
  const entries: { x: number; y: number; lines: string[] }[] = [];
  for (let from = 0; from < cells.length; from += columns) {
    const row = cells.slice(from, from + columns);
    entries.push(...row.map((lines, i) => ({ x: i * column, y, lines })));
    y += Math.max(...row.map((lines) => lines.length)) * LINE + 4;
  }
  return { place: "below", size: y + GAP, entries };
}

/** The legend with its upper left corner at (x, y); `sample` draws what stands before the name, centred at a point. */
export function drawLegend(
  legend: Legend,
  x: number,
  y: number,
  sample: (index: number, cx: number, cy: number) => readonly string[],
): string[] {
  return legend.entries.flatMap((entry, i) => [
    ...sample(i, x + entry.x + (SAMPLE - 8) / 2, y + entry.y + LINE / 2),
    ...texts(entry.lines, x + entry.x + SAMPLE, y + entry.y + FONT - 0.5, { fill: INK.text }),
  ]);
}
