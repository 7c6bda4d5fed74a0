/*
 * The paper's Table 1 and Figure 2 on real networks: makes docs/lrn-study.md and its plots; after `npm run build`:
 *   node docs/studies/lrn.mjs [IMAGES]
 * With IMAGES, so many instead of 500, and the page goes beside its results: a trial. Models and data are in
 * RELPROP_DATA, or ../shared/data.
 * Ended in the middle and started again, it goes on: everything in studies/ (which no build removes) is written whole,
 * or not at all.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { decodeImage } from "../../dist/image.js";
import { readNpy } from "../../build/js/read/npy.js";
import { preprocess } from "../../dist/index.js";
import { analysed } from "./lrn/analysis.mjs";
import { networkFile, once, prepareData } from "./lrn/data.mjs";
import { CIFAR, FACTORS, GOOGLENET } from "./lrn/networks.mjs";
import { pageOf } from "./lrn/page.mjs";
import { run, runsOf } from "./lrn/runs.mjs";
import { firstOf, strengthOf } from "./lrn/strength.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const trial = process.argv[2] === undefined ? undefined : Number(process.argv[2]);
const counts =
  trial === undefined
    ? { images: 500, others: 300, strengths: 50 }
    : { images: trial, others: trial, strengths: trial };
const source = process.env.RELPROP_DATA ?? here("../../../shared/data");
const folder = here(`../../studies/lrn${trial ?? ""}`);

const ranges = await prepareData(source, folder);

const results = {};
const runs = runsOf(ranges, counts);
for (const row of runs) {
  console.log(`${row.id}, ${Object.keys(results).length + 1} of ${runs.length}`);
  results[row.id] = await run(row, folder);
}

/** Of a network on these inputs, kept in a file. */
async function strength(name, network, file, inputs) {
  const path = `${folder}/strength-${name}.json`;
  await once(path, async () => JSON.stringify(await strengthOf(network, `${folder}/${file}`, inputs())));
  return JSON.parse(await readFile(path, "utf8"));
}

const strengths = {};
for (const [key, network] of Object.entries(CIFAR)) {
  const all = readNpy(await readFile(`${folder}/${key}-unseen.npy`), key);
  for (const factor of FACTORS)
    strengths[`${key} ${factor}`] = await strength(`${key}-${factor}`, network, networkFile(key, factor), () =>
      firstOf(all, counts.strengths),
    );
}

const photos = await Promise.all(
  results.googlenet.images.map(async ({ name }) =>
    decodeImage(new Uint8Array(await readFile(`${folder}/photos/${name}`)), { name }),
  ),
);
strengths.googlenet = await strength("googlenet", GOOGLENET, "googlenet.onnx", () =>
  photos.map((photo) => preprocess(photo, "caffe", [1, 3, 224, 224])),
);

const target = trial === undefined ? here("..") : folder;
await mkdir(`${target}/studies`, { recursive: true });
for (const [name, text] of pageOf(analysed(results, strengths), strengths, ranges))
  await writeFile(`${target}/${name}`, text);
console.log(`${target}/lrn-study.md`);
