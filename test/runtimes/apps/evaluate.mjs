import * as relprop from "relprop";
import * as evaluate from "relprop/evaluate";
import { reportEvaluate } from "./report.mjs";

reportEvaluate(relprop, evaluate).then(console.log);
