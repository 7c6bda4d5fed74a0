import { busy, Refusal } from "./refusal.ts";

/** How far a request is. */
type Stage = "reading" | "waiting" | "running";

/** The refusal of a service that shuts down. */
export const CLOSING = () => busy("closing", "The service shuts down.");

/** A request that is being worked on: it ends when its time is over, when its client goes away, and when the service does. */
export class Work {
  stage: Stage = "reading";
  readonly #controller = new AbortController();
  readonly #end: () => void;

  /** @param client the signal of the request @param ms the time that it has */
  constructor(client: AbortSignal | undefined, ms: number) {
    const gone = () => this.#controller.abort(new Refusal(499, "gone", "The client went away."));
    const timer = setTimeout(() => this.#controller.abort(this.#late(ms)), ms);
    this.#end = () => {
      clearTimeout(timer);
      client?.removeEventListener("abort", gone);
    };
    if (client?.aborted) gone();
    client?.addEventListener("abort", gone);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What runs is finished; what has not begun is not. */
  close(): void {
    if (this.stage !== "running") this.#controller.abort(CLOSING());
  }

  end(): void {
    this.#end();
  }

  #late(ms: number): Refusal {
    const seconds = `${ms / 1000} s`;
    if (this.stage === "reading") return new Refusal(408, "timeout", `body: expected all of it within ${seconds}.`);
    return busy(
      "timeout",
      `It took more than ${seconds}${this.stage === "waiting" ? ", all of which it waited" : ""}.`,
    );
  }
}

/** What a promise gives, unless the signal is aborted before. @throws its reason */
export async function unless<T>(signal: AbortSignal, promise: T | Promise<T>): Promise<T> {
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
