import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LrpError } from "../../entries/index.ts";
import type { Arguments } from "../args.ts";
import type { Streams } from "../command.ts";
import { finish, folderOf } from "./evaluate.ts";
import { type Part, pictureFile } from "./part.ts";
import { checkSame, readParts, readSettings, readyFolder, writePart } from "./store.ts";

/** The pictures of a part, from the folder where it was made. */
async function picturesOf(dir: string, { image, methods }: Part): Promise<Map<string, Uint8Array>> {
  const names = ["input", ...methods.map(({ method }) => method)].map((of) => pictureFile(image, of));
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(dir, name)).catch(() => undefined)] as const),
  );
  return new Map(files.flatMap(([name, bytes]) => (bytes ? [[name, bytes]] : [])));
}

/** `relprop merge DIR…`: joins the folders of shards, and writes the report of all. */
export async function merge({ positionals: dirs, values }: Arguments, streams: Streams): Promise<void> {
  const out = folderOf(values);
  const settings = await Promise.all(dirs.map(readSettings));
  for (const [i, own] of settings.entries()) checkSame(dirs[i], own, settings[0]);
  const found = await Promise.all(dirs.map(async (dir) => ({ dir, parts: await readParts(dir) })));
  const has = new Set(found.flatMap(({ parts }) => parts.map(({ image }) => image)));
  const missing = Array.from({ length: settings[0].data.images }, (_, image) => image).filter(
    (image) => !has.has(image),
  );
  if (missing.length > 0)
    throw new LrpError("usage", {
      where: "the folders to merge",
      expected: `all ${settings[0].data.images} images`,
      received: `${has.size}, without ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ", …" : ""}`,
      fix: "Run the shards that are missing.",
    });
  await readyFolder(out, settings[0]);
  for (const { dir, parts } of found)
    if (dir !== out) for (const part of parts) await writePart(out, part, await picturesOf(dir, part));
  await finish(out, settings[0], streams);
}
