import type { Tensor } from "../entries/index.ts";

export interface Score {
  readonly index: number;
  readonly name?: string;
  readonly score: number;
}

/** The values that belong to one sample of a batch. */
export function sampleOf({ data }: Tensor, sample: number, batch: number): Float32Array {
  const count = data.length / batch;
  return data.subarray(sample * count, (sample + 1) * count);
}

/** The `top` largest values, the largest first. */
export function ranking(values: Float32Array, top: number, classes?: readonly string[]): Score[] {
  const scores = Array.from(values, (score, index) => ({ index, name: classes?.[index], score }));
  return scores.sort((a, b) => b.score - a.score).slice(0, top);
}
