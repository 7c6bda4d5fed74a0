import { digits } from "../layout.ts";
import { type Content, html } from "../../base/html.ts";
import { className, joined, nameOf } from "./page-text.ts";
import { type Part, pictureFile, type Settings } from "./part.ts";
import type { Survey } from "./survey.ts";

/** The first images and every method's heatmap of them. */
export function pictures(settings: Settings, { shown }: Survey): Content {
  if (shown.length === 0) return html`<p>None were asked for.</p>\n`;
  return shown.map((part) => imageSection(settings, part));
}

function imageSection({ metrics }: Settings, part: Part): Content {
  const { image, name, label, predicted, methods, drawn } = part;
  const figure = (of: string, alt: Content, caption: Content) => {
    const picture = html`<img src="${pictureFile(image, of)}" alt="${alt}" loading="lazy">`;
    return html`<figure>${picture}<figcaption>${caption}</figcaption></figure>\n`;
  };
  const value = (v: number | null) => (v === null ? "undefined" : digits(v));
  const wrong = label && label.index !== predicted.index ? ", so the prediction is wrong" : "";
  const labelled = label ? html`Label: ${className(label)}${wrong}.` : "No label.";
  return html`<article aria-labelledby="image-${image}">
<h3 id="image-${image}">${nameOf(name)}</h3>
<p>Predicted: ${className(predicted)}, logit ${digits(predicted.logit)}. ${labelled}</p>
<div class="pictures">
${drawn ? figure("input", `Input ${name}`, "input") : ""}${methods.map(({ method, values, amplified }) =>
  figure(
    method,
    `Heatmap of ${name} by ${method}`,
    html`${nameOf(method)}${amplified ? html` <strong class="warning">exploded</strong>` : ""}<span class="note">${joined(
      metrics.map((metric) => html`${metric} ${value(values[metric])}`),
      html`<br>`,
    )}</span>`,
  ),
)}</div>
</article>
`;
}
