import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { three } from "./pictures.ts";
import { consumerOf } from "../src/queue.ts";
import { runtimes, type Server, workerd } from "./servers.ts";

/**
 * The worker as it is deployed, with a bucket that fails: as often as the name of an input says. A message that comes
 * back does so at once, and the seconds that were asked for are kept. What goes to the queue of those that have failed
 * is written down, too.
 */
const entry = `
  import worker from "./cloudflare.js";
  const tries = {}, later = new Set(), failed = [];
  const hurried = (message) => ({
    id: message.id,
    body: message.body,
    ack: () => message.ack(),
    retry: ({ delaySeconds }) => (later.add(delaySeconds), message.retry()),
  });
  export default {
    fetch: () => Response.json({ tries, later: [...later], failed }),
    queue(batch, { BUCKET }) {
      if (batch.queue === "relprop-failed") {
        failed.push(...batch.messages.map(({ body }) => body.input));
        return batch.ackAll();
      }
      const get = (key) => {
        tries[key] = (tries[key] ?? 0) + 1;
        if (tries[key] <= Number(/-fails-(\\d+)/.exec(key)?.[1] ?? 0)) throw new Error("the bucket is away");
        return BUCKET.get(key);
      };
      const bucket = { get, put: (...given) => BUCKET.put(...given) };
      return worker.queue({ messages: batch.messages.map(hurried) }, { BUCKET: bucket });
    },
  };`;

// Where CI is set, what is missing fails to start.
const skipped = !runtimes[0].there && !process.env.CI;
if (skipped) console.log("skipped: workerd, which npm ci --prefix demo/worker installs");
let server: Server;

beforeAll(async () => {
  if (!skipped) server = await workerd(entry);
});
afterAll(() => server?.stop());

it.skipIf(skipped)("tries again what may pass, and no other message waits for that", async () => {
  const { bucket, queue } = server.cloudflare!;
  const inputs = ["three.png", "three-fails-2.png", "three-fails-99.png"];
  for (const key of inputs) await bucket.put(key, Uint8Array.from(three).buffer);
  const impossible = {
    "none.png": { input: "none.png" },
    path: { input: "three.png", output: "path", path: "//" },
    accept: { input: "three.png", output: "accept", accept: "a\nb" },
    service: { input: "three.png", output: "service", path: "/explain/nothing" },
  };
  const strange = [{ input: "k".repeat(2000) }, { input: "" }, { input: "three.png", run: "rm" }, null, "text"];
  for (const message of [...inputs.map((input) => ({ input })), ...Object.values(impossible), ...strange])
    await queue.send(message);

  const keys = async () => (await bucket.list()).objects.map(({ key }) => key);
  const found = async () => (await (await fetch(server.url)).json()) as Record<string, unknown>;
  const written = [
    "three.png.json",
    "three-fails-2.png.json",
    ...Object.keys(impossible).map((key) => `${key}.error.json`),
  ];
  const isDone = async () => {
    const there = await keys();
    const errors = there.filter((key) => key.startsWith("errors/"));
    const { failed } = await found();
    return (
      (failed as unknown[]).length > 0 &&
      errors.length === strange.length &&
      written.every((key) => there.includes(key))
    );
  };
  while (!(await isDone())) await new Promise((go) => setTimeout(go, 100));

  const json = async (key: string) => JSON.parse(await (await bucket.get(key))!.text());
  const { max_retries } = JSON.parse(readFileSync(join(import.meta.dirname, "../wrangler.queue.jsonc"), "utf8")).queues
    .consumers[0];
  expect(await found()).toEqual({
    tries: { "three.png": 4, "three-fails-2.png": 3, "three-fails-99.png": 1 + max_retries, "none.png": 1 },
    later: [10],
    failed: ["three-fails-99.png"],
  });
  expect(await json("three-fails-2.png.json")).toEqual(await json("three.png.json"));
  const codes = Object.keys(impossible).map(async (key) => (await json(`${key}.error.json`)).error.code);
  expect(await Promise.all(codes)).toEqual(["input", "message", "message", "model"]);
  expect(await keys()).not.toContain("three-fails-99.png.json");
});

it("a service that has no room now is asked again later", async () => {
  const said: string[] = [];
  const message = (id: string) => ({
    id,
    body: { input: id },
    ack: () => said.push(`${id} done`),
    retry: ({ delaySeconds }: { delaySeconds: number }) => said.push(`${id} in ${delaySeconds} s`),
  });
  const bucket = {
    get: async () => ({ size: 1, arrayBuffer: async () => new ArrayBuffer(1) }),
    put: async (key: string) => said.push(key),
  };
  const answers = [new Response("busy", { status: 503 }), Response.json({})];
  await consumerOf(async () => answers.shift()!)({ messages: [message("a"), message("b")] }, { BUCKET: bucket });
  expect(said).toEqual(["a in 10 s", "b.json", "b done"]);
});
