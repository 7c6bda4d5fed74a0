import * as relprop from "relprop";
import { report } from "./report.mjs";

/** What `workerd test` calls. */
export default {
  async test() {
    console.log(await report(relprop));
  },
};
