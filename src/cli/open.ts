import { load, LrpError, type Model } from "../entries/index.ts";
import { besideModel } from "./beside.ts";
import { readClasses } from "./classes.ts";
import { readBytes } from "./files.ts";
import type { Values } from "./options.ts";
import { readSidecar, type Sidecar } from "./sidecar.ts";

export interface Opened {
  readonly model: Model;
  readonly sidecar: Sidecar;
  /** The file. */
  readonly bytes: Uint8Array;
  /** Milliseconds that reading and loading took. */
  readonly ms: number;
}

/**
 * A model with what is known about it: its sidecar, and class names from `--classes` or the sidecar.
 *
 * @throws LrpError as reading and loading do, and code "usage" when there are more or fewer names than classes.
 */
export async function open(path: string, values: Values): Promise<Opened> {
  const start = performance.now();
  const sidecar = await readSidecar(path);
  const bytes = await readBytes(path, "an ONNX model");
  const classes = values.classes === undefined ? sidecar.classes : await readClasses(values.classes);
  const model = await load(bytes, { classes, externalData: besideModel(path) }).catch((error) =>
    Promise.reject(naming(error, path)),
  );
  if (classes) checkCount(classes, model, values.classes ?? sidecar.path);
  return { model, sidecar, bytes, ms: performance.now() - start };
}

function checkCount(classes: readonly string[], model: Model, path: string): void {
  const count = model.outputs[0].dims.slice(1).reduce<number>((product, d) => product * Number(d), 1);
  if (classes.length === count || Number.isNaN(count)) return;
  throw new LrpError("usage", {
    where: `file '${path}'`,
    expected: `${count} class names, as many as the model's output has values`,
    received: `${classes.length}`,
  });
}

/** The core has no names for the bytes that it is given. */
function naming(error: unknown, path: string): unknown {
  if (!(error instanceof LrpError)) return error;
  return new LrpError(
    error.code,
    error.issues.map((issue) => (issue.where === "the model" ? { ...issue, where: `file '${path}'` } : issue)),
  );
}

/** The sample of a batch that `--sample` chose. */
export function chosenSample(values: Values, batch: number): number {
  const sample = values.sample ?? 0;
  if (sample < batch) return sample;
  throw new LrpError("usage", {
    where: "option '--sample'",
    expected: `a sample from 0 to ${batch - 1}`,
    received: `${sample}`,
  });
}
