/*
 * One network, in a process of its own (started by compare.mjs): every engine's outputs are compared, then all are
 * timed in turn.
 *   compare-network.mjs NETWORK SECONDS
 */
import { LrpError, load } from "../dist/node/index.js";
import { inputOf } from "./inputs.mjs";
import { CannotRun, flopsOf } from "./layers.mjs";
import { alone, alternate, differenceOf, report } from "./measure.mjs";
import { bytesOf, networkOf } from "./networks.mjs";
import { onnxruntime } from "./peers/onnxruntime.mjs";
import { tfjs } from "./peers/tfjs.mjs";
import { zennit, zennitMissing } from "./peers/zennit.mjs";

const [key, seconds] = [process.argv[2], Number(process.argv[3])];
const network = networkOf(key);
const bytes = bytesOf(network);
const model = await load(bytes);
const input = inputOf(network, model.inputs);
const differences = {};
const cannot = {};

/** An engine that computes something else is not timed. */
function compare(what, got, want, allowed) {
  differences[what] = differenceOf(`${network.name}, ${what}`, got, want, allowed);
}

/** The peer, unless it lacks something that the network needs. */
async function peer(name, start) {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    cannot[name] = error.message;
    return undefined;
  }
}

const composites = ["epsilonPlus", "epsilonAlpha2Beta1", "epsilon", ...(network.words ? ["attnLrp"] : [])];
const explain = (composite) => () => model.explain(input, { composite });
const tasks = {
  predict: () => model.predict(input),
  ...Object.fromEntries(composites.map((name) => [name, explain(name)])),
};
const predicted = model.predict(input);
const name = Object.keys(predicted.outputs).find((key) => predicted.outputs[key].data === predicted.output.data);
const output = predicted.output.data;
for (const composite of composites) {
  try {
    tasks[composite]();
  } catch (error) {
    if (!(error instanceof LrpError)) throw error;
    cannot[composite] = error.message;
    delete tasks[composite];
  }
}
const second = output.indexOf(output.toSorted((a, b) => b - a)[1]);
if (tasks.epsilonPlus && predicted.output.dims.length === 2 && output.length > 1)
  tasks.twoTargets = () => model.explainEach(input, ["argmax", second]);

const ort = await onnxruntime(bytes);
compare("onnxruntime-web", await ort.predict(input, name), output, 1e-3);
tasks.onnxruntime = () => ort.predict(input);

const tf = await peer("tfjs", () => tfjs(bytes, input));
if (tf) {
  compare("tfjs", tf.predict(input), output, 1e-3);
  tasks.tfjs = () => tf.predict(input);
}

const missing = zennitMissing();
const native = missing ? undefined : await peer("zennit", () => zennit(bytes, input));
const memory = {};
if (native) {
  for (const composite of composites.slice(0, 2)) {
    // zennit has no rule for LRN and passes the gradient.
    const own = model.explain(input, { composite, lrn: "gradient" });
    const target = own.targets[0][0].index;
    const { relevance, peak } = await native.explain(composite, target, true);
    // Where two candidates of a max pool are nearly equal, Winograd's rounding may let the other one win; with
    // `winograd: false` they agree to 1e-5.
    compare(`zennit ${composite}`, relevance, own.relevance.data, 1e-2);
    memory.zennit = peak;
    tasks[`zennit ${composite}`] = async () => (await native.explain(composite, target)).ms;
  }
}

const times = await alternate(tasks, seconds);
native?.dispose();
model.dispose();

const isPicture = tasks.twoTargets && input.data instanceof Float32Array;
const batch = isPicture ? await alone("compare-batch.mjs", [key, String(seconds / 2)]) : {};
if (batch.cannot) cannot["batch of 8"] = batch.cannot;

for (const engine of ["relprop", "onnxruntime", ...(tf ? ["tfjs"] : [])])
  memory[engine] = (await alone("memory-engine.mjs", [key, engine])).peak;
const versions = native?.versions ?? {};
report({
  key: network.weights === "own" ? network.name : key,
  name: network.name,
  weights: network.weights,
  gflop: flopsOf(bytes, input) / 1e9,
  differences,
  cannot,
  times,
  batch: batch.times ?? {},
  memory,
  versions,
});
