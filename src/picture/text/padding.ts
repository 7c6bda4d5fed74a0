import type { EncodedText } from "./encode.ts";

/** A text with its relevance, of which padding is one token: what `mergeSubwords` takes. */
export interface UnpaddedText {
  readonly tokens: string[];
  readonly relevance: number[];
  readonly special: boolean[];
}

/**
 * The tokens of a text and their relevance, with padding as one token at its end, which has the sum of all.
 *
 * @example
 * const { tokens, relevance, special } = withoutPadding(text, e.inputs.input_ids.data);
 */
export function withoutPadding(
  { tokens, special, mask }: Pick<EncodedText, "tokens" | "special" | "mask">,
  relevance: ArrayLike<number>,
): UnpaddedText {
  const ends = mask.map((on, i) => on === 0 && mask[i + 1] === 0 && i + 1 < mask.length);
  const rows: { token: string; sum: number; special: boolean; count: number }[] = [];
  for (const [i, token] of tokens.entries()) {
    if (i > 0 && ends[i - 1]) {
      const last = rows[rows.length - 1];
      Object.assign(last, { sum: last.sum + relevance[i], count: last.count + 1 });
    } else rows.push({ token, sum: relevance[i], special: special[i], count: 1 });
  }
  return {
    tokens: rows.map(({ token, count }) => (count > 1 ? `${token} × ${count}` : token)),
    relevance: rows.map(({ sum }) => sum),
    special: rows.map((row) => row.special),
  };
}
