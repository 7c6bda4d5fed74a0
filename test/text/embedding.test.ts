import { describe, expect, it, test } from "vitest";
import { load } from "../../src/entries/index.ts";
import { embeddingOf, similarTo } from "../../src/picture/text/index.ts";
import { numbers, tensor } from "../random.ts";
import { meanOfWords } from "./networks.ts";

describe("embeddings", () => {
  const tokens = tensor([1, 5, 3], 4);
  const mask = [1, 1, 0, 1, 0];

  /** u = Σ p y, by its equation. */
  const pooled = (shares: readonly number[]) =>
    [0, 1, 2].map((h) => shares.reduce((sum, share, t) => sum + share * tokens.data[t * 3 + h], 0));

  test.each<[string, object, readonly number[]]>([
    ["the mean", { pooling: "mean" }, [0.2, 0.2, 0.2, 0.2, 0.2]],
    ["the mean of what counts", { pooling: "mean", mask }, [1 / 3, 1 / 3, 0, 1 / 3, 0]],
    ["the first", { pooling: "cls" }, [1, 0, 0, 0, 0]],
  ])("are %s", (_, options, shares) => {
    const u = pooled(shares);
    const length = Math.sqrt(u.reduce((sum, v) => sum + v * v, 0));
    const e = embeddingOf(tokens, options);
    for (const [h, value] of u.entries()) expect(e[h]).toBeCloseTo(value / length, 6);
    const other = Float32Array.of(0.5, -2, 0.25);
    const weights = similarTo(other, tokens, options);
    const score = weights.reduce((sum, w, i) => sum + w * tokens.data[i], 0);
    expect(score).toBeCloseTo(
      u.reduce((sum, v, h) => sum + v * other[h], 0),
      5,
    );
  });

  it("are an output that is pooled, whatever the length", () => {
    const output = { data: [3, 4], dims: [1, 2] };
    expect([...embeddingOf(output)]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    expect([...similarTo(Float32Array.of(1, 2), output)]).toEqual([1, 2]);
  });

  test.each<[() => unknown, string]>([
    [() => embeddingOf(tokens), "option 'pooling': the output f32[1, 5, 3] has a vector for each token"],
    [() => embeddingOf(tokens, { pooling: "max" as never }), `option 'pooling': expected "mean" or "cls", got max.`],
    [
      () => embeddingOf(tokens, { pooling: "mean", mask: [1] }),
      "option 'mask': expected a number for each of 5 tokens",
    ],
    [() => embeddingOf(tokens, { pooling: "mean", mask: [0, 0, 0, 0, 0] }), "option 'mask': expected a number"],
    [
      () => embeddingOf({ data: [0, 0], dims: [1, 2] }),
      "embeddingOf: expected a vector with a direction, got length 0.",
    ],
    [() => embeddingOf({ data: [1, 2], dims: [2, 1] }), "the output: expected one vector, f32[1, h]"],
    [() => similarTo(Float32Array.of(1), tokens, { pooling: "cls" }), "the embedding: expected 3 numbers"],
  ])("refuse %#", (call, message) => {
    expect(call).toThrow(message);
  });
});

describe("two texts", () => {
  const HIDDEN = 5;
  const input = (ids: readonly number[], mask = ids.map(() => 1)) => {
    const of = (data: readonly number[]) => ({ data: Float64Array.from(data), dims: [1, data.length] });
    return { input_ids: of(ids), attention_mask: of(mask), token_type_ids: of(ids.map(() => 0)) };
  };

  it("the relevance of a token is its part of the cosine, through mean and length of the network", async () => {
    using model = await load(meanOfWords({ words: 9, hidden: HIDDEN, head: "embedding" }));
    const first = input([3, 7, 1, 8], [1, 1, 1, 0]);
    const other = embeddingOf(model.predict(input([5, 2])).output);
    const target = similarTo(other, model.predict(first).output);
    const { inputs, targets } = model.explain(first, { target, composite: "attnLrp" });
    // cos = Σ_t (word_t + type_0) · e m_t / (Σ m ‖u‖), whose terms are those of the tokens.
    const [words, types] = [numbers(9 * HIDDEN, 1), numbers(2 * HIDDEN, 2)];
    const u = Array.from(
      { length: HIDDEN },
      (_, h) => [3, 7, 1].reduce((s, w) => s + words[w * HIDDEN + h] + types[h], 0) / 3,
    );
    const length = Math.hypot(...u);
    const expected = [3, 7, 1].map((w) => {
      let sum = 0;
      for (let h = 0; h < HIDDEN; h++) sum += (words[w * HIDDEN + h] * other[h]) / (3 * length);
      return sum;
    });
    for (const [t, value] of [...expected, 0].entries()) expect(inputs.input_ids.data[t]).toBeCloseTo(value, 5);
    const cosine = targets[0].reduce((sum, { weight, score }) => sum + weight * score, 0);
    expect(cosine).toBeCloseTo(u.reduce((sum, v, h) => sum + v * other[h], 0) / length, 5);
    expect(Math.abs(cosine)).toBeLessThanOrEqual(1);
  });
});
