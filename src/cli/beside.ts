import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, lstat, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { misuse, usage } from "../base/error.ts";
import { fileKind } from "./file-kind.ts";
import { foreseen } from "./files.ts";

/** As many bytes as Node reads from any file at once. */
const MOST_BYTES = 2n ** 31n - 1n;

/** No separator of any system, no drive or stream, and more than dots and spaces, which Windows drops. */
const PLAIN = /^(?![. ]+$)[^/\\:\p{Cc}]+$/u;

/**
 * Reads files with weights for `load`: only regular files that lie in the folder of the model and are no links, for the
 * name is whatever the model says. That a link is put in place of the file while it is opened makes no difference.
 *
 * @throws LrpError code "usage" for any other name or file
 */
export function besideModel(modelPath: string): (location: string) => Promise<Uint8Array> {
  return async (location) => {
    const where = `file ${JSON.stringify(location.slice(0, 80))} with weights of '${modelPath}'`;
    const check = (found: BigIntStats) => {
      const kind = kindOf(found);
      if (kind) throw usage(where, "a regular file in the folder of the model", kind, "Put a copy of the file there.");
      if (found.size > MOST_BYTES) throw misuse(where, `it has ${found.size} bytes, more than ${MOST_BYTES}`);
      return found;
    };
    // As exporters write it: the folder of the model itself.
    const name = location.replace(/^(\.\/)+/, "");
    if (!PLAIN.test(name)) throw misuse(where, "its name is no plain name of a file in the folder of the model");
    const path = join(dirname(modelPath), name);
    return foreseen(where, "a file with weights", async () => {
      const before = check(await lstat(path, { bigint: true }));
      // Windows knows neither flag; there the comparison alone tells.
      const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
      try {
        const opened = check(await file.stat({ bigint: true }));
        if (opened.ino !== before.ino || opened.dev !== before.dev)
          throw misuse(where, "another file took its place while it was opened");
        const bytes = await readAll(file, Number(opened.size), where);
        const kind = fileKind(bytes.subarray(0, 512));
        if (kind?.instead) throw usage(where, "a file with weights", kind.name, kind.fix);
        return bytes;
      } finally {
        await file.close();
      }
    });
  };
}

/** Why a file is not read, if so. A hard link may be to a file of any other folder. */
function kindOf(found: BigIntStats): string | undefined {
  if (found.isSymbolicLink()) return "a symbolic link";
  if (found.isDirectory()) return "a directory";
  if (!found.isFile()) return "a device, pipe or socket";
  return found.nlink > 1n ? "a file with several names (a hard link)" : undefined;
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
