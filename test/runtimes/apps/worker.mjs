import * as relprop from "relprop";
import { report } from "./report.mjs";

/** What `workerd test` calls. */
export default {
  async test() {
    console.log(await report(relprop));
    const model = await relprop.load(relprop.sequential({ input: [1] }, [relprop.relu()]));
    const { code } = await model.explainAsync({ data: Float32Array.of(1), dims: [1, 1] }).catch((error) => error);
    if (code !== "unsupported") throw new Error("explainAsync does not refuse where there are no workers");
  },
};
