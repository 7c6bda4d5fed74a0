import { join } from "node:path";
import { misuse } from "../../base/error.ts";
import type { Arguments } from "../options.ts";
import type { Streams } from "../command.ts";
import { readIfThere } from "../files.ts";
import { finish, folderOf } from "./evaluate.ts";
import { type Part, pictureFile } from "./part.ts";
import { checkSame, readParts, readSettings, readyFolder, writePart } from "./store.ts";

/** The pictures of a part, from the folder where it was made. */
async function picturesOf(dir: string, { image, methods }: Part): Promise<Map<string, Uint8Array>> {
  const names = ["input", ...methods.map(({ method }) => method)].map((of) => pictureFile(image, of));
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const bytes = await readIfThere(join(dir, name));
    if (bytes) files.set(name, bytes);
  }
  return files;
}

/** `relprop merge DIR…`: joins the folders of shards, and writes the report of all. */
export async function merge({ positionals: dirs, values }: Arguments, streams: Streams): Promise<void> {
  const out = folderOf(values);
  const settings = await Promise.all(dirs.map(readSettings));
  for (const [i, own] of settings.entries()) checkSame(dirs[i], own, settings[0]);
  const found: { readonly dir: string; readonly parts: readonly Part[] }[] = [];
  for (const dir of dirs) found.push({ dir, parts: await readParts(dir, settings[0]) });
  const has = new Set(found.flatMap(({ parts }) => parts.map(({ image }) => image)));
  const missing = Array.from({ length: settings[0].data.images }, (_, image) => image).filter(
    (image) => !has.has(image),
  );
  if (missing.length > 0)
    throw misuse(
      "the folders to merge",
      `${missing.length} of ${settings[0].data.images} images are missing: ${missing.slice(0, 5).join(", ")}` +
        `${missing.length > 5 ? ", …" : ""}`,
      "Run the shards that have them.",
    );
  await readyFolder(out, settings[0]);
  for (const { dir, parts } of found)
    if (dir !== out) for (const part of parts) await writePart(out, part, await picturesOf(dir, part));
  await finish(out, settings[0], streams);
}
