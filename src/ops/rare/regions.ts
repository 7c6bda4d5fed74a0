import { Complaint, demand } from "../../base/complaint.ts";
import { type Dims, shapeText, size } from "../../base/tensor.ts";
import type { Op } from "../op.ts";
import { readWindow, type WindowAttributes } from "../conv/window.ts";
import { composed } from "./compose.ts";
import { sampling, type Tap } from "./sampling.ts";

/** Points that one number of an output may be the mean of, along one axis. */
const MOST_POINTS = 1024;

interface RoiAttributes {
  readonly mode: string;
  readonly out: readonly [height: number, width: number];
  /** How many points along each axis; 0: as many as there are numbers. */
  readonly ratio: number;
  readonly scale: number;
  readonly halfPixel: boolean;
  readonly x?: Dims;
}

/** Calls `tap` for the four numbers around a point; what lies more than a number outside is nothing. */
function around([h, w]: Dims, y: number, x: number, from: number, weight: number, tap: Tap): void {
  if (y < -1 || y > h || x < -1 || x > w) return;
  const [[y0, y1, fy], [x0, x1, fx]] = [[y, h] as const, [x, w] as const].map(([v, length]) => {
    const at = Math.min(Math.max(v, 0), length - 1);
    const first = Math.floor(at);
    return [first, Math.min(first + 1, length - 1), at - first] as const;
  });
  tap(from + y0 * w + x0, weight * (1 - fy) * (1 - fx));
  tap(from + y0 * w + x1, weight * (1 - fy) * fx);
  tap(from + y1 * w + x0, weight * fy * (1 - fx));
  tap(from + y1 * w + x1, weight * fy * fx);
}

/**
 * Regions of a picture, each as numbers of the same count: means of points between its numbers, or the largest.
 * Sources: ONNX RoiAlign-16; He et al. 2017, "Mask R-CNN".
 */
const roiAlign: Op<RoiAttributes> = sampling<RoiAttributes>({
  type: "RoiAlign",
  takes: "X rois batch_indices:int",
  attributes(read) {
    const mode = read.string("mode", "avg");
    demand(mode === "avg" || mode === "max", "invalid-model", "a mode avg or max", `'${mode}'`);
    const name = "coordinate_transformation_mode";
    const transformation = read.opset < 16 ? "output_half_pixel" : read.string(name, "half_pixel");
    const isKnown = transformation === "half_pixel" || transformation === "output_half_pixel";
    demand(isKnown, "invalid-model", `a ${name} half_pixel or output_half_pixel`, `'${transformation}'`);
    const ratio = read.int("sampling_ratio", 0);
    demand(ratio >= 0 && ratio <= MOST_POINTS, "unsupported", `a sampling_ratio up to ${MOST_POINTS}`, `${ratio}`);
    return {
      ...{ mode, ratio, scale: read.float("spatial_scale", 1), halfPixel: transformation === "half_pixel" },
      out: [read.int("output_height", 1), read.int("output_width", 1)],
    };
  },
  infer([x, rois, batch], a) {
    demand(x!.dims.length === 4, "shape", "an input of rank 4", `rank ${x!.dims.length}`);
    const [count] = rois!.dims;
    const fits = rois!.dims.join() === [count, 4].join() && batch!.dims.join() === `${count}`;
    demand(
      fits,
      "shape",
      "rois [n, 4] and n batch_indices",
      `${shapeText(rois!.dims, "")} and ${shapeText(batch!.dims, "")}`,
    );
    demand(
      a.out.every((d) => d > 0),
      "invalid-model",
      "output_height and output_width ≥ 1",
      `${a.out}`,
    );
    const dims = [count, x!.dims[1], ...a.out];
    const points = a.ratio > 0 ? a.ratio ** 2 : size(x!.dims.slice(2));
    return { dims: [dims], attributes: { ...a, x: x!.dims }, work: 4 * size(dims) * points };
  },
  walk([, rois, batch], { x, out: [oh, ow], ratio, scale, halfPixel, mode }, begin, tap) {
    const [n, c, ...plane] = x!;
    const shift = halfPixel ? 0.5 : 0;
    for (let roi = 0; roi < batch!.length; roi++) {
      const sample = batch![roi];
      demand(sample >= 0 && sample < n, "invalid-model", `batch_indices below ${n}`, `${sample}`);
      const [x0, y0, x1, y1] = [0, 1, 2, 3].map((k) => rois![4 * roi + k] * scale - shift);
      const [height, width] = [y1 - y0, x1 - x0].map((v) => (halfPixel ? v : Math.max(v, 1)));
      const [rows, columns] = [height / oh, width / ow].map((bin) => {
        const points = ratio || Math.max(Math.ceil(bin), 0);
        demand(
          points <= MOST_POINTS,
          "invalid-model",
          `at most ${MOST_POINTS} points of a region for each number`,
          `${points}`,
        );
        return points;
      });
      const share = mode === "avg" ? 1 / Math.max(rows * columns, 1) : 1;
      for (let channel = 0; channel < c; channel++)
        for (let i = 0; i < oh; i++)
          for (let j = 0; j < ow; j++) {
            begin(((roi * c + channel) * oh + i) * ow + j);
            for (let p = 0; p < rows; p++)
              for (let q = 0; q < columns; q++) {
                const y = y0 + ((i + (p + 0.5) / rows) * height) / oh;
                const across = x0 + ((j + (q + 0.5) / columns) * width) / ow;
                around(plane, y, across, (sample * c + channel) * size(plane), share, tap);
              }
          }
    }
  },
  largest: ({ mode }) => mode === "max",
  nonnegative: ([x]) => x,
});

