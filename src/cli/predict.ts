import { basename } from "node:path";
import { usage } from "../base/error.ts";
import { asFloats, type TensorData } from "../base/tensor.ts";
import type { Prediction, Tensor } from "../entries/index.ts";
import type { Arguments } from "./options.ts";
import type { Streams } from "./command.ts";
import { readInputs } from "./inputs.ts";
import { columns, jsonLine, listed } from "./layout.ts";
import { open } from "./open.ts";
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
  const output = outputOf(prediction, name);
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

/** The output that is listed where nothing is said. */
const nameOf = ({ output, outputs }: Prediction): string =>
  Object.keys(outputs).find((name) => outputs[name].data === output.data)!;

function outputOf({ output, outputs }: Prediction, name: string): Tensor<TensorData> {
  const found = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (found?.data === output.data) return output;
  // Which of its axes counts samples is known of the output alone that would be explained.
  if (found) return { ...found, batchAxis: found.dims.length > 1 && found.dims[0] === 1 ? 0 : null };
  const names = Object.keys(outputs).map((other) => `'${other}'`);
  const fix = "'relprop inspect' says why another one is left out.";
  throw usage("option '--output'", `an output that is computed: ${names.join(", ")}`, `'${name}'`, fix);
}
