import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { misuse } from "../base/error.ts";
import type { File } from "./messages.ts";
import type { Server } from "./redis.ts";
import { chunksOf, sha256 } from "./store.ts";

/** Brings a file from the queue into the folder: under its name it is there whole or not at all. */
async function bring(server: Server, name: string, file: File, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const draft = join(dir, `.${file.sha256}.${process.pid}.${randomUUID()}.tmp`);
  const hash = createHash("sha256");
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      for await (const chunk of chunksOf(server, name, file)) {
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
    } finally {
      await handle.close();
    }
    if (hash.digest("hex") !== file.sha256)
      throw misuse(`queue '${name}'`, "a file of its model is another than its SHA-256 says");
    await rename(draft, join(dir, file.sha256));
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * A file of a model: from the folder where it is kept, or else from the queue, once. It is what its hash says: a file of
 * the folder that is damaged is brought again.
 *
 * @throws LrpError "usage" where the queue has it not, or another
 */
export async function cached(server: Server, name: string, file: File, dir: string): Promise<Uint8Array> {
  const path = join(dir, file.sha256);
  const there = await readFile(path).catch(() => undefined);
  if (there && sha256(there) === file.sha256) return there;
  await bring(server, name, file, dir);
  const bytes = await readFile(path);
  if (sha256(bytes) !== file.sha256) throw misuse(`file '${path}'`, "it changes while it is read");
  return bytes;
}
