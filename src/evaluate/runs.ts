import { LrpError } from "../base/error.ts";
import type { Model } from "../model/model.ts";
import type { Explanation } from "../model/report.ts";
import { chooseTargets, type Target } from "../run/target.ts";
import { scoresOf } from "../run/scores.ts";
import { shapeText, size, type Tensor, type TensorData } from "../base/tensor.ts";
import { stackOf } from "./predictor.ts";

/** How far a method is. */
export interface Progress {
  /** Runs through the network, of each sample; of metrics, the parts of their work. */
  readonly done: number;
  readonly total: number;
}

/** Of an AbortSignal, what is needed: not every program's types know that name. */
export interface Signal {
  readonly aborted: boolean;
  throwIfAborted(): void;
}

/** How long work is watched and ended. */
export interface Watch {
  /** Aborted, it ends the work between two batches: the promise rejects with the signal's reason. */
  readonly signal?: Signal;
  /** Called after every batch. */
  readonly onProgress?: (progress: Progress) => void;
}

/** @internal What is attributed: the score of a target, at an input. */
export interface Study extends Watch {
  readonly model: Model;
  readonly x: Tensor;
  readonly target: Target;
  readonly classAxis: number | undefined;
  /** How many samples may run together. */
  readonly batch: number;
}

/** @internal Runs of inputs that are made from the given one. */
export interface Runs {
  readonly total: number;
  /** Makes the input of run k from the given one, which `to` holds. Called once for each k, in order. */
  change(k: number, to: Float32Array): void;
}

/** @internal What the network says of the input as it was given. */
export interface Decided extends Pick<Explanation, "output" | "logits" | "targets" | "rules" | "notes"> {
  /** Of every logit of every sample, in the score. */
  readonly weights: Float32Array;
}

/** How many copies of the input run together: as many in each batch, since another shape would be planned anew. */
function copiesFor({ model, x, batch }: Study, total: number): number {
  const most = stackOf(model, x) === undefined ? Math.max(1, Math.floor(batch / x.dims[0])) : 1;
  return Math.ceil(total / Math.ceil(total / most));
}

/** A network may name its batch, and yet be written for one sample. */
function together<T>(copies: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (copies === 1 || !(error instanceof LrpError) || error.code === "usage" || error.code === "memory") throw error;
    const hint = {
      where: "option 'batch'",
      problem: `${copies} copies of the input ran together`,
      fix: "A network that takes one sample at a time needs batch: 1.",
    };
    throw new LrpError(error.code, [...error.issues, hint]);
  }
}

/** The first of equal parts along the batch. */
function firstOf<Data extends TensorData>(copies: number, tensor: Tensor<Data>): Tensor<Data> {
  if (copies === 1) return tensor;
  const [n, ...rest] = tensor.dims;
  if (n % copies === 0)
    return { ...tensor, data: tensor.data.slice(0, tensor.data.length / copies) as Data, dims: [n / copies, ...rest] };
  throw new LrpError("shape", {
    where: "the network's output",
    expected: `rows for each of ${copies} copies of the input`,
    received: shapeText(tensor.dims),
    fix: "Option batch: 1 runs one copy at a time.",
  });
}

function decide({ model, target, classAxis }: Study, stacked: Tensor, copies: number): Decided {
  const all = together(copies, () => model.predict(stacked));
  const [output, logits] = [firstOf(copies, all.output), firstOf(copies, all.logits)];
  const scores = scoresOf({ output, logits }, classAxis);
  const { targets, relevance: weights } = chooseTargets(target, "one", scores, model.classes);
  const squashed = logits.data.some((v, i) => v !== Number(output.data[i]));
  const notes = squashed ? ["The score is a logit: the input of the softmax, log-softmax or sigmoid at the end."] : [];
  return { output, logits, targets, weights, rules: [], notes };
}

const repeated = (values: Float32Array, times: number): Float32Array => {
  const all = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) all.set(values, i * values.length);
  return all;
};

/**
 * @internal Whoever aborts gets a turn: promises that are resolved already would not let timers and events in between.
 * A message to oneself comes at once, a timer after a millisecond, or four in a page; Cloudflare's workers may have
 * timers alone.
 */
export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof MessageChannel === "undefined") return void setTimeout(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

/** Decides what is explained, then runs `total` changed inputs in batches, and hands on what each run gives. */
async function inBatches<T>(
  study: Study,
  { total, change }: Runs,
  run: (stacked: Tensor, copies: number, decided: Decided) => (i: number) => T,
  take: (result: T, k: number) => void,
): Promise<Decided> {
  const { x, signal, onProgress } = study;
  signal?.throwIfAborted();
  const copies = copiesFor(study, total);
  const dims = copies === 1 ? x.dims : [copies * x.dims[0], ...x.dims.slice(1)];
  const stacked = { data: repeated(x.data, copies), dims };
  const decided = decide(study, stacked, copies);
  for (let done = 0; done < total; ) {
    const now = Math.min(copies, total - done);
    for (let i = 0; i < now; i++) {
      const own = stacked.data.subarray(i * x.data.length, (i + 1) * x.data.length);
      own.set(x.data);
      change(done + i, own);
    }
    const part = run(stacked, copies, decided);
    for (let i = 0; i < now; i++) take(part(i), done + i);
    done += now;
    onProgress?.({ done, total });
    await turn();
    signal?.throwIfAborted();
  }
  return decided;
}

const partsOf = (values: Float32Array, copies: number) => (i: number) =>
  values.subarray((i * values.length) / copies, ((i + 1) * values.length) / copies);

/** @internal Hands on the gradient of the score at each of the inputs. */
export async function gradients(
  study: Study,
  runs: Runs,
  take: (gradient: Float32Array, k: number) => void,
): Promise<Decided> {
  let way: Pick<Decided, "rules" | "notes"> = { rules: [], notes: [] };
  const run = (stacked: Tensor, copies: number, { weights }: Decided) => {
    const target = repeated(weights, copies);
    const explanation = together(copies, () =>
      study.model.explain(stacked, { composite: "gradient", target, start: "one", classAxis: study.classAxis }),
    );
    way = explanation;
    return partsOf(explanation.relevance.data, copies);
  };
  const decided = await inBatches(study, runs, run, take);
  return { ...decided, rules: way.rules, notes: way.notes };
}

/** @internal Hands on the score of every sample at each of the inputs. */
export function scores(study: Study, runs: Runs, take: (scores: Float64Array, k: number) => void): Promise<Decided> {
  const run = (stacked: Tensor, copies: number, decided: Decided) => {
    const part = partsOf(together(copies, () => study.model.predict(stacked)).logits.data, copies);
    return (i: number) => weighed(part(i), decided);
  };
  return inBatches(study, runs, run, take);
}

/** @internal Σ weight · logit of each sample. */
export function weighed(logits: Float32Array, { weights, targets, output }: Decided): Float64Array {
  const sums = new Float64Array(targets.length);
  // The numbers of one sample stand together in runs, one for each place of the axes before the samples'.
  const run = output.batchAxis ? size(output.dims.slice(output.batchAxis + 1)) : logits.length / targets.length;
  for (let i = 0; i < logits.length; i++) sums[Math.floor(i / run) % targets.length] += weights[i] * logits[i];
  return sums;
}
