import { misuse, usage } from "../../base/error.ts";
import { colormap, isRising } from "../heatmap/colormap.ts";
import { digits } from "../plots/svg.ts";
import { type Direction, directionOf } from "./direction.ts";
import { checkTokens } from "./merge.ts";

/** A text with the relevance of its tokens, and what is said of it. */
export interface TextRelevance {
  /** What is drawn: tokens as they are, or the words of `mergeSubwords`. */
  readonly tokens: readonly string[];
  /** A number for each token. */
  readonly relevance: ArrayLike<number>;
  /** Which tokens are special: they are shown without a colour, and have no part in the scale. */
  readonly special?: readonly boolean[];
  /** What the text is known to be, beside what the network says. */
  readonly label?: string;
  /** What is explained, such as the name of a class. */
  readonly target?: string;
  /** Its score. */
  readonly score?: number;
  /** What all relevance adds up to, if that is more than that of the tokens: positions have a share, too. */
  readonly sum?: number;
  /** What has to be known before the picture is believed, such as the note of an explanation that has exploded. */
  readonly warning?: string;
}

export interface TextOptions {
  /** One of `colormaps`. Default: "bwr", red for the target, blue against it, white for no relevance. */
  readonly colormap?: string;
}

export type Rgb = readonly [r: number, g: number, b: number];

/** A token as it is drawn. */
export interface ShownToken {
  readonly text: string;
  readonly relevance: number;
  /** Of background and letters; a special token has none. */
  readonly colours?: { readonly back: Rgb; readonly ink: Rgb };
}

/** A text as it is drawn. */
export interface ShownText {
  readonly tokens: readonly ShownToken[];
  /** That of its first letter; special tokens have no say. */
  readonly direction: Direction;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly warning?: string;
}

/** The scale: the colours from one end to the other, and what stands there. */
export interface Scale {
  readonly at: (share: number) => Rgb;
  readonly low: string;
  readonly high: string;
}

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

/** Texts on one scale: the largest |relevance| of a token that is not special has full colour. */
export function shown(
  texts: readonly TextRelevance[],
  { colormap: name = "bwr" }: TextOptions,
): { readonly texts: readonly ShownText[]; readonly scale: Scale } {
  for (const text of texts) check(text);
  const colour = colormap(name);
  const rises = isRising(name);
  const full = texts
    .flatMap(({ relevance, special }) => Array.from(relevance).filter((_, i) => !special?.[i]))
    .reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const drawn = (text: TextRelevance): ShownText => ({
    tokens: text.tokens.map((token, i) => {
      const [relevance, share] = [text.relevance[i], full > 0 ? text.relevance[i] / full : 0];
      const shared = { text: visible(token), relevance };
      return text.special?.[i] ? shared : { ...shared, colours: inked(rounded(colour(share))) };
    }),
    direction:
      text.tokens.map((token, i) => (text.special?.[i] ? undefined : directionOf(token))).find(Boolean) ?? "ltr",
    facts: factsOf(text),
    warning: text.warning,
  });
  return {
    texts: texts.map(drawn),
    scale: {
      at: (share) => rounded(colour(rises ? share : 2 * share - 1)),
      low: rises ? "0 or against" : `${signed(-full)} against`,
      high: `for ${digits(full)}`,
    },
  };
}

function check({ tokens, relevance, special, score = 0, sum = 0, ...names }: TextRelevance): void {
  checkTokens(tokens, relevance, special);
  if (tokens.length === 0) throw usage("option 'tokens'", "at least one", "none");
  for (const [name, value] of Object.entries({ score, sum }))
    if (!Number.isFinite(value)) throw usage(`option '${name}'`, "a finite number", String(value));
  for (const name of ["label", "target", "warning"] as const)
    if (names[name] !== undefined && typeof names[name] !== "string")
      throw misuse(`option '${name}'`, "it is a text, such as the name of a class");
}

/** A number with the sign that people read. */
export const signed = (value: number): string => `${value < 0 ? "−" : ""}${digits(Math.abs(value))}`;

function factsOf({ tokens, relevance, special, label, target, score, sum }: TextRelevance): ShownText["facts"] {
  const total = (part: readonly number[]) => part.reduce((all, i) => all + relevance[i], 0);
  const all = total([...tokens.keys()]);
  const apart = total([...tokens.keys()].filter((i) => special?.[i]));
  const parts = [
    ...(sum !== undefined ? [`${signed(all)} in the text`] : []),
    ...(special?.some(Boolean) ? [`${signed(apart)} in special tokens`] : []),
  ];
  const added = `${signed(sum ?? all)}${parts.length > 0 ? `, of which ${parts.join(", ")}` : ""}`;
  return [
    ...(label === undefined ? [] : [["label", label] as const]),
    ...(target === undefined ? [] : [["target", target] as const]),
    ...(score === undefined ? [] : [["score", signed(score)] as const]),
    ["sum of relevance", added],
  ];
}

/** What has no form of its own gets one: spaces alone, ends of lines, and a mark without the letter that carries it. */
function visible(token: string): string {
  const text = token.replace(/\r\n|[\n\r]/g, "↵").replaceAll("\t", "⇥");
  if (text.trim() === "") return text === "" ? "∅" : text.replace(/\s/g, "␣");
  return /^\p{M}/u.test(text) ? `◌${text}` : text;
}

const rounded = (colour: Rgb): Rgb => colour.map(Math.round) as unknown as Rgb;

/** Black or white letters, whichever has more contrast, which is at least 4.5 to 1 (WCAG 2, relative luminance). */
function inked(back: Rgb): ShownToken["colours"] {
  const [r, g, b] = back.map((v) => (v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return { back, ink: (light + 0.05) ** 2 > 0.05 * 1.05 ? BLACK : WHITE };
}
