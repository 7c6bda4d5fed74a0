import { identityOf } from "../base/packed.ts";
import { LrpError } from "../base/error.ts";
import { forwardSteps } from "../plan/lower.ts";
import { bytesOf, type Plan } from "../plan/place.ts";
import { lengthOf } from "../program/emitter.ts";
import {
  type Argument,
  callsOf,
  type HostStep,
  isRef,
  type KernelStep,
  type Step,
  type Value,
  valueOf,
  type Weight,
} from "../program/step.ts";
import { roomOf } from "../program/arrange.ts";
import { arrange } from "./arrange.ts";
import { firstNonFinite } from "../base/tensor.ts";
import { type Instance, PAGE } from "./wasm.ts";

type Run = () => void;

/** That many bytes in whole pages. */
const pages = (bytes: number) => Math.ceil(bytes / PAGE) * PAGE;

/** The place of a weight, and whether its numbers are there: they are written before they are read first. */
interface Held {
  readonly at: number;
  isWritten: boolean;
}

/** Where the weights of a plan go that have no place yet, and where its arena begins. */
interface WeightLayout {
  readonly fresh: ReadonlyMap<Weight, Held>;
  readonly arena: number;
}

/** Where a plan's steps find what they work on. */
interface Place {
  readonly address: (value: Value) => number;
  readonly held: (weight: Weight) => Held;
  /** The address of that many bytes that are free while a call runs. */
  readonly spare: (bytes: number) => number;
  readonly watched: ReturnType<NonNullable<Instance["watch"]>>;
}

interface BoundPlan {
  readonly layout: WeightLayout;
  readonly address: (value: Value) => number;
  readonly steps: readonly Run[];
  /** Bytes of the memory up to its end. */
  readonly need: number;
}

/**
 * The only thing that holds state: a memory with the weights at its beginning and the arena of the running plan behind
 * them.
 *
 *   [ compiler's data | weights, made once | arena, laid out anew by each plan | what single calls need ]
 */
export class Session {
  readonly #instance: Instance;
  /** The most bytes that the memory may have, and what JavaScript lists beside it. */
  readonly maxMemory: number;
  /** Where weights begin. */
  readonly #base: number;
  #weights = new Map<object, Map<string, Held>>();
  #bound = new WeakMap<Plan, BoundPlan>();
  #top: number;

  /** @internal */
  constructor(instance: Instance, maxMemory: number) {
    this.#instance = instance;
    this.maxMemory = maxMemory;
    this.#base = Math.ceil(instance.kernels.heapBase() / 16) * 16;
    this.#top = this.#base;
  }

  /** Runs the forward pass. @param inputs in the order of the program's */
  forward(plan: Plan, inputs: readonly Float32Array[]): void {
    const { steps } = this.#bind(plan);
    this.#write(plan, inputs);
    for (const step of steps.slice(0, forwardSteps(plan.program))) step();
  }

  /**
   * Runs one stretch of the way back, from relevance of the value where it begins. May be repeated if the plan keeps
   * what it reads; what other stretches have left behind is then no longer good.
   */
  backward(plan: Plan, relevance: Float32Array, segment = 0): void {
    const { steps } = this.#bind(plan);
    const { seed, begin, end } = plan.program.segments[segment];
    this.read(plan, seed).set(relevance);
    for (const step of steps.slice(begin, end)) step();
  }

  /** Runs the forward steps again and names those of `values` that are not finite, in the order of the steps. */
  *overflows(plan: Plan, inputs: readonly Float32Array[], values: ReadonlySet<string>): Iterable<string> {
    const { steps } = this.#bind(plan);
    this.#write(plan, inputs);
    for (const [i, step] of plan.program.steps.entries()) {
      steps[i]();
      for (const value of callsOf([step]).flatMap((call) => (call.args as readonly Argument[]).map(valueOf)))
        if (value && values.has(value.name) && firstNonFinite(this.read(plan, value)) >= 0) yield value.name;
    }
  }

