import { type KernelArguments, type Kernels, parametersOf } from "./kernels.gen.ts";
import { type Constant, type Dims, size } from "./tensor.ts";

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
 * Numbers made once from a constant of the graph, e.g. W⁺ packed in panels. Equal source and variant mean equal
 * numbers.
 */
export interface Weight {
  readonly source: Float32Array;
  readonly variant: string;
  write(to: Float32Array): void;
}

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

/** Two ways to the same result: `sparse` where less than `limit` of the value's numbers differ from 0, else `dense`. */
export interface ChoiceStep {
  readonly value: Value;
  readonly limit: number;
  readonly sparse: readonly Step[];
  readonly dense: readonly Step[];
}

export type Step = KernelStep | HostStep | ChoiceStep;

/** Every call that may be made, in order. */
export function callsOf(steps: readonly Step[]): (KernelStep | HostStep)[] {
  return steps.flatMap((step) => ("limit" in step ? callsOf([...step.sparse, ...step.dense]) : [step]));
}

/** Whether both layouts of these dims are the same bytes. */
function layoutsCoincide(dims: Dims): boolean {
  return dims.length < 3 || dims[1] === 1 || size(dims.slice(2)) === 1;
}

/** The axes in the order in which memory has them. */
function axesInMemory(rank: number, layout: Layout): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i);
  return layout === "last" && rank > 2 ? [0, ...axes.slice(2), 1] : axes;
}

/** Element strides of the logical axes. */
export function stridesOf(value: Pick<Value, "dims" | "layout">): number[] {
  const out = new Array<number>(value.dims.length);
  let step = 1;
  for (const axis of axesInMemory(value.dims.length, value.layout).reverse()) {
    out[axis] = step;
    step *= value.dims[axis];
  }
  return out;
}

/** One strided block that is copied: starts and strides per logical axis, in elements. */
export interface Block {
  readonly dims: Dims;
  readonly from: number;
  readonly fromStrides: readonly number[];
  readonly to: number;
  readonly toStrides: readonly number[];
}

/** When one of two ways to the same result is taken: "always" means wherever it is possible. */
export type Use = "never" | "paying" | "always";

/** How a program is written. "always" is for tests, which run every way whether or not it pays. */
export interface Lowering {
  /** Convolutions by Winograd's tiles. */
  readonly winograd: Use;
  /** Kernels that leave out zeros; where that pays is decided run by run. */
  readonly sparse: Use;
  /** Whether weights are kept in the forms that kernels read, or made anew on each run. */
  readonly weights: "kept" | "repacked";
}

/** Collects the steps of one program, in order. Only the lowering stage makes one. */
export class Emitter {
  readonly winograd: Use;
  readonly #sparse: Use;
  readonly #repacks: boolean;
  steps: Step[] = [];
  readonly #constants = new Map<Float32Array, Map<string, Value>>();
  readonly #laidOut = new Map<string, Value>();
  #next = 0;

  constructor({ winograd, sparse, weights }: Lowering) {
    this.winograd = winograd;
    this.#sparse = sparse;
    this.#repacks = weights === "repacked";
  }

