import type { Kernels } from "../kernels.gen.ts";
import type { Arrangement } from "./arrange.ts";
import { type Constant, type Dims, size } from "../base/tensor.ts";

/**
 * How a value of rank ≥ 3 lies in memory: `first` as ONNX has it, [n, c, …]; `last` as the kernels like it, [n, …, c].
 */
export type Layout = "first" | "last";

/** A place for numbers. Values with the same `id` are views of the same memory. */
export interface Value {
  readonly id: number;
  readonly name: string;
  /** Logical dims, in ONNX's order whatever the layout. */
  readonly dims: Dims;
  readonly layout: Layout;
  /** Length in float32 elements. */
  readonly count: number;
  /** What it holds from the start and for good; absent for values that are computed. */
  readonly weight?: Weight;
}

/**
 * Numbers made once from a constant of the graph, e.g. W⁺ packed in panels. Of equal numbers and variant,
 * weights are the same.
 */
export interface Weight {
  readonly constant: Constant;
  readonly variant: string;
  readonly make: Making;
}

/** How a weight is made: by a function that writes it, or of rows of its source; what they leave out is 0. */
export type Making = ((to: Float32Array) => void) | readonly Arrangement[];

/** Whether an argument is a place inside a value. */
export function isRef(argument: Argument): argument is Ref {
  return typeof argument === "object" && "offset" in argument;
}

/** The value that an argument lies in, if it is no number. */
export function valueOf(argument: Argument): Value | undefined {
  if (typeof argument === "number") return undefined;
  return isRef(argument) ? argument.value : argument;
}

/** A place inside a value. */
export interface Ref {
  readonly value: Value;
  /** In float32 elements. */
  readonly offset: number;
}

/** Pointers are values or places in them; sizes, strides and attributes are numbers. */
export type Argument = number | Value | Ref;

/** One call of a kernel. */
export interface KernelStep {
  readonly kernel: keyof Kernels;
  /** In the order of `parametersOf`. */
  readonly args: readonly Argument[];
}

/** One call back to the caller: layers that are described by functions. */
export interface HostStep {
  readonly host: string;
  readonly args: readonly (Value | Ref)[];
  run(...views: Float32Array[]): void;
}

/** Two ways to the same result: `sparse` where less than `limit` of the value's numbers differ from 0, else `whole`. */
export interface ChoiceStep {
  readonly value: Value;
  readonly limit: number;
  readonly sparse: readonly Step[];
  readonly whole: readonly Step[];
}

export type Step = KernelStep | HostStep | ChoiceStep;

/** Every call that may be made, in order. */
export function callsOf(steps: readonly Step[]): (KernelStep | HostStep)[] {
  return steps.flatMap((step) => ("limit" in step ? callsOf([...step.sparse, ...step.whole]) : [step]));
}

/** Whether both layouts of these dims are the same bytes. */
export function layoutsCoincide(dims: Dims): boolean {
  return dims.length < 3 || dims[1] === 1 || size(dims.slice(2)) === 1;
}

/** Element strides of the logical axes. */
export function stridesOf({ dims, layout }: Pick<Value, "dims" | "layout">): number[] {
  const isLast = layout === "last" && dims.length > 2;
  const out = new Array<number>(dims.length);
  let step = isLast ? dims[1] : 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    if (isLast && axis === 1) out[axis] = 1;
    else {
      out[axis] = step;
      step *= dims[axis];
    }
  }
  return out;
}