  /** How many bytes the memory has when a plan runs. */
  needOf(plan: Plan): number {
    return pages(this.#addressed(plan).need);
  }

  /** What a value holds after `forward` or `backward`: a view, good until the next call. */
  read(plan: Plan, value: Value): Float32Array {
    return new Float32Array(this.#instance.memory.buffer, this.#bind(plan).address(value), value.count);
  }

  #write(plan: Plan, inputs: readonly Float32Array[]): void {
    plan.program.inputs.forEach((value, i) => {
      this.read(plan, value).set(inputs[i]);
    });
  }

  #bind(plan: Plan): BoundPlan {
    const known = this.#bound.get(plan);
    if (known?.layout.arena === this.#top) return known;
    let bound = this.#addressed(plan);
    if (pages(bound.need) > this.maxMemory && this.#top > this.#base) {
      this.#forget();
      bound = this.#addressed(plan);
    }
    this.#reserve(bound);
    this.#hold(bound.layout);
    this.#bound.set(plan, bound);
    return bound;
  }

  /** The plan with every address in it: what it needs is known before any of it is written. */
  #addressed(plan: Plan): BoundPlan {
    const layout = this.#layout(plan);
    const end = layout.arena + plan.arenaBytes;
    let need = end;
    const spare = (bytes: number): number => {
      need = Math.max(need, end + bytes);
      return end;
    };
    const held = (weight: Weight) => layout.fresh.get(weight) ?? this.#heldOf(weight)!;
    const address = ({ id, weight }: Value) => (weight ? held(weight).at : layout.arena + plan.offsets.get(id)!);
    const watched = this.#instance.watch?.(plan, address) ?? ((_, run) => run);
    const place = { address, held, spare, watched };
    const steps = plan.program.steps.map((step) => this.#bindStep(step, place));
    return { layout, address, steps, need };
  }

  #bindStep(step: Step, place: Place): Run {
    const { address, spare, watched } = place;
    const pointer = (argument: Argument): number => {
      if (typeof argument === "number") return argument;
      return isRef(argument) ? address(argument.value) + 4 * argument.offset : address(argument);
    };
    if ("limit" in step) {
      const [sparse, whole] = [step.sparse, step.whole].map((steps) => steps.map((s) => this.#bindStep(s, place)));
      const { count } = step.value;
      const at = pointer(step.value);
      return () => {
        const few = this.#instance.kernels.countNonzero(at, count) < step.limit * count;
        for (const run of few ? sparse : whole) run();
      };
    }
    return this.#withWeights(step, place, watched(step, this.#bindCall(step, pointer, spare)));
  }

  #bindCall(step: KernelStep | HostStep, pointer: (argument: Argument) => number, spare: Place["spare"]): Run {
    if ("kernel" in step) {
      const kernel = this.#instance.kernels[step.kernel] as (...args: number[]) => void;
      const args = step.args.map(pointer);
      const { bind } = this.#instance;
      if (!bind) return () => kernel(...args);
      return bind({ kernel: step.kernel, args, lengths: step.args.map(lengthOf) }, spare);
    }
    const views = step.args.map((argument) => [pointer(argument), lengthOf(argument)] as const);
    return () => step.run(...views.map(([at, count]) => new Float32Array(this.#instance.memory.buffer, at, count)));
  }

  /** A call that writes the weights which it reads, before it runs for the first time: many ways of a choice never do. */
  #withWeights({ args }: KernelStep | HostStep, { held, spare }: Place, run: Run): Run {
    const open = (args as readonly Argument[]).flatMap((argument) => valueOf(argument) ?? []).filter((v) => v.weight);
    if (open.length === 0) return run;
    const room = open.map(({ weight }) => (typeof weight!.make === "function" ? 0 : roomOf(weight!.make)));
    const part = spare(4 * Math.max(...room));
    return () => {
      for (let value = open.pop(); value; value = open.pop()) this.#make(value, held(value.weight!), part);
      run();
    };
  }

  /** @param part the address of room for a part of its rows */
  #make({ weight, count }: Value, held: Held, part: number): void {
    if (held.isWritten) return;
    const { constant, make } = weight!;
    const { kernels, memory } = this.#instance;
    if (typeof make === "function") make(new Float32Array(memory.buffer, held.at, count));
    else {
      kernels.fill(held.at, count, 0);
      for (const arrangement of make) arrange(kernels, memory, constant, arrangement, part, held.at);
    }
    held.isWritten = true;
  }

  #heldOf({ constant, variant }: Weight): Held | undefined {
    return this.#weights.get(identityOf(constant))?.get(variant);
  }

  #layout(plan: Plan): WeightLayout {
    const fresh = new Map<Weight, Held>();
    let top = this.#top;
    for (const step of callsOf(plan.program.steps)) {
      for (const argument of step.args as readonly Argument[]) {
        const value = valueOf(argument);
        const weight = value?.weight;
        if (!value || !weight || fresh.has(weight) || this.#heldOf(weight)) continue;
        fresh.set(weight, { at: top, isWritten: false });
        top += bytesOf(value.count);
      }
    }
    return { fresh, arena: top };
  }

  /** Keeps the places of a plan's weights. */
  #hold({ fresh, arena }: WeightLayout): void {
    for (const [{ constant, variant }, held] of fresh) {
      const source = identityOf(constant);
      let variants = this.#weights.get(source);
      if (!variants) this.#weights.set(source, (variants = new Map()));
      variants.set(variant, held);
    }
    this.#top = arena;
  }

  /** Gives up the weights of all plans. */
  #forget(): void {
    this.#weights = new Map();
    this.#bound = new WeakMap();
    this.#top = this.#base;
  }

  #reserve({ need, layout: { arena } }: BoundPlan): void {
    const { memory } = this.#instance;
    const refuse = (limit: string) =>
      new LrpError("memory", {
        where: "the model's memory",
        problem:
          `it would take ${pages(need)} bytes (${arena} for weights, ${need - arena} to compute in), ` +
          `more than ${limit}`,
        fix:
          "Load with weights: 'repacked' (slower) or a larger maxMemory; or use a smaller batch or input, " +
          "or a composite that needs fewer forms of the weights.",
        mentions: [
          { text: "weights: 'repacked'", option: "weights", value: "repacked" },
          { text: "maxMemory", option: "maxMemory" },
        ],
      });
    if (pages(need) > this.maxMemory) throw refuse(`the ${this.maxMemory} that are allowed`);
    const missing = pages(need) - memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      memory.grow(missing / PAGE);
    } catch {
      throw refuse("this runtime gives");
    }
  }
}
