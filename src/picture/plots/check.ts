import { usage } from "../../base/error.ts";

/** Ranges beyond have no finite width. */
const MOST = 1e300;

/** Throws unless every number can be drawn on this axis. */
export function checkNumbers(where: string, values: readonly number[], log = false): void {
  const bad = values.findIndex((v) => !(Math.abs(v) <= MOST));
  if (bad >= 0) throw usage(where, `finite numbers, up to ${MOST}`, `${values[bad]} at position ${bad}`);
  const below = log ? values.findIndex((v) => v <= 0) : -1;
  if (below >= 0) throw usage(where, "numbers above 0 on a logarithmic axis", `${values[below]} at position ${below}`);
}

/** Throws unless an interval has both ends, as often as there are values, in order. */
export function checkInterval(where: string, count: number, low?: readonly number[], high?: readonly number[]): void {
  if (low === undefined && high === undefined) return;
  if (low?.length !== count || high?.length !== count) {
    const received = `${low?.length ?? "no"} 'low' and ${high?.length ?? "no"} 'high'`;
    throw usage(where, `'low' and 'high' for each value (${count}), or neither`, received);
  }
  const crossed = low.findIndex((v, i) => v > high[i]);
  if (crossed >= 0)
    throw usage(where, "'low' that is not above 'high'", `${low[crossed]} and ${high[crossed]} at position ${crossed}`);
}

export function checkSide(option: string, value: number, from: number): void {
  if (Number.isInteger(value) && value >= from && value <= 4096) return;
  throw usage(`option '${option}'`, `a whole number of pixels from ${from} to 4096`, value);
}
