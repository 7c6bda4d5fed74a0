import { decode } from "jpeg-js";
import type { Pixels } from "relprop";
import { checkSize, MAX_PIXELS } from "./size.ts";

/** What jpeg-js may use by its own count, by which `MAX_PIXELS` in full colour are 22. */
const MAX_MEGABYTES = 32;
/** Markers of frames, which have the picture's size; 4, 8 and 12 of that row are tables. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * The pixels of a JPEG file, turned upright as its EXIF orientation says.
 *
 * @throws Error that says what is wrong with it; Refusal when it has too many pixels
 */
export function decodeJpeg(file: Uint8Array): Pixels {
  checkHeader(file);
  const limits = { maxResolutionInMP: MAX_PIXELS / 1e6, maxMemoryUsageInMB: MAX_MEGABYTES };
  const image = decode(file, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false, ...limits });
  // Not in jpeg-js' types: the EXIF segment from the second of its two leading zeros on.
  const { exifBuffer } = image as { exifBuffer?: Uint8Array };
  return upright(image, exifBuffer ? orientation(exifBuffer.subarray(1)) : 1);
}

/** Checks the frames before the first scan; jpeg-js, which has the same limit, says less well what is wrong. */
function checkHeader(file: Uint8Array): void {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = 2; at + 9 <= file.length && view.getUint8(at) === 0xff; at += 2 + view.getUint16(at + 2))
    if (isFrame(view.getUint8(at + 1))) checkSize(view.getUint16(at + 7), view.getUint16(at + 5));
}

/** The EXIF orientation, 1 to 8; 1 where there is none. @param exif a TIFF header and its first directory */
function orientation(exif: Uint8Array): number {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.length);
  const little = exif[0] === 0x49;
  const fits = (end: number) => end <= exif.length;
  const directory = fits(8) ? view.getUint32(4, little) : exif.length;
  const count = fits(directory + 2) ? view.getUint16(directory, little) : 0;
  for (let at = directory + 2; fits(at + 12) && at < directory + 2 + 12 * count; at += 12)
    if (view.getUint16(at, little) === 0x0112) return view.getUint16(at + 8, little);
  return 1;
}

/** Orientations are a transposition (5 to 8), then a mirroring of each axis of the stored picture. */
function upright({ data, width, height }: Pixels, turn: number): Pixels {
  if (!(turn > 1 && turn <= 8)) return { data, width, height };
  const [w, h] = turn >= 5 ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [a, b] = turn >= 5 ? [y, x] : [x, y];
      const column = [2, 3, 7, 8].includes(turn) ? width - 1 - a : a;
      const row = [3, 4, 6, 7].includes(turn) ? height - 1 - b : b;
      for (let k = 0; k < 3; k++) out[3 * (y * w + x) + k] = data[3 * (row * width + column) + k];
    }
  return { data: out, width: w, height: h };
}
