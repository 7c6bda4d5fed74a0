import { undefinedFor, usage } from "../base/error.ts";
import type { Network } from "../read/network.ts";
import { open, type Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";
import { type Attribution, numbersOf, sum } from "./attribution.ts";
import { checkNames } from "./check.ts";
import { parametrisedLayers, randomized } from "./randomized.ts";
import { spearman } from "./similarity.ts";
import type { Watch } from "./runs.ts";
import { doParts } from "./work.ts";

/** Explains some inputs, always the same ones for the same classes, by a network. */
export type NetworkExplainer = (network: Network) => readonly Attribution[] | Promise<readonly Attribution[]>;

export interface RandomisationOptions extends Watch, Pick<LoadOptions, "externalData"> {
  /** Default 0. */
  readonly seed?: number;
}

/** One step of the test: this layer, and all nearer to the output, have random parameters. */
export interface RandomisationStep {
  readonly layer: string;
  /** Spearman's ρ between the relevance of the trained network and of this one, mean over the samples. */
  readonly spearman: number;
  /** ρ of every sample. */
  readonly each: readonly number[];
  /** Samples whose relevance has become the same everywhere, so that it has no ranks: their ρ counts as 0. */
  readonly flat: number;
}

function isFlat(attribution: Attribution): boolean {
  const values = numbersOf("the attribution", attribution);
  return values.every((v) => v === values[0]);
}

/**
 * The model-parameter randomisation test: relevance that depends on what a network has learned must change when that is
 * lost. Layers are randomised from the output down and stay so, ρ is taken after each; lower is better.
 * Source: Adebayo et al. 2018, "Sanity checks for saliency maps".
 *
 * @throws LrpError "usage" for a network without parameters, "undefined" for relevance that is the same everywhere; the
 * signal's reason when it is aborted
 * @example
 * const steps = await parameterRandomisation(bytes, async (network) => {
 *   using model = await load(network);
 *   return images.map((image) => model.explain(image, { target: 3 }).relevance);
 * });
 */
export async function parameterRandomisation(
  source: Source,
  explain: NetworkExplainer,
  options: RandomisationOptions = {},
): Promise<readonly RandomisationStep[]> {
  checkNames("parameterRandomisation", options, ["seed", "externalData", "signal", "onProgress"]);
  const { seed = 0 } = options;
  const trained: Network = { graph: await open(source, options) };
  const names = await parametrisedLayers(trained);
  if (names.length === 0) throw usage("the model", "layers with parameters", "none");
  const own = await explain(trained);
  if (!Array.isArray(own) || own.length === 0)
    throw usage("what explains a network", "a list of attributions", String(own));
  if (own.some(isFlat))
    throw undefinedFor("the trained network's relevance", "numbers that vary", "numbers that are all the same");
  const steps = await doParts(
    names.length,
    async (i) => {
      const others = await explain(await randomized(trained, { layers: i + 1, seed }));
      if (others.length !== own.length)
        throw usage("what explains a network", `${own.length} attributions each time`, others.length);
      const each = Object.freeze(others.map((other, k) => (isFlat(other) ? 0 : spearman(own[k], other))));
      const flat = others.filter(isFlat).length;
      return Object.freeze({ layer: names[i], spearman: sum(each) / each.length, each, flat });
    },
    options,
  );
  return Object.freeze(steps);
}