  /** A fresh value. */
  temp(name: string, dims: Dims, layout: Layout = "first"): Value {
    return Object.freeze({ id: this.#next++, name, dims, layout, count: size(dims) });
  }

  /** Memory for `count` numbers without a shape. */
  scratch(name: string, count: number): Value {
    return this.temp(name, [count]);
  }

  /** The same memory under other dims. */
  view(value: Value, dims: Dims, layout: Layout = "first"): Value {
    return Object.freeze({ ...value, dims, layout });
  }

  /** Numbers made from a constant; asked for twice, made once, unless weights are repacked. */
  weight(name: string, source: Float32Array, variant: string, dims: Dims, write: (to: Float32Array) => void): Value {
    if (this.#repacks) {
      const value = this.temp(variant ? `${name}:${variant}` : name, dims);
      this.host("pack", [value], write);
      return value;
    }
    let variants = this.#constants.get(source);
    if (!variants) this.#constants.set(source, (variants = new Map()));
    let value = variants.get(variant);
    if (!value) {
      value = Object.freeze({
        id: this.#next++,
        name: variant ? `${name}:${variant}` : name,
        dims,
        layout: "first",
        count: size(dims),
        weight: { source, variant, write },
      } satisfies Value);
      variants.set(variant, value);
    }
    return value;
  }

  /** A constant as it is. */
  constant(name: string, constant: Constant): Value {
    const source = constant.data as Float32Array;
    return this.view(
      this.weight(name, source, "", constant.dims, (to) => to.set(source)),
      constant.dims,
    );
  }

  /** Calls a kernel, its arguments by name: pointers are values or places in them, all else are numbers. */
  emit<K extends keyof Kernels>(kernel: K, named: KernelArguments<Value | Ref>[K]): void {
    const args = parametersOf(kernel).map((name) => (named as Readonly<Record<string, Argument>>)[name]);
    this.steps.push(Object.freeze({ kernel, args: Object.freeze(args) }));
  }

  host(host: string, args: readonly (Value | Ref)[], run: HostStep["run"]): void {
    this.steps.push(Object.freeze({ host, args, run }));
  }

  /** `value` in the wanted layout: itself, or a copy that is made once. */
  as(value: Value, layout: Layout): Value {
    if (value.layout === layout) return value;
    if (layoutsCoincide(value.dims)) return this.view(value, value.dims, layout);
    const key = `${value.id} [${value.dims}] ${layout}`;
    let copy = this.#laidOut.get(key);
    if (!copy) {
      copy = this.temp(`${value.name}:${layout}`, value.dims, layout);
      this.copy(value, copy, [
        { dims: value.dims, from: 0, fromStrides: stridesOf(value), to: 0, toStrides: stridesOf(copy) },
      ]);
      this.#laidOut.set(key, copy);
    }
    return copy;
  }

  /** Copies (or adds) blocks of x to y. */
  copy(x: Value, y: Value, blocks: readonly Block[], kernel: "copyBlock" | "addBlock" = "copyBlock"): void {
    for (const { dims, from, fromStrides, to, toStrides } of blocks) {
      for (const loops of fourAxes({ dims, starts: [to, from], strides: [toStrides, fromStrides] })) {
        const [[d0, d1, d2, d3], [y0, y1, y2, y3], [x0, x1, x2, x3]] = [loops.dims, ...loops.strides];
        const [toY, fromX] = [y, x].map((value, i) => ({ value, offset: loops.starts[i] }));
        this.emit(kernel, { x: fromX, y: toY, d0, d1, d2, d3, x0, x1, x2, x3, y0, y1, y2, y3 });
      }
    }
  }

  /**
   * Two ways to the same result, of which `value` decides when it is known. Neither may make a value that is asked for
   * later.
   * @param limit up to which share of numbers other than 0 the sparse way pays, 0 where it never does
   * @param sparse emits the way for at most that share
   */
  choose(value: Value, limit: number, sparse: (share: number) => void, dense: () => void): void {
    if (this.#sparse === "always") {
      sparse(1);
      return;
    }
    if (this.#sparse === "never" || limit === 0) {
      dense();
      return;
    }
    const { steps } = this;
    const [few, many] = [() => sparse(limit), dense].map((emit) => {
      this.steps = [];
      emit();
      return Object.freeze(this.steps);
    });
    this.steps = steps;
    this.steps.push(Object.freeze({ value, limit, sparse: few, dense: many }));
  }

  fill(y: Value, value: number): void {
    this.emit("fill", { y, count: y.count, value });
  }
}

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
export function fourAxes({ dims, starts, strides }: Loops): Loops[] {
  if (size(dims) === 0) return [];
  const axes = dims
    .map((d, i) => ({ d, steps: strides.map((s) => s[i]) }))
    .filter((axis) => axis.d !== 1)
    .sort((a, b) => Math.abs(b.steps[0]) - Math.abs(a.steps[0]));
  const merged: typeof axes = [];
  for (const axis of axes) {
    const outer = merged.at(-1);
    if (outer?.steps.every((step, k) => step === axis.steps[k] * axis.d))
      merged[merged.length - 1] = { d: outer.d * axis.d, steps: axis.steps };
    else merged.push(axis);
  }
  while (merged.length < 4) merged.unshift({ d: 1, steps: strides.map(() => 0) });
  const [outer, ...inner] = merged.length > 4 ? merged : [{ d: 1, steps: strides.map(() => 0) }, ...merged];
  return Array.from({ length: outer.d }, (_, i) => ({
    dims: inner.map((a) => a.d),
    starts: starts.map((start, k) => start + i * outer.steps[k]),
    strides: strides.map((_, k) => inner.map((a) => a.steps[k])),
  })).flatMap((loops) => (loops.dims.length > 4 ? fourAxes(loops) : [loops]));
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
