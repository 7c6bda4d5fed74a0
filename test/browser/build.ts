import { upToDate } from "../build.ts";

export default upToDate(
  "node assembly/build.mjs",
  "node test/install.mjs test/browser demo/page",
  "npm run --silent --prefix demo/page build",
  "demo/page/node_modules/.bin/vite build test/browser/package",
);
