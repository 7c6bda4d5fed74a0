import { assert } from "../base/error.ts";
import type { Dims } from "../base/tensor.ts";
import type { Layout } from "../base/layout.ts";
import { norm, sum } from "./attribution.ts";

/** Pixels of an image, whose places are [h, w]. */
export interface Image {
  readonly data: ArrayLike<number>;
  readonly layout: Layout;
}

/** The eight neighbours and their weights, which sum to 1. Source: Rong et al. 2022. */
const NEIGHBOURS = [-1, 0, 1].flatMap((dy) =>
  [-1, 0, 1]
    .filter((dx) => dy !== 0 || dx !== 0)
    .map((dx) => ({ dy, dx, weight: dy === 0 || dx === 0 ? 1 / 6 : 1 / 12 })),
);

/** Writes A x to y. */
type Multiply = (x: Float64Array, y: Float64Array) => void;

function dot(x: Float64Array, y: Float64Array): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}

/**
 * Solves A x = b for a symmetric positive definite A by conjugate gradients.
 *
 *   α = r·r / d·A d     x += α d     r −= α A d     β = r·r / (r·r before)     d = r + β d
 *
 * Source: Hestenes and Stiefel 1952. It stops where ‖r‖ ≤ 1e-8 ‖b‖.
 */
function conjugateGradients(multiply: Multiply, b: Float64Array): Float64Array {
  const x = new Float64Array(b.length);
  const r = b.slice();
  const d = b.slice();
  const ad = new Float64Array(b.length);
  const enough = (1e-8 * norm(b)) ** 2;
  let rr = dot(r, r);
  for (let i = 0; rr > enough; i++) {
    assert(i < 100 + 10 * b.length, "conjugate gradients do not converge");
    multiply(d, ad);
    const step = rr / dot(d, ad);
    for (let k = 0; k < x.length; k++) {
      x[k] += step * d[k];
      r[k] -= step * ad[k];
    }
    const before = rr;
    rr = dot(r, r);
    for (let k = 0; k < x.length; k++) d[k] = r[k] + (rr / before) * d[k];
  }
  return x;
}

/** Which places neighbour each of those that are removed. */
function neighboursOf(removed: Uint32Array, [height, width]: Dims): { to: Int32Array; weights: Float64Array } {
  const to = new Int32Array(removed.length * NEIGHBOURS.length).fill(-1);
  const weights = new Float64Array(to.length);
  removed.forEach((place, k) => {
    const [y, x] = [Math.floor(place / width), place % width];
    NEIGHBOURS.forEach(({ dy, dx, weight }, n) => {
      const inside = y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width;
      if (!inside) return;
      to[8 * k + n] = place + dy * width + dx;
      weights[8 * k + n] = weight;
    });
  });
  return { to, weights };
}

/**
 * Fills removed pixels so that each is the weighted mean of those around it: of its neighbours inside the image,
 * straight ones with weight 1/6, diagonal ones with 1/12. For removed pixels i, neighbours j:
 *
 *   x_i Σ_j w_ij − Σ_{j removed} w_ij x_j = Σ_{j kept} w_ij x_j
 *
 * Where no pixel is kept, each channel gets the mean it had.
 * Source: Rong et al. 2022, "A consistent and efficient evaluation strategy for attribution methods", without its
 * noise.
 *
 * @param isRemoved 1 for every place that is removed
 */
export function imputeLinear(image: Image, isRemoved: Uint8Array): Float32Array {
  const { data, layout } = image;
  const { channels, count, positionOf } = layout;
  const out = Float32Array.from(data);
  const removed = Uint32Array.from(isRemoved.keys()).filter((place) => isRemoved[place] === 1);
  if (removed.length === count) {
    const means = Array.from({ length: channels }, (_, c) => meanOf(image, c));
    const { channel } = layout.tables();
    return out.map((_, i) => means[channel[i]]);
  }
  const { to, weights } = neighboursOf(removed, layout.places);
  const idOf = new Int32Array(count).fill(-1);
  removed.forEach((place, k) => {
    idOf[place] = k;
  });
  const links = to.map((place) => (place < 0 ? -1 : idOf[place]));
  const totals = Float64Array.from(removed, (_, k) => sum(weights.subarray(8 * k, 8 * k + 8)));
  const multiply: Multiply = (x, y) => {
    for (let k = 0, n = 0; k < x.length; k++) {
      let total = totals[k] * x[k];
      for (const end = n + 8; n < end; n++) if (links[n] >= 0) total -= weights[n] * x[links[n]];
      y[k] = total;
    }
  };
  for (let c = 0; c < channels; c++) {
    const b = new Float64Array(removed.length);
    for (let n = 0; n < to.length; n++)
      if (to[n] >= 0 && links[n] < 0) b[n >> 3] += weights[n] * data[positionOf(c, to[n])];
    conjugateGradients(multiply, b).forEach((v, k) => {
      out[positionOf(c, removed[k])] = v;
    });
  }
  return out;
}

/** The mean of one channel. */
export function meanOf({ data, layout: { count, positionOf } }: Image, channel: number): number {
  let total = 0;
  for (let place = 0; place < count; place++) total += data[positionOf(channel, place)];
  return total / count;
}
