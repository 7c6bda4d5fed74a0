import { LrpError, usage } from "../../base/error.ts";
import { imageSize } from "../image/parts.ts";
import { checkPixels, MAX_PIXELS, type Pixels } from "../image/pixels.ts";
import { jpg } from "./jpeg.ts";
import { png } from "./png.ts";

export interface DecodeOptions {
  /** How errors name the file. */
  readonly name?: string;
  /** The most pixels that a picture may have. Default: 100 million, for which decoding takes up to some gigabytes. */
  readonly maxPixels?: number;
}

interface Format {
  readonly name: string;
  /** What files of it begin with. */
  readonly magic: RegExp;
  readonly decode?: (bytes: Uint8Array) => Pixels;
}

const formats: readonly Format[] = [
  { name: "PNG", magic: /^\x89PNG\r\n/, decode: png },
  { name: "JPEG", magic: /^\xff\xd8\xff/, decode: jpg },
  { name: "GIF", magic: /^GIF8/ },
  { name: "WebP", magic: /^RIFF....WEBP/s },
  { name: "BMP", magic: /^BM/ },
  { name: "TIFF", magic: /^(II\*\0|MM\0\*)/ },
  { name: "HEIC or AVIF", magic: /^....ftyp/s },
];

/** @internal The format of a picture, which may be one that is not read. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return formats.find(({ magic }) => magic.test(start));
}

export const CONVERT = "Convert it to PNG.";

/**
 * The pixels of a PNG or JPEG file, told apart by content. 16 bits are rounded to 8; photos are turned upright as
 * their EXIF orientation says.
 *
 * How many pixels there are is read from the header, and bounded before anything is decoded. What is no part of the
 * pixels, such as profiles and texts, is left out as it is, not unpacked.
 *
 * @throws LrpError code "memory" when the picture has more than `maxPixels`, "usage" when the file is broken or of
 *   another format.
 * @example
 * const input = preprocess(decodeImage(await readFile("photo.jpg")), "torchvision", model.inputs[0]);
 */
export function decodeImage(bytes: Uint8Array, { name, maxPixels = MAX_PIXELS }: DecodeOptions = {}): Pixels {
  const where = name === undefined ? "the picture" : `file '${name}'`;
  const format = formatOf(bytes);
  if (!format?.decode)
    throw usage(where, "a .png or .jpg picture", format?.name ?? "unknown content", format && CONVERT);
  try {
    const size = imageSize(bytes);
    if (!size) throw new Error("it is cut off before it says how large it is");
    if (size.width < 1 || size.height < 1) throw new Error("it has no pixels");
    checkPixels(where, size.width, size.height, maxPixels);
    return format.decode(bytes);
  } catch (error) {
    if (error instanceof LrpError) throw error;
    // What the decoders stumble over where a file is damaged is not for people.
    const told = error instanceof Error && !(error instanceof TypeError || error instanceof RangeError);
    const reason = told ? error.message : "its parts do not fit together";
    throw usage(where, `a readable ${format.name} picture`, `one that is not (${reason})`);
  }
}
