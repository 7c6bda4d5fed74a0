import { LrpError } from "../../base/error.ts";
import type { WorkerLike } from "../../model/options.ts";
import { hasWorkers, nodeThreads } from "../workers.ts";
import type { Answer } from "./messages.ts";

/** How a worker says that it is no more, or could not be started. */
export class Death extends Error {
  readonly outOfMemory: boolean;

  constructor(reason: unknown) {
    const { message, code } = (reason ?? {}) as { message?: string; code?: string };
    super(message || "no reason given");
    this.outOfMemory = code === "ERR_WORKER_OUT_OF_MEMORY";
  }
}

/** A worker as the pool sees it. It does not keep the process alive unless `hold` says so. */
export interface Thread<Order> {
  /** Told one thing at a time. @throws Death */
  ask(order: Order): Promise<Answer>;
  readonly dead: boolean;
  hold(on: boolean): void;
  end(): Promise<void>;
}

type Listen = (event: string, listener: (said: never) => void) => void;
type Both = WorkerLike & { on?: Listen; addEventListener?: Listen; ref?(): void; unref?(): void };

// Under another name, so that bundlers do not take Node's way for one of theirs.
const here = import.meta.url;

/**
 * The worker that this package brings: in Node, Deno, Bun, and by bundlers that follow `new Worker(new URL(…))`. Its
 * file lies beside this code in the bundle too, where "bundle" in package.json puts what entries share into the folder
 * of the pool.
 */
export function ownWorker(): WorkerLike {
  if (!hasWorkers()) throw new Error("a runtime without workers");
  const node = nodeThreads();
  // Without the process's flags, some of which a worker does not take.
  if (node) return new node.Worker(new URL("./worker.js", here), { execArgv: [] });
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
}

function started(create: () => WorkerLike): Both {
  const worker = create() as Both | undefined;
  if (typeof worker?.postMessage === "function" && (worker.on || worker.addEventListener)) return worker;
  throw new LrpError("usage", {
    where: "option 'createWorker'",
    expected: "a function that returns a Worker",
    received: `a function that returns ${String(worker)}`,
  });
}

/** Starts a worker. @throws what `create` does */
export function hire<Order>(create: () => WorkerLike): Thread<Order> {
  const worker = started(create);
  let waiting: { resolve(answer: Answer): void; reject(death: Death): void } | undefined;
  let death: Death | undefined;
  const answered = (answer: Answer) => {
    const asked = waiting;
    waiting = undefined;
    asked?.resolve(answer);
  };
  const died = (reason: unknown) => {
    if (death) return;
    death = new Death(reason);
    waiting?.reject(death);
    // One whose script failed, or that cannot be understood, is there yet.
    void worker.terminate();
  };
  const failed = (event: ErrorEvent) => {
    // In Deno an error that nobody takes ends the whole program
    event.preventDefault();
    died({ message: event.message || "its script cannot be loaded, or cannot run" });
  };
  const unreadable = () => died({ message: "it sent a message that cannot be read" });
  const listen: Listen = (worker.on ?? worker.addEventListener!).bind(worker);
  listen("message", (said: never) => answered(worker.on ? said : (said as { data: Answer }).data));
  listen("messageerror", unreadable);
  listen("error", worker.on ? died : failed);
  listen(worker.on ? "exit" : "close", (code) => died({ message: `it ended with exit code ${Number(code)}` }));
  worker.unref?.();
  return {
    ask: (order) =>
      new Promise((resolve, reject) => {
        if (death) return reject(death);
        waiting = { resolve, reject };
        worker.postMessage(order);
      }),
    get dead() {
      return death !== undefined;
    },
    hold(on) {
      // One that is being ended keeps the process alive until it has: whoever waits for that would wait for ever.
      if (death) return;
      if (on) worker.ref?.();
      else worker.unref?.();
    },
    async end() {
      died({ message: "the pool ended it" });
      await worker.terminate();
    },
  };
}
