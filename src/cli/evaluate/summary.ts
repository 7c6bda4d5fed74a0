import { chosen } from "../../evaluate/check.ts";
import { probabilityInterval } from "../../evaluate/distributions.ts";
import {
  bootstrap,
  type Interval,
  mean,
  type MetricRow,
  metrics,
  pairedDifference,
  pairedTest,
} from "../../evaluate/index.ts";
import { misuse, usage } from "../../base/error.ts";
import { type CurveSummary, curvesOf } from "./curves.ts";
import { holm } from "./holm.ts";
import type { Part, Settings } from "./part.ts";

/** How often an interval is meant to hold the true value; number of resamples of an interval, and of a test. */
export const STATISTICS = Object.freeze({ level: 0.95, resamples: 2000, flips: 10_000 });

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
  readonly reasons: Readonly<Record<string, number>>;
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

type Value = number | null;

/** The row of a metric of the settings. @throws LrpError "usage" */
export function metricRow(name: string): MetricRow {
  return chosen("a metric", Object.fromEntries(metrics.map((row) => [row.name, row])), name);
}

/**
 * Parts by number.
 * @throws LrpError "usage" where there is none, or a number twice, or other methods or metrics than in the settings
 */
export function sortedParts({ methods, metrics }: Settings, parts: readonly Part[]): readonly Part[] {
  if (parts.length === 0) throw misuse("the report", "there are no results");
  const sorted = [...parts].sort((a, b) => a.image - b.image);
  sorted.forEach((part, i) => {
    const where = `the results of image ${part.image}`;
    if (part.image === sorted[i - 1]?.image) throw misuse(where, "they are there twice");
    const names = part.methods.map(({ method }) => method);
    if (JSON.stringify(names) !== JSON.stringify(methods))
      throw usage(where, `the methods ${methods.join(", ")}`, names.join(", "));
    for (const { method, values } of part.methods)
      for (const metric of metrics)
        if (!Object.hasOwn(values, metric)) throw misuse(where, `${metric} of ${method} is missing`);
  });
  return sorted;
}

/**
 * Means, intervals, differences and tests of what was measured: `bootstrap` over images, paired by image.
 *
 * @param parts as `sortedParts` gives them
 * @throws LrpError "usage" for a metric that is none
 * @example summaryOf(settings, sortedParts(settings, parts)).metrics[0].methods[1].difference?.holm;
 */
export function summaryOf(settings: Settings, parts: readonly Part[]): Summary {
  const all = settings.metrics.map((metric) => metricSummary(metric, settings, parts));
  const compared = all.flatMap(({ methods }) => methods.map(({ difference }) => difference?.p ?? null));
  const adjusted = holm(compared.filter((p) => p !== null));
  let next = 0;
  const withHolm = (row: MethodSummary): MethodSummary =>
    row.difference?.p == null ? row : { ...row, difference: { ...row.difference, holm: adjusted[next++] } };
  const labelled = parts.flatMap(({ label, predicted }) => (label ? [Number(label.index === predicted.index)] : []));
  return {
    images: parts.length,
    accuracy: labelled.length > 0 ? shareOf(labelled) : null,
    comparisons: adjusted.length,
    metrics: all.map((row) => ({ ...row, methods: row.methods.map(withHolm) })),
    curves: curvesOf(settings, parts),
  };
}

function metricSummary(metric: string, { methods, seed }: Settings, parts: readonly Part[]): MetricSummary {
  const { better } = metricRow(metric);
  const values = methods.map((_, i) => parts.map((part) => part.methods[i].values[metric]));
  const rows = methods.map((method, i): MethodSummary => {
    const reasons = parts.flatMap((part) =>
      part.methods[i].values[metric] === null ? [part.methods[i].missing[metric]] : [],
    );
    const difference = i > 0 && better !== "neither" ? differenceOf(values[i], values[0], seed) : null;
    return {
      method,
      ...meanOf(defined(values[i]), seed),
      undefined: reasons.length,
      reasons: counted(reasons),
      difference,
    };
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
function worse(values: readonly Value[], best: readonly Value[], better: MetricRow["better"], seed: number): boolean {
  const { mean, low, high } = pairedMean(values, best, seed);
  if (mean !== null && Math.abs(mean) <= ROUNDING) return false;
  return better === "higher" ? high !== null && high < 0 : low !== null && low > 0;
}

function differenceOf(values: readonly Value[], first: readonly Value[], seed: number): Difference {
  const [a, b] = pairs(values, first);
  const p = a.length < 2 ? null : pairedTest(a, b, { resamples: STATISTICS.flips, seed }).p;
  return { ...pairedMean(values, first, seed), p, holm: null };
}

function pairedMean(a: readonly Value[], b: readonly Value[], seed: number): Mean {
  const [x, y] = pairs(a, b);
  return interval(
    x.map((v, i) => v - y[i]),
    () => pairedDifference(x, y, options(seed)),
  );
}

function meanOf(values: readonly number[], seed: number): Mean {
  return interval(values, () => bootstrap(values, mean, options(seed)));
}

/** The share of ones. */
function shareOf(values: readonly number[]): Mean {
  const [n, hits] = [values.length, values.reduce((a, b) => a + b)];
  if (n < 2) return { n, mean: hits / n, low: null, high: null };
  return { n, mean: hits / n, ...probabilityInterval(hits, n, STATISTICS.level) };
}

const options = (seed: number) => ({ level: STATISTICS.level, resamples: STATISTICS.resamples, seed });

function interval(values: readonly number[], of: () => Interval): Mean {
  const n = values.length;
  if (n < 2) return { n, mean: values[0] ?? null, low: null, high: null };
  const { value, low, high } = of();
  return { n, mean: value, low, high };
}

const defined = (values: readonly Value[]) => values.filter((v) => v !== null);

/** Where both are defined. */
function pairs(a: readonly Value[], b: readonly Value[]): [number[], number[]] {
  const both = a.flatMap((v, i) => (v === null || b[i] === null ? [] : [[v, b[i]]]));
  return [both.map(([v]) => v), both.map(([, v]) => v)];
}

function counted(reasons: readonly string[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
