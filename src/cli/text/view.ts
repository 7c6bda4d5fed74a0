import type { Explanation } from "../../entries/index.ts";
import { mergeSubwords, type TextRelevance, withoutPadding } from "../../picture/text/index.ts";
import { digits } from "../layout.ts";
import type { Report } from "../report.ts";
import type { TextInput } from "./read.ts";

/** The words of a text with their relevance, and what is said of it. */
export function wordsOf(text: TextInput, explanation: Explanation, found: Report): TextRelevance {
  const { tokens, relevance, special } = withoutPadding(text, explanation.inputs[text.port].data);
  const { words, ...merged } = mergeSubwords(tokens, relevance, { style: text.style, special });
  const { target, className, against, position, targets, arrivedSum, sharesSum, stability, notes } = found;
  const beside = Object.keys(found.inputs).length + Object.keys(found.shares).length > 1;
  return {
    tokens: words,
    ...merged,
    target:
      found.similarTo === null
        ? (className ?? `class ${target}`) +
          (against === null ? "" : ` against ${against}`) +
          (position ? ` at ${position.join(", ")}` : "")
        : `similar to ${JSON.stringify(found.similarTo)}`,
    // Of a contrast, the difference.
    score: targets[found.sample].reduce((sum, { weight, score }) => sum + weight * score, 0),
    ...(beside && { sum: arrivedSum + sharesSum }),
    ...(stability.verdict === "amplified" && { warning: notes[0] }),
  };
}

const MOST = 5;

/** The words that speak most for the target, and against it, as rows of the summary. */
export function wordRows({ tokens, relevance, special }: TextRelevance): string[][] {
  const list = tokens.map((word, i) => ({ word, r: relevance[i] })).filter((_, i) => !special?.[i]);
  const row = (name: string, chosen: typeof list) =>
    chosen.length > 0 ? [[name, chosen.map(({ word, r }) => `${word} ${digits(r)}`).join(", ")]] : [];
  const sorted = [...list].sort((a, b) => b.r - a.r);
  return [
    ...row("for", sorted.filter(({ r }) => r > 0).slice(0, MOST)),
    ...row(
      "against",
      sorted
        .reverse()
        .filter(({ r }) => r < 0)
        .slice(0, MOST),
    ),
  ];
}
