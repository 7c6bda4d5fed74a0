/*
 * From nothing to a first result in a fresh process (started by cold.mjs):
 *   cold-start.mjs relprop|onnxruntime
 * Nothing of the engine is imported before the clock runs; reading the file is not counted.
 */
import { readFileSync } from "node:fs";
import { report } from "./measure.mjs";

const bytes = new Uint8Array(readFileSync(new URL("../demo/digits.onnx", import.meta.url)));
// A vertical stroke.
const data = new Float32Array(28 * 28).map((_, i) => (i % 28 > 12 && i % 28 < 16 ? 1 : 0));
const input = { data, dims: [1, 1, 28, 28] };
const marks = [performance.now()];
const mark = () => marks.push(performance.now());

const engines = {
  async relprop() {
    const { heatmap, load } = await import("../dist/node/index.js");
    mark();
    const model = await load(bytes);
    mark();
    heatmap(model.explain(input).relevance);
    mark();
  },
  async onnxruntime() {
    const ort = await import("onnxruntime-web");
    ort.env.wasm.numThreads = 1;
    mark();
    const session = await ort.InferenceSession.create(bytes);
    mark();
    await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", data, input.dims) });
    mark();
  },
};
await engines[process.argv[2]]();
report(marks.slice(1).map((at, i) => at - marks[i]));
