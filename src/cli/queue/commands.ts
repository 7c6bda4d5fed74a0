import type { Command } from "../command.ts";
import { queue } from "./queue.ts";
import { workOn } from "./work.ts";

/** What goes through a queue. */
export const queueCommands: readonly Command[] = [
  {
    name: "work",
    takes: ["URL"],
    summary: "measures images for 'relprop evaluate --queue'",
    about: [
      "Does the jobs of one queue in Redis (redis://HOST/NAME), or of every queue there, including those that are made " +
        "later (redis://HOST). It may run on as many machines as you like. A model is fetched once and kept in --cache. " +
        "relprop checks every field that comes from the queue, and runs nothing of it.",
      "On Ctrl-C and SIGTERM, a worker gives back the jobs that it has not finished. If a worker is killed, another one " +
        "does its jobs some seconds later. A job that has killed three workers is reported to 'relprop evaluate'. The " +
        "command needs the packages bullmq and ioredis.",
    ],
    options: ["workers", "once", "cache", "data", "max-memory"],
    examples: [
      ["on each machine", "relprop work redis://HOST --workers 4"],
      ["photos that each machine has", "relprop work redis://HOST/photos --data /data/photos"],
    ],
    run: workOn,
  },
  {
    name: "queue",
    takes: ["list|clear", "URL"],
    summary: "lists or removes queues of 'relprop evaluate --queue'",
    about: [
      "Lists the queues of a Redis, with the number of jobs in each state; or removes one queue and everything in it.",
    ],
    options: [],
    examples: [
      ["all queues", "relprop queue list redis://HOST"],
      ["remove one", "relprop queue clear redis://HOST/photos"],
    ],
    run: queue,
  },
];
