/**
 * Texts with their relevance, as HTML, SVG and lines for a terminal.
 *
 * @module relprop/text
 */
export { type AnsiOptions, textAnsi } from "./ansi.ts";
export { type EmbeddingOptions, type EmbeddingOutput, embeddingOf, similarTo } from "./embedding.ts";
export { type HtmlOptions, textHtml, textTable } from "./html.ts";
export { type MergeOptions, mergeSubwords, type Words } from "./merge.ts";
export type { TextOptions, TextRelevance } from "./shown.ts";
export { type SvgOptions, textSvg } from "./svg.ts";
export type { SubwordStyle } from "./units.ts";
