import type { Picture } from "../image/pixels.ts";

/** "Exif" and two zeros. */
const NAME = [0x45, 0x78, 0x69, 0x66, 0, 0];

/**
 * How a photo has to be turned to stand upright: its EXIF orientation, 1 (as it is) to 8; 1 if there is none.
 *
 * @param exif a TIFF header and its first directory; JPEG, and some writers of WebP, have "Exif\\0\\0" before it
 */
export function orientation(exif: Uint8Array): number {
  const start = NAME.every((byte, i) => exif[i] === byte) ? NAME.length : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let i = 0; i < view.getUint16(directory, little); i++) {
      const entry = directory + 2 + 12 * i;
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
    }
  } catch (error) {
    // A directory that points outside of the segment is damaged; the picture itself need not be.
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}

/** A picture turned as its orientation says: 1 to 8 are a transposition, then a mirroring of each axis. */
export function upright(picture: Picture, turn: number): Picture {
  if (!(turn > 1 && turn <= 8)) return picture;
  const { data, width, height } = picture;
  const transposed = turn >= 5;
  const mirrorX = [2, 3, 7, 8].includes(turn);
  const mirrorY = [3, 4, 6, 7].includes(turn);
  const [w, h] = transposed ? [height, width] : [width, height];
  const from = new Uint32Array(data.buffer);
  const to = new Uint32Array(from.length);
  for (let i = 0; i < to.length; i++) {
    const [row, column] = [Math.floor(i / w), i % w];
    const [a, b] = transposed ? [row, column] : [column, row];
    to[i] = from[(mirrorY ? height - 1 - b : b) * width + (mirrorX ? width - 1 - a : a)];
  }
  return { data: new Uint8ClampedArray(to.buffer), width: w, height: h };
}
