import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Queue } from "bullmq";
import { LrpError, misuse } from "../base/error.ts";
import { shownAddress } from "./address.ts";
import { toText } from "./json.ts";
import { ended, jobIds, queueOf, reasonOf, removeUnreadable } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { MOST_AHEAD, MOST_JOBS, MOST_TOGETHER } from "./limits.ts";
import {
  type Answer,
  checkedAnswers,
  checkedDone,
  checkedItem,
  checkedOrder,
  type Item,
  type Order,
  type Study,
} from "./messages.ts";
import { LEASE, type Server } from "./redis.ts";
import { begin, coordinate, forgetMessage, keepMessage, readMessage, remove, resign, studyOf } from "./store.ts";

/** So long at a time are jobs put into the queue before what has come back is looked at, in milliseconds. */
const FILLING = 300;

/** What a coordinator needs to know of the items. */
export interface Items {
  readonly ids: readonly number[];
  readonly item: (id: number) => Item | Promise<Item>;
  readonly each?: number;
  readonly onNote: (note: string) => void;
}

const busy = (server: Server, name: string, who: string) =>
  misuse(
    shownAddress({ ...server.address, name }),
    `another process is at work with this queue (${who.replace(/ [\da-f-]{36}$/, "")})`,
    "Give another name, or wait for it.",
  );

/** Who puts the jobs of a study into a queue and takes their results: there is one for each queue. */
export class Coordinator {
  readonly #server: Server;
  readonly #name: string;
  readonly #study: Study;
  readonly #items: Items;
  readonly #queue: Queue;
  readonly #ledger: Ledger;
  readonly #who = `${hostname()}, process ${process.pid} ${randomUUID()}`;
  #beat: NodeJS.Timeout | undefined;
  /** Why it may not go on. */
  #ended: LrpError | undefined;
  #isRemoved = false;

  constructor(server: Server, name: string, study: Study, items: Items) {
    this.#server = server;
    this.#name = name;
    this.#study = study;
    this.#items = items;
    this.#queue = queueOf(server, name, true);
    this.#ledger = new Ledger(items.ids, items.each);
  }

  /** Whether every item has its answer. */
  get isDone(): boolean {
    return this.#ledger.open.size === 0;
  }

  /**
   * Takes the queue. Whoever was killed is taken for there until its lease ends: that is waited for.
   *
   * @throws LrpError "usage" where another process coordinates it, or it has another study
   */
  async claim(): Promise<void> {
    const until = Date.now() + LEASE + 1000;
    for (let other = await this.#claimed(); other !== undefined; other = await this.#claimed()) {
      if (Date.now() > until) throw busy(this.#server, this.#name, other);
      await sleep(500);
    }
    this.#beat = setInterval(
      () =>
        void this.#claimed().then(
          (other) => this.#lost(other),
          () => {},
        ),
      LEASE / 3,
    );
    const there = await studyOf(this.#server, this.#name);
    if (there) this.#checkSame(there);
  }

