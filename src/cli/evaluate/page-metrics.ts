import { digits } from "../layout.ts";
import { type Content, type Html, html } from "../../base/html.ts";
import { count, joined, meanText, nameOf, probability, table, terms } from "./page-text.ts";
import type { Plot } from "./plots.ts";
import { type MethodSummary, metricRow, type MetricSummary, type Summary } from "./summary.ts";

const better = (row: MetricSummary) => (row.better === "neither" ? "for comparison" : `${row.better} is better`);

const intervals = ({ images }: Summary) => images >= 2;

/** Methods × metrics, and what may be said about the best. */
export function overview(summary: Summary): Html {
  const rows = summary.metrics[0].methods.map(({ method }, i) => {
    const cells = summary.metrics.map((row) => overviewCell(row, row.methods[i], summary));
    return html`<tr><th scope="row">${nameOf(method)}</th>${cells}</tr>\n`;
  });
  const caption = html`Mean over the images${intervals(summary) ? ", with its 95 % interval" : ""}.
<span class="mark">best</span>: the best mean. <span class="mark">≈ best</span>: not shown to be worse than it by the
interval of the paired difference.`;
  const head = summary.metrics.map(
    (row) => html`<a href="#metric-${row.metric}">${row.metric}</a><span class="note">${better(row)}</span>`,
  );
  const verdicts = summary.metrics
    .filter(({ better }) => better !== "neither")
    .map((row) => html`<li>${verdict(row, summary)}</li>\n`);
  return html`${table(caption, ["method", ...head], rows)}
<ul>
${verdicts}</ul>
`;
}

function overviewCell(row: MetricSummary, own: MethodSummary, summary: Summary): Html {
  const best = row.best === own.method;
  const mark = best ? "best" : row.notWorse.includes(own.method) && intervals(summary) ? "≈ best" : "";
  const some = own.n < summary.images && own.n > 0 ? html` <span class="note">of ${count(own.n, "image")}</span>` : "";
  const marked = mark && html`<span class="mark">${mark}</span> `;
  return html`<td class="number${best ? " best" : ""}">${marked}${meanText(own)}${some}</td>`;
}

function verdict(row: MetricSummary, summary: Summary): Content {
  const { metric, best, notWorse } = row;
  const head = html`<strong>${metric}</strong> (${better(row)}): `;
  if (best === null) return [head, "undefined for every method and image."];
  const { mean } = row.methods.find(({ method }) => method === best)!;
  const named = html`${head}the best mean is that of ${nameOf(best)}, ${digits(mean!)}.`;
  if (!intervals(summary)) return [named, " One image: no interval, so nothing is said of the others."];
  if (notWorse.length > 0) return [named, " Not shown to be worse: ", joined(notWorse.map(nameOf)), "."];
  const others = row.methods.filter(({ method, n }) => method !== best && n > 0);
  return others.length === 0 ? named : [named, " All others that have values are worse by the paired interval."];
}

/** How each metric is read, its plot, and each method's difference from the first. */
export function metricSections(summary: Summary, plots: readonly Plot[]): Content {
  return summary.metrics.map((row) => {
    const { metric, methods } = row;
    const { summary: what, range, source } = metricRow(metric);
    const compared = methods.some(({ difference }) => difference);
    const head = [
      "method",
      "images",
      "mean",
      ...(compared ? [html`minus ${nameOf(methods[0].method)}`, "p", "p (Holm)"] : []),
    ];
    return html`<section id="metric-${metric}" aria-labelledby="title-${metric}">
<h3 id="title-${metric}">${metric}</h3>
${terms([
  ["what", what],
  ["better", row.better],
  ["range", range],
  ["source", source],
])}${plots.filter(({ of }) => "metric" in of && of.metric === metric).map(plotFigure)}
${table(
  `${metric} of each method`,
  head,
  methods.map((own) => methodRow(own, compared)),
)}</section>
`;
  });
}

function methodRow(own: MethodSummary, compared: boolean): Html {
  const number = (content: Content) => html`<td class="number">${content}</td>`;
  const numbers = [own.n, meanText(own), ...(compared ? differenceCells(own) : [])];
  return html`<tr><th scope="row">${nameOf(own.method)}</th>${numbers.map(number)}</tr>\n`;
}

function differenceCells({ n, difference }: MethodSummary): Content[] {
  if (!difference) return ["", "", ""];
  const pairs = difference.n === n ? "" : html`<span class="note">${count(difference.n, "pair")}</span>`;
  return [
    [meanText(difference), pairs],
    ...[difference.p, difference.holm].map((p) => (p === null ? "" : probability(p))),
  ];
}

/** A plot that a narrow page scrolls, so that its text can be read. */
export function plotFigure({ file, title, numbers, caption }: Plot): Html {
  const picture = html`<img src="${file}" alt="Plot of ${title}. Its numbers are in ${numbers}.">`;
  const below = caption && html`<figcaption>${caption}</figcaption>`;
  return html`<figure class="plot"><div class="scroll" tabindex="0">${picture}</div>${below}</figure>\n`;
}

/** Which values are undefined, and why. */
export function undefinedValues(summary: Summary): Content {
  const rows = summary.metrics.flatMap(({ metric, methods }) =>
    methods.flatMap(({ method, reasons }) =>
      Object.entries(reasons).map(([reason, n]) => {
        const head = html`<th scope="row">${nameOf(method)}</th>`;
        return html`<tr>${head}<td>${metric}</td><td><bdi>${reason}</bdi></td><td class="number">${n}</td></tr>\n`;
      }),
    ),
  );
  if (rows.length === 0) return html`<p>None: every metric has a value for every method and image.</p>\n`;
  return table(
    "Means leave these out; differences take the images where both methods have a value.",
    ["method", "metric", "reason", "images"],
    rows,
    3,
  );
}
