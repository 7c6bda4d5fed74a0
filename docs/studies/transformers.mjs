/*
 * Pixel flipping on a small vision transformer: which composite names the pixels that matter. After `npm run build`:
 *   node docs/studies/transformers.mjs [FOLDER]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the model and MNIST's test images. Prints a table: the mean over
 * the images of the symmetric relevance gain of the logit, and its interval of 95 %.
 */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { table } from "../../bench/table.mjs";
import { attribute, bootstrap, pairedDifference, perturbation, relevanceGain } from "../../dist/evaluate/index.js";
import { load } from "../../dist/index.js";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = process.argv[2] ?? process.env.RELPROP_DATA ?? path("../../../shared/data");
const COUNT = 100;
/** What the network was trained with, and what a black pixel becomes. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];
const BLACK = -MEAN / DEVIATION;
const SIDES = [1, 4];
const STEPS = 28;
const METHODS = {
  attnLrp: { composite: "attnLrp" },
  cpLrp: { composite: "cpLrp" },
  attnLrpGamma: { composite: "attnLrpGamma" },
  epsilonPlus: { composite: "epsilonPlus" },
  epsilonPlusFlat: { composite: "epsilonPlusFlat" },
  "gradient × input": { method: "gradientTimesInput" },
  "integrated gradients": { method: "integratedGradients", steps: 32, baseline: BLACK },
};

const digits = gunzipSync(await readFile(`${folder}/datasets/mnist/t10k-images-idx3-ubyte.gz`)).subarray(16);
const image = (i) => ({
  dims: [1, 1, 28, 28],
  data: Float32Array.from(digits.subarray(784 * i, 784 * (i + 1)), (v) => (v / 255 - MEAN) / DEVIATION),
});
const model = await load(await readFile(`${folder}/models/vit_tiny_mnist/vit_tiny_mnist_opset17.onnx`));

async function gainOf(input, relevance, region) {
  const step = Math.ceil((28 / region) ** 2 / STEPS);
  const curve = (order) =>
    perturbation(model, input, relevance, {
      order,
      region,
      step,
      steps: STEPS,
      replacement: { kind: "value", value: BLACK },
    });
  return relevanceGain(await curve("lerf"), await curve("morf"));
}

const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
const gains = new Map();
for (const [name, { method, ...options }] of Object.entries(METHODS))
  for (const side of SIDES) {
    const list = [];
    for (let i = 0; i < COUNT; i++) {
      const input = image(i);
      const { relevance } = method
        ? await attribute(model, input, { method, ...options })
        : model.explain(input, options);
      list.push(await gainOf(input, relevance, side));
    }
    gains.set(`${name} ${side}`, list);
  }

const best = (side) =>
  Object.keys(METHODS).reduce((a, b) =>
    gains.get(`${b} ${side}`).reduce((s, v) => s + v) > gains.get(`${a} ${side}`).reduce((s, v) => s + v) ? b : a,
  );
const rows = Object.keys(METHODS).map((name) => [
  name,
  ...SIDES.flatMap((side) => {
    const { value, low, high } = bootstrap(gains.get(`${name} ${side}`), mean);
    const behind =
      name === best(side) ? "" : pairedDifference(gains.get(`${best(side)} ${side}`), gains.get(`${name} ${side}`));
    return [
      `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
      behind && `${behind.value.toFixed(2)} (${behind.low.toFixed(2)} to ${behind.high.toFixed(2)})`,
    ];
  }),
]);
console.log(table(["method", ...SIDES.flatMap((side) => [`${side} x ${side}`, "behind the best"])], rows));
