/*
 * Measures how many images one core explains in a second, for docs/guides/scale.md. After
 * `npm run build`:
 *   node docs/studies/rate.mjs [--seconds N] [FOLDER]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the models and photos. Prints tables. Time is that of the
 * processor, so that other programs change little.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { table } from "../../bench/table.mjs";
import { decodeImage } from "../../dist/image.js";
import { load, preprocess } from "../../dist/index.js";
import { largeNetworks } from "./leaderboard/networks.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "5" } },
});
const folder = positionals[0] ?? process.env.RELPROP_DATA ?? path("../../../shared/data");

const networks = [
  {
    title: "the demo's digits",
    file: path("../../demo/digits.onnx"),
    photo: path("../../demo/three.png"),
    preset: "unit",
  },
  ...largeNetworks.map(({ title, model, preset }) => {
    return { title, file: `${folder}/models/${model}`, photo: `${folder}/images/cat.jpg`, preset };
  }),
];

/** What is done with one image. */
const composites = ["epsilonPlusFlat", "epsilonAlpha2Beta1", "epsilonGammaBox:low=-1:high=1", "gradient"];
const explained = (text) => {
  const [composite, ...fields] = text.split(":");
  const options = Object.fromEntries(fields.map((field) => field.split("=")).map(([key, v]) => [key, Number(v)]));
  return (model, input) => model.explain(input, { composite, ...options });
};
const works = [
  { name: "predict", run: (model, input) => model.predict(input) },
  ...composites.map((text) => ({ name: text.split(":")[0], run: explained(text) })),
];

/** Seconds of the processor that each takes, once it has been done. */
async function secondsOf(run) {
  await run();
  const start = process.cpuUsage();
  const seconds = () => Object.values(process.cpuUsage(start)).reduce((a, b) => a + b) / 1e6;
  let count = 0;
  do {
    await run();
    count++;
  } while (seconds() < Number(values.seconds));
  return seconds() / count;
}

/** The curves of relevanceGain are two, of so many points. */
const POINTS = 101;
const number = (v) => (v >= 100 ? v.toFixed(0) : v.toPrecision(2));
const [rates, hours] = [[], []];
for (const { title, file, photo, preset } of networks) {
  const model = await load(await readFile(file));
  const input = preprocess(decodeImage(await readFile(photo)), preset, model.inputs[0]);
  const each = [];
  for (const { run } of works) each.push(await secondsOf(() => run(model, input)));
  model.dispose();
  const [predicting, explaining] = each;
  rates.push([title, ...each.map((s) => number(1 / s))]);
  const million = [...each, explaining + 2 * POINTS * predicting].map((s) => number((s * 1e6) / 3600));
  hours.push([title, ...million]);
}
const names = works.map(({ name }) => name);
console.log(`${table(["images a second and core", ...names], rates)}\n`);
console.log(table(["core hours of a million images", ...names, "relevanceGain"], hours));
