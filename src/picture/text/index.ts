/**
 * Texts with their relevance, as HTML, SVG and lines for a terminal.
 *
 * @module relprop/text
 */
export { type AnsiOptions, textAnsi } from "./ansi.ts";
export { type EmbeddingOptions, type EmbeddingOutput, embeddingOf, similarTo } from "./embedding.ts";
export { type EncodedText, type EncodeOptions, encodeText } from "./encode.ts";
export { type HtmlOptions, textHtml, textTable } from "./html.ts";
export { type TextInputOptions, type TextInputs, textInputs } from "./inputs.ts";
export { type MergeOptions, mergeSubwords, type Words } from "./merge.ts";
export { type UnpaddedText, withoutPadding } from "./padding.ts";
export type { TextOptions, TextRelevance } from "./shown.ts";
export { type SvgOptions, textSvg } from "./svg.ts";
export type { TextTokenizer, TokenizerFile } from "./tokenizer-file.ts";
export type { SubwordStyle } from "./units.ts";
