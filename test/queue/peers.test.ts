import { expect, test } from "vitest";
import { listQueues } from "../../src/queue/index.ts";
import { peers } from "../../src/queue/redis.ts";

test("without its packages, it says which to install", async () => {
  const missing = Object.assign(new Error("Cannot find package 'bullmq'"), { code: "ERR_MODULE_NOT_FOUND" });
  await expect(peers(() => Promise.reject(missing))).rejects.toThrow(
    "relprop/queue: it needs the packages bullmq and ioredis, and they are not both installed. Install them beside " +
      "relprop: npm install bullmq ioredis",
  );
});

test("where no Redis answers, it says so", async () => {
  await expect(listQueues("redis://:secret@127.0.0.1:1")).rejects.toThrow(
    "redis://127.0.0.1:1: there is no connection to a Redis (ECONNREFUSED).",
  );
});
