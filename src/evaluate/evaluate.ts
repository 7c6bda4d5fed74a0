import { LrpError, misuse, shown, usage } from "../base/error.ts";
import type { Network } from "../read/network.ts";
import type { Model } from "../model/model.ts";
import type { Source } from "../read/open.ts";
import type { Explanation } from "../model/report.ts";
import type { Stability } from "../model/stability.ts";
import type { Input } from "../run/input.ts";
import { scoresOf } from "../run/scores.ts";
import { type Chosen, chooseTargets, type Target } from "../run/target.ts";
import type { Tensor } from "../base/tensor.ts";
import { attribute, type AttributeOptions } from "./attribute.ts";
import { checkNames } from "./check.ts";
import { startOf } from "./conservation.ts";
import type { Mask } from "./localisation.ts";
import type { Curve } from "./perturbation.ts";
import { checkOne, checkPredictor } from "./predictor.ts";
import { type Curves, chosenRows, type Measurement, type MeasureOptions, measured } from "./measure.ts";
import { methods } from "./methods.ts";
import type { Order } from "./order.ts";
import type { NetworkExplainer } from "./randomisation.ts";
import type { Watch } from "./runs.ts";
import type { Subject } from "./table.ts";
import { doParts } from "./work.ts";

/** A method, as `attribute` takes it. */
export interface MethodChoice
  extends Omit<AttributeOptions, "method" | "target" | "classAxis" | "batch" | keyof Watch> {
  /** The name of a row of `methods`, or of `composites`. */
  readonly method: string;
  /** Names it in the result; needed where a method comes twice. Default: the method's name. */
  readonly label?: string;
}

export interface EvaluateOptions extends Watch, Pick<MeasureOptions, "randomisation"> {
  readonly methods: readonly MethodChoice[];
  /** Names of rows of `metrics`. */
  readonly metrics: readonly string[];
  /** Decided once, on the input as it is: every method and metric is about the same score. Default "argmax". */
  readonly target?: Target;
  /** The axis of the output that has the classes; as of `explain`. */
  readonly classAxis?: number;
  readonly batch?: number;
  readonly mask?: Mask;
  readonly perturbation?: Omit<NonNullable<MeasureOptions["perturbation"]>, "target" | "classAxis" | "batch">;
  readonly sensitivity?: MeasureOptions["sensitivity"];
  /** For `parameterRandomisation`: what the model was loaded from, and how its like are loaded. */
  readonly network?: { readonly source: Source; readonly load: (network: Network) => Promise<Model> };
}

/** What many inputs have in common. */
export type SharedOptions = Omit<EvaluateOptions, "target" | "mask" | "network" | keyof Watch>;

/** One method on one input. */
export interface MethodResult {
  readonly method: string;
  /** By metric; null where it has no value. */
  readonly values: Readonly<Record<string, number | null>>;
  /** Why a value is null, by metric. */
  readonly missing: Readonly<Record<string, string>>;
  /** The curves that metrics followed, by order. */
  readonly curves: Readonly<Partial<Record<Order, Curve>>>;
  readonly relevance: Tensor;
  /** Whether it can be read; metrics are computed either way. */
  readonly stability: Stability;
}

/** Several methods on one input. */
export interface Evaluation {
  /** What is explained; the score is Σ weight · score. */
  readonly targets: readonly Chosen[];
  /** The class of the largest logit. */
  readonly predicted: Pick<Chosen, "index" | "name"> & { readonly logit: number };
  readonly results: readonly MethodResult[];
}

const OPTIONS: readonly (keyof EvaluateOptions)[] = [
  "methods",
  "metrics",
  "target",
  "classAxis",
  "batch",
  "mask",
  "perturbation",
  "sensitivity",
  "randomisation",
  "network",
  "signal",
  "onProgress",
];

/** The methods with a label each. */
function labelled(choices: readonly MethodChoice[]): (MethodChoice & { readonly label: string })[] {
  const isList = Array.isArray(choices) && choices.length > 0;
  if (!isList || choices.some((choice) => typeof choice !== "object" || choice === null))
    throw usage("option 'methods'", "a list of { method, … }", shown(choices));
  const list = choices.map((choice) => ({ ...choice, label: choice.label ?? choice.method }));
  const twice = list.find(({ label }, i) => list.findIndex((other) => other.label === label) < i)?.label;
  if (twice !== undefined)
    throw misuse("option 'methods'", `two methods have the label '${twice}'`, "Give each a label of its own.");
  return list;
}

