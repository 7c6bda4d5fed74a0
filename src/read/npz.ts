import { type UnzipFileInfo, unzipSync } from "fflate";
import { LrpError, usage } from "../base/error.ts";
import { isNpy, type NpyTensor, readNpy } from "./npy.ts";

/** What is compressed may become so many bytes, since a small file may become very many. */
const MOST_BYTES = 2 ** 28;
const MOST_FILES = 4096;

/** Whether bytes begin as a .npy file does, or as a .npz file, which is a zip archive of those. */
export const holdsArray = (bytes: Uint8Array): boolean => isNpy(bytes) || isNpz(bytes);

/**
 * The array in a .npy or .npz file.
 *
 * @param name how errors name the file
 * @param wanted which of several arrays is meant, by its name
 * @throws LrpError code "usage" as `readNpy`, and where it is not clear which array is meant
 */
export function readArray(bytes: Uint8Array, name: string, wanted?: string): NpyTensor {
  return isNpz(bytes) ? readNpz(bytes, name, wanted) : readNpy(bytes, name);
}

export function isNpz(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 1024));
  return start.startsWith("PK\x03\x04") && start.slice(30, 30 + bytes[26] + 256 * bytes[27]).endsWith(".npy");
}

function readNpz(bytes: Uint8Array, name: string, wanted?: string): NpyTensor {
  const where = `file '${name}'`;
  const names: string[] = [];
  unzipped(bytes, where, ({ name: file }) => {
    if (names.push(file) > MOST_FILES) throw usage(where, `at most ${MOST_FILES} arrays`, "more");
    return false;
  });
  const chosen = names.length === 1 ? names[0] : `${wanted}.npy`;
  if (names.length === 0) throw usage(where, "an array", "an archive without files");
  if (!names.includes(chosen))
    throw usage(
      where,
      wanted === undefined ? "one array" : `one array, or one that is named '${wanted}', as the model's input is`,
      names.length > 8 ? `${names.length}` : names.map((file) => `'${file.replace(/\.npy$/, "")}'`).join(", "),
      "Save that array alone: np.save('input.npy', x).",
    );
  let found = false;
  const files = unzipped(bytes, where, ({ name: file, compression, originalSize }) => {
    // An archive may have a name many times.
    if (found || file !== chosen) return false;
    found = true;
    if (compression !== 0 && originalSize > MOST_BYTES)
      throw usage(where, `at most ${MOST_BYTES} bytes in a compressed array`, originalSize, "Save it with np.savez.");
    return true;
  });
  return readNpy(files[chosen], name);
}

function unzipped(bytes: Uint8Array, where: string, filter: (file: UnzipFileInfo) => boolean) {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof LrpError) throw error;
    throw usage(where, "a readable .npz archive", "one that is damaged or cut off", "Save it again.");
  }
}
