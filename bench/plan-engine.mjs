/*
 * One deep network from its bytes to explanations (started by plan.mjs):
 *   plan-engine.mjs NETWORK NODES
 */
import { load } from "../dist/node/index.js";
import { deepNetworks } from "./deep.mjs";
import { peakMemory, report } from "./measure.mjs";

const [, , network, nodes] = process.argv;
const bytes = deepNetworks[network].write(Number(nodes));
const took = {};
let model;
const time = async (step, run) => {
  const start = performance.now();
  await run();
  took[step] = performance.now() - start;
};
const input = { data: Float32Array.of(1, 2, -3, 4), dims: [1, 4] };
await time("load", async () => (model = await load(bytes)));
await time("predict", () => model.predict(input));
await time("explain", () => model.explain(input, { composite: "epsilon" }));
await time("further", () => model.explain(input, { composite: "gradient" }));
await time("warm", () => model.explain(input, { composite: "epsilon" }));
report({ ...took, peak: peakMemory() });
