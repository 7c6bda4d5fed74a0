import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { load, type Tensor } from "../../src/index.ts";
import { dataFile, dataFloats, hasData, photo, photos, relativeError } from "../data.ts";

/** onnxruntime-web lives in test/peers, so that the project's own install stays small. */
const manifest = new URL("../peers/package.json", import.meta.url);
const installed = existsSync(new URL("../peers/node_modules/onnxruntime-web/package.json", import.meta.url));
if (!installed) {
  if (process.env.CI) throw new Error("onnxruntime-web is required in CI: npm ci --prefix test/peers");
  console.log("skipped: comparison with onnxruntime-web, which needs npm ci --prefix test/peers");
}

interface Ort {
  env: { wasm: { numThreads: number }; logLevel: string };
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
  InferenceSession: {
    create(bytes: Uint8Array): Promise<{
      inputNames: string[];
      outputNames: string[];
      run(feeds: Record<string, unknown>): Promise<Record<string, { data: Float32Array }>>;
      release(): Promise<void>;
    }>;
  };
}

function ort(): Ort {
  const loaded = createRequire(manifest)("onnxruntime-web") as Ort;
  loaded.env.wasm.numThreads = 1;
  loaded.env.logLevel = "error";
  return loaded;
}

/**
 * Probabilities as what the softmax was given, up to a constant: a softmax turns a difference in the last digits of a large logit
 * into a larger share of a probability, which says nothing about either engine.
 */
function logits(probabilities: Float32Array): Float32Array {
  return probabilities.map((p) => Math.log(Math.max(p, 1e-30)));
}

/** The same file and the same inputs in both; the largest difference as a share of the largest output. */
async function compare(
  path: string,
  inputs: readonly Tensor[],
  winograd: boolean,
  see = (output: Float32Array) => output,
): Promise<{ error: number; sameTop: boolean }[]> {
  const { InferenceSession, Tensor: OrtTensor } = ort();
  const bytes = dataFile(path);
  const [model, session] = [await load(bytes, { winograd }), await InferenceSession.create(bytes)];
  const results = [];
  for (const { data, dims } of inputs) {
    const { output } = model.predict({ data, dims });
    const reference = (await session.run({ [session.inputNames[0]]: new OrtTensor("float32", data, dims) }))[session.outputNames[0]].data;
    const top = (scores: Float32Array) => scores.indexOf(Math.max(...scores));
    results.push({ error: relativeError(see(output.data), see(reference)), sameTop: top(output.data) === top(reference) });
  }
  model.dispose();
  await session.release();
  return results;
}

/** Numbers between −2 and 2 that are the same in every run. */
function noise(dims: readonly number[]): Tensor {
  let state = 7;
  const count = dims.reduce((a, b) => a * b);
  return { dims, data: Float32Array.from({ length: count }, () => ((state = (state * 16807) % 2147483647) / 2147483647 - 0.5) * 4) };
}

describe.runIf(hasData && installed)("agreement with onnxruntime-web", () => {
  const imagenet = [
    { path: "models/bvlc_googlenet/bvlc_googlenet.onnx", preset: "caffe", size: 224 },
    { path: "models/squeezenet_v1.1/squeezenet_v1.1.onnx", preset: "caffe", size: 227 },
    { path: "models/mobilenet_v1_025_224/mobilenet_v1_025_224.onnx", preset: "mobilenet", size: 224 },
  ] as const;
  const precisions = [
    { winograd: false, tolerance: 1e-5 },
    { winograd: true, tolerance: 1e-4 },
  ];
  it.each(imagenet.flatMap((row) => precisions.map((p) => ({ ...row, ...p }))))(
    "$path on nine photos, winograd $winograd",
    async ({ path, preset, size, winograd, tolerance }) => {
      const inputs = photos.map((name) => photo(name, preset, [1, 3, size, size]));
      for (const { error, sameTop } of await compare(path, inputs, winograd, logits)) {
        expect(sameTop).toBe(true);
        expect(error).toBeLessThan(tolerance);
      }
    },
  );

  const small = [
    { path: "models/lenet_mnist_caffe/lenet.onnx", dims: [1, 1, 28, 28] },
    { path: "models/mnist_onnx/wonnx_opt-mnist.onnx", dims: [1, 1, 28, 28] },
    { path: "models/mnist_onnx/burn_mnist.onnx", dims: [1, 1, 28, 28] },
    { path: "models/resnet8_cifar10/resnet8_cifar10.onnx", dims: [1, 3, 32, 32] },
    { path: "models/cifar10_full_caffe/cifar10_full.v1.onnx", dims: [1, 3, 32, 32] },
    { path: "models/alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx", dims: [3, 3, 32, 32] },
    { path: "models/pytorch_lrn_export/alexnet_lrn_cifar10.torch_export.onnx", dims: [2, 3, 32, 32] },
    { path: "models/pytorch_lrn_export/conv_lrn4_even_opset13_dynamic_batch.onnx", dims: [3, 3, 9, 9] },
    { path: "models/pytorch_lrn_export/conv_lrn5_opset13.onnx", dims: [1, 3, 9, 9] },
  ];
  it.each(small)("$path on noise", async ({ path, dims }) => {
    const [{ error }] = await compare(path, [noise(dims)], false);
    expect(error).toBeLessThan(1e-5);
  });
});

describe.runIf(hasData)("the authors' own logits", () => {
  it.each(["alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx", "pytorch_lrn_export/alexnet_lrn_cifar10.torch_export.onnx"])(
    "%s",
    async (path) => {
      const model = await load(dataFile(`models/${path}`));
      const { output } = model.predict({ data: dataFloats("models/alexnet_lrn_cifar10/ref_input_20x3x32x32.f32"), dims: [20, 3, 32, 32] });
      expect(relativeError(output.data, dataFloats("models/alexnet_lrn_cifar10/ref_logits_20x10.f32"))).toBeLessThan(1e-6);
      model.dispose();
    },
  );
});
