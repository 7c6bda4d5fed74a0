import { count, type Dims, type LinearMap, place, positions } from "./linear.ts";

/*
 * Resize, literally: for every position of the output its coordinates in the input, by the formulas of ONNX's text, and
 * from each coordinate the neighbours and their coefficients. One axis at a time; a weight of several axes is the
 * product.
 */

export interface ResizeCase {
  readonly dims: Dims;
  /** One for each axis; with `sizes` they follow from them. */
  readonly scales?: readonly number[];
  readonly sizes?: Dims;
  readonly mode?: "nearest" | "linear" | "cubic";
  readonly transformation?: string;
  readonly nearest?: string;
  readonly a?: number;
  readonly excludeOutside?: boolean;
  readonly antialias?: boolean;
  /** Starts, then ends. */
  readonly roi?: readonly number[];
  readonly extrapolation?: number;
}

interface Line {
  readonly length: number;
  readonly out: number;
  readonly scale: number;
  readonly start: number;
  readonly end: number;
}

function coordinate(x: number, { length, out, scale, start, end }: Line, transformation: string): number {
  const width = scale * length;
  switch (transformation) {
    case "half_pixel":
      return (x + 0.5) / scale - 0.5;
    case "half_pixel_symmetric":
      return (length / 2) * (1 - out / width) + (x + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return out > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return width === 1 ? 0 : (x * (length - 1)) / (width - 1);
    case "asymmetric":
      return x / scale;
    case "tf_half_pixel_for_nn":
      return (x + 0.5) / scale;
    case "tf_crop_and_resize":
      return out > 1
        ? start * (length - 1) + (x * (end - start) * (length - 1)) / (out - 1)
        : 0.5 * (start + end) * (length - 1);
    default:
      throw new Error(transformation);
  }
}

function rounded(x: number, mode: string): number {
  const [below, above] = [Math.floor(x), Math.ceil(x)];
  if (mode === "floor") return below;
  if (mode === "ceil") return above;
  if (x - below === 0.5) return mode === "round_prefer_floor" ? below : above;
  return x - below < 0.5 ? below : above;
}

const triangle = (d: number) => Math.max(0, 1 - Math.abs(d));
const keys = (a: number) => (d: number) => {
  const v = Math.abs(d);
  if (v <= 1) return (a + 2) * v ** 3 - (a + 3) * v ** 2 + 1;
  return v < 2 ? a * v ** 3 - 5 * a * v ** 2 + 8 * a * v - 4 * a : 0;
};

/** Weights by position of the input; undefined outside of the region that is cropped from. */
function weightsOf(x: number, line: Line, c: ResizeCase): number[] | undefined {
  const { length, scale } = line;
  const { mode = "nearest", nearest = "round_prefer_floor", a = -0.75, transformation = "half_pixel" } = c;
  if (transformation === "tf_crop_and_resize" && (x < 0 || x > length - 1)) return undefined;
  const weights = new Array<number>(length).fill(0);
  const clamped = (i: number) => Math.min(Math.max(i, 0), length - 1);
  if (mode === "nearest") {
    weights[clamped(rounded(x, nearest))] = 1;
    return weights;
  }
  const stretch = c.antialias ? Math.max(1, 1 / scale) : 1;
  const filter = mode === "linear" ? triangle : keys(a);
  let sum = 0;
  // Every neighbour that may have a say, and many that have none.
  for (let i = -5 * length; i < 6 * length; i++) {
    if (c.excludeOutside && i !== clamped(i)) continue;
    const w = filter((i - x) / stretch);
    weights[clamped(i)] += w;
    sum += w;
  }
  return weights.map((w) => w / sum);
}

/** Resize as weights and biases. */
export function resize(c: ResizeCase): LinearMap {
  const { dims, transformation = "half_pixel", roi = [] } = c;
  const lines = dims.map((length, k): Line => {
    const scale = c.scales?.[k] ?? c.sizes![k] / length;
    return { length, scale, out: c.sizes?.[k] ?? Math.floor(length * scale), start: roi[k], end: roi[dims.length + k] };
  });
  const out = lines.map((line) => line.out);
  const table = lines.map((line) =>
    Array.from({ length: line.out }, (_, x) => weightsOf(coordinate(x, line, transformation), line, c)),
  );
  const chosen = positions(out).map((position) => position.map((x, k) => table[k][x]));
  const isOutside = chosen.map((weights) => weights.some((w) => !w));
  return {
    dims: out,
    inputs: count(dims),
    bias: isOutside.map((outside) => (outside ? (c.extrapolation ?? 0) : 0)),
    connections: chosen.map((weights, j) =>
      isOutside[j]
        ? []
        : positions(dims).flatMap((at) => {
            const w = at.reduce((product, i, k) => product * weights[k]![i], 1);
            return Math.abs(w) < 1e-15 ? [] : [{ i: place(dims, at), w }];
          }),
    ),
  };
}
