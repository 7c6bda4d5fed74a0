import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LrpError, usage } from "../base/error.ts";
import { orAborted, PATIENCE } from "./abort.ts";
import { addressOf } from "./address.ts";
import type { ReadInput } from "./part.ts";
import { naming, withServer } from "./redis.ts";
import { type Crew, crewOf, hasJobs, isOver, serve, TURN, type Workshop } from "./serve.ts";
import { namesOf, studyOf } from "./store.ts";
import { refusal } from "./study.ts";

/** How often queues are looked for, in milliseconds. */
const LOOK = 1000;
/** How long a queue that is refused is not looked at: its model would be asked for each time. */
const LATER = 10_000;

/** How a worker works. */
export interface WorkOptions {
  /** How many inputs are done at a time, each by a thread that has the model for itself. */
  readonly workers: number;
  /** The folder where models are kept, so that each is brought once. Default: ~/.cache/relprop */
  readonly cache?: string;
  /** The most memory that a model may have here; a study may ask for less. */
  readonly maxMemory?: number;
  /**
   * Reads an input that a job names by a file. Without it, queues whose jobs do are refused. An LrpError is the item's
   * answer; after any other error the job is tried again, here or elsewhere.
   */
  readonly read?: ReadInput;
  /** Ends when no queue has anything to do. */
  readonly once?: boolean;
  /** Where the address has none. */
  readonly password?: string;
  /** Aborted, it gives back what it has not finished, and ends. */
  readonly signal?: AbortSignal;
  /** Called with what is worth knowing, in sentences. */
  readonly onNote?: (note: string) => void;
}

/** The folder where models are kept if nobody says another. */
const ownCache = () => join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "relprop");

/**
 * Does the work that `evaluateOn` puts into a queue, or into any queue of a Redis: those that are made later, too.
 * Nothing that comes from there is run: what a job says is data, each field of which is checked. A queue of another
 * version of relprop, or whose model is not what its hash says, is refused before any of it is done.
 *
 * @param address `redis://HOST/NAME`, or `redis://HOST` for all queues
 * @throws LrpError "usage" for an address that is none, and where no Redis answers
 * @example
 * await work("redis://localhost", { workers: 4, signal: AbortSignal.timeout(3_600_000) });
 */
export async function work(address: string, options: WorkOptions): Promise<void> {
  const { workers, cache = ownCache(), maxMemory, read, once = false, password, onNote = () => {} } = options;
  const { signal = new AbortController().signal } = options;
  if (!Number.isInteger(workers) || workers < 1) throw usage("option 'workers'", "a whole number, 1 or more", workers);
  const place = addressOf(address, password);
  await withServer(place, async (server) => {
    const shop = new Shop({ server, workers, cache, maxMemory, read, signal, onNote });
    const serving = async () => {
      while (!signal.aborted) {
        const names = place.name === undefined ? await namesOf(server) : [place.name];
        let served = false;
        for (const name of names)
          served = (await shop.turn(name, names.length > 1 || place.name === undefined)) || served;
        if (once && (await shop.areOver(names))) break;
        if (!served) await sleep(LOOK, undefined, { signal }).catch(() => {});
      }
    };
    try {
      // It gives back what it has; where Redis is away, what was asked has no answer.
      await orAborted(serving(), signal, 3 * PATIENCE);
    } finally {
      await shop.close();
    }
  });
}

/** The queues of a server, served by turns, by workers that have one model at a time. */
class Shop {
  readonly #shop: Workshop;
  /** When each queue that is left to others is looked at again. */
  readonly #refused = new Map<string, number>();
  #crew: Crew | undefined;

  constructor(shop: Workshop) {
    this.#shop = shop;
  }

  /** Serves a queue while it has something to do. @returns whether it had */
  async turn(name: string, isOneOfMany: boolean): Promise<boolean> {
    const { server, signal } = this.#shop;
    if (signal.aborted || Date.now() < (this.#refused.get(name) ?? 0)) return false;
    const crew = await this.#crewFor(name).catch((error) => {
      const said = naming(error, { ...server.address, name });
      if (!(said instanceof LrpError)) throw said;
      return this.#refuse(name, said.message);
    });
    if (!crew) return false;
    await serve(name, crew, this.#shop, async (isIdle, took) => {
      if (!isIdle) return isOneOfMany && took > TURN && (await this.#anotherWaits(name));
      return (await isOver(server, name)) || (isOneOfMany && !(await hasJobs(server, name)));
    });
    return true;
  }

  async #anotherWaits(name: string): Promise<boolean> {
    const { server } = this.#shop;
    for (const other of await namesOf(server))
      if (other !== name && !this.#refused.has(other) && (await hasJobs(server, other))) return true;
    return false;
  }

  /** Says once why a queue is left to others. */
  #refuse(name: string, why: string): undefined {
    if (!this.#refused.has(name)) this.#shop.onNote(`queue '${name}' is not served here: ${why}`);
    this.#refused.set(name, Date.now() + LATER);
  }

  /** Workers that have the model of a queue: those that are there, or new ones. Undefined: it has nothing to do here. */
  async #crewFor(name: string): Promise<Crew | undefined> {
    const { server, read } = this.#shop;
    if (!(await hasJobs(server, name))) return undefined;
    const study = await studyOf(server, name);
    if (!study) return undefined;
    const why = refusal(study, read !== undefined);
    if (why !== undefined) return this.#refuse(name, `${why}.`);
    if (this.#crew?.study.id !== study.id) {
      await this.close();
      this.#crew = await crewOf(name, study, this.#shop);
    }
    this.#refused.delete(name);
    return this.#crew;
  }

  /** Whether none of these queues that it serves has anything to do. */
  async areOver(names: readonly string[]): Promise<boolean> {
    for (const name of names) if (!this.#refused.has(name) && !(await isOver(this.#shop.server, name))) return false;
    return true;
  }

  async close(): Promise<void> {
    await this.#crew?.pool.dispose();
    this.#crew = undefined;
  }
}
