import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

/** The site as `npm run test:site` has built it, and the path under which it is to stand. */
export const site = resolve(import.meta.dirname, "../../build/site");
export const BASE = "/relprop/";

/** Its pages, by their paths; what lies in try/ is another's. */
export const pages = readdirSync(site, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".html") && !file.startsWith("try/"),
);

export const fileOf = (path: string): string => join(site, path);
