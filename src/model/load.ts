import { Model } from "./model.ts";
import { open, type Source } from "../read/open.ts";
import { checkedLoad, type LoadOptions } from "./options.ts";
import { instantiate } from "../run/wasm.ts";

/** @internal Loads a network for kernels that are compiled, on another thread, while the file is read. */
export async function loadWith(
  compiling: Promise<WebAssembly.Module>,
  source: Source,
  options: LoadOptions,
): Promise<Model> {
  const reading = async () => {
    checkedLoad(options);
    return open(source, options);
  };
  const [module, graph] = await Promise.all([compiling, reading()]);
  return new Model(graph, { instance: instantiate(module), end() {} }, options);
}
