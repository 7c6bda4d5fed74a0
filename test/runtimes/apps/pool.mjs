import { hasRelaxedSimd } from "relprop";
import { createPool } from "relprop/pool";
import { report } from "./report.mjs";

/** A pool as if it were a model: what the last of three workers' turns says. */
async function load(bytes, options) {
  const pool = await createPool(bytes, { ...options, size: 2 });
  const explain = async (input) => {
    let last;
    for await (const { value } of pool.explain([input, input, input])) last = value;
    return last;
  };
  return { explain, dispose: () => pool.dispose() };
}

console.log(await report({ load, hasRelaxedSimd }));
