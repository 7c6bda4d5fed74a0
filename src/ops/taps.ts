import type { Budget } from "../base/budget.ts";
import { demand } from "../base/complaint.ts";
import type { Operands } from "../graph/graph.ts";
import { type Dims, normalizeAxis, size } from "../base/tensor.ts";
import { type AttributeReader, integers } from "./op.ts";

/** What Resize and Upsample have as attributes. */
export interface Resizing {
  readonly mode: string;
  readonly transformation: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
  readonly extrapolation: number;
  readonly policy: string;
  readonly axes: readonly number[] | undefined;
  /** Of opset 7, where they are no input. */
  readonly scales: readonly number[] | undefined;
  /** Which inputs are the region of interest, the scales and the sizes. */
  readonly places: readonly [roi: number, scales: number, sizes: number];
}

/**
 * How one axis changes: `width` is scale · length, which may be a fraction; the region of interest is a part of the
 * length.
 */
interface Change {
  readonly axis: number;
  readonly length: number;
  readonly out: number;
  readonly scale: number;
  readonly width: number;
  readonly start: number;
  readonly end: number;
}

const halfPixel = (x: number, { scale }: Change) => (x + 0.5) / scale - 0.5;

/** Where in the input position x of the output lies. Source: ONNX Resize-19, and Resize-11 for tf_half_pixel_for_nn. */
const transformations: Readonly<Record<string, (x: number, change: Change) => number>> = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (x, change) => (change.length / 2) * (1 - change.out / change.width) + halfPixel(x, change),
  pytorch_half_pixel: (x, change) => (change.out > 1 ? halfPixel(x, change) : 0),
  align_corners: (x, { length, width }) => (width === 1 ? 0 : (x * (length - 1)) / (width - 1)),
  asymmetric: (x, { scale }) => x / scale,
  tf_half_pixel_for_nn: (x, { scale }) => (x + 0.5) / scale,
  tf_crop_and_resize: (x, { length, width, start, end }) =>
    (length - 1) * (width === 1 ? (start + end) / 2 : start + (x * (end - start)) / (width - 1)),
};

const roundings: Readonly<Record<string, (x: number, change: Change) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
  // Not in words: what the examples of Upsample and of Resize-10 do.
  simple: (x, { scale }) => (scale < 1 ? Math.ceil(x) : Math.floor(x)),
};

/** Filters by the distance from the point, and how far they reach; nearest has none. Cubic: Keys 1981, equation 4. */
const filters: Readonly<Record<string, { readonly reach: number; weight(d: number, a: number): number }>> = {
  nearest: { reach: 0, weight: () => 1 },
  linear: { reach: 1, weight: (d) => 1 - d },
  cubic: {
    reach: 2,
    weight: (d, a) => (d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a),
  },
};

/** The sizes that keep the aspect ratio have one scale, of all that are asked for. */
const policies: Readonly<Record<string, ((scales: readonly number[]) => number) | undefined>> = {
  stretch: undefined,
  not_larger: (scales) => Math.min(...scales),
  not_smaller: (scales) => Math.max(...scales),
};

function oneOf(names: Readonly<Record<string, unknown>>, what: string, name: string): string {
  demand(Object.hasOwn(names, name), "unsupported", `${what} ${Object.keys(names).join(", ")}`, `'${name}'`);
  return name;
}

/** Of Upsample before opset 7, which knows pictures only. */
const planeScales = (read: AttributeReader) => [1, 1, read.float("height_scale", NaN), read.float("width_scale", NaN)];

/** Upsample, and Resize of opset 10, know no more than mode and scales. */
export function readResize(read: AttributeReader, type: "Resize" | "Upsample"): Resizing {
  const old = type === "Upsample" || read.opset < 11;
  const text = (name: string, table: Readonly<Record<string, unknown>>, before: string, since: string) =>
    old ? before : oneOf(table, name, read.string(name, since));
  const mode = read.string("mode", "nearest");
  return {
    mode: oneOf(filters, "mode", read.opset < 7 && mode === "bilinear" ? "linear" : mode),
    transformation: text("coordinate_transformation_mode", transformations, "asymmetric", "half_pixel"),
    nearest: text("nearest_mode", roundings, "simple", "round_prefer_floor"),
    policy: text("keep_aspect_ratio_policy", policies, "stretch", "stretch"),
    cubic: old ? 0 : read.float("cubic_coeff_a", -0.75),
    antialias: !old && read.int("antialias", 0) === 1,
    excludeOutside: !old && read.int("exclude_outside", 0) === 1,
    extrapolation: old ? 0 : read.float("extrapolation_value", 0),
    axes: old ? undefined : read.ints("axes"),
    scales: read.opset < 7 ? planeScales(read) : read.opset < 9 ? read.floats("scales") : undefined,
    places: old ? [-1, 1, -1] : [1, 2, 3],
  };
}

