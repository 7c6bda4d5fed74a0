import { shown, usage } from "../base/error.ts";
import { shapeText, size, type Tensor } from "../base/tensor.ts";
import type { Port } from "../graph/graph.ts";
import type { Prediction } from "../model/report.ts";
import type { Input } from "../run/input.ts";
import type { Chosen } from "../run/target.ts";
import {
  type Attributed,
  type Attribution,
  attributionOf,
  type Layout,
  layoutOf,
  mapOf,
  type PlaceMap,
  targetsOf,
} from "./attribution.ts";

/** A network of one input that predicts: a `Model`, or whatever answers as one does, at once or later. */
export interface Predictor {
  readonly inputs: readonly Port[];
  readonly classes?: readonly string[];
  predict(input: Input): Prediction | Promise<Prediction>;
}

/** @internal The input, and how its numbers lie: where channels are, it or the relevance says. */
export interface Placed extends Tensor, Pick<Attribution, "channelAxis"> {
  readonly layout: Layout;
}

/** @internal @throws LrpError "usage" for what does not predict, or takes another number of inputs than one */
export function checkPredictor(where: string, model: Predictor): void {
  if (typeof model?.predict !== "function" || !Array.isArray(model.inputs))
    throw usage(`the model of ${where}`, "a model, or { inputs, predict }", shown(model));
  if (model.inputs.length !== 1) throw usage(where, "a network of one input", model.inputs.length);
}

/** @internal @throws LrpError "usage" unless it is a tensor of one sample, with an axis for it if it has others */
export function checkOne(where: string, input: Tensor): void {
  const { data, dims } = input ?? {};
  const fits = data instanceof Float32Array && Array.isArray(dims) && data.length === size(dims);
  if (fits && (dims.length < 2 || dims[0] === 1)) return;
  const received = Array.isArray(dims)
    ? `${data?.length ?? "no"} numbers of dims ${shapeText(dims, "")}`
    : shown(input);
  throw usage(where, "a tensor of one sample, { data: Float32Array, dims: [1, …] }", received);
}

/**
 * @internal The input, and the map of the relevance: of the input's dims, where either says where channels are, or of
 * its places.
 */
export function subjectOf(input: Tensor, given: Attributed): { subject: Placed; map: PlaceMap } {
  checkOne("the input", input);
  const { data, dims } = input;
  if (dims.length < 2) throw usage("the input", "an axis of samples, dims [1, …]", `dims [${dims}]`);
  const relevance = attributionOf("the attribution", given);
  const same = relevance.dims?.join() === dims.join();
  const channelAxis = (input as Attribution).channelAxis ?? (same ? relevance.channelAxis : undefined);
  const own = same ? { data: relevance.data, dims, channelAxis } : relevance;
  const targets = targetsOf(given);
  const map = mapOf(targets ? { relevance: own, targets } : own);
  const layout = layoutOf(dims, channelAxis);
  if (layout.places.join() === map.dims.join()) return { subject: { data, dims, channelAxis, layout }, map };
  const expected = `the input's dims [${dims}], or its places [${layout.places}]`;
  throw usage("the attribution", expected, `dims [${relevance.dims}]`);
}

const MOST_NAMES = 3;

function namesOf(targets: readonly Chosen[]): string {
  const names = targets.slice(0, MOST_NAMES).map(({ index, name, weight }) => {
    const factor = weight === 1 ? "" : `${Number(weight.toPrecision(3))} · `;
    return `${factor}class ${index}${name === undefined ? "" : ` '${name}'`}`;
  });
  return [...names, ...(targets.length > MOST_NAMES ? ["…"] : [])].join(" + ");
}

/** The same classes and weights, but for rounding: those of a softmax are computed from the logits. */
function isSame(a: readonly Chosen[], b: readonly Chosen[]): boolean {
  const weights = new Map(a.map(({ index, weight }) => [index, weight]));
  const near = ({ index, weight }: Chosen) => Math.abs(weights.get(index)! - weight) <= 1e-4 * Math.abs(weight);
  return a.length === b.length && b.every((own) => weights.has(own.index) && near(own));
}

/** @internal A note where relevance knows what it explains, and something else is followed. */
export function notesOn(relevance: Attributed, followed: readonly Chosen[]): string[] {
  const explained = targetsOf(relevance)?.[0];
  if (!explained || isSame(explained, followed)) return [];
  return [`The relevance is of ${namesOf(explained)}, but the score that is followed is of ${namesOf(followed)}.`];
}
