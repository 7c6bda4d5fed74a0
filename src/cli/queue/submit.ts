import { createHash } from "node:crypto";
import type { Progress } from "../../evaluate/index.ts";
import { type Issue, LrpError } from "../../entries/index.ts";
import { evaluateOn, type Item } from "../../queue/index.ts";
import type { Streams } from "../command.ts";
import { itemOf, keep, loadingOf, naming, ownOf, type Run } from "../evaluate/run.ts";
import { essence } from "../evaluate/store.ts";
import type { Values } from "../options.ts";
import { namer } from "./data.ts";

/** The password of a Redis whose address has none. */
export const passwordOf = (environment: Readonly<Record<string, string | undefined>>): string | undefined =>
  environment.RELPROP_REDIS_PASSWORD || undefined;

/** What one evaluation is, and no other. */
const keyOf = ({ settings }: Run) =>
  createHash("sha256")
    .update(JSON.stringify(essence(settings)))
    .digest("hex");

/** A job has no names of images. */
const shown = ({ issues }: LrpError, name: string): readonly Issue[] =>
  naming(new LrpError("usage", issues), name).issues;

/**
 * Has these images measured by whoever serves the queue, and keeps each as soon as it comes back. Images with which
 * something is wrong do not stop the others.
 *
 * @param each milliseconds that one takes, if that is known
 * @returns what is wrong with images
 */
export async function measureByQueue(
  run: Run,
  images: readonly number[],
  { queue, data }: Pick<Values, "queue" | "data">,
  each: number | undefined,
  { err }: Streams,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<readonly Issue[]> {
  const { dataset, evaluation, preparation, settings, opened } = run;
  const name = data === undefined ? undefined : await namer(data, dataset);
  const item = async (id: number): Promise<Item> => {
    const relevance = id < settings.pictures;
    if (name) return { ...ownOf(id, run), id, input: await name(id), relevance };
    return { ...itemOf(id, await dataset.read(id), run), id, relevance };
  };
  const results = evaluateOn(queue!, opened.bytes, {
    ...loadingOf(run),
    key: keyOf(run),
    options: evaluation,
    files: name && { preparation },
    ids: images,
    item,
    each,
    password: passwordOf(process.env),
    signal,
    onNote: (note) => err(`relprop: ${note}\n`),
  });
  const issues: Issue[] = [];
  let done = 0;
  onProgress({ done, total: images.length });
  for await (const result of results) {
    const sample = await dataset.read(result.id);
    if (result.error) issues.push(...shown(result.error, sample.name));
    else await keep(run, result.id, sample, result.value);
    onProgress({ done: ++done, total: images.length });
  }
  return issues;
}
