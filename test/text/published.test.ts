import { Tokenizer } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { encodeText, mergeSubwords, type TokenizerFile, withoutPadding } from "../../src/picture/text/index.ts";
import { added, filledUp, numbered, template, wordPiece } from "./tokenizers.ts";

/*
 * Small files in each of the forms in which tokenizer.json is published, from a text to its words.
 */

/** The letters of the byte alphabet that these texts need: Ġ is a space, Ã© are the bytes of é. */
const LETTERS = [..."abdeghimnoptsuĠÃ©!,."];

const bpe = (vocab: Readonly<Record<string, number>>, merges: readonly (readonly [string, string])[], more = {}) => ({
  type: "BPE",
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  vocab,
  merges: merges.map((pair) => pair.join(" ")),
  ...more,
});
const BYTES = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const MERGES = [
  ["n", "o"],
  ["no", "t"],
  ["Ġ", "b"],
  ["Ġb", "a"],
  ["Ã", "©"],
] as const;
const JOINED = MERGES.map((pair) => pair.join(""));

/** As DistilBERT's with what `tokenizer.save` writes under truncation and padding. */
const distilbert = wordPiece(["a", "hid", "##den", "gem", "bad", "!", "not", "e"], {
  truncation: { direction: "Right", max_length: 7, strategy: "LongestFirst", stride: 0 },
  padding: filledUp(9),
});

/** As RoBERTa's: its own post-processor, and a mask that takes the space before it. */
const ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", ...LETTERS, ...JOINED, "<mask>"];
const roberta = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [
    ...added(["<s>", "<pad>", "</s>", "<unk>"]),
    { ...added(["<mask>"])[0], id: ROBERTA.length - 1, lstrip: true },
  ],
  normalizer: null,
  pre_tokenizer: BYTES,
  post_processor: {
    type: "RobertaProcessing",
    sep: ["</s>", 2],
    cls: ["<s>", 0],
    trim_offsets: true,
    add_prefix_space: false,
  },
  decoder: BYTES,
  model: bpe(numbered(ROBERTA), MERGES, { continuing_subword_prefix: "", end_of_word_suffix: "" }),
};

/** As Llama 3's and Qwen's: a Sequence of a regular expression and bytes, tokens beyond the vocabulary, a template. */
const LLAMA = [...LETTERS, ...JOINED];
const special = ["<|begin_of_text|>", "<|end_of_text|>"];
const llama3 = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [
    ...added(special).map((token, i) => ({ ...token, id: LLAMA.length + i })),
    { ...added(["<tool>"], false)[0], id: LLAMA.length + 2 },
  ],
  normalizer: null,
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      {
        type: "Split",
        pattern: { Regex: "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+" },
        behavior: "Isolated",
        invert: false,
      },
      { ...BYTES, use_regex: false },
    ],
  },
  post_processor: {
    type: "Sequence",
    processors: [
      { ...BYTES, trim_offsets: false },
      {
        type: "TemplateProcessing",
        single: [{ SpecialToken: { id: special[0], type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
        pair: [
          { SpecialToken: { id: special[0], type_id: 0 } },
          { Sequence: { id: "A", type_id: 0 } },
          { SpecialToken: { id: special[0], type_id: 1 } },
          { Sequence: { id: "B", type_id: 1 } },
        ],
        special_tokens: { [special[0]]: { id: special[0], ids: [LLAMA.length], tokens: [special[0]] } },
      },
    ],
  },
  decoder: BYTES,
  model: bpe(numbered(LLAMA), MERGES, { ignore_merges: true }),
};

/** As Llama 2's and Mistral's: SentencePiece as BPE, a space as ▁ by the normalizer, and bytes for what is not there. */
const PIECES = ["<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", ..."▁abnot", "▁b", "▁ba", "▁bad", "▁n", "▁no", "▁not", "d"];
const mistral = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: added(["<unk>", "<s>", "</s>"]),
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "▁" },
      { type: "Replace", pattern: { String: " " }, content: "▁" },
    ],
  },
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [
      { SpecialToken: { id: "<s>", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "<s>", type_id: 1 } },
      { Sequence: { id: "B", type_id: 1 } },
    ],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
  },
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 },
    ],
  },
  model: bpe(
    numbered(PIECES),
    [
      ["▁", "b"],
      ["▁b", "a"],
      ["▁ba", "d"],
      ["▁", "n"],
      ["▁n", "o"],
      ["▁no", "t"],
    ],
    { unk_token: "<unk>", fuse_unk: true, byte_fallback: true },
  ),
};

