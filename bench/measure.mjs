import { fork } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { basename, join } from "node:path";

function quantile(values, q) {
  const order = [...values].sort((a, b) => a - b);
  return order[Math.min(order.length - 1, Math.floor(q * order.length))];
}

export const summary = (list) => ({
  median: quantile(list, 0.5),
  low: quantile(list, 0.25),
  high: quantile(list, 0.75),
  least: Math.min(...list),
  rounds: list.length,
});

/**
 * Times tasks in turn, A B C A B C …, so that a machine that slows down slows all of them.
 *
 * @param tasks { name: function }, synchronous or not; one that runs in another process returns its own time in ms
 * @param seconds how long to go on, at least three rounds after one that does not count
 * @returns for each name its median and quartiles, in ms
 */
export async function alternate(tasks, seconds) {
  const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  const until = performance.now() + 1000 * seconds;
  for (let round = 0; round < 4 || performance.now() < until; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const start = performance.now();
      const own = await task();
      const elapsed = performance.now() - start;
      if (round > 0) times[name].push(typeof own === "number" ? own : elapsed);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, summary(list)]));
}

/** The largest difference as a share of the largest number wanted, which must not be more than is allowed. */
export function differenceOf(what, got, want, allowed) {
  const largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const off = got.reduce((most, v, i) => Math.max(most, Math.abs(v - want[i])), 0) / largest;
  if (got.length === want.length && off <= allowed) return off;
  throw new Error(
    `${what}: expected ${want.length} numbers within ${allowed} of the largest, received ${got.length} that ` +
      `differ by ${off}`,
  );
}

/** What a figure means nothing without. */
export function machine(versions) {
  const command = [
    "node",
    `bench/${basename(process.argv[1])}`,
    ...process.argv.slice(2).map((a) => (a.endsWith(".onnx") ? basename(a) : a)),
  ].join(" ");
  return {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    node: process.version,
    ...versions,
    command,
  };
}

/** The most memory that this process has had, in bytes. */
export function peakMemory() {
  // Linux hands the parent's peak on to a child as its maxRSS, but not as VmHWM.
  const status = "/proc/self/status";
  if (!existsSync(status)) return 1024 * process.resourceUsage().maxRSS;
  return 1024 * Number(readFileSync(status, "utf8").match(/VmHWM:\s*(\d+)/)[1]);
}

/**
 * Runs a file of this folder in a process of its own, and returns what it reports.
 * Networks and engines do not share a heap, and one that fails takes no other with it.
 */
export function alone(file, args) {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, file), args);
    let result;
    child.on("message", (message) => {
      result = message;
    });
    child.on("exit", (code) =>
      result === undefined
        ? reject(
            new Error(`${file} ${args.map((a) => basename(a)).join(" ")}: ended with ${code} and without a result`),
          )
        : resolve(result),
    );
  });
}

/** Hands a result to the process that called `alone`, and ends. */
export function report(result) {
  process.send(result, () => process.exit());
}
