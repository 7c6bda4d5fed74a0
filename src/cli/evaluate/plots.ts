import { barPlot, linePlot } from "../../plots/index.ts";
import { orders } from "../../evaluate/index.ts";
import type { CurveSummary } from "./curves.ts";
import type { MetricSummary, Summary } from "./summary.ts";

/** A plot in the folder of results, and what it shows, for who does not see it. */
export interface Plot {
  readonly file: string;
  readonly svg: string;
  readonly title: string;
  readonly of: { readonly metric: string } | { readonly order: string };
}

/** The metrics that the random order says something about: areas under curves. */
const AREAS = ["morf", "lerf", "minAbs"];

/** Curves by order with the random order as a reference, and the means of each metric that has any. */
export function plotsOf({ curves, metrics }: Summary): readonly Plot[] {
  const chance = curves.filter(({ order }) => order === "random");
  const shown = Object.keys(orders).filter((order) => order !== "random" && curves.some((curve) => curve.order === order));
  const random = metrics.find(({ metric }) => metric === "random")?.methods[0].mean ?? undefined;
  return [
    ...shown.map((order) => curvePlot(order, [...curves.filter((curve) => curve.order === order), ...chance])),
    ...metrics.filter(({ methods }) => methods.some(({ n }) => n > 0)).map((row) => metricPlot(row, random)),
  ];
}

function curvePlot(order: string, curves: readonly CurveSummary[]): Plot {
  const title = `Score while pixels are replaced, ${orders[order as keyof typeof orders].summary}`;
  const series = curves.map(({ method, replaced, mean, low, high }) => ({
    name: method ?? "random order",
    x: replaced,
    y: mean,
    dashed: method === null,
    ...(low && high ? { low, high } : {}),
  }));
  const svg = linePlot({ title, x: { label: "pixels replaced" }, y: { label: "score, mean over images" }, series });
  return { file: `plots/curve-${order}.svg`, svg, title, of: { order } };
}

function metricPlot({ metric, better, methods }: MetricSummary, random: number | undefined): Plot {
  const title = better === "neither" ? `${metric}, for comparison` : `${metric}: ${better} is better`;
  const bars = methods.flatMap(({ method, mean, low, high }) =>
    mean === null ? [] : [{ name: method, value: mean, ...(low !== null && high !== null ? { low, high } : {}) }],
  );
  const svg = barPlot({
    title,
    value: { label: `${metric}, mean over images` },
    bars,
    ...(AREAS.includes(metric) ? { reference: random } : {}),
  });
  return { file: `plots/metric-${metric}.svg`, svg, title, of: { metric } };
}
