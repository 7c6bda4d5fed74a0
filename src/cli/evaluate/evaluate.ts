import { availableParallelism } from "node:os";
import { type Issue, LrpError, type Port } from "../../entries/index.ts";
import { misuse } from "../../base/error.ts";
import { printable } from "../../base/printable.ts";
import { shapeText } from "../../base/tensor.ts";
import { version } from "../../kernels.gen.ts";
import { targetOf } from "../classes.ts";
import type { Streams } from "../command.ts";
import { checkUnprepared, chosen, mostPixels, unsaid } from "../input.ts";
import { listed } from "../layout.ts";
import { open } from "../open.ts";
import type { Arguments, Values } from "../options.ts";
import { withProgress } from "../progress.ts";
import { measureByQueue } from "../queue/submit.ts";
import { openDataset } from "./dataset.ts";
import { estimate } from "./estimate.ts";
import { measure } from "./measure.ts";
import type { Settings } from "./part.ts";
import { count } from "./page-text.ts";
import { reportOf } from "./report.ts";
import { itemOf } from "./run.ts";
import { evaluationOf, settingsOf, sha256 } from "./settings.ts";
import { shardOf } from "./shard.ts";
import { gather, imagesOf, readyFolder, writeReport } from "./store.ts";

const STAYS = " The queue stays; 'relprop queue clear' removes it.";

/** The folder that `--out` names. */
export function folderOf({ out = [] }: Values): string {
  if (out.length === 1) return out[0];
  throw misuse("option '--out'", `results go to one folder, and ${out.length} are given`);
}

const SHARDS = "when all shards are done: relprop merge DIR… --out DIR";

/** Writes the report when every image is there; otherwise says what is missing. @param rest how it goes on then */
export async function finish(dir: string, settings: Settings, { out }: Streams, rest = SHARDS): Promise<void> {
  const there = await imagesOf(dir, settings);
  const { images } = settings.data;
  if (there.length < images) return out(`${there.length} of ${images} images are in ${printable(dir)}; ${rest}\n`);
  await using parts = await gather(dir, there, settings);
  await writeReport(dir, await reportOf(settings, parts));
  out(
    `${printable(dir)}/report.html: ${count(settings.methods.length, "method")}, ` +
      `${count(settings.metrics.length, "metric")}, ${count(images, "image")}\n`,
  );
}

/** @throws LrpError code "usage" for options that do not go with a queue, or only with one */
function checkQueue(values: Values): void {
  const { queue, data } = values;
  if (queue === undefined && data !== undefined)
    throw misuse("option '--data'", "it belongs to --queue: without a queue, DATA is read here");
  const stray = (["workers", "shard", "shards"] as const).find((name) => values[name] !== undefined);
  if (queue !== undefined && stray)
    throw misuse(
      `option '--${stray}'`,
      "it cannot be combined with --queue, which shares the work",
      "See 'relprop help work'.",
    );
}

/** @throws LrpError code "usage" for a network of several inputs: DATA has one array for each image */
function checkOneInput(ports: readonly Port[]): void {
  if (ports.length === 1) return;
  const inputs = listed(ports.map(({ name, dims, type }) => `${name} ${shapeText(dims, type)}`));
  throw misuse(
    "command 'evaluate'",
    `it measures networks of one input, and this network has ${ports.length}: ${inputs}`,
    "'relprop explain' takes several inputs, each by its name.",
  );
}

/** `relprop evaluate MODEL DATA` */
export async function evaluate({ positionals: [path, dataPath], values }: Arguments, streams: Streams): Promise<void> {
  const evaluation = evaluationOf(values);
  const dir = folderOf(values);
  checkQueue(values);
  const shard = shardOf(values, process.env);
  if (shard.from !== undefined)
    streams.err(`relprop: measures shard ${shard.index} of ${shard.of}, by ${shard.from}\n`);
  const opened = await open(path, values);
  checkOneInput(opened.model.inputs);
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
  let issues: readonly Issue[] = [];
  if (left.length > 0) {
    const { queue } = values;
    const together = Math.min(values.workers ?? availableParallelism(), left.length);
    const item = itemOf(left[0], await dataset.read(left[0]), run);
    const each = await estimate(opened, path, item.input, evaluation);
    opened.model.dispose();
    const task = {
      parts: "images",
      expected: queue === undefined && each ? (each * left.length) / together : undefined,
      kept: (done: number) =>
        `${own.length - left.length + done} of ${own.length} images are kept in '${printable(dir)}'; ` +
        `the same line goes on with the others.${queue === undefined ? "" : STAYS}`,
    };
    issues = await withProgress(streams, task, async (onProgress, signal) => {
      if (queue !== undefined) return measureByQueue(run, left, values, each, streams, onProgress, signal);
      await measure(run, left, together, onProgress, signal);
      return [];
    });
  }
  await finish(dir, settings, streams, issues.length > 0 ? "the same line tries the others again" : undefined);
  if (issues.length > 0) throw new LrpError("usage", issues);
}
