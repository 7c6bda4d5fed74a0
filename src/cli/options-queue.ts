import type { Option } from "./option.ts";

/** Work that goes through a queue. */
export const queueOptions = {
  queue: {
    kind: "text",
    value: "URL",
    group: "queue",
    example: "redis://HOST/NAME",
    help:
      "have the images measured by whoever runs 'relprop work' on that Redis: redis://HOST/NAME, also with a port, " +
      "?db=N, and rediss: for TLS; a password stands in the URL or in RELPROP_REDIS_PASSWORD",
  },
  data: {
    kind: "text",
    value: "DIR",
    group: "queue",
    example: "photos",
    help:
      "the folder with the data, which every machine has, each where it likes: jobs name files in it by their SHA-256, " +
      "in place of holding images; nothing outside of it is opened",
  },
  cache: {
    kind: "text",
    value: "DIR",
    group: "queue",
    example: "cache",
    help: "the folder where models are kept that came from a queue; default: relprop in the user's folder for caches",
  },
  once: { kind: "flag", group: "queue", help: "end when nothing is to be done; without it, wait for more" },
} as const satisfies Record<string, Option>;
