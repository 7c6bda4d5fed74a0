import { createRequire } from "node:module";
import { byName } from "../inputs.mjs";

const require = createRequire(import.meta.url);

/** Numbers as onnxruntime-web wants those of a type. */
const arrays = { int64: (data) => data, float32: (data) => data, float16: (data) => Float16Array.from(data) };

/** onnxruntime-web on WebAssembly, one thread. */
export async function onnxruntime(bytes) {
  const ort = require("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(bytes);
  const known = new WeakMap();
  /** An input as the engine takes it, made once: what is timed is the network. */
  const tensorsOf = (input) => {
    if (!known.has(input)) {
      const given = byName(input, session.inputMetadata);
      const tensors = session.inputMetadata.map(({ name, type }) => {
        const { data, dims } = given[name];
        return [name, new ort.Tensor(type, arrays[type](data), dims)];
      });
      known.set(input, Object.fromEntries(tensors));
    }
    return known.get(input);
  };
  return {
    /**
     * @param input a tensor, or tensors by name
     * @param name of the output, the first unless given
     */
    async predict(input, name = session.outputNames[0]) {
      const outputs = await session.run(tensorsOf(input));
      return outputs[name].data;
    },
    dispose: () => session.release(),
  };
}
