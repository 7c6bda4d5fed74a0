/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Many inputs at a time, on workers.
 *
 * @module relprop/pool
 */
import { LrpError, noOption, usage } from "../../base/error.ts";
import type { EvaluateOptions, Evaluation, SharedOptions } from "../../evaluate/index.ts";
import type { OutputPort, Port } from "../../graph/graph.ts";
import { open, type Source } from "../../read/open.ts";
import { checkedLoad, checkOptions, type ExplainOptions, type LoadOptions } from "../../model/options.ts";
import { defaultComposite } from "../../rules/composite.ts";
import type { Explanation, Prediction } from "../../model/report.ts";
import type { Input } from "../../run/input.ts";
import type { Tensor } from "../../base/tensor.ts";
import { Crew } from "./crew.ts";
import type { Answer, Order } from "./messages.ts";
import { copied, copyOf, errorOf, loadOrder } from "./send.ts";
import {
  type Flight,
  iteratorOf,
  type Many,
  type Progress,
  type Signal,
  type StreamOptions,
  stream,
  totalOf,
} from "./stream.ts";
import { ownWorker } from "./thread.ts";

export type { Many, Progress, Signal, StreamOptions };

export interface PoolOptions extends LoadOptions {
  /** How many workers: as many as there are cores, at most. Each has the model, and `maxMemory`, for itself. */
  readonly size: number;
}

/** An input to evaluate, and options that hold for it alone: they replace those that all have in common. */
export interface EvaluationItem extends Partial<SharedOptions>, Pick<EvaluateOptions, "target" | "mask"> {
  readonly input: Tensor;
}

/** What became of one input. */
export interface Result<T> {
  /** The number of the input, from 0. */
  readonly index: number;
  /** What went wrong with this input; the others go on. */
  readonly error?: LrpError;
  /** @throws `error`, if there is one: an error that is not looked at ends the loop */
  readonly value: T;
}

const nameOf = (value: unknown) => (typeof value === "object" ? Object.prototype.toString.call(value) : String(value));

function resultOf<T>(index: number, answer: Answer): Result<T> {
  const error = errorOf(answer, `item ${index}: `);
  if (!error) return { index, value: (answer as { value: unknown }).value as T };
  return {
    index,
    error,
    get value(): T {
      throw error;
    },
  };
}