/** What every axis becomes. A scale is rounded to float32 in the file, and its product with the length as well. */
function changesOf(inputs: Operands, a: Resizing): readonly Change[] {
  const { dims } = inputs[0]!;
  const axes = (a.axes ?? [...dims.keys()]).map((axis) => normalizeAxis(axis, dims.length));
  demand(
    axes.every((axis) => axis !== undefined),
    "invalid-model",
    `axes of a tensor of rank ${dims.length}`,
    `[${a.axes}]`,
  );
  const [roi, scales, sizes] = a.places.map((place, i) => {
    const list = integers(inputs, place, ["a roi", "scales", "sizes"][i]);
    const given = i === 1 ? (a.scales ?? list) : list;
    // Before opset 13 what is left out may be an empty list.
    if (!given?.length) return undefined;
    const count = i === 0 ? 2 * axes.length : axes.length;
    demand(
      given.length === count && (i === 0 || given.every((v) => v > 0)),
      "invalid-model",
      `${count} numbers above 0 in ${["roi", "scales", "sizes"][i]}`,
      `[${given}]`,
    );
    return given;
  });
  demand(!scales !== !sizes, "invalid-model", "either scales or sizes", scales ? "both" : "neither");
  const crops = a.transformation === "tf_crop_and_resize";
  demand(!crops || roi, "invalid-model", "a roi for tf_crop_and_resize", "none");
  // The standard's text has the size of the region in the output's size, its shape inference and examples have not.
  demand(
    !crops || sizes || roi!.every((v, i) => v === Number(i >= axes.length)),
    "unsupported",
    "sizes beside a roi that crops",
    "scales",
  );
  const asked = scales ?? sizes!.map((v, i) => v / dims[axes[i]!]);
  const common = sizes && policies[a.policy]?.(asked);
  return axes.map((axis, i) => {
    const length = dims[axis!];
    const scale = common ?? asked[i];
    const [start, end] = crops ? [roi![i], roi![axes.length + i]] : [0, 1];
    const out = common ? Math.floor(common * length + 0.5) : sizes ? sizes[i] : Math.floor(Math.fround(scale * length));
    return { axis: axis!, length, out, scale, width: sizes && !common ? out : scale * length, start, end };
  });
}

/** The numbers of the input that one of the output is the weighted sum of; none where it lies outside. */
export type Taps = ReadonlyMap<number, number>;

/** Coordinates that only float32's rounding of the scale keeps from a whole or a half number are meant to be it. */
function meant(x: number): number {
  const half = Math.round(2 * x) / 2;
  return Math.abs(x - half) < 1e-6 * Math.max(1, Math.abs(x)) ? half : x;
}

function tapsOf(position: number, change: Change, a: Resizing): Taps {
  const { length, scale } = change;
  const x = meant(transformations[a.transformation](position, change));
  const taps = new Map<number, number>();
  if (a.transformation === "tf_crop_and_resize" && (x < 0 || x > length - 1)) return taps;
  const { reach, weight } = filters[a.mode];
  const stretch = a.antialias ? Math.min(1, scale) : 1;
  const nearest = roundings[a.nearest](x, change);
  const [first, last] =
    reach === 0 ? [nearest, nearest] : [Math.floor(x - reach / stretch) + 1, Math.ceil(x + reach / stretch) - 1];
  let sum = 0;
  for (let i = first; i <= last; i++) {
    const at = Math.min(Math.max(i, 0), length - 1);
    if (reach > 0 && a.excludeOutside && at !== i) continue;
    const w = weight(Math.abs(i - x) * stretch, a.cubic);
    sum += w;
    taps.set(at, (taps.get(at) ?? 0) + w);
  }
  return new Map([...taps].filter(([, w]) => w !== 0).map(([at, w]) => [at, w / sum]));
}

/** An axis that is resized. */
export interface ResizedAxis {
  readonly axis: number;
  readonly taps: readonly Taps[];
}

/** What a tap takes, in its map and in the lists that are made of it. */
const TAP_BYTES = 200;

/** The output's dims, and the axes along which it is not the input. */
export function resizedAxes(
  inputs: Operands,
  a: Resizing,
  budget: Budget,
): { dims: Dims; axes: readonly ResizedAxis[] } {
  const x = inputs[0]!;
  const dims = [...x.dims];
  const changes = changesOf(inputs, a);
  const taps = changes.reduce((sum, { out, scale }) => {
    const stretch = a.antialias ? Math.min(1, scale) : 1;
    return sum + out * (1 + (2 * filters[a.mode].reach) / stretch);
  }, 0);
  for (const { axis, out } of changes) dims[axis] = out;
  budget.fits(4 * size(dims));
  budget.fits(TAP_BYTES * taps);
  const axes = changes.map(
    (change): ResizedAxis => ({
      axis: change.axis,
      taps: Array.from({ length: change.out }, (_, i) => tapsOf(i, change, a)),
    }),
  );
  const same = ({ axis, taps }: ResizedAxis) =>
    dims[axis] === x.dims[axis] && taps.every((t, i) => t.size === 1 && t.get(i) === 1);
  return { dims, axes: axes.filter((axis) => !same(axis)) };
}
