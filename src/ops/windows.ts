import { type Budget, HOST } from "../base/budget.ts";
import { Complaint, demand } from "../base/complaint.ts";
import type { Operands } from "../graph/graph.ts";
import { stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Constant, type Dims, size, strides, type Wide } from "../base/tensor.ts";
import { overWindows, reduceCells, type Reducer, type Walk } from "./cells.ts";
import type { Inferred, Site } from "./op.ts";
import { roundUp } from "./conv/panels.ts";
import { type Axis, type WindowAttributes, windowAxes, windowSizes } from "./conv/window.ts";

/*
 * What all pools have: windows, which the kernels go through in a plane, and a walk of the host in more axes.
 */

export interface PoolAttributes {
  readonly window: WindowAttributes;
  /** Whether the mean's divisor counts padding. */
  readonly countPads: boolean;
  /** Whether windows of padding alone have a value, which is 0. */
  readonly ofNothing?: boolean;
  readonly axes?: readonly Axis[];
  /** Of MaxPool's indices: whether the last axis goes furthest instead of the first. */
  readonly columnMajor?: boolean;
}

export type Plane = readonly [Axis, Axis];

/** Sizes, strides, pads and dilations, as the kernels name them. */
export function sizes({ inputs: [x] }: Site<PoolAttributes>, [h, w]: Plane) {
  const [n, c] = x!.dims;
  return { n, h: h.length, w: w.length, c, oh: h.out, ow: w.out, ...windowSizes(h, w) };
}

/** The windows, for x and y as they lie in memory. */
export function walkOf({ axes, countPads }: PoolAttributes, x: Value, y: Value): Walk {
  return overWindows(axes!, x.dims, stridesOf(x), stridesOf(y), countPads);
}

/** Numbers that one window reads at most. */
export const tapsOf = ({ axes }: PoolAttributes) =>
  axes!.reduce((product, { kernel, length }) => product * Math.min(kernel, length), 1);

/** Of a kernel: a tap takes a step of its own, of four channels. */
export const kernelWork = ({ count, dims: [, c] }: Value, a: PoolAttributes) =>
  4 * (count / c) * roundUp(c, 4) * tapsOf(a);

export const hostWork = ({ count }: Value, a: PoolAttributes) => HOST * count * tapsOf(a);

/** y on the host: more axes than the kernels have, or a reducer that is none of theirs. */
export function lowered(
  e: Emitter,
  { node, outputs, attributes }: Site<PoolAttributes>,
  x: Value,
  reduce: Reducer,
): Value {
  const y = e.temp(outputs[0].name, outputs[0].dims, x.layout);
  const walk = walkOf(attributes, x, y);
  e.host(node.type, [x, y], (from, to) => reduceCells(walk, reduce, from, to), hostWork(y, attributes));
  return y;
}

/** The `fold` of a pool. */
export const folding =
  <A extends PoolAttributes>(reduceOf: (a: A) => Reducer) =>
  ([x]: readonly (Wide | undefined)[], a: A, [dims]: readonly Dims[]): Constant[] => {
    const data = new Float32Array(size(dims));
    reduceCells(
      overWindows(a.axes!, x!.dims, strides(x!.dims), strides(dims), a.countPads),
      reduceOf(a),
      x!.data,
      data,
    );
    return [{ type: x!.type, dims, data }];
  };

/** Whether every window has some of its taps in the input. */
export function reachesInput({ length, kernel, stride, dilation, before, out }: Axis): boolean {
  const end = out * stride - before;
  if (end - stride >= length || Math.ceil(before / dilation) >= kernel) return false;
  // Of taps that are no further apart than the input is long one is in it.
  for (let start = dilation > length ? -before : end; start < Math.min(end, 0); start += stride)
    if (start + Math.ceil(-start / dilation) * dilation >= length) return false;
  return true;
}

type Windows<A> = Inferred<A> & { readonly attributes: A };

export function infer<A extends PoolAttributes>([x]: Operands, a: A, budget: Budget): Windows<A> {
  const [n, c, ...spatial] = x!.dims;
  demand(spatial.length >= 1, "shape", "an input of rank 3 or more", `rank ${x!.dims.length}`);
  demand(a.window.kernel, "invalid-model", "a kernel_shape", "none");
  const axes = windowAxes(spatial, a.window, a.window.kernel);
  const dims = [n, c, ...axes.map((axis) => axis.out)];
  budget.fits(4 * size(dims));
  const at = a.ofNothing ? -1 : axes.findIndex((axis) => !reachesInput(axis));
  if (at >= 0) {
    const { kernel, stride, dilation, before, after } = axes[at];
    const window = `kernel ${kernel}, stride ${stride}, dilation ${dilation}, pads ${before} and ${after}`;
    const problem = `a window along axis ${at + 2} holds padding alone (${window}, ceil_mode ${Number(a.window.ceil)})`;
    throw new Complaint("invalid-model", { problem });
  }
  return { dims: [dims], attributes: { ...a, axes }, work: size(dims) * tapsOf({ ...a, axes }) };
}
