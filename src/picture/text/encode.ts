import { misuse } from "../../base/error.ts";
import type { TextTokenizer, TokenizerFile } from "./tokenizer-file.ts";
import { type Side, truncated } from "./truncate.ts";
import type { SubwordStyle } from "./units.ts";

/** A text as a network reads it: as many of each. */
export interface EncodedText {
  readonly tokens: readonly string[];
  readonly ids: readonly number[];
  /** Which tokens frame or fill up the text. */
  readonly special: readonly boolean[];
  /** 0 for padding. */
  readonly mask: readonly number[];
  readonly types: readonly number[];
  /** How tokens are parts of words; undefined where the file does not tell. */
  readonly style?: SubwordStyle;
}

export interface EncodeOptions {
  /** A second text, for networks that take two. */
  readonly pair?: string;
  /** What errors call the file; default "the tokenizer". */
  readonly where?: string;
}

/** More tokens are no input of a network: a number of the file that says so is wrong. */
const MOST = 2 ** 20;

/**
 * A text, or two, as a network reads them: tokens and ids by a tokenizer, cut and filled up as its file says under
 * `truncation` and `padding`, which the package does not do.
 *
 * @param tokenizer from the package @huggingface/tokenizers, or anything that encodes like it
 * @param file the tokenizer.json that it was made of, as an object
 * @throws LrpError code "usage" if the tokenizer puts something else than its own tokens around the texts, or its file
 * says something about cutting or filling up that is not known
 * @example
 * const text = encodeText(new Tokenizer(file, {}), file, "a hidden gem");
 */
export function encodeText(
  tokenizer: TextTokenizer,
  file: TokenizerFile,
  text: string,
  { pair, where = "the tokenizer" }: EncodeOptions = {},
): EncodedText {
  const whole = tokenizer.encode(text, { text_pair: pair ?? null, return_token_type_ids: true });
  const plain = [text, ...(pair === undefined ? [] : [pair])].map(
    (part) => tokenizer.encode(part, { add_special_tokens: false }).tokens,
  );
  const sides = sidesOf(whole.tokens, plain, where);
  const stand = new Set(
    (file.added_tokens ?? [])
      .filter(({ content, special }) => special && content !== file.model?.unk_token && !/^.mask.$/i.test(content))
      .map(({ content }) => content),
  );
  const rows = whole.tokens.map((token, i) => ({
    ...knownOf(token, whole.ids[i], tokenizer, file, where),
    special: sides[i] === undefined || stand.has(token),
    mask: 1,
    type: whole.token_type_ids?.[i] ?? 0,
  }));
  const kept = truncated(sides, file.truncation, where);
  const all = padded(
    rows.filter((_, i) => kept[i]),
    file.padding,
    where,
  );
  return {
    tokens: all.map(({ token }) => token),
    ids: all.map(({ id }) => id),
    special: all.map(({ special }) => special),
    mask: all.map(({ mask }) => mask),
    types: all.map(({ type }) => type),
    style: styleOf(file),
  };
}

/** A token and its id. Of a word that is not in the vocabulary of a model of whole words, the package gives no id. */
function knownOf(
  token: string,
  id: number | null | undefined,
  tokenizer: TextTokenizer,
  { model }: TokenizerFile,
  where: string,
): { token: string; id: number } {
  if (typeof id === "number") return { token, id };
  const unknown = model?.unk_token;
  const its = unknown === undefined || unknown === null ? undefined : tokenizer.token_to_id(unknown);
  if (its === undefined || its === null)
    throw misuse(where, `its vocabulary has neither '${token}' nor a token for unknown words`);
  return { token: unknown!, id: its };
}

interface Row {
  readonly token: string;
  readonly id: number;
  readonly special: boolean;
  readonly mask: number;
  readonly type: number;
}

/** Of which text each token is; undefined for what the tokenizer has put around them. */
function sidesOf(whole: readonly string[], texts: readonly (readonly string[])[], where: string): Side[] {
  const sides: Side[] = whole.map(() => undefined);
  let from = 0;
  for (const [side, tokens] of texts.entries()) {
    const starts = whole
      .map((_, i) => i)
      .filter((i) => i >= from && tokens.every((token, k) => whole[i + k] === token));
    if (tokens.length > 0 && starts.length === 0)
      throw misuse(where, "the tokens of a text are not among those of the whole, in its order");
    const start = tokens.length > 0 ? starts[0] : from;
    sides.fill(side as Side, start, start + tokens.length);
    from = start + tokens.length;
  }
  return sides;
}

function padded(rows: readonly Row[], padding: TokenizerFile["padding"], where: string): readonly Row[] {
  if (!padding) return rows;
  const { strategy, direction = "Right", pad_to_multiple_of: multiple, pad_id, pad_type_id, pad_token } = padding;
  const least = typeof strategy === "object" ? strategy?.Fixed : strategy === "BatchLongest" ? 0 : Number.NaN;
  const step = multiple || 1;
  const count = Math.ceil(Math.max(rows.length, least) / step) * step;
  const isKnown = ["Left", "Right"].includes(direction) && Number.isInteger(pad_id) && typeof pad_token === "string";
  if (!isKnown || !Number.isInteger(count) || count > MOST)
    throw misuse(where, "what its 'padding' says is not known", "null there fills nothing up.");
  const pad: Row = { token: pad_token, id: pad_id, special: true, mask: 0, type: pad_type_id ?? 0 };
  const pads = Array.from({ length: count - rows.length }, () => pad);
  return direction === "Left" ? [...pads, ...rows] : [...rows, ...pads];
}

function styleOf({ model, pre_tokenizer, decoder }: TokenizerFile): SubwordStyle | undefined {
  if (model?.type === "WordPiece") return "wordpiece";
  if (model?.type === "Unigram") return "sentencepiece";
  const parts = JSON.stringify([pre_tokenizer, decoder]);
  return parts.includes('"ByteLevel"') ? "bytes" : /"Metaspace"|▁/.test(parts) ? "sentencepiece" : undefined;
}
