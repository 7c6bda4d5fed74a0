import { printable } from "../../base/printable.ts";

/** Attributes of an element; numbers are coordinates, and are rounded to hundredths of a pixel. */
export type Attributes = Readonly<Record<string, string | number>>;

/** Colours of everything but the data. */
export const INK = {
  background: "#ffffff",
  text: "#222222",
  faint: "#555555",
  grid: "#e4e4e4",
  axis: "#888888",
} as const;
/** Sizes of text, and how far its lines are apart. */
export const FONT = 12;
export const TITLE = 15;
export const LINE = 15;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/**
 * A text inside XML. What XML 1.0 cannot hold at all (control characters, halves of surrogate pairs), and what a page
 * should not get, becomes U+FFFD.
 */
function escaped(text: string): string {
  return printable(text)
    .replace(/[&<>"]/g, (c) => entities[c])
    .replace(/\p{Cs}|[\ufffe\uffff]/gu, "\ufffd");
}

/** An element around content that is XML already. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? rounded(value) : escaped(value)}"`,
  );
  return content === "" ? `<${name}${list.join("")}/>` : `<${name}${list.join("")}>${content}</${name}>`;
}

/** Lines of text from baseline `y` down. */
export function texts(lines: readonly string[], x: number, y: number, attributes: Attributes = {}): string[] {
  return lines.map((line, i) => element("text", { x, y: y + i * LINE, ...attributes }, escaped(line)));
}

/** The title, from the upper left corner. */
export function titled(lines: readonly string[], pad: number): string[] {
  return lines.flatMap((line, i) =>
    texts([line], pad, pad + 14 + i * 19, { "font-size": TITLE, "font-weight": "bold" }),
  );
}

export function straight(x1: number, y1: number, x2: number, y2: number, attributes: Attributes): string {
  return element("line", { x1, y1, x2, y2, ...attributes });
}

/** An interval: a line between two points with a bar across each end. */
export function whisker(from: readonly [number, number], to: readonly [number, number], stroke: string): string[] {
  const look = { stroke, "stroke-width": 1.5 };
  const [dx, dy] = from[0] === to[0] && from[1] !== to[1] ? [4, 0] : [0, 4];
  return [
    straight(...from, ...to, look),
    ...[from, to].map(([x, y]) => straight(x - dx, y - dy, x + dx, y + dy, look)),
  ];
}

/**
 * A whole file: a picture for screen readers, with a background of its own, so that it can be read on a dark page too.
 */
export function figure(
  width: number,
  height: number,
  title: string,
  description: string,
  parts: readonly string[],
): string {
  const content = [
    element("title", {}, escaped(title)),
    element("desc", {}, escaped(description)),
    element("rect", { width, height, fill: INK.background }),
    ...parts,
  ];
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width,
    height,
    viewBox: `0 0 ${rounded(width)} ${rounded(height)}`,
    role: "img",
    "font-family": "sans-serif",
    "font-size": FONT,
    fill: INK.text,
  };
  return `${element("svg", attributes, `\n${content.join("\n")}\n`)}\n`;
}

/** A number for people, in descriptions and labels. */
export const digits = (value: number) => `${Number(value.toPrecision(4))}`;

function rounded(value: number): string {
  return `${Math.round(value * 100) / 100}`;
}
