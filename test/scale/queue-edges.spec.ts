import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { version } from "../../src/kernels.gen.ts";
import { placeOn } from "./place.ts";
import { contentsOf, partsIn, run, until } from "./programs.ts";
import { startRedis } from "./redis.ts";

/*
 * What a queue refuses, survives and leaves behind, on one Redis; and a Redis with TLS and a password.
 */
const redis = await startRedis();
const { at, begun, begunIn, worker, evaluation, byQueue, withQueue, close } = placeOn(redis.url);
const client = new Redis(redis.url, { maxRetriesPerRequest: null });
client.on("error", () => {});
const [FEW, MANY] = [6, 24];
const elsewhere = resolve("build/other-version");

beforeAll(async () => {
  expect(await run(...evaluation(FEW, "alone"))).toMatchObject({ code: 0 });
  expect(await run(...evaluation(MANY, "many"))).toMatchObject({ code: 0 });
});
afterAll(async () => {
  close();
  client.disconnect();
  rmSync(elsewhere, { recursive: true, force: true });
  await redis.stop();
});

const waiting = (name: string) => withQueue(name, (queue) => queue.getWaitingCount());
/** Nothing is left in Redis; how long a worker has looked for jobs whose worker is no more, it forgets by itself. */
const isEmpty = async () => (await client.keys("*")).length === 0;
const wholly = (out: string, alone = "alone") => expect(contentsOf(at(out))).toEqual(contentsOf(at(alone)));

