import type { Option } from "./option.ts";

/** How much works at a time, and what a service listens to and bears. */
export const workOptions = {
  workers: {
    kind: "count",
    value: "N",
    group: "work",
    help: "how many inputs are worked on at a time; default: as many as there are processors",
  },
  host: {
    kind: "text",
    value: "HOST",
    group: "work",
    example: "0.0.0.0",
    help: "the address to listen at; default 127.0.0.1, which only this machine reaches",
  },
  port: {
    kind: "port",
    value: "N",
    group: "work",
    help: "the port to listen at; default 8080; 0 takes a free one",
  },
  "max-queue": {
    kind: "index",
    value: "N",
    group: "work",
    help: "how many requests may wait for a worker; others are refused with 503; default 64",
  },
  "max-body": {
    kind: "bytes",
    value: "BYTES",
    group: "work",
    help: "the largest body of a request, also as 512kB or 16MB; default 16 MiB; all bodies together hold eight times that",
  },
  timeout: {
    kind: "seconds",
    value: "S",
    group: "work",
    help: "how many seconds a request may take, from its first byte to its answer; default 30",
  },
} as const satisfies Record<string, Option>;
