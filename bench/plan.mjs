/*
 * How does planning grow with the number of nodes?
 *   npm run bench:plan -- [--nodes 100,1000] [--runs 3]
 * Every network in a process of its own, in turn; values are so small that only planning takes time.
 */
import { parseArgs } from "node:util";
import { alone, machine, summary } from "./measure.mjs";
import { deepNetworks } from "./deep.mjs";
import { table } from "./table.mjs";

const options = { nodes: { type: "string", default: "100,1000,10000,100000" }, runs: { type: "string", default: "3" } };
const { values } = parseArgs({ options });

/** Milliseconds that a network may take. */
const goals = [
  { network: "chain", nodes: 20_000, what: "load, predict and explain", most: 3000, of: (ms) => ms.load + ms.predict + ms.explain },
  { network: "sum", nodes: 4000, what: "load, predict and explain", most: 1000, of: (ms) => ms.load + ms.predict + ms.explain },
  { network: "adds", nodes: 4000, what: "load, predict and explain", most: 1000, of: (ms) => ms.load + ms.predict + ms.explain },
  { network: "residual", nodes: 700, what: "first explanation less a warm one", most: 100, of: (ms) => ms.explain - ms.warm },
];

/** Of each step the median of all runs. */
async function measured(network, nodes) {
  const runs = [];
  for (let i = 0; i < Number(values.runs); i++) runs.push(await alone("plan-engine.mjs", [network, nodes]));
  return Object.fromEntries(Object.keys(runs[0]).map((step) => [step, summary(runs.map((run) => run[step])).median]));
}

const rows = [];
for (const [network, { text }] of Object.entries(deepNetworks)) {
  for (const nodes of values.nodes.split(",")) {
    const ms = await measured(network, nodes);
    const times = [ms.load, ms.predict, ms.explain, ms.further, ms.warm].map((v) => v.toFixed(1));
    rows.push([text, nodes, ...times, (ms.peak / 2 ** 20).toFixed(0)]);
  }
}
const lines = [];
for (const { network, nodes, what, most, of } of goals) {
  const found = of(await measured(network, nodes));
  lines.push(`goal: ${network} of ${nodes} nodes, ${what} within ${most} ms: ${found <= most ? "met" : "not met"} (${found.toFixed(0)})`);
}
console.log(`${Object.entries(machine({}))
  .map(([name, value]) => `${name}: ${value}`)
  .join("\n")}

ms: median of ${values.runs} processes. Explained by epsilon, and by the gradient as a further composite

${table(
  ["network", "nodes", "load", "first predict", "first explain", "further composite", "warm explain", "process, peak MB"],
  rows,
)}

${lines.join("\n")}`);
