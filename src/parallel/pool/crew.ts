import { LrpError, misuse } from "../../base/error.ts";
import type { Port } from "../../graph/graph.ts";
import type { WorkerLike } from "../../model/options.ts";
import type { Answer } from "./messages.ts";
import { hasWorkers } from "../workers.ts";
import { valueOf, WITHOUT } from "./send.ts";
import { Death, hire, type Thread } from "./thread.ts";

/** Something to do that a worker gets as soon as one is free. */
export interface Task {
  /** @throws LrpError "usage" when its owner is disposed */
  readonly answer: Promise<Answer>;
  /** Nobody waits for it any more: it is not begun, or else its end does not keep the process alive. */
  drop(): void;
  /** The same, and a worker that is at it is ended; another takes its place when there is something to do. */
  stop(): void;
}

/** A place for a worker; one that died is replaced when there is something to do. */
interface Berth<Order> {
  thread?: Thread<Order>;
  /** The thread's answer to being told to load. */
  loaded?: Promise<Answer>;
  task?: Waiting<Order>;
}

interface Waiting<Order> {
  readonly order: Order;
  dropped: boolean;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

const NO_START =
  "A bundler that does not follow new Worker(new URL(…)) needs option createWorker; a page with a " +
  "Content-Security-Policy needs 'self' in worker-src.";

let forgotten: FinalizationRegistry<Pick<Crew<never>, "end">> | undefined;

function lost({ message, outOfMemory }: Death): Answer {
  const issue = {
    where: "a worker",
    problem: `it ended before it answered, and so did another that took its place (${message})`,
    fix: "If memory is short, give a smaller size, or a maxMemory, so that it refuses instead.",
  };
  return { error: { code: outOfMemory ? "memory" : "unsupported", issues: [issue] } };
}

/** Workers that have all loaded the same, and what waits for them. */
export class Crew<Order> {
  readonly #owner: string;
  readonly #create: () => WorkerLike;
  readonly #load: Order;
  readonly #berths: readonly Berth<Order>[];
  readonly #queue: Waiting<Order>[] = [];
  #ending: Promise<void> | undefined;

  /** @param owner whose workers they are, as messages say it */
  constructor(owner: string, size: number, create: () => WorkerLike, load: Order) {
    this.#owner = owner;
    this.#create = create;
    this.#load = load;
    this.#berths = Array.from({ length: size }, () => ({}));
  }

  /** Starts every worker, which load. Where one cannot, all end. @throws LrpError @returns the model's inputs */
  async start(where: string): Promise<readonly Port[]> {
    try {
      const answers = await this.#started().catch((error) => {
        if (this.#ending) throw this.disposed();
        if (error instanceof LrpError) throw error;
        const { message } = error as Error;
        const fix = hasWorkers() ? NO_START : WITHOUT;
        throw new LrpError("unsupported", { where, expected: "a worker that starts", received: message, fix });
      });
      return answers.map((answer) => valueOf<readonly Port[]>(answer))[0];
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  async #started(): Promise<readonly Answer[]> {
    const answers = await Promise.all(
      this.#berths.map((berth) => {
        const { thread, loaded } = this.#manned(berth);
        thread.hold(true);
        return loaded;
      }),
    );
    for (const { thread } of this.#berths) thread?.hold(false);
    return answers;
  }

  /** Ends the workers when what they are for is collected. */
  belongsTo(user: object): void {
    forgotten ??= new FinalizationRegistry((crew) => void crew.end());
    forgotten.register(user, this);
  }

  /** The error for work that comes too late. */
  disposed(): LrpError {
    return misuse(this.#owner, "it was disposed before this work was done");
  }

  run(order: Order): Task {
    const task = { order, dropped: false } as Waiting<Order>;
    const answer = new Promise<Answer>((resolve, reject) => Object.assign(task, { resolve, reject }));
    if (this.#ending) task.reject(this.disposed());
    else this.#queue.push(task);
    this.#next();
    // Threads at work on what nobody waits for any more will do this next.
    if (this.#queue.includes(task)) for (const { thread } of this.#berths) thread?.hold(true);
    const drop = () => {
      task.dropped = true;
      this.#release();
    };
    const stop = () => {
      drop();
      void this.#berths.find((berth) => berth.task === task)?.thread?.end();
    };
    return { answer, drop, stop };
  }

  /** Lets go of threads that nobody waits for, unless something is queued. */
  #release(): void {
    if (this.#queue.some(({ dropped }) => !dropped)) return;
    for (const { task, thread } of this.#berths) if (!task || task.dropped) thread?.hold(false);
  }

  /** Ends every worker, and all work with an error. */
  end(): Promise<void> {
    this.#ending ??= Promise.all(this.#berths.map(({ thread }) => thread?.end())).then(() => {});
    for (const task of this.#queue.splice(0)) task.reject(this.disposed());
    return this.#ending;
  }

  #next(): void {
    for (const berth of this.#berths) {
      if (berth.task) continue;
      let task = this.#queue.shift();
      while (task?.dropped) task = this.#queue.shift();
      if (!task) return;
      berth.task = task;
      void this.#serve(berth, task);
    }
  }

  async #serve(berth: Berth<Order>, task: Waiting<Order>): Promise<void> {
    try {
      task.resolve(await this.#twice(berth, task));
    } catch (error) {
      task.reject(error);
    }
    berth.task = undefined;
    this.#next();
    this.#release();
  }

  /** The answer, of a second worker if the first dies of it. */
  async #twice(berth: Berth<Order>, task: Waiting<Order>): Promise<Answer> {
    for (let first = true; ; first = false) {
      if (this.#ending) throw this.disposed();
      try {
        const { thread, loaded } = this.#manned(berth);
        thread.hold(!task.dropped);
        const answer = await loaded;
        if ("value" in answer) return await thread.ask(task.order);
        await thread.end();
        return answer;
      } catch (death) {
        if (!(death instanceof Death)) throw death;
        if (this.#ending) throw this.disposed();
        if (!first || task.dropped) return lost(death);
      }
    }
  }

  #manned(berth: Berth<Order>): { readonly thread: Thread<Order>; readonly loaded: Promise<Answer> } {
    if (!berth.thread || berth.thread.dead) {
      berth.thread = hire(this.#create);
      berth.loaded = berth.thread.ask(this.#load);
      // Asked for by whoever comes first, or by nobody.
      berth.loaded.catch(() => {});
    }
    return { thread: berth.thread, loaded: berth.loaded! };
  }
}
