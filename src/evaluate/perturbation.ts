import { usage } from "../base/error.ts";
import type { Prediction } from "../model/report.ts";
import { scoreLayout, type Scores, scoresOf } from "../run/scores.ts";
import { type Chosen, chooseTargets, type Target } from "../run/target.ts";
import type { Tensor } from "../base/tensor.ts";
import { type Attributed, checkRelevant, sum } from "./attribution.ts";
import { checkNames, checkWhole } from "./check.ts";
import { arranged, type Order } from "./order.ts";
import { checkPredictor, stackOf, notesOn, type Placed, type Predictor, subjectOf } from "./predictor.ts";
import { fillOf, type Replacement } from "./replacement.ts";
import type { Watch } from "./runs.ts";
import { doParts } from "./work.ts";

export interface PerturbationOptions extends Watch {
  /** Default "morf". */
  readonly order?: Order;
  /** Default uniform noise in the input's own range. */
  readonly replacement?: Replacement;
  /**
   * Side p of the regions of p × p pixels that are replaced together (default 1: single pixels), from the top left; at
   * the right and the bottom they are cut off where p does not divide the side.
   */
  readonly region?: number;
  /** How many regions are replaced at a time (default 1). */
  readonly step?: number;
  /**
   * After how many steps it ends (default 100), if it does not end earlier with everything replaced; the last step may
   * be shorter.
   */
  readonly steps?: number;
  /** What is followed; decided on the unperturbed input. Default "argmax". */
  readonly target?: Target;
  /** The axis of the output that has the classes; as of `explain`. */
  readonly classAxis?: number;
  /** Its logit (default; Σ weight · logit of several classes), or its probability by a softmax of the logits. */
  readonly score?: "logit" | "probability";
  /** Of noise, of the random order, and of the order of equal relevance (default 0). */
  readonly seed?: number;
  /**
   * How many inputs run through the network at once (default 16); the curve does not depend on it, but for rounding.
   */
  readonly batch?: number;
}

/** @internal */
export const OPTIONS = [
  "order",
  "replacement",
  "region",
  "step",
  "steps",
  "target",
  "classAxis",
  "score",
  "seed",
  "batch",
  "signal",
  "onProgress",
];

/** What a score does while an input is replaced bit by bit, and how it was made. */
export interface Curve {
  /** y_0 of the input itself, then y_1 … y_M after each step. */
  readonly values: readonly number[];
  /** How many pixels are replaced at each of them. */
  readonly replaced: readonly number[];
  /** How many regions are: the same for all orders, also where the image's edge cuts regions off. */
  readonly regions: readonly number[];
  readonly targets: readonly Chosen[];
  readonly score: "logit" | "probability";
  readonly order: Order;
  readonly replacement: Replacement;
  /** Of `tokenFlipping`: what tokens are replaced by. */
  readonly flip?: Readonly<Record<string, number>>;
  readonly region: number;
  readonly step: number;
  readonly seed: number;
  /** What is worth knowing, in sentences: that the relevance is of another target than is followed. */
  readonly notes: readonly string[];
}

type Settings = Required<Omit<PerturbationOptions, keyof Watch | "classAxis">> & Pick<PerturbationOptions, "classAxis">;

function settingsOf(options: PerturbationOptions): Settings {
  checkNames("perturbation", options, OPTIONS);
  const { order = "morf", replacement = { kind: "noise" }, target = "argmax", score = "logit" } = options;
  const { region = 1, step = 1, steps = 100, seed = 0, batch = 16 } = options;
  for (const [name, value] of Object.entries({ region, step, steps, batch })) checkWhole(`option '${name}'`, value, 1);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  if (score !== "logit" && score !== "probability")
    throw usage("option 'score'", "'logit' or 'probability'", `'${score}'`);
  return { order, replacement, target, classAxis: options.classAxis, score, region, step, steps, seed, batch };
}

function softmax(logits: Float64Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const powers = logits.map((f) => Math.exp(f - most));
  const total = sum(powers);
  return powers.map((p) => p / total);
}

/** The scores of each of a batch. */
function rowsOf(prediction: Prediction, batch: number, classAxis: number | undefined): Scores[] {
  const scores = scoresOf(prediction, classAxis);
  if (batch === 1) return [scores];
  const { data, dims, batchAxis } = scores;
  if (batchAxis !== 0 || dims[0] !== batch)
    throw usage(
      "the model",
      `logits for each of ${batch} inputs`,
      `dims [${dims}]`,
      "Option batch: 1 runs one input at a time.",
    );
  const count = data.length / batch;
  const one = [1, ...dims.slice(1)];
  return Array.from({ length: batch }, (_, i) => ({
    ...scores,
    data: data.subarray(i * count, (i + 1) * count),
    dims: one,
  }));
}

interface Perturbed {
  readonly data: Float32Array;
  readonly replaced: number;
}