/** As XLM-RoBERTa's: Unigram behind a Sequence of white space and Metaspace, padding at the left of a batch. */
const XLM = ["<s>", "<pad>", "</s>", "<unk>"];
const xlm = {
  version: "1.0",
  truncation: { direction: "Left", max_length: 5, strategy: "LongestFirst", stride: 0 },
  padding: {
    strategy: "BatchLongest",
    direction: "Left",
    pad_to_multiple_of: 8,
    pad_id: 1,
    pad_type_id: 0,
    pad_token: "<pad>",
  },
  added_tokens: added(XLM),
  normalizer: { type: "Sequence", normalizers: [{ type: "Replace", pattern: { Regex: " {2,}" }, content: " " }] },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "WhitespaceSplit" },
      { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    ],
  },
  post_processor: template("<s>", "</s>", numbered(XLM)),
  decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
  model: {
    type: "Unigram",
    unk_id: 3,
    vocab: [...XLM.map((piece) => [piece, 0]), ["▁not", -2], ["▁ba", -3], ["d", -3], ["▁a", -3], ["!", -4]],
  },
};

/** A text's words, each with the sum of 1, 2, 3, … of its tokens, and which of them are special. */
function wordsOf(file: object, text: string, pair?: string) {
  const encoded = encodeText(new Tokenizer(file, {}), file as TokenizerFile, text, { pair });
  expect(encoded.ids.every(Number.isInteger)).toBe(true);
  const counted = encoded.tokens.map((_, i) => i + 1);
  const { tokens, relevance, special } = withoutPadding(encoded, counted);
  const merged = mergeSubwords(tokens, relevance, { style: encoded.style, special });
  expect(merged.relevance.reduce((a, b) => a + b, 0)).toBe(counted.reduce((a, b) => a + b, 0));
  return merged.words.map((word, i) => (merged.special[i] ? `(${word})` : word)).join("|");
}

describe("a tokenizer.json as it is published", () => {
  it.each([
    ["DistilBERT", distilbert, "A hidden gém!", "([CLS])|a|hidden|gem|!|([SEP])|([PAD] × 2)"],
    ["DistilBERT, cut", distilbert, "not a hidden bad gem", "([CLS])|not|a|hidden|bad|([SEP])|([PAD] × 2)"],
    ["RoBERTa", roberta, "not bad é", "(<s>)|not|bad|é|(</s>)"],
    ["RoBERTa, a mask", roberta, "not <mask> bad", "(<s>)|not|<mask>|bad|(</s>)"],
    ["Llama 3", llama3, "not bad, é!", "(<|begin_of_text|>)|not|bad,|é!"],
    [
      "Llama 3, tokens that were added",
      llama3,
      "not<tool><|end_of_text|>",
      "(<|begin_of_text|>)|not<tool>|(<|end_of_text|>)",
    ],
    ["Mistral", mistral, "not bad é", "(<s>)|not|bad|é"],
    ["XLM-RoBERTa, cut at the left", xlm, "not  a bad", "(<pad> × 3)|(<s>)|a|bad|(</s>)"],
  ])("%s", (_, file, text, words) => {
    expect(wordsOf(file, text)).toBe(words);
  });

  it("of two texts", () => {
    expect(wordsOf(roberta, "not", "bad")).toBe("(<s>)|not|(</s>)|(</s>)|bad|(</s>)");
    expect(wordsOf(llama3, "not", "bad")).toBe("(<|begin_of_text|>)|not|(<|begin_of_text|>)|bad");
  });
});
