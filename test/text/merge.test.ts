import { describe, expect, it, test } from "vitest";
import { mergeSubwords } from "../../src/picture/text/index.ts";
import { numbers } from "../random.ts";

/**
 * The characters that stand for bytes in a byte-level BPE, as its authors write them: those of "!" to "~", "¡" to "¬"
 * and "®" to "ÿ" are themselves, the others are 256, 257, ... in order.
 */
const alphabet: readonly string[] = (() => {
  const within = (b: number, from: string, to: string) => b >= from.charCodeAt(0) && b <= to.charCodeAt(0);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) =>
    String.fromCharCode(within(b, "!", "~") || within(b, "¡", "¬") || within(b, "®", "ÿ") ? b : next++),
  );
})();
const bytes = (text: string) => [...new TextEncoder().encode(text)].map((b) => alphabet[b]).join("");

describe("words of each style", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      "wordpiece",
      ["[CLS]", "un", "##believ", "##ably", "good", "!", "[SEP]"],
      ["[CLS]", "unbelievably", "good", "!", "[SEP]"],
    ],
    ["wordpiece, where # is a letter", ["#", "###a", "x"], ["##a", "x"]],
    ["wordpiece cut within a word", ["##ing", "on"], ["ing", "on"]],
    ["bytes", ["Hello", "Ġwor", "ld", "!", "Ġ", "Ġx", "<|endoftext|>"], ["Hello", "world!", " ", "x", "<|endoftext|>"]],
    [
      "bytes with ends of words",
      ["<|startoftext|>", "a</w>", "pho", "to</w>", "!</w>", "<|endoftext|>"],
      ["<|startoftext|>", "a", "photo", "!", "<|endoftext|>"],
    ],
    ["bytes, where a heading has ##", ["##", "ĠTit", "le"], ["##", "Title"]],
    ["bytes of a line", ["Ġa", "Ċ", "b", "ĉ", "c"], ["a", "\n", "b", "\t", "c"]],
    ["sentencepiece", ["<s>", "▁Hel", "lo", "▁", "world", ".", "</s>"], ["<s>", "Hello", "world.", "</s>"]],
    ["sentencepiece without spaces", ["▁", "今日", "は", "、", "▁ok", "世"], ["今日", "は、", "ok", "世"]],
    ["sentencepiece with bytes", ["▁a", "<0xC3>", "<0xA9>", "<0xF0>", "<0x9F>", "▁b"], ["aé\ufffd", "b"]],
    ["a mark that is a token", ["▁e", "\u0301", "▁ก", "\u0e34", "น"], ["e\u0301", "ก\u0e34", "น"]],
  ])("%s", (_, tokens, words) => {
    expect(
      mergeSubwords(
        tokens,
        tokens.map(() => 1),
      ).words,
    ).toEqual(words);
  });

  it("decodes the bytes of any text, wherever the tokens cut its characters", () => {
    const text = "Ünïcödé naïve 🙂👩‍🚀 \u0000\u00ad\u007f ключ עברית";
    const whole = bytes(text);
    for (const size of [1, 2, 3, 5]) {
      const tokens = whole.match(new RegExp(`.{1,${size}}`, "gu"))!;
      const { words, relevance } = mergeSubwords(
        tokens,
        tokens.map(() => 1),
        { style: "bytes" },
      );
      expect(words.join(" ").replace(/ +/g, " ")).toBe(text);
      expect(relevance.reduce((a, b) => a + b)).toBe(tokens.length);
    }
  });

  it("shows broken characters as U+FFFD, and what is no byte as itself", () => {
    const cut = mergeSubwords([alphabet[0xe4], "a", alphabet[0x80], "世"], [1, 2, 3, 4], { style: "bytes" });
    expect(cut).toEqual({ words: ["\ufffda\ufffd", "世"], relevance: [6, 4], special: [false, false] });
  });
});

describe("relevance and special tokens", () => {
  it("adds up in double precision, token by token", () => {
    const tokens = Array.from({ length: 101 }, (_, i) => (i % 7 === 0 ? "w" : "##x"));
    const relevance = numbers(101, 5, -1e3, 1e3);
    const merged = mergeSubwords(tokens, relevance);
    expect(merged.words.length).toBe(15);
    for (const [w, value] of merged.relevance.entries()) {
      let sum = 0;
      for (let i = 7 * w; i < Math.min(101, 7 * w + 7); i++) sum += relevance[i];
      expect(value).toBeCloseTo(sum, 9);
    }
  });

  it("keeps special tokens by themselves; unknown and masked words are words", () => {
    const tokens = [
      "<s>",
      "▁a",
      "<unk>",
      "[MASK]",
      "[UNK]",
      "b",
      "</s>",
      "<pad>",
      "<|im_end|>",
      "<｜end▁of▁sentence｜>",
    ];
    const { special, words } = mergeSubwords(
      tokens,
      tokens.map(() => 1),
      { style: "sentencepiece" },
    );
    expect(words).toEqual([
      "<s>",
      "a<unk>",
      "[MASK]",
      "[UNK]b",
      "</s>",
      "<pad>",
      "<|im_end|>",
      "<｜end▁of▁sentence｜>",
    ]);
    expect(special).toEqual([true, false, false, false, true, true, true, true]);
  });

  it("takes what the tokenizer knows in place of how tokens look", () => {
    const { words, special } = mergeSubwords(["CLS", "##a", "[SEP]"], [1, 2, 3], { special: [true, false, false] });
    expect({ words, special }).toEqual({ words: ["CLS", "a", "[SEP]"], special: [true, false, false] });
  });
});

describe("what cannot be merged", () => {
  test.each<[() => unknown, string]>([
    [
      () => mergeSubwords(["a", "b"], [1]),
      "option 'relevance': expected a value for each of 2 tokens, got 1. An explanation has it in inputs.NAME.data.",
    ],
    [
      () => mergeSubwords(["a"], [1], { special: [] }),
      "option 'special': expected a value for each of 1 tokens, got 0.",
    ],
    [() => mergeSubwords(["a"], [Number.NaN]), "option 'relevance': expected finite numbers, got NaN at position 0."],
    [
      () => mergeSubwords(["a", 7] as never, [1, 2]),
      "option 'tokens': expected a list of texts, got something else at position 1.",
    ],
    [
      () => mergeSubwords(["a"], [1], { style: "bpe" as never }),
      "option 'style': expected one of wordpiece, bytes, sentencepiece, got 'bpe'.",
    ],
  ])("%#", (call, message) => {
    expect(call).toThrow(message);
  });
});
