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
      "Does jobs of a queue in Redis, on as many machines as you like: of one queue (redis://HOST/NAME), or of all that " +
        "there are and will be (redis://HOST). A model is brought once and kept in --cache. Nothing that comes from the " +
        "queue is run, and every field of it is checked.",
      "Ctrl-C and SIGTERM give back what is not finished. What a worker that is killed was at is done by another some " +
        "seconds later; a job that has killed three workers is reported to 'relprop evaluate'. Needs the packages " +
        "bullmq and ioredis.",
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
      "Lists the queues of a Redis, with how many jobs are in which state, or removes one with all that is in it.",
    ],
    options: [],
    examples: [
      ["what there is", "relprop queue list redis://HOST"],
      ["remove one", "relprop queue clear redis://HOST/photos"],
    ],
    run: queue,
  },
];
