import { randomUUID } from "node:crypto";
import { access, constants, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { usage } from "../base/error.ts";
import { LrpError } from "../entries/index.ts";
import { fileKind } from "./file-kind.ts";

/** What goes wrong with files, by Node's error code. */
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
  EFBIG: "a size that the system does not allow",
  EDQUOT: "a quota that is used up",
  EIO: "a device that fails",
  EMFILE: "too many open files",
  ENFILE: "too many open files",
  ENOMEM: "too little memory",
  EBUSY: "one that is in use",
  ETXTBSY: "one that is in use",
  ENXIO: "a device, pipe or socket",
  ENOTEMPTY: "a folder that is not empty",
};

/** Text that is read without being asked for by name is not longer. */
const MOST_TEXT = 2 ** 28;
/** JSON of ours nests no deeper than a handful. */
const DEEPEST = 64;
/** A draft of another machine may be one that is being written, unless it is so old: a day. */
const STALE = 24 * 60 * 60 * 1000;

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

/**
 * The text of a file that nobody has named, or undefined if there is none.
 *
 * @throws LrpError code "usage" when it is a directory, pipe or device, too long, or not readable
 */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  const [where, expected] = [`file '${path}'`, "a readable file"];
  const found = await statIfThere(path);
  if (!found) return undefined;
  if (!found.isFile() && !found.isDirectory()) throw usage(where, expected, "a device, pipe or socket");
  if (found.size > MOST_TEXT) throw usage(where, `at most ${MOST_TEXT} bytes`, found.size);
  return foreseen(where, expected, () => readFile(path, "utf8"));
}

/** The bytes of a file, or undefined if there is none. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return (await statIfThere(path)) && foreseen(`file '${path}'`, "a readable file", () => readFile(path));
}

async function statIfThere(path: string) {
  return foreseen(`file '${path}'`, "a readable file", () =>
    stat(path).catch((error) => {
      if (["ENOENT", "ENOTDIR"].includes(error.code)) return undefined;
      throw error;
    }),
  );
}

/**
 * What a text says as JSON.
 *
 * @param fix what to do where it is none
 * @throws LrpError code "usage" for other text, and where lists and objects nest too deep for whoever reads them
 */
export function parseJson(text: string, path: string, expected = "JSON", fix?: string): unknown {
  const where = `file '${path}'`;
  let depth = 0;
  for (const [brace] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    depth += Number("[{".includes(brace)) - Number("]}".includes(brace));
    if (depth > DEEPEST) throw usage(where, expected, `lists and objects that nest deeper than ${DEEPEST}`, fix);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const kind = fileKind(new TextEncoder().encode(text.slice(0, 512)));
    if (kind?.instead) throw usage(where, expected, kind.name, kind.fix);
    throw usage(where, expected, `other text (${(error as Error).message})`, fix);
  }
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
    await sweep(folder);
  }
}

/** Writes all files or none: each under a temporary name in its folder first, then they are renamed. */
export async function writeAll(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const jobs = [...files].map(([path, bytes]) => ({ path, bytes, draft: draftOf(path) }));
  try {
    for (const { path, bytes, draft } of jobs)
      await foreseen(`file '${path}'`, "a file to write", () => writeFile(draft, bytes));
    for (const { path, draft } of jobs) await foreseen(`file '${path}'`, "a file to write", () => rename(draft, path));
  } finally {
    for (const { draft } of jobs) await rm(draft, { force: true }).catch(() => undefined);
  }
}

const host = () => hostname().replace(/[^\w-]/g, "_");

const draftOf = (path: string) =>
  join(dirname(path), `.${basename(path).slice(-100)}.${process.pid}-${host()}.${randomUUID()}.tmp`);

/** The name of a draft: of which process, and where. */
const DRAFT = /^\..+\.(\d+)-([\w-]+)\.[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/;

/** Removes what runs that were killed have left in a folder. What another process is writing stays. */
export async function sweep(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, pid, machine] = DRAFT.exec(name) ?? [];
    if (pid === undefined) continue;
    const path = join(folder, name);
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    const abandoned = machine === host() && !isRunning(Number(pid));
    // What cannot be removed is not what this run is about.
    if (abandoned || age > STALE) await rm(path, { force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

export async function isFolder(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  return there?.isDirectory() ?? false;
}

/** What the system has against a file, in words; undefined for other errors. */
export function troubleOf({ code, syscall }: NodeJS.ErrnoException): string | undefined {
  return troubles[code ?? ""] ?? (syscall && `an error of the system (${code} of ${syscall})`);
}

/** What `action` gives; what the system has against a file is an LrpError "usage". */
export async function foreseen<T>(where: string, expected: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const received = troubleOf(error as NodeJS.ErrnoException);
    if (received === undefined) throw error;
    throw usage(where, expected, received);
  }
}
