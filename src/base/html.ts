import { printable } from "./printable.ts";

/** HTML that may stand in a page as it is; any other text is escaped first. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Html | string | number | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function textOf(content: Content): string {
  if (content instanceof Html) return content.text;
  return typeof content === "object"
    ? content.map(textOf).join("")
    : printable(String(content)).replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

/**
 * A template of HTML: what is filled in is escaped, in text and in attributes in double quotes, unless it is `Html`
 * itself; lists one after another.
 * @example html`<p title="${name}">${name}</p>`;
 */
export function html(template: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(template.map((piece, i) => (i === 0 ? piece : textOf(contents[i - 1]) + piece)).join(""));
}
