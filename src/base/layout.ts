import { type Dims, size, strides, type Tensor } from "./tensor.ts";

/** Which axes of a tensor are samples and channels, where it says so. */
export type Axes = Pick<Tensor, "batchAxis" | "channelAxis">;

/** @internal How the numbers of a tensor lie. */
export interface Layout {
  readonly samples: number;
  readonly channels: number;
  /** Dims of the places. */
  readonly axes: Dims;
  /** Dims of the places as a map: [h, w] of a picture; [1, k] where they have one axis. */
  readonly places: Dims;
  /** Number of places. */
  readonly count: number;
  /** Where the number of a channel at a place of a sample is. */
  positionOf(channel: number, place: number, sample?: number): number;
  /** Of every number, its place, its channel and its sample. */
  tables(): Record<"place" | "channel" | "sample", Int32Array>;
}

/** @internal Where the numbers along these axes stand, in row-major order of the axes. */
export function offsetsOf(dims: Dims, axes: readonly number[]): Uint32Array {
  const steps = strides(dims);
  let offsets = Uint32Array.of(0);
  for (const axis of axes) {
    const longer = new Uint32Array(offsets.length * dims[axis]);
    let k = 0;
    for (const at of offsets) for (let i = 0; i < dims[axis]; i++) longer[k++] = at + i * steps[axis];
    offsets = longer;
  }
  return offsets;
}

/** @internal How many there are along an axis, and how far apart; one, where there is no such axis. */
export const along = (dims: Dims, axis: number | null | undefined): readonly [length: number, step: number] =>
  axis == null ? [1, 0] : [dims[axis], strides(dims)[axis]];

/**
 * @internal How the numbers of a tensor lie. Where it does not say so itself, its samples are axis 0 from rank 3 on, and
 * the channels of a sample are its first axis from rank 3 on: [n, c, h, w] are pictures, [n, h, w] and [h, w] maps,
 * [1, k] and [k] the features of a table's row.
 */
export function layoutOf({ dims, batchAxis = dims.length > 2 ? 0 : null, channelAxis }: Axes & { dims: Dims }): Layout {
  const axes = [...dims.keys()].filter((axis) => axis !== batchAxis);
  const whole = axes.length < 2 || (axes.length === 2 && channelAxis === undefined);
  const channel = whole ? undefined : axes.at(channelAxis === "last" ? -1 : 0)!;
  const own = axes.filter((axis) => axis !== channel);
  const offsets = offsetsOf(dims, own);
  const [[samples, sampleStep], [channels, channelStep]] = [along(dims, batchAxis), along(dims, channel)];
  const positionOf = (c: number, place: number, sample = 0) => sample * sampleStep + c * channelStep + offsets[place];
  const spans = own.map((axis) => dims[axis]);
  return {
    samples,
    channels,
    axes: spans,
    places: spans.length === 1 ? [1, ...spans] : spans,
    count: offsets.length,
    positionOf,
    tables() {
      const all = size(dims);
      const found = { place: new Int32Array(all), channel: new Int32Array(all), sample: new Int32Array(all) };
      for (let s = 0; s < samples; s++)
        for (let c = 0; c < channels; c++)
          for (let p = 0; p < offsets.length; p++) {
            const at = positionOf(c, p, s);
            found.place[at] = p;
            found.channel[at] = c;
            found.sample[at] = s;
          }
      return found;
    },
  };
}