/** What relevance is held against: where LRP starts from, or the score itself, which other methods explain. */
function expectedOf(method: string, explanation: Explanation): number {
  return startOf(methods.some(({ name }) => name === method) ? { ...explanation, start: "logit" } : explanation);
}

/** Explains an input by other networks. */
function explainerOf(
  load: (network: Network) => Promise<Model>,
  explain: (model: Model) => Promise<Explanation>,
): NetworkExplainer {
  return async (network) => {
    const model = await load(network);
    try {
      return [await explain(model)];
    } finally {
      model.dispose();
    }
  };
}

function resultOf(
  method: string,
  { relevance, stability }: Explanation,
  { values, curves }: Measurement,
): MethodResult {
  const entries = Object.entries(values);
  const missing = entries.flatMap(([name, value]) => (value instanceof LrpError ? [[name, value.message]] : []));
  return Object.freeze({
    method,
    values: Object.freeze(
      Object.fromEntries(entries.map(([name, value]) => [name, value instanceof LrpError ? null : value])),
    ),
    missing: Object.freeze(Object.fromEntries(missing)),
    curves: Object.freeze(curves),
    relevance,
    stability,
  });
}

/**
 * Explains one input by several methods, and measures each by several metrics, about one score. Curves of the random
 * order, which do not depend on the relevance, are followed once for all methods. `pool.evaluate` does it for many
 * inputs.
 *
 * @param input f32[1, c, …places] or f32[1, features], of a network with one input
 * @throws LrpError as `attribute` and `measure`; "usage" for several samples; a metric that has no value for an
 * attribution is no error: its value is null
 * @example
 * const methods = [{ method: "epsilonPlus" }, { method: "gradient" }];
 * const { results } = await evaluate(model, image, { methods, metrics: ["morf", "gini"] });
 * console.log(toCsv(results.map(({ method, values }) => ({ method, ...values }))));
 */
export async function evaluate(model: Model, input: Tensor, options: EvaluateOptions): Promise<Evaluation> {
  checkNames("evaluate", options, OPTIONS);
  const { metrics, classAxis, batch, mask, network, signal, onProgress, sensitivity, randomisation } = options;
  checkPredictor("evaluate", model);
  checkOne("the input", model, input);
  const choices = labelled(options.methods);
  if (!Array.isArray(metrics)) throw usage("option 'metrics'", "a list of names", String(metrics));
  const needs = new Set(chosenRows(metrics).flatMap((row) => row.needs));
  const scores = scoresOf(model.predict(input as Input), classAxis);
  const { targets, relevance: target } = chooseTargets(options.target ?? "argmax", "one", scores, model.classes);
  const how = {
    perturbation: { ...options.perturbation, target, classAxis, batch },
    sensitivity,
    randomisation,
    signal,
  };
  const byChance: Curves = new Map();

  const one = async ({ label, ...choice }: (typeof choices)[number]): Promise<MethodResult> => {
    const explain = (by: Model, x: Input) => attribute(by, x, { ...choice, target, classAxis, batch, signal });
    // The first run makes the plan, which is not to be timed.
    if (needs.has("milliseconds")) await explain(model, input);
    const begun = performance.now();
    const explanation = await explain(model, input);
    const subject: Subject = {
      relevance: explanation,
      input,
      model,
      mask,
      expected: expectedOf(choice.method, explanation),
      explainer: (x) => explain(model, x),
      network: network && {
        source: network.source,
        explain: explainerOf(network.load, (other) => explain(other, input)),
      },
      milliseconds: performance.now() - begun,
    };
    const curves: Curves = new Map(byChance);
    const measurement = await measured(metrics, subject, how, curves);
    const chance = curves.get("random");
    if (chance) byChance.set("random", chance);
    return resultOf(label, explanation, measurement);
  };

  const results = await doParts(choices.length, (i) => one(choices[i]), { signal, onProgress });
  const best = chooseTargets("argmax", "one", scores, model.classes).targets[0][0];
  const predicted = { index: best.index, name: best.name, logit: best.score };
  return Object.freeze({ targets: targets[0], predicted, results: Object.freeze(results) });
}
