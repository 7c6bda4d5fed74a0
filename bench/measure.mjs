import { cpus } from "node:os";

/** Sorted ascending. */
const sorted = (values) => [...values].sort((a, b) => a - b);

function quantile(values, q) {
  const order = sorted(values);
  return order[Math.min(order.length - 1, Math.floor(q * order.length))];
}

/**
 * Times tasks in turn, A B C A B C …, so that a machine that slows down slows all of them.
 *
 * @param tasks { name: function }, synchronous or not
 * @param seconds how long to go on, at least three rounds after one that does not count
 * @returns for each name its median and quartiles, in ms
 */
export async function alternate(tasks, seconds) {
  const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  const until = performance.now() + 1000 * seconds;
  for (let round = 0; round < 4 || performance.now() < until; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const start = performance.now();
      await task();
      if (round > 0) times[name].push(performance.now() - start);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, list]) => [name, { median: quantile(list, 0.5), low: quantile(list, 0.25), high: quantile(list, 0.75), rounds: list.length }]),
  );
}

/** What a figure means nothing without. */
export function machine(versions) {
  return { cpu: cpus()[0].model, cores: cpus().length, node: process.version, ...versions, command: `node ${process.argv.slice(1).map((a) => a.replace(process.cwd(), ".")).join(" ")}` };
}
