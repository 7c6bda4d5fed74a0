import { demand } from "../../base/complaint.ts";
import {
  type Dims,
  elementType,
  type ElementType,
  numbersFor,
  shapeText,
  size,
  strides,
  typeName,
} from "../../base/tensor.ts";
import { loop, mover } from "../move.ts";
import { axesOf, axisOf, integers, type Op } from "../op.ts";
import type { Numbers } from "../cells.ts";
import { hosted } from "./hosted.ts";
import { LOADING, MOVES, PARTLY, POSITIVE } from "../says.ts";

interface Reversal {
  readonly time: number;
  readonly batch: number;
  readonly dims?: Dims;
}

/** Calls `visit` with where each number comes from, and where it goes. */
function reversed({ time, batch, dims }: Reversal, lengths: Numbers, visit: (from: number, to: number) => void): void {
  const steps = strides(dims!);
  for (let to = 0; to < size(dims!); to++) {
    const [t, b] = [time, batch].map((axis) => Math.floor(to / steps[axis]) % dims![axis]);
    const length = lengths[b];
    demand(length >= 0 && length <= dims![time], "invalid-model", `sequence_lens up to ${dims![time]}`, `${length}`);
    visit(t < length ? to + (length - 1 - 2 * t) * steps[time] : to, to);
  }
}

/** The first numbers of each sequence in the opposite order, as many as it is long. Source: ONNX ReverseSequence-10. */
const reverseSequence: Op<Reversal> = hosted<Reversal>({
  type: "ReverseSequence",
  family: "route",
  summary: MOVES,
  takes: "input:any sequence_lens:int",
  anyType: true,
  attributes: (read) => ({ time: read.int("time_axis", 0), batch: read.int("batch_axis", 1) }),
  infer([x, lengths], { time, batch }) {
    const { dims } = x!;
    const [a, b] = [time, batch].map((axis) => axisOf(axis, dims.length));
    demand(a !== b && a + b === 1, "invalid-model", "a time_axis and a batch_axis that are 0 and 1", `${a} and ${b}`);
    demand(lengths!.dims.join() === `${dims[b]}`, "shape", `${dims[b]} sequence_lens`, shapeText(lengths!.dims, ""));
    return { dims: [dims], attributes: { time: a, batch: b, dims } };
  },
  run([x, lengths], [y], a) {
    reversed(a, lengths!, (from, to) => {
      y[to] = x![from];
    });
  },
  back(r, [sums], [, lengths], a) {
    reversed(a, lengths!, (from, to) => {
      sums![from] += r[to];
    });
  },
  way: () => ({ kind: "route", steers: [1] }),
  nonnegative: ([x]) => x,
});

interface CropPad {
  readonly axes: readonly number[] | undefined;
}

/** How much one axis is cut before what stays, or what is put before it. */
const excess = (large: number, small: number): number => Math.floor((large - small) / 2);

/** The middle of each axis, or zeros around it. Source: ONNX CenterCropPad-18. */
const centerCropPad = mover<CropPad>({
  type: "CenterCropPad",
  takes: "input_data:any shape:int",
  summary: PARTLY,
  attributes: (read) => ({ axes: read.ints("axes") }),
  infer(inputs, a) {
    const [x, shape] = [inputs[0]!, integers(inputs, 1, "a shape")!];
    const axes = axesOf(a.axes ?? [...x.dims.keys()], x.dims.length);
    const fits = shape.length === axes.length && shape.every((d) => d >= 0);
    demand(fits, "invalid-model", `${axes.length} sizes ≥ 0, one for each axis`, `[${shape}]`);
    return { dims: [x.dims.map((d, axis) => (axes.includes(axis) ? shape[axes.indexOf(axis)] : d))] };
  },
  moves: ([x], output) => [
    {
      input: 0,
      from: x.map((d, i) => Math.max(excess(d, output[i]), 0)),
      to: x.map((d, i) => Math.max(excess(output[i], d), 0)),
      loops: x.map((d, i) => loop(Math.min(d, output[i]), i)),
    },
  ],
  exact: false,
  drops: ({ inputs: [x], outputs: [y] }) => y.dims.some((d, axis) => d > x!.dims[axis]),
});

interface Columns {
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  readonly image?: Dims;
  readonly block?: Dims;
  /** How many positions a block has along each axis. */
  readonly counts?: Dims;
  readonly planes?: number;
}

