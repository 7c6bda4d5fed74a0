import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeParts } from "./parts.mjs";

/** Results of very many images: `node test/scale/parts.mjs FOLDER` makes a million of them. */
const IMAGES = 10_000;
/** Megabytes. Held all together, parts and the files of the report are 500 of them. */
const MOST = 300;

const dir = mkdtempSync(join(tmpdir(), "relprop-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Says on stderr, when the program ends, how many kilobytes it had at most. */
const peak = `--import=data:text/javascript,process.on("exit", () => console.error(process.resourceUsage().maxRSS))`;

/** Runs `relprop merge`. */
async function merge(folders: readonly string[], out: string): Promise<{ out: string; megabytes: number }> {
  const words = [peak, "dist/cli/main.js", "merge", ...folders, "--out", out];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words);
  return { out: stdout, megabytes: Number(stderr) / 1024 };
}

let shards: string[] = [];
beforeAll(() => {
  shards = makeParts(dir, { images: IMAGES, shards: 3, points: 31 });
});

test(`${IMAGES} images are merged in bounded memory`, async () => {
  const one = join(dir, "one");
  const { out, megabytes } = await merge(shards, one);
  expect(out).toBe(`${one}/report.html: 2 methods, 3 metrics, ${IMAGES} images\n`);
  console.log(`${IMAGES} images: ${Math.round(megabytes)} MB`);
  expect(megabytes).toBeLessThan(MOST);
  const lines = readFileSync(join(one, "results.csv"), "utf8").split("\n");
  expect(lines).toHaveLength(2 * IMAGES + 2);
  expect(lines.at(-2)).toMatch(new RegExp(`^${IMAGES - 1},#${IMAGES - 1},`));
  expect(readdirSync(one).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