/** Workers that all have the same model: many inputs at a time, off the thread that asks. Made by `createPool`. */
export class Pool {
  /** What the network takes; free dimensions are names. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
  readonly #crew: Crew<Order>;
  readonly #size: number;
  #disposed = false;

  /** @internal Made by `createPool`. */
  constructor({ inputs, outputs }: Pick<Pool, "inputs" | "outputs">, crew: Crew<Order>, size: number) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#crew = crew;
    this.#size = size;
  }

  /**
   * Runs the network on many inputs, as `model.predict` does on one. Inputs are pulled while workers are free, and
   * copied; at most one more than there are workers is pulled and not yet handed out.
   *
   * @throws LrpError "usage" for options; while iterating, what `inputs` and `onProgress` throw, the signal's reason,
   * and "usage" at `dispose`
   */
  predict(inputs: Many<Input>, options: StreamOptions = {}): AsyncGenerator<Result<Prediction>, void, undefined> {
    const { ordered, signal, onProgress, ...stray } = options;
    const [name] = Object.keys(stray);
    if (name) throw noOption("pool.predict", name, ["ordered", "signal", "onProgress"]);
    return this.#stream(inputs, { ordered, signal, onProgress }, (input) => ({
      method: "predict",
      input: copyOf(input),
    }));
  }

  /**
   * Explains many inputs, as `model.explain` does one.
   *
   * @throws LrpError as `predict`
   * @example
   * for await (const { index, value } of pool.explain(images, { composite: "epsilonPlus" }))
   *   show(index, heatmap(value.relevance));
   */
  explain(
    inputs: Many<Input>,
    options: ExplainOptions & StreamOptions = {},
  ): AsyncGenerator<Result<Explanation>, void, undefined> {
    const { ordered, signal, onProgress, ...rest } = options;
    const sent = copied(rest, "the options of pool.explain");
    checkOptions(sent, defaultComposite);
    return this.#stream(inputs, { ordered, signal, onProgress }, (input) => ({
      method: "explain",
      input: copyOf(input),
      options: sent,
    }));
  }

  /**
   * Explains and measures many inputs, as `evaluate` of "relprop/evaluate" does one.
   *
   * @throws LrpError as `predict`
   * @example
   * const options = { methods: [{ method: "epsilonPlus" }, { method: "gradient" }], metrics: ["morf"] };
   * const items = images.map((input) => ({ input }));
   * for await (const { index, value } of pool.evaluate(items, options)) console.log(index, value.results);
   */
  evaluate(
    items: Many<EvaluationItem>,
    options: SharedOptions & StreamOptions,
  ): AsyncGenerator<Result<Evaluation>, void, undefined> {
    const { ordered, signal, onProgress, ...rest } = options;
    const sent = copied(rest, "the options of pool.evaluate");
    return this.#stream(items, { ordered, signal, onProgress }, (item: EvaluationItem) => {
      if (!item?.input) throw usage("an item of pool.evaluate", "an object { input, … }", nameOf(item));
      const { input, ...own } = item;
      return {
        method: "evaluate",
        input: copyOf(input) as Tensor,
        options: { ...sent, ...copied(own, "an item of pool.evaluate") },
      };
    });
  }

  /** Ends the workers, and what they are doing with an error. Settled when they have ended. */
  dispose(): Promise<void> {
    this.#disposed = true;
    return this.#crew.end();
  }

  [Symbol.dispose](): void {
    void this.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #stream<I, T>(
    inputs: Many<I>,
    options: StreamOptions,
    orderFor: (input: I) => Order,
  ): AsyncGenerator<Result<T>, void, undefined> {
    if (this.#disposed) throw this.#crew.disposed();
    const source = iteratorOf(inputs);
    if (!source)
      throw usage(
        "the inputs of a pool",
        "an iterable of inputs, such as a list",
        nameOf(inputs),
        "A single input is given as [input].",
      );
    const total = totalOf(inputs);
    return stream(source, (input: I, index) => this.#launch<I, T>(input, index, orderFor), this.#size + 1, {
      ...options,
      total,
    });
  }

  #launch<I, T>(input: I, index: number, orderFor: (input: I) => Order): Flight<Result<T>> {
    try {
      const { answer, drop } = this.#crew.run(orderFor(input));
      return { result: answer.then((said) => resultOf<T>(index, said)), drop };
    } catch (error) {
      if (!(error instanceof LrpError)) throw error;
      return { result: Promise.resolve(resultOf<T>(index, { error })), drop() {} };
    }
  }
}

/**
 * Starts workers that all load the same network. `dispose()` ends them; they do not keep a process alive when nothing
 * is under way.
 *
 * @throws LrpError as `load`, and "unsupported" where no worker can be started
 * @example
 * await using pool = await createPool(await readFile("googlenet.onnx"), { size: 4 });
 * for await (const { index, value } of pool.explain(images())) console.log(index, value.targets);
 */
export async function createPool(source: Source, options: PoolOptions): Promise<Pool> {
  const { size, createWorker = ownWorker, ...others } = options ?? {};
  if (!Number.isInteger(size) || size < 1) throw usage("option 'size'", "a whole number, 1 or more", String(size));
  checkedLoad(others);
  const order = loadOrder(await open(source, others), others, "the options of createPool");
  const crew = new Crew<Order>("the pool", size, createWorker, order);
  const pool = new Pool({ inputs: await crew.start("createPool"), outputs: order.network.graph.outputs }, crew, size);
  crew.belongsTo(pool);
  return pool;
}
