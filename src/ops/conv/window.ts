import { demand, insist } from "../../base/complaint.ts";
import type { Dims } from "../../base/tensor.ts";
import type { AttributeReader } from "../op.ts";

/** What convolutions and pools share, per spatial axis; `undefined` where the file leaves it out. */
export interface WindowAttributes {
  readonly kernel: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly autoPad: string;
  readonly ceil: boolean;
}

/** One spatial axis of a window that slides. */
export interface Axis {
  readonly length: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  readonly out: number;
  /** Where taps that no window has inside the picture were left out: how many of the first, and of all. */
  readonly trimmed?: { readonly skip: number; readonly kernel: number };
}

/** @param of convolutions have no ceil_mode */
export function readWindow(read: AttributeReader, of: "convolution" | "pool" = "pool"): WindowAttributes {
  const autoPad = read.string("auto_pad", "NOTSET");
  demand(
    ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(autoPad),
    "invalid-model",
    "auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER",
    autoPad,
  );
  return {
    kernel: read.ints("kernel_shape"),
    strides: read.ints("strides"),
    dilations: read.ints("dilations"),
    pads: read.ints("pads"),
    autoPad,
    ceil: of === "pool" && read.int("ceil_mode", 0) === 1,
  };
}

/** Kernels have positions of 32 bits. */
const LARGEST = 2 ** 31 - 1;

function perAxis(
  given: readonly number[] | undefined,
  what: string,
  length: number,
  least: number,
  otherwise: number,
): readonly number[] {
  const values = given ?? new Array<number>(length).fill(otherwise);
  demand(
    values.length === length && values.every((v) => Number.isInteger(v) && v >= least),
    "invalid-model",
    `${length} ${what} ≥ ${least}`,
    `[${values.join(", ")}]`,
  );
  return values;
}

/** What the file says of every axis, with the standard's defaults. */
function statedAxes(spatial: Dims, a: WindowAttributes, kernel: readonly number[]) {
  const rank = spatial.length;
  const kernels = perAxis(kernel, "kernel sizes", rank, 1, 1);
  const strides = perAxis(a.strides, "strides", rank, 1, 1);
  const dilations = perAxis(a.dilations, "dilations", rank, 1, 1);
  const pads = perAxis(a.pads, "pads", 2 * rank, 0, 0);
  return spatial.map((length, i) => {
    const [before, after] = [pads[i], pads[rank + i]];
    const padded = length + before + after;
    demand(padded <= LARGEST, "unsupported", `a padded axis of at most ${LARGEST}`, `${padded}`);
    const [kernel, stride, dilation] = [kernels[i], strides[i], dilations[i]];
    return { length, kernel, stride, dilation, before, after, span: dilation * (kernel - 1) + 1 };
  });
}

/** Padding shared between both ends; what is odd of it goes to the end with SAME_UPPER, else to the beginning. */
function split(total: number, autoPad: string): { before: number; after: number } {
  const before = autoPad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  return { before, after: total - before };
}

/**
 * The windows along every spatial axis.
 *
 *   out = floor((length + before + after − dilation · (kernel − 1) − 1) / stride) + 1, or ceil with ceil_mode
 *
 * Source: ONNX Conv, MaxPool, AveragePool.
 */
