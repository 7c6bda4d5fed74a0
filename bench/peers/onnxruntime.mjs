import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** onnxruntime-web on WebAssembly, one thread. */
export async function onnxruntime(bytes) {
  const ort = require("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(bytes);
  return {
    async predict({ data, dims }) {
      const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", data, dims) });
      return outputs[session.outputNames[0]].data;
    },
  };
}
