import { together } from "./limits.ts";

/** How often an item may come back without an answer, though no worker has complained. */
const MOST_LOST = 3;

/** A job in the queue. */
interface Entry {
  readonly ids: readonly number[];
  readonly bytes: number;
  /** It was in no list when the jobs were listed. */
  missed: boolean;
}

/** Which items wait to be put into the queue, which are in it, and how often one came back without an answer. */
export class Ledger {
  /** Items without an answer yet. */
  readonly open: Set<number>;
  readonly #fresh: readonly number[];
  readonly #size: number;
  readonly #jobs = new Map<string, Entry>();
  readonly #inQueue = new Set<number>();
  readonly #lost = new Map<number, number>();
  readonly #alone = new Set<number>();
  /** Items that were in the queue before. */
  #again: readonly number[] = [];
  #at = 0;
  #bytes = 0;

  /** @param each milliseconds that one item takes, if that is known */
  constructor(ids: readonly number[], each?: number) {
    this.open = new Set(ids);
    this.#fresh = [...this.open];
    this.#size = together(this.open.size, each);
  }

  get jobs(): number {
    return this.#jobs.size;
  }

  /** Of messages. */
  get bytes(): number {
    return this.#bytes;
  }

  has(job: string): boolean {
    return this.#jobs.has(job);
  }

  /** The items of the next job; a job may take fewer of them. None: nothing waits. */
  next(): readonly number[] {
    const [first] = this.#again;
    if (first !== undefined && this.#alone.has(first)) return [first];
    if (first !== undefined) return this.#again.filter((id) => !this.#alone.has(id)).slice(0, this.#size);
    const waits = (id: number) => this.open.has(id) && !this.#inQueue.has(id);
    while (this.#at < this.#fresh.length && !waits(this.#fresh[this.#at])) this.#at++;
    const ids: number[] = [];
    for (let i = this.#at; i < this.#fresh.length && ids.length < this.#size; i++)
      if (waits(this.#fresh[i])) ids.push(this.#fresh[i]);
    return ids;
  }

  /** A job is in the queue. */
  queued(job: string, ids: readonly number[], bytes: number): void {
    this.#jobs.set(job, { ids, bytes, missed: false });
    this.#bytes += bytes;
    for (const id of ids) this.#inQueue.add(id);
    this.#again = this.#again.filter((id) => !this.#inQueue.has(id));
  }

  /** A job has left the queue. @returns items of it that are open */
  #left(job: string): readonly number[] {
    const { ids, bytes } = this.#jobs.get(job) ?? { ids: [], bytes: 0 };
    this.#jobs.delete(job);
    this.#bytes -= bytes;
    for (const id of ids) this.#inQueue.delete(id);
    return ids.filter((id) => this.open.has(id));
  }

  /** A job has left the queue: what of it is open waits again. @returns items that came back too often for that */
  returned(job: string): readonly number[] {
    const ids = this.#left(job);
    for (const id of ids) this.#lost.set(id, (this.#lost.get(id) ?? 0) + 1);
    const tooOften = ids.filter((id) => this.#lost.get(id)! > MOST_LOST);
    this.#again = [...this.#again, ...ids.filter((id) => !tooOften.includes(id))];
    return tooOften;
  }

  /** A job has failed. @returns the item, if it is about one; those of a job of several wait again, each by itself */
  failed(job: string): number | undefined {
    const ids = this.#left(job);
    if (ids.length === 1) return ids[0];
    for (const id of ids) this.#alone.add(id);
    this.#again = [...this.#again, ...ids];
    return undefined;
  }

  /** @param there the jobs that are in the queue @returns jobs that should be, and are missing for the second time */
  missing(there: ReadonlySet<string>): readonly string[] {
    const gone: string[] = [];
    for (const [job, entry] of this.#jobs) {
      if (entry.missed && !there.has(job)) gone.push(job);
      // One that changes its state while they are listed may be in no list.
      entry.missed = !there.has(job);
    }
    return gone;
  }
}