export function windowAxes(spatial: Dims, a: WindowAttributes, kernel: readonly number[]): readonly Axis[] {
  return statedAxes(spatial, a, kernel).map(({ span, ...axis }) => {
    const { length, before, after } = axis;
    if (a.autoPad !== "NOTSET") {
      const out =
        a.autoPad === "VALID" ? Math.ceil((length - span + 1) / axis.stride) : Math.ceil(length / axis.stride);
      const total = a.autoPad === "VALID" ? 0 : Math.max(0, (out - 1) * axis.stride + span - length);
      demand(out > 0, "shape", `an axis of at least ${span}`, `${length}`);
      return { ...axis, ...split(total, a.autoPad), out };
    }
    const steps = (length + before + after - span) / axis.stride;
    let out = (a.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    const least = a.ceil ? span - axis.stride + 1 : span;
    demand(
      out > 0,
      "shape",
      `a padded axis of at least ${least} (the kernel's reach is ${span})`,
      `${length + before + after}`,
    );
    // A window that would begin in the padding behind the end is not a window.
    if (a.ceil && (out - 1) * axis.stride >= length + before) out--;
    return { ...axis, out };
  });
}

/**
 * The windows without the taps that none of them has inside the picture: a window may be far larger than it. Where none
 * is inside, one tap is left, which is not.
 */
function trimmed(axis: Axis): Axis {
  const { length, kernel, stride, dilation, before, out } = axis;
  const reach = (out - 1) * stride;
  const skip = Math.max(0, Math.ceil((before - reach) / dilation));
  const taps = Math.min(kernel, Math.floor((length - 1 + before) / dilation) + 1) - skip;
  if (taps === kernel) return axis;
  const some = taps > 0;
  const rest = {
    kernel: Math.max(1, taps),
    dilation: taps > 1 ? dilation : 1,
    before: some ? before - skip * dilation : -length,
  };
  const after = reach + rest.dilation * (rest.kernel - 1) + 1 - length - rest.before;
  return { ...axis, ...rest, after, trimmed: { skip: some ? skip : 0, kernel } };
}

/** What only transposed convolutions have. */
export interface TransposedAttributes {
  readonly outputPadding: readonly number[] | undefined;
  readonly outputShape: readonly number[] | undefined;
}

/**
 * The windows of the convolution whose transpose has these inputs: its outputs, `out`, are the inputs here; `length` is
 * the output.
 *
 *   length = stride · (out − 1) + output_padding + dilation · (kernel − 1) + 1 − before − after
 *
 * With `output_shape`, or SAME (length = stride · out), this gives the padding; what output_shape has too much is added
 * to the end.
 *
 * Source: ONNX ConvTranspose-1, -11, -22.
 */
export function transposedAxes(
  spatial: Dims,
  a: WindowAttributes & TransposedAttributes,
  kernel: readonly number[],
): readonly Axis[] {
  const extra = perAxis(a.outputPadding, "numbers of output_padding", spatial.length, 0, 0);
  const wanted = a.outputShape && perAxis(a.outputShape, "sizes of output_shape", spatial.length, 1, 1);
  const same = a.autoPad.startsWith("SAME");
  return statedAxes(spatial, a, kernel).map(({ span, ...axis }, i) => {
    const { length: out, stride, before, after } = axis;
    const reach = stride * (out - 1) + extra[i] + span;
    const length = wanted ? wanted[i] : same ? stride * out : a.autoPad === "VALID" ? reach : reach - before - after;
    insist(length > 0, "shape", `pads of ${before} and ${after} leave nothing of an output of ${reach}`);
    const total = reach - length;
    const ends =
      !wanted && a.autoPad === "NOTSET"
        ? { before, after }
        : total < 0 && !same
          ? { before: 0, after: total }
          : split(total, a.autoPad);
    // In the convolution what was added to the output is reach that no window needs.
    return { ...axis, length, before: ends.before, after: ends.after - extra[i], out };
  });
}

const POINT: Axis = { length: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, out: 1 };

/** Whether windows neither reach nor move along an axis. */
export function isStill(axis: Axis): boolean {
  return axis.kernel === 1 && axis.stride === 1 && axis.before === 0 && axis.after === 0;
}

/**
 * At least `rank` axes: missing ones are added in front; where there are more than two, still neighbours are merged.
 */
function atLeast(rank: number, axes: readonly Axis[]): Axis[] {
  const list = [...axes];
  for (let i = list.length - 1; i > 0 && list.length > 2; i--) {
    if (isStill(list[i]) && isStill(list[i - 1])) {
      const length = list[i].length * list[i - 1].length;
      list.splice(i - 1, 2, { ...POINT, length, out: length });
    }
  }
  while (list.length < rank) list.unshift(POINT);
  return list;
}

/** The axes as [height, width], the form that the kernels have; undefined if more than two do not stand still. */
export function planeOf(axes: readonly Axis[]): readonly [Axis, Axis] | undefined {
  const list = atLeast(2, axes);
  return list.length === 2 ? [list[0], list[1]] : undefined;
}

/** The axes as [depth, height, width]. */
export function asVolume(axes: readonly Axis[]): readonly [Axis, Axis, Axis] {
  const list = atLeast(3, axes.map(trimmed));
  demand(list.length === 3, "unsupported", "a window over at most three axes", `${axes.length} axes`);
  return [list[0], list[1], list[2]];
}

/** How many windows hold one place at most. */
export const overlap = (axes: readonly Axis[]) =>
  axes.reduce((product, { kernel, stride, out }) => product * Math.min(out, Math.ceil(kernel / stride)), 1);

/** As many numbers are added up one after another in single precision, without more than 4e-6 of their size lost. */
export const MOST_OVERLAP = 64;

/** kh, kw and the strides, pads and dilations of two axes: the order in which kernels take them. */
export function windowSizes(h: Axis, w: Axis) {
  return {
    kh: h.kernel,
    kw: w.kernel,
    strideH: h.stride,
    strideW: w.stride,
    top: h.before,
    left: w.before,
    dilationH: h.dilation,
    dilationW: w.dilation,
  };
}
