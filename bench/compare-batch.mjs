/*
 * Eight pictures at once against one, in a process of its own (started by compare-network.mjs):
 *   compare-batch.mjs NETWORK SECONDS
 */
import { LrpError, load } from "../dist/node/index.js";
import { inputOf } from "./inputs.mjs";
import { graphOf } from "./layers.mjs";
import { alternate, differenceOf, report } from "./measure.mjs";
import { bytesOf, networkOf } from "./networks.mjs";

const network = networkOf(process.argv[2]);
const free = { graph: graphOf(bytesOf(network)) };
// Two models, because a new shape is planned anew.
const [one, eight] = [await load(free), await load(free)];
const picture = inputOf(network, one.inputs);
// The same picture: how much is to be done depends on what is seen.
const pictures = { data: new Float32Array(8 * picture.data.length), dims: [8, ...picture.dims.slice(1)] };
for (let i = 0; i < 8; i++) pictures.data.set(picture.data, i * picture.data.length);
try {
  const relevance = eight.explain(pictures).relevance.data.slice(0, picture.data.length);
  differenceOf(`${network.name}, the first of 8`, relevance, one.explain(picture).relevance.data, 1e-3);
  const times = await alternate(
    { one: () => one.explain(picture), eight: () => eight.explain(pictures) },
    Number(process.argv[3]),
  );
  report({ times });
} catch (error) {
  // A file may say in a Reshape that its batch is one.
  if (!(error instanceof LrpError)) throw error;
  report({ cannot: error.message });
}
