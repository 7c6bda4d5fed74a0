import { availableParallelism } from "node:os";
import type { Evaluation, Progress, SharedOptions } from "../../evaluate/index.ts";
import { LrpError, type Port, type Preparation, preprocess, type Target, type Tensor } from "../../entries/index.ts";
import { misuse } from "../../base/error.ts";
import { printable } from "../../base/printable.ts";
import { version } from "../../kernels.gen.ts";
import { createPool, type EvaluationItem } from "../../parallel/pool/index.ts";
import { besideModel } from "../beside.ts";
import { targetOf } from "../classes.ts";
import type { Streams } from "../command.ts";
import { checkUnprepared, chosen, mostPixels, unsaid } from "../input.ts";
import { type Opened, open } from "../open.ts";
import type { Arguments, Values } from "../options.ts";
import { withProgress } from "../progress.ts";
import { type Dataset, openDataset, type Sample } from "./dataset.ts";
import { picturesOf } from "./drawing.ts";
import { estimate } from "./estimate.ts";
import { type Part, pictureFile, type Settings } from "./part.ts";
import { count } from "./page-text.ts";
import { reportOf } from "./report.ts";
import { evaluationOf, settingsOf, sha256 } from "./settings.ts";
import { shardOf } from "./shard.ts";
import { readParts, readyFolder, writePart, writeReport } from "./store.ts";

/** The folder that `--out` names. */
export function folderOf({ out = [] }: Values): string {
  if (out.length === 1) return out[0];
  throw misuse("option '--out'", `results go to one folder, and ${out.length} are given`);
}

/** What every image of a run has in common. */
interface Run {
  readonly dir: string;
  readonly settings: Settings;
  readonly dataset: Dataset;
  readonly evaluation: SharedOptions;
  readonly opened: Opened;
  readonly preparation?: Preparation;
  readonly target: Target;
  readonly path: string;
}

const portOf = ({ opened }: Run): Port => opened.model.inputs[0];

/** One of the n inputs in a file, as the network takes it: without an axis of samples where it has none. */
const sampled = (input: Tensor, { batchAxis }: Port): Tensor =>
  batchAxis === null ? { ...input, dims: input.dims.slice(1), batchAxis } : input;

/**
 * Noise, orders and random networks of an image: its own, so that no chance is common to all, and intervals over images
 * count it; image 0 has the seed that was given.
 */
const seedOf = (image: number, seed: number) => (seed + 65537 * image) % 2 ** 32;

function itemOf(image: number, { content }: Sample, run: Run): EvaluationItem {
  const { settings, evaluation, preparation, target } = run;
  const seed = seedOf(image, settings.seed);
  const { perturbation, sensitivity, randomisation } = evaluation;
  return {
    input:
      "numbers" in content
        ? sampled(content.numbers, portOf(run))
        : preprocess(content.picture, preparation!, portOf(run)),
    target,
    perturbation: { ...perturbation, seed },
    sensitivity: sensitivity && { ...sensitivity, seed },
    randomisation: { ...randomisation, seed },
  };
}

/** As many digits as float32 has: a file of curves is long. */
const rounded = (scores: readonly number[]) => scores.map((score) => Number(score.toPrecision(9)));

function partOf(
  image: number,
  { name, label }: Sample,
  { predicted, results }: Evaluation,
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

/** The pool counts the images that it was given; the data has names for them. */
function naming({ code, issues }: LrpError, name: string): LrpError {
  return new LrpError(
    code,
    issues.map((issue) => ({ ...issue, where: issue.where.replace(/^item \d+/, `image '${name}'`) })),
  );
}

/** Measures these images, each of which is kept as soon as it is done. */
async function measure(
  run: Run,
  images: readonly number[],
  workers: number,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
) {
  const { dir, settings, dataset, evaluation, opened, preparation, path } = run;
  const { classes } = opened.model;
  const samples = new Map<number, Sample>();
  async function* items(): AsyncGenerator<EvaluationItem> {
    for (const image of images) {
      const sample = await dataset.read(image);
      samples.set(image, sample);
      yield itemOf(image, sample, run);
    }
  }
  await using pool = await createPool(opened.bytes, {
    size: workers,
    classes,
    externalData: besideModel(path),
    ...opened.memory,
  });
  let done = 0;
  onProgress({ done, total: images.length });
  for await (const result of pool.evaluate(items(), { ...evaluation, ordered: false, signal })) {
    const image = images[result.index];
    const sample = samples.get(image)!;
    if (result.error) throw naming(result.error, sample.name);
    const { value } = result;
    const pictures =
      image < settings.pictures ? await picturesOf(image, sample, value, preparation, portOf(run)) : new Map();
    await writePart(dir, partOf(image, sample, value, classes, pictures), pictures);
    samples.delete(image);
    onProgress({ done: ++done, total: images.length });
  }
}

/** Writes the report when every image is there; otherwise says what is missing. */
export async function finish(dir: string, settings: Settings, { out }: Streams): Promise<void> {
  const parts = await readParts(dir, settings);
  const { images } = settings.data;
  if (parts.length < images)
    return out(
      `${parts.length} of ${images} images are in ${printable(dir)}; ` +
        "when all shards are done: relprop merge DIR… --out DIR\n",
    );
  await writeReport(dir, reportOf(settings, parts));
  out(
    `${printable(dir)}/report.html: ${count(settings.methods.length, "method")}, ` +
      `${count(settings.metrics.length, "metric")}, ${count(images, "image")}\n`,
  );
}

/** `relprop evaluate MODEL DATA` */
export async function evaluate({ positionals: [path, dataPath], values }: Arguments, streams: Streams): Promise<void> {
  const evaluation = evaluationOf(values);
  const dir = folderOf(values);
  const shard = shardOf(values, process.env);
  if (shard.from !== undefined)
    streams.err(`relprop: measures shard ${shard.index} of ${shard.of}, by ${shard.from}\n`);
  const opened = await open(path, values);
  const dataset = await openDataset(dataPath, mostPixels(values, opened.sidecar));
  const { content } = await dataset.read(0);
  if ("numbers" in content) checkUnprepared(dataPath, values);
  const preparation = "picture" in content ? (chosen(values, opened) ?? unsaid(opened.sidecar)).steps : undefined;
  const settings = settingsOf({
    paths: [path, dataPath],
    values,
    version,
    modelHash: sha256(opened.bytes),
    dataset,
    evaluation,
    preparation,
  });
  const run = {
    dir,
    settings,
    dataset,
    evaluation,
    opened,
    preparation,
    path,
    target: await targetOf(values, opened.model.classes),
  };
  const there = await readyFolder(dir, settings);
  const own = Array.from({ length: settings.data.images }, (_, image) => image).filter(
    (image) => image % shard.of === shard.index - 1,
  );
  const left = own.filter((image) => !there.has(image));
  if (left.length < own.length)
    streams.err(`relprop: ${own.length - left.length} of ${own.length} images are there already\n`);
  if (left.length > 0) {
    const together = Math.min(values.workers ?? availableParallelism(), left.length);
    const item = itemOf(left[0], await dataset.read(left[0]), run);
    const each = await estimate(opened, path, item.input, evaluation);
    opened.model.dispose();
    const task = {
      parts: "images",
      expected: each && (each * left.length) / together,
      kept: (done: number) =>
        `${own.length - left.length + done} of ${own.length} images are kept in '${printable(dir)}'; ` +
        "the same line goes on with the others.",
    };
    await withProgress(streams, task, (onProgress, signal) => measure(run, left, together, onProgress, signal));
  }
  await finish(dir, settings, streams);
}
