/*
 * Small tokenizer.json files of three kinds, for tests.
 */

export const added = (contents: readonly string[], special = true) =>
  contents.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
  }));

export const template = (first: string, last: string, vocab: Readonly<Record<string, number>>) => {
  const token = (id: string, type_id = 0) => ({ SpecialToken: { id, type_id } });
  const text = (id: string, type_id = 0) => ({ Sequence: { id, type_id } });
  return {
    type: "TemplateProcessing",
    single: [token(first), text("A"), token(last)],
    pair: [token(first), text("A"), token(last), text("B", 1), token(last, 1)],
    special_tokens: Object.fromEntries([first, last].map((id) => [id, { id, ids: [vocab[id]], tokens: [id] }])),
  };
};

export const numbered = (pieces: readonly string[]) => Object.fromEntries(pieces.map((piece, i) => [piece, i]));

/** The padding of WordPiece, at the end, up to so many tokens. */
export const filledUp = (length: number) => ({
  strategy: { Fixed: length },
  direction: "Right",
  pad_to_multiple_of: null,
  pad_id: 0,
  pad_type_id: 0,
  pad_token: "[PAD]",
});

/** As BERT's: pieces behind the five special tokens have the ids from 5 on. */
export function wordPiece(pieces: readonly string[], more: object = {}) {
  const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
  const vocab = numbered([...special, ...pieces]);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added(special),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: template("[CLS]", "[SEP]", vocab),
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
    ...more,
  };
}

/** As GPT-2's: `merges` are pairs of pieces, each a character of the byte alphabet or made before. */
export function byteLevel(letters: readonly string[], merges: readonly (readonly [string, string])[]) {
  const special = "<|endoftext|>";
  const vocab = numbered([special, ...letters, ...merges.map((pair) => pair.join(""))]);
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added([special]),
    normalizer: null,
    pre_tokenizer: bytes,
    post_processor: { ...bytes, trim_offsets: false },
    decoder: bytes,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      vocab,
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
}

/** As T5's or XLM-RoBERTa's: pieces with their log-probabilities. */
export function unigram(pieces: readonly (readonly [string, number])[]) {
  const special = ["<s>", "<pad>", "</s>", "<unk>"];
  const vocab = [...special.map((piece) => [piece, 0] as const), ...pieces];
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added(special),
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", add_prefix_space: true, prepend_scheme: "always" },
    post_processor: template("<s>", "</s>", numbered(special)),
    decoder: { type: "Metaspace", replacement: "▁", add_prefix_space: true },
    model: { type: "Unigram", unk_id: 3, vocab },
  };
}
