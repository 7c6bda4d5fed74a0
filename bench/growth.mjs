/*
 * Do larger pictures and batches take longer for each pixel and each picture?
 *   npm run bench:growth -- [--networks squeezenet,mobilenet] [--seconds 5] [MODEL.onnx ...]
 */
import { parseArgs } from "node:util";
import { alone, machine } from "./measure.mjs";
import { table } from "./table.mjs";

const GOAL = 1.1;
const options = {
  networks: { type: "string", default: "squeezenet,mobilenet,resnet50" },
  seconds: { type: "string", default: "5" },
};
const { values, positionals } = parseArgs({ allowPositionals: true, options });

const rows = [];
for (const key of positionals.length > 0 ? positionals : values.networks.split(","))
  rows.push(await alone("growth-network.mjs", [key, values.seconds]));
const figure = ({ cannot, median, least }) => (cannot ? "–" : `${least.toFixed(2)}, ${median.toFixed(2)}`);
const judged = (of) => (of.cannot ? `cannot: ${of.cannot}` : of.least <= GOAL ? "met" : "not met");
console.log(`${Object.entries(machine({}))
  .map(([name, value]) => `${name}: ${value}`)
  .join("\n")}

Explained by epsilonPlus, in turn: ratios of the shortest times, and of medians. Goal: at most ${GOAL}

${table(
  ["network", "a pixel at twice the side, times one", "goal", "a picture in a batch of 32, times one", "goal"],
  rows.map(({ name, pixels, samples }) => [name, figure(pixels), judged(pixels), figure(samples), judged(samples)]),
)}`);
