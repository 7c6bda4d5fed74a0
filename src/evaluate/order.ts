import { usage } from "../base/error.ts";
import type { PlaceMap } from "./attribution.ts";
import { chosen } from "./check.ts";
import { shuffled } from "./random.ts";

/** In which order places are replaced. */
export type Order = "morf" | "lerf" | "minAbs" | "random";

/** Positions of scores, in the order in which they come; of equal ones that first which `random` has first. */
type Arrange = (scores: Float64Array, seed: number) => Uint32Array;

// Noise is drawn from the same seed, and must not depend on the order.
const byChance: Arrange = (scores, seed) =>
  shuffled(
    Uint32Array.from(scores, (_, i) => i),
    (seed ^ 0x5bd1e995) >>> 0,
  );

/** From the smallest key up. A typed array's sort is stable. */
const rising =
  (key: (score: number) => number): Arrange =>
  (scores, seed) => {
    const keys = scores.map(key);
    return byChance(scores, seed).sort((a, b) => keys[a] - keys[b]);
  };

/** The orders, and what is to be expected of a curve where relevance is right. */
export const orders: Readonly<Record<Order, { readonly summary: string; readonly arrange: Arrange }>> = {
  morf: { summary: "most relevant first: the score falls soon", arrange: rising((v) => -v) },
  lerf: { summary: "least relevant first: the score stays, or rises", arrange: rising((v) => v) },
  minAbs: { summary: "smallest |R| first: the score stays as it is", arrange: rising(Math.abs) },
  random: { summary: "a random order, whatever the relevance", arrange: byChance },
};

/**
 * The places of each region of p × p places, row by row from the top left; at the right and the bottom they are cut off
 * where p does not divide the side. (Quantus pads both sides of the image instead.)
 */
function regionsOf({ data, dims }: PlaceMap, p: number): number[][] {
  if (p === 1) return Array.from(data, (_, place) => [place]);
  if (dims.length !== 2) throw usage("option 'region'", "1, since the places are not those of an image", p);
  const [height, width] = dims;
  const columns = Math.ceil(width / p);
  const regions = Array.from({ length: Math.ceil(height / p) * columns }, (): number[] => []);
  for (let place = 0; place < data.length; place++)
    regions[Math.floor(place / width / p) * columns + Math.floor((place % width) / p)].push(place);
  return regions;
}

/** @internal Regions in the order in which they are replaced, by the sum of their relevance. */
export function arranged(map: PlaceMap, order: Order, region: number, seed: number): number[][] {
  const regions = regionsOf(map, region);
  const scores = Float64Array.from(regions, (places) => places.reduce((s, place) => s + map.data[place], 0));
  return Array.from(chosen("option 'order'", orders, order).arrange(scores, seed), (i) => regions[i]);
}
