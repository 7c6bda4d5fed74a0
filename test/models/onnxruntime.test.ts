import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { load, relu, sequential, type Tensor } from "../../src/entries/index.ts";
import { dataFile, dataFloats, hasData, photo, photos, relativeError } from "../data.ts";
import { dataRoot } from "../data-root.ts";
import { installed, ort } from "../ort.ts";

/** Every ONNX file of the data folder. */
const files = !hasData
  ? []
  : ["models", "onnx_backend_tests/light"]
      .flatMap((folder) =>
        readdirSync(join(dataRoot, folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
      )
      .filter((file) => file.endsWith(".onnx"))
      .sort();

/** The networks for photos, which end with a softmax. */
const photographed = [
  { folder: "models/bvlc_googlenet/", preset: "caffe", size: 224 },
  { folder: "models/squeezenet_v1.1/", preset: "caffe", size: 227 },
  { folder: "models/mobilenet_v1_025_224/", preset: "mobilenet", size: 224 },
] as const;

/**
 * Probabilities as what the softmax was given, up to a constant: a softmax turns a difference in the last digits of a
 * large logit into a larger share of a probability. MobileNet's probabilities are right to about 1e-5 of the largest in
 * either engine.
 */
function logits(probabilities: Float32Array): Float32Array {
  return probabilities.map((p) => Math.log(Math.max(p, 1e-30)));
}

function filled(dims: readonly number[], value: (i: number, count: number) => number): Tensor {
  const count = dims.reduce((a, b) => a * b);
  return { dims, data: Float32Array.from({ length: count }, (_, i) => value(i, count)) };
}

/** Numbers between −2 and 2 that are the same in every run. */
function noise(dims: readonly number[]): Tensor {
  let state = 7;
  return filled(dims, () => ((state = (state * 16807) % 2147483647) / 2147483647 - 0.5) * 4);
}

/** Photos, what the backend tests mean, or noise: three samples where their number is free. */
async function inputsOf(path: string): Promise<readonly Tensor[]> {
  const photographs = photographed.find(({ folder }) => path.startsWith(folder));
  if (photographs)
    return photos
      .slice(0, 4)
      .map((name) => photo(name, photographs.preset, [1, 3, photographs.size, photographs.size]));
  using model = await load(dataFile(path));
  const dims = model.inputs[0].dims.map((d) => (typeof d === "number" ? d : 3));
  return [path.startsWith("models/") ? noise(dims) : filled(dims, (i, count) => i / count)];
}

async function references(path: string, inputs: readonly Tensor[]): Promise<readonly Float32Array[]> {
  const { InferenceSession, Tensor: OrtTensor } = ort();
  const session = await InferenceSession.create(dataFile(path));
  const [name, outputs] = [session.inputNames[0], [] as Float32Array[]];
  for (const { data, dims } of inputs)
    outputs.push(
      (await session.run({ [name]: new OrtTensor("float32", data as Float32Array, dims) }))[session.outputNames[0]]
        .data as Float32Array,
    );
  await session.release();
  return outputs;
}

describe.runIf(hasData && installed)("agreement with onnxruntime-web", () => {
  const ways = [
    { relaxed: "never", winograd: false, tolerance: 1e-5 },
    { relaxed: "auto", winograd: true, tolerance: 1e-4 },
  ] as const;
  const top = (scores: Float32Array) => scores.indexOf(Math.max(...scores));
  const lines: string[] = [];
  afterAll(() =>
    console.log(["largest difference from onnxruntime-web, as a share of the largest output:", ...lines].join("\n")),
  );

  it.each(files)("%s", async (path) => {
    const inputs = await inputsOf(path);
    const wanted = await references(path, inputs);
    const isPhotographed = photographed.some(({ folder }) => path.startsWith(folder));
    const see = isPhotographed ? logits : (output: Float32Array) => output;
    for (const { relaxed, winograd, tolerance } of ways) {
      using model = await load(dataFile(path), { winograd, relaxed });
      const got = inputs.map((input) => model.predict(input).output.data as Float32Array);
      const [seen, plain] = [see, Array.from].map((as) =>
        Math.max(...got.map((g, i) => relativeError(as(g), as(wanted[i])))),
      );
      lines.push(
        `  ${path} (relaxed: ${relaxed}, winograd: ${winograd}): ` +
          `${seen.toExponential(1)}${isPhotographed ? `; as probabilities ${plain.toExponential(1)}` : ""}`,
      );
      expect(seen, lines.at(-1)).toBeLessThan(tolerance);
      if (isPhotographed) expect(got.map(top)).toEqual(wanted.map(top));
    }
  });
});

it.runIf(installed)("its tensors are inputs as they are", async () => {
  const x = new (ort().Tensor)("float32", Float32Array.of(3, -4), [1, 2]);
  using model = await load(sequential({ input: [2] }, [relu()]));
  expect(model.predict(x).output).toEqual({ data: Float32Array.of(3, 0), dims: [1, 2] });
  expect(model.explain(x).relevance.data).toEqual(Float32Array.of(3, 0));
});

describe.runIf(hasData)("the authors' own logits", () => {
  it.each(["alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx", "pytorch_lrn_export/alexnet_lrn_cifar10.torch_export.onnx"])(
    "%s",
    async (path) => {
      const model = await load(dataFile(`models/${path}`));
      const { output } = model.predict({
        data: dataFloats("models/alexnet_lrn_cifar10/ref_input_20x3x32x32.f32"),
        dims: [20, 3, 32, 32],
      });
      expect(relativeError(output.data, dataFloats("models/alexnet_lrn_cifar10/ref_logits_20x10.f32"))).toBeLessThan(
        1e-6,
      );
      model.dispose();
    },
  );
});
