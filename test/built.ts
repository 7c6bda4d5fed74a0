import { existsSync } from "node:fs";

/** Whether npm run build has been run: some tests start what is shipped. */
export const built = existsSync(new URL("../dist/index.js", import.meta.url));
