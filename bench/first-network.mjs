/*
 * First calls of one network in a process that is warm (started by first.mjs):
 *   first-network.mjs NETWORK RUNS
 * Each run loads the network again. Reading its file is not counted.
 */
import { load } from "../dist/node/index.js";
import { inputOf } from "./inputs.mjs";
import { report } from "./measure.mjs";
import { bytesOf, networkOf } from "./networks.mjs";
import { onnxruntime } from "./peers/onnxruntime.mjs";

/** Milliseconds of a task, in time that passes. */
async function time(task) {
  const start = performance.now();
  await task();
  return performance.now() - start;
}

/** The shortest of a few. */
async function shortest(task, count = 5) {
  const times = [];
  for (let i = 0; i < count; i++) times.push(await time(task));
  return Math.min(...times);
}

// Another network makes the process warm, as those before it do for a user's second one.
const digits = networkOf("digits");
const warming = await load(bytesOf(digits));
const digit = inputOf(digits, warming.inputs);
for (let i = 0; i < 20; i++) warming.explain(digit);
await (await onnxruntime(bytesOf(digits))).predict(digit);

const network = networkOf(process.argv[2]);
const bytes = bytesOf(network);
const input = inputOf(network, (await load(bytes)).inputs);
const runs = [];
for (let i = 0; i < Number(process.argv[3]); i++) {
  let model;
  const first = await time(async () => {
    model = await load(bytes);
    model.explain(input);
  });
  const warm = await shortest(() => model.explain(input));
  const further = await time(() => model.explain(input, { composite: "epsilonAlpha2Beta1" }));
  const furtherWarm = await shortest(() => model.explain(input, { composite: "epsilonAlpha2Beta1" }));
  model.dispose();
  let peer;
  const ort = await time(async () => {
    peer = await onnxruntime(bytes);
    await peer.predict(input);
  });
  await peer.dispose();
  runs.push({ first, warm, further, furtherWarm, ort });
}
report({ name: network.name, runs });
