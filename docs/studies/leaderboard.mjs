/*
 * The leaderboard: composites and other methods compared, on networks for CIFAR-10, MNIST and ImageNet. Writes the
 * tables of docs/leaderboard.md and its plots; after `npm run build`:
 *   node docs/studies/leaderboard.mjs [FOLDER]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the models, data sets and photos. What is measured is kept, image
 * by image, in studies/leaderboard, which no build removes: started again, it goes on.
 */
import { fileURLToPath } from "node:url";
import { boundsOf, writeInputs } from "./data.mjs";
import { evaluate } from "./evaluate.mjs";
import { methodsOf } from "./leaderboard/methods.mjs";
import { largeNetworks, smallNetworks } from "./leaderboard/networks.mjs";
import { writePage } from "./leaderboard/page.mjs";
import { largeRuns, smallRuns } from "./leaderboard/runs.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = process.argv[2] ?? process.env.RELPROP_DATA ?? path("../../../shared/data");
const out = path("../../studies/leaderboard");

/** Every run of a network. @returns results by the name of the run */
async function measured(network, data, runs) {
  const methods = methodsOf(network);
  const found = {};
  for (const { name, optionsOf } of runs) {
    const options = { methods: [...methods.values()].join(","), pictures: 0, ...optionsOf(network) };
    found[name] = await evaluate(`${folder}/models/${network.model}`, data, `${out}/${network.name}-${name}`, options);
  }
  return { ...network, methods: [...methods.keys()], runs: found };
}

const small = [];
for (const network of await smallNetworks(folder)) {
  const data = `${out}/${network.name}.npy`;
  const count = Math.max(...smallRuns.map(({ images }) => images));
  await writeInputs({ ...network, folder, count, path: data });
  small.push(
    await measured(
      { ...network, ...boundsOf(network.value, network.dims), side: network.dims[1], window: 6 },
      data,
      smallRuns,
    ),
  );
}
const large = [];
for (const network of largeNetworks)
  large.push(await measured({ ...network, side: 224, window: 56 }, `${folder}/images`, largeRuns));
await writePage(small, large, [
  [folder, "FOLDER"],
  [out, "studies/leaderboard"],
]);
