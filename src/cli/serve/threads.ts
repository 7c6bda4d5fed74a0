import { LrpError } from "../../base/error.ts";
import { Crew } from "../../parallel/pool/crew.ts";
import { valueOf } from "../../parallel/pool/send.ts";
import type { About, Engine } from "../../service/engine.ts";
import type { WorkerLike } from "../../model/options.ts";
import { errorMade, type Made, Refusal } from "../../service/refusal.ts";
import type { Order } from "./messages.ts";

/** What threads compute. */
export interface Threads extends Engine {
  start(): Promise<unknown>;
  end(): Promise<void>;
}

/** An engine of so many threads. One that takes too long, or whose client has gone, is ended and replaced. */
export function threadsOf(models: readonly About[], size: number, create: () => WorkerLike, load: Order): Threads {
  const crew = new Crew<Order>("the service", size, create, load);
  return {
    models,
    slots: size,
    start: () => crew.start("relprop serve"),
    end: () => crew.end(),
    async run(job, signal): Promise<Made> {
      const task = crew.run({ method: "do", job });
      signal.addEventListener("abort", task.stop, { once: true });
      try {
        return valueOf<Made>(await task.answer);
      } catch (error) {
        // A job answers for itself, so this is the end of the thread.
        const message = error instanceof LrpError ? error.message : undefined;
        return errorMade(message === undefined ? error : new Refusal(500, "worker", message));
      } finally {
        signal.removeEventListener("abort", task.stop);
      }
    },
  };
}
