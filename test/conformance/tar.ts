const BLOCK = 512;
const FILE = new Set(["0", "\0"]);
const decoder = new TextDecoder();

/** A text field of a header, up to its first zero byte. */
function field(block: Uint8Array, from: number, to: number): string {
  return decoder.decode(block.subarray(from, to)).split("\0", 1)[0];
}

function nameOf(header: Uint8Array): string {
  // GNU's headers keep times where POSIX has the first part of the path.
  const prefix = field(header, 257, 263) === "ustar" ? field(header, 345, 500) : "";
  return prefix ? `${prefix}/${field(header, 0, 100)}` : field(header, 0, 100);
}

/**
 * The regular files of a tar archive (ustar, GNU or pax), by path. They are views of it and nothing is written
 * anywhere, so that a path or a link can lead nowhere.
 */
export function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + BLOCK);
    const size = Number.parseInt(field(header, 124, 136), 8);
    const data = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (!(size >= 0) || data.length !== size) throw new Error(`a tar archive that breaks off at ${at}`);
    const type = String.fromCharCode(header[156]);
    if (type === "L") longName = field(data, 0, size);
    else if (type === "x") longName = /^\d+ path=(.*)$/m.exec(decoder.decode(data))?.[1];
    else {
      if (FILE.has(type)) files.set(longName ?? nameOf(header), data);
      longName = undefined;
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
