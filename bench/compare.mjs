/*
 * relprop beside other engines on the same files, in turn, one thread each:
 *   npm run bench -- [--networks alexnet,vgg16] [--seconds 5] [--write] [MODEL.onnx ...]
 * Outputs are compared before anything is timed. Ratios are of medians; above 1, relprop is faster.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { hasRelaxedSimd } from "../dist/index.js";
import { alpha, batchRatio, explained, geometricMean, judged, ratioOf, twoTargets } from "./goals.mjs";
import { alone, machine } from "./measure.mjs";
import { chosen } from "./networks.mjs";
import { zennitMissing } from "./peers/zennit.mjs";
import { table } from "./table.mjs";

const options = {
  networks: { type: "string" },
  seconds: { type: "string", default: "5" },
  write: { type: "boolean", default: false },
};
const { values, positionals } = parseArgs({ allowPositionals: true, options });

const rows = [];
const failed = [];
for (const key of chosen(values.networks, positionals)) {
  console.error(`${key} …`);
  await alone("compare-network.mjs", [key, values.seconds]).then(
    (row) => rows.push(row),
    (error) => failed.push(error.message),
  );
}

const installed = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version;
const about = machine({
  relprop: `${installed("../package.json")}, ${hasRelaxedSimd() ? "relaxed" : "plain"} SIMD`,
  "onnxruntime-web": installed("node_modules/onnxruntime-web/package.json"),
  tfjs: installed("node_modules/@tensorflow/tfjs-backend-wasm/package.json"),
  ...(zennitMissing()
    ? { zennit: `not run (${zennitMissing()})` }
    : rows.find(({ versions }) => versions.zennit)?.versions),
});

const round = (v, digits) => (v === undefined ? "–" : v.toFixed(digits));
const ms = (v) => (v < 100 ? v.toPrecision(3) : v.toFixed(0));
const time = (t) => (t ? `${ms(t.median)} (${ms(t.low)}–${ms(t.high)})` : "–");
const timeOrWhy = ({ times, cannot }, name, peer) => (cannot[peer] ? `cannot run: ${cannot[peer]}` : time(times[name]));
const ratios = [
  ["predict, against onnxruntime-web", (row) => ratioOf(row, "onnxruntime", "predict")],
  ["predict, against tfjs", (row) => ratioOf(row, "tfjs", "predict")],
  ["epsilonPlus, against onnxruntime-web's predict", (row) => ratioOf(row, "onnxruntime", "epsilonPlus")],
  ["epsilonPlus, against zennit", (row) => ratioOf(row, "zennit epsilonPlus", "epsilonPlus")],
  ["epsilonAlpha2Beta1, against zennit", (row) => ratioOf(row, "zennit epsilonAlpha2Beta1", "epsilonAlpha2Beta1")],
];
const mean = (of) => {
  const known = rows.map(of).filter((v) => v !== undefined);
  return known.length > 0 ? geometricMean(known) : undefined;
};
const rate = ({ gflop, times }, name) => round(times[name] && (1000 * gflop) / times[name].median, 1);
const megabytes = ({ memory }, name) => round(memory[name] && memory[name] / 2 ** 20, 0);
/** Medians are what a user waits; the shortest of all is what the machine can do when nobody disturbs it. */
const shortest = (row, name) => round(row.times[name]?.least, 2);
const largest = ({ differences }) => Math.max(...Object.values(differences)).toExponential(0);

/** What was not measured, and why. */
const left = ["batch of 8", "epsilonPlus", "epsilonAlpha2Beta1", "epsilon", "attnLrp"].flatMap((what) =>
  rows.filter(({ cannot }) => cannot[what]).map(({ name, cannot }) => `\n${name}, ${what}: ${cannot[what]}\n`),
);

