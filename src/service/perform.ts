import type { Prediction } from "../model/report.ts";
import { preprocess, viewed } from "../picture/image/preprocess.ts";
import type { Pixels } from "../picture/image/pixels.ts";
import { presets } from "../picture/image/preparation.ts";
import { statedPreparation } from "../picture/image/stated.ts";
import { readArray } from "../read/npz.ts";
import { contentOf } from "./content.ts";
import type { Encoding, Given, Job, Prepared, Reading, Served } from "./job.ts";
import { inBody, toldBy } from "./numbers.ts";
import type { Query } from "./query.ts";
import { errorMade, type Made, Refusal } from "./refusal.ts";
import { writtenExplanation, writtenPrediction } from "./written.ts";

/** Does a job. What is wrong with it is an answer too. */
export function perform(served: Served, job: Job, reading: Reading): Made {
  try {
    const given = givenBy(served, job, reading);
    return job.action === "predict" ? predicted(served, job, given) : explained(served, job, given);
  } catch (error) {
    return errorMade(error);
  }
}

function predicted({ model }: Served, job: Job, { input, facts }: Given): Made {
  const prediction: Prediction = model.predict(input);
  return writtenPrediction(job, prediction, { classes: model.classes, facts });
}

function explained({ model }: Served, job: Job, given: Given): Made {
  return writtenExplanation(job, model.explain(given.input, job.query.options), { classes: model.classes, ...given });
}

/** The input that a body holds. @throws Refusal 4xx */
function givenBy(served: Served, { body, type, query, model: name }: Job, { decode, maxPixels }: Reading): Given {
  const content = contentOf(body, type);
  const { inputs } = served.model;
  try {
    if (content === "json") {
      const told = toldBy(body, inputs);
      if ("input" in told) return { content, input: told.input };
      const text = encoded(served, told.text, told.pair, name);
      return { content, input: text.input, text };
    }
    const [port, ...others] = inputs;
    if (others.length > 0)
      throw new Refusal(
        422,
        "inputs",
        `body: expected each input by its name (${inputs.map((input) => input.name).join(", ")}), got a single one. ` +
          "Send them as JSON.",
      );
    if (content === "array") return { content, input: readArray(body, "body", port.name) };
    const { input, seen, facts } = prepared(served, decode(body, { maxPixels }), query, name);
    return { content, input, seen, facts };
  } catch (error) {
    throw inBody(error);
  }
}

function prepared(
  { model, prepare, preset: own }: Served,
  image: Pixels,
  { preset: asked }: Query,
  name: string,
): Prepared {
  if (prepare && !asked) return prepare(image);
  const preset = asked ?? own ?? statedPreparation(model);
  if (preset === undefined)
    throw new Refusal(
      400,
      "preset",
      `query: preset is missing, and neither the file of ${name} nor a sidecar beside it says how its pictures are ` +
        `prepared. There are ${Object.keys(presets).join(", ")}.`,
    );
  const [port] = model.inputs;
  return { input: preprocess(image, preset, port), seen: viewed(image, preset, port) };
}

function encoded({ encode }: Served, text: string, pair: string | undefined, name: string): Encoding {
  if (encode) return encode(text, pair);
  throw new Refusal(422, "text", `text: ${name} has no tokenizer. Send the numbers of its inputs.`);
}
