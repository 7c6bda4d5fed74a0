/*
 * What a process needs that reads a network and runs it once with one engine (started by others):
 *   memory-engine.mjs NETWORK relprop|onnxruntime|tfjs
 * relprop explains by epsilonPlus; the others only predict.
 */
import { load } from "../dist/node/index.js";
import { inputOf } from "./inputs.mjs";
import { graphOf } from "./layers.mjs";
import { peakMemory, report } from "./measure.mjs";
import { bytesOf, networkOf } from "./networks.mjs";
import { onnxruntime } from "./peers/onnxruntime.mjs";
import { tfjs } from "./peers/tfjs.mjs";

const network = networkOf(process.argv[2]);
const engine = process.argv[3];
const bytes = bytesOf(network);
if (engine === "relprop") {
  const model = await load(bytes);
  model.explain(inputOf(network, model.inputs));
} else {
  const input = inputOf(network, graphOf(bytes).inputs);
  const peer = await (engine === "tfjs" ? tfjs(bytes, input) : onnxruntime(bytes));
  await peer.predict(input);
}
report({ peak: peakMemory() });
