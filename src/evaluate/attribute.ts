import { LrpError, noOption, shown, usage } from "../base/error.ts";
import type { Model } from "../model/model.ts";
import type { ExplainOptions } from "../model/options.ts";
import type { Explanation } from "../model/report.ts";
import { composites } from "../rules/composite.ts";
import { checkInputs, type Input } from "../run/input.ts";
import { isFloat, shapeText, type Tensor } from "../base/tensor.ts";
import { throughAttention } from "./attention.ts";
import { checkWhole } from "./check.ts";
import { type MethodParameters, type MethodRow, methods } from "./methods.ts";
import { axesOf } from "./predictor.ts";
import type { Watch } from "./runs.ts";

/** How a network is attributed. With the name of a composite: what `explain` takes beside it. */
export interface AttributeOptions extends Omit<ExplainOptions, "composite">, MethodParameters, Watch {
  /** The name of a row of `methods`, or of `composites`. Default: the network's composite. */
  readonly method?: string;
  /**
   * How many samples run through the network together, where it takes several; default 8. It changes the time, not the
   * result.
   */
  readonly batch?: number;
}

const SHARED: readonly (keyof AttributeOptions)[] = ["method", "target", "classAxis", "batch", "signal", "onProgress"];

/**
 * Attributes the score of a target to the input, by any method: one call, and one type of result, for all that papers
 * compare.
 *
 * The score f is Σ weight · logit of the target, which is decided once, on the input as it was given. With a composite
 * it is `explain`. With other methods `rules` are those of the gradients that were taken (none for occlusion), and
 * `ledger` and `at` are empty: these belong to a single run.
 *
 * Methods of attention (`attentionRollout`, `gradientTimesAttention`) take networks with any inputs, ids among them.
 * They give each token one number, which is spread evenly over the numbers of the input that the token is made from:
 * those are found by changing them. They are refused where they mean nothing: without attention, with attention between
 * different tokens or in windows, with tokens that have numbers in common, and for several samples.
 *
 * @returns relevance of the input's dims
 * @throws LrpError as `explain`; "usage" for options that the method does not take, and for several inputs or integers
 * where it changes them; "unsupported" for networks that a method of attention has no meaning for
 * @example
 * const e = await attribute(model, image, { method: "integratedGradients", steps: 50, target: "tabby" });
 * await writeFile("tabby.png", await encodePng(heatmap(e.relevance)));
 */
export async function attribute(model: Model, input: Input, options: AttributeOptions): Promise<Explanation> {
  if (typeof model?.explain !== "function") throw usage("the model of attribute", "a model from load", shown(model));
  if (typeof options !== "object" || options === null)
    throw usage("the options of attribute", "an object { method, … }", shown(options));
  const { method, batch = 8, signal, onProgress, ...rest } = options;
  checkWhole("option 'batch'", batch, 1);
  const row = methods.find(({ name }) => name === method);
  if (row) return byMethod(row, model, input, options, batch);
  if (method !== undefined && !composites.some(({ name }) => name === method))
    throw new LrpError("usage", {
      where: "option 'method'",
      expected: `one of ${[...methods, ...composites].map(({ name }) => name).join(", ")}`,
      received: `'${method}'`,
    });
  signal?.throwIfAborted();
  const explanation = model.explain(input, { ...rest, composite: method });
  onProgress?.({ done: 1, total: 1 });
  return explanation;
}

/** The numbers of the only input. */
function onlyInput(model: Model, input: Input, method: string): Tensor {
  const [port, ...more] = model.inputs;
  if (more.length > 0 || !isFloat(port.type))
    throw new LrpError("usage", {
      where: `method '${method}'`,
      expected: "a network with one input of a floating-point type",
      received: model.inputs.map(({ name, type, dims }) => `${name} ${shapeText(dims, type)}`).join(", "),
      fix: "Composites explain networks with any inputs.",
    });
  const { data, dims } = checkInputs(model.inputs, input).get(port.name)!;
  // A copy: the caller may use its array again while this waits.
  return { data: data.slice(), dims: [...dims], ...axesOf(model, input as Tensor) };
}

async function byMethod(
  row: MethodRow,
  model: Model,
  input: Input,
  options: AttributeOptions,
  batch: number,
): Promise<Explanation> {
  const known = [...SHARED, ...row.parameters];
  const stray = Object.entries(options).find(
    ([name, value]) => value !== undefined && !known.some((k) => k === name),
  )?.[0];
  if (stray) throw noOption(`method '${row.name}'`, stray, known);
  const { target = "argmax", classAxis, signal, onProgress } = options;
  const { name, rows, run } = row;
  if (rows) return throughAttention(model, input, { target, classAxis, signal, onProgress }, { name, rows });
  const x = onlyInput(model, input, row.name);
  const sums = new Float64Array(x.data.length);
  const found = await run!({ model, x, target, classAxis, batch, signal, onProgress }, options, sums);
  const { output, logits, targets, rules, notes } = found;
  const relevance = { ...x, data: Float32Array.from(sums) };
  return {
    output,
    logits,
    targets,
    start: "one",
    relevance,
    inputs: { [model.inputs[0].name]: relevance },
    shares: {},
    at: {},
    rules,
    ledger: [],
    stability: { verdict: "unjudged" },
    notes,
  };
}
