import { chosen } from "../../evaluate/check.ts";
import { probabilityInterval } from "../../evaluate/distributions.ts";
import { type MetricRow, metrics } from "../../evaluate/index.ts";
import { type CurveSummary, curvesOf, HELD } from "./curves.ts";
import { holm } from "./holm.ts";
import { differenceTest, meanInterval, STATISTICS } from "./many.ts";
import type { Settings } from "./part.ts";
import type { Parts, Reasons, Survey } from "./survey.ts";

/** A mean over n images; bounds are null where fewer than 2 have a value, and the mean where none has. */
export interface Mean {
  readonly n: number;
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * mean(method − first method) over the images where both are defined; p by `pairedTest`, `holm` adjusted for every p of
 * the report.
 */
export interface Difference extends Mean {
  readonly p: number | null;
  readonly holm: number | null;
}

export interface MethodSummary extends Mean {
  readonly method: string;
  /** Images for which the metric is undefined, and how many of them for which reason. */
  readonly undefined: number;
  readonly reasons: Reasons;
  /** Null for the first method, and where neither direction is better. */
  readonly difference: Difference | null;
}

export interface MetricSummary {
  readonly metric: string;
  readonly better: MetricRow["better"];
  /**
   * The method with the best mean, of those that have a value for the most images; null where neither direction is
   * better, or no method has a value.
   */
  readonly best: string | null;
  /** Methods that the paired interval does not show to be worse than the best: a ranking says no more. */
  readonly notWorse: readonly string[];
  /** In the order of the settings. */
  readonly methods: readonly MethodSummary[];
}

export interface Summary {
  readonly images: number;
  /** Share of the labelled images whose label is predicted, with Clopper and Pearson's interval; null where none is. */
  readonly accuracy: Mean | null;
  /** How many p-values there are. */
  readonly comparisons: number;
  readonly metrics: readonly MetricSummary[];
  readonly curves: readonly CurveSummary[];
}

/** The row of a metric of the settings. @throws LrpError "usage" */
export function metricRow(name: string): MetricRow {
  return chosen("a metric", Object.fromEntries(metrics.map((row) => [row.name, row])), name);
}

/**
 * Means, intervals, differences and tests of what was measured: `bootstrap` over images, paired by image.
 *
 * @param seen what `survey` found in these parts
 * @param held how many bytes of values are held at a time; what needs more goes through the parts again
 * @throws LrpError "usage" for a metric that is none
 * @example (await summaryOf(settings, parts, await survey(settings, parts))).metrics[0].methods[1].difference?.holm;
 */
export async function summaryOf(settings: Settings, parts: Parts, seen: Survey, held = HELD): Promise<Summary> {
  const { metrics: names, methods } = settings;
  const together = Math.max(1, Math.floor(held / (8 * seen.images * methods.length)));
  const all: MetricSummary[] = [];
  for (let from = 0; from < names.length; from += together) {
    const some = names.slice(from, from + together);
    const values = await valuesOf(some, settings, parts, seen.images);
    all.push(...some.map((metric, k) => metricSummary(metric, settings, values[k], seen.reasons[from + k])));
  }
  const compared = all.flatMap(({ methods }) => methods.map(({ difference }) => difference?.p ?? null));
  const adjusted = holm(compared.filter((p) => p !== null));
  let next = 0;
  const withHolm = (row: MethodSummary): MethodSummary =>
    row.difference?.p == null ? row : { ...row, difference: { ...row.difference, holm: adjusted[next++] } };
  return {
    images: seen.images,
    accuracy: seen.labelled > 0 ? shareOf(seen.right, seen.labelled) : null,
    comparisons: adjusted.length,
    metrics: all.map((row) => ({ ...row, methods: row.methods.map(withHolm) })),
    curves: await curvesOf(settings, parts, seen, held),
  };
}

/** Every image's values of some metrics under each method; NaN where one is undefined. */
async function valuesOf(
  some: readonly string[],
  { methods }: Settings,
  parts: Parts,
  images: number,
): Promise<Float64Array[][]> {
  const values = some.map(() => methods.map(() => new Float64Array(images)));
  let row = 0;
  for await (const part of parts) {
    for (const [k, metric] of some.entries())
      for (const [i, own] of values[k].entries()) own[row] = part.methods[i].values[metric] ?? Number.NaN;
    row++;
  }
  return values;
}

function metricSummary(
  metric: string,
  { methods, seed }: Settings,
  values: readonly Float64Array[],
  reasons: readonly Reasons[],
): MetricSummary {
  const { better } = metricRow(metric);
  const rows = methods.map((method, i): MethodSummary => {
    const own = values[i].filter((v) => !Number.isNaN(v));
    const difference = i > 0 && better !== "neither" ? differenceOf(values[i], values[0], seed) : null;
    const missing = values[i].length - own.length;
    return { method, ...meanOf(own, seed), undefined: missing, reasons: reasons[i], difference };
  });
  const best = bestOf(rows, better);
  const notWorse = methods.filter(
    (_, i) => best >= 0 && i !== best && rows[i].n > 0 && !worse(values[i], values[best], better, seed),
  );
  return { metric, better, best: methods[best] ?? null, notWorse, methods: rows };
}

/** The place of the best mean among those over the most images, of equal ones the first; −1 where there is none. */
function bestOf(rows: readonly Mean[], better: MetricRow["better"]): number {
  if (better === "neither") return -1;
  const sign = better === "higher" ? 1 : -1;
  const most = Math.max(...rows.map(({ n }) => n));
  const compared = rows.map(({ n, mean }) => (n === most ? mean : null));
  return compared.reduce(
    (best: number, mean, i) => (mean !== null && (best < 0 || sign * (mean - compared[best]!) > 0) ? i : best),
    -1,
  );
}

/** Values that differ by less are the same but for rounding in float32. */
const ROUNDING = 1e-6;

/** Whether the interval of the paired difference lies on the worse side of 0. */
function worse(values: Float64Array, best: Float64Array, better: MetricRow["better"], seed: number): boolean {
  const { mean, low, high } = pairedMean(...pairs(values, best), seed);
  if (mean !== null && Math.abs(mean) <= ROUNDING) return false;
  return better === "higher" ? high !== null && high < 0 : low !== null && low > 0;
}

function differenceOf(values: Float64Array, first: Float64Array, seed: number): Difference {
  const [a, b] = pairs(values, first);
  return { ...pairedMean(a, b, seed), p: a.length < 2 ? null : differenceTest(a, b, seed), holm: null };
}

const pairedMean = (a: Float64Array, b: Float64Array, seed: number): Mean =>
  meanOf(
    a.map((v, i) => v - b[i]),
    seed,
  );

function meanOf(values: Float64Array, seed: number): Mean {
  const n = values.length;
  if (n < 2) return { n, mean: values[0] ?? null, low: null, high: null };
  return { n, ...meanInterval(values, seed) };
}

function shareOf(hits: number, n: number): Mean {
  if (n < 2) return { n, mean: hits / n, low: null, high: null };
  return { n, mean: hits / n, ...probabilityInterval(hits, n, STATISTICS.level) };
}

/** Where both are defined. */
function pairs(a: Float64Array, b: Float64Array): [Float64Array, Float64Array] {
  const isBoth = (_: number, i: number) => !Number.isNaN(a[i]) && !Number.isNaN(b[i]);
  return [a.filter(isBoth), b.filter(isBoth)];
}
