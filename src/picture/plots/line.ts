import { area, line, symbol } from "d3-shape";
import { usage } from "../../base/error.ts";
import { checkInterval, checkNumbers, checkSide } from "./check.ts";
import { drawLegend, legendOf } from "./legend.ts";
import { type Axis, type Scale, scaleOf } from "./scale.ts";
import { LOOKS, type Look, lookOf, markedValues } from "./style.ts";
import { digits, element, FONT, figure, INK, LINE, straight, texts, titled, whisker } from "./svg.ts";
import { titleLines, widthOf, wrap } from "./text.ts";

/** One line: its values in order, as many of each kind. */
export interface Series {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Lower and upper end of an interval at each x, drawn as a band (for a single value, a whisker); both or neither. */
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  /** A marker at every value. Default: at a few of them, to tell lines apart by more than their colour. */
  readonly points?: boolean;
  readonly dashed?: boolean;
}

export interface LinePlot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Of the whole picture, in CSS pixels. Default: 720. */
  readonly width?: number;
  /** Of the area between the axes, in CSS pixels. Default: 300. */
  readonly height?: number;
}

const PAD = 16;

/**
 * Lines over numbers, as the text of an SVG file: axes with round ticks, bands for intervals, a legend that names every
 * series in full.
 *
 * Colours are those of Okabe and Ito (2008), which colour-blind people can tell apart; series differ by their markers
 * too. Neither axis is cut: both reach from the smallest to the largest value, ends of intervals included, and need not
 * hold 0. Nothing is smoothed: values are joined by straight lines in the order in which they are given. The same plot
 * gives the same text everywhere.
 *
 * @throws LrpError code "usage" for no series, more than 49, a series without values or with lists of different
 *   lengths, numbers that are not finite, and numbers of 0 or less on a log axis.
 * @example
 * const series = [{ name: "morf", x: [0, 5], y: [7, 2] }];
 * const svg = linePlot({ title: "Flipping", x: { label: "pixels" }, y: { label: "logit" }, series });
 */
export function linePlot({ title, x, y, series, width = 720, height = 300 }: LinePlot): string {
  checkSide("width", width, 240);
  checkSide("height", height, 120);
  check(series, x, y);
  const inner = width - 2 * PAD;
  const head = titleLines(title, width - 2 * PAD);
  const yLabel = wrap(y.label, inner, (text) => widthOf(text, FONT));
  const top = PAD + head.length * 19 + yLabel.length * LINE + 10;
  const bottom = top + height;
  const legend = legendOf(
    series.map(({ name }) => name),
    inner,
    height,
  );
  const yScale = scaleOf(
    y,
    series.flatMap((s) => [s.y, s.low ?? [], s.high ?? []].flat()),
    [bottom, top],
    50,
  );
  const left = PAD + Math.max(...yScale.ticks.map(({ label }) => widthOf(label, FONT))) + 8;
  const right = width - PAD - (legend.place === "right" ? legend.size : 8);
  const xScale = scaleOf(
    x,
    series.flatMap((s) => s.x),
    [left, right],
    80,
  );
  const xLabel = wrap(x.label, right - left, (text) => widthOf(text, FONT));
  const foot = bottom + 20 + xLabel.length * LINE + 8;
  const places = (s: Series) => s.x.map((v, i) => [xScale.at(v), yScale.at(s.y[i])] as [number, number]);
  const sample = (i: number, cx: number, cy: number) => legendSample(series[i], lookOf(i), cx, cy);
  return figure(width, foot + (legend.place === "below" ? legend.size : 8), title, description(x, y, series), [
    ...titled(head, PAD),
    ...texts(yLabel, PAD, PAD + head.length * 19 + FONT, { fill: INK.faint }),
    ...grid(xScale, yScale, [left, right], [top, bottom]),
    ...texts(xLabel, (left + right) / 2, bottom + 20 + LINE, { "text-anchor": "middle", fill: INK.faint }),
    ...series.flatMap((s, i) => band(s, lookOf(i), xScale, yScale)),
    ...series.flatMap((s, i) =>
      s.x.length > 1 ? [stroke(line().digits(2)(places(s)) ?? "", lookOf(i), s.dashed)] : [],
    ),
    ...series.flatMap((s, i) => markedValues(s, i).map((k) => marker(lookOf(i), ...places(s)[k]))),
    ...(legend.place === "right"
      ? drawLegend(legend, right + PAD, top, sample)
      : drawLegend(legend, PAD, foot + 8, sample)),
  ]);
}

