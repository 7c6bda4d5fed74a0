import { sum } from "./attribution.ts";
import { conjugateGradients } from "./conjugate-gradients.ts";
import { levelsOf, multiply, offsetsOf, vCycle } from "./multigrid.ts";

/** Pixels of an image, channel by channel. */
export interface Image {
  readonly data: ArrayLike<number>;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** How much a straight and a diagonal neighbour count, in the order of a grid's offsets. Source: Rong et al. 2022. */
const WEIGHTS = [1 / 6, 1 / 12, 1 / 6, 1 / 12];

/**
 * Fills removed pixels so that each is the weighted mean of those around it: of its neighbours inside the image, straight ones with
 * weight 1/6, diagonal ones with 1/12. For removed pixels i, neighbours j:
 *
 *   x_i Σ_j w_ij − Σ_{j removed} w_ij x_j = Σ_{j kept} w_ij x_j
 *
 * Where no pixel is kept, each channel gets the mean it had.
 * Source: Rong et al. 2022, "A consistent and efficient evaluation strategy for attribution methods", without its noise.
 *
 * @param isRemoved 1 for every place that is removed
 */
export function imputeLinear(image: Image, isRemoved: Uint8Array): Float32Array {
  const { data, channels, height, width } = image;
  const places = isRemoved.length;
  const out = Float32Array.from(data);
  if (isRemoved.every((removed) => removed === 1)) return out.map((_, i, all) => meanOf(all, Math.floor(i / places), places));
  const wide = width + 2;
  const offsets = offsetsOf(wide);
  /** Numbers of each place, with the margin of a grid. */
  const padded = (valueOf: (place: number) => number) => {
    const values = new Float64Array(wide * (height + 2));
    for (let place = 0; place < places; place++) values[indexOf(place)] = valueOf(place);
    return values;
  };
  const indexOf = (place: number) => (Math.floor(place / width) + 1) * wide + (place % width) + 1;
  const removed = padded((place) => isRemoved[place]);
  /** Σ_j w_ij v_j of removed pixels i. */
  const around = (v: Float64Array) => v.map((_, i) => removed[i] && offsets.reduce((s, o, k) => s + WEIGHTS[k] * (v[i - o] + v[i + o]), 0));
  const links = offsets.map((offset, k) => removed.map((r, i) => r && removed[i + offset] && WEIGHTS[k]));
  const grid = { width: wide, diagonal: around(padded(() => 1)), links };
  const levels = levelsOf(grid);
  for (let c = 0; c < channels; c++) {
    const kept = padded((place) => (isRemoved[place] ? 0 : data[c * places + place]));
    const x = conjugateGradients(
      (v, y) => multiply(grid, v, y),
      (r, z) => vCycle(levels, r, z),
      around(kept),
    );
    for (let place = 0; place < places; place++) if (isRemoved[place]) out[c * places + place] = x[indexOf(place)];
  }
  return out;
}

/** The mean of one channel. */
export function meanOf(data: Float32Array, channel: number, places: number): number {
  return sum(data.subarray(channel * places, (channel + 1) * places)) / places;
}
