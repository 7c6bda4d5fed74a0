import type { Progress } from "../../evaluate/index.ts";
import { createPool, type EvaluationItem } from "../../parallel/pool/index.ts";
import type { Sample } from "./dataset.ts";
import { itemOf, keep, loadingOf, naming, type Run } from "./run.ts";

/** Measures these images, each of which is kept as soon as it is done. */
export async function measure(
  run: Run,
  images: readonly number[],
  workers: number,
  onProgress: (progress: Progress) => void,
  signal?: AbortSignal,
): Promise<void> {
  const { dataset, evaluation, opened } = run;
  const samples = new Map<number, Sample>();
  async function* items(): AsyncGenerator<EvaluationItem> {
    for (const image of images) {
      const sample = await dataset.read(image);
      samples.set(image, sample);
      yield itemOf(image, sample, run);
    }
  }
  await using pool = await createPool(opened.bytes, { ...loadingOf(run), size: workers });
  let done = 0;
  onProgress({ done, total: images.length });
  for await (const result of pool.evaluate(items(), { ...evaluation, ordered: false, signal })) {
    const image = images[result.index];
    const sample = samples.get(image)!;
    if (result.error) throw naming(result.error, sample.name);
    await keep(run, image, sample, result.value);
    samples.delete(image);
    onProgress({ done: ++done, total: images.length });
  }
}
