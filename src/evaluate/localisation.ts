import { type Attribution, descending, mapOf, sum } from "./attribution.ts";
import { usage } from "./check.ts";

/** Where the object is: 1 or true inside, 0 or false outside; dims of the places ([h, w]) or [1, 1, h, w]. */
export interface Mask {
  readonly data: ArrayLike<number | boolean>;
  readonly dims: readonly number[];
}

export interface Localisation {
  /** Σ R m / Σ R: relevance mass accuracy; Arras, Osman and Samek 2022. */
  readonly massAccuracy: number;
  /** Σ R⁺ m / Σ R⁺: the inside-total ratio; Kohlbrenner et al. 2020. */
  readonly positiveMass: number;
  /** The share of the |m| places of highest relevance that lie inside: relevance rank accuracy; Arras, Osman and Samek 2022. */
  readonly rankAccuracy: number;
  /** Whether the place of highest relevance lies inside: the pointing game; Zhang et al. 2016. */
  readonly pointing: boolean;
}

function insideOf(mask: Mask, places: readonly number[]): Float64Array {
  const { data, dims } = mapOf({ data: Array.from(mask.data ?? [], Number), dims: mask.dims }, "the mask");
  if (dims.join() !== places.join()) throw usage("the mask", `dims [${places}]`, `[${dims}]`);
  const stray = data.find((v) => v !== 0 && v !== 1);
  if (stray !== undefined) throw usage("the mask", "0 and 1, or booleans", stray);
  const count = sum(data);
  if (count === 0 || count === data.length)
    throw usage("the mask", "places inside and places outside", `${count} of ${data.length} inside`);
  return data;
}

function shareOf(name: string, map: Float64Array, inside: Float64Array): number {
  const total = sum(map);
  if (total === 0) throw usage(name, "relevance whose sum is not 0", 0);
  return sum(map.map((r, i) => r * inside[i])) / total;
}

/**
 * How much of the relevance lies on the object, on the channel-summed map. Higher is better; by chance each is the object's share of places.
 * Where Σ R is small against Σ |R|, `massAccuracy` may lie outside 0 to 1.
 *
 * @throws LrpError "usage" where the mask does not fit, is empty or full, or where Σ R or Σ R⁺ is 0
 * @example
 * localisation({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] });
 * // { massAccuracy: 0.75, positiveMass: 0.75, rankAccuracy: 1, pointing: true }
 */
export function localisation(relevance: Attribution, mask: Mask): Localisation {
  const { data, dims } = mapOf(relevance);
  const inside = insideOf(mask, dims);
  const order = descending(data);
  const highest = order.subarray(0, sum(inside));
  return Object.freeze({
    massAccuracy: shareOf("massAccuracy", data, inside),
    positiveMass: shareOf(
      "positiveMass",
      data.map((r) => Math.max(r, 0)),
      inside,
    ),
    rankAccuracy: highest.reduce((hits, place) => hits + inside[place], 0) / highest.length,
    pointing: inside[order[0]] === 1,
  });
}
