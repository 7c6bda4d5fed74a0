import * as relprop from "relprop";
import * as evaluate from "relprop/evaluate";
import { reportEvaluate } from "./report.mjs";

/** What `workerd test` calls. */
export default {
  async test() {
    console.log(await reportEvaluate(relprop, evaluate));
  },
};
