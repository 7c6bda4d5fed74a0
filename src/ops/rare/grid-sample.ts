import { demand } from "../../base/complaint.ts";
import { type Dims, shapeText, size, strides } from "../../base/tensor.ts";
import { type AttributeReader, integers, type Op } from "../op.ts";
import { composed } from "./compose.ts";
import { sampling, type Tap } from "./sampling.ts";
import { standsFor } from "../says.ts";

/** How a position along one axis becomes weights of numbers there. */
interface Reading {
  readonly mode: string;
  readonly padding: string;
  readonly corners: boolean;
}

interface GridAttributes extends Reading {
  readonly x?: Dims;
  /** Points of one sample. */
  readonly points?: number;
}

const MODES = ["linear", "nearest", "cubic"];
const PADDINGS = ["zeros", "border", "reflection"];

function readReading(read: AttributeReader): Reading {
  const mode = read.string("mode", read.opset < 20 ? "bilinear" : "linear").replace(/^bi/, "");
  const padding = read.string("padding_mode", "zeros");
  demand(MODES.includes(mode), "invalid-model", `a mode ${MODES.join(", ")}`, `'${mode}'`);
  demand(PADDINGS.includes(padding), "invalid-model", `a padding_mode ${PADDINGS.join(", ")}`, `'${padding}'`);
  return { mode, padding, corners: read.int("align_corners", 0) === 1 };
}

/** A position that has gone beyond an end comes back from it, as often as it must. */
function reflected(v: number, low: number, high: number): number {
  const length = high - low;
  if (v >= low && v <= high) return v;
  if (length === 0) return low;
  const beyond = (v < low ? low - v : v - high) % (2 * length);
  const back = beyond > length ? 2 * length - beyond : beyond;
  return v < low ? low + back : high - back;
}

/** Halves go to the even neighbour. */
const rounded = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

