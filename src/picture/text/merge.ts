import { LrpError, usage } from "../../base/error.ts";
import { END, type SubwordStyle, unitsOf } from "./units.ts";

export interface MergeOptions {
  /** Default: as the tokens look: `▁` is SentencePiece's, then `Ġ`, `Ċ` or `</w>` that of bytes, else it is WordPiece. */
  readonly style?: SubwordStyle;
  /** For each token whether it is a special one, as the tokenizer knows. Default: as the usual ones are written. */
  readonly special?: readonly boolean[];
}

/** Words in place of tokens: what `textHtml` and the others draw, with `tokens: words`. */
export interface Words {
  readonly words: readonly string[];
  /** The sum of its tokens' relevance, for each word. */
  readonly relevance: readonly number[];
  /** Whether it is a special token, such as `[CLS]`, for each word. */
  readonly special: readonly boolean[];
}

const STYLES: readonly SubwordStyle[] = ["wordpiece", "bytes", "sentencepiece"];

/**
 * Tokens that frame a text or fill it up: [CLS], </s>, <|endoftext|>. Those that stand for a word, [UNK], [MASK] and
 * <unk>, are none of them.
 */
const SPECIAL = /^(\[(CLS|SEP|PAD|BOS|EOS)\]|<\/?s>|<(pad|bos|eos|cls|sep|(start|end)_of_turn)>|<[|｜][^<>]+[|｜]>)$/;

/** Stands for a whole word, whatever stands before it. */
const MASK = /^[[<]mask[\]>]$/i;

/** Scripts without spaces between words. */
const SPACELESS = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"]
  .map((s) => `\\p{scx=${s}}`)
  .join("");
const BEGINS_SPACELESS = new RegExp(`^[${SPACELESS}]`, "u");
const ENDS_SPACELESS = new RegExp(`[${SPACELESS}]\\p{M}*$`, "u");

/**
 * Joins the tokens of a text to words, and adds up their relevance (in double precision):
 *
 *   R(word) = Σ R(token) over the tokens of the word
 *
 * What a word is, the tokenizer's marks say. WordPiece continues a word by `##`; a byte-level BPE begins one by `Ġ`, a
 * space, or ends one by `</w>`; SentencePiece by `▁`. Tokens of bytes, and SentencePiece's `<0xE4>`, become the text
 * that they stand for, and tokens that share a character stay together. In both, each token is a word in Chinese,
 * Japanese, Thai, Lao, Khmer and Burmese, which have no spaces. Special tokens stay alone.
 *
 * @param tokens what the tokenizer gives
 * @param relevance a number for each token, such as `explanation.inputs.input_ids.data`
 * @returns words without the spaces around them; together they have the relevance of all tokens
 * @throws LrpError code "shape" if there are more or fewer numbers than tokens, code "usage" for numbers that are not
 * finite, or an unknown style
 * @example
 * const { words } = mergeSubwords(["[CLS]", "a", "hid", "##den", "gem", "[SEP]"], [0, 1, 2, 3, 4, 0]);
 * words; // ["[CLS]", "a", "hidden", "gem", "[SEP]"]
 */
export function mergeSubwords(
  tokens: readonly string[],
  relevance: ArrayLike<number>,
  options: MergeOptions = {},
): Words {
  checkTokens(tokens, relevance, options.special);
  const { style = styleOf(tokens), special = tokens.map(isSpecial) } = options;
  if (!STYLES.includes(style)) throw usage("option 'style'", `one of ${STYLES.join(", ")}`, `'${style}'`);
  const words: { text: string; relevance: number; special: boolean }[] = [];
  for (const { text, first, count, begins } of unitsOf(tokens, style, special)) {
    const sum = Array.from({ length: count }, (_, i) => relevance[first + i]).reduce((a, b) => a + b, 0);
    const last = words.at(-1);
    const isMask = MASK.test(text.trim()) || MASK.test(last?.text.trim() ?? "");
    if (
      !last ||
      isMask ||
      special[first] ||
      last.special ||
      begins ||
      (style !== "wordpiece" && isApart(last.text, text))
    )
      words.push({ text, relevance: sum, special: special[first] });
    else {
      last.text += text;
      last.relevance += sum;
    }
  }
  return {
    // A word of nothing but spaces is one of them.
    words: words.map((word) => (word.special ? word.text : word.text.trim() || word.text)),
    relevance: words.map((word) => word.relevance),
    special: words.map((word) => word.special),
  };
}

/** Whether what follows is another word though no mark says so. Punctuation, and marks, stay with the word before. */
function isApart(before: string, text: string): boolean {
  if (before.trim() === "") return /[\n\r\t]$/.test(before);
  return /^[\p{L}\p{N}]/u.test(text) && (BEGINS_SPACELESS.test(text) || ENDS_SPACELESS.test(before));
}

const isSpecial = (token: string): boolean => SPECIAL.test(token);

function styleOf(tokens: readonly string[]): SubwordStyle {
  if (tokens.some((token) => token.startsWith("▁"))) return "sentencepiece";
  return tokens.some((token) => /^[ĠĊ]/.test(token) || token.endsWith(END)) ? "bytes" : "wordpiece";
}

/** Throws unless there is a finite number, and a mark where there are any, for each token. */
export function checkTokens(
  tokens: readonly string[],
  relevance: ArrayLike<number>,
  special?: readonly unknown[],
): void {
  const bad = Array.isArray(tokens) ? tokens.findIndex((token) => typeof token !== "string") : 0;
  if (bad >= 0) throw usage("option 'tokens'", "a list of texts", `something else at position ${bad}`);
  for (const [name, list] of Object.entries({ relevance, special })) {
    if (name === "special" && list === undefined) continue;
    if (list?.length !== tokens.length)
      throw new LrpError("shape", {
        where: `option '${name}'`,
        expected: `a value for each of ${tokens.length} tokens`,
        received: `${list?.length ?? "none"}`,
        fix: name === "relevance" ? "An explanation has it in inputs.NAME.data." : undefined,
      });
  }
  const strange = Array.from(relevance).findIndex((value) => !Number.isFinite(value));
  if (strange >= 0) throw usage("option 'relevance'", "finite numbers", `${relevance[strange]} at position ${strange}`);
}
