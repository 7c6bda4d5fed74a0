import { LrpError } from "../error.ts";
import { bytesOf, type Plan } from "../plan/place.ts";
import { type Argument, callsOf, isRef, type Step, type Value, valueOf } from "../step.ts";
import { firstNonFinite } from "../tensor.ts";
import type { Instance } from "./wasm.ts";

const PAGE = 65536;
/** WebAssembly's addresses have 32 bits. */
const LIMIT = 2 ** 32;

type Bound = () => void;

interface BoundPlan {
  readonly arena: number;
  readonly steps: readonly Bound[];
}

/**
 * The only thing that holds state: a memory with the weights at its beginning and the arena of the running plan behind them.
 *
 *   [ compiler's data | weights, copied once | arena, laid out anew by each plan ]
 */
export class Session {
  readonly #instance: Instance;
  readonly #weights = new Map<Float32Array, Map<string, number>>();
  readonly #bound = new WeakMap<Plan, BoundPlan>();
  #top: number;

  /** @internal */
  constructor(instance: Instance) {
    this.#instance = instance;
    this.#top = Math.ceil(instance.kernels.heapBase() / 16) * 16;
  }

  /** Runs the steps up to where relevance starts: all of a plan without relevance. @param inputs in the order of the program's */
  forward(plan: Plan, inputs: readonly Float32Array[]): void {
    const { steps } = this.#bind(plan);
    this.#write(plan, inputs);
    for (const step of steps.slice(0, plan.program.relevance?.begin)) step();
  }

  /** Runs the rest, from relevance of the logits. May be repeated if the plan keeps the forward pass's values. */
  backward(plan: Plan, relevance: Float32Array): void {
    const { steps } = this.#bind(plan);
    const { start, begin } = plan.program.relevance!;
    this.read(plan, start).set(relevance);
    for (const step of steps.slice(begin)) step();
  }

  /** Runs the forward steps again and names the first of `values` that is not finite. */
  firstOverflow(plan: Plan, inputs: readonly Float32Array[], values: ReadonlySet<string>): string | undefined {
    const { steps } = this.#bind(plan);
    this.#write(plan, inputs);
    for (const [i, step] of plan.program.steps.entries()) {
      steps[i]();
      const named = callsOf([step])
        .flatMap((call) => (call.args as readonly Argument[]).map(valueOf))
        .filter((value) => value && values.has(value.name));
      const bad = named.find((value) => firstNonFinite(this.read(plan, value!)) >= 0);
      if (bad) return bad.name;
    }
    return undefined;
  }

  /** What a value holds after `forward` or `backward`: a view, good until the next call. */
  read(plan: Plan, value: Value): Float32Array {
    return new Float32Array(this.#instance.memory.buffer, this.#address(value, plan, this.#bind(plan).arena), value.count);
  }

  #write(plan: Plan, inputs: readonly Float32Array[]): void {
    plan.program.inputs.forEach((value, i) => {
      this.read(plan, value).set(inputs[i]);
    });
  }

  #address(value: Value, plan: Plan, arena: number): number {
    if (!value.weight) return arena + plan.offsets.get(value.id)!;
    return this.#weights.get(value.weight.source)!.get(value.weight.variant)!;
  }

  #bind(plan: Plan): BoundPlan {
    this.#copyWeights(plan);
    let bound = this.#bound.get(plan);
    if (bound?.arena !== this.#top) {
      const arena = this.#top;
      this.#reserve(arena + plan.arenaBytes);
      const end = arena + plan.arenaBytes;
      const spare = (bytes: number): number => {
        this.#reserve(end + bytes);
        return end;
      };
      bound = { arena, steps: plan.program.steps.map((step) => this.#bindStep(step, plan, arena, spare)) };
      this.#bound.set(plan, bound);
    }
    return bound;
  }

  #bindStep(step: Step, plan: Plan, arena: number, spare: (bytes: number) => number): Bound {
    const pointer = (argument: Argument): number => {
      if (typeof argument === "number") return argument;
      return isRef(argument) ? this.#address(argument.value, plan, arena) + 4 * argument.offset : this.#address(argument, plan, arena);
    };
    const length = (argument: Argument) => {
      if (typeof argument === "number") return 0;
      return isRef(argument) ? argument.value.count - argument.offset : argument.count;
    };
    if ("limit" in step) {
      const [sparse, dense] = [step.sparse, step.dense].map((steps) => steps.map((s) => this.#bindStep(s, plan, arena, spare)));
      const { count } = step.value;
      const at = pointer(step.value);
      return () => {
        const few = this.#instance.kernels.countNonzero(at, count) < step.limit * count;
        for (const run of few ? sparse : dense) run();
      };
    }
    if ("kernel" in step) {
      const kernel = this.#instance.kernels[step.kernel] as (...args: number[]) => void;
      const args = step.args.map(pointer);
      const call = { kernel: step.kernel, args, lengths: step.args.map(length) };
      return this.#instance.bind?.(call, spare) ?? (() => kernel(...args));
    }
    const views = step.args.map((argument) => [pointer(argument), length(argument)] as const);
    return () => step.run(...views.map(([at, count]) => new Float32Array(this.#instance.memory.buffer, at, count)));
  }

  /** Copies the weights of a plan that are not there yet. */
  #copyWeights(plan: Plan): void {
    if (this.#bound.has(plan)) return;
    const fresh = new Map<Value["weight"] & object, { value: Value; at: number }>();
    let top = this.#top;
    for (const step of callsOf(plan.program.steps)) {
      for (const argument of step.args as readonly Argument[]) {
        const value = valueOf(argument);
        const weight = value?.weight;
        if (!value || !weight || fresh.has(weight) || this.#weights.get(weight.source)?.has(weight.variant)) continue;
        fresh.set(weight, { value, at: top });
        top += bytesOf(value.count);
      }
    }
    this.#reserve(top + plan.arenaBytes);
    for (const [weight, { value, at }] of fresh) {
      weight.write(new Float32Array(this.#instance.memory.buffer, at, value.count));
      let variants = this.#weights.get(weight.source);
      if (!variants) this.#weights.set(weight.source, (variants = new Map()));
      variants.set(weight.variant, at);
    }
    this.#top = top;
  }

  #reserve(bytes: number): void {
    const { memory } = this.#instance;
    const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
    if (missing <= 0) return;
    const refuse = (received: string) =>
      new LrpError("memory", {
        where: "the model's memory",
        expected: `at most ${LIMIT} bytes`,
        received,
        fix: "Use a smaller batch or input, or a composite that needs fewer copies of the weights.",
      });
    if (bytes > LIMIT) throw refuse(`${bytes} bytes`);
    try {
      memory.grow(missing);
    } catch {
      throw refuse(`a runtime that refuses ${bytes} bytes`);
    }
  }
}
