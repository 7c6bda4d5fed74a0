import { randomUUID } from "node:crypto";
import { access, constants, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LrpError } from "../entries/index.ts";

/** What can be foreseen to go wrong with a file, by Node's error code. */
const troubles: Readonly<Record<string, string>> = {
  ENOENT: "nothing there",
  ENOTDIR: "nothing there",
  EISDIR: "a directory",
  EEXIST: "a file",
  EACCES: "one without permission",
  EPERM: "one without permission",
  EROFS: "a file system that is read-only",
  ENOSPC: "a full disk",
  ERR_FS_FILE_TOO_LARGE: "more than 2 GiB",
  ENAMETOOLONG: "a name that is too long",
  ELOOP: "a circle of links",
};

/**
 * The bytes of a file.
 *
 * @param what what it should be: "an ONNX model"
 * @throws LrpError code "usage" when it is missing, empty, a directory or not readable.
 */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  const bytes = await foreseen(`file '${path}'`, what, () => readFile(path));
  if (bytes.length === 0)
    throw new LrpError("usage", { where: `file '${path}'`, expected: what, received: "an empty file" });
  return bytes;
}

/** The text of a file, or undefined if there is none. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && foreseen(`file '${path}'`, "a readable file", () => readFile(path, "utf8"));
}

/**
 * Checks, before any work is done, that files can be written.
 *
 * @throws LrpError code "usage" for every path in a folder that is missing or not writable, and every path that is a
 * folder.
 */
export async function checkWritable(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const folder = dirname(path);
    const [where, expected] = [`folder '${folder}'`, "a folder to write into"];
    await foreseen(where, expected, () => access(folder, constants.W_OK));
    if (!(await isFolder(folder))) throw new LrpError("usage", { where, expected, received: "a file" });
    if (await isFolder(path))
      throw new LrpError("usage", { where: `file '${path}'`, expected: "a file to write", received: "a directory" });
  }
}

/** Writes all files or none: each under a temporary name in its folder first, then they are renamed. */
export async function writeAll(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const jobs = [...files].map(([path, bytes]) => ({
    path,
    bytes,
    draft: join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`),
  }));
  try {
    for (const { path, bytes, draft } of jobs)
      await foreseen(`file '${path}'`, "a file to write", () => writeFile(draft, bytes));
    for (const { path, draft } of jobs) await foreseen(`file '${path}'`, "a file to write", () => rename(draft, path));
  } finally {
    for (const { draft } of jobs) await rm(draft, { force: true });
  }
}

export async function isFolder(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return there?.isDirectory() ?? false;
}

/** What `action` gives; what can be foreseen to go wrong with a file is an LrpError "usage". */
export async function foreseen<T>(where: string, expected: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const received = troubles[(error as NodeJS.ErrnoException).code ?? ""];
    if (received === undefined) throw error;
    throw new LrpError("usage", { where, expected, received });
  }
}
