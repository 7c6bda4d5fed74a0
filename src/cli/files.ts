import { randomUUID } from "node:crypto";
import { copyFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { access, constants, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { misuse, usage } from "../base/error.ts";
import { LrpError } from "../entries/index.ts";
import { fileKind } from "./file-kind.ts";

/** What is in the place of a file, by Node's error code. */
const others: Readonly<Record<string, string>> = {
  EISDIR: "a directory",
  EEXIST: "a file",
  ENXIO: "a device, pipe or socket",
  ENOTEMPTY: "a folder that is not empty",
};

/** What goes wrong with files, by Node's error code. */
const troubles: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it does not exist",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EROFS: "its file system is read-only",
  ENOSPC: "the disk is full",
  ERR_FS_FILE_TOO_LARGE: "it has more than 2 GiB",
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links go in a circle",
  EFBIG: "the system does not allow so large a file",
  EDQUOT: "the disk quota is used up",
  EIO: "the device fails",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ENOMEM: "there is too little memory",
  EBUSY: "it is in use",
  ETXTBSY: "it is in use",
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
  return whole(path, what, () => readFile(path));
}

/** As `readBytes`, for one of very many small files: in a fifth of the time, but nothing else runs meanwhile. */
export async function readSmall(path: string, what: string): Promise<Uint8Array> {
  return whole(path, what, async () => readFileSync(path));
}

async function whole(path: string, what: string, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const bytes = await foreseen(`file '${path}'`, what, read);
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
  if (found.size > MOST_TEXT) throw misuse(where, `it has ${found.size} bytes, more than ${MOST_TEXT}`);
  return foreseen(where, expected, () => readFile(path, "utf8"));
}

/** Whether a path leads to anything. */
export const isThere = async (path: string): Promise<boolean> => (await statIfThere(path)) !== undefined;

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
    if (depth > DEEPEST) throw misuse(where, `lists and objects in it nest deeper than ${DEEPEST}`, fix);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const kind = fileKind(new TextEncoder().encode(text.slice(0, 512)));
    if (kind?.instead) throw usage(where, expected, kind.name, kind.fix);
    throw usage(where, expected, `text that is no JSON (${(error as Error).message})`, fix);
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

/** What a file holds; a text may be made piece by piece, while it is written. */
export type FileContent = Uint8Array | string | AsyncIterable<string>;

/** Writes all files or none: each under a temporary name in its folder first, then they are renamed. */
export async function writeAll(files: ReadonlyMap<string, FileContent>): Promise<void> {
  const jobs = [...files].map(([path, bytes]) => ({ path, bytes, draft: draftOf(path) }));
  try {
    for (const { path, bytes, draft } of jobs)
      await foreseen(`file '${path}'`, "a file to write", () => writeFile(draft, bytes));
    for (const { path, draft } of jobs) await foreseen(`file '${path}'`, "a file to write", () => rename(draft, path));
  } finally {
    for (const { draft } of jobs) await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Copies a small file, whole or not at all; nothing else runs meanwhile. */
export async function copySmall(from: string, to: string): Promise<void> {
  const draft = draftOf(to);
  try {
    await foreseen(`file '${from}'`, "a readable file", async () => copyFileSync(from, draft));
    await foreseen(`file '${to}'`, "a file to write", async () => renameSync(draft, to));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

const host = () => hostname().replace(/[^\w-]/g, "_");

/** A temporary name beside a file; `sweep` removes what is left of a run that was killed. */
export const draftOf = (path: string) =>
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

/** What the system has against a file, in a sentence; undefined for other errors. */
export function troubleOf({ code = "", syscall }: NodeJS.ErrnoException): string | undefined {
  if (code in others) return `it is ${others[code]}`;
  return troubles[code] ?? (syscall && `the system reports an error (${code} of ${syscall})`);
}

/** What `action` gives; what the system has against a file is an LrpError "usage". */
export async function foreseen<T>(where: string, expected: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code in others) throw usage(where, expected, others[code]);
    const problem = troubleOf(error as NodeJS.ErrnoException);
    if (problem === undefined) throw error;
    throw misuse(where, problem);
  }
}
