/*
 * When a step of the build is due. A step that has run leaves a stamp in build/: a hash of all that it read, and one of
 * all that it wrote. While both still hold, it has nothing to do; whatever is changed, added, missing or damaged makes
 * it run again.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";

export const at = (path) => new URL(`../${path}`, import.meta.url);

function filesOf(path) {
  const found = statSync(at(path), { throwIfNoEntry: false });
  if (!found?.isDirectory()) return [{ path, content: found && readFileSync(at(path)) }];
  const names = readdirSync(at(path)).sort();
  return names.flatMap((name) => filesOf(`${path}/${name}`));
}

/** A hash of files and folders: names, lengths and content; a file that is missing has neither length nor content. */
export function hashOf(paths, wanted = () => true) {
  const hash = createHash("sha256");
  for (const { path, content } of paths.flatMap(filesOf)) {
    if (wanted(path)) hash.update(`${path}: ${content?.length}\n`).update(content ?? "");
  }
  return hash.digest("hex");
}

/** Runs a step, if it is due. `read` is the hash of what it reads, `written` the files and folders that it writes. */
export async function step(name, read, written, run) {
  const file = at(`build/${name}.stamp`);
  const stamp = () => `${read} ${hashOf(written)}\n`;
  if (statSync(file, { throwIfNoEntry: false }) && readFileSync(file, "utf8") === stamp()) return;
  console.log(`build: ${name}`);
  mkdirSync(at("build"), { recursive: true });
  await run();
  writeFileSync(file, stamp());
}
