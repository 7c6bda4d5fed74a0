import {
  type Composite,
  type Explanation,
  type ExplainOptions,
  type Layer,
  type Model,
  type Network,
  type Rule,
  sequential,
  type Tensor,
} from "../src/entries/index.ts";
import { loadInMode } from "./modes.ts";

/** A network of these layers for inputs of these dims, batch included. */
export function network(dims: readonly number[], ...layers: Layer[]): Network {
  return sequential({ input: dims.slice(1) }, layers);
}

/** Explains with `r` as the relevance that arrives at the output. */
export function explainFrom(
  model: Model,
  x: Tensor,
  r: ArrayLike<number>,
  options: Omit<ExplainOptions, "target" | "start">,
): Explanation {
  return model.explain(x, { ...options, target: Float32Array.from(r), start: "one" });
}

/** Explains a network of one rule. */
export async function explainLayer(
  source: Uint8Array | Network,
  x: Tensor,
  r: ArrayLike<number>,
  composite: Rule | Composite,
): Promise<Explanation> {
  using model = await loadInMode(source);
  return explainFrom(model, x, r, {
    composite: Array.isArray(composite) ? (composite as Composite) : [{ rule: composite as Rule }],
  });
}

/** The outputs of one run. */
export async function predict(source: Uint8Array | Network, x: Tensor): Promise<Tensor> {
  using model = await loadInMode(source);
  return model.predict(x).output;
}