/** Keys' filter by the distance. Source: Keys 1981, equation 4 */
function cubic(d: number, a = -0.75): number {
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

/** The numbers along one axis that a position from −1 to 1 stands for, and their weights. */
function along(
  position: number,
  length: number,
  { mode, padding, corners }: Reading,
): readonly (readonly [number, number])[] {
  demand(Number.isFinite(position), "invalid-model", "finite positions in the grid", `${position}`);
  const [low, high] = corners ? [0, length - 1] : [-0.5, length - 0.5];
  const place = corners ? ((position + 1) / 2) * (length - 1) : ((position + 1) * length - 1) / 2;
  const meant = mode === "nearest" ? rounded(place) : place;
  const at =
    meant >= low && meant <= high
      ? meant
      : padding === "border"
        ? Math.min(Math.max(meant, 0), length - 1)
        : padding === "reflection"
          ? reflected(meant, low, high)
          : meant;
  const first = Math.floor(at);
  const near =
    mode === "nearest" ? [rounded(at)] : mode === "linear" ? [first, first + 1] : [-1, 0, 1, 2].map((k) => first + k);
  // Beyond an end the same number may be read twice.
  const weights = new Map<number, number>();
  for (const i of near) {
    const weight = mode === "nearest" ? 1 : mode === "linear" ? 1 - Math.abs(at - i) : cubic(Math.abs(at - i));
    const isInside = i >= 0 && i < length;
    if (weight === 0 || (!isInside && padding === "zeros")) continue;
    const kept = padding === "border" ? i : Math.round(reflected(i, low, high));
    const place = Math.min(Math.max(kept, 0), length - 1);
    weights.set(place, (weights.get(place) ?? 0) + weight);
  }
  return [...weights];
}

/** Calls `tap` for each product of weights of all axes. */
function eachTap(
  axes: readonly (readonly (readonly [number, number])[])[],
  steps: readonly number[],
  from: number,
  weight: number,
  tap: Tap,
  axis = 0,
): void {
  if (axis === axes.length) {
    tap(from, weight);
    return;
  }
  for (const [i, w] of axes[axis]) eachTap(axes, steps, from + i * steps[axis], weight * w, tap, axis + 1);
}

const REACH: Readonly<Record<string, number>> = { nearest: 1, linear: 2, cubic: 4 };

/**
 * x between its numbers, at the points of a grid, whose positions go from −1 to 1 along each axis, the last axis first.
 * Source: ONNX GridSample-22.
 */
const gridSample: Op<GridAttributes> = sampling<GridAttributes>({
  type: "GridSample",
  takes: "X grid:float1",
  attributes: readReading,
  infer([x, grid], a) {
    const [n, c, ...lengths] = x!.dims;
    const [ofGrid, axes] = [grid!.dims[0], grid!.dims.at(-1)];
    const rank = x!.dims.length;
    const fits = rank >= 3 && grid!.dims.length === rank && ofGrid === n && axes === lengths.length;
    demand(fits, "shape", `a grid [${n}, …, ${lengths.length}] of rank ${rank}`, shapeText(grid!.dims, ""));
    const out = grid!.dims.slice(1, -1);
    const dims = [n, c, ...out];
    return {
      dims: [dims],
      attributes: { ...a, x: x!.dims, points: size(out) },
      work: size(dims) * REACH[a.mode] ** lengths.length,
    };
  },
  walk([, grid], { x, points, ...reading }, begin, tap) {
    const [n, c, ...lengths] = x!;
    const [area, steps, k] = [size(lengths), strides(lengths), lengths.length];
    for (let sample = 0; sample < n; sample++)
      for (let p = 0; p < points!; p++) {
        const axes = lengths.map((length, axis) =>
          along(grid![(sample * points! + p + 1) * k - 1 - axis], length, reading),
        );
        for (let channel = 0; channel < c; channel++) {
          const plane = sample * c + channel;
          begin(plane * points! + p);
          eachTap(axes, steps, plane * area, 1, tap);
        }
      }
  },
  nonnegative: ([x], { mode }) => x && mode !== "cubic",
});

/** The positions of n numbers from −1 to 1: of the outer ones, or of the outer edges of these. */
const positions = (n: number, corners: boolean): number[] =>
  Array.from({ length: n }, (_, i) => (corners ? (n === 1 ? 0 : (2 * i) / (n - 1) - 1) : (2 * i + 1) / n - 1));

/** Points of a grid that is moved, turned and sheared: the products of a matrix and the positions. Source: ONNX AffineGrid-20. */
const affineGrid: Op<{ corners: boolean }> = composed<{ corners: boolean }>(
  {
    type: "AffineGrid",
    summary: standsFor("MatMul"),
    takes: "theta size:int",
    attributes: (read) => ({ corners: read.int("align_corners", 0) === 1 }),
  },
  (c, inputs, { corners }, _node, budget) => {
    const [theta] = inputs;
    const [n, , ...lengths] = integers(inputs, 1, "a size")!;
    const k = lengths.length;
    const fits = (k === 2 || k === 3) && theta.dims.join() === [n, k, k + 1].join();
    demand(fits, "shape", `a theta [${n}, ${k}, ${k + 1}] for 2 or 3 axes`, shapeText(theta.dims, ""));
    const count = size(lengths);
    budget.take(4 * count * (k + 1), count);
    const [axes, steps] = [lengths.map((length) => positions(length, corners)), strides(lengths)];
    const rows = Array.from({ length: count }, (_, p) => [
      ...axes.map((axis, i) => axis[Math.floor(p / steps[i]) % lengths[i]]).reverse(),
      1,
    ]);
    const turned = c.transpose(theta.name, [0, 2, 1]);
    const product = c.matMul(c.floats(rows.flat(), [count, k + 1], theta.type), turned);
    return c.reshape(product, [n, ...lengths, k]);
  },
);

export const grids = [gridSample, affineGrid] as const;
