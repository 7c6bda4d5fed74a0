import { usage } from "../base/error.ts";
import { descending, type PlaceMap } from "./attribution.ts";
import { chosen } from "./check.ts";
import { shuffled } from "./random.ts";

/** In which order places are replaced. */
export type Order = "morf" | "lerf" | "minAbs" | "random";

/** Positions of scores, in the order in which they come; of equal ones the first comes first. */
type Arrange = (scores: Float64Array, seed: number) => Uint32Array;

/** The orders, and what is to be expected of a curve where relevance is right. */
export const orders: Readonly<Record<Order, { readonly summary: string; readonly arrange: Arrange }>> = {
  morf: { summary: "most relevant first: the score falls soon", arrange: descending },
  lerf: {
    summary: "least relevant first: the score stays, or rises",
    arrange: (scores) => descending(scores.map((v) => -v)),
  },
  minAbs: {
    summary: "smallest |R| first: the score stays as it is",
    arrange: (scores) => descending(scores.map((v) => -Math.abs(v))),
  },
  // Noise is drawn from the same seed, and must not depend on the order.
  random: {
    summary: "by chance, whatever the relevance",
    arrange: (scores, seed) =>
      shuffled(
        Uint32Array.from(scores, (_, i) => i),
        (seed ^ 0x5bd1e995) >>> 0,
      ),
  },
};

/** The places of each region of p × p places, row by row; at the right and the bottom they may be cut off. */
function regionsOf({ data, dims }: PlaceMap, p: number): number[][] {
  if (p === 1) return Array.from(data, (_, place) => [place]);
  if (dims.length !== 2) throw usage("option 'region'", "1, where places are not those of an image", p);
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
