/* Pixel flipping on a small vision transformer for MNIST. */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { attribute, perturbation, relevanceGain } from "../../../dist/evaluate/index.js";
import { load } from "../../../dist/node/index.js";

const COUNT = 100;
/** What the network was trained with, and what a black pixel becomes. */
const [MEAN, DEVIATION] = [0.1307, 0.3081];
const BLACK = -MEAN / DEVIATION;
const SIDE = 28;
const STEPS = 28;
const REGIONS = [1, 4];

const methods = {
  attnLrp: { composite: "attnLrp" },
  cpLrp: { composite: "cpLrp" },
  attnLrpGamma: { composite: "attnLrpGamma" },
  epsilonPlus: { composite: "epsilonPlus" },
  epsilonPlusFlat: { composite: "epsilonPlusFlat" },
  "gradient × input": { method: "gradientTimesInput" },
  "integrated gradients": { method: "integratedGradients", steps: 32, baseline: BLACK },
  "attention rollout": { method: "attentionRollout" },
  "gradient × attention": { method: "gradientTimesAttention" },
};

/** @returns what was measured, and columns: what is measured, and the gains of each method, picture by picture */
export async function measure(folder) {
  const digits = gunzipSync(await readFile(`${folder}/datasets/mnist/t10k-images-idx3-ubyte.gz`)).subarray(16);
  const bytes = await readFile(`${folder}/models/vit_tiny_mnist/vit_tiny_mnist_opset17.onnx`);
  // One explains, the other predicts batches, so that neither is planned anew.
  const [explaining, predicting] = [await load(bytes), await load(bytes)];
  const columns = REGIONS.map((region) => ({
    name: region === 1 ? "single pixels" : `${region} × ${region} pixels`,
    gains: new Map(Object.keys(methods).map((name) => [name, []])),
  }));
  for (let i = 0; i < COUNT; i++) {
    const input = {
      dims: [1, 1, SIDE, SIDE],
      data: Float32Array.from(
        digits.subarray(SIDE * SIDE * i, SIDE * SIDE * (i + 1)),
        (v) => (v / 255 - MEAN) / DEVIATION,
      ),
    };
    for (const [name, { method, ...options }] of Object.entries(methods)) {
      const { relevance } = method
        ? await attribute(explaining, input, { method, ...options })
        : explaining.explain(input, options);
      for (const [at, region] of REGIONS.entries()) {
        const step = Math.ceil((SIDE / region) ** 2 / STEPS);
        const replacement = { kind: "value", value: BLACK };
        const curve = (order) =>
          perturbation(predicting, input, relevance, { order, region, step, steps: STEPS, replacement, batch: 32 });
        columns[at].gains.get(name).push(relevanceGain(await curve("lerf"), await curve("morf")));
      }
    }
  }
  return { of: `${COUNT} digits`, columns };
}
