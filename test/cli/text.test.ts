import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test, vi } from "vitest";
import { readNpy } from "../../src/read/npy.ts";
import { run } from "../../src/cli/run.ts";
import { numbers } from "../random.ts";
import { decoder } from "../text/decoder.ts";
import { meanOfWords } from "../text/networks.ts";
import { byteLevel, filledUp, unigram, wordPiece } from "../text/tokenizers.ts";

const PIECES = ["a", "hid", "##den", "gem", "bad", "!", "not"];
const HIDDEN = 5;
const WORDS = 16;

let folder = "";
const at = (name: string) => join(folder, name);
const TOKENIZERS = {
  words: wordPiece(PIECES),
  cut: wordPiece(PIECES, { truncation: { max_length: 6, strategy: "LongestFirst", direction: "Right", stride: 0 } }),
  filled: wordPiece(PIECES, {
    padding: filledUp(9),
  }),
  bytes: byteLevel(
    ["a", "b", "Ġ", "Ã", "©", "n", "o", "t"],
    [
      ["Ã", "©"],
      ["Ġ", "b"],
      ["n", "o"],
      ["no", "t"],
    ],
  ),
  letters: byteLevel([..."abnotcdefĠ"], []),
  pieces: unigram([
    ["▁", -5],
    ["▁no", -2],
    ["t", -2],
    ["▁bad", -2],
    ["a", -6],
    ["b", -6],
  ]),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
  for (const [name, file] of Object.entries(TOKENIZERS)) await writeFile(at(`${name}.json`), JSON.stringify(file));
  await writeFile(at("model.onnx"), meanOfWords({ words: WORDS, hidden: HIDDEN }));
  await writeFile(
    at("other.onnx"),
    meanOfWords({ words: WORDS, hidden: HIDDEN, names: { ids: "tokens", mask: "on" } }),
  );
  await writeFile(at("fixed.onnx"), meanOfWords({ words: WORDS, hidden: HIDDEN, dims: [1, 9] }));
  await writeFile(at("embedding.onnx"), meanOfWords({ words: WORDS, hidden: HIDDEN, head: "embedding" }));
  await writeFile(at("decoder.onnx"), decoder({ past: false }));
  await writeFile(at("classes.txt"), "bad\nso so\ngood\n");
});
afterAll(() => rm(folder, { recursive: true }));

async function relprop(words: readonly string[], terminals = { out: false, err: false }) {
  const [out, err]: string[][] = [[], []];
  const code = await run(words, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    columns: 80,
    terminals,
  });
  return { code, out: out.join(""), err: err.join("") };
}
const explain = (model: string, tokenizer: string, text: string, ...more: string[]) =>
  relprop([
    "explain",
    at(model),
    "--text",
    text,
    "--tokenizer",
    at(`${tokenizer}.json`),
    "--composite",
    "epsilon",
    ...more,
  ]);
async function json(...words: Parameters<typeof explain>) {
  const { code, out, err } = await explain(...words, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

/** R of every token of the network, by its equation: logit_c = Σ_h head_hc (Σ_t m_t (word_t + type_t)_h) / Σ_t m_t. */
function relevanceOf(ids: readonly number[], mask: readonly number[], target: number): number[] {
  const [word, head] = [numbers(WORDS * HIDDEN, 1), numbers(HIDDEN * 3, 3)];
  const count = mask.reduce((a, b) => a + b, 0);
  return ids.map((id, t) => {
    let sum = 0;
    for (let h = 0; h < HIDDEN; h++) sum += (mask[t] * word[id * HIDDEN + h] * head[h * 3 + target]) / count;
    return sum;
  });
}
const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i] - value), `${i}`).toBeLessThan(1e-5);
};

