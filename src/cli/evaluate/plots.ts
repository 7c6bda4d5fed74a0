import { type Order, orders } from "../../evaluate/index.ts";
import { barPlot, linePlot } from "../../picture/plots/index.ts";
import type { CurveSummary } from "./curves.ts";
import type { Settings } from "./part.ts";
import type { MetricSummary, Summary } from "./summary.ts";

/** A plot in the folder of results. */
export interface Plot {
  readonly file: string;
  readonly svg: string;
  readonly title: string;
  readonly caption: string;
  /** Where its numbers are, for who does not see it. */
  readonly numbers: string;
  readonly of: { readonly metric: string } | { readonly order: Order };
}

/** The metrics that are areas under curves: that of the random order is a reference for them. */
const AREAS = ["morf", "lerf", "minAbs"];

/** Curves by order, and the means of each metric that has any. */
export function plotsOf({ curves, metrics }: Summary, { perturbation }: Settings): readonly Plot[] {
  const places = perturbation.region === 1 ? "pixels" : "regions";
  const chance = curves.filter(({ order }) => order === "random");
  const drawn = (Object.keys(orders) as Order[]).filter(
    (order) => order !== "random" && curves.some((curve) => curve.order === order),
  );
  const random = metrics.find(({ metric }) => metric === "random")?.methods[0].mean ?? undefined;
  return [
    ...drawn.map((order) => curvePlot(order, [...curves.filter((curve) => curve.order === order), ...chance], places)),
    ...metrics.filter(({ methods }) => methods.some(({ n }) => n > 0)).map((row) => metricPlot(row, random)),
  ];
}

function curvePlot(order: Order, curves: readonly CurveSummary[], places: string): Plot {
  const title = `${order}: score while ${places} are replaced`;
  const series = curves.map(({ method, replaced, mean, low, high }) => ({
    name: method ?? "random order",
    x: replaced,
    y: mean,
    dashed: method === null,
    ...(method !== null && low && high ? { low, high } : {}),
  }));
  const svg = linePlot({ title, x: { label: `${places} replaced` }, y: { label: "score, mean over images" }, series });
  return {
    file: `plots/curve-${order}.svg`,
    svg,
    title,
    caption: orders[order].summary,
    numbers: "results.json",
    of: { order },
  };
}

function metricPlot({ metric, better, methods }: MetricSummary, random: number | undefined): Plot {
  const title = better === "neither" ? `${metric}, for comparison` : `${metric}: ${better} is better`;
  const bars = methods.flatMap(({ method, mean, low, high }) =>
    mean === null ? [] : [{ name: method, value: mean, ...(low !== null && high !== null ? { low, high } : {}) }],
  );
  const reference = AREAS.includes(metric) ? random : undefined;
  const svg = barPlot({ title, value: { label: `${metric}, mean over images` }, bars, reference });
  const caption = reference === undefined ? "" : "dashed: the random order";
  return { file: `plots/metric-${metric}.svg`, svg, title, caption, numbers: "the table below", of: { metric } };
}
