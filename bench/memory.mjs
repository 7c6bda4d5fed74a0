/*
 * What memory goes where:
 *   npm run bench:memory -- [--networks alexnet,vgg16] [--composite epsilonPlus] [MODEL.onnx ...]
 */
import { parseArgs } from "node:util";
import { bytesOf as placeOf } from "../build/js/plan/place.js";
import { callsOf, valueOf } from "../build/js/program/step.js";
import { inputOf } from "./inputs.mjs";
import { graphOf } from "./layers.mjs";
import { alone } from "./measure.mjs";
import { bytesOf, chosen, networkOf } from "./networks.mjs";
import { explainPlan } from "./explain-plan.mjs";
import { table } from "./table.mjs";

const GOAL = 1.15;
const options = { networks: { type: "string" }, composite: { type: "string", default: "epsilonPlus" } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });

/** Bytes of the weights of a plan as kernels want them: equal ones are held once. */
function packed({ program: { steps } }) {
  const values = callsOf(steps)
    .flatMap(({ args }) => args.map(valueOf))
    .filter((value) => value?.weight);
  return [...new Map(values.map((value) => [value.weight, value])).values()].reduce(
    (sum, { count }) => sum + placeOf(count),
    0,
  );
}

const rows = [];
for (const key of chosen(values.networks, positionals)) {
  const network = networkOf(key);
  const bytes = bytesOf(network);
  const input = inputOf(network, graphOf(bytes).inputs);
  const plan = explainPlan(bytes, input, values.composite);
  const { arenaBytes: repacked } = explainPlan(bytes, input, values.composite, "repacked");
  const { peak } = await alone("memory-engine.mjs", [key, "relprop"]);
  rows.push({
    name: network.name,
    file: bytes.length,
    packed: packed(plan),
    arena: plan.arenaBytes,
    bound: plan.lowerBound,
    repacked,
    peak,
  });
}
const megabytes = (v) => (v / 2 ** 20).toFixed(2);
const about = `Explaining one picture by ${values.composite}, MB. Lower bound: the most that is alive at one step.`;
console.log(`${about} Process: the file, JavaScript and all (by epsilonPlus).

${table(
  [
    "network",
    "file",
    "weights packed",
    "arena",
    "lower bound",
    "arena : bound",
    `goal ≤ ${GOAL}`,
    "arena, weights repacked",
    "process, peak",
  ],
  rows.map(({ name, file, packed, arena, bound, repacked, peak }) => [
    name,
    ...[file, packed, arena, bound].map(megabytes),
    (arena / bound).toFixed(3),
    arena / bound <= GOAL ? "met" : "not met",
    megabytes(repacked),
    megabytes(peak),
  ]),
)}`);
