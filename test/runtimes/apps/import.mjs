import * as relprop from "relprop";
import { report } from "./report.mjs";

report(relprop).then(console.log);
