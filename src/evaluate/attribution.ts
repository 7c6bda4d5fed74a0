import { shown, undefinedFor, usage } from "../base/error.ts";
import { type Axes, type Layout, layoutOf } from "../base/layout.ts";
import { type Dims, shapeText, size } from "../base/tensor.ts";
import type { Explanation } from "../model/report.ts";

/** Relevance, or any other score, of every number of an input: `Explanation.relevance`, or a caller's own. */
export interface Attribution extends Axes {
  readonly data: ArrayLike<number>;
  readonly dims: Dims;
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
  throw usage(where, "{ data, dims } or the result of explain", shown(given));
}

/** @internal What is explained, where that is known: of every sample. */
export const targetsOf = (given: Attributed): Explained["targets"] | undefined =>
  isExplained(given) ? given.targets : undefined;

/** @internal The numbers in double precision. @throws LrpError "usage" unless as many as dims say, and finite */
export function numbersOf(where: string, given: Attributed): Float64Array {
  const { data, dims } = attributionOf(where, given);
  if (!Array.isArray(dims) || !dims.every((d) => Number.isInteger(d) && d > 0))
    throw usage(where, "dims that are whole numbers above 0", shown(dims));
  if (data?.length !== size(dims))
    throw usage(where, `${size(dims)} numbers for dims [${dims}]`, data?.length ?? "none");
  const values = Float64Array.from(data);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw usage(where, "finite numbers", `${values[bad]} at position ${bad} of dims [${dims}]`);
  return values;
}

/** @internal How one sample lies. @throws LrpError "usage" for several, or axes that are none */
function sampleLayout(where: string, given: Attributed): Layout {
  const { dims, batchAxis, channelAxis } = attributionOf(where, given);
  if (channelAxis !== undefined && channelAxis !== "first" && channelAxis !== "last")
    throw usage(`channelAxis of ${where}`, "'first' or 'last'", shown(channelAxis));
  if (batchAxis != null && !(Number.isInteger(batchAxis) && batchAxis >= 0 && batchAxis < dims.length))
    throw usage(`batchAxis of ${where}`, `an axis of dims [${dims}], or null`, shown(batchAxis));
  const layout = layoutOf({ dims, batchAxis, channelAxis });
  const samples = targetsOf(given)?.length ?? layout.samples;
  if (samples === 1 && layout.samples === 1) return layout;
  const many = Math.max(samples, layout.samples);
  const fix = "sampleOf() takes one sample out of a batch.";
  throw usage(where, "a single sample, with dims [1, …]", `${many} samples, with dims ${shapeText(dims, "")}`, fix);
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
 *   [c, …places]           so with `batchAxis: null`, where a network has no axis of samples
 *   [1, h, w], [h, w]      is such a map already; [1, c, k], of a signal of c channels, says `channelAxis: "first"`
 *   [1, k], [k]            the k features of a table's row
 *
 * What `explain` returns says its axes; of others' [n, k], dims do not say whether it is a map or n rows.
 *
 * @throws LrpError "usage" for several samples, or numbers that are not finite
 * @example
 * mapOf({ data: [1, 2, 30, 40], dims: [1, 2, 1, 2] }); // { data: [31, 42], dims: [1, 2] }
 */
export function mapOf(given: Attributed, where = "the attribution"): PlaceMap {
  const all = numbersOf(where, given);
  const layout = sampleLayout(where, given);
  const { place } = layout.tables();
  const data = new Float64Array(layout.count);
  for (let i = 0; i < all.length; i++) data[place[i]] += all[i];
  return { data, dims: layout.places };
}

/** @internal @throws LrpError "undefined" where relevance is 0 everywhere: no order and no share says anything */
export function checkRelevant(name: string, relevance: Float64Array): void {
  if (relevance.every((v) => v === 0)) throw undefinedFor(name, "relevance that is not 0 everywhere", 0);
}

/**
 * One sample of a batch.
 * @example sampleOf({ data: [1, 2, 3, 4], dims: [2, 2] }, 1); // { data: [3, 4], dims: [1, 2] }
 */
export function sampleOf<A extends Attribution>(batch: A, sample: number): { data: A["data"]; dims: number[] } & Axes {
  const { data, dims, batchAxis: axis = 0, channelAxis } = attributionOf("sampleOf", batch);
  if (!Array.isArray(dims) || data?.length !== size(dims))
    throw usage(
      "sampleOf",
      "{ data, dims } with as many numbers as its dims say",
      `${data?.length ?? "none"} for dims ${shown(dims)}`,
    );
  const samples = axis === null ? 1 : dims[axis];
  if (!(Number.isInteger(sample) && sample >= 0 && sample < samples))
    throw usage("sampleOf", `a sample from 0 to ${samples - 1}`, sample);
  const own = dims.map((d, i) => (i === axis ? 1 : d));
  const inner = axis === null ? size(dims) : size(dims.slice(axis + 1));
  // Numbers of the sample stand in runs: one for each place of the axes before its own.
  const from = (i: number) => (Math.floor(i / inner) * samples + sample) * inner + (i % inner);
  const values = Array.from({ length: size(own) }, (_, i) => data[from(i)]);
  const kind = (ArrayBuffer.isView(data) ? data.constructor : Array) as { from(list: number[]): A["data"] };
  return {
    data: kind.from(values),
    dims: own,
    ...(batch.batchAxis !== undefined && { batchAxis: axis }),
    ...(channelAxis && { channelAxis }),
  };
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
