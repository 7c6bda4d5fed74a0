import { undefinedFor, usage } from "../base/error.ts";
import { type Attribution, descending, mapOf, sum } from "./attribution.ts";

/** Where the object is: 1 or true inside, 0 or false outside; dims of the places ([h, w]) or [1, 1, h, w]. */
export interface Mask {
  readonly data: ArrayLike<number | boolean>;
  readonly dims: readonly number[];
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
  if (total === 0) throw undefinedFor(name, "relevance whose sum is not 0", 0);
  return sum(map.map((r, i) => r * inside[i])) / total;
}

/** The channel-summed map of the relevance, and 1 for every place of it that is inside. */
function read(relevance: Attribution, mask: Mask): { map: Float64Array; inside: Float64Array } {
  const { data, dims } = mapOf(relevance);
  return { map: data, inside: insideOf(mask, dims) };
}

/**
 * Relevance mass accuracy, Σ R m / Σ R, on the channel-summed map; higher is better, by chance it is the object's share
 * of places. Where Σ R is small against Σ |R|, it may lie outside 0 to 1.
 * Source: Arras, Osman and Samek 2022.
 *
 * @throws LrpError "usage" where the mask does not fit, is empty or full; "undefined" where Σ R is 0
 * @example massAccuracy({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 0.75
 */
export function massAccuracy(relevance: Attribution, mask: Mask): number {
  const { map, inside } = read(relevance, mask);
  return shareOf("massAccuracy", map, inside);
}

/**
 * The inside-total ratio, Σ R⁺ m / Σ R⁺: `massAccuracy` of what is positive in the channel-summed map.
 * Source: Kohlbrenner et al. 2020.
 *
 * @throws LrpError "usage" where the mask does not fit, is empty or full; "undefined" where no R is positive
 * @example positiveMass({ data: [3, -1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 1
 */
export function positiveMass(relevance: Attribution, mask: Mask): number {
  const { map, inside } = read(relevance, mask);
  const positive = map.map((r) => Math.max(r, 0));
  return shareOf("positiveMass", positive, inside);
}

/**
 * Relevance rank accuracy: of the |m| places of highest relevance, the share that lies inside.
 * Source: Arras, Osman and Samek 2022.
 *
 * @throws LrpError "usage" where the mask does not fit, is empty or full
 * @example rankAccuracy({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 1
 */
export function rankAccuracy(relevance: Attribution, mask: Mask): number {
  const { map, inside } = read(relevance, mask);
  const highest = descending(map).subarray(0, sum(inside));
  return highest.reduce((hits, place) => hits + inside[place], 0) / highest.length;
}

/**
 * The pointing game: whether the place of highest relevance (the first, if there are several) lies inside.
 * Source: Zhang et al. 2016.
 *
 * @throws LrpError "usage" where the mask does not fit, is empty or full
 * @example pointing({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // true
 */
export function pointing(relevance: Attribution, mask: Mask): boolean {
  const { map, inside } = read(relevance, mask);
  return inside[descending(map)[0]] === 1;
}
