/*
 * Measures what the smoothing of pictures would do to relevanceGain, if what is drawn were what is measured. After
 * `npm run build`:
 *   node docs/studies/smoothing.mjs [FOLDER]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the models and photos. Prints a table: means over the photos of
 * relevanceGain of the map as it is and smoothed, and for how many photos the second is larger.
 */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { smoothed } from "../../build/js/picture/heatmap/smooth.js";
import { table } from "../../bench/table.mjs";
import { perturbation, relevanceGain } from "../../dist/evaluate/index.js";
import { decodeImage } from "../../dist/image.js";
import { load, preprocess } from "../../dist/index.js";
import { largeNetworks } from "./leaderboard/networks.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = process.argv[2] ?? process.env.RELPROP_DATA ?? path("../../../shared/data");
/** What heatmap smooths by, at 224 pixels. */
const DEVIATION = 2.5;
const STEPS = 8;
const REGIONS = [1, 4, 14];

const names = (await readdir(`${folder}/images`)).filter((name) => /\.(jpg|png)$/.test(name)).sort();

/** Relevance of the pixels, channels summed. */
function mapOf({ data, dims: [, channels, height, width] }) {
  const area = height * width;
  return Float64Array.from({ length: area }, (_, i) =>
    Array.from({ length: channels }, (_, c) => data[c * area + i]).reduce((a, b) => a + b),
  );
}

async function gainOf(model, input, map, region) {
  const [, , height, width] = input.dims;
  const relevance = { data: Float32Array.from(map), dims: [1, height, width] };
  const step = Math.ceil((Math.ceil(height / region) * Math.ceil(width / region)) / STEPS);
  const curve = (order) =>
    perturbation(model, input, relevance, { order, region, step, steps: STEPS, replacement: { kind: "mean" } });
  return relevanceGain(await curve("lerf"), await curve("morf"));
}

const mean = (values) => values.reduce((a, b) => a + b) / values.length;
const rows = [];
for (const { title, model: file, preset } of largeNetworks) {
  const model = await load(await readFile(`${folder}/models/${file}`));
  const gains = new Map(REGIONS.map((region) => [region, []]));
  for (const name of names) {
    const photo = decodeImage(new Uint8Array(await readFile(`${folder}/images/${name}`)), { name });
    const input = preprocess(photo, preset, model.inputs[0]);
    const map = mapOf(model.explain(input).relevance);
    const width = input.dims[3];
    const drawn = smoothed(map, width, (DEVIATION * width) / 224);
    for (const [region, list] of gains)
      list.push([await gainOf(model, input, map, region), await gainOf(model, input, drawn, region)]);
  }
  model.dispose();
  for (const [region, list] of gains) {
    const [raw, smooth] = [0, 1].map((k) => mean(list.map((pair) => pair[k])));
    const better = list.filter(([a, b]) => b > a).length;
    rows.push([title, `${region} x ${region}`, raw.toFixed(2), smooth.toFixed(2), `${better} of ${list.length}`]);
    console.error(rows.at(-1).join("  "));
  }
}
console.log(table(["network", "replaced at once", "as it is", "smoothed", "larger, smoothed"], rows));
