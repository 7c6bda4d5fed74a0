import { layoutOf } from "../base/layout.ts";
import type { Tensor } from "../base/tensor.ts";
import { chosenRows } from "./measure.ts";
import type { SharedOptions } from "./evaluate.ts";
import { methods } from "./methods.ts";
import { DRAWS } from "./randomisation.ts";
import { NEARBY } from "./sensitivity.ts";

/**
 * @internal What `evaluate` does to one input: runs of the network, with and without the way back, and loading of
 * networks that are made from it.
 */
export interface Cost {
  readonly predictions: number;
  readonly explanations: number;
  readonly loads: number;
}

/** @internal @param layers how many layers of the network have parameters */
export function costOf(
  input: Tensor,
  layers: number,
  { methods: choices, metrics, perturbation = {}, sensitivity, randomisation }: SharedOptions,
): Cost {
  const rows = chosenRows(metrics);
  const needs = new Set(rows.flatMap((row) => row.needs));
  const orders = new Set(rows.flatMap(({ curves = [] }) => curves));
  const { region = 1, step = 1, steps = 100 } = perturbation;
  const regions = layoutOf(input).axes.reduce((count, side) => count * Math.ceil(side / region), 1);
  const curve = 1 + Math.min(steps, Math.ceil(regions / step));
  // The curve of the random order is the same for all methods.
  const curves = choices.length * (orders.size - Number(orders.has("random"))) + Number(orders.has("random"));
  const networks = needs.has("network") ? 1 + layers * (randomisation?.draws ?? DRAWS) : 0;
  const nearby = needs.has("explainer") ? 1 + (sensitivity?.samples ?? NEARBY) : 0;
  const times = 1 + Number(needs.has("milliseconds")) + nearby + networks;
  const own = choices.map((choice) => methods.find(({ name }) => name === choice.method)?.runs(choice, input));
  // A method that is no composite decides first what it explains.
  const predictions = own.reduce((sum, runs) => sum + (runs ? 1 + (runs.predictions ?? 0) : 0), 0);
  const explanations = own.reduce((sum, runs) => sum + (runs ? (runs.gradients ?? 0) : 1), 0);
  return {
    predictions: 1 + curves * curve + times * predictions,
    explanations: times * explanations,
    loads: choices.length * networks,
  };
}
