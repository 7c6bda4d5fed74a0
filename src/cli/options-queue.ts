import type { Option } from "./option.ts";

/** Work that goes through a queue. */
export const queueOptions = {
  queue: {
    kind: "text",
    value: "URL",
    group: "queue",
    example: "redis://HOST/NAME",
    help:
      "have the images measured by all machines that run 'relprop work' on this Redis: redis://HOST/NAME, if need be " +
      "with a port and ?db=N, or rediss: for TLS. The password is in the URL or in RELPROP_REDIS_PASSWORD",
  },
  data: {
    kind: "text",
    value: "DIR",
    group: "queue",
    example: "photos",
    help:
      "the folder of the data on this machine; on other machines, it may lie elsewhere. Jobs then name files in it, with " +
      "their SHA-256, and hold no images. Nothing outside of it is opened",
  },
  cache: {
    kind: "text",
    value: "DIR",
    group: "queue",
    example: "cache",
    help: "the folder that keeps the models that came from a queue; default: relprop in the user's folder for caches",
  },
  once: { kind: "flag", group: "queue", help: "end when there is nothing left to do; otherwise, work waits for more" },
} as const satisfies Record<string, Option>;
