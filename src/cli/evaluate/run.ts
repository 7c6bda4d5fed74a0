import type { SharedOptions } from "../../evaluate/index.ts";
import { LrpError, type Port, type Preparation, preprocess, type Target, type Tensor } from "../../entries/index.ts";
import { besideModel } from "../beside.ts";
import type { Content } from "../content.ts";
import type { Opened } from "../open.ts";
import type { EvaluationItem } from "../../parallel/pool/index.ts";
import type { QueuedEvaluation } from "../../queue/index.ts";
import type { Dataset, Sample } from "./dataset.ts";
import { picturesOf } from "./drawing.ts";
import { type Part, pictureFile, type Settings } from "./part.ts";
import { writePart } from "./store.ts";

/** What every image of a run has in common. */
export interface Run {
  readonly dir: string;
  readonly settings: Settings;
  readonly dataset: Dataset;
  readonly evaluation: SharedOptions;
  readonly opened: Opened;
  readonly preparation?: Preparation;
  readonly target: Target;
  readonly path: string;
}

/** The network's input. */
const portOf = ({ opened }: Run): Port => opened.model.inputs[0];

/** What the network takes of a picture or of numbers. */
export const inputOf = (content: Content, preparation: Preparation | undefined, port: Port): Tensor =>
  "numbers" in content ? sampled(content.numbers, port) : preprocess(content.picture, preparation!, port);

/** One of the n inputs in a file, as the network takes it: without an axis of samples where it has none. */
const sampled = (input: Tensor, { batchAxis }: Port): Tensor =>
  batchAxis === null ? { ...input, dims: input.dims.slice(1), batchAxis } : input;

/**
 * Noise, orders and random networks of an image: its own, so that no chance is common to all, and intervals over images
 * count it; image 0 has the seed that was given.
 */
const seedOf = (image: number, seed: number) => (seed + 65537 * image) % 2 ** 32;

/** What is the image's own. */
export function ownOf(image: number, { settings, evaluation, target }: Run): Omit<EvaluationItem, "input"> {
  const seed = seedOf(image, settings.seed);
  const { perturbation, sensitivity, randomisation } = evaluation;
  return {
    target,
    perturbation: { ...perturbation, seed },
    sensitivity: sensitivity && { ...sensitivity, seed },
    randomisation: { ...randomisation, seed },
  };
}

export const itemOf = (image: number, { content }: Sample, run: Run): EvaluationItem => ({
  ...ownOf(image, run),
  input: inputOf(content, run.preparation, portOf(run)),
});

/** As many digits as float32 has: a file of curves is long. */
const rounded = (scores: readonly number[]) => scores.map((score) => Number(score.toPrecision(9)));

function partOf(
  image: number,
  { name, label }: Sample,
  { predicted, results }: QueuedEvaluation,
  classes: readonly string[] | undefined,
  pictures: ReadonlyMap<string, unknown>,
): Part {
  const [curve] = results.flatMap(({ curves }) => Object.values(curves));
  return {
    image,
    name,
    label: label === undefined ? undefined : { index: label, name: classes?.[label] },
    predicted,
    replaced: curve?.regions,
    methods: results.map(({ method, values, missing, curves, stability }) => ({
      method,
      values,
      missing,
      ...(stability.verdict === "amplified" && { amplified: true as const }),
      curves: Object.fromEntries(Object.entries(curves).map(([order, { values: scores }]) => [order, rounded(scores)])),
    })),
    drawn: pictures.has(pictureFile(image, "input")) || undefined,
  };
}

/** With what a model is loaded by whoever does the work. */
export const loadingOf = ({ opened, path }: Run) => ({
  classes: opened.model.classes,
  externalData: besideModel(path),
  ...opened.axes,
  ...opened.memory,
});

/** Whoever did the work counts images; the data has names for them. */
export function naming({ code, issues }: LrpError, name: string): LrpError {
  return new LrpError(
    code,
    issues.map((issue) => ({ ...issue, where: issue.where.replace(/^item \d+/, `image '${name}'`) })),
  );
}

/** Keeps what was found of an image, with its pictures if it has some. */
export async function keep(run: Run, image: number, sample: Sample, value: QueuedEvaluation): Promise<void> {
  const { dir, settings, opened, preparation } = run;
  const pictures =
    image < settings.pictures ? await picturesOf(image, sample, value, preparation, portOf(run)) : new Map();
  await writePart(dir, partOf(image, sample, value, opened.model.classes, pictures), pictures);
}
