/*
 * Builds the documentation site in build/site, static files that any server shows:
 *   npm run docs:site -- --base /relprop/
 * What follows is handed to VitePress; --base is the path under which the site will stand, if it is not the root.
 */
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
// The page to try links to the pages around it.
const env = { ...process.env, SITE: "../" };
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: "inherit", env });
const installed = (name) => join(root, "docs/node_modules/.bin", name);

rmSync(join(root, "build/api"), { recursive: true, force: true });
run(installed("typedoc"), "--options", "docs/typedoc.json", "--logLevel", "Warn");
run(installed("vitepress"), "build", "docs", ...process.argv.slice(2));
run("npm", "run", "--silent", "--prefix", "demo/page", "build", "--", "--logLevel", "warn");
cpSync(join(root, "demo/page/dist"), join(root, "build/site/try"), { recursive: true });
