/*
 * relprop against onnxruntime-web (wasm, one thread) on the same files, in one process, in turn:
 *   npm run bench [-- --seconds 5 --json FILE] [MODEL.onnx ...]
 * Outputs are compared before anything is timed. Ratios are of medians; above 1, relprop is faster.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { hasRelaxedSimd, load } from "../dist/index.js";
import { alternate, machine } from "./measure.mjs";
import { networks } from "./networks.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seconds: { type: "string", default: "5" }, json: { type: "string" } } });
const require = createRequire(import.meta.url);
const ort = require("onnxruntime-web");
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";

const version = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")).version;
const about = machine({ relprop: version("../package.json"), "onnxruntime-web": version("node_modules/onnxruntime-web/package.json"), simd: hasRelaxedSimd() ? "relaxed" : "plain" });
console.log(Object.entries(about).map(([key, value]) => `${key}: ${value}`).join("\n"));

/** An input between 0 and 1 that is the same in every run. */
function inputOf(model) {
  const dims = model.inputs[0].dims.map((d) => (typeof d === "number" ? d : 1));
  let state = 1;
  const data = new Float32Array(dims.reduce((a, b) => a * b)).map(() => (state = (state * 16807) % 2147483647) / 2147483647);
  return { data, dims };
}

function checkEqual(name, got, want) {
  const largest = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const off = got.reduce((most, v, i) => Math.max(most, Math.abs(v - want[i])), 0) / largest;
  if (!(off < 1e-3)) throw new Error(`${name}: outputs differ by ${off} of the largest`);
  return off;
}

const rows = [];
for (const { name, bytes } of networks(positionals)) {
  const model = await load(bytes);
  const session = await ort.InferenceSession.create(bytes);
  const input = inputOf(model);
  const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", input.data, input.dims) };
  const reference = (await session.run(feeds))[session.outputNames[0]].data;
  const difference = checkEqual(name, model.predict(input).output.data, reference);
  const times = await alternate(
    {
      predict: () => model.predict(input),
      peer: () => session.run(feeds),
      epsilonPlus: () => model.explain(input, { composite: "epsilonPlus" }),
      epsilonAlpha2Beta1: () => model.explain(input, { composite: "epsilonAlpha2Beta1" }),
      epsilon: () => model.explain(input, { composite: "epsilon" }),
    },
    Number(values.seconds),
  );
  rows.push({ name, difference, times });
  model.dispose();
  await session.release();
}

const ms = ({ median, low, high }) => `${median.toFixed(1)} (${low.toFixed(1)}–${high.toFixed(1)})`;
const ratio = (a, b) => (a.median / b.median).toFixed(2);
console.log(`
| network | onnxruntime-web predict, ms | relprop predict, ms | times as fast | explain epsilonPlus, ms | against peer's predict | epsilonAlpha2Beta1, ms | epsilon, ms |
|---|---|---|---|---|---|---|---|`);
for (const { name, times: t } of rows) {
  console.log(`| ${[name, ms(t.peer), ms(t.predict), ratio(t.peer, t.predict), ms(t.epsilonPlus), ratio(t.peer, t.epsilonPlus), ms(t.epsilonAlpha2Beta1), ms(t.epsilon)].join(" | ")} |`);
}
console.log("\nmedian (quartiles) of each; the engines' outputs agree to", Math.max(...rows.map((r) => r.difference)).toExponential(1), "of the largest");
if (values.json) writeFileSync(values.json, `${JSON.stringify({ about, rows }, undefined, 2)}\n`);
