import { readdirSync, symlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { QueueEvents } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, expect, test } from "vitest";
import { random } from "../../src/evaluate/index.ts";
import { IMAGES, placeOn } from "./place.ts";
import { contentsOf, partsIn, run, until } from "./programs.ts";
import { startRedis } from "./redis.ts";

/*
 * `relprop evaluate --queue` and `relprop work`, as processes of their own, on a Redis of their own.
 */
const redis = await startRedis();
const { dir, at, begun, worker, evaluation, byQueue, withQueue, close } = placeOn(redis.url);

afterAll(async () => {
  close();
  await redis.stop();
});

test("workers are killed and Redis starts again, and the report is that of one process", async () => {
  expect(await run(...evaluation(IMAGES, "whole"))).toMatchObject({ code: 0 });

  const coordinator = begun(...byQueue(IMAGES, "killed", "digits"));
  const workers = [worker("digits"), worker("digits"), worker()];
  const began = Date.now();
  await until(() => partsIn(at("killed")));
  // On a machine where a worker needs longer than that to begin, nothing would ever be done.
  const pace = Math.max(2000, 2 * (Date.now() - began));
  const { uniform } = random(2);
  let kills = 0;
  const killing = setInterval(() => {
    const i = Math.floor(uniform() * workers.length);
    workers[i].child.kill("SIGKILL");
    kills++;
    workers[i] = worker("digits");
  }, pace);
  await until(() => partsIn(at("killed")) > IMAGES / 3);
  await redis.restart();
  expect(await coordinator.end).toBe(0);
  clearInterval(killing);
  expect(kills).toBeGreaterThan(0);
  expect(contentsOf(at("killed"))).toEqual(contentsOf(at("whole")));

  // A worker that has only begun is ended by the signal itself: it has nothing to give back.
  await sleep(pace);
  for (const { child } of workers) child.kill("SIGTERM");
  expect(await Promise.all(workers.map(({ end }) => end))).toEqual([0, 0, 0]);
  expect(readdirSync(at("cache"))).toHaveLength(1);
});

test("a second coordinator is refused, another evaluation is too, and the same one goes on", async () => {
  const few = (out: string, ...more: string[]) => byQueue(12, out, "shared", ...more);
  expect(await run(...evaluation(12, "alone"))).toMatchObject({ code: 0 });
  const first = begun(...few("first"));
  await until(() => withQueue("shared", (queue) => queue.getWaitingCount()));
  const refused = begun(...few("second"));
  expect(await refused.end).toBe(2);
  expect(refused.said.err).toMatch(/\/shared: another process is at work with this queue \(.*, process \d+\)\. Give/);

  first.child.kill("SIGINT");
  expect(await first.end).toBe(130);
  expect(first.said.err).toContain(
    `0 of 12 images are kept in '${at("first")}'; the same line goes on with the others.`,
  );
  expect(first.said.err).toContain("The queue stays; 'relprop queue clear' removes it.");
  expect((await run("queue", "list", redis.url)).out).toMatch(/shared +12 +0 +0 +0 +waits for its 'relprop evaluate'/);
  const other = await run(...few("third", "--seed", "1"));
  expect(other.err).toContain(
    "/shared: this queue is of another evaluation. Give another name, or remove it: relprop ",
  );

  // One worker begins while nobody coordinates; it is told to end, and gives back what it has.
  const stopped = worker("shared");
  await until(() => withQueue("shared", (queue) => queue.getCompletedCount()));
  stopped.child.kill("SIGTERM");
  expect(await stopped.end).toBe(0);
  expect(await withQueue("shared", (queue) => queue.getActiveCount())).toBe(0);

  const again = begun(...few("first"));
  const rest = worker("shared", "--once");
  expect(await again.end).toBe(0);
  expect(await rest.end).toBe(0);
  expect(contentsOf(at("first"))).toEqual(contentsOf(at("alone")));
  expect((await run("queue", "list", redis.url)).out).toBe("There is no queue.\n");
});

test("what others put into the queue is refused, and no worker ends of it", async () => {
  const coordinator = begun(...byQueue(12, "hostile", "open", "--data", dir));
  await until(async () => (await withQueue("open", (queue) => queue.getWaitingCount())) === 12);
  const order = await withQueue("open", async (queue) => (await queue.getJob("part-0"))!.data);
  const said = (path: string) => ({ path, sha256: "0".repeat(64), index: 0 });
  const items = (input: unknown) => ({ text: JSON.stringify([{ id: 0, input, relevance: false }]) });
  const hostile = {
    empty: {},
    list: [1, 2],
    deep: {},
    study: { ...order, study: "../../etc" },
    chunks: { ...order, items: { sha256: "0".repeat(64), bytes: 1e6 } },
    steps: { ...order, items: { text: JSON.stringify([{ id: 0, input: said("a"), relevance: true, batch: 1e12 }]) } },
    mark: { ...order, items: { text: '[{"$":"Function","base64":""}]' } },
    outside: { ...order, items: items(said("../secret")) },
    "part-5": { ...order, ids: [5], items: { text: "[]" } },
  };
  await withQueue("open", async (queue) => {
    await (await queue.getJob("part-5"))!.remove();
    for (const [jobId, data] of Object.entries(hostile)) await queue.add("evaluate", data, { jobId, attempts: 1 });
    const client = new Redis(redis.url);
    await client.hset("relprop:open:deep", "data", `${"[".repeat(1e5)}${"]".repeat(1e5)}`);
    // Not even JSON.
    await client.hset("relprop:open:part-6", "data", "{");
    client.disconnect();
  });
  symlinkSync(at("t-images-idx3-ubyte"), at("link"));
  const serving = begun("work", redis.url, "--workers", "2", "--cache", at("cache"), "--data", dir);
  expect(await coordinator.end).toBe(2);
  expect(serving.child.exitCode).toBeNull();
  serving.child.kill("SIGTERM");
  expect(await serving.end).toBe(0);
  for (const reason of [
    "the job, study: expected a SHA-256, got nothing",
    "the job: expected an object",
    "the job, study: expected a SHA-256, got '../../etc'",
    "chunk 0: expected 1000000 bytes, got none",
    "batch: expected a whole number from 1 to 1000000, got 1000000000000",
    "it has a mark of no value (Function)",
    "its name is none of a file in the folder that --data gives",
    "image '#5': the items, length: expected a whole number from 1 to 100, got 0.",
  ])
    expect(coordinator.said.err).toContain(reason);
  expect(coordinator.said.out).toContain("11 of 12 images are in");
});

test("an image that ends three workers is reported, and the others are done", async () => {
  const coordinator = begun(...byQueue(6, "deadly", "deadly"));
  let serving = worker("deadly");
  const events = new QueueEvents("deadly", { connection: { url: redis.url }, prefix: "relprop" });
  let killed = 0;
  events.on("active", ({ jobId }) => {
    // It is taken once more, to be told that it has failed.
    if (jobId !== "part-3" || killed === 3) return;
    serving.child.kill("SIGKILL");
    killed++;
    serving = worker("deadly");
  });
  expect(await coordinator.end).toBe(2);
  await events.close();
  expect(coordinator.said.err).toContain("image '#3': 3 workers ended while they were at it.");
  expect(coordinator.said.out).toContain("5 of 6 images are in");
  serving.child.kill("SIGTERM");
});
