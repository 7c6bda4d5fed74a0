/** How a tokenizer says that a token continues a word, or begins one. */
export type SubwordStyle = "wordpiece" | "bytes" | "sentencepiece";

/** Tokens that are one piece of text: several only where a character lies across them. */
export interface Unit {
  readonly text: string;
  readonly first: number;
  readonly count: number;
  /** Whether the tokenizer says that a word begins here. */
  readonly begins: boolean;
}

/** What one token is: text, or bytes of UTF-8, which may end within a character. */
type Piece = { readonly text: string } | { readonly bytes: readonly number[] };

/**
 * The bytes for which the characters of a byte-level BPE stand. Bytes that are printable in Latin-1 stand for
 * themselves; the others are, in order, the characters from U+0100 on: a space, 0x20, is Ġ, U+0120.
 */
const byteOf: ReadonlyMap<string, number> = (() => {
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const isPlain = (b: number) => (b > 0x20 && b < 0x7f) || (b > 0xa0 && b !== 0xad);
  const shifted = all.filter((b) => !isPlain(b));
  return new Map([
    ...all.filter(isPlain).map((b) => [String.fromCharCode(b), b] as const),
    ...shifted.map((b, i) => [String.fromCharCode(256 + i), b] as const),
  ]);
})();

const encoder = new TextEncoder();

/** The end of a word in CLIP's vocabulary, which has no marks at beginnings. */
export const END = "</w>";

/** The text, or the bytes, of a token in each style. */
const pieces: Readonly<Record<SubwordStyle, (token: string) => Piece>> = {
  wordpiece: (token) => ({ text: token.startsWith("##") && token.length > 2 ? token.slice(2) : token }),
  // A character that is none of a byte's was added to the vocabulary, and is itself.
  bytes: (token) => ({ bytes: [...token].flatMap((c) => byteOf.get(c) ?? [...encoder.encode(c)]) }),
  sentencepiece: (token) => {
    const [, byte] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
    return byte ? { bytes: [Number.parseInt(byte, 16)] } : { text: token.replaceAll("▁", " ") };
  },
};

/** The tokens of a text as pieces of text, in order. */
export function unitsOf(given: readonly string[], style: SubwordStyle, special: readonly boolean[]): Unit[] {
  const hasEnds = style === "bytes" && given.some((token, i) => !special[i] && token.endsWith(END));
  const tokens = hasEnds ? given.map((token, i) => (special[i] ? token : token.replace(/<\/w>$/, ""))) : given;
  const begins = (first: number, text: string): boolean => {
    if (hasEnds) return given[first - 1]?.endsWith(END) ?? true;
    if (style === "wordpiece") return !(given[first].startsWith("##") && given[first].length > 2);
    return /^\s/.test(text);
  };
  const units: Unit[] = [];
  for (let first = 0; first < tokens.length; ) {
    const { text, count } = unitAt(first, tokens, style, special);
    units.push({ text, first, count, begins: begins(first, text) });
    first += count;
  }
  return units;
}

function unitAt(
  first: number,
  tokens: readonly string[],
  style: SubwordStyle,
  special: readonly boolean[],
): { text: string; count: number } {
  const alone = { text: tokens[first], count: 1 };
  if (special[first]) return alone;
  const piece = pieces[style](tokens[first]);
  if ("text" in piece) return { text: piece.text, count: 1 };
  const bytes = [...piece.bytes];
  let count = 1;
  while (missing(bytes) > 0 && first + count < tokens.length && !special[first + count]) {
    const next = pieces[style](tokens[first + count]);
    // What does not continue a character leaves it broken.
    if (!("bytes" in next) || (next.bytes[0] & 0xc0) !== 0x80) break;
    bytes.push(...next.bytes);
    count++;
  }
  return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes)), count };
}

/** How many bytes the last character still needs. */
function missing(bytes: readonly number[]): number {
  const back = Math.min(4, bytes.length);
  for (let i = 1; i <= back; i++) {
    const byte = bytes[bytes.length - i];
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return Math.max(0, length - i);
  }
  return 0;
}
