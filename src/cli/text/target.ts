import { misuse, usage } from "../../base/error.ts";
import { asFloats } from "../../base/tensor.ts";
import type { Target } from "../../entries/index.ts";
import { type EmbeddingOptions, embeddingOf, similarTo } from "../../picture/text/index.ts";
import { targetOf } from "../classes.ts";
import type { Streams } from "../command.ts";
import { type Inputs, readInputs } from "../inputs.ts";
import { type Opened, outputNamed } from "../open.ts";
import type { Values } from "../options.ts";
import { tokenizerOf } from "./tokenizer.ts";

/** Options that say themselves what is explained. */
const OTHERS = ["target", "against", "position", "area", "index"] as const;

function checkAlone(option: "similar-to" | "next-token", values: Values, others: readonly (keyof Values)[]): void {
  if (values.text === undefined) throw misuse(`option '--${option}'`, "it asks something of --text, which is missing");
  const beside = others.find((name) => values[name] !== undefined);
  if (beside)
    throw misuse(`option '--${option}'`, `it says what is explained, and cannot be combined with --${beside}`);
}

/** Names of tokens are those of the tokenizer, if no others are given. */
export const withTokens = (values: Values): Values =>
  values["next-token"] === undefined || values.classes !== undefined
    ? values
    : { ...values, classes: values.tokenizer };

/** What is explained: what the text options ask for, or else what those of classes do. @param words after the model */
export async function textTarget(
  words: readonly string[],
  opened: Opened,
  input: Inputs,
  values: Values,
  streams: Streams,
): Promise<Target> {
  const { "similar-to": other, pooling, "next-token": next } = values;
  if (pooling !== undefined && other === undefined)
    throw misuse("option '--pooling'", "it belongs to --similar-to, which is missing");
  if (other !== undefined) return similarity(words, opened, input, { ...values, text: other }, values, streams);
  if (next !== undefined) return nextToken(next, opened, input, values);
  return targetOf(values, opened.model.classes);
}

/** The embedding of the other text, as weights of this one's output. */
async function similarity(
  words: readonly string[],
  opened: Opened,
  input: Inputs,
  second: Values,
  values: Values,
  streams: Streams,
): Promise<Target> {
  checkAlone("similar-to", values, [...OTHERS, "next-token", "text-pair"]);
  const run = ({ tensors, read }: Inputs) => {
    const output = outputNamed(opened.model.predict(tensors), values.output);
    const options: EmbeddingOptions = { pooling: values.pooling, mask: read!.mask };
    return { output: { ...output, data: asFloats(output.data) }, options };
  };
  const other = run(await readInputs(words, opened, second, streams));
  const own = run(input);
  return similarTo(embeddingOf(other.output, other.options), own.output, own.options);
}

/** A token at the place of the text's last one, whose scores are those of the next. */
async function nextToken(text: string, { model, sidecar }: Opened, { read }: Inputs, values: Values): Promise<Target> {
  checkAlone("next-token", values, ["target", "position", "area", "index"]);
  const position = [read!.mask.lastIndexOf(1)];
  const { classes = [] } = model;
  const indexOf = async (word: string): Promise<string | number> => {
    if (word === "argmax" || classes.includes(word)) return word;
    const { ids } = (await tokenizerOf({ tokenizer: sidecar.tokenizer, ...values })).made.encode(word, {
      add_special_tokens: false,
    });
    if (ids.length === 1 && typeof ids[0] === "number") return ids[0];
    throw usage("option '--next-token'", "argmax, or one token of the vocabulary", `'${word}', which is ${ids.length}`);
  };
  const { against } = values;
  const others = ["others", "softmax"];
  return {
    class: await indexOf(text),
    position,
    ...(against !== undefined && { against: others.includes(against) ? against : await indexOf(against) }),
  };
}
