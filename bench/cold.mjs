/*
 * How long a first result takes, each time in a fresh process, in turn:
 *   npm run bench:cold -- [--runs 15]
 */
import { parseArgs } from "node:util";
import { alone, machine, summary } from "./measure.mjs";
import { table } from "./table.mjs";

const GOAL = 50;
const { values } = parseArgs({ options: { runs: { type: "string", default: "15" } } });
const engines = {
  relprop: "relprop: import, load, explain and heatmap",
  onnxruntime: "onnxruntime-web: import, session, predict",
};
const runs = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
for (let i = 0; i < Number(values.runs); i++)
  for (const name of Object.keys(engines)) runs[name].push(await alone("cold-start.mjs", [name]));

const ms = ({ median, low, high }) => `${median.toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})`;
const total = (name) => summary(runs[name].map((steps) => steps.reduce((a, b) => a + b)));
const step = (name, i) => ms(summary(runs[name].map((steps) => steps[i])));
console.log(`${Object.entries(machine({}))
  .map(([name, value]) => `${name}: ${value}`)
  .join("\n")}

The demo network, ms: median (quartiles) of ${values.runs} processes

${table(
  ["engine", "import", "load", "first result", "together"],
  Object.entries(engines).map(([name, text]) => [text, step(name, 0), step(name, 1), step(name, 2), ms(total(name))]),
)}

goal: relprop's first heatmap within ${GOAL} ms: ${total("relprop").median <= GOAL ? "met" : "not met"}`);
