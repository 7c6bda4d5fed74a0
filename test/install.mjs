/*
 * npm ci in each of the folders, where what is installed is not what its package-lock.json says: npm would remove and
 * unpack it all again.
 *   node test/install.mjs test/peers
 * A copy of relprop (demo/worker installs one, as a deployment does) is made anew in any case: dist/ may have changed.
 * One process at a time installs: two of npm in one folder remove what the other has just unpacked.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";

const root = resolve(import.meta.dirname, "..");
const json = (file) => JSON.parse(readFileSync(file, "utf8"));
const lock = join(root, "build/installing");

/** Whether the process that has the lock has ended without giving it back, as one that was killed. */
function isLeft() {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return false;
  } catch ({ code }) {
    return code === "ESRCH";
  }
}

/** Waits until no other process installs, and keeps the others waiting until this one has ended. */
async function waitForTurn() {
  mkdirSync(join(root, "build"), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, `${process.pid}`, { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isLeft()) rmSync(lock, { force: true });
    else await setTimeout(200);
  }
  process.on("exit", () => rmSync(lock, { force: true }));
}

function isInstalled(folder) {
  const lock = join(folder, "node_modules/.package-lock.json");
  if (!existsSync(lock)) return false;
  const { "": _, ...wanted } = json(join(folder, "package-lock.json")).packages;
  const found = json(lock).packages;
  return [...new Set([...Object.keys(wanted), ...Object.keys(found)])].every((path) => {
    // Most of what is optional is for other machines. What npm could not install for this one is not tried again.
    if (!found[path]) return wanted[path].optional;
    const isSame = found[path].version === wanted[path]?.version && found[path].integrity === wanted[path].integrity;
    return isSame && existsSync(join(folder, path, "package.json"));
  });
}

await waitForTurn();
for (const folder of process.argv.slice(2).map((path) => join(root, path))) {
  if (!isInstalled(folder))
    execFileSync("npm", ["ci", "--loglevel=error", "--prefix", folder], { stdio: ["ignore", "ignore", "inherit"] });
  const copy = join(folder, "node_modules/relprop");
  if (!existsSync(copy)) continue;
  for (const name of ["package.json", ...json(join(root, "package.json")).files]) {
    rmSync(join(copy, name), { recursive: true, force: true });
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
}