const text = `# relprop beside other engines

${Object.entries(about)
  .map(([name, value]) => `- ${name}: ${value}`)
  .join("\n")}

One thread each, in turn, in one run. Weights: ${rows.map(({ name, weights }) => `${name} ${weights}`).join(", ")}.
${failed.map((why) => `\nFailed: ${why}\n`).join("")}
## Milliseconds: median (quartiles)

${table(
  [
    "network",
    "onnxruntime-web predict",
    "tfjs predict",
    "zennit EpsilonPlus",
    "zennit EpsilonAlpha2Beta1",
    "relprop predict",
    "epsilonPlus",
    "epsilonAlpha2Beta1",
    "epsilon",
    "outputs agree to",
  ],
  rows.map((row) => [
    row.name,
    time(row.times.onnxruntime),
    timeOrWhy(row, "tfjs", "tfjs"),
    timeOrWhy(row, "zennit epsilonPlus", "zennit"),
    timeOrWhy(row, "zennit epsilonAlpha2Beta1", "zennit"),
    ...["predict", "epsilonPlus", "epsilonAlpha2Beta1", "epsilon"].map((name) => time(row.times[name])),
    largest(row),
  ]),
)}

## Milliseconds: the shortest of all

${table(
  ["network", "onnxruntime-web predict", "tfjs predict", "relprop predict", "epsilonPlus", "epsilonAlpha2Beta1"],
  rows.map((row) => [
    row.name,
    ...["onnxruntime", "tfjs", "predict", "epsilonPlus", "epsilonAlpha2Beta1"].map((name) => shortest(row, name)),
  ]),
)}

## Ratios of medians: above 1, relprop is faster

${table(
  [
    "network",
    ...ratios.map(([name]) => name),
    "epsilonAlpha2Beta1, times epsilonPlus",
    "explain, times predict",
    "two targets, times one",
    "batch of 8, times one",
  ],
  [
    ...rows.map((row) => [
      row.name,
      ...ratios.map(([, of]) => round(of(row), 2)),
      round(alpha(row), 2),
      round(explained(row), 2),
      round(twoTargets(row), 2),
      round(batchRatio(row), 2),
    ]),
    [
      "geometric mean",
      ...ratios.map(([, of]) => round(mean(of), 2)),
      round(mean(alpha), 2),
      round(mean(explained), 2),
      round(mean(twoTargets), 2),
      round(mean(batchRatio), 2),
    ],
  ],
)}
${left.join("")}
## Rate of predict and peak memory

Memory is the most that a fresh process held that read the file and ran it once (relprop and zennit: explained it once).

${table(
  [
    "network",
    "GFLOP",
    "relprop, GFLOP/s",
    "onnxruntime-web",
    "tfjs",
    "relprop, MB",
    "onnxruntime-web",
    "tfjs",
    "zennit",
  ],
  rows.map((row) => [
    row.name,
    row.gflop.toPrecision(3),
    ...["predict", "onnxruntime", "tfjs"].map((name) => rate(row, name)),
    ...["relprop", "onnxruntime", "tfjs", "zennit"].map((name) => megabytes(row, name)),
  ]),
)}

## Goals

${table(
  ["goal", "bound", "measured", "met"],
  judged(rows).map(({ what, bound, most, value, at, met }) => [
    what,
    `${most ? "≤" : "≥"} ${round(bound, 2)}`,
    at && value !== undefined ? `${round(value, 2)} (${at})` : round(value, 2),
    met === undefined ? "not measured" : met ? "yes" : "no",
  ]),
)}
`;
console.log(text);
if (values.write) {
  const reasons = readFileSync(new URL("reasons.md", import.meta.url), "utf8");
  writeFileSync(new URL("RESULTS.md", import.meta.url), `${text}\n${reasons}`);
  writeFileSync(
    new URL("results.json", import.meta.url),
    `${JSON.stringify({ about, rows, goals: judged(rows) }, undefined, 2)}\n`,
  );
}
if (failed.length > 0) process.exitCode = 1;