describe("explain --text", () => {
  it("gives each word the relevance of its tokens", async () => {
    const { text, target, className } = await json(
      "model.onnx",
      "words",
      "A hidden gem!",
      "--target",
      "good",
      "--classes",
      at("classes.txt"),
    );
    expect({ target, className }).toEqual({ target: 2, className: "good" });
    expect(text.tokens).toEqual(["[CLS]", "a", "hid", "##den", "gem", "!", "[SEP]"]);
    expect(text.ids).toEqual([2, 5, 6, 7, 8, 10, 3]);
    expect(text.words).toEqual(["[CLS]", "a", "hidden", "gem", "!", "[SEP]"]);
    expect(text.special).toEqual([true, false, false, false, false, true]);
    const each = relevanceOf(
      text.ids,
      text.ids.map(() => 1),
      2,
    );
    close(text.relevance, [each[0], each[1], each[2] + each[3], ...each.slice(4)]);
  });

  it("writes every kind of file, and shows the text in a terminal", async () => {
    const files = ["html", "svg", "json", "npy"].map((ending) => at(`heat.${ending}`));
    const { code, out } = await relprop(
      [
        "explain",
        at("model.onnx"),
        "--text",
        "not bad",
        "--tokenizer",
        at("words.json"),
        "--show",
        ...files.flatMap((f) => ["--out", f]),
      ],
      { out: true, err: true },
    );
    expect(code).toBe(0);
    expect(out.replaceAll("\x1b", "^")).toMatch(
      /^\^\[4m\[CLS\]\^\[0m \^\[48;2;\d+;\d+;\d+;38;2;\d+;\d+;\d+mnot\^\[0m /,
    );
    expect(out).toMatch(/^(for|against) +(not|bad) -?\d/m);
    expect(out).toContain('"not bad", 4 tokens');
    const [html, svg, made] = await Promise.all(files.slice(0, 3).map((file) => readFile(file, "utf8")));
    expect(html).toMatch(/^<!doctype html>.*<mark .*>bad<\/mark>/s);
    expect(svg).toMatch(/^<svg .*>bad<\/text>/s);
    const found = JSON.parse(made);
    const npy = readNpy(await readFile(files[3]), "heat.npy");
    expect(npy.dims).toEqual([1, 4]);
    close([...npy.data], found.text.relevance);
  });

  it("cuts and fills up as the tokenizer's file says", async () => {
    const cut = await json("model.onnx", "cut", "a hidden gem not bad !", "--text-pair", "bad bad");
    expect(cut.text.tokens).toEqual(["[CLS]", "a", "hid", "[SEP]", "bad", "[SEP]"]);
    const filled = await json("fixed.onnx", "filled", "not bad", "--target", "1");
    expect(filled.text.words).toEqual(["[CLS]", "not", "bad", "[SEP]", "[PAD] × 5"]);
    const each = relevanceOf([2, 11, 9, 3, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0, 0], 1);
    close(filled.text.relevance, [...each.slice(0, 4), 0]);
  });

  test.each([
    ["bytes", "é bnot", ["Ã©", "Ġb", "not"], ["é", "bnot"]],
    ["pieces", "not bad", ["<s>", "▁no", "t", "▁bad", "</s>"], ["<s>", "not", "bad", "</s>"]],
  ])("reads a tokenizer of %s", async (name, text, tokens, words) => {
    const found = await json("model.onnx", name, text, "--target", "0");
    expect(found.text.tokens).toEqual(tokens);
    expect(found.text.words).toEqual(words);
  });

  it("gives the second text the types of a second text", async () => {
    const of = async (...more: string[]) =>
      (await json("model.onnx", "words", "a gem", "--target", "0", ...more)).inputs;
    expect((await of()).token_type_ids.dims).toEqual([1, 4]);
    const both = await of("--text-pair", "bad");
    expect(both.input_ids.dims).toEqual([1, 6]);
    const type = numbers(2 * HIDDEN, 2);
    const head = numbers(HIDDEN * 3, 3);
    let sum = 0;
    for (let h = 0; h < HIDDEN; h++) sum += ((4 * type[h] + 2 * type[HIDDEN + h]) * head[h * 3]) / 6;
    expect(both.token_type_ids.sum).toBeCloseTo(sum, 5);
  });

  it("takes inputs of other names as it is told", async () => {
    const { code, err } = await explain("other.onnx", "words", "a gem");
    expect(code).toBe(2);
    expect(err).toBe(
      "relprop: the inputs of the model: expected inputs of the names input_ids, attention_mask, " +
        "token_type_ids, position_ids, which a text gives, got 'tokens' int64[batch, tokens], 'on' int64[batch, " +
        'tokens]. Say what they take: rows { "tokens": "input_ids" }; on the command line tokens=input_ids, or ' +
        "tokens=VALUE.\n",
    );
    const words = [
      at("other.onnx"),
      "tokens=input_ids",
      "on=1,1,0,1",
      "--text",
      "a gem",
      "--tokenizer",
      at("words.json"),
    ];
    const found = await relprop(["explain", ...words, "--composite", "epsilon", "--target", "0", "--json"]);
    close(JSON.parse(found.out).text.relevance, relevanceOf([2, 5, 8, 3], [1, 1, 0, 1], 0));
    expect((await relprop(["predict", ...words])).out).toContain('"a gem", 4 tokens; on: 1, 1, 0, 1');
  });
});

describe("what is asked of a text", () => {
  const ask = (model: string, tokenizer: string, text: string, ...more: string[]) =>
    relprop(["explain", at(model), "--text", text, "--tokenizer", at(`${tokenizer}.json`), "--json", ...more]);

  it("what makes it similar to another text: the score is the cosine, and the words add up to it", async () => {
    const { code, out, err } = await ask("embedding.onnx", "words", "a gem", "--similar-to", "not bad");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { similarTo, logit, text, arrivedSum } = JSON.parse(out);
    const word = numbers(WORDS * HIDDEN, 1);
    const type = numbers(2 * HIDDEN, 2);
    const vector = (ids: readonly number[]) => {
      const sum = Array.from({ length: HIDDEN }, (_, h) => ids.reduce((all, id) => all + word[id * HIDDEN + h], 0));
      const mean = sum.map((v, h) => v / ids.length + type[h]);
      return mean.map((v) => v / Math.hypot(...mean));
    };
    const [a, b] = [vector([2, 5, 8, 3]), vector([2, 11, 9, 3])];
    const cosine = a.reduce((all, v, h) => all + v * b[h], 0);
    expect(similarTo).toBe("not bad");
    expect(text.target).toBe('similar to "not bad"');
    expect(Math.abs(logit - cosine)).toBeLessThan(1e-5);
    expect(Math.abs(arrivedSum - cosine)).toBeLessThan(1e-4);
  });

  it("what speaks for the next token, as the network chooses it, by its text, or against another", async () => {
    const plain = await ask("decoder.onnx", "letters", "ab", "--next-token", "argmax");
    expect({ code: plain.code, err: plain.err }).toEqual({ code: 0, err: "" });
    const { target, position, className } = JSON.parse(plain.out);
    expect(position).toEqual([1]);
    expect(className).toBe(["<|endoftext|>", ..."abnotcdefĠ"][target]);
    const other = JSON.parse((await ask("decoder.onnx", "letters", "ab", "--next-token", "n", "--against", "b")).out);
    expect([other.className, other.against, other.position]).toEqual(["n", "b", [1]]);
  });

  test.each<[readonly string[], string]>([
    [["--next-token", "abba"], "option '--next-token': expected argmax, or one token of the vocabulary, got 'abba'"],
    [["--next-token", "a", "--position", "0"], "option '--next-token': it says what is explained, and cannot be"],
    [["--pooling", "mean"], "option '--pooling': it belongs to --similar-to, which is missing."],
    [["--similar-to", "b", "--target", "1"], "option '--similar-to': it says what is explained, and cannot be"],
    [["--similar-to", "b"], "option '--pooling': the output f32[1, 1, 11] has a vector for each token"],
  ])("%j", async (more, says) => {
    const { code, err } = await ask("decoder.onnx", "letters", "ab", ...more);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });
});

describe("what is wrong with a text", () => {
  test.each<[string, string[], string]>([
    [
      "no tokenizer",
      ["--text", "a"],
      "option '--tokenizer': it is missing: a text needs the tokenizer.json of its network. Without one, give ids",
    ],
    [
      "no text",
      ["input_ids=1", "--tokenizer", "words.json"],
      "option '--text': it is missing: --tokenizer and --text-pair belong to it.",
    ],
    ["no such file", ["--text", "a", "--tokenizer", "none.json"], "it does not exist"],
    [
      "another file",
      ["--text", "a", "--tokenizer", "classes.txt"],
      "expected a tokenizer.json, got text that is no JSON",
    ],
    ["an input that is none", ["x=3", "--text", "a", "--tokenizer", "words.json"], "INPUT: the model has no input 'x'"],
    [
      "a picture's option",
      ["--text", "a", "--tokenizer", "words.json", "--preset", "unit"],
      "option '--preset': expected a picture to prepare",
    ],
  ])("%s", async (_, words, message) => {
    const { code, err } = await relprop([
      "explain",
      at("model.onnx"),
      ...words.map((word) => (/\.(json|txt)$/.test(word) ? at(word) : word)),
    ]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it("that is longer than the network takes", async () => {
    const { err } = await explain("fixed.onnx", "words", "a gem");
    expect(err).toMatch(
      /^relprop: input 'input_ids': expected a text of 9 tokens, got one of 4\. The tokenizer's file says/,
    );
  });

  it("that a file would show, where there is none", async () => {
    const { err } = await relprop(["explain", at("model.onnx"), "input_ids=1", "--out", at("x.html")]);
    expect(err).toMatch(/x\.html' shows a text, and there is no --text\. A heatmap goes to FILE\.png\.\n$/);
  });

  it("says which package is missing", async () => {
    vi.doMock("@huggingface/tokenizers", () => {
      throw new Error("not found");
    });
    const { code, err } = await explain("model.onnx", "words", "a");
    vi.doUnmock("@huggingface/tokenizers");
    expect(code).toBe(2);
    expect(err).toMatch(
      /^relprop: option '--tokenizer': it needs the package @huggingface\/tokenizers, which is not installed\. /,
    );
  });
});