test("a worker of another version, and a model that is not what its hash says, are refused before any work", async () => {
  const coordinator = begun(...byQueue(FEW, "refused", "refused"));
  await until(async () => (await waiting("refused")) === FEW);
  const untouched = async () => {
    const jobs = await withQueue("refused", (queue) => queue.getJobs());
    expect(jobs.map(({ attemptsStarted }) => attemptsStarted)).toEqual(Array(FEW).fill(0));
    expect(existsSync(at("cache")) ? readdirSync(at("cache")) : []).toEqual([]);
  };
  const words = ["work", redis.url, "--workers", "1", "--cache", at("cache"), "--once"];

  // The same program, of a version that says so everywhere.
  cpSync("dist", `${elsewhere}/dist`, { recursive: true });
  for (const name of readdirSync(`${elsewhere}/dist`, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(`${elsewhere}/dist/${name}`, "utf8");
    writeFileSync(`${elsewhere}/dist/${name}`, text.replaceAll(`"${version}"`, '"0.0.9"'));
  }
  const old = begunIn({ main: `${elsewhere}/dist/cli/main.js` }, ...words);
  expect(await old.end).toBe(0);
  expect(old.said.err).toContain(`queue 'refused' is not served here: it is of relprop ${version}, and this is 0.0.9.`);
  await untouched();

  const [key] = await client.keys("relprop-data:refused:file:*");
  const model = (await client.getBuffer(key))!;
  const changed = Buffer.from(model);
  changed[changed.length >> 1] ^= 1;
  await client.set(key, changed);
  const refusing = begun(...words);
  expect(await refusing.end).toBe(0);
  expect(refusing.said.err).toContain(
    "is not served here: queue 'refused': a file of its model is another than its SHA-256 says.",
  );
  await untouched();
  await client.del(key);
  // Whoever coordinates it sees that, and puts it there again.
  await until(() => client.exists(key));

  const serving = worker("refused");
  expect(await coordinator.end).toBe(0);
  serving.child.kill("SIGTERM");
  expect(await serving.end).toBe(0);
  wholly("refused");
  await until(isEmpty);
});

test("a damaged file of the cache is never used: it is fetched anew", async () => {
  const model = readFileSync("demo/digits.onnx");
  const file = createHash("sha256").update(model).digest("hex");
  const changed = model.map((byte, i) => (i === model.length >> 1 ? ~byte : byte));
  for (const [name, bytes] of Object.entries({ changed, truncated: model.subarray(0, -1) })) {
    mkdirSync(at("cache"), { recursive: true });
    writeFileSync(at(`cache/${file}`), bytes);
    const coordinator = begun(...byQueue(FEW, name, "damaged"));
    const serving = worker("damaged");
    expect(await coordinator.end).toBe(0);
    serving.child.kill("SIGTERM");
    expect(await serving.end).toBe(0);
    wholly(name);
    expect(readdirSync(at("cache"))).toEqual([file]);
    expect(readFileSync(at(`cache/${file}`)).equals(model)).toBe(true);
  }
});

test("an interrupted queue is listed, is continued to the same bytes, and is cleared to nothing", async () => {
  const line = (out: string, ...more: string[]) => byQueue(MANY, out, "long", ...more);
  const first = begun(...line("continued"));
  const serving = worker("long");
  await until(() => partsIn(at("continued")));
  first.child.kill("SIGINT");
  expect(await first.end).toBe(130);
  expect(first.said.err).toContain("The queue stays; 'relprop queue clear' removes it.");
  expect((await run("queue", "list", `${redis.url}/long`)).out).toMatch(/^ *long +\d+ +\d+ +\d+ +0 +waits/m);
  expect(await begun(...line("continued")).end).toBe(0);
  serving.child.kill("SIGTERM");
  expect(await serving.end).toBe(0);
  wholly("continued", "many");
  await until(isEmpty);
  expect(await run("queue", "list", redis.url)).toMatchObject({ code: 0, out: "There is no queue.\n" });

  // Two queues: one that is coordinated while it is cleared, and one that is not.
  const removed = begun(...line("removed"));
  await until(() => waiting("long"));
  const other = begun(...byQueue(FEW, "other", "other"));
  await until(async () => (await waiting("other")) === FEW);
  expect(await run("queue", "clear", `${redis.url}/nothing`)).toMatchObject({
    code: 2,
    err: expect.stringContaining("/nothing: there is no such queue. There are long, other."),
  });
  expect(await run("queue", "clear", redis.url)).toMatchObject({
    code: 2,
    err: expect.stringContaining("it does not say which queue: redis://HOST/NAME."),
  });
  other.child.kill("SIGINT");
  await other.end;
  // The same network, and a comment in its file.
  writeFileSync(at("other.onnx"), Buffer.concat([readFileSync("demo/digits.onnx"), Uint8Array.of(0x32, 1, 0x78)]));
  const [, , ...rest] = byQueue(FEW, "wrong", "other");
  expect(await run("evaluate", at("other.onnx"), ...rest)).toMatchObject({
    code: 2,
    err: expect.stringContaining("/other: this queue is of another evaluation."),
  });
  for (const name of ["other", "long"])
    expect(await run("queue", "clear", `${redis.url}/${name}`)).toEqual({ code: 0, out: "", err: "" });
  expect(await removed.end).toBe(2);
  expect(removed.said.err).toContain("/long: this queue has been removed.");
  expect(await client.keys("*")).toEqual([]);
  expect(await run("queue", "clear", `${redis.url}/long`)).toMatchObject({
    code: 2,
    err: expect.stringContaining("/long: there is no such queue. There is none at all."),
  });
});

test("names that are none stop no list, and what is no queue stops no worker of others", async () => {
  await client.sadd("relprop-queues", "", "a:b", "x\ny");
  expect(await run("queue", "list", redis.url)).toMatchObject({ code: 0, out: "There is no queue.\n" });
  await client.sadd("relprop-queues", "broken");
  await client.set("relprop:broken:wait", "no list");
  const serving = worker("", "--once");
  expect(await serving.end).toBe(0);
  expect(serving.said.err).toMatch(/^relprop: queue 'broken' is not served here: .*\/broken: Redis refuses \(/);
  await client.flushall();
});

// Most of its time is waiting.
test.concurrent("whoever is told to end while Redis is away ends, and the queue goes on when it is back", async () => {
  const line = byQueue(MANY, "away", "away");
  const coordinator = begun(...line);
  await until(() => waiting("away"));
  const [busy, idle] = [worker("away"), worker("idle")];
  await until(() => partsIn(at("away")));
  await redis.end();
  await until(() => busy.said.err.includes("Redis is away; it is waited for"));
  for (const { child } of [busy, idle]) child.kill("SIGTERM");
  coordinator.child.kill("SIGINT");
  expect(await Promise.all([busy, idle, coordinator].map(({ end }) => end))).toEqual([0, 0, 130]);
  await redis.start();
  const [again, serving] = [begun(...line), worker("away")];
  expect(await again.end).toBe(0);
  serving.child.kill("SIGTERM");
  expect(await serving.end).toBe(0);
  wholly("away", "many");
});

test.concurrent("TLS and a password", async () => {
  const [cert, key] = [at("cert.pem"), at("key.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
      ...["-subj", "/CN=relprop", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", cert, "-keyout", key],
    ],
    { stdio: "ignore" },
  );
  const guarded = await startRedis({ password: "open sesame", cert, key });
  try {
    const { port } = new URL(guarded.url);
    const url = (password: string, name: string, host = "127.0.0.1") =>
      `rediss://${password && `:${encodeURIComponent(password)}@`}${host}:${port}/${name}`;
    const trusting = { NODE_EXTRA_CA_CERTS: cert };
    const line = (address: string) => evaluation(FEW, "tls", "--queue", address);
    const coordinator = begunIn({ env: trusting }, ...line(url("open sesame", "tls")));
    const env = { ...trusting, RELPROP_REDIS_PASSWORD: "open sesame" };
    const serving = begunIn({ env }, "work", url("", "tls", "localhost"), "--workers", "1", "--cache", at("cache"));
    expect(await coordinator.end).toBe(0);
    serving.child.kill("SIGTERM");
    expect(await serving.end).toBe(0);
    expect(serving.said.err).toBe("");
    wholly("tls");

    const refusals: [NodeJS.ProcessEnv, string, string][] = [
      [
        trusting,
        url("sesame", ""),
        "it refuses the password. A password stands before the host, redis://:PASSWORD@HOST",
      ],
      [{ ...trusting, RELPROP_REDIS_PASSWORD: "s" }, url("", ""), "it refuses the password."],
      [trusting, url("", ""), "it refuses the password."],
      [
        {},
        url("open sesame", ""),
        "its certificate is not trusted here (DEPTH_ZERO_SELF_SIGNED_CERT). The variable NODE_EXTRA_CA_CERTS",
      ],
      [{}, guarded.url.replace("rediss", "redis"), "there is no connection to a Redis"],
    ];
    const refused = refusals.map(async ([env, address, why]) => {
      const { said, end } = begunIn({ env }, "queue", "list", address);
      expect(await end).toBe(2);
      expect(said.err).toContain(`:${port}`);
      expect(said.err).toContain(why);
      expect(said.err).not.toContain("sesame");
    });
    await Promise.all(refused);
  } finally {
    await guarded.stop();
  }
});
