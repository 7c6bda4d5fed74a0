import * as relprop from "relprop";
import { report } from "./report.mjs";

/** A model that explains on its worker. */
async function load(...given) {
  const model = await relprop.load(...given);
  return { explain: (x) => model.explainAsync(x), dispose: () => model.dispose() };
}

console.log(await report({ ...relprop, load }));
