import { Budget, HOST } from "../base/budget.ts";
import { type Block, blockLoops } from "../base/loops.ts";
import { identityOf, numbersIn } from "../base/packed.ts";
import { type Constant, type Dims, size } from "../base/tensor.ts";
import { type Arrangement, mapped, partsOf, roomOf } from "./arrange.ts";
import { type KernelArguments, type Kernels, parametersOf } from "../kernels.gen.ts";
import {
  type Argument,
  type HostStep,
  isRef,
  type Layout,
  layoutsCoincide,
  type Making,
  type Ref,
  type Step,
  stridesOf,
  type Value,
} from "./step.ts";

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

/** Arguments of kernels whose product is how often their innermost loop goes round. */
const COUNTS = new Set(
  "n oh ow m k c channels pixels rows columns run count d0 d1 d2 d3 outer axis inner kh kw taps".split(" "),
);

/** Those that go in vectors. */
const CHANNELS = new Set(["m", "c", "channels"]);
const LANES = 4;

/** Bytes that a step takes, its values and what binds it to addresses included: measured, rounded up. */
const STEP_BYTES = 1024;

/** How many numbers lie from where an argument points on. */
export function lengthOf(argument: Argument): number {
  if (typeof argument === "number") return 0;
  return isRef(argument) ? argument.value.count - argument.offset : argument.count;
}

/** Collects the steps of one program, in order. Only the lowering stage makes one. */
export class Emitter {
  readonly winograd: Use;
  /** What the program may still take. */
  readonly budget: Budget;
  readonly #sparse: Use;
  readonly #repacks: boolean;
  steps: Step[] = [];
  readonly #constants = new Map<object, Map<string, Value>>();
  readonly #laidOut = new Map<string, Value>();
  #next = 0;

  constructor({ winograd, sparse, weights }: Lowering, budget = new Budget()) {
    this.budget = budget;
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
  weight(name: string, constant: Constant, variant: string, dims: Dims, make: Making): Value {
    const source = identityOf(constant);
    if (this.#repacks) {
      const value = this.temp(variant ? `${name}:${variant}` : name, dims);
      if (typeof make === "function") this.host("pack", [value], make);
      else this.#arranged(value, constant, make);
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
        weight: { constant, variant, make },
      } satisfies Value);
      variants.set(variant, value);
      this.budget.take(0, HOST * value.count);
    }
    return value;
  }

  /** A weight that is made anew on each run. */
  #arranged(value: Value, constant: Constant, arrangements: readonly Arrangement[]): void {
    this.fill(value, 0);
    const part = this.scratch(`${value.name}:part`, roomOf(arrangements));
    for (const arrangement of arrangements) {
      for (const { begin, end, blocks } of partsOf(arrangement)) {
        this.host("pack", [part], (to) => {
          to.set(numbersIn(constant, begin, end));
          mapped(to.subarray(0, end - begin), arrangement.map);
        });
        this.copy(part, value, blocks);
      }
    }
  }

  /** A constant as it is. */
  constant(name: string, constant: Constant): Value {
    return this.view(
      this.weight(name, constant, "", constant.dims, (to) => to.set(constant.data)),
      constant.dims,
    );
  }

  /**
   * Calls a kernel, its arguments by name: pointers are values or places in them, all else are numbers.
   * @param work multiply-adds, where they are not the product of its counts
   */
  emit<K extends keyof Kernels>(kernel: K, named: KernelArguments<Value | Ref>[K], work?: number): void {
    // What only goes through memory takes as long as some multiply-adds, and vectors have four lanes.
    let product = "w" in named ? 1 : LANES;
    const args = parametersOf(kernel).map((name) => {
      const argument = (named as Readonly<Record<string, Argument>>)[name];
      // A pointer may be called c.
      if (typeof argument === "number" && COUNTS.has(name))
        product *= Math.max(argument, CHANNELS.has(name) ? LANES : 1);
      return argument;
    });
    this.budget.take(STEP_BYTES, work ?? product);
    this.steps.push(Object.freeze({ kernel, args: Object.freeze(args) }));
  }

  /** @param work multiply-adds, where they are more than `HOST` for each number */
  host(host: string, args: readonly (Value | Ref)[], run: HostStep["run"], work = 0): void {
    const numbers = args.reduce((sum, argument) => sum + lengthOf(argument), 0);
    this.budget.take(STEP_BYTES, Math.max(work, HOST * numbers));
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
    for (const block of blocks) {
      for (const loops of blockLoops(block)) {
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
  choose(value: Value, limit: number, sparse: (share: number) => void, whole: () => void): void {
    if (this.#sparse === "always") {
      sparse(1);
      return;
    }
    if (this.#sparse === "never" || limit === 0) whole();
    else this.#either(value, limit, () => sparse(limit), whole);
  }

  /** `simple`, which is right only where every number of `value` is 0; else `whole`, which is right anyway. */
  unlessAny(value: Value, simple: () => void, whole: () => void): void {
    this.#either(value, 0.5 / value.count, simple, whole);
  }

  #either(value: Value, limit: number, sparse: () => void, whole: () => void): void {
    const { steps } = this;
    const { work } = this.budget;
    const emitted = (emit: () => void, from: number) => {
      this.steps = [];
      this.budget.work = from;
      emit();
      return Object.freeze(this.steps);
    };
    // Only one of both runs, and the whole way is the longer: it alone counts.
    const few = emitted(sparse, Number.NEGATIVE_INFINITY);
    const many = emitted(whole, work);
    this.steps = steps;
    this.steps.push(Object.freeze({ value, limit, sparse: few, whole: many }));
  }

  fill(y: Value, value: number): void {
    this.emit("fill", { y, count: y.count, value });
  }
}
