import { busy, type Refusal } from "./refusal.ts";

/** Lets so many work at a time; so many others wait, in their order. */
export class Queue {
  readonly #slots: number;
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(slots: number, most: number) {
    this.#slots = slots;
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running;
  }

  /** Why nobody may enter now, if so. */
  refusal(): Refusal | undefined {
    if (this.#running < this.#slots || this.#waiting.length < this.#most) return undefined;
    return busy("busy", `${this.#most} requests wait already. Try again in a second.`);
  }

  /**
   * Settled when there is a slot, which `leave` gives back.
   *
   * @throws the refusal where too many wait, and the signal's reason where it ends the waiting
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    const refusal = this.refusal();
    if (refusal) throw refusal;
    if (this.#running >= this.#slots) await this.#turn(signal);
    else this.#running++;
    return () => {
      const next = this.#waiting.shift();
      // The slot goes from one to the next.
      if (next) next();
      else this.#running--;
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const stop = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal.reason);
      };
      this.#waiting.push(go);
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