/** The input after no step, one, two …; without an end, so that the last batch can be as large as the others. */
function* perturbed(
  { data, layout }: Placed,
  regions: readonly number[][],
  settings: Settings,
): Generator<Perturbed, never> {
  const fill = fillOf(settings.replacement, data, layout, settings.seed);
  const { place } = layout.tables();
  const removed = new Uint8Array(layout.count);
  yield { data, replaced: 0 };
  for (let replaced = 0, from = 0; ; from += settings.step) {
    for (const at of regions.slice(from, from + settings.step).flat()) {
      removed[at] = 1;
      replaced++;
    }
    const filled = fill(removed);
    yield { data: data.map((v, i) => (removed[place[i]] ? filled[i] : v)), replaced };
  }
}

/**
 * Replaces pixels in the order of their relevance and follows the score of a target. All channels of a pixel are
 * replaced together.
 *
 *   y_m = f_t(x with the first m · step regions replaced)
 *
 * Equal relevance, such as the 0 of pixels that are 0 under rules that share by x · w, is ordered by chance, from the
 * seed: as the order "random" is.
 *
 * Source: Bach et al. 2015 (pixel flipping), Samek et al. 2017 (regions), Binder et al. 2016 (orders morf, random,
 * minAbs; noise), Rong et al. 2022 (linear imputation).
 *
 * @param input f32[1, c, …places] or f32[1, features]; channels as `mapOf` says, or as the relevance does
 * @param relevance of the input's dims, or a map of its places; from what `explain` returns, `notes` knows whether it
 * is of the target that is followed
 * @throws LrpError "usage" for options and dims, and as `predict`; "undefined" where all relevance is 0, unless the
 * order is random; the signal's reason when it is aborted
 * @example
 * const { relevance } = model.explain(image);
 * const curve = await perturbation(model, image, relevance, { region: 9, replacement: { kind: "noise" } });
 * aopc(curve);
 */
export async function perturbation(
  model: Predictor,
  input: Tensor,
  relevance: Attributed,
  options: PerturbationOptions = {},
): Promise<Curve> {
  const settings = settingsOf(options);
  const { order, replacement, region, step, seed, score } = settings;
  checkPredictor("perturbation", model);
  const { subject, map } = subjectOf(model, input, relevance);
  if (order !== "random") checkRelevant(`order '${order}' of perturbation`, map.data);
  const regions = arranged(map, order, region, seed);
  const count = 1 + Math.min(settings.steps, Math.ceil(regions.length / step));
  // All batches have one size, because a network is planned anew for another.
  const batch = stackOf(model, input) ?? Math.ceil(count / Math.ceil(count / settings.batch));
  const images = perturbed(subject, regions, settings);
  const replaced: number[] = [];
  let followed: ReturnType<typeof chooseTargets> | undefined;
  const parts = await doParts(
    Math.ceil(count / batch),
    async () => {
      const data = new Float32Array(batch * input.data.length);
      const used = Math.min(batch, count - replaced.length);
      for (let i = 0; i < batch; i++) {
        const image = images.next().value;
        data.set(image.data, i * input.data.length);
        if (i < used) replaced.push(image.replaced);
      }
      const dims = batch === 1 ? input.dims : [batch, ...input.dims.slice(1)];
      const rows = rowsOf(await model.predict({ data, dims }), batch, settings.classAxis).slice(0, used);
      const { relevance: weights } = (followed ??= chooseTargets(settings.target, "one", rows[0], model.classes));
      return rows.map((row) => scoreOf(row, weights, score));
    },
    options,
  );
  const counts = Array.from({ length: count }, (_, m) => Math.min(m * step, regions.length));
  return frozen({
    values: parts.flat(),
    replaced,
    regions: counts,
    targets: followed!.targets[0],
    score,
    order,
    replacement,
    region,
    step,
    seed,
    notes: notesOn(relevance, followed!.targets[0]),
  });
}

/** Σ weight · logit, or probability by a softmax over the classes of each place. */
function scoreOf(scores: Scores, weights: Float32Array, score: Settings["score"]): number {
  const values = Float64Array.from(scores.data);
  if (score === "probability") {
    const { classes, count, at } = scoreLayout(scores);
    if (classes < 2) throw usage("option 'score'", "'logit', since the network has one class only", `'${score}'`);
    for (let place = 0; place < count; place++)
      softmax(Float64Array.from({ length: classes }, (_, c) => scores.data[at(0, c, place)])).forEach((p, c) => {
        values[at(0, c, place)] = p;
      });
  }
  return values.reduce((total, v, i) => total + weights[i] * v, 0);
}

const frozen = (curve: Curve): Curve =>
  Object.freeze({
    ...curve,
    values: Object.freeze(curve.values),
    replaced: Object.freeze(curve.replaced),
    regions: Object.freeze(curve.regions),
    notes: Object.freeze(curve.notes),
  });
