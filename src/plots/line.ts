/** What an axis shows. */
export interface Axis {
  /** With its unit, if it has one. */
  readonly label: string;
  /** Equal distances are equal factors; values must be above 0. */
  readonly log?: boolean;
}

/** One line: its values in order, as many of each kind. */
export interface Series {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Lower and upper end of an interval at each x, drawn as a band; both or neither. */
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  /** A marker at every value. Default: only on series of one value. */
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
  /** Of the whole picture without a legend below. Default: 420. */
  readonly height?: number;
}

/** Lines over numbers, as the text of an SVG file. */
export function linePlot(_plot: LinePlot): string {
  throw new Error("not there yet");
}
