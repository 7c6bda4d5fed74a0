import { LrpError, usage } from "../../base/error.ts";
import { imageSize, WEBP } from "../image/parts.ts";
import { checkPixels, MAX_PIXELS, type Picture } from "../image/pixels.ts";
import type { Codecs } from "./codec.ts";
import { jpg } from "./jpeg.ts";
import { png } from "./png.ts";
import { webp } from "./webp.ts";

export interface DecodeOptions {
  /** How errors name the file. */
  readonly name?: string;
  /**
   * The most pixels that a picture may have. Default: 100 million, for which decoding takes up to some gigabytes; at
   * most 2^28, which is as much as a decoder has room for.
   */
  readonly maxPixels?: number;
}

interface Format {
  readonly name: string;
  /** What files of it begin with. */
  readonly magic: RegExp;
  readonly decode?: (bytes: Uint8Array, codecs: Codecs) => Picture;
}

const formats: readonly Format[] = [
  { name: "PNG", magic: /^\x89PNG\r\n/, decode: png },
  { name: "JPEG", magic: /^\xff\xd8\xff/, decode: (bytes, { jpeg }) => jpg(bytes, jpeg()) },
  { name: "WebP", magic: WEBP, decode: (bytes, codecs) => webp(bytes, codecs.webp()) },
  { name: "GIF", magic: /^GIF8/ },
  { name: "BMP", magic: /^BM/ },
  { name: "TIFF", magic: /^(II\*\0|MM\0\*)/ },
  { name: "HEIC or AVIF", magic: /^....ftyp/s },
];

/** A decoder has room for so many pixels, of four bytes and what it works with, in 4 GiB. */
const MOST_PIXELS = 2 ** 28;

/** @internal The format of a picture, which may be one that is not read. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return formats.find(({ magic }) => magic.test(start));
}

/** The formats that are read. */
export const READ = "a .png, .jpg or .webp picture";
export const CONVERT = "Convert it to PNG.";

/** As `decodeImage` of entries/image.ts, by these decoders. */
export function decodeWith(
  codecs: Codecs,
  bytes: Uint8Array,
  { name, maxPixels = MAX_PIXELS }: DecodeOptions = {},
): Picture {
  const where = name === undefined ? "the picture" : `file '${name}'`;
  const format = formatOf(bytes);
  if (!format?.decode) throw usage(where, READ, format?.name ?? "unknown content", format && CONVERT);
  try {
    const size = imageSize(bytes);
    if (!size) throw new Error("it is cut off before it says how large it is");
    if (size.width < 1 || size.height < 1) throw new Error("it has no pixels");
    checkPixels(where, size.width, size.height, Math.min(maxPixels, MOST_PIXELS));
    return format.decode(bytes, codecs);
  } catch (error) {
    if (error instanceof LrpError) throw error;
    // What the decoders stumble over where a file is damaged is not for people.
    const told = error instanceof Error && error.name === "Error";
    const reason = told ? error.message : "its parts do not fit together";
    throw usage(where, `a readable ${format.name} picture`, `one that is not (${reason})`);
  }
}
