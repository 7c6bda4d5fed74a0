import { toCsv, toJson } from "../../evaluate/index.ts";
import { inBlocks, type Text } from "./blocks.ts";
import { curveKeys, curveOf } from "./curve-sums.ts";
import { STATISTICS } from "./many.ts";
import { page } from "./page.ts";
import type { Settings } from "./part.ts";
import { plotsOf } from "./plots.ts";
import { type Summary, summaryOf } from "./summary.ts";
import { type Parts, survey } from "./survey.ts";

/**
 * The report of an evaluation: results.csv, curves.csv (where there are curves), summary.csv, results.json, report.html
 * and its plots. The same parts give the same bytes.
 *
 * @returns text by file name; pictures are not among them, though the page shows them (`pictureFile`). What has lines
 * for each image goes through the parts again when it is written
 * @throws LrpError "usage" where there is no part, and for a metric that is none
 * @example await writeReport(dir, await reportOf(settings, parts));
 */
export async function reportOf(settings: Settings, parts: Parts): Promise<ReadonlyMap<string, Text>> {
  const seen = await survey(settings, parts);
  const summary = await summaryOf(settings, parts, seen);
  const plots = plotsOf(summary, settings);
  return new Map<string, Text>([
    ["results.csv", csv(resultRows(settings, parts))],
    ...(seen.orders.length > 0 ? ([["curves.csv", csv(curveRows(settings, seen.orders, parts))]] as const) : []),
    ["summary.csv", toCsv(summaryRows(summary))],
    ["results.json", inBlocks(resultsJson(settings, summary, parts))],
    ["report.html", page({ settings, summary, seen, plots })],
    ...plots.map(({ file, svg }) => [file, svg] as const),
  ]);
}

type Rows = Parameters<typeof toCsv>[0];

/** The rows of each part, below one header. */
function csv(rows: AsyncIterable<Rows>): AsyncGenerator<string> {
  return inBlocks(
    (async function* () {
      let isFirst = true;
      for await (const some of rows) {
        if (some.length === 0) continue;
        const text = toCsv(some);
        yield isFirst ? text : text.slice(text.indexOf("\n") + 1);
        isFirst = false;
      }
    })(),
  );
}

async function* resultRows({ metrics }: Settings, parts: Parts): AsyncGenerator<Rows> {
  for await (const { image, name, label, predicted, methods } of parts)
    yield methods.map(({ method, values }) => ({
      image,
      name,
      label: label?.index,
      predicted: predicted.index,
      method,
      ...Object.fromEntries(metrics.map((metric) => [metric, values[metric]])),
    }));
}

/** One order after another. The random order stands there once for each image, without a method. */
async function* curveRows(settings: Settings, orders: readonly string[], parts: Parts): AsyncGenerator<Rows> {
  for (const wanted of orders) {
    const keys = curveKeys(settings).filter(({ order }) => order === wanted);
    for await (const part of parts)
      yield keys.flatMap((key) =>
        (curveOf(part, key) ?? []).map((score, m) => ({
          image: part.image,
          method: key.method ?? "",
          order: wanted,
          replaced: part.replaced?.[m],
          score,
        })),
      );
  }
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
async function* resultsJson(settings: Settings, summary: Summary, parts: Parts): AsyncGenerator<string> {
  const head = toJson({ settings, statistics: STATISTICS, summary }).replace(/\n}$/, "");
  yield `${head},\n  "images": [\n`;
  let isFirst = true;
  for await (const part of parts) {
    yield `${isFirst ? "" : ",\n"}    ${toJson(part, 0)}`;
    isFirst = false;
  }
  yield "\n  ]\n}\n";
}
