import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, expect, test } from "vitest";
import { createPool } from "../../dist/pool/index.js";
import { evaluateOn, listQueues, type QueueResult, work } from "../../dist/queue/index.js";
import { startRedis } from "./redis.ts";

/*
 * The calls of relprop/queue, in one process: what a signal ends goes on where it was.
 */
const redis = await startRedis();
const cache = mkdtempSync(join(tmpdir(), "relprop-queue-calls-"));
const address = `${redis.url}/calls`;
const model = readFileSync("demo/digits.onnx");
afterAll(async () => {
  rmSync(cache, { recursive: true });
  await redis.stop();
});

const IDS = Array.from({ length: 30 }, (_, id) => id);
const input = (id: number) => ({
  dims: [1, 1, 28, 28],
  data: Float32Array.from({ length: 784 }, (_, i) => (i * (id + 1)) % 7),
});
const options = { methods: [{ method: "integratedGradients", steps: 20 }], metrics: ["gini"] } as const;
const evaluated = (ids: readonly number[], signal?: AbortSignal) =>
  evaluateOn(address, model, {
    key: "calls",
    ids,
    item: (id) => ({ id, input: input(id), relevance: false }),
    // So that each is a job.
    each: 5000,
    options,
    signal,
  });
const working = (signal: AbortSignal) => work(address, { workers: 2, cache, signal });

test("an aborted evaluation throws the signal's reason and leaves a queue that the same call goes on with", async () => {
  const [stop, close] = [new AbortController(), new AbortController()];
  const worker = working(close.signal);
  const found = new Map<number, QueueResult>();
  const reason = new Error("enough for today");
  const some = async () => {
    for await (const result of evaluated(IDS, stop.signal)) {
      found.set(result.id, result);
      if (found.size === 5) stop.abort(reason);
    }
  };
  await expect(some()).rejects.toBe(reason);
  expect(found.size).toBe(5);
  expect(await listQueues(redis.url)).toMatchObject([{ name: "calls" }]);

  // The worker is told to end, too, and another begins: what it had begun is given back, not lost.
  close.abort();
  await worker;
  const end = new AbortController();
  const another = working(end.signal);
  const rest = IDS.filter((id) => !found.has(id));
  for await (const result of evaluated(rest)) {
    expect(found.has(result.id)).toBe(false);
    found.set(result.id, result);
  }
  expect([...found.keys()].sort((a, b) => a - b)).toEqual(IDS);
  const pool = await createPool(model, { size: 1 });
  for await (const { index, value } of pool.evaluate(
    IDS.map((id) => ({ input: input(id) })),
    options,
  ))
    expect(found.get(index)!.value.results[0].values).toEqual(value.results[0].values);
  await pool.dispose();
  expect(await listQueues(redis.url)).toEqual([]);
  end.abort();
  await another;
});

test("a signal that is aborted before the call leaves nothing behind", async () => {
  const all = async () => {
    for await (const _ of evaluated(IDS, AbortSignal.abort())) throw new Error("there is a result");
  };
  await expect(all()).rejects.toMatchObject({ name: "AbortError" });
  await work(address, { workers: 1, cache, signal: AbortSignal.abort() });
  const client = new Redis(redis.url);
  expect(await client.keys("*")).toEqual([]);
  client.disconnect();
});