function check(series: readonly Series[], xAxis: Axis, yAxis: Axis): void {
  if (series.length === 0 || series.length > LOOKS)
    throw usage("option 'series'", `1 to ${LOOKS} series, so that no two look alike`, series.length);
  for (const { name, x, y, low, high } of series) {
    const where = `series '${name}'`;
    if (x.length === 0 || x.length !== y.length)
      throw usage(where, "the same number of x and y, at least one", `${x.length} and ${y.length}`);
    checkInterval(where, x.length, low, high);
    checkNumbers(`${where}, x`, x, xAxis.log);
    for (const [key, values] of Object.entries({ y, low, high }))
      checkNumbers(`${where}, ${key}`, values ?? [], yAxis.log);
  }
}

function grid(x: Scale, y: Scale, [left, right]: readonly number[], [top, bottom]: readonly number[]): string[] {
  return [
    ...y.ticks.map(({ at }) => straight(left, at, right, at, { stroke: INK.grid })),
    ...x.ticks.map(({ at }) => straight(at, top, at, bottom, { stroke: INK.grid })),
    ...(y.low < 0 && y.high > 0 ? [straight(left, y.at(0), right, y.at(0), { stroke: INK.axis })] : []),
    straight(left, bottom, right, bottom, { stroke: INK.axis }),
    straight(left, top, left, bottom, { stroke: INK.axis }),
    ...y.ticks.flatMap(({ at, label }) => texts([label], left - 6, at + 4, { fill: INK.faint, "text-anchor": "end" })),
    ...x.ticks.flatMap(({ at, label }) =>
      texts([label], at, bottom + 17, { fill: INK.faint, "text-anchor": "middle" }),
    ),
  ];
}

function band({ x, low, high }: Series, { colour }: Look, xScale: Scale, yScale: Scale): string[] {
  if (!low || !high) return [];
  const [at, below, above] = [x.map(xScale.at), low.map(yScale.at), high.map(yScale.at)];
  if (x.length === 1) return whisker([at[0], below[0]], [at[0], above[0]], colour);
  const path = area<number>(
    (i) => at[i],
    (i) => below[i],
    (i) => above[i],
  ).digits(2)([...x.keys()]);
  return [element("path", { d: path ?? "", fill: colour, "fill-opacity": "0.16" })];
}

function stroke(d: string, { colour }: Look, dashed?: boolean): string {
  const attributes = { d, fill: "none", stroke: colour, "stroke-width": 2, "stroke-linejoin": "round" };
  return element("path", dashed ? { ...attributes, "stroke-dasharray": "6 4" } : attributes);
}

function marker({ colour, shape }: Look, x: number, y: number): string {
  const place = `translate(${x.toFixed(2)},${y.toFixed(2)})`;
  return element("path", {
    d: symbol(shape, 44).digits(2)() ?? "",
    transform: place,
    fill: colour,
    stroke: INK.background,
  });
}

function legendSample({ x, low, dashed }: Series, look: Look, cx: number, cy: number): string[] {
  const behind = low
    ? [element("rect", { x: cx - 16, y: cy - 6, width: 32, height: 12, fill: look.colour, "fill-opacity": "0.16" })]
    : [];
  const rule = x.length > 1 ? [stroke(`M${(cx - 16).toFixed(2)},${cy.toFixed(2)}h32`, look, dashed)] : [];
  return [...behind, ...rule, marker(look, cx, cy)];
}

function description(x: Axis, y: Axis, series: readonly Series[]): string {
  const each = series.map(({ name, x, y }) => {
    const last = x.length - 1;
    return (
      `${name}: ${digits(y[0])} at ` +
      `${digits(x[0])}${last > 0 ? `, …, ${digits(y[last])} at ${digits(x[last])} (${last + 1} values)` : ""}`
    );
  });
  return `${y.label} over ${x.label}. ${each.join("; ")}.`;
}
