import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** onnxruntime-web on WebAssembly, one thread. */
export async function onnxruntime(bytes) {
  const ort = require("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(bytes);
  return {
    /** @param name of the output, the first unless given */
    async predict({ data, dims }, name = session.outputNames[0]) {
      const type = data instanceof BigInt64Array ? "int64" : "float32";
      const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, data, dims) });
      return outputs[name].data;
    },
  };
}
