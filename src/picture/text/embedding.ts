import { LrpError, misuse, usage } from "../../base/error.ts";
import { shapeText, size } from "../../base/tensor.ts";

/** A vector of a text, or one of each of its tokens: what a network of embeddings gives. */
export interface EmbeddingOutput {
  readonly data: ArrayLike<number | bigint>;
  /** [1, h], or [1, t, h] for t tokens. */
  readonly dims: readonly number[];
}

export interface EmbeddingOptions {
  /** How the vectors of tokens become one, if the network does not do it: their mean, or that of the first token. */
  readonly pooling?: "mean" | "cls";
  /** Of the mean: 1 for each token that counts, 0 for padding. Default: all count. */
  readonly mask?: ArrayLike<number>;
}

/**
 * The embedding of a text, divided by its length:
 *
 *   e = u / ‖u‖,   u = Σ_t p_t y_t
 *
 * Of an output [1, h], u is the output itself: the network has pooled. Of [1, t, h], p_t is mask_t / Σ mask for the
 * mean, and 1 for the first token, else 0, for `cls`.
 *
 * @throws LrpError code "shape" for other dims, or a mask of other length; code "usage" if an output of tokens comes
 * without `pooling`, and for an embedding of zeros, which has no direction
 * @example
 * const other = embeddingOf(model.predict(second).output, { pooling: "mean" });
 */
export function embeddingOf(output: EmbeddingOutput, options: EmbeddingOptions = {}): Float32Array {
  const { shares, width } = sharesOf(output, options);
  const sums = Array.from({ length: width }, (_, h) =>
    shares.reduce((sum, share, t) => sum + share * Number(output.data[t * width + h]), 0),
  );
  const length = Math.hypot(...sums);
  if (!(length > 0 && Number.isFinite(length)))
    throw usage("embeddingOf", "a vector with a direction", `length ${length}`);
  return Float32Array.from(sums, (value) => value / length);
}

/**
 * The target that asks what makes a text similar to another one: a weight for each number of its output, so that the
 * score is the product of the two embeddings.
 *
 *   w_t = p_t e,   Σ_t w_t · y_t = e · u
 *
 * If the network divides its embedding by its length, the score is the cosine; else it is the cosine times that length.
 *
 * @param embedding that of the other text, from `embeddingOf`
 * @param output what the network gives for this text; its dims are needed
 * @returns a target of `explain`
 * @throws LrpError as `embeddingOf`, and code "shape" for an embedding of other length
 * @example
 * const target = similarTo(other, model.predict(first).output, { pooling: "mean" });
 * const e = model.explain(first, { target });
 */
export function similarTo(
  embedding: Float32Array,
  output: EmbeddingOutput,
  options: EmbeddingOptions = {},
): Float32Array<ArrayBuffer> {
  const { shares, width } = sharesOf(output, options);
  if (embedding.length !== width)
    throw new LrpError("shape", {
      where: "the embedding",
      expected: `${width} numbers, as the output ${shapeText(output.dims)} has`,
      received: `${embedding.length}`,
    });
  return Float32Array.from(shares.flatMap((share) => Array.from(embedding, (value) => share * value)));
}

/** The share p of each vector, and how many numbers it has. */
function sharesOf({ dims, data }: EmbeddingOutput, { pooling, mask }: EmbeddingOptions) {
  const [count, width] = dims.length === 3 ? dims.slice(1) : [1, dims[1]];
  if (![2, 3].includes(dims.length) || dims[0] !== 1 || size(dims) !== data.length || data.length === 0)
    throw new LrpError("shape", {
      where: "the output",
      expected: "one vector, f32[1, h], or one for each token, f32[1, t, h]",
      received: shapeText(dims),
    });
  if (dims.length === 2) return { shares: [1], width };
  if (pooling === undefined)
    throw misuse(
      "option 'pooling'",
      `the output ${shapeText(dims)} has a vector for each token, and nothing says how they become one`,
      'Say "mean" or "cls", as the network was trained.',
    );
  if (pooling === "cls") return { shares: Array.from({ length: count }, (_, t) => Number(t === 0)), width };
  if (pooling !== "mean") throw usage("option 'pooling'", '"mean" or "cls"', String(pooling));
  const weights = Array.from({ length: count }, (_, t) => (mask ? mask[t] : 1));
  const total = weights.reduce((a, b) => a + b, 0);
  if ((mask && mask.length !== count) || !(total > 0))
    throw new LrpError("shape", {
      where: "option 'mask'",
      expected: `a number for each of ${count} tokens, of which some count`,
      received: `${mask?.length}, with a sum of ${total}`,
    });
  return { shares: weights.map((weight) => weight / total), width };
}