/** The window of a convolution whose taps are moved. */
interface Deformed {
  readonly kernel: Dims;
  readonly strides: Dims;
  readonly dilations: Dims;
  readonly pads: Dims;
  /** In how many groups of channels taps are moved alike. */
  readonly groups: number;
  readonly x?: Dims;
  readonly out?: Dims;
}

/** What each tap of a convolution reads, as channels of a picture: [n, c · kh · kw, oh, ow]. */
const taps: Op<Deformed> = sampling<Deformed>({
  type: "DeformedTaps",
  takes: "X offset",
  attributes: () => {
    throw new Complaint("unsupported", { problem: "it is a part of DeformConv, and no operator of a file" });
  },
  infer([x, offset], a) {
    const [n, c, ...lengths] = x!.dims;
    demand(lengths.length === 2, "unsupported", "an input of rank 4", `rank ${x!.dims.length}`);
    const [area, out] = [
      size(a.kernel),
      lengths.map(
        (d, i) =>
          Math.floor((d + a.pads[i] + a.pads[i + 2] - a.dilations[i] * (a.kernel[i] - 1) - 1) / a.strides[i]) + 1,
      ),
    ];
    demand(c % a.groups === 0, "invalid-model", `an offset_group that divides ${c} channels`, `${a.groups}`);
    const wanted = [n, 2 * a.groups * area, ...out];
    demand(
      offset!.dims.join() === wanted.join(),
      "shape",
      `an offset ${shapeText(wanted, "")}`,
      shapeText(offset!.dims, ""),
    );
    const dims = [n, c * area, ...out];
    return { dims: [dims], attributes: { ...a, x: x!.dims, out }, work: 4 * size(dims) };
  },
  walk([, offset], { kernel: [kh, kw], strides, dilations, pads, groups, x, out }, begin, tap) {
    const [n, c, h, w] = x!;
    const [area, [oh, ow]] = [kh * kw, out!];
    for (let plane = 0; plane < n * c; plane++) {
      const group = Math.floor(plane / c) * groups + Math.floor(((plane % c) * groups) / c);
      for (let k = 0; k < area; k++)
        for (let i = 0; i < oh; i++)
          for (let j = 0; j < ow; j++) {
            const at = (2 * (group * area + k) * oh + i) * ow + j;
            const [dy, dx] = [offset![at], offset![at + oh * ow]];
            demand(Number.isFinite(dy) && Number.isFinite(dx), "invalid-model", "finite offsets", `${dy} and ${dx}`);
            const y = i * strides[0] - pads[0] + Math.floor(k / kw) * dilations[0] + dy;
            const across = j * strides[1] - pads[1] + (k % kw) * dilations[1] + dx;
            begin(((plane * area + k) * oh + i) * ow + j);
            for (const row of [Math.floor(y), Math.floor(y) + 1])
              for (const column of [Math.floor(across), Math.floor(across) + 1]) {
                const weight = (1 - Math.abs(y - row)) * (1 - Math.abs(across - column));
                if (weight > 0 && row >= 0 && row < h && column >= 0 && column < w)
                  tap((plane * h + row) * w + column, weight);
              }
          }
    }
  },
  nonnegative: ([x]) => x,
});

