import type { Axis } from "./line.ts";

/** One bar, from 0 (on a log axis from its left end) to its value. */
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

/** Horizontal bars with whiskers, as the text of an SVG file. */
export function barPlot(_plot: BarPlot): string {
  throw new Error("not there yet");
}
