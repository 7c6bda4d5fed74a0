import { Queue } from "bullmq";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis } from "./redis.ts";

let redis: Awaited<ReturnType<typeof startRedis>>;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

test("a Redis that appends to a file has, after a restart, the jobs that it had", async () => {
  const jobs = async (work: (queue: Queue) => Promise<unknown>) => {
    const queue = new Queue("some", { connection: { url: redis.url } });
    const result = await work(queue);
    await queue.close();
    return result;
  };
  await jobs((queue) => queue.add("part", { image: 3 }, { jobId: "part-3" }));
  await redis.restart();
  expect(await jobs(async (queue) => (await queue.getJob("part-3"))?.data)).toEqual({ image: 3 });
});
