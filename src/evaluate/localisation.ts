import { LrpError, shown, undefinedFor, usage } from "../base/error.ts";
import { type Attributed, type Attribution, checkRelevant, mapOf, sum } from "./attribution.ts";

/** Where the object is: 1 or true inside, 0 or false outside; dims [h, w] of the places, [1, h, w] or [1, 1, h, w]. */
export interface Mask {
  readonly data: ArrayLike<number | boolean>;
  readonly dims: readonly number[];
}

/** The channel-summed map of the relevance, and 1 for every place of it that is inside. */
interface Found {
  readonly map: Float64Array;
  readonly inside: Float64Array;
}

function read(name: string, relevance: Attributed, mask: Mask): Found {
  const { data: map, dims: places } = mapOf(relevance);
  if (typeof mask !== "object" || mask === null)
    throw usage("the mask", `{ data, dims } with dims [${places}], those of the places`, shown(mask));
  const numbers: Attribution = { data: Array.from(mask.data ?? [], Number), dims: mask.dims };
  const { data: inside, dims } = mapOf(numbers, "the mask");
  if (dims.join() !== places.join())
    throw usage("the mask", `dims [${places}], those of the places`, `dims [${mask.dims}]`);
  const stray = inside.find((v) => v !== 0 && v !== 1);
  if (stray !== undefined) throw usage("the mask", "numbers 0 and 1, or booleans", stray);
  const count = sum(inside);
  if (count === 0 || count === inside.length)
    throw usage("the mask", "places inside and places outside", `${count} of ${inside.length} places inside`);
  checkRelevant(name, map);
  return { map, inside };
}

const sumInside = ({ map, inside }: Found) => map.reduce((s, r, i) => s + r * inside[i], 0);

/**
 * Relevance mass accuracy, Σ R m / Σ R, on the channel-summed map, where no R is negative; higher is better, by chance
 * it is the object's share of places.
 * Source: Arras, Osman and Samek 2022, who make relevance positive before it is measured.
 *
 * @returns from 0 to 1
 * @throws LrpError "usage" where the mask does not fit, is empty or full; "undefined" where all R are 0, or one is
 * negative: shares of a sum in which signs cancel have no bounds
 * @example massAccuracy({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 0.75
 */
export function massAccuracy(relevance: Attributed, mask: Mask): number {
  const found = read("massAccuracy", relevance, mask);
  const negative = found.map.reduce((n, r) => n + Number(r < 0), 0);
  if (negative > 0)
    throw new LrpError("undefined", {
      where: "massAccuracy",
      expected: "relevance that is nowhere negative, summed over channels",
      received: `${negative} of ${found.map.length} places below 0`,
      fix: "positiveMass measures the share of the positive relevance.",
    });
  return sumInside(found) / sum(found.map);
}

/**
 * The inside-total ratio, Σ R⁺ m / Σ R⁺: `massAccuracy` of what is positive in the channel-summed map.
 * Source: Kohlbrenner et al. 2020.
 *
 * @returns from 0 to 1
 * @throws LrpError "usage" where the mask does not fit, is empty or full; "undefined" where no R is positive
 * @example positiveMass({ data: [3, -1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 1
 */
export function positiveMass(relevance: Attributed, mask: Mask): number {
  const { map, inside } = read("positiveMass", relevance, mask);
  const positive = map.map((r) => Math.max(r, 0));
  const total = sum(positive);
  if (total === 0) throw undefinedFor("positiveMass", "relevance that is positive somewhere", "none");
  return sumInside({ map: positive, inside }) / total;
}

/** Of the `count` highest places, how many lie inside; of those that are equal to the last, as many as by chance. */
function hitsOf({ map, inside }: Found, count: number): number {
  const least = map.slice().sort()[map.length - count];
  let [above, hits, equal, equalInside] = [0, 0, 0, 0];
  map.forEach((r, place) => {
    if (r > least) [above, hits] = [above + 1, hits + inside[place]];
    if (r === least) [equal, equalInside] = [equal + 1, equalInside + inside[place]];
  });
  return hits + ((count - above) * equalInside) / equal;
}

/**
 * Relevance rank accuracy: of the |m| places of highest relevance, the share that lies inside; where places are equal
 * and not all of them are among the |m|, its mean over all choices of them.
 * Source: Arras, Osman and Samek 2022.
 *
 * @returns from 0 to 1
 * @throws LrpError "usage" where the mask does not fit, is empty or full; "undefined" where all R are 0
 * @example rankAccuracy({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 1
 */
export function rankAccuracy(relevance: Attributed, mask: Mask): number {
  const found = read("rankAccuracy", relevance, mask);
  const count = sum(found.inside);
  return hitsOf(found, count) / count;
}

/**
 * The pointing game: 1 where the place of highest relevance lies inside, else 0; where several are highest, the share
 * of them that does.
 * Source: Zhang et al. 2016, for whom a place within 15 pixels of the object is a hit too; here it is none.
 *
 * @returns from 0 to 1
 * @throws LrpError "usage" where the mask does not fit, is empty or full; "undefined" where all R are 0
 * @example pointing({ data: [3, 1], dims: [1, 2] }, { data: [1, 0], dims: [1, 2] }); // 1
 */
export function pointing(relevance: Attributed, mask: Mask): number {
  return hitsOf(read("pointing", relevance, mask), 1);
}
