import { basename } from "node:path";
import { asFloats } from "../base/tensor.ts";
import type { Arguments } from "./options.ts";
import type { Streams } from "./command.ts";
import { readInputs } from "./inputs.ts";
import { columns, jsonLine, listed } from "./layout.ts";
import { nameOf, open, outputNamed } from "./open.ts";
import { ranking } from "../run/ranking.ts";
import { scoreLayout, scoresOf } from "../run/scores.ts";
import { classTable } from "./summary.ts";

export async function predict(
  { positionals: [modelPath, ...words], values }: Arguments,
  streams: Streams,
): Promise<void> {
  const { out } = streams;
  const opened = await open(modelPath, values);
  const { model, ms } = opened;
  const input = await readInputs(words, opened, values, streams);
  const start = performance.now();
  const prediction = model.predict(input.tensors);
  const name = values.output ?? nameOf(prediction);
  const output = outputNamed(prediction, name);
  const time = { load: ms, predict: performance.now() - start };
  const scores = scoresOf({ logits: { ...output, data: asFloats(output.data) } }, values["class-axis"]);
  const { samples: batch } = scoreLayout(scores);
  const samples = Array.from({ length: batch }, (_, i) =>
    ranking(scores, i, values.top ?? 5, model.classes, values.position),
  );
  if (values.json) {
    const found = {
      model: modelPath,
      input: input.text,
      outputName: name,
      scores: samples[0],
      samples,
      output: Array.from(output.data as ArrayLike<number>, Number),
      outputDims: output.dims,
      time,
    };
    out(jsonLine(found));
    return;
  }
  const others = Object.keys(prediction.outputs).filter((other) => other !== name);
  const head = columns(
    [
      ["model", basename(modelPath)],
      ["input", input.text],
      ...(others.length > 0 ? [["output", `${name}; --output takes ${listed(others)} too`]] : []),
    ],
    [],
    "",
  );
  const tables = samples.map((scores, i) => `\n${batch > 1 ? `sample ${i}\n` : ""}${classTable(scores)}`);
  const took = `${ms.toFixed(0)} ms to load, ${time.predict.toFixed(0)} ms to predict`;
  out(`${head}${tables.join("")}\n${columns([["time", took]], [], "")}`);
}
