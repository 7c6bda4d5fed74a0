import { toCsv, toJson } from "../../evaluate/index.ts";
import { curveOf, ordersOf, randomCurve } from "./curves.ts";
import { page } from "./page.ts";
import type { Part, Settings } from "./part.ts";
import { plotsOf } from "./plots.ts";
import { sortedParts, STATISTICS, type Summary, summaryOf } from "./summary.ts";

/**
 * The report of an evaluation: results.csv, curves.csv (where there are curves), summary.csv, results.json, report.html
 * and its plots. The same parts give the same bytes, in whatever order they come.
 *
 * @returns text by file name; pictures are not among them, though the page shows them (`pictureFile`)
 * @throws LrpError "usage" for no part, two of one image, a part of other methods, and a metric that is none
 * @example for (const [name, text] of reportOf(settings, parts)) await writeFile(join(out, name), text);
 */
export function reportOf(settings: Settings, parts: readonly Part[]): ReadonlyMap<string, string> {
  const sorted = sortedParts(settings, parts);
  const summary = summaryOf(settings, sorted);
  const plots = plotsOf(summary, settings);
  const curves = curveRows(sorted);
  return new Map([
    ["results.csv", toCsv(resultRows(settings, sorted))],
    ...(curves.length > 0 ? ([["curves.csv", toCsv(curves)]] as const) : []),
    ["summary.csv", toCsv(summaryRows(summary))],
    ["results.json", resultsJson(settings, summary, sorted)],
    ["report.html", page({ settings, summary, parts: sorted, plots })],
    ...plots.map(({ file, svg }) => [file, svg] as const),
  ]);
}

function resultRows({ metrics }: Settings, parts: readonly Part[]) {
  return parts.flatMap(({ image, name, label, predicted, methods }) =>
    methods.map(({ method, values }) => ({
      image,
      name,
      label: label?.index,
      predicted: predicted.index,
      method,
      ...Object.fromEntries(metrics.map((metric) => [metric, values[metric]])),
    })),
  );
}

/** The random order stands there once for each image, without a method. */
function curveRows(parts: readonly Part[]) {
  return ordersOf(parts).flatMap((order) =>
    parts.flatMap((part) => {
      const of =
        order === "random"
          ? [{ method: "", curves: randomCurve(part) }]
          : part.methods.map((m) => ({ method: m.method, curves: curveOf(m, order) }));
      return of.flatMap(({ method, curves }) =>
        curves.flatMap((scores) =>
          scores.map((score, m) => ({ image: part.image, method, order, replaced: part.replaced?.[m], score })),
        ),
      );
    }),
  );
}

function summaryRows({ metrics }: Summary) {
  return metrics.flatMap(({ metric, methods }) =>
    methods.map(({ method, n, mean, low, high, undefined: missing, difference }) => ({
      method,
      metric,
      n,
      mean,
      low,
      high,
      undefined: missing,
      difference: difference?.mean,
      differenceN: difference?.n,
      differenceLow: difference?.low,
      differenceHigh: difference?.high,
      p: difference?.p,
      pHolm: difference?.holm,
    })),
  );
}

/** A line for each image. */
function resultsJson(settings: Settings, summary: Summary, parts: readonly Part[]): string {
  const images = parts.map((part) => `    ${toJson(part, 0)}`).join(",\n");
  const head = toJson({ settings, statistics: STATISTICS, summary }).replace(/\n}$/, "");
  return `${head},\n  "images": [\n${images}\n  ]\n}\n`;
}
