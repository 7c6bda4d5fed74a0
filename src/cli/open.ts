import { usage } from "../base/error.ts";
import type { TensorData } from "../base/tensor.ts";
import { load, type LoadOptions, LrpError, type Model, type Prediction, type Tensor } from "../entries/index.ts";
import { besideModel } from "./beside.ts";
import { readClasses } from "./classes.ts";
import { fileKind } from "./file-kind.ts";
import { readBytes } from "./files.ts";
import type { Values } from "./options.ts";
import { readSidecar, type Sidecar } from "./sidecar.ts";

export interface Opened {
  readonly model: Model;
  readonly sidecar: Sidecar;
  /** The file. */
  readonly bytes: Uint8Array;
  /** What was said of its axes. */
  readonly axes: Pick<LoadOptions, "batch" | "channelAxis">;
  /** What else it is loaded with, which changes no result. */
  readonly memory: Pick<LoadOptions, "maxMemory" | "maxWork" | "weights">;
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
  const kind = fileKind(bytes);
  if (kind)
    throw new LrpError("not-onnx", {
      where: `file '${path}'`,
      expected: "an ONNX model",
      received: kind.name,
      fix: kind.fix,
    });
  const classes = values.classes === undefined ? sidecar.classes : await readClasses(values.classes);
  const axes = {
    batch: values.batch === undefined ? undefined : axesOf(values.batch),
    channelAxis: values["channel-axis"],
  };
  const { outputs } = values;
  const memory = { maxMemory: values["max-memory"], maxWork: values["max-work"], weights: values.weights };
  const given = { classes, externalData: besideModel(path), outputs, ...axes, ...memory };
  const model = await load(bytes, given).catch((error) => Promise.reject(naming(error, path)));
  if (classes) checkCount(classes, model, values.classes ?? sidecar.path);
  return { model, sidecar, bytes, axes, memory, ms: performance.now() - start };
}

/** What `--batch` says: no axis of samples at all, or for each input which one, or none. */
function axesOf(text: string): LoadOptions["batch"] {
  if (text === "none") return false;
  const pairs = text.split(",").map((part) => {
    const at = part.lastIndexOf(":");
    const axis = part.slice(at + 1);
    return [part.slice(0, at), axis === "none" ? null : Number(axis)] as const;
  });
  return Object.fromEntries(pairs);
}

function checkCount(classes: readonly string[], model: Model, path: string): void {
  const { dims } = model.outputs[0];
  const inner = dims.length > 1 ? dims.slice(1) : dims;
  const count = inner.reduce<number>((product, d) => product * Number(d), 1);
  // Which of several axes has the classes is known when something is explained.
  if (classes.length === count || Number.isNaN(count) || inner.filter((d) => d !== 1).length > 1) return;
  throw new LrpError("usage", {
    where: `file '${path}'`,
    problem: `it has ${classes.length} class names, but the model's output has ${count} values`,
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

/** The output that is listed where nothing is said. */
export const nameOf = ({ output, outputs }: Prediction): string =>
  Object.keys(outputs).find((name) => outputs[name].data === output.data)!;

/** One of the outputs; left out, that which would be explained. @throws LrpError code "usage" for a name of none */
export function outputNamed({ output, outputs }: Prediction, name?: string): Tensor<TensorData> {
  if (name === undefined) return output;
  const found = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (found?.data === output.data) return output;
  // Which of its axes counts samples is known of the output alone that would be explained.
  if (found) return { ...found, batchAxis: found.dims.length > 1 && found.dims[0] === 1 ? 0 : null };
  const names = Object.keys(outputs).map((other) => `'${other}'`);
  const fix = "'relprop inspect' says why another one is left out.";
  throw usage("option '--output'", `an output that is computed: ${names.join(", ")}`, `'${name}'`, fix);
}
