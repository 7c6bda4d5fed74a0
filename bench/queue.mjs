/*
 * How much longer does work take by way of a queue than in a pool?
 *   npm run bench:queue -- [--parts 1000] [--milliseconds 100] [--workers 2] [--rounds 3]
 * Parts of so many milliseconds each, one to a job, are done by a pool of workers in this process, and by as many
 * processes of `relprop work` on a redis-server that this starts: in turn, and with the same results. In the times of
 * the queue are its beginning and its end. Time of the processor is that of all processes together.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createPool } from "../dist/pool/index.js";
import { evaluateOn, listQueues } from "../dist/queue/index.js";
import { inputOf } from "./inputs.mjs";
import { machine, summary } from "./measure.mjs";
import { bytesOf, networkOf } from "./networks.mjs";
import { table } from "./table.mjs";

const options = {
  parts: { type: "string", default: "1000" },
  milliseconds: { type: "string", default: "100" },
  workers: { type: "string", default: "2" },
  rounds: { type: "string", default: "3" },
};
const given = parseArgs({ options }).values;
const [parts, milliseconds, workers, rounds] = Object.keys(options).map((name) => Number(given[name]));

const dir = mkdtempSync(join(tmpdir(), "relprop-bench-"));
const children = [];
function start(program, ...words) {
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
}

async function startRedis() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  start("redis-server", "--bind", "127.0.0.1", "--port", `${port}`, "--dir", dir, "--save", "");
  const url = `redis://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    try {
      await listQueues(url);
      return url;
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
  }
}

/** Seconds of the processor that a process has taken; Linux counts hundredths. */
const secondsOf = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const processor = () => [process, ...children].reduce((sum, { pid }) => sum + secondsOf(pid), 0);

const network = networkOf("digits");
const model = bytesOf(network);
const pool = await createPool(model, { size: workers });
const input = inputOf(network, pool.inputs);
const evaluation = (steps) => ({ methods: [{ method: "integratedGradients", steps }], metrics: ["gini"] });

async function byPool(count, shared) {
  const values = [];
  for await (const { index, value } of pool.evaluate(Array(count).fill({ input }), { ...shared, ordered: false }))
    values[index] = value.results[0].values.gini;
  return values;
}

/** A job has one item where one is said to take so long. */
const LONG = 5000;

async function byQueue(url, count, shared) {
  const values = [];
  const ids = Array.from({ length: count }, (_, id) => id);
  const item = (id) => ({ id, input, relevance: false });
  for await (const { id, value } of evaluateOn(`${url}/bench`, model, {
    key: "bench",
    ids,
    item,
    each: LONG,
    options: shared,
  }))
    values[id] = value.results[0].values.gini;
  return values;
}

/** As many steps as take a worker so long. */
async function calibrated() {
  const count = 10 * workers;
  let steps = 50;
  await byPool(10 * count, evaluation(steps));
  for (let tries = 0; tries < 3; tries++) {
    const began = processor();
    await byPool(count, evaluation(steps));
    const each = (1000 * (processor() - began)) / count;
    steps = Math.max(1, Math.round((steps * milliseconds) / each));
  }
  return steps;
}

try {
  const url = await startRedis();
  const cache = join(dir, "cache");
  for (let i = 0; i < workers; i++)
    start(process.execPath, "dist/cli/main.js", "work", url, "--workers", "1", "--cache", cache);
  const shared = evaluation(await calibrated());
  const ways = { pool: (count) => byPool(count, shared), queue: (count) => byQueue(url, count, shared) };
  const times = { pool: [], queue: [] };
  const cpu = { pool: [], queue: [] };
  const load = loadavg();
  // Everybody has the network, and is warm, before anything is timed.
  const warm = Math.min(parts, 50 * workers);
  const [one, other] = [await ways.pool(warm), await ways.queue(warm)];
  if (one.join() !== other.join()) throw new Error(`the queue gives ${other}, and the pool ${one}`);
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const [began, used] = [performance.now(), processor()];
      await way(parts);
      times[name].push((performance.now() - began) / 1000);
      cpu[name].push(processor() - used);
      console.error(`${name}: ${times[name].at(-1).toFixed(1)} s, ${cpu[name].at(-1).toFixed(1)} s of the processor`);
    }
  }
  const redis = /v=(\S+)/.exec(String(await version()))[1];
  const facts = { ...machine({ redis }), load: load.map((v) => v.toFixed(1)).join(" ") };
  const row = (what, list) => {
    const { median, least, low, high } = summary(list);
    return [what, ...[median, least, low, high].map((v) => v.toFixed(2))];
  };
  const ratios = (of) => of.queue.map((v, i) => v / of.pool[i]);
  console.log(`${Object.entries(facts)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n")}

${parts} parts of ${milliseconds} ms (integrated gradients of ${shared.methods[0].steps} steps), ${workers} workers, ${rounds} rounds

${table(
  ["", "median", "least", "lower quartile", "upper quartile"],
  [
    row("pool, s", times.pool),
    row("queue, s", times.queue),
    row("queue / pool", ratios(times)),
    row("pool, s of the processor", cpu.pool),
    row("queue, s of the processor", cpu.queue),
    row("queue / pool, of the processor", ratios(cpu)),
  ],
)}`);
} finally {
  await pool.dispose();
  for (const child of children.reverse()) {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  }
  rmSync(dir, { recursive: true });
}

async function version() {
  const child = spawn("redis-server", ["--version"], { stdio: ["ignore", "pipe", "inherit"] });
  return (await child.stdout.toArray()).join("");
}
