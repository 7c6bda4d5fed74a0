import type { Dims } from "../tensor.ts";
import { type AttributeReader, require } from "./op.ts";

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
}

export function readWindow(read: AttributeReader): WindowAttributes {
  const autoPad = read.string("auto_pad", "NOTSET");
  require(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(
    autoPad,
  ), "invalid-model", "auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER", autoPad);
  return {
    kernel: read.ints("kernel_shape"),
    strides: read.ints("strides"),
    dilations: read.ints("dilations"),
    pads: read.ints("pads"),
    autoPad,
    ceil: read.int("ceil_mode", 0) === 1,
  };
}

/**
 * The windows along every spatial axis.
 *
 *   out = floor((length + before + after − dilation · (kernel − 1) − 1) / stride) + 1, or ceil with ceil_mode
 *
 * Source: ONNX Conv, MaxPool, AveragePool.
 */
export function windowAxes(spatial: Dims, a: WindowAttributes, kernel: readonly number[]): readonly Axis[] {
  const rank = spatial.length;
  const list = (given: readonly number[] | undefined, what: string, length: number, least: number, otherwise: number) => {
    const values = given ?? new Array<number>(length).fill(otherwise);
    require(values.length === length &&
      values.every((v) => Number.isInteger(v) && v >= least), "invalid-model", `${length} ${what} ≥ ${least}`, `[${values.join(", ")}]`);
    return values;
  };
  const kernels = list(kernel, "kernel sizes", rank, 1, 1);
  const strides = list(a.strides, "strides", rank, 1, 1);
  const dilations = list(a.dilations, "dilations", rank, 1, 1);
  const pads = list(a.pads, "pads", 2 * rank, 0, 0);
  return spatial.map((length, i) => {
    const axis = { length, kernel: kernels[i], stride: strides[i], dilation: dilations[i] };
    const span = axis.dilation * (axis.kernel - 1) + 1;
    let [before, after] = [pads[i], pads[rank + i]];
    if (a.autoPad !== "NOTSET") {
      const out = a.autoPad === "VALID" ? Math.ceil((length - span + 1) / axis.stride) : Math.ceil(length / axis.stride);
      const total = a.autoPad === "VALID" ? 0 : Math.max(0, (out - 1) * axis.stride + span - length);
      before = a.autoPad === "SAME_LOWER" ? Math.ceil(total / 2) : Math.floor(total / 2);
      after = total - before;
      require(out > 0, "shape", `an axis of at least ${span}`, `${length}`);
      return { ...axis, before, after, out };
    }
    const steps = (length + before + after - span) / axis.stride;
    require(steps >= 0, "shape", `a padded axis of at least ${span} (the kernel's reach)`, `${length + before + after}`);
    let out = (a.ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that would begin in the padding behind the end is not a window.
    if (a.ceil && (out - 1) * axis.stride >= length + before) out--;
    return { ...axis, before, after, out };
  });
}

const POINT: Axis = { length: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, out: 1 };

/** Whether windows neither reach nor move along an axis. */
export function isStill(axis: Axis): boolean {
  return axis.kernel === 1 && axis.stride === 1 && axis.before === 0 && axis.after === 0;
}

/** The axes as [height, width], the form that the kernels have: missing ones are added, still ones merged; undefined if more are left. */
export function planeOf(axes: readonly Axis[]): readonly [Axis, Axis] | undefined {
  const list = [...axes];
  for (let i = list.length - 1; i > 0 && list.length > 2; i--) {
    if (isStill(list[i]) && isStill(list[i - 1])) {
      const length = list[i].length * list[i - 1].length;
      list.splice(i - 1, 2, { ...POINT, length, out: length });
    }
  }
  while (list.length < 2) list.unshift(POINT);
  return list.length === 2 ? [list[0], list[1]] : undefined;
}

export function asPlane(axes: readonly Axis[]): readonly [Axis, Axis] {
  const plane = planeOf(axes);
  require(plane, "unsupported", "a window over at most two axes", `${axes.length} axes`);
  return plane;
}

/** kh, kw and the strides, pads and dilations of two axes: the order in which kernels take them. */
export function windowSizes(h: Axis, w: Axis) {
  return [h.kernel, w.kernel, h.stride, w.stride, h.before, w.before, h.dilation, w.dilation] as const;
}
