import type { Tensor } from "../base/tensor.ts";
import { placeAt, positionAt } from "./place.ts";
import { scoreLayout, type Scores } from "./scores.ts";

export interface Score {
  readonly index: number;
  readonly name?: string;
  readonly score: number;
  /** Where, in an output of several axes. */
  readonly position?: readonly number[];
}

/** The values that belong to one sample of a batch. */
export function sampleOf({ data }: Tensor, sample: number, batch: number): Float32Array {
  const count = data.length / batch;
  return data.subarray(sample * count, (sample + 1) * count);
}

/** The `top` largest values of a sample, the largest first. @param position the only place, if one is meant */
export function ranking(
  scores: Scores,
  sample: number,
  top: number,
  classes?: readonly string[],
  position?: readonly number[],
): Score[] {
  const layout = scoreLayout(scores);
  const places = position ? [placeAt(layout, position)] : Array.from({ length: layout.count }, (_, place) => place);
  const all = places.flatMap((place) =>
    Array.from({ length: layout.classes }, (_, index): Score => {
      const score = scores.data[layout.at(sample, index, place)];
      const named = { index, name: classes?.[index], score };
      return layout.plain ? named : { ...named, position: positionAt(layout, place) };
    }),
  );
  return all.sort((a, b) => b.score - a.score).slice(0, top);
}
