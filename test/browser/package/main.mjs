import { hasRelaxedSimd, load } from "../../../dist/index.js";
import { createPool } from "../../../dist/pool/index.js";
import { explainThree } from "./digit.mjs";

/** A pool as if it were a model: what the last of three workers' turns says. */
async function pool(network, settings) {
  const workers = await createPool(network, { ...settings, size: 2 });
  const { inputs } = await load(network);
  return {
    inputs,
    async explain(input) {
      let last;
      for await (const { value } of workers.explain([input, input, input])) last = value;
      return last;
    },
    dispose: () => workers.dispose(),
  };
}

const threads = () =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./thread.mjs", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  });

/** What the tests call. */
globalThis.package = {
  relaxed: hasRelaxedSimd(),
  plain: () => explainThree(load, { relaxed: "never" }),
  best: () => explainThree(load, {}),
  pool: () => explainThree(pool, { relaxed: "never" }),
  threads,
};
