import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { encodeText, textInputs } from "../../src/picture/text/index.ts";
import { type Side, truncated } from "../../src/picture/text/truncate.ts";
import { root } from "../readme.ts";

/** Texts of n and m tokens within [CLS] … [SEP] … [SEP], cut: how many of each stay, and which of the first. */
function cut(n: number, m: number | undefined, truncation: object) {
  const sides: Side[] = [undefined, ...Array<Side>(n).fill(0), undefined];
  if (m !== undefined) sides.push(...Array<Side>(m).fill(1), undefined);
  const kept = truncated(sides, truncation as never, "file 'x'");
  const of = (side: Side) => sides.filter((other, i) => other === side && kept[i]).length;
  return [of(0), of(1), of(undefined), sides.findIndex((side, i) => side === 0 && kept[i])];
}

describe("texts that are too long", () => {
  test.each<[number, number | undefined, number, string, readonly number[]]>([
    [8, undefined, 6, "LongestFirst", [4, 0, 2, 1]],
    [4, undefined, 6, "LongestFirst", [4, 0, 2, 1]],
    [9, 2, 9, "LongestFirst", [4, 2, 3, 1]],
    [2, 9, 9, "LongestFirst", [2, 4, 3, 1]],
    [9, 8, 10, "LongestFirst", [4, 3, 3, 1]],
    [8, 9, 10, "LongestFirst", [3, 4, 3, 1]],
    [5, 5, 10, "LongestFirst", [3, 4, 3, 1]],
    [9, 2, 9, "OnlyFirst", [4, 2, 3, 1]],
    [2, 9, 9, "OnlySecond", [2, 4, 3, 1]],
  ])("%i and %s tokens in %i, %s", (n, m, max_length, strategy, expected) => {
    expect(cut(n, m, { max_length, strategy })).toEqual(expected);
  });

  it("are cut at their beginning, if the file says so", () => {
    expect(cut(8, undefined, { max_length: 6, direction: "Left" })).toEqual([4, 0, 2, 5]);
  });

  test.each<[object, string]>([
    [
      { max_length: 6, strategy: "Middle" },
      "file 'x': what its 'truncation' says is not known. null there cuts nothing.",
    ],
    [{ max_length: "6" }, "file 'x': what its 'truncation' says is not known."],
    [
      { max_length: 4, strategy: "OnlyFirst" },
      "file 'x': its 'truncation' to 4 tokens would leave nothing of a text (OnlyFirst).",
    ],
  ])("%j", (truncation, message) => {
    expect(() => cut(8, 3, truncation)).toThrow(message);
  });
});

/** A tokenizer of words between < and >. */
const plain = {
  encode(text: string, { add_special_tokens = true }) {
    const words = text.split(" ").filter(Boolean);
    const tokens = add_special_tokens ? ["<", ...words, ">"] : words;
    return { tokens, ids: tokens.map((token) => token.length) };
  },
};
const pad = { strategy: { Fixed: 3 }, pad_id: 9, pad_type_id: 1, pad_token: "_" };

describe("texts that are too short", () => {
  test.each<[object, string, readonly string[]]>([
    [{ ...pad, strategy: { Fixed: 5 } }, "a", ["<", "a", ">", "_", "_"]],
    [{ ...pad, strategy: { Fixed: 5 }, direction: "Left" }, "a", ["_", "_", "<", "a", ">"]],
    [{ ...pad, pad_to_multiple_of: 4 }, "a", ["<", "a", ">", "_"]],
    [{ ...pad, strategy: "BatchLongest" }, "a", ["<", "a", ">"]],
    [{ ...pad }, "a b c", ["<", "a", "b", "c", ">"]],
  ])("%j", (padding, text, tokens) => {
    const found = encodeText(plain, { padding } as never, text);
    expect(found.tokens).toEqual(tokens);
    expect(found.mask).toEqual(tokens.map((token) => Number(token !== "_")));
    expect(found.ids).toEqual(tokens.map((token) => (token === "_" ? 9 : token.length)));
    expect(found.special).toEqual(tokens.map((token) => "<>_".includes(token)));
  });

  test.each([[{ ...pad, strategy: "Middle" }], [{ ...pad, strategy: { Fixed: 1e9 } }], [{ ...pad, direction: "Up" }]])(
    "%j",
    (padding) => {
      expect(() => encodeText(plain, { padding } as never, "a", { where: "file 'x'" })).toThrow(
        "file 'x': what its 'padding' says is not known.",
      );
    },
  );
});

