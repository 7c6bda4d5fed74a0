import { demand } from "../../base/complaint.ts";
import type { AttributeReader, Op } from "../op.ts";
import { unary } from "../unary.ts";
import { composed } from "./compose.ts";
import { PARTLY, standsFor } from "../says.ts";

/*
 * Operators that ONNX had as experiments before opset 10; converters of that time wrote them.
 */

interface Line {
  readonly scale: number;
  readonly shift: readonly number[];
}

/** scale · x + shift, one number for all or for each channel. */
const line = (type: string, attributes: (read: AttributeReader) => Line): Op<Line> =>
  composed<Line>(
    { type, summary: standsFor("Mul and Add"), takes: "input", attributes },
    (c, [x], { scale, shift }) => {
      const channels = x.dims[1] ?? 1;
      demand(
        shift.length <= 1 || shift.length === channels,
        "invalid-model",
        `a bias of ${channels} numbers`,
        `${shift.length}`,
      );
      const product = c.add("Mul", [x.name, c.floats([scale], [], x.type)]);
      if (shift.every((v) => v === 0)) return product;
      const dims = shift.length === 1 ? [] : [shift.length, ...x.dims.slice(2).map(() => 1)];
      return c.add("Add", [product, c.floats(shift, dims, x.type)]);
    },
  );

interface Cut {
  readonly border: readonly number[];
  readonly size: readonly number[] | undefined;
}

/** A picture without its border; with `scale`, so much of it behind the left and upper border. */
const crop: Op<Cut> = composed<Cut>(
  {
    type: "Crop",
    summary: PARTLY,
    takes: "input",
    attributes(read) {
      const [border, size] = [read.ints("border") ?? [], read.ints("scale")];
      demand(
        border.length === 4 && (size?.length ?? 2) === 2,
        "invalid-model",
        "a border of 4 numbers and a scale of 2",
        `[${border}] and [${size}]`,
      );
      return { border, size };
    },
  },
  (c, [x], { border: [left, top, right, bottom], size }) => {
    demand(x.dims.length === 4, "shape", "an input of rank 4", `rank ${x.dims.length}`);
    const [, , h, w] = x.dims;
    const ends = size ? [top + size[0], left + size[1]] : [h - bottom, w - right];
    const fits = top >= 0 && left >= 0 && ends[0] <= h && ends[1] <= w && ends[0] > top && ends[1] > left;
    demand(fits, "shape", `a part of ${h} × ${w}`, `rows ${top} to ${ends[0]}, columns ${left} to ${ends[1]}`);
    return c.add("Slice", [x.name], { starts: [top, left], ends, axes: [2, 3] });
  },
);

interface Pair {
  readonly alpha: number;
  readonly beta: number;
}

const pair = (read: AttributeReader): Pair => ({ alpha: read.float("alpha", 1), beta: read.float("beta", 1) });

/** Sources: ONNX Affine-1, Scale-1, ImageScaler-1, Crop-1, ParametricSoftplus-1, ScaledTanh-1. */
export const old = [
  line("Affine", (read) => ({ scale: read.float("alpha", 1), shift: [read.float("beta", 0)] })),
  line("Scale", (read) => ({ scale: read.float("scale", 1), shift: [] })),
  line("ImageScaler", (read) => ({ scale: read.float("scale", 1), shift: read.floats("bias") ?? [] })),
  crop,
  /** α log(1 + e^(β x)) */
  unary<Pair>({
    type: "ParametricSoftplus",
    attributes: pair,
    f(x, y, { alpha, beta }) {
      for (let i = 0; i < x.length; i++) {
        const v = beta * x[i];
        y[i] = alpha * (Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))));
      }
    },
    slope: (v, { alpha, beta }) => (alpha * beta) / (1 + Math.exp(-beta * v)),
    nonnegative: (_x, { alpha }) => alpha >= 0,
  }),
  /** α tanh(β x) */
  unary<Pair>({
    type: "ScaledTanh",
    attributes: pair,
    f(x, y, { alpha, beta }) {
      for (let i = 0; i < x.length; i++) y[i] = alpha * Math.tanh(beta * x[i]);
    },
    slope: (v, { alpha, beta }) => alpha * beta * (1 - Math.tanh(beta * v) ** 2),
    nonnegative: (x, { alpha, beta }) => x && alpha * beta >= 0,
  }),
] as const;
