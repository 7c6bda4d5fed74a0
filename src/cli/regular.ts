import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, lstat, open } from "node:fs/promises";
import { misuse, usage } from "../base/error.ts";

/** As many bytes as Node reads from any file at once. */
const MOST_BYTES = 2n ** 31n - 1n;

/** Which files are read. */
interface Wanted {
  /** How messages name the file. */
  readonly where: string;
  /** What is wanted: "a regular file in the folder of the model". */
  readonly expected: string;
  readonly fix?: string;
  /** Whether it may have other names, which may lie in any other folder. */
  readonly hardLinks?: true;
}

/**
 * The bytes of a regular file that is no link. That a link is put in place of the file while it is opened makes no
 * difference. The folders on the way to it are the caller's business.
 *
 * @throws LrpError code "usage" for what is none; errors of the system as they are
 */
export async function readRegular(path: string, wanted: Wanted): Promise<Uint8Array> {
  const { where } = wanted;
  const before = check(await lstat(path, { bigint: true }), wanted);
  // Windows knows neither flag; there the comparison alone tells.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const opened = check(await file.stat({ bigint: true }), wanted);
    if (opened.ino !== before.ino || opened.dev !== before.dev)
      throw misuse(where, "another file took its place while it was opened");
    return await readAll(file, Number(opened.size), where);
  } finally {
    await file.close();
  }
}

function check(found: BigIntStats, { where, expected, fix, hardLinks }: Wanted): BigIntStats {
  const kind =
    kindOf(found) ?? (found.nlink > 1n && !hardLinks ? "a file with several names (a hard link)" : undefined);
  if (kind) throw usage(where, expected, kind, fix);
  if (found.size > MOST_BYTES) throw misuse(where, `it has ${found.size} bytes, more than ${MOST_BYTES}`);
  return found;
}

/** What is no regular file. */
function kindOf(found: BigIntStats): string | undefined {
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isDirectory()) return "a directory";
  return found.isFile() ? undefined : "a device, pipe or socket";
}

async function readAll(file: FileHandle, size: number, where: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) throw misuse(where, `it was cut off to ${at} of ${size} bytes while it was read`);
    at += bytesRead;
  }
  return bytes;
}