/** Calls `visit` with where each number of the blocks is, and where it is added. */
function placed(
  { dilations, pads, strides: by, image, block, counts, planes }: Columns,
  visit: (from: number, to: number) => void,
): void {
  const [area, places, pixels] = [size(block!), size(counts!), size(image!)];
  const [ofBlock, ofPlace, ofImage] = [block!, counts!, image!].map(strides);
  for (let k = 0; k < area; k++)
    for (let p = 0; p < places; p++) {
      let to = 0;
      const isInside = image!.every((length, axis) => {
        const [tap, place] = [
          Math.floor(k / ofBlock[axis]) % block![axis],
          Math.floor(p / ofPlace[axis]) % counts![axis],
        ];
        const at = place * by![axis] + tap * dilations![axis] - pads![axis];
        to += at * ofImage[axis];
        return at >= 0 && at < length;
      });
      if (isInside)
        for (let plane = 0; plane < planes!; plane++) visit((plane * area + k) * places + p, plane * pixels + to);
    }
}

/** Blocks added up where they overlap, as a convolution reads them. Source: ONNX Col2Im-18. */
const col2Im: Op<Columns> = hosted<Columns>({
  type: "Col2Im",
  family: "sum",
  summary: POSITIVE,
  takes: "input:any image_shape:int block_shape:int",
  anyType: true,
  attributes: (read) => ({ dilations: read.ints("dilations"), pads: read.ints("pads"), strides: read.ints("strides") }),
  infer(inputs, a) {
    const { dims } = inputs[0]!;
    const [image, block] = [integers(inputs, 1, "an image_shape")!, integers(inputs, 2, "a block_shape")!];
    const n = image.length;
    const one = image.map(() => 1);
    const [dilations, by, pads] = [a.dilations ?? one, a.strides ?? one, a.pads ?? [...one, ...one].map(() => 0)];
    const lists = [block, dilations, by].every((list) => list.length === n && list.every((v) => v >= 1));
    demand(
      lists && pads.length === 2 * n && n > 0,
      "invalid-model",
      `blocks, dilations and strides ≥ 1 and pads for ${n} axes`,
      `[${block}], [${dilations}], [${by}], [${pads}]`,
    );
    const counts = image.map(
      (d, i) => Math.floor((d + pads[i] + pads[n + i] - dilations[i] * (block[i] - 1) - 1) / by[i]) + 1,
    );
    const channels = dims[1] / size(block);
    const fits =
      dims.length === 3 && Number.isInteger(channels) && counts.every((v) => v >= 1) && dims[2] === size(counts);
    demand(fits, "shape", `[n, a multiple of ${size(block)}, ${size(counts)}]`, shapeText(dims, ""));
    const attributes = { dilations, pads, strides: by, image, block, counts, planes: dims[0] * channels };
    return { dims: [[dims[0], channels, ...image]], attributes, work: size(dims) };
  },
  run([x], [y], a) {
    y.fill(0);
    placed(a, (from, to) => {
      y[to] += x![from];
    });
  },
  back(r, [sums], _, a) {
    placed(a, (from, to) => {
      sums![from] += r[to];
    });
  },
  way: () => ({ kind: "linear", data: [0] }),
  nonnegative: ([x]) => x,
});

interface Eye {
  readonly k: number;
  readonly type: ElementType | undefined;
}

/** Ones along a diagonal, in the dims of the input. Source: ONNX EyeLike-22. */
const eyeLike: Op<Eye> = {
  type: "EyeLike",
  family: "other",
  summary: LOADING,
  takes: "input:any",
  attributes(read) {
    const code = read.int("dtype", 0);
    const type = code === 0 ? undefined : elementType(code);
    demand(code === 0 || type, "unsupported", "a dtype of 8 bits or more", typeName(code));
    return { k: read.int("k", 0), type };
  },
  infer([x], a) {
    demand(x!.dims.length === 2, "shape", "an input of rank 2", `rank ${x!.dims.length}`);
    const type = a.type ?? x!.type;
    return { dims: [x!.dims], types: [type], attributes: { ...a, type } };
  },
  shapeOnly: true,
  fold(_inputs, { k, type = "float32" }, [dims]) {
    const data = numbersFor(type, size(dims)).map((_, i) => Number((i % dims[1]) - Math.floor(i / dims[1]) === k));
    return [{ type, dims, data }];
  },
};

export const arrangements = [reverseSequence, centerCropPad, col2Im, eyeLike] as const;