it("special tokens in the text are special, but those that stand for words", () => {
  const added_tokens = ["[SEP]", "[UNK]", "[MASK]"].map((content) => ({ content, special: true }));
  const file = { added_tokens, model: { unk_token: "[UNK]" } };
  expect(encodeText(plain, file, "[SEP] [UNK] [MASK]").special).toEqual([true, true, false, false, true]);
});

it("a word that is not in a vocabulary of whole words is the unknown one; without one, it is named", async () => {
  const { Tokenizer } = await import("@huggingface/tokenizers");
  const file = JSON.parse(readFileSync(join(root, "demo/text/tokenizer.json"), "utf8"));
  const of = (given: typeof file) =>
    encodeText(new Tokenizer(given, {}), given, "The hidden film", { where: "file 'x'" });
  const { tokens, ids } = of(file);
  expect(tokens).toEqual(["[CLS]", "the", "[UNK]", "film", "[SEP]"]);
  expect(ids).toEqual(tokens.map((token) => file.model.vocab[token]));
  expect(() => of({ ...file, model: { ...file.model, unk_token: null } })).toThrow(
    "file 'x': its vocabulary has neither 'hidden' nor a token for unknown words.",
  );
});

describe("inputs of a network", () => {
  const text = { tokens: ["_", "a"], ids: [0, 7], special: [true, false], mask: [0, 1], types: [0, 0] };
  const port = (name: string, type: string, dims: readonly (number | string)[]) => ({ name, type, dims }) as never;

  it("take what they are named for; the past is empty, and its switch off", () => {
    const { inputs, ids, empty } = textInputs(
      [
        port("input_ids:0", "int64", ["b", "t"]),
        port("attention_mask", "float32", ["t"]),
        port("position_ids", "int64", [1, "t"]),
        port("past_key_values.0.key", "float32", ["batch_size", 2, "past_length", 4]),
        port("past_0", "float32", [2, "batch", 3, "past", 4]),
        port("use_cache_branch", "bool", [1]),
      ],
      text,
    );
    expect(ids).toBe("input_ids:0");
    expect(
      Object.fromEntries(
        Object.entries(inputs).map(([name, { dims, data }]) => [name, [dims, [...(data as Float64Array)]]]),
      ),
    ).toEqual({
      "input_ids:0": [
        [1, 2],
        [0, 7],
      ],
      attention_mask: [[2], [0, 1]],
      position_ids: [
        [1, 2],
        [0, 0],
      ],
      "past_key_values.0.key": [[1, 2, 0, 4], []],
      past_0: [[2, 1, 3, 0, 4], []],
      use_cache_branch: [[1], [0]],
    });
    expect(empty).toEqual(["past_key_values.0.key", "past_0", "use_cache_branch"]);
  });

  it("take what rows say, and leave out what the caller gives", () => {
    const ports = [port("tokens", "int64", ["b", "t"]), port("bias", "float32", [3])];
    const { inputs, ids } = textInputs(ports, text, { rows: { tokens: "input_ids", bias: null } });
    expect([ids, Object.keys(inputs)]).toEqual(["tokens", ["tokens"]]);
    expect(() => textInputs(ports, text)).toThrow('Say what they take: rows { "tokens": "input_ids" }');
    expect(() => textInputs(ports, text, { rows: { tokens: "ids" } })).toThrow(
      "option 'rows': expected names of inputs, each with input_ids, attention_mask, token_type_ids, position_ids or null, got tokens: ids.",
    );
  });

  test.each<[readonly unknown[], string]>([
    [
      [port("attention_mask", "int64", ["b", "t"])],
      "the inputs of the model: expected one that takes the ids, got none.",
    ],
    [
      [port("input_ids", "int64", ["b", "t", 3])],
      "input 'input_ids': expected the shape [batch, tokens], as that of a text, got int64[b, t, 3].",
    ],
    [
      [port("input_ids", "int64", ["b", "t"]), port("past", "float32", [1, 2, 3])],
      "input 'past': it has no single free axis that could be empty: f32[1, 2, 3]. Give it yourself: rows { \"past\": null }",
    ],
  ])("%#", (ports, message) => {
    expect(() => textInputs(ports as never, text)).toThrow(message);
  });
});
