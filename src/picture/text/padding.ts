/** The tokens of a text as a network reads them. */
interface Padded {
  readonly tokens: readonly string[];
  /** Which tokens frame or fill up the text. */
  readonly special: readonly boolean[];
  /** 0 for padding. */
  readonly mask: readonly number[];
}

interface Unpadded {
  readonly tokens: string[];
  readonly relevance: number[];
  readonly special: boolean[];
}

/** @internal Padding as one token at its end. */
export function withoutPadding({ tokens, special, mask }: Padded, relevance: ArrayLike<number>): Unpadded {
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
