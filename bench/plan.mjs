/*
 * How does planning grow with the number of nodes?
 *   npm run bench:plan -- [--nodes 100,1000] [--runs 3]
 * Every network in a process of its own, in turn; values are so small that only planning takes time.
 */
import { parseArgs } from "node:util";
import { deepNetworks } from "./deep.mjs";
import { alone, machine, summary } from "./measure.mjs";
import { table } from "./table.mjs";

const options = {
  nodes: { type: "string", default: "100,1000,10000,100000" },
  runs: { type: "string", default: "3" },
};
const { values } = parseArgs({ options });

const whole = { what: "load, predict and explain", of: (ms) => ms.load + ms.predict + ms.explain };
const planning = { what: "first explanation less a warm one", of: (ms) => ms.explain - ms.warm };
/** `most`: milliseconds that a network may take. */
const goals = [
  { network: "chain", nodes: 20_000, most: 3000, ...whole },
  { network: "sum", nodes: 4000, most: 1000, ...whole },
  { network: "adds", nodes: 4000, most: 1000, ...whole },
  { network: "residual", nodes: 700, most: 100, ...planning },
];

/** Of each step the median of all runs. */
async function measured(network, nodes) {
  const runs = [];
  for (let i = 0; i < Number(values.runs); i++) runs.push(await alone("plan-engine.mjs", [network, `${nodes}`]));
  return Object.fromEntries(Object.keys(runs[0]).map((step) => [step, summary(runs.map((run) => run[step])).median]));
}

const steps = ["load", "first predict", "first explain", "further composite", "warm explain"];
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
  const judged = found <= most ? "met" : "not met";
  lines.push(`goal: ${network} of ${nodes} nodes, ${what} within ${most} ms: ${judged} (${found.toFixed(0)})`);
}
console.log(`${Object.entries(machine({}))
  .map(([name, value]) => `${name}: ${value}`)
  .join("\n")}

ms: median of ${values.runs} processes. Explained by epsilon, and by the gradient as a further composite

${table(["network", "nodes", ...steps, "process, peak MB"], rows)}

${lines.join("\n")}`);
