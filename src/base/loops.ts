import { type Dims, size } from "./tensor.ts";

/**
 * Nested loops over several operands at once: where each begins and how far each goes along every axis, in elements.
 */
export interface Loops {
  readonly dims: Dims;
  readonly starts: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * The same loops with exactly four axes, as the kernels take them: axes in the order in which operand 0 has them in
 * memory, neighbours that are contiguous in all operands merged, the outermost of more than four unrolled.
 */
function* fourAxes({ dims, starts, strides }: Loops): Generator<Loops> {
  if (size(dims) === 0) return;
  const axes = [...dims.keys()].filter((axis) => dims[axis] !== 1);
  axes.sort((a, b) => Math.abs(strides[0][b]) - Math.abs(strides[0][a]));
  // Lists of numbers and no objects: every call of a plan comes by here.
  const merged: number[] = [];
  const steps: number[][] = strides.map(() => []);
  for (const axis of axes) {
    const outer = merged.length - 1;
    if (outer >= 0 && steps.every((of, k) => of[outer] === strides[k][axis] * dims[axis])) {
      merged[outer] *= dims[axis];
      for (const [k, of] of steps.entries()) of[outer] = strides[k][axis];
    } else {
      merged.push(dims[axis]);
      for (const [k, of] of steps.entries()) of.push(strides[k][axis]);
    }
  }
  while (merged.length < 4) for (const list of [merged, ...steps]) list.unshift(list === merged ? 1 : 0);
  if (merged.length === 4) {
    yield { dims: merged, starts, strides: steps };
    return;
  }
  const [count, ...inner] = merged;
  const within = steps.map(([, ...of]) => of);
  for (let i = 0; i < count; i++)
    yield* fourAxes({ dims: inner, starts: starts.map((start, k) => start + i * steps[k][0]), strides: within });
}

/**
 * Runs loops of four axes on the host, a row at a time: where each operand stands, and how far each goes along the row.
 */
export function walkRows(
  { dims, starts, strides }: Loops,
  visit: (at: readonly number[], count: number, steps: readonly number[]) => void,
): void {
  const [d0, d1, d2, d3] = dims;
  const steps = strides.map((s) => s[3]);
  for (let i = 0; i < d0; i++) {
    for (let j = 0; j < d1; j++) {
      for (let k = 0; k < d2; k++) {
        const at = starts.map((start, o) => start + i * strides[o][0] + j * strides[o][1] + k * strides[o][2]);
        visit(at, d3, steps);
      }
    }
  }
}

/** Strides of a value along the axes of the shape that it is broadcast to. */
export function broadcastStrides(dims: Dims, own: readonly number[], out: Dims): number[] {
  const lead = out.length - dims.length;
  return out.map((_, axis) => (axis < lead || dims[axis - lead] === 1 ? 0 : own[axis - lead]));
}

/** Loops over a result of these dims and strides, and the operands that are broadcast to it. */
export function broadcastLoops<T extends { readonly dims: Dims }>(
  dims: Dims,
  own: readonly number[],
  operands: readonly T[],
  stridesIn: (operand: T) => readonly number[],
): Iterable<Loops> {
  const places = operands.map((x) => broadcastStrides(x.dims, stridesIn(x), dims));
  return fourAxes({ dims, starts: [0, ...operands.map(() => 0)], strides: [own, ...places] });
}

/** Where the numbers of a box lie, in row-major order, from how far each axis goes in memory. */
function offsets(dims: Dims, steps: readonly number[]): Int32Array {
  const out = new Int32Array(size(dims));
  for (let axis = dims.length - 1, filled = 1; axis >= 0; filled *= dims[axis--]) {
    for (let i = filled; i < filled * dims[axis]; i++) out[i] = out[i - filled] + steps[axis];
  }
  return out;
}

/** The same along some of the axes of a tensor. */
export function along(axes: readonly number[], dims: Dims, steps: readonly number[]): Int32Array {
  return offsets(
    axes.map((axis) => dims[axis]),
    axes.map((axis) => steps[axis]),
  );
}

/** The axes that are not among `axes`. */
export function otherAxes(dims: Dims, axes: readonly number[]): number[] {
  return dims.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
}

/** One strided block that is copied: starts and strides per logical axis, in elements. */
export interface Block {
  readonly dims: Dims;
  readonly from: number;
  readonly fromStrides: readonly number[];
  readonly to: number;
  readonly toStrides: readonly number[];
}

/** The loops of a block: its place in the target before that in the source. */
export function blockLoops({ dims, from, fromStrides, to, toStrides }: Block): Iterable<Loops> {
  return fourAxes({ dims, starts: [to, from], strides: [toStrides, fromStrides] });
}