interface DeformAttributes {
  readonly group: number;
  readonly groups: number;
  readonly window: WindowAttributes;
}

/**
 * A convolution whose taps lie where computed offsets say, scaled by a mask: what they read, times the mask, and a
 * convolution of single pixels. Sources: ONNX DeformConv-22; Zhu et al. 2019, "Deformable ConvNets v2".
 */
const deformConv: Op<DeformAttributes> = composed<DeformAttributes>(
  {
    type: "DeformConv",
    summary: "Any linear rule shares it. The offsets say where it goes, and a mask is a factor.",
    takes: "X W offset B? mask?",
    attributes: (read) => ({
      group: read.int("group", 1),
      groups: read.int("offset_group", 1),
      window: readWindow(read, "convolution"),
    }),
  },
  (c, [x, w, offset, bias, mask], { group, groups, window }, node) => {
    demand(
      x.dims.length === 4 && w.dims.length === 4,
      "unsupported",
      "X and W of rank 4",
      `ranks ${x.dims.length} and ${w.dims.length}`,
    );
    const [m, , ...kernel] = w.dims;
    const isWhole = Number.isInteger(groups) && groups >= 1 && window.autoPad === "NOTSET";
    demand(isWhole, "invalid-model", "an offset_group ≥ 1, and no auto_pad", `${groups} and ${window.autoPad}`);
    const fits = !window.kernel || window.kernel.join() === kernel.join();
    demand(fits, "invalid-model", `kernel_shape [${kernel}] as the weight has it`, `[${window.kernel}]`);
    const [strides, dilations, pads] = [
      window.strides ?? [1, 1],
      window.dilations ?? [1, 1],
      window.pads ?? [0, 0, 0, 0],
    ];
    const known =
      strides.length === 2 &&
      dilations.length === 2 &&
      pads.length === 4 &&
      [...strides, ...dilations].every((v) => v >= 1);
    demand(
      known,
      "invalid-model",
      "2 strides and 2 dilations ≥ 1, and 4 pads",
      `[${strides}], [${dilations}], [${pads}]`,
    );
    const [n, channels] = x.dims;
    const area = size(kernel);
    const attributes: Deformed = { kernel, strides, dilations, pads, groups };
    let read = c.add("DeformedTaps", [x.name, offset.name], attributes);
    if (mask) {
      const [, , oh, ow] = offset.dims;
      const parts = c.reshape(read, [n, groups, channels / groups, area, oh, ow]);
      const scaled = c.add("Mul", [parts, c.reshape(mask.name, [n, groups, 1, area, oh, ow])]);
      read = c.reshape(scaled, [n, channels * area, oh, ow]);
    }
    const weight = c.reshape(w.name, [m, (channels / group) * area, 1, 1]);
    const none = {
      kernel: undefined,
      strides: undefined,
      dilations: undefined,
      pads: undefined,
      autoPad: "NOTSET",
      ceil: false,
    };
    return c.add("Conv", [read, weight, ...(bias ? [node.inputs[3]] : [])], { group, window: none });
  },
);

export const regions = [roiAlign, taps, deformConv] as const;
