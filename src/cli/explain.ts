import { misuse } from "../base/error.ts";
import { attribute } from "../evaluate/index.ts";
import { type Tensor, toAnsi } from "../entries/index.ts";
import type { Streams } from "./command.ts";
import { checkWritable, writeAll } from "./files.ts";
import { readInputs, viewOf } from "./inputs.ts";
import { jsonLine } from "./layout.ts";
import { chosenSample, open } from "./open.ts";
import { type TextRelevance, textAnsi } from "../picture/text/index.ts";
import { type Arguments, givenIn, rulesIn, type Values } from "./options.ts";
import { contents, outFiles, terminalPicture, type View } from "./outputs.ts";
import { withProgress } from "./progress.ts";
import { report } from "./report.ts";
import { summary } from "./summary.ts";
import { textTarget, withTokens } from "./text/target.ts";
import { wordRows, wordsOf } from "./text/view.ts";
import { warnOf } from "./warning.ts";

const RUNS = { parts: "runs of the network", kept: () => "No file was written." };

export async function explain(
  { positionals: [path, ...words], values: given }: Arguments,
  streams: Streams,
): Promise<void> {
  const values = withTokens(given);
  const { out, err } = streams;
  if (values.method && values.composite)
    throw misuse("option '--method'", "it stands in place of a composite, and cannot be combined with --composite");
  const planned = outFiles(values);
  const files = planned.map((file) => file.path);
  await checkWritable(files);
  const opened = await open(path, values);
  const input = await readInputs(words, opened, values, streams);
  const target = await textTarget(words, opened, input, values, streams);
  const start = performance.now();
  const { composite, ...rules } = rulesIn(values);
  const { method = composite, ...parameters } = givenIn(values, "method") as Pick<Values, "method">;
  const classAxis = values["class-axis"];
  const options = {
    method,
    ...rules,
    ...parameters,
    target,
    start: values.start,
    output: values.output,
    at: values.at,
    classAxis,
  };
  const whole = await withProgress(streams, RUNS, (onProgress, signal) =>
    attribute(opened.model, input.tensors, { ...options, onProgress, signal }),
  );
  const ms = performance.now() - start;
  const { read } = input;
  const explanation = read ? { ...whole, relevance: whole.inputs[read.port] } : whole;
  const sample = chosenSample(values, explanation.targets.length);
  const view = viewOf(input, explanation);
  const facts = report({ path, values, opened, input, explanation, sample, files, ms });
  const text = read && wordsOf(read, explanation, facts);
  const found = { ...facts, text: text && { tokens: read.tokens, ids: read.ids, ...named(text) } };
  const made = await contents(planned, { explanation, found, text }, view, values);
  const drawing = values.show ? drawn(explanation.relevance, text, view, values, streams) : "";
  await writeAll(made);
  warnOf(explanation, streams);
  (values.json ? err : out)(drawing);
  out(values.json ? jsonLine(found) : summary(facts, text && wordRows(text)));
}

/** Words with their relevance, for a script. */
const named = ({ tokens, ...rest }: TextRelevance) => ({ words: tokens, ...rest });

/** The heatmap, or the text, for the terminal where the drawing goes: JSON has stdout for itself. */
function drawn(
  relevance: Tensor,
  text: TextRelevance | undefined,
  view: View,
  values: Values,
  { err, terminals, columns }: Streams,
): string {
  const stream = values.json ? "err" : "out";
  const made = text
    ? textAnsi(text, { columns, colormap: values.colormap })
    : toAnsi(terminalPicture(relevance, view, values), { columns });
  if (terminals?.[stream]) return made;
  err(`relprop: --show draws into a terminal only, and std${stream} is none: the picture is left out.\n`);
  return "";
}
