import { usage } from "../../base/error.ts";
import { checkInterval, checkNumbers, checkSide } from "./check.ts";
import { type Axis, type Scale, scaleOf } from "./scale.ts";
import { colours } from "./style.ts";
import { digits, element, FONT, figure, INK, LINE, straight, texts, titled, whisker } from "./svg.ts";
import { titleLines, widthOf, wrap } from "./text.ts";

/** One bar, from 0 to its value. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Lower and upper end of an interval, drawn as a whisker; both or neither. */
  readonly low?: number;
  readonly high?: number;
}

export interface BarPlot {
  readonly title: string;
  readonly value: Axis;
  readonly bars: readonly Bar[];
  /** A value to compare with, drawn as a dashed line across all bars. */
  readonly reference?: number;
  /** Of the whole picture, in CSS pixels; the height follows from the number of bars. Default: 720. */
  readonly width?: number;
}

const PAD = 16;
const THICK = 14;

/**
 * Horizontal bars with whiskers, as the text of an SVG file, one below the other in the order in which they are given.
 * Names are wrapped, not cut.
 *
 * Bars begin at 0, which the axis always has; on a log axis, where lengths mean nothing, values are dots.
 *
 * @throws LrpError code "usage" for no bars, numbers that are not finite, and numbers of 0 or less on a log axis.
 * @example
 * const bars = [{ name: "epsilonPlus", value: 0.6, low: 0.5, high: 0.7 }];
 * const svg = barPlot({ title: "Gini index", value: { label: "gini" }, bars });
 */
export function barPlot({ title, value, bars, reference, width = 720 }: BarPlot): string {
  checkSide("width", width, 240);
  check(bars, value, reference);
  const measure = (text: string) => widthOf(text, FONT);
  const names = bars.map(({ name }) => wrap(name, width * 0.4, measure));
  const heights = names.map((lines) => Math.max(THICK, lines.length * LINE) + 10);
  const head = titleLines(title, width - 2 * PAD);
  const left = PAD + Math.max(...names.flat().map(measure)) + 10;
  const right = width - PAD - 14;
  const shown = bars.flatMap((bar) => [bar.value, bar.low ?? bar.value, bar.high ?? bar.value]);
  const scale = scaleOf(
    value,
    [...shown, ...(value.log ? [] : [0]), ...(reference === undefined ? [] : [reference])],
    [left, right],
    80,
  );
  const label = wrap(value.label, right - left, measure);
  const top = PAD + head.length * 19 + (reference === undefined ? 4 : 20);
  const starts = heights.map((_, i) => top + heights.slice(0, i).reduce((sum, h) => sum + h, 0));
  const bottom = top + heights.reduce((sum, h) => sum + h, 0);
  return figure(width, bottom + 28 + label.length * LINE, title, description(value, bars, reference), [
    ...titled(head, PAD),
    ...scale.ticks.map(({ at }) => straight(at, top, at, bottom, { stroke: INK.grid })),
    ...scale.ticks.flatMap((tick) =>
      texts([tick.label], tick.at, bottom + 17, { fill: INK.faint, "text-anchor": "middle" }),
    ),
    ...texts(label, (left + right) / 2, bottom + 20 + LINE, { fill: INK.faint, "text-anchor": "middle" }),
    ...bars.flatMap((bar, i) => drawn(bar, names[i], scale, left, starts[i] + heights[i] / 2, value.log)),
    straight(value.log ? left : scale.at(0), top, value.log ? left : scale.at(0), bottom, { stroke: INK.axis }),
    ...(reference === undefined ? [] : compared(reference, scale.at(reference), top, bottom, [left, right])),
  ]);
}

function check(bars: readonly Bar[], axis: Axis, reference?: number): void {
  if (bars.length === 0) throw usage("option 'bars'", "at least one", "none");
  for (const { name, value, low, high } of bars) {
    checkInterval(`bar '${name}'`, 1, low === undefined ? low : [low], high === undefined ? high : [high]);
    checkNumbers(`bar '${name}'`, [value, low ?? value, high ?? value], axis.log);
  }
  if (reference !== undefined) checkNumbers("option 'reference'", [reference], axis.log);
}

function drawn(
  { value, low, high }: Bar,
  name: readonly string[],
  scale: Scale,
  left: number,
  y: number,
  log?: boolean,
): string[] {
  const at = scale.at(value);
  const fill = colours[5];
  const body = log
    ? element("circle", { cx: at, cy: y, r: 5, fill: colours[0] })
    : element("rect", {
        x: Math.min(scale.at(0), at),
        y: y - THICK / 2,
        width: Math.abs(at - scale.at(0)),
        height: THICK,
        fill,
      });
  const baseline = y + 4 - ((name.length - 1) * LINE) / 2;
  return [
    ...texts(name, left - 8, baseline, { "text-anchor": "end" }),
    body,
    ...(low === undefined || high === undefined ? [] : whisker([scale.at(low), y], [scale.at(high), y], INK.text)),
  ];
}

/** The line of the reference, and its value above it. */
function compared(
  reference: number,
  x: number,
  top: number,
  bottom: number,
  [left, right]: readonly number[],
): string[] {
  const anchor = x > (left + right) / 2 ? "end" : "start";
  return [
    straight(x, top - 4, x, bottom, { stroke: colours[1], "stroke-width": 1.5, "stroke-dasharray": "6 4" }),
    ...texts([`reference ${digits(reference)}`], x, top - 8, { fill: INK.faint, "text-anchor": anchor }),
  ];
}

function description({ label }: Axis, bars: readonly Bar[], reference?: number): string {
  const each = bars.map(({ name, value, low, high }) => {
    const interval = low === undefined || high === undefined ? "" : ` (${digits(low)} to ${digits(high)})`;
    return `${name}: ${digits(value)}${interval}`;
  });
  return `${label}. ${each.join("; ")}.${reference === undefined ? "" : ` Reference: ${digits(reference)}.`}`;
}
