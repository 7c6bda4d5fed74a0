import { Model } from "./model.ts";
import { open, type Source } from "../read/open.ts";
import { checkedLoad, type LoadOptions } from "./options.ts";
import type { RemoteEngine, RemoteOf } from "./remote.ts";
import { instantiate } from "../run/wasm.ts";

/**
 * @internal Loads a network for kernels that are compiled, on another thread, while the file is read.
 * @param remoteOf left out where there are no workers
 */
export async function loadWith(
  compiling: Promise<WebAssembly.Module>,
  source: Source,
  options: LoadOptions,
  remoteOf?: RemoteOf,
): Promise<Model> {
  const reading = async () => {
    checkedLoad(options);
    return open(source, options);
  };
  const [module, graph] = await Promise.all([compiling, reading()]);
  const remote = remoteOf?.(graph, module, options);
  return new Model(graph, engineOf(module, remote), options);
}

/** Apart from what loads: a function that is made there keeps the bytes of the file. */
const engineOf = (module: WebAssembly.Module, remote: ReturnType<RemoteOf> | undefined): RemoteEngine => ({
  instance: instantiate(module),
  remote,
  end: () => remote?.end(),
});
