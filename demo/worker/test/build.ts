import { upToDate } from "../../../test/build.ts";

export default upToDate("node assembly/build.mjs", "node test/install.mjs demo/worker", "npx tsc -p demo/worker");
