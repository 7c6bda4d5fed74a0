import { shown, usage } from "../base/error.ts";
import { type Axes, type Layout, layoutOf } from "../base/layout.ts";
import { type Dims, shapeText, size, type Tensor } from "../base/tensor.ts";
import type { Port } from "../graph/graph.ts";
import type { Prediction } from "../model/report.ts";
import type { Input } from "../run/input.ts";
import type { Chosen } from "../run/target.ts";
import { type Attributed, attributionOf, mapOf, type PlaceMap, targetsOf } from "./attribution.ts";

/** A network of one input that predicts: a `Model`, or whatever answers as one does, at once or later. */
export interface Predictor {
  readonly inputs: readonly Port[];
  readonly classes?: readonly string[];
  predict(input: Input): Prediction | Promise<Prediction>;
}

/** @internal The input of one sample, and how its numbers lie. */
export interface Placed {
  readonly data: Float32Array;
  readonly dims: Dims;
  readonly layout: Layout;
}

/** @internal @throws LrpError "usage" for what does not predict, or takes another number of inputs than one */
export function checkPredictor(where: string, model: Predictor): void {
  if (typeof model?.predict !== "function" || !Array.isArray(model.inputs))
    throw usage(`the model of ${where}`, "a model or an object { inputs, predict }", shown(model));
  if (model.inputs.length !== 1)
    throw usage(where, "a network with one input", model.inputs.map(({ name }) => `'${name}'`).join(", ") || "none");
}

/**
 * @internal Which axes of the only input are samples and channels: as the tensor says, or the network; axis 0, where
 * neither does.
 */
export function axesOf(model: Pick<Predictor, "inputs"> | undefined, input: Tensor): Axes {
  const port: Axes = model?.inputs?.[0] ?? {};
  const { batchAxis = port.batchAxis === undefined ? 0 : port.batchAxis, channelAxis = port.channelAxis } = input;
  return { batchAxis, channelAxis };
}

/** @internal How many inputs run together, along axis 0; undefined where the network takes any number. */
export function stackOf(model: Pick<Predictor, "inputs">, input: Tensor): number | undefined {
  const [first] = model.inputs[0].dims;
  if (axesOf(model, input).batchAxis !== 0) return 1;
  return typeof first === "number" ? first : undefined;
}

/** @internal @throws LrpError "usage" unless it is a tensor of one sample */
export function checkOne(where: string, model: Pick<Predictor, "inputs"> | undefined, input: Tensor): void {
  const { data, dims } = input ?? {};
  const fits = data instanceof Float32Array && Array.isArray(dims) && data.length === size(dims);
  const { batchAxis } = fits ? axesOf(model, input) : {};
  if (fits && (batchAxis === null || dims[batchAxis!] === 1)) return;
  const received = Array.isArray(dims)
    ? `${data?.length ?? "no"} numbers with dims ${shapeText(dims, "")}`
    : shown(input);
  throw usage(where, "a tensor of a single sample, { data: Float32Array, dims: [1, …] }", received);
}

/** @internal The input, and the map of the relevance, of the input's dims or of its places. */
export function subjectOf(model: Predictor, input: Tensor, given: Attributed): { subject: Placed; map: PlaceMap } {
  checkOne("the input", model, input);
  const { data, dims } = input;
  const relevance = attributionOf("the attribution", given);
  const same = relevance.dims?.join() === dims.join();
  const { batchAxis, channelAxis = same ? relevance.channelAxis : undefined } = axesOf(model, input);
  const own = same ? { data: relevance.data, dims, batchAxis, channelAxis } : relevance;
  const targets = targetsOf(given);
  const map = mapOf(targets ? { relevance: own, targets } : own);
  const layout = layoutOf({ dims, batchAxis, channelAxis });
  if (layout.places.join() === map.dims.join()) return { subject: { data, dims, layout }, map };
  const expected = `the input's dims [${dims}] or its places [${layout.places}]`;
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
  const keyOf = ({ index, position = [], area }: Chosen) => [index, area, ...position].join();
  const weights = new Map(a.map((one) => [keyOf(one), one.weight]));
  const near = (own: Chosen) => Math.abs(weights.get(keyOf(own))! - own.weight) <= 1e-4 * Math.abs(own.weight);
  return a.length === b.length && b.every((own) => weights.has(keyOf(own)) && near(own));
}

/** @internal A note where relevance knows what it explains, and something else is followed. */
export function notesOn(relevance: Attributed, followed: readonly Chosen[]): string[] {
  const explained = targetsOf(relevance)?.[0];
  if (!explained || isSame(explained, followed)) return [];
  return [
    `The relevance explains ${namesOf(explained)}, but the score that is followed is that of ${namesOf(followed)}.`,
  ];
}
