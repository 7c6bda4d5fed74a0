import { misuse, shown, undefinedFor, usage } from "../base/error.ts";
import type { Network } from "../read/network.ts";
import { open, type Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";
import { type Attributed, numbersOf } from "./attribution.ts";
import { mean } from "./bootstrap.ts";
import { checkNames, checkWhole } from "./check.ts";
import { student } from "./distributions.ts";
import { parametrisedLayers, randomized } from "./randomized.ts";
import { spearman } from "./similarity.ts";
import type { Watch } from "./runs.ts";
import { doParts } from "./work.ts";

/** Explains some inputs, always the same ones for the same classes, by a network. */
export type NetworkExplainer = (network: Network) => readonly Attributed[] | Promise<readonly Attributed[]>;

export interface RandomisationOptions extends Watch, Pick<LoadOptions, "externalData"> {
  /** How often parameters are drawn at random (default 5). */
  readonly draws?: number;
  /** Default 0. */
  readonly seed?: number;
}

/** One step of the test: this layer, and all nearer to the output, have random parameters. */
export interface RandomisationStep {
  readonly layer: string;
  /**
   * |ρ|, Spearman's, between the relevance of the trained network and of this one: mean over the samples and the draws.
   */
  readonly spearman: number;
  /**
   * Between what bounds that mean is meant to lie, 95 %, for other samples and other draws; of one sample, for other
   * draws alone; null of one draw.
   */
  readonly low: number | null;
  readonly high: number | null;
  /** |ρ| of every sample, mean over the draws. */
  readonly each: readonly number[];
  /** |ρ| of every draw, mean over the samples. */
  readonly draws: readonly number[];
  /**
   * How many maps, of all samples and draws, have become the same everywhere, so that they have no ranks: their ρ
   * counts as 0.
   */
  readonly flat: number;
}

function isFlat(attribution: Attributed): boolean {
  const values = numbersOf("the attribution", attribution);
  return values.every((v) => v === values[0]);
}

/** The variance of the mean of these, as of numbers that were drawn at random. */
function varianceOfMean(values: readonly number[]): number {
  const center = mean(values);
  return values.reduce((s, v) => s + (v - center) ** 2, 0) / (values.length - 1) / values.length;
}

/**
 * @internal The bounds of the mean of a table whose rows and columns are both drawn at random:
 *
 *   mean ± t √(v_rows + v_columns)     v the variance of the mean of the rows' means, and of the columns'
 *
 * with Satterthwaite's degrees of freedom. What is neither a row's nor a column's counts in both, so that it is too
 * wide rather than too narrow. Of one row, v_rows is left out.
 * Source: Satterthwaite 1946, *An approximate distribution of estimates of variance components*.
 *
 * @param columns two or more
 */
export function crossedBounds(
  rows: readonly number[],
  columns: readonly number[],
  level: number,
): { low: number; high: number } {
  const parts = [rows, columns]
    .filter((means) => means.length > 1)
    .map((means) => ({ v: varianceOfMean(means), freedom: means.length - 1 }));
  const variance = parts.reduce((s, { v }) => s + v, 0);
  const freedom = variance ** 2 / parts.reduce((s, { v, freedom }) => s + v ** 2 / freedom, 0);
  const reach = variance === 0 ? 0 : student(level, Math.max(1, Math.floor(freedom))) * Math.sqrt(variance);
  return { low: mean(columns) - reach, high: mean(columns) + reach };
}

/** @internal How often parameters are drawn, unless it is said. */
export const DRAWS = 5;

/** Draws that have nothing in common: `randomized` takes seeds one after another, for one tensor after another. */
const seedOf = (seed: number, draw: number) => (seed + Math.imul(draw, 0x9e3779b1)) >>> 0;

const similarity = (own: Attributed, other: Attributed) => (isFlat(other) ? 0 : Math.abs(spearman(own, other)));

/**
 * The model-parameter randomisation test: relevance that depends on what a network has learned must change when that is
 * lost. Layers are randomised from the output down and stay so, |ρ| is taken after each, for several draws of random
 * parameters; lower is better. A map that is turned round (ρ = −1) is the same map still, so signs do not cancel. By
 * chance, |ρ| of two maps of N independent numbers is about √(2 / (π N)).
 * Source: Adebayo et al. 2018, "Sanity checks for saliency maps", who draw parameters as for training; here the trained
 * ones change places (see `randomized`).
 *
 * @throws LrpError "usage" for options, or a network without parameters, "undefined" for relevance that is the same
 * everywhere; the signal's reason when it is aborted
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
  checkNames("parameterRandomisation", options, ["draws", "seed", "externalData", "signal", "onProgress"]);
  const { draws = DRAWS, seed = 0 } = options;
  checkWhole("option 'draws'", draws, 1);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  if (typeof explain !== "function")
    throw usage("the second argument of parameterRandomisation", "a function", shown(explain));
  const trained: Network = { graph: await open(source, options) };
  const names = await parametrisedLayers(trained);
  if (names.length === 0) throw misuse("the model", "it has no layers with parameters");
  const own = await explain(trained);
  if (!Array.isArray(own) || own.length === 0)
    throw usage("the second argument of parameterRandomisation", "a list of attributions", shown(own));
  if (own.some(isFlat))
    throw undefinedFor("the trained network's relevance", "numbers that vary", "equal numbers only");
  /** |ρ| of every sample, and how many maps are flat. */
  const parts = await doParts(
    names.length * draws,
    async (part) => {
      const [layer, draw] = [Math.floor(part / draws), part % draws];
      const others = await explain(await randomized(trained, { layers: layer + 1, seed: seedOf(seed, draw) }));
      if (others.length !== own.length)
        throw usage(
          "the second argument of parameterRandomisation",
          `${own.length} attributions of every network`,
          others.length,
        );
      return { rho: others.map((other, k) => similarity(own[k], other)), flat: others.filter(isFlat).length };
    },
    options,
  );
  return Object.freeze(
    names.map((layer, i) => {
      const drawn = parts.slice(i * draws, (i + 1) * draws);
      const each = own.map((_, k) => mean(drawn.map(({ rho }) => rho[k])));
      const byDraw = drawn.map(({ rho }) => mean(rho));
      return Object.freeze({
        layer,
        spearman: mean(each),
        ...(draws > 1 ? crossedBounds(each, byDraw, 0.95) : { low: null, high: null }),
        each: Object.freeze(each),
        draws: Object.freeze(byDraw),
        flat: drawn.reduce((n, { flat }) => n + flat, 0),
      });
    }),
  );
}
