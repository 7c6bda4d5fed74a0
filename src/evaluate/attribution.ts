import { shown, undefinedFor, usage } from "../base/error.ts";
import { type Dims, shapeText, size } from "../base/tensor.ts";
import type { Explanation } from "../model/report.ts";

/** Relevance, or any other score, of every number of an input: `Explanation.relevance`, or a caller's own. */
export interface Attribution {
  readonly data: ArrayLike<number>;
  readonly dims: Dims;
  /** Where channels are, if dims have any: see `mapOf`. */
  readonly channelAxis?: "first" | "last";
}

/** What `explain` and `attribute` return: an attribution that knows what it explains. */
export type Explained = Pick<Explanation, "targets"> & { readonly relevance: Attribution };

/** What metrics measure. */
export type Attributed = Attribution | Explained;

const isExplained = (given: Attributed): given is Explained =>
  typeof given === "object" && given !== null && "relevance" in given && "targets" in given;

/** @internal The attribution itself. @throws LrpError "usage" for what is none */
export function attributionOf(where: string, given: Attributed): Attribution {
  const attribution = isExplained(given) ? given.relevance : given;
  if (typeof attribution === "object" && attribution !== null) return attribution;
  throw usage(where, "{ data, dims }, or what explain returns", shown(given));
}

/** @internal What is explained, where that is known: of every sample. */
export const targetsOf = (given: Attributed): Explained["targets"] | undefined =>
  isExplained(given) ? given.targets : undefined;

/** @internal The numbers in double precision. @throws LrpError "usage" unless as many as dims say, and finite */
export function numbersOf(where: string, given: Attributed): Float64Array {
  const { data, dims } = attributionOf(where, given);
  if (!Array.isArray(dims) || !dims.every((d) => Number.isInteger(d) && d > 0))
    throw usage(where, "dims of whole numbers", shown(dims));
  if (data?.length !== size(dims))
    throw usage(where, `${size(dims)} numbers for dims [${dims}]`, data?.length ?? "none");
  const values = Float64Array.from(data);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw usage(where, "finite numbers", `${values[bad]} at position ${bad} of dims [${dims}]`);
  return values;
}

/** @internal How the numbers of one sample lie. */
export interface Layout {
  /** Dims of the places: [h, w] of an image; [1, k] where they have one axis. */
  readonly places: Dims;
  /** Number of places, and of channels. */
  readonly count: number;
  readonly channels: number;
  /** Of the number at a position. */
  placeOf(position: number): number;
  channelOf(position: number): number;
  /** Where the number of a channel at a place is. */
  positionOf(channel: number, place: number): number;
}

/** @internal The layout of one sample, as `mapOf` says. @param dims with the sample's axis, of length 1 */
export function layoutOf(dims: Dims, channelAxis: Attribution["channelAxis"]): Layout {
  const axis = dims.length < 3 ? undefined : (channelAxis ?? (dims.length === 3 ? undefined : "first"));
  const inner = dims.length < 3 ? dims : dims.slice(1);
  const own = axis === "first" ? inner.slice(1) : axis === "last" ? inner.slice(0, -1) : inner;
  const [places, count] = [own.length === 1 ? [1, ...own] : [...own], size(own)];
  const channels = size(inner) / count;
  return {
    places,
    count,
    channels,
    ...(axis === "last"
      ? {
          placeOf: (i: number) => Math.floor(i / channels),
          channelOf: (i: number) => i % channels,
          positionOf: (channel: number, place: number) => place * channels + channel,
        }
      : {
          placeOf: (i: number) => i % count,
          channelOf: (i: number) => Math.floor(i / count),
          positionOf: (channel: number, place: number) => channel * count + place,
        }),
  };
}

/** @internal The dims of one sample, with its axis. @throws LrpError "usage" for several samples */
function sampleDims(where: string, given: Attributed): Dims {
  const { dims } = attributionOf(where, given);
  const samples = targetsOf(given)?.length;
  const fix = "sampleOf() takes one out of a batch.";
  if (samples !== undefined && samples !== 1)
    throw usage(where, "one sample", `${samples}, dims ${shapeText(dims, "")}`, fix);
  if (dims.length < 3 || dims[0] === 1) return dims;
  // A network without an axis of samples has explained one.
  if (samples === 1) return [1, ...dims];
  throw usage(where, "one sample, dims [1, …]", shapeText(dims, ""), fix);
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
 *   [1, c, …places]        summed over c: [1, 3, 224, 224] becomes [224, 224]
 *   [1, …places, c]        so with `channelAxis: "last"`: [1, 224, 224, 3] becomes [224, 224]
 *   [1, h, w], [h, w]      is such a map already; [1, c, k], of a signal of c channels, says `channelAxis: "first"`
 *   [1, k], [k]            the k features of a table's row
 *
 * Of [n, k], dims do not say whether it is a map or n rows: what `explain` returns does.
 *
 * @throws LrpError "usage" for several samples, or numbers that are not finite
 * @example
 * mapOf({ data: [1, 2, 30, 40], dims: [1, 2, 1, 2] }); // { data: [31, 42], dims: [1, 2] }
 */
export function mapOf(given: Attributed, where = "the attribution"): PlaceMap {
  const all = numbersOf(where, given);
  const { channelAxis } = attributionOf(where, given);
  if (channelAxis !== undefined && channelAxis !== "first" && channelAxis !== "last")
    throw usage(`channelAxis of ${where}`, "'first' or 'last'", shown(channelAxis));
  const { places, count, placeOf } = layoutOf(sampleDims(where, given), channelAxis);
  const data = new Float64Array(count);
  for (let i = 0; i < all.length; i++) data[placeOf(i)] += all[i];
  return { data, dims: places };
}

/** @internal @throws LrpError "undefined" where relevance is 0 everywhere: no order and no share says anything */
export function checkRelevant(name: string, relevance: Float64Array): void {
  if (relevance.every((v) => v === 0)) throw undefinedFor(name, "relevance that is not 0 everywhere", 0);
}

/**
 * One sample of a batch.
 * @example sampleOf({ data: [1, 2, 3, 4], dims: [2, 2] }, 1); // { data: [3, 4], dims: [1, 2] }
 */
export function sampleOf<A extends Attribution>(
  batch: A,
  sample: number,
): { data: A["data"]; dims: number[]; channelAxis?: A["channelAxis"] } {
  const { data, dims, channelAxis } = attributionOf("sampleOf", batch);
  if (!Array.isArray(dims) || data?.length !== size(dims))
    throw usage(
      "sampleOf",
      "{ data, dims } with as many numbers as dims say",
      `${data?.length ?? "none"} for dims ${shown(dims)}`,
    );
  if (!(Number.isInteger(sample) && sample >= 0 && sample < dims[0]))
    throw usage("sampleOf", `a sample from 0 to ${dims[0] - 1}`, sample);
  const count = size(dims) / dims[0];
  const slice = Array.prototype.slice as (this: ArrayLike<number>, from: number, to: number) => number[];
  const [from, to] = [sample * count, (sample + 1) * count];
  const own = ArrayBuffer.isView(data) ? (data as unknown as Float32Array).slice(from, to) : slice.call(data, from, to);
  return { data: own, dims: [1, ...dims.slice(1)], ...(channelAxis && { channelAxis }) };
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
