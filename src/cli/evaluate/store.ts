import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Issue, LrpError } from "../../entries/index.ts";
import { misuse } from "../../base/error.ts";
import { draftOf, foreseen, isFolder, readSmall, readTextIfThere, sweep, writeAll } from "../files.ts";
import { inBlocks, type Text } from "./blocks.ts";
import type { Part, Settings } from "./part.ts";
import { readPartText, readSettingsText } from "./valid.ts";

const SETTINGS = "settings.json";
const PART = /^(\d{5,})\.json$/;

const json = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`);

const folders = (dir: string) => ["parts", "pictures", "plots"].map((name) => join(dir, name));

/** What must be the same for results to belong together: everything but paths, and the Node that they began with. */
export function essence({
  model,
  data,
  options,
  relprop,
  command: _,
  node: __,
  ...rest
}: Settings): Readonly<Record<string, unknown>> {
  return {
    relprop,
    "the model": model.sha256,
    "the data": data.sha256,
    "the number of images": data.images,
    ...options,
    ...rest,
  };
}

/** Of these, two hashes would tell nobody anything. */
const HASHED = ["the model", "the data"];

/** @throws LrpError code "usage" that says in what two settings differ */
export function checkSame(dir: string, there: Settings, wanted: Settings): void {
  const [a, b] = [essence(there), essence(wanted)];
  const differing = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]),
  );
  if (differing.length === 0) return;
  const valueOf = (value: unknown) => JSON.stringify(value) ?? "nothing";
  const differences = differing.map((key) =>
    HASHED.includes(key) ? `${key} is another one` : `${key} is ${valueOf(a[key])} there, and ${valueOf(b[key])} here`,
  );
  throw misuse(
    `folder '${dir}'`,
    `it has results of another evaluation: ${differences.join("; ")}`,
    "Another evaluation needs another --out.",
  );
}

/** The settings of a folder of results, or undefined where there is none. */
export async function settingsThere(dir: string): Promise<Settings | undefined> {
  const path = join(dir, SETTINGS);
  const text = await readTextIfThere(path);
  return text === undefined ? undefined : readSettingsText(text, path);
}

/** @throws LrpError code "usage" where the folder has none */
export async function readSettings(dir: string): Promise<Settings> {
  const settings = await settingsThere(dir);
  if (settings) return settings;
  throw misuse(`folder '${dir}'`, `it is no folder of 'relprop evaluate', which has a file ${SETTINGS}`);
}

/**
 * Makes a folder ready for results with these settings, or finds it so. Settings with which nothing was measured are
 * forgotten.
 * @returns which images are done
 * @throws LrpError code "usage" where it has results of other settings, or holds something else
 */
export async function readyFolder(dir: string, settings: Settings): Promise<ReadonlySet<number>> {
  const there = await settingsThere(dir);
  const where = `folder '${dir}'`;
  return foreseen(where, "a folder to write into", async () => {
    for (const folder of [dir, ...folders(dir)]) await sweep(folder);
    if (!there) {
      if (!(await isFolder(dir))) await mkdir(dir);
      if ((await readdir(dir)).length > 0)
        throw misuse(where, "it has other files", "Results need an empty folder, or one of 'relprop evaluate'.");
    }
    const done = await imagesThere(dir);
    if (there && done.size > 0) checkSame(dir, there, settings);
    else await writeAll(new Map([[join(dir, SETTINGS), json(settings)]]));
    for (const folder of folders(dir)) await mkdir(folder, { recursive: true });
    return done;
  });
}

export const partFile = (dir: string, image: number) => join(dir, "parts", `${String(image).padStart(5, "0")}.json`);

/** Which images are done. */
export async function imagesThere(dir: string): Promise<ReadonlySet<number>> {
  const parts = join(dir, "parts");
  const names = (await isFolder(parts))
    ? await foreseen(`folder '${parts}'`, "a readable folder", () => readdir(parts))
    : [];
  return new Set(names.flatMap((name) => PART.exec(name)?.slice(1).map(Number) ?? []));
}

/**
 * The images that are done, in order.
 * @throws LrpError code "usage" where there is one that the data has not
 */
export async function imagesOf(dir: string, { data }: Settings): Promise<Uint32Array> {
  const images = Uint32Array.from(await imagesThere(dir)).sort();
  const stray = images.find((image) => image >= data.images);
  if (stray === undefined) return images;
  throw misuse(
    `file '${partFile(dir, stray)}'`,
    `there is no image ${stray}: the data has ${data.images}, counted from 0`,
  );
}

async function readPart(dir: string, image: number, settings: Settings): Promise<Part> {
  const path = partFile(dir, image);
  const bytes = await readSmall(path, "the results of an image");
  return readPartText(new TextDecoder().decode(bytes), path, settings, image);
}

/** Of many damaged files so many are named. */
const NAMED = 10;

/**
 * The parts of these images, one after another.
 * @throws LrpError code "usage" for those that are damaged, or of other settings; of all parts, the first ten
 */
export async function* readParts(dir: string, images: Uint32Array, settings: Settings): AsyncGenerator<Part> {
  const issues: Issue[] = [];
  for (const image of images) {
    try {
      const part = await readPart(dir, image, settings);
      if (issues.length === 0) yield part;
    } catch (error) {
      if (!(error instanceof LrpError)) throw error;
      issues.push(...error.issues);
      if (issues.length >= NAMED) break;
    }
  }
  if (issues.length > 0) throw new LrpError("usage", issues);
}

/** Parts in one file, each in a line: it is read in a hundredth of the time that as many files take. */
export interface Gathered extends AsyncIterable<Part>, AsyncDisposable {}

/** Gathers the parts of these images in a temporary file of the folder. @throws LrpError as `readParts` */
export async function gather(dir: string, images: Uint32Array, settings: Settings): Promise<Gathered> {
  const path = draftOf(join(dir, "parts.jsonl"));
  const remove = () => rm(path, { force: true });
  const lines = async function* () {
    for await (const part of readParts(dir, images, settings)) yield `${JSON.stringify(part)}\n`;
  };
  try {
    await foreseen(`file '${path}'`, "a file to write", () => writeFile(path, inBlocks(lines())));
  } catch (error) {
    await remove();
    throw error;
  }
  return { [Symbol.asyncIterator]: () => partsIn(path), [Symbol.asyncDispose]: remove };
}

/** The parts of a file that `gather` wrote. */
async function* partsIn(path: string): AsyncGenerator<Part> {
  let rest = Buffer.alloc(0);
  for await (const block of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    const bytes = Buffer.concat([rest, block]);
    let start = 0;
    for (let end = bytes.indexOf("\n"); end >= 0; end = bytes.indexOf("\n", start)) {
      yield JSON.parse(bytes.toString("utf8", start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
}

/** Keeps what is known of an image, its pictures first: where the part is there, everything of it is. */
export async function writePart(dir: string, part: Part, pictures: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await writeAll(new Map([...pictures].map(([name, bytes]) => [join(dir, name), bytes])));
  await writeAll(new Map([[partFile(dir, part.image), json(part)]]));
}

/** Writes the report's files, all or none. */
export async function writeReport(dir: string, files: ReadonlyMap<string, Text>): Promise<void> {
  await writeAll(new Map([...files].map(([name, text]) => [join(dir, name), text])));
}
