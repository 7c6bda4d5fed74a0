import { LrpError, type Model, type Tensor } from "../../entries/index.ts";
import { costOf } from "../../evaluate/cost.ts";
import { parametrisedLayers, type SharedOptions } from "../../evaluate/index.ts";
import { besideModel } from "../beside.ts";
import type { Opened } from "../open.ts";

/** Milliseconds of a run whose plan is there. */
function timeOf(run: () => unknown): number {
  run();
  const start = performance.now();
  run();
  return performance.now() - start;
}

const explain = (model: Model, input: Tensor) => () => model.explain(input, { composite: "gradient" });

/**
 * About how many milliseconds one image takes a worker: the runs of the network are counted, and one of each kind is
 * measured. Undefined where the network cannot run on it, which the first image says.
 */
export async function estimate(
  { model, bytes, ms }: Opened,
  path: string,
  input: Tensor,
  options: SharedOptions,
): Promise<number | undefined> {
  const isRandomised = options.metrics.includes("parameterRandomisation");
  try {
    const layers = isRandomised ? await parametrisedLayers(bytes, { externalData: besideModel(path) }) : [];
    const { predictions, explanations, loads } = costOf(input, layers.length, options);
    const [predicting, explaining] = [timeOf(() => model.predict(input)), timeOf(explain(model, input))];
    return predictions * predicting + explanations * explaining + loads * (ms + explaining);
  } catch (error) {
    if (error instanceof LrpError) return undefined;
    throw error;
  }
}
