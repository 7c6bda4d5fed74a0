import { hasRelaxedSimd } from "relprop";
import { load } from "relprop/threads";
import { report } from "./report.mjs";

console.log(await report({ load, hasRelaxedSimd }, { plain: { threads: 2, relaxed: "never" }, best: { threads: 2 } }));
