import { upToDate } from "../build.ts";

export default upToDate("node assembly/build.mjs", "node test/install.mjs test/scale");
