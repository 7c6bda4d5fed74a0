/*
 * How long does the first explanation take, from the bytes of a network, in a process that is warm?
 *   npm run bench:first -- [--networks googlenet,minilm] [--runs 5] [MODEL.onnx ...]
 */
import { parseArgs } from "node:util";
import { alone, machine, summary } from "./measure.mjs";
import { table } from "./table.mjs";

/** A first explanation may take as long as so many warm ones, or so many milliseconds; a further composite so many. */
const [TIMES, MOST, FURTHER] = [3, 40, 1.5];
const options = {
  networks: { type: "string", default: "googlenet,squeezenet,mobilenet,minilm" },
  runs: { type: "string", default: "5" },
};
const { values, positionals } = parseArgs({ allowPositionals: true, options });

const rows = [];
for (const key of positionals.length > 0 ? positionals : values.networks.split(",")) {
  const { name, runs } = await alone("first-network.mjs", [key, values.runs]);
  const of = (step) => summary(runs.map((run) => run[step]));
  const [first, warm, further, furtherWarm, ort] = ["first", "warm", "further", "furtherWarm", "ort"].map(of);
  const isMet = first.least <= Math.max(MOST, TIMES * warm.least) && first.least < ort.least;
  const isFurther = further.least <= FURTHER * furtherWarm.least;
  const ms = ({ median, least }) => `${least.toFixed(1)}, ${median.toFixed(1)}`;
  rows.push([
    name,
    ...[first, warm].map(ms),
    (first.least / warm.least).toFixed(1),
    ms(ort),
    isMet ? "met" : "not met",
    ...[further, furtherWarm].map(ms),
    isFurther ? "met" : "not met",
  ]);
}
console.log(`${Object.entries(machine({}))
  .map(([name, value]) => `${name}: ${value}`)
  .join("\n")}

ms: the shortest of ${values.runs} runs, and the median. Goals: a first explanation in ${TIMES} times a warm one or ${MOST} ms, and sooner than
onnxruntime-web's session and first run; a further composite in ${FURTHER} times a warm one.

${table(
  [
    "network",
    "load and first epsilonPlus",
    "warm",
    "ratio",
    "onnxruntime-web, session and run",
    "goal",
    "first epsilonAlpha2Beta1",
    "warm",
    "goal",
  ],
  rows,
)}`);
