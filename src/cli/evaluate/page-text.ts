import { digits } from "../layout.ts";
import { type Content, type Html, html } from "../../base/html.ts";
import type { Mean } from "./summary.ts";

/** A name of someone else's: its direction of writing ends with it, and it may break after a colon or "/". */
export function nameOf(text: string): Html {
  return html`<bdi>${text.split(/(?<=[:/])/).map((piece, i) => (i === 0 ? piece : html`<wbr>${piece}`))}</bdi>`;
}

/** A class: its name, if it has one, and its number. */
export function className({ index, name }: { readonly index: number; readonly name?: string }): Html {
  return name === undefined ? html`class ${index}` : html`<bdi>${name}</bdi> (class ${index})`;
}

/** "1 image", "2 images". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

export function joined(items: readonly Content[], between: Content = ", "): Content {
  return items.map((item, i) => (i === 0 ? item : [between, item]));
}

/** A mean with its interval below. */
export function meanText({ mean, low, high }: Mean): Content {
  if (mean === null) return "undefined";
  return low === null || high === null
    ? digits(mean)
    : html`${digits(mean)}<span class="interval">${digits(low)} to ${digits(high)}</span>`;
}

export function probability(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}

/**
 * A table that may be wider than the page; its first column is text, or its first `texts`, and the others are numbers.
 */
export function table(caption: Content, head: readonly Content[], rows: readonly Content[], texts = 1): Html {
  const cells = head.map((cell, i) => html`<th scope="col"${i < texts ? "" : html` class="number"`}>${cell}</th>`);
  return html`<div class="scroll" tabindex="0"><table>
<caption><span>${caption}</span></caption>
<thead><tr>${cells}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>
`;
}

/** Terms and what they mean here. */
export function terms(entries: readonly (readonly [Content, Content])[]): Html {
  return html`<dl>
${entries.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>\n`)}</dl>
`;
}
