import { join } from "node:path";
import { misuse } from "../../base/error.ts";
import type { Arguments } from "../options.ts";
import type { Streams } from "../command.ts";
import { copySmall, isThere, readSmall } from "../files.ts";
import { finish, folderOf } from "./evaluate.ts";
import { pictureFile, type Settings } from "./part.ts";
import {
  checkSame,
  imagesOf,
  imagesThere,
  partFile,
  readParts,
  readSettings,
  readyFolder,
  settingsThere,
} from "./store.ts";

/** A folder of results, and the images that are done there. */
interface Folder {
  readonly dir: string;
  readonly images: Uint32Array;
}

/** The folders to merge, and that of the report, if an earlier merge has begun it. */
async function foldersOf(dirs: readonly string[], out: string, settings: Settings): Promise<Folder[]> {
  const begun = !dirs.includes(out) && (await imagesThere(out)).size > 0 && (await settingsThere(out));
  if (begun) checkSame(out, begun, settings);
  const folders: Folder[] = [];
  for (const dir of begun ? [out, ...dirs] : dirs) folders.push({ dir, images: await imagesOf(dir, settings) });
  return folders;
}

/** @throws LrpError code "usage" where two folders have other results for one image */
async function checkEqual(image: number, a: string, b: string): Promise<void> {
  const [one, other] = await Promise.all(
    [a, b].map((dir) => readSmall(partFile(dir, image), "the results of an image")),
  );
  if (Buffer.compare(one, other) === 0) return;
  throw misuse(
    "the folders to merge",
    `'${partFile(a, image)}' and '${partFile(b, image)}' have different results for one image`,
    "Remove one of the two.",
  );
}

/** Which folder each image is taken from: the first that has it. @throws LrpError code "usage" where one is missing */
async function takenFrom(folders: readonly Folder[], all: number): Promise<Int32Array> {
  const taken = new Int32Array(all).fill(-1);
  for (const [i, { dir, images }] of folders.entries())
    for (const image of images)
      if (taken[image] < 0) taken[image] = i;
      else await checkEqual(image, folders[taken[image]].dir, dir);
  const missing = taken.reduce((count, i) => count + Number(i < 0), 0);
  if (missing === 0) return taken;
  const first: number[] = [];
  for (let image = 0; first.length < Math.min(5, missing); image++) if (taken[image] < 0) first.push(image);
  throw misuse(
    "the folders to merge",
    `${missing} of ${all} images are missing: ${first.join(", ")}${missing > 5 ? ", …" : ""}`,
    "Run the shards that have them.",
  );
}

/** Copies what is known of an image, its pictures first: where the part is there, everything of it is. */
async function copy(image: number, from: string, to: string, { methods, pictures }: Settings): Promise<void> {
  for (const of of image < pictures ? ["input", ...methods] : []) {
    const picture = join(from, pictureFile(image, of));
    if (await isThere(picture)) await copySmall(picture, join(to, pictureFile(image, of)));
  }
  await copySmall(partFile(from, image), partFile(to, image));
}

/** `relprop merge DIR…`: joins the folders of shards, and writes the report of all. */
export async function merge({ positionals: dirs, values }: Arguments, streams: Streams): Promise<void> {
  const out = folderOf(values);
  const each = await Promise.all(dirs.map(readSettings));
  const [settings] = each;
  for (const [i, own] of each.entries()) checkSame(dirs[i], own, settings);
  const folders = await foldersOf(dirs, out, settings);
  const taken = await takenFrom(folders, settings.data.images);
  // Whatever is damaged is found before anything is written.
  for (const { dir, images } of folders) for await (const _ of readParts(dir, images, settings));
  await readyFolder(out, settings);
  for (const [image, i] of taken.entries())
    if (folders[i].dir !== out) await copy(image, folders[i].dir, out, settings);
  await finish(out, settings, streams);
}
