import type { BigIntStats } from "node:fs";
import { constants, type FileHandle, lstat, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LrpError } from "../entries/index.ts";
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
    const refuse = (expected: string, received: string, fix?: string) =>
      new LrpError("usage", { where, expected, received, fix });
    const check = (found: BigIntStats) => {
      const kind = kindOf(found);
      if (kind) throw refuse("a regular file in the folder of the model", kind, "Put a copy of the file there.");
      if (found.size > MOST_BYTES) throw refuse(`at most ${MOST_BYTES} bytes`, `${found.size}`);
      return found;
    };
    // As exporters write it: the folder of the model itself.
    const name = location.replace(/^(\.\/)+/, "");
    if (!PLAIN.test(name)) throw refuse("a plain name, of a file in the folder of the model", "another path");
    const path = join(dirname(modelPath), name);
    return foreseen(where, "a file with weights", async () => {
      const before = check(await lstat(path, { bigint: true }));
      // Windows knows neither flag; there the comparison alone tells.
      const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
      try {
        const opened = check(await file.stat({ bigint: true }));
        if (opened.ino !== before.ino || opened.dev !== before.dev)
          throw refuse("one file", "another one after a moment");
        const bytes = await readAll(file, Number(opened.size), refuse);
        const kind = fileKind(bytes.subarray(0, 512));
        if (kind?.instead) throw refuse("a file with weights", kind.name, kind.fix);
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

async function readAll(
  file: FileHandle,
  size: number,
  refuse: (expected: string, received: string) => LrpError,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) throw refuse(`${size} bytes`, `only ${at}`);
    at += bytesRead;
  }
  return bytes;
}
