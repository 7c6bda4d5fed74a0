import * as relprop from "relprop";
import * as image from "relprop/image";
import { reportImage } from "./report.mjs";

/** What `workerd test` calls. */
export default {
  async test() {
    console.log(await reportImage(relprop, image));
  },
};
