import { basename } from "node:path";
import { asFloats } from "../base/tensor.ts";
import type { Arguments } from "./options.ts";
import type { Streams } from "./command.ts";
import { readInput } from "./input.ts";
import { columns, jsonLine } from "./layout.ts";
import { open } from "./open.ts";
import { ranking } from "./ranking.ts";
import { scoreLayout, scoresOf } from "../run/scores.ts";
import { classTable } from "./summary.ts";

export async function predict(
  { positionals: [modelPath, inputPath], values }: Arguments,
  streams: Streams,
): Promise<void> {
  const { out } = streams;
  const opened = await open(modelPath, values);
  const { model, ms } = opened;
  const input = await readInput(inputPath, opened, values, streams);
  const start = performance.now();
  const { output } = model.predict(input.tensor);
  const time = { load: ms, predict: performance.now() - start };
  const scores = scoresOf({ logits: { ...output, data: asFloats(output.data) } }, values["class-axis"]);
  const { samples: batch } = scoreLayout(scores);
  const samples = Array.from({ length: batch }, (_, i) => ranking(scores, i, values.top ?? 5, model.classes));
  if (values.json) {
    const found = {
      model: modelPath,
      input: input.text,
      scores: samples[0],
      samples,
      output: Array.from(output.data as ArrayLike<number>, Number),
      outputDims: output.dims,
      time,
    };
    out(jsonLine(found));
    return;
  }
  const head = columns(
    [
      ["model", basename(modelPath)],
      ["input", input.text],
    ],
    [],
    "",
  );
  const tables = samples.map((scores, i) => `\n${batch > 1 ? `sample ${i}\n` : ""}${classTable(scores)}`);
  const took = `${ms.toFixed(0)} ms to load, ${time.predict.toFixed(0)} ms to predict`;
  out(`${head}${tables.join("")}\n${columns([["time", took]], [], "")}`);
}
