import { type Html, html } from "../../base/html.ts";
import { usage } from "../../base/error.ts";
import { type Rgb, type Scale, type ShownText, shown, signed, type TextOptions, type TextRelevance } from "./shown.ts";

export interface HtmlOptions extends TextOptions {
  /** A whole page, as a file is. Default: false, a piece of one. */
  readonly page?: boolean;
}

/** Styles stand at their elements: a piece of a page has no sheet of its own. */
const INK = "color:#222;background:#fff";
const FAINT = "color:#555";
const FIGURE = `margin:0;padding:1em;font:16px/1.6 system-ui,sans-serif;${INK}`;
const FACT = `text-align:start;font-weight:normal;padding:0 1em 0 0;${FAINT}`;
const CELL = "padding:0.4em 0.8em 0.4em 0;border-bottom:1px solid #ddd;vertical-align:top;text-align:start";
const BAR = "display:inline-block;width:8em;height:0.7em;border:1px solid #bbb";
const SPECIAL = `${FAINT};background:none;outline:1px dashed #888;font-size:0.8em;unicode-bidi:isolate;direction:ltr`;
const WARNING = "margin:0 0 0.5em;padding:0 0.6em;border-left:0.4em solid #fc0;font-weight:bold";
const hex = (colour: Rgb) => `#${colour.map((v) => v.toString(16).padStart(2, "0")).join("")}`;

/**
 * A text as HTML: each token before the colour of its relevance, with the number as its tooltip, a legend, and what is
 * explained.
 *
 * Red speaks for the target and blue against it; the largest |relevance| has full colour. Special tokens have a frame
 * and no colour. The text is drawn from right to left if its first letter is. Everything is escaped; control
 * characters, and those that turn the direction of writing, become U+FFFD. It needs no style sheet and no script.
 *
 * @returns a `<figure>`, or a page
 * @throws LrpError code "shape" if there are more or fewer numbers than tokens, code "usage" for numbers that are not
 * finite, no tokens, and an unknown colour map
 * @example
 * const { words: tokens, ...rest } = mergeSubwords(encoded.tokens, explanation.inputs.input_ids.data);
 * const page = textHtml({ tokens, ...rest, target: "positive", score: 2.1 }, { page: true });
 */
export function textHtml(text: TextRelevance, options: HtmlOptions = {}): string {
  const { texts, scale } = shown([text], options);
  const [{ facts, warning }] = texts;
  const list = facts.map(
    ([name, value]) =>
      html`<tr><th scope="row" style="${FACT}">${name}</th><td style="padding:0"><bdi>${value}</bdi></td></tr>`,
  );
  return done(
    html`<figure style="${FIGURE}">
${warned(warning)}${wordsOf(texts[0])}
<figcaption style="font-size:0.875em">${legend(scale)}
<table style="border-collapse:collapse">${list}</table></figcaption>
</figure>
`,
    options,
  );
}

/**
 * Several texts as a table of HTML: what is explained, its score, the sum of relevance, and the words. All share one
 * scale.
 *
 * @returns a `<figure>`, or a page
 * @throws LrpError as `textHtml` does, and code "usage" for no texts
 * @example
 * const table = textTable([{ tokens: ["good"], relevance: [2], target: "positive", score: 2.5 }]);
 */
export function textTable(given: readonly TextRelevance[], options: HtmlOptions = {}): string {
  if (given.length === 0) throw usage("option 'texts'", "at least one", "none");
  const { texts, scale } = shown(given, options);
  const names = ["label", "target", "score", "sum of relevance"].filter((name) =>
    texts.some(({ facts }) => facts.some(([fact]) => fact === name)),
  );
  const rows = texts.map((text) => {
    const facts = new Map(text.facts);
    const cells = names.map((name) => {
      const style = name === "score" ? `${CELL};white-space:nowrap` : CELL;
      return html`<td style="${style}"><bdi>${facts.get(name) ?? ""}</bdi></td>`;
    });
    return html`<tr>${cells}<td style="${CELL}">${warned(text.warning)}${wordsOf(text)}</td></tr>
`;
  });
  const heads = [...names, "words"].map((name) => html`<th scope="col" style="${CELL};${FAINT}">${name}</th>`);
  return done(
    html`<figure style="overflow-x:auto;${FIGURE}" tabindex="0">
<table style="border-collapse:collapse">
<thead><tr>${heads}</tr></thead>
<tbody>${rows}</tbody>
</table>
<figcaption style="font-size:0.875em">${legend(scale)}</figcaption>
</figure>
`,
    options,
  );
}

/** Marks touch their letters, so that letters which join do. */
function wordsOf({ tokens, direction }: ShownText): Html {
  const marks = tokens.map(({ text, relevance, colours }, i) => {
    const style = colours
      ? `color:${hex(colours.ink)};background:${hex(colours.back)};padding:0.15em 0;border-radius:0.15em`
      : SPECIAL;
    const title = `${signed(relevance)}${colours ? "" : ", special, not in the scale"}`;
    return html`${i > 0 ? " " : ""}<mark style="${style}" title="${title}">${text}</mark>`;
  });
  return html`<p dir="${direction}" style="margin:0 0 0.5em;line-height:2;overflow-wrap:anywhere">${marks}</p>`;
}

const STEPS = 24;

function legend({ at, low, high }: Scale): Html {
  const colours = Array.from({ length: STEPS + 1 }, (_, i) => hex(at(i / STEPS))).join(",");
  const bar = html`<span style="${BAR};background:linear-gradient(to right,${colours})"></span>`;
  return html`<p dir="ltr" style="margin:0 0 0.5em">${low} ${bar} ${high}</p>`;
}

const warned = (warning?: string): Html =>
  warning === undefined
    ? html``
    : html`<p style="${WARNING}">${warning}</p>
`;

function done(figure: Html, { page = false }: HtmlOptions): string {
  if (!page) return figure.text;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Relevance of a text</title>
</head>
<body style="margin:0 auto;max-width:50em;${INK}">
<main>
<h1 style="margin:0;padding:0.6em 0.6em 0;font:bold 1.4em system-ui,sans-serif">Relevance of a text</h1>
${figure}</main>
</body>
</html>
`.text;
}
