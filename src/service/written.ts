import { encode } from "fast-png";
import { layoutOf } from "../base/layout.ts";
import { asFloats, type TensorData, type Tensor } from "../base/tensor.ts";
import type { Explanation, Prediction } from "../model/report.ts";
import { drawImage } from "../picture/explained/explain-image.ts";
import { heatmap } from "../picture/heatmap/heatmap.ts";
import type { Picture } from "../picture/image/pixels.ts";
import { mergeSubwords, type TextRelevance, textHtml } from "../picture/text/index.ts";
import { withoutPadding } from "../picture/text/padding.ts";
import { ranking, type Score } from "../run/ranking.ts";
import { scoreLayout, scoresOf } from "../run/scores.ts";
import type { Encoding, Format, Given, Job } from "./job.ts";
import { type Made, Refusal } from "./refusal.ts";

/** The media type of each. */
export const MEDIA: Readonly<Record<Format, string>> = {
  json: "application/json",
  png: "image/png",
  html: "text/html",
};

/** How many classes are listed. */
const TOP = 5;
/** The heatmap of numbers is enlarged as far as it fits into a square of so many pixels. */
const FIT = 512;

const made = (format: Format, body: Made["body"]): Made => ({
  status: 200,
  headers: { "Content-Type": format === "html" ? `${MEDIA.html};charset=utf-8` : MEDIA[format] },
  body,
});
const json = (value: unknown) => made("json", `${JSON.stringify(value)}\n`);

/** JSON has no word for what is not finite. */
const numberOf = (value: number) => (Number.isFinite(value) ? value : String(value));
const tensorOf = ({ dims, data }: Tensor<TensorData>) => ({
  dims,
  data: Array.from(data as ArrayLike<number>, (v) => numberOf(Number(v))),
});
const tensorsOf = (tensors: Readonly<Record<string, Tensor<TensorData>>>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensorOf(tensor)]));

/** The best classes of each sample; left out for an output of several places, unless one of them is meant. */
function listed(
  { output, logits }: Pick<Prediction, "output" | "logits">,
  { options: { classAxis, target }, top = TOP }: Job["query"],
  classes: readonly string[] | undefined,
): Score[][] | undefined {
  const scores = scoresOf({ output, logits }, classAxis);
  const layout = scoreLayout(scores);
  const position = typeof target === "object" && "position" in target ? (target.position as number[]) : undefined;
  if (!layout.plain && !position) return undefined;
  return Array.from({ length: layout.samples }, (_, sample) => ranking(scores, sample, top, classes, position));
}

/** What is known beside the result. */
interface Beside {
  readonly classes?: readonly string[];
  readonly facts?: object;
}

export function writtenPrediction({ model, query }: Job, prediction: Prediction, { classes, facts }: Beside): Made {
  const { output, outputs } = prediction;
  const name = Object.keys(outputs).find((key) => outputs[key].data === output.data);
  const floats = { ...output, data: asFloats(output.data) };
  return json({
    model,
    output: name,
    scores: listed({ output: floats, logits: floats }, query, classes),
    outputs: tensorsOf(outputs),
    seen: facts,
  });
}

/** An explanation in the form that is asked for. @throws Refusal 406 where what was sent has none in that form */
export function writtenExplanation(
  { formats, query, model }: Job,
  explanation: Explanation,
  given: Given & Beside,
): Made {
  const words = given.text && wordsOf(given.text, explanation);
  const able: readonly Format[] = ["json", words ? "html" : "png"];
  const format = formats.find((wanted) => able.includes(wanted));
  if (!format)
    throw new Refusal(
      406,
      "format",
      `Accept: expected ${able.map((name) => MEDIA[name]).join(" or ")} for such an input.`,
    );
  if (format === "png") {
    const picture = drawn(explanation, given, query);
    return made("png", new Uint8Array(encode({ ...picture, channels: 4 }, { zlib: { level: 1, mem: 0 } })));
  }
  if (format === "html") return made("html", textHtml(words!, { colormap: query.drawing.colormap, page: true }));
  const { composite, start, targets, inputs, shares, at, stability, notes, ledger } = explanation;
  return json({
    model,
    composite,
    start,
    targets,
    scores: listed(explanation, query, given.classes),
    relevance: tensorsOf(inputs),
    shares: tensorsOf(shares),
    at: tensorsOf(at),
    text: words && { tokens: words.tokens, relevance: Array.from(words.relevance), special: words.special },
    stability,
    notes,
    ledger,
    seen: given.facts,
  });
}

function drawn(explanation: Explanation, { seen }: Given, { drawing }: Job["query"]): Picture {
  if (seen) return drawImage(explanation, seen, drawing);
  const { layout = "map", ...options } = drawing;
  if (layout !== "map")
    throw new Refusal(400, "query", `query: layout ${layout} is for pictures; numbers are drawn by map.`);
  const { dims, batchAxis = 0, channelAxis } = explanation.relevance;
  const longest = Math.max(...layoutOf({ dims, batchAxis, channelAxis }).places);
  return heatmap(explanation.relevance, { ...options, scale: Math.max(1, Math.floor(FIT / longest)) });
}

/** The words of a text with their relevance, and what is said of it. */
function wordsOf(text: Encoding, { inputs, shares, targets, stability, notes }: Explanation): TextRelevance {
  const { tokens, relevance, special } = withoutPadding(text, inputs[text.port].data);
  const { words, ...merged } = mergeSubwords(tokens, relevance, { style: text.style, special });
  const all = [...Object.values(inputs), ...Object.values(shares)];
  const [[{ index, name, position }, ...others]] = targets;
  return {
    tokens: words,
    ...merged,
    target:
      (name ?? `class ${index}`) +
      (others.length > 0 ? " against others" : "") +
      (position ? ` at ${position.join(", ")}` : ""),
    score: targets[0].reduce((sum, { weight, score }) => sum + weight * score, 0),
    ...(all.length > 1 && { sum: all.reduce((sum, { data }) => data.reduce((a, b) => a + b, sum), 0) }),
    ...(stability.verdict === "amplified" && { warning: notes[0] }),
  };
}
