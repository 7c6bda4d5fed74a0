import { attribute } from "../evaluate/index.ts";
import { defaultComposite, LrpError, toAnsi } from "../entries/index.ts";
import { targetOf } from "./classes.ts";
import type { Streams } from "./command.ts";
import { checkWritable, writeAll } from "./files.ts";
import { readInput } from "./input.ts";
import { jsonLine } from "./layout.ts";
import { chosenSample, open } from "./open.ts";
import { type Arguments, givenIn, type Values } from "./options.ts";
import { contents, outFiles, terminalPicture } from "./outputs.ts";
import { withProgress } from "./progress.ts";
import { report } from "./report.ts";
import { summary } from "./summary.ts";
import { warnOf } from "./warning.ts";

export async function explain({ positionals: [path, inputPath], values }: Arguments, streams: Streams): Promise<void> {
  const { out, err, columns } = streams;
  if (values.method && values.composite)
    throw new LrpError("usage", {
      where: "option '--method'",
      expected: "a method, or a composite",
      received: `'${values.method}' and '${values.composite}'`,
    });
  const planned = outFiles(values.out, values.at);
  const files = planned.map((file) => file.path);
  await checkWritable(files);
  const opened = await open(path, values);
  const input = await readInput(inputPath, opened.model, values, opened.sidecar);
  const target = await targetOf(values, opened.model.classes);
  const start = performance.now();
  const { composite = defaultComposite, ...rules } = givenIn(values, "rules") as Pick<Values, "composite">;
  const { method = composite, ...parameters } = givenIn(values, "method") as Pick<Values, "method">;
  const classAxis = values["class-axis"];
  const options = { method, ...rules, ...parameters, target, start: values.start, at: values.at, classAxis };
  const explanation = await withProgress(streams, (onProgress) =>
    attribute(opened.model, input.tensor, { ...options, onProgress }),
  );
  const ms = performance.now() - start;
  const sample = chosenSample(values, explanation.targets.length);
  const found = report({ path, values, opened, input, explanation, sample, files, ms });
  const drawing = values.show ? toAnsi(terminalPicture(explanation.relevance, input, values), { columns }) : "";
  await writeAll(await contents(planned, explanation, input, values));
  warnOf(explanation, streams);
  if (values.json) {
    err(drawing);
    out(jsonLine(found));
  } else {
    out(`${drawing}${summary(found)}`);
  }
}
