import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LrpError } from "../../entries/index.ts";
import { misuse } from "../../base/error.ts";
import { foreseen, isFolder, readBytes, readTextIfThere, sweep, writeAll } from "../files.ts";
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

/** @throws LrpError code "usage" that says in what two settings differ */
export function checkSame(dir: string, there: Settings, wanted: Settings): void {
  const [a, b] = [essence(there), essence(wanted)];
  const differing = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]),
  );
  if (differing.length === 0) return;
  const valueOf = (value: unknown) => JSON.stringify(value) ?? "nothing";
  const issues = differing.map((key) => ({
    where: `folder '${dir}'`,
    problem: `it has results of another evaluation: ${key} is ${valueOf(a[key])} there, and ${valueOf(b[key])} here`,
    fix: "Another evaluation needs another --out.",
  }));
  throw new LrpError("usage", issues);
}

/** The settings of a folder of results, or undefined where there is none. */
async function settingsThere(dir: string): Promise<Settings | undefined> {
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

const partFile = (dir: string, image: number) => join(dir, "parts", `${String(image).padStart(5, "0")}.json`);

/** Which images are done. */
async function imagesThere(dir: string): Promise<ReadonlySet<number>> {
  const parts = join(dir, "parts");
  const names = (await isFolder(parts))
    ? await foreseen(`folder '${parts}'`, "a readable folder", () => readdir(parts))
    : [];
  return new Set(names.flatMap((name) => PART.exec(name)?.slice(1).map(Number) ?? []));
}

/** Every part there is, by image. @throws LrpError code "usage" for those that are damaged, or of other settings */
export async function readParts(dir: string, settings: Settings): Promise<Part[]> {
  const parts: Part[] = [];
  // One after the other: a system opens only so many files at once.
  for (const image of [...(await imagesThere(dir))].sort((a, b) => a - b)) {
    const path = partFile(dir, image);
    if (image >= settings.data.images)
      throw misuse(
        `file '${path}'`,
        `there is no image ${image}: the data has ${settings.data.images}, counted from 0`,
      );
    const bytes = await readBytes(path, "the results of an image");
    parts.push(readPartText(new TextDecoder().decode(bytes), path, settings, image));
  }
  return parts;
}

/** Keeps what is known of an image, its pictures first: where the part is there, everything of it is. */
export async function writePart(dir: string, part: Part, pictures: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await writeAll(new Map([...pictures].map(([name, bytes]) => [join(dir, name), bytes])));
  await writeAll(new Map([[partFile(dir, part.image), json(part)]]));
}

/** Writes the report's files, all or none. */
export async function writeReport(dir: string, files: ReadonlyMap<string, string>): Promise<void> {
  const encoder = new TextEncoder();
  await writeAll(new Map([...files].map(([name, text]) => [join(dir, name), encoder.encode(text)])));
}
