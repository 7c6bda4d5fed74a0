import { type Limits, MOST_MEMORY, MOST_WORK } from "../base/budget.ts";
import { LrpError, misuse, noOption, shown, usage } from "../base/error.ts";
import type { AxesOptions } from "../infer/axes.ts";
import type { ExternalData } from "../read/onnx/external.ts";
import { type Composite, compositeOf } from "../rules/composite.ts";
import { optionNames, type Parameters } from "../rules/parameters.ts";
import type { Target } from "../run/target.ts";

/** A Worker of a browser, Deno or Bun, or of node:worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

/** How a network is loaded. */
export interface LoadOptions extends AxesOptions {
  /** Names of the classes, in order. With them, you may give targets by name, and results have the names. */
  readonly classes?: readonly string[];
  /** Fused multiply-adds where the runtime has them (default "auto"); "never" gives the same bits everywhere. */
  readonly relaxed?: "auto" | "never";
  /**
   * 3x3 and 5x5 convolutions by Winograd's method (default true): about twice as fast, rounded to about 2e-6 of the
   * largest value.
   */
  readonly winograd?: boolean;
  /**
   * "kept" (default): every form in which rules read the weights is made once and stays in memory. "repacked": the
   * forms are made anew for each layer in each run. This is several times slower, but memory holds only one copy of the
   * weights and the forms of one layer.
   */
  readonly weights?: "kept" | "repacked";
  /**
   * The largest number of bytes that the model's WebAssembly memory may have (default 4 GiB, which is all that can be
   * addressed). The memory grows to what the largest run so far has needed. How much a run needs is known before it: a
   * run that needs more is refused before anything is allocated, and the error has both numbers. Before that, the model
   * frees the forms of weights that only other composites read. The same limit holds in JavaScript's memory for each of
   * these: the file's weights, the constants that are folded for an input's shape, a plan, and what one step needs
   * beside it. The file itself and results are not counted.
   */
  readonly maxMemory?: number;
  /**
   * The largest number of multiply-adds that one sample may take in one call, and that folding may take for an input's
   * shape (default 1e12; a prediction of VGG-16 takes 1.5e10). They are counted before anything runs, and more is
   * refused with code "memory". A number that JavaScript computes counts as 32.
   */
  readonly maxWork?: number;
  /**
   * Names of values inside the file in which the network ends, in place of its own outputs. So the steps that a file adds
   * behind a network, such as the choice of boxes, are left out, and an inner value can be explained.
   */
  readonly outputs?: readonly string[];
  /**
   * For a model that keeps weights in other files: returns the whole content of one of them. relprop itself opens no
   * file. It checks that every part that the model reads lies in the file and is as long as its weights.
   */
  readonly externalData?: ExternalData;
  /**
   * Starts a worker (of a pool, or for `explainAsync` and `predictAsync`) where the package's own file is not found:
   * with bundlers that do not follow `new Worker(new URL(…, import.meta.url))`, such as esbuild and rollup. It has to
   * run "relprop/pool/worker", bundled as an entry of its own. With Deno's own `Worker`, the process ends only after
   * `dispose()`.
   */
  readonly createWorker?: () => WorkerLike;
}

/** What a model is made with, defaults filled in. @throws LrpError "usage" */
export function checkedLoad(
  options: Omit<LoadOptions, "relaxed">,
): Required<Pick<LoadOptions, "winograd" | "weights"> & Limits> {
  const { winograd = true, weights = "kept", maxMemory = MOST_MEMORY, maxWork = MOST_WORK } = options;
  if (weights !== "kept" && weights !== "repacked")
    throw new LrpError("usage", {
      where: "option 'weights' of load",
      expected: "'kept' or 'repacked'",
      received: `'${weights}'`,
    });
  if (!Number.isInteger(maxMemory) || maxMemory < 1 || maxMemory > MOST_MEMORY)
    throw usage("option 'maxMemory' of load", `a whole number of bytes from 1 to ${MOST_MEMORY}`, shown(maxMemory));
  if (!(typeof maxWork === "number" && maxWork >= 1))
    throw usage("option 'maxWork' of load", "a number of multiply-adds, 1 or more", shown(maxWork));
  return { winograd, weights, maxMemory, maxWork };
}

/** How a network is explained. */
export interface ExplainOptions extends Parameters {
  /** A name from `composites`, or a list of entries of your own. Default "epsilonPlusFlat". */
  readonly composite?: string | Composite;
  /**
   * Default "argmax"; `{ class: 130, against: "others" }` explains what speaks for one class rather than for others.
   */
  readonly target?: Target;
  /**
   * Whether relevance starts from weight · logit of each class that is explained (a single class weighs 1), or from the
   * weight. Default "logit", and "one" for composites that are gradients or probabilities.
   */
  readonly start?: "logit" | "one";
  /**
   * What happens at operators for which no rule is known. Without this option, they are an error that names them.
   * "gradient": they pass Jᵀ R, which is not LRP and does not conserve; `rules` and `notes` say where.
   */
  readonly unknown?: "gradient";
  /** Names of values at which relevance is wanted as well. */
  readonly at?: readonly string[];
  /** Which output is explained, when the network has several. Default: the first. */
  readonly output?: string;
  /**
   * The axis of that output that counts the classes; a negative number counts from the end. Default for an output of
   * several axes: the first axis after that of the samples for a picture, and the last axis for a sequence [n, t, c].
   */
  readonly classAxis?: number;
}

/** The names of `ExplainOptions`, those of parameters left out. */
const OWN: Readonly<Record<Exclude<keyof ExplainOptions, keyof Parameters>, true>> = {
  composite: true,
  target: true,
  start: true,
  at: true,
  output: true,
  classAxis: true,
  unknown: true,
};

/**
 * Checks all that can be checked without the network. @param otherwise the composite where none is named
 * @returns the composite that is meant @throws LrpError "usage"
 */
export function checkOptions(options: ExplainOptions, otherwise: string): Composite {
  const known = [...Object.keys(OWN), ...optionNames];
  const stray = Object.keys(options).find((name) => !known.includes(name));
  if (stray) throw noOption("explain", stray, known);
  const { composite = otherwise, at, start, unknown } = options;
  if (at !== undefined && !Array.isArray(at)) throw usage("option 'at'", "a list of names", shown(at));
  if (unknown !== undefined && unknown !== "gradient")
    throw usage("option 'unknown'", "'gradient' or nothing", shown(unknown));
  if (start !== undefined && start !== "logit" && start !== "one")
    throw usage("option 'start'", "'logit' or 'one'", shown(start));
  return compositeOf(composite, options);
}

/** @throws LrpError "usage" unless targets are a list, and are none of the options */
export function checkTargets(targets: unknown, options: object): void {
  if ("target" in options)
    throw misuse("explainEach", "it does not take option 'target'", "The targets are its second argument.");
  if (!Array.isArray(targets) || targets.length === 0)
    throw new LrpError("usage", {
      where: "explainEach",
      expected: "a list of targets",
      received: JSON.stringify(targets) ?? "none",
    });
}
