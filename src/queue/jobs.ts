import type { Job, Queue } from "bullmq";
import { PREFIX, type Server } from "./redis.ts";

/** How often a job is begun that fails, and how often one whose worker is no more. */
export const ATTEMPTS = 3;
/** Events say what jobs gave, too; nobody reads them. */
const MOST_EVENTS = 100;

/** Every state in which a job may be. */
const STATES = ["active", "wait", "prioritized", "delayed", "waiting-children", "completed", "failed"] as const;

/** @param makes whether it is there from now on, if it was not */
export function queueOf({ bullmq, redis }: Server, name: string, makes = false): Queue {
  const queue = new bullmq.Queue(name, {
    connection: redis,
    prefix: PREFIX,
    skipMetasUpdate: !makes,
    streams: { events: { maxLen: MOST_EVENTS } },
    defaultJobOptions: { attempts: ATTEMPTS, backoff: { type: "exponential", delay: 1000 } },
  });
  // It connects again, and what is asked waits for that.
  queue.on("error", () => {});
  return queue;
}

/** The ids of all jobs of a queue. */
export const jobIds = async (queue: Queue): Promise<ReadonlySet<string>> =>
  new Set(await queue.getRanges([...STATES], 0, -1));

/** Jobs of a queue that have ended so, a few at a time; those that cannot be read are removed. */
export async function ended(queue: Queue, state: "completed" | "failed"): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const id of await queue.getRanges([state], 0, 15)) {
    const job = (await queue.getJob(id).catch(() => null)) as Job | null | undefined;
    if (job) jobs.push(job);
    else await queue.remove(id).catch(() => 0);
  }
  return jobs;
}

/** Removes jobs whose data is no JSON: BullMQ takes them up again and again, and no worker ever sees them. */
export async function removeUnreadable({ redis }: Server, queue: Queue): Promise<void> {
  for (const id of await queue.getRanges(["active"], 0, -1)) {
    if (
      await queue.getJob(id).then(
        () => true,
        () => false,
      )
    )
      continue;
    await redis.del(`${PREFIX}:${queue.name}:${id}:lock`);
    await queue.remove(id).catch(() => 0);
  }
}

/** Why a job has failed, in a sentence without its full stop. */
export const reasonOf = ({ failedReason }: Job): string =>
  /stalled more than/.test(failedReason ?? "")
    ? `${ATTEMPTS} workers ended while they were at it`
    : `${failedReason || "no reason is given"}`.replace(/\.$/, "");
