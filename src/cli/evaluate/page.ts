import { ENOUGH } from "../../evaluate/bootstrap.ts";
import { BAND } from "./curves.ts";
import { type Content, type Html, html } from "../../base/html.ts";
import { metricSections, overview, plotFigure, undefinedValues } from "./page-metrics.ts";
import { pictures } from "./page-pictures.ts";
import { count, joined, meanText, nameOf, probability, terms } from "./page-text.ts";
import { MANY, STATISTICS } from "./many.ts";
import type { Settings } from "./part.ts";
import { explodedText } from "./exploded.ts";
import type { Plot } from "./plots.ts";
import type { Summary } from "./summary.ts";
import type { Survey } from "./survey.ts";
import { style } from "./style.ts";

/** What the page shows. */
export interface Shown {
  readonly settings: Settings;
  readonly summary: Summary;
  readonly seen: Survey;
  readonly plots: readonly Plot[];
}

/** report.html: one page without scripts, which takes nothing from anywhere but pictures and plots beside it. */
export function page(shown: Shown): string {
  const { settings, summary, plots } = shown;
  const sections: readonly (readonly [id: string, title: string, content: Content])[] = [
    ["measured", "What was measured", measured(shown)],
    ["result", "Result", overview(summary)],
    ["curves", "Curves", curves(shown)],
    ["metrics", "Metric by metric", metricSections(summary, plots)],
    ["undefined", "Undefined values", undefinedValues(summary)],
    ["pictures", "Pictures", pictures(settings, shown.seen)],
    ["intervals", "Intervals and tests", statistics(settings, summary)],
  ];
  const name = settings.model.file;
  const { methods, metrics } = settings;
  const links = sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`);
  const contents = sections.map(
    ([id, title, content]) =>
      html`<section aria-labelledby="${id}">\n<h2 id="${id}">${title}</h2>\n${content}</section>\n`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Evaluation of ${name}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Evaluation of ${nameOf(name)}</h1>
<p>${count(methods.length, "method")}, ${count(metrics.length, "metric")}, ${count(summary.images, "image")}.</p>
${shown.seen.exploded.map((of) => html`<p class="warning" role="alert">${explodedText(of)}</p>\n`)}<nav aria-label="Sections"><ul>${links}</ul></nav>
</header>
<main>
${contents}</main>
</body>
</html>
`.text;
}

function measured({ settings, summary, seen }: Shown): Html {
  const { model, data, target, perturbation, options, relprop, node, seed } = settings;
  const text = (value: unknown) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  const listed = (values: Readonly<Record<string, unknown>>) => {
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    return given.length === 0 ? "none" : joined(given.map(([name, value]) => html`<bdi>${name} ${text(value)}</bdi>`));
  };
  const { accuracy } = summary;
  return html`${terms([
    ["model", html`${nameOf(model.file)}<br><code>sha256 ${model.sha256}</code>`],
    ["data", html`${nameOf(data.path)} (${data.kind})<br><code>sha256 ${data.sha256}</code>`],
    ["images measured", `${summary.images} of ${data.images}`],
    ["class explained", nameOf(target)],
    [
      "accuracy",
      accuracy === null
        ? "the images have no labels"
        : html`${meanText(accuracy)}<span class="note">of ${count(accuracy.n, "labelled image")}</span>`,
    ],
    ["perturbation", listed(perturbation)],
    ["other options", listed(options)],
    ["seed", `${seed}; image n has noise, orders and random networks of its own, from ${seed} + 65537 n`],
    ["versions", `relprop ${relprop}, Node ${node}`],
    [
      "files",
      joined(
        ["results.csv", "summary.csv", ...(seen.orders.length > 0 ? ["curves.csv"] : []), "results.json"].map(
          (file) => html`<a href="${file}">${file}</a>`,
        ),
      ),
    ],
  ])}<p>Made by</p>
<pre><code>${settings.command}</code></pre>
`;
}

function curves({ summary, seen, plots }: Shown): Content {
  if (seen.orders.length === 0) return html`<p>No metric that was measured has curves.</p>\n`;
  if (summary.curves.length === 0)
    return html`<p>The images differ in how many regions are replaced at each point, so there is no mean curve;
curves.csv has each image's.</p>
`;
  const fewer = summary.curves
    .filter(({ n }) => n < summary.images)
    .map(({ order, method, n }) => {
      return html`<p>${order} of ${nameOf(method ?? "the random order")}: ${count(n, "image")} only.</p>\n`;
    });
  const band =
    summary.images < 2
      ? "One image: no interval."
      : `The bands are ${100 * BAND.level} % intervals of the mean, at each point by itself.`;
  return html`<p>Mean score over the images while pixels, or regions of them, are replaced. ${band} They also show how
much images differ, so they may overlap where the paired difference is clear. Dashed: the random order, which is the
same for all methods. Below each plot: its order, and what is to be expected where relevance is right.</p>
${fewer}${plots.filter(({ of }) => "order" in of).map(plotFigure)}`;
}

function statistics({ methods, seed }: Settings, { images, comparisons }: Summary): Html {
  const { level, resamples, flips } = STATISTICS;
  const share = `${100 * level} %`;
  if (images < 2) return html`<p>One image: no interval and no test.</p>\n`;
  const few = images < ENOUGH;
  const many = images >= MANY;
  const samples = html`${resamples} bootstrap samples of the images, bias-corrected and accelerated
(seed ${seed}; ${BAND.resamples} for the bands of curves); of fewer than ${ENOUGH} values it is Student's`;
  const how = few
    ? html`With fewer than ${ENOUGH} images it is Student's: mean ± t s / √n`
    : many
      ? html`Of ${MANY} values or more it is what bootstrap samples tend to: mean ± t s / √n, shifted as far as the
values are skewed. Of fewer, and where a few values make up most of the spread of a metric, it is of ${samples}`
      : html`It is of ${samples}`;
  const least = probability(2 / 2 ** images);
  const bound = html`Of ${count(images, "image")} it cannot be below ${least}, whatever the values. `;
  return html`<p>An interval is that of a mean over images,
and meant to hold the true mean in ${share} of cases. ${how}.
Where values are very skewed it holds it less often: in about ${few ? "88" : "93"} %. That of the accuracy is Clopper
and Pearson's. It speaks of images like these, and of this one network.</p>
<p>Differences are paired: mean of the method minus ${nameOf(methods[0])}, image by image, with their interval. p is
that of a two-sided sign-flip permutation test with ${flips} resamples, or with every choice of signs where these are
fewer: how often signs by chance give a mean difference as far from 0. ${images < 6 ? bound : ""}${
    many ? html`Of ${MANY} pairs or more it is what that test tends to, and not below 1 / ${1 + flips}. ` : ""
  }p (Holm) is adjusted
for all ${count(comparisons, "comparison")} on this page.</p>
<p>Where a method is called <em>not shown to be worse</em> than the best, the interval of their paired difference does
not lie on the worse side of 0. These intervals are not adjusted for how many there are, and the best was chosen by the
same images.</p>
`;
}
