import { usage } from "../base/error.ts";
import { type Dims, shapeText, size } from "../base/tensor.ts";

/** Relevance, or any other score, of every number of an input: `Explanation.relevance`, or a caller's own. */
export interface Attribution {
  readonly data: ArrayLike<number>;
  readonly dims: Dims;
}

/** @internal The numbers in double precision. @throws LrpError "usage" unless as many as dims say, and finite */
export function numbersOf(where: string, { data, dims }: Attribution): Float64Array {
  if (!Array.isArray(dims) || !dims.every((d) => Number.isInteger(d) && d > 0))
    throw usage(where, "dims of whole numbers", dims);
  if (data?.length !== size(dims))
    throw usage(where, `${size(dims)} numbers for dims [${dims}]`, data?.length ?? "none");
  const values = Float64Array.from(data);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw usage(where, "finite numbers", `${values[bad]} at position ${bad}`);
  return values;
}

/** Relevance of every place: a channel-summed map. */
export interface PlaceMap {
  readonly data: Float64Array;
  /** Of the places: [h, w] of an image; [1, k] where they have one axis. */
  readonly dims: Dims;
}

/**
 * The map of one sample, summed over its channels.
 *
 *   [1, c, …places]       summed over c: [1, 3, 224, 224] becomes [224, 224], [1, 12, 1000] becomes [1, 1000]
 *   [h, w], [1, k], [k]   is such a map already, of an image, or of the k features of a table's row
 *
 * @throws LrpError "usage" for several samples, or numbers that are not finite
 * @example
 * mapOf({ data: [1, 2, 30, 40], dims: [1, 2, 1, 2] }); // { data: [31, 42], dims: [1, 2] }
 */
export function mapOf(attribution: Attribution, where = "the attribution"): PlaceMap {
  const all = numbersOf(where, attribution);
  const { dims } = attribution;
  if (dims.length >= 3 && dims[0] !== 1)
    throw usage(where, "one sample, dims [1, c, …]", shapeText(dims, ""), "sampleOf() takes one out of a batch.");
  const places = placesOf(dims);
  const data = new Float64Array(size(places));
  for (let i = 0; i < all.length; i++) data[i % data.length] += all[i];
  return { data, dims: places };
}

/** @internal Dims of the places of such a sample. */
export function placesOf(dims: Dims): Dims {
  const places = dims.length < 3 ? dims : dims.slice(2);
  return places.length === 1 ? [1, ...places] : [...places];
}

/**
 * One sample of a batch.
 * @example sampleOf({ data: [1, 2, 3, 4], dims: [2, 2] }, 1); // { data: [3, 4], dims: [1, 2] }
 */
export function sampleOf<A extends Attribution>(
  { data, dims }: A,
  sample: number,
): { data: A["data"]; dims: number[] } {
  if (!(Number.isInteger(sample) && sample >= 0 && sample < dims[0]))
    throw usage("sampleOf", `a sample from 0 to ${dims[0] - 1}`, sample);
  const count = size(dims) / dims[0];
  const slice = Array.prototype.slice as (this: ArrayLike<number>, from: number, to: number) => number[];
  const [from, to] = [sample * count, (sample + 1) * count];
  const own = ArrayBuffer.isView(data) ? (data as unknown as Float32Array).slice(from, to) : slice.call(data, from, to);
  return { data: own, dims: [1, ...dims.slice(1)] };
}

/** @internal Positions from the largest value down; of equal ones the first comes first. */
export function descending(values: ArrayLike<number>): Uint32Array {
  // A typed array's sort is stable too.
  return Uint32Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a]);
}

/** @internal Σ v */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** @internal √Σ v² */
export function norm(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] * values[i];
  return Math.sqrt(total);
}