  /** Makes the queue, or goes on with its jobs. @throws LrpError "usage" where it has another study */
  async begin(): Promise<void> {
    this.#checkSame(await begin(this.#server, this.#name, this.#study));
    for (const id of await jobIds(this.#queue)) await this.#adopt(id);
  }

  #claimed(): Promise<string | undefined> {
    return coordinate(this.#server, this.#name, this.#who);
  }

  #lost(other: string | undefined): void {
    if (other !== undefined) this.#ended ??= busy(this.#server, this.#name, other);
  }

  #checkSame(there: Study | undefined): void {
    if (there?.id === this.#study.id) return;
    this.#isRemoved = there === undefined;
    const where = shownAddress({ ...this.#server.address, name: this.#name });
    throw there
      ? misuse(
          where,
          "this queue is of another evaluation",
          `Give another name, or remove it: relprop queue clear ${where}`,
        )
      : misuse(where, "this queue has been removed");
  }

  /** A job from before: it goes on if it is of this study. */
  async #adopt(id: string): Promise<void> {
    const job = (await this.#queue.getJob(id).catch(() => undefined)) as Job | undefined;
    const order = job && this.#orderOf(job);
    if (order) this.#ledger.queued(id, order.ids, 0);
  }

  #orderOf(job: Job): Order | undefined {
    try {
      const order = checkedOrder(job.data);
      return order.study === this.#study.id ? order : undefined;
    } catch (error) {
      if (error instanceof LrpError) return undefined;
      throw error;
    }
  }

  /** What has come back. Jobs leave the queue when whoever iterates asks for more. */
  async *answers(): AsyncGenerator<Answer, void, undefined> {
    if (this.#ended) throw this.#ended;
    for (const job of await ended(this.#queue, "completed")) {
      for (const answer of await this.#answersOf(job)) if (this.#ledger.open.delete(answer.id)) yield answer;
      yield* this.#givenUp(this.#ledger.returned(job.id!), "its job came back without an answer for it");
      await this.#forget(job);
    }
    for (const job of await ended(this.#queue, "failed")) {
      const reason = reasonOf(job);
      if (this.#ledger.has(job.id!)) {
        const id = this.#ledger.failed(job.id!);
        if (id !== undefined) yield* this.#givenUp([id], reason);
      } else this.#items.onNote(`a job '${job.id}' that is none of this evaluation was refused: ${reason}`);
      await this.#forget(job);
    }
  }

  async #answersOf(job: Job): Promise<readonly Answer[]> {
    if (!this.#ledger.has(job.id!)) return [];
    try {
      const done = checkedDone(job.returnvalue);
      if (done.study !== this.#study.id) throw misuse("the job's result", "it is of another evaluation");
      const said = await readMessage(this.#server, this.#name, done.answers, "the answers");
      return checkedAnswers(said, this.#study.options);
    } catch (error) {
      if (!(error instanceof LrpError)) throw error;
      this.#items.onNote(`what job '${job.id}' gave is refused, and it is done again: ${error.message}`);
      return [];
    }
  }

  *#givenUp(ids: readonly number[], problem: string): Generator<Answer, void, undefined> {
    for (const id of ids)
      if (this.#ledger.open.delete(id))
        yield { id, error: { code: "unsupported", issues: [{ where: `item ${id}`, problem }] } };
  }

  async #forget(job: Job): Promise<void> {
    for (const message of [job.data?.items, job.returnvalue?.answers])
      if (typeof message?.sha256 === "string" && Number.isSafeInteger(message.bytes))
        await forgetMessage(this.#server, this.#name, message);
    // It may have gone already.
    await job.remove().catch(() => {});
  }

  /** Puts jobs into the queue, as far as it may hold them. */
  async fill(): Promise<void> {
    const until = Date.now() + FILLING;
    for (let ids = this.#ledger.next(); ids.length > 0; ids = this.#ledger.next()) {
      if (Date.now() > until || this.#ledger.jobs >= MOST_JOBS || this.#ledger.bytes >= MOST_AHEAD) return;
      await this.#add(ids);
    }
  }

  async #add(wanted: readonly number[]): Promise<void> {
    const texts: string[] = [];
    const ids: number[] = [];
    let bytes = 0;
    for (const id of wanted) {
      const item = { ...(await this.#items.item(id)), id };
      const text = toText(checkedItem(item, `item ${id}`), `item ${id}`);
      if (ids.length > 0 && bytes + text.length > MOST_TOGETHER) break;
      texts.push(text);
      ids.push(id);
      bytes += text.length;
    }
    const items = await keepMessage(this.#server, this.#name, `[${texts.join()}]`, `item ${ids[0]}`);
    const order: Order = { study: this.#study.id, ids, items };
    // Jobs have no item in common: the first one is a name that no other job has.
    const jobId = `part-${ids[0]}`;
    await this.#queue.add("evaluate", order, { jobId });
    this.#ledger.queued(jobId, ids, bytes);
  }

  /** Puts back what Redis has lost. @throws LrpError "usage" where the queue was removed, or is another */
  async *compare(): AsyncGenerator<Answer, void, undefined> {
    this.#checkSame(await studyOf(this.#server, this.#name));
    await removeUnreadable(this.#server, this.#queue);
    for (const job of this.#ledger.missing(await jobIds(this.#queue)))
      yield* this.#givenUp(this.#ledger.returned(job), "Redis has lost its job again and again");
  }

  /** Lets go of the queue. @param all it is done with: nothing of it stays in Redis */
  async end(all: boolean): Promise<void> {
    clearInterval(this.#beat);
    await this.#queue.close();
    if (this.#beat === undefined) return;
    // What was put into it before that was known goes, too.
    const isOver = all || (this.#isRemoved && (await this.#claimed()) === undefined);
    if (isOver) await remove(this.#server, this.#name);
    else await resign(this.#server, this.#name, this.#who);
  }
}
