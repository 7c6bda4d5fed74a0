import { shown } from "../base/error.ts";
import { type Dims, normalizeAxis, size, strides } from "../base/tensor.ts";
import { misusedTarget, wrongTarget as usage } from "./classes.ts";
import type { ScoreLayout } from "./scores.ts";

/** 1 or true at the places that are meant; its dims are those of the places, such as [h, w]; a 1 may stand before. */
export interface AreaMask {
  readonly data: ArrayLike<number | boolean>;
  readonly dims: Dims;
}

/** All places; those of a mask; or a box [y0, x0, y1, x1], whose y1 and x1 are excluded ([t0, t1] in a sequence). */
export type Area = "all" | AreaMask | { readonly box: readonly number[] };

/** Where in an output of several axes, such as the [n, c, h, w] of a segmentation: at one place, or over some. */
export interface Where {
  /**
   * Along the output's axes but those of samples and classes: [y, x], or [t] in a sequence. From the end, where it is
   * negative: [-1] is the last token, whose logits are the next one's.
   */
  readonly position?: readonly number[];
  /** The sum over places: all of them, those of a mask, or of a box. */
  readonly area?: Area;
}

type Places = Pick<ScoreLayout, "places" | "count" | "text">;

/**
 * @internal The number of the place at a position, which counts from the end where it is negative. @throws LrpError
 * "usage" outside the output
 */
export function placeAt({ places, text }: Places, position: readonly number[]): number {
  const own = Array.isArray(position) ? position.map((v, i) => normalizeAxis(v, places[i] ?? 0)) : [];
  if (own.length !== places.length || own.includes(undefined))
    throw usage(`a position within [${places}] of the output ${text}`, shown(position));
  const steps = strides(places);
  return own.reduce<number>((at, v, i) => at + v! * steps[i], 0);
}

/** @internal Its position along every axis. */
export function positionAt({ places }: Places, place: number): number[] {
  return strides(places).map((step, i) => Math.floor(place / step) % places[i]);
}

function boxPlaces(layout: Places, box: readonly number[]): number[] {
  const { places, text } = layout;
  const rank = places.length;
  const fits =
    Array.isArray(box) &&
    box.length === 2 * rank &&
    places.every((length, i) => {
      const [from, to] = [box[i], box[rank + i]];
      return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= length;
    });
  if (!fits) {
    const limits = [...places.map(() => 0), ...places];
    throw usage(`a box that is not empty, within [${limits}] of the output ${text}`, shown(box));
  }
  return placesOf(layout, "all").filter((place) =>
    positionAt(layout, place).every((v, i) => v >= box[i] && v < box[rank + i]),
  );
}

function maskPlaces({ places, count, text }: Places, { data, dims }: AreaMask): number[] {
  const own = Array.isArray(dims) ? dims.slice(-places.length || dims.length) : [];
  const fits = own.join() === places.join() && size(dims) === count && data?.length === count;
  if (!fits)
    throw usage(
      `a mask of dims [${places}] for the output ${text}`,
      `${data?.length ?? "no"} numbers of dims ${shown(dims)}`,
    );
  const list = Array.from(data, Number);
  const stray = list.find((v) => v !== 0 && v !== 1);
  if (stray !== undefined) throw usage("a mask of 0 and 1, or of booleans", `${stray}`);
  const inside = list.flatMap((v, i) => (v === 1 ? [i] : []));
  if (inside.length === 0) throw misusedTarget("the mask has no place inside");
  return inside;
}

/** @internal The places of an area. @throws LrpError "usage" outside the output, and for an empty one */
export function placesOf(layout: Places, area: Area): number[] {
  if (area === "all") return Array.from({ length: layout.count }, (_, i) => i);
  if (typeof area === "object" && area !== null) {
    if ("box" in area) return boxPlaces(layout, area.box);
    if ("data" in area) return maskPlaces(layout, area);
  }
  throw usage('an area: "all", a mask { data, dims } or { box: […] }', shown(area));
}
