/**
 * An evaluation that many machines share, through a queue of BullMQ on Redis.
 *
 * @module relprop/queue
 */
export { evaluateOn, type QueueOptions, type QueueResult } from "./evaluate.ts";
export { clearQueue, listQueues, type QueueState } from "./list.ts";
export type { FileOf, Item, QueuedEvaluation } from "./messages.ts";
export type { ReadInput } from "./part.ts";
export { work, type WorkOptions } from "./work.ts";
