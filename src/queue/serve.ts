import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Worker } from "bullmq";
import { LrpError } from "../base/error.ts";
import { createPool, type Pool } from "../parallel/pool/index.ts";
import { orAborted, PATIENCE } from "./abort.ts";
import { cached } from "./cache.ts";
import { toText } from "./json.ts";
import { ATTEMPTS, queueOf } from "./jobs.ts";
import { checkedItems, checkedOrder, type Done, type Study } from "./messages.ts";
import { doPart, type ReadInput } from "./part.ts";
import { LEASE, NETWORK, PREFIX, type Server } from "./redis.ts";
import { coordinatorOf, keepMessage, readMessage, studyOf } from "./store.ts";

/** How often a worker looks whether the queue is there still, and how long it stays with one while others wait. */
const OFTEN = 300;
export const TURN = 30_000;

/** How a worker works. */
export interface Workshop {
  readonly server: Server;
  readonly workers: number;
  readonly cache: string;
  readonly maxMemory?: number;
  readonly read?: ReadInput;
  readonly signal: AbortSignal;
  readonly onNote: (note: string) => void;
}

/** Workers that have the model of a study. */
export interface Crew {
  readonly study: Study;
  readonly pool: Pool;
}

/** @throws LrpError as `createPool`, and "usage" where a file of the model is not what its hash says */
export async function crewOf(
  name: string,
  study: Study,
  { server, workers, cache, maxMemory, onNote }: Workshop,
): Promise<Crew> {
  const { model, weights, load, classes } = study;
  const bytes = await cached(server, name, model, cache);
  const externalData = async (location: string) => {
    const file = weights.find((one) => one.location === location);
    if (!file) throw new Error(`the queue has no file '${location}'`);
    return cached(server, name, file, cache);
  };
  const least = Math.min(load.maxMemory ?? Number.POSITIVE_INFINITY, maxMemory ?? Number.POSITIVE_INFINITY);
  const pool = await createPool(bytes, {
    ...load,
    size: workers,
    maxMemory: Number.isFinite(least) ? least : undefined,
    classes,
    externalData,
  });
  if (study.node !== process.version)
    onNote(
      `queue '${name}' was begun with Node ${study.node}, and this is ${process.version}: ` +
        "numbers may differ in their last digits",
    );
  return { study, pool };
}

/** Whether anything of a queue is to be done, or being done by somebody who may be no more. */
export async function hasJobs(server: Server, name: string): Promise<boolean> {
  const queue = queueOf(server, name);
  try {
    const counts = await queue.getJobCounts("active", "wait", "delayed", "prioritized");
    return Object.values(counts).some((count) => count > 0);
  } finally {
    await queue.close();
  }
}

/** Whether a queue has nothing to do, and nobody who would put anything into it. */
export const isOver = async (server: Server, name: string): Promise<boolean> =>
  (await coordinatorOf(server, name)) === null && !(await hasJobs(server, name));

/**
 * Does jobs of a queue: until the study is there no more, the signal, or `enough` says so.
 *
 * @param enough asked now and then, with the milliseconds that it has taken so far
 */
export async function serve(
  name: string,
  { study, pool }: Crew,
  workshop: Workshop,
  enough: (isIdle: boolean, took: number) => Promise<boolean>,
): Promise<void> {
  const { server, workers, onNote, read, signal } = workshop;
  const ending = new AbortController();
  const begun = Date.now();
  let running = 0;

  const giveBack = async (job: Job, token: string): Promise<never> => {
    // It may have gone with its queue.
    await orAborted(job.moveToWait(token), ending.signal, PATIENCE).catch(() => {});
    throw new server.bullmq.WaitingError();
  };
  const evaluated = async (job: Job, token = ""): Promise<Done> => {
    running++;
    try {
      const order = checkedOrder(job.data);
      // Of a queue that was made anew since.
      if (order.study !== study.id || ending.signal.aborted) return await giveBack(job, token);
      const what = `items ${order.ids.join(", ")}`;
      const items = checkedItems(await readMessage(server, name, order.items, what), order);
      const answers = await doPart(items, study, pool, read, ending.signal);
      return { study: study.id, answers: await keepMessage(server, name, toText(answers, what), what) };
    } catch (error) {
      if (ending.signal.aborted) return await giveBack(job, token);
      if (error instanceof LrpError) throw new server.bullmq.UnrecoverableError(error.message);
      throw error;
    } finally {
      running--;
    }
  };
  const worker = new server.bullmq.Worker(name, evaluated, {
    connection: server.connection,
    prefix: PREFIX,
    concurrency: workers,
    lockDuration: LEASE,
    stalledInterval: Math.floor(LEASE / 3),
    maxStalledCount: ATTEMPTS - 1,
    drainDelay: 1,
  });
  worker.on("failed", (job, error) => onNote(`queue '${name}', job '${job?.id}': ${error.message}`));
  watch(worker, name, onNote);

  let isThere = true;
  for (let stays = true; stays && isThere && !signal.aborted; ) {
    await orAborted(sleep(OFTEN), signal);
    isThere = (await orAborted(studyOf(server, name), signal).catch(() => undefined))?.id === study.id;
    stays = !(await orAborted(enough(running === 0, Date.now() - begun), signal));
  }
  // What is begun is finished while others wait.
  if (isThere) await orAborted(worker.pause(), signal);
  ending.abort();
  // Without force, it would wait for a Redis that is away for as long as that is.
  const answer = await orAborted(server.redis.ping(), ending.signal, PATIENCE);
  await orAborted(worker.close(answer === undefined), ending.signal, 2 * PATIENCE);
}

/** Says when Redis is away, once each time. */
function watch(worker: Worker, name: string, onNote: (note: string) => void): void {
  let isAway = false;
  worker.on("error", (error) => {
    const isConnection = NETWORK.test(String((error as NodeJS.ErrnoException).code)) || /closed/i.test(error.message);
    // What another has done meanwhile, or what has gone with its queue.
    if (/Missing (lock|key)/.test(error.message) || (isConnection && isAway)) return;
    isAway ||= isConnection;
    onNote(`queue '${name}': ${isConnection ? "Redis is away; it is waited for" : error.message}`);
  });
  worker.on("active", () => {
    isAway = false;
  });
}
