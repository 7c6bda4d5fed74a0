/*
 * One network at two sizes of its picture and with two sizes of the batch, in a process of its own (started by
 * growth.mjs):
 *   growth-network.mjs NETWORK SECONDS
 */
import { LrpError, load } from "../dist/node/index.js";
import { inputOf } from "./inputs.mjs";
import { graphOf } from "./layers.mjs";
import { alternate, report } from "./measure.mjs";
import { bytesOf, networkOf } from "./networks.mjs";

const [key, seconds] = [process.argv[2], Number(process.argv[3])];
const network = networkOf(key);
const graph = graphOf(bytesOf(network));
const [port] = graph.inputs;
const [, c, h, w] = port.dims;
const free = { graph: { ...graph, inputs: [{ ...port, dims: ["n", c, "h", "w"] }] } };

/** The picture of one sample at so many times the side, repeated. */
function pictures(count, side) {
  const { data, dims } = inputOf(network, [{ dims: [1, c, side * h, side * w] }]);
  const all = new Float32Array(count * data.length);
  for (let i = 0; i < count; i++) all.set(data, i * data.length);
  return { data: all, dims: [count, ...dims.slice(1)] };
}

/** What an explanation takes of the larger input, as a share of what the smaller one takes as often. */
async function growth(count, side) {
  try {
    const tasks = {};
    for (const [name, input] of Object.entries({ small: pictures(1, 1), large: pictures(count, side) })) {
      const model = await load(free);
      tasks[name] = () => model.explain(input);
      tasks[name]();
    }
    const { small, large } = await alternate(tasks, seconds);
    const times = count * side ** 2;
    return { median: large.median / times / small.median, least: large.least / times / small.least };
  } catch (error) {
    // A file may fix its sizes in a Reshape, or in a dense layer.
    if (!(error instanceof LrpError)) throw error;
    return { cannot: error.message };
  }
}
report({ name: network.name, pixels: await growth(1, 2), samples: await growth(32, 1) });
