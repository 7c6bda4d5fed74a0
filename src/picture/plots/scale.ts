import { scaleLinear, scaleLog } from "d3-scale";

/** What an axis shows. */
export interface Axis {
  /** With its unit, if it has one. */
  readonly label: string;
  /** Equal distances are equal factors; values must be above 0. */
  readonly log?: boolean;
}

export interface Scale {
  /** The coordinate of a value. */
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly at: number; readonly value: number; readonly label: string }[];
  readonly low: number;
  readonly high: number;
}

/**
 * The scale of an axis that shows all values, with round ends and ticks.
 *
 * @param range the coordinates of its lower and upper end
 * @param apart the least distance of labelled ticks that looks good, in pixels
 */
export function scaleOf(axis: Axis, values: readonly number[], range: readonly [number, number], apart: number): Scale {
  const count = Math.max(2, Math.floor(Math.abs(range[1] - range[0]) / apart));
  const ends = domain(values, axis.log);
  const scale = axis.log ? scaleLog(ends, range).nice() : scaleLinear(ends, range).nice(count);
  const ticks = scale.ticks(count);
  const [low, high] = scale.domain();
  const format = formatOf(scale, ticks, count, axis.log);
  return {
    at: (value) => scale(value),
    ticks: ticks.map((value) => ({ at: scale(value), value, label: format(value) })),
    low,
    high,
  };
}

/** Smallest and largest; some room around a single number. */
function domain(values: readonly number[], log?: boolean): [number, number] {
  const [low, high] = values.reduce(
    ([a, b], v) => [Math.min(a, v), Math.max(b, v)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  if (low < high) return [low, high];
  if (log) return [low / 2, low * 2];
  const room = low === 0 ? 1 : Math.abs(low) / 10;
  return [low - room, low + room];
}

/** Plain decimals, or powers of ten on all ticks where those would be long. On a log axis some ticks have no label. */
function formatOf(
  scale: { tickFormat(count: number, specifier?: string): (value: number) => string },
  ticks: readonly number[],
  count: number,
  log?: boolean,
): (value: number) => string {
  const step = log ? ticks[0] : ticks[1] - ticks[0];
  const largest = Math.max(Math.abs(ticks[0]), Math.abs(ticks[ticks.length - 1]));
  const format = scale.tickFormat(count, largest >= 1e6 || step < 1e-4 ? "~e" : log ? "~g" : undefined);
  return (value) => format(value).replace(/^0e\+0$/, "0");
}
