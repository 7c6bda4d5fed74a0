import type { Attribution } from "../../src/evaluate/attribution.ts";
import { sampleOf } from "../../src/evaluate/attribution.ts";
import {
  conv2d,
  dense,
  type Explanation,
  flatten,
  load,
  maxPool2d,
  type Model,
  type Network,
  relu,
  type Tensor,
} from "../../src/entries/index.ts";
import { network } from "../explain.ts";
import { golden, tensorOf } from "../golden/read.ts";

const file = golden("zennit_small_cnn");
const metrics = golden("metrics");

const parameters = (name: string) => {
  const { weight, bias } = file.layers.find((l: { name: string }) => l.name === name);
  return { name, weight: tensorOf(weight), bias: tensorOf(bias) };
};

/** The network of the goldens: two convolutions and a dense layer on [n, 2, 8, 8]. */
export const smallCnn: Network = network(
  file.input.shape,
  conv2d({ ...parameters("conv1"), pads: 1 }),
  relu(),
  maxPool2d({ kernel: 2 }),
  conv2d(parameters("conv2")),
  relu(),
  flatten(),
  dense(parameters("fc")),
);

/** The sample of the golden metrics, and its class. */
export const x: Tensor = sampleOf(tensorOf(file.input), metrics.sample);
export const target: number = metrics.target;
export const goldenMap: Attribution = { data: metrics.relevance_map_8x8_channel_sum, dims: [8, 8] };

export async function withSmallCnn<T>(use: (model: Model) => T | Promise<T>): Promise<T> {
  using model = await load(smallCnn, { relaxed: "never" });
  return await use(model);
}

export function explained(composite: string): Promise<Explanation> {
  const box = composite.endsWith("Box") ? { low: -1, high: 1 } : {};
  return withSmallCnn((model) => model.explain(x, { composite, target, start: "one", ...box }));
}
