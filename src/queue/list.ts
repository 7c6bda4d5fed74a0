import { misuse } from "../base/error.ts";
import { addressOf, shownAddress } from "./address.ts";
import { queueOf } from "./jobs.ts";
import { withServer } from "./redis.ts";
import { coordinatorOf, namesOf, remove } from "./store.ts";

/** A queue, and how many jobs of it are in which state. */
export interface QueueState {
  readonly name: string;
  readonly waiting: number;
  readonly active: number;
  /** They have results that nobody has taken. */
  readonly done: number;
  readonly failed: number;
  /** Whether somebody puts jobs into it and takes results. */
  readonly isCoordinated: boolean;
}

/**
 * The queues of a Redis, by name.
 * @throws LrpError "usage" for an address that is none, and where no Redis answers
 * @example for (const { name, waiting } of await listQueues("redis://localhost")) console.log(name, waiting);
 */
export function listQueues(address: string, password?: string): Promise<readonly QueueState[]> {
  const place = addressOf(address, password);
  return withServer(place, async (server) => {
    const states: QueueState[] = [];
    for (const name of (await namesOf(server)).filter((one) => place.name === undefined || one === place.name)) {
      const queue = queueOf(server, name);
      const counts = await queue.getJobCounts();
      await queue.close();
      const of = (...kinds: string[]) => kinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
      states.push({
        name,
        waiting: of("wait", "waiting", "delayed", "prioritized"),
        active: of("active"),
        done: of("completed"),
        failed: of("failed"),
        isCoordinated: (await coordinatorOf(server, name)) !== null,
      });
    }
    return states;
  });
}

/**
 * Removes a queue with its jobs, results and models. Whoever coordinates it ends with an error; what it has taken stays.
 * @throws LrpError "usage" also where there is no such queue
 * @example await clearQueue("redis://localhost/mine");
 */
export function clearQueue(address: string, password?: string): Promise<void> {
  const place = addressOf(address, password);
  const { name } = place;
  if (name === undefined) throw misuse("the address of the queue", "it does not say which queue: redis://HOST/NAME");
  return withServer(place, async (server) => {
    const names = await namesOf(server);
    if (!names.includes(name))
      throw misuse(
        shownAddress(place),
        "there is no such queue",
        names.length > 0 ? `There are ${names.join(", ")}.` : "There is none at all.",
      );
    await remove(server, name);
  });
}
