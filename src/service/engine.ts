import type { OutputPort, Port } from "../graph/graph.ts";
import type { Job, Reading, Served } from "./job.ts";
import { perform } from "./perform.ts";
import type { Made } from "./refusal.ts";
import type { WebSignal } from "./web.ts";

/** What `GET /models` says of a network. */
export interface About {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
  readonly classes?: readonly string[];
  /** Whether it takes texts. */
  readonly text: boolean;
}

/** What computes the answers of a service. */
export interface Engine {
  readonly models: readonly About[];
  /** How many jobs run at a time; left out where `run` is done when it returns. */
  readonly slots?: number;
  /** Never rejects. A job whose signal is aborted is given up. */
  run(job: Job, signal: WebSignal): Made | Promise<Made>;
}

/** What `GET /models` says of it. */
export const aboutOf = (name: string, { model, encode }: Served): About => ({
  name,
  inputs: model.inputs,
  outputs: model.outputs,
  classes: model.classes,
  text: encode !== undefined,
});

/**
 * An engine that computes where it is called, one job after the other, so that what they take never adds up.
 *
 * @example
 * const engine = engineOf({ digits: { model, preset: "unit" } }, { decode: decodeImage, maxPixels: 2 ** 20 });
 */
export function engineOf(models: Readonly<Record<string, Served>>, reading: Reading): Engine {
  return {
    models: Object.entries(models).map(([name, served]) => aboutOf(name, served)),
    run: (job) => perform(models[job.model], job, reading),
  };
}
