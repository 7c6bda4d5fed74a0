import { convertIndexedToRgb, type DecodedPng, decode as decodePng } from "fast-png";
import jpeg from "jpeg-js";
import type { Pixels } from "../picture/image/pixels.ts";
import { LrpError } from "../entries/index.ts";
import { orientation } from "./exif.ts";

/** What a file begins with, and what to do with it. */
const formats: readonly { name: string; magic: RegExp; decode?: (bytes: Uint8Array) => Pixels }[] = [
  { name: "PNG", magic: /^\x89PNG\r\n/, decode: png },
  { name: "JPEG", magic: /^\xff\xd8\xff/, decode: jpg },
  { name: "GIF", magic: /^GIF8/ },
  { name: "WebP", magic: /^RIFF....WEBP/s },
  { name: "BMP", magic: /^BM/ },
  { name: "TIFF", magic: /^(II\*\0|MM\0\*)/ },
  { name: "HEIC or AVIF", magic: /^....ftyp/s },
];

/**
 * The pixels of a PNG or JPEG file, told apart by content. 16 bits are rounded to 8; photos are turned upright as
 * their EXIF orientation says.
 *
 * @param name how errors name the file
 * @throws LrpError code "usage" when the file is broken or of another format.
 */
export function decodeImage(bytes: Uint8Array, name: string): Pixels {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const format = formats.find(({ magic }) => magic.test(start));
  if (!format?.decode) {
    throw new LrpError("usage", {
      where: `file '${name}'`,
      expected: "a .png or .jpg picture, or a .npy array",
      received: format?.name ?? "unknown content",
      fix: format && "Convert it to PNG.",
    });
  }
  try {
    return format.decode(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LrpError("usage", {
      where: `file '${name}'`,
      expected: `a readable ${format.name} picture`,
      received: `one that is not (${reason})`,
    });
  }
}

function png(bytes: Uint8Array): Pixels {
  const [depth, interlaced] = [bytes[24], bytes[28] === 1];
  // fast-png reads those as if they had whole bytes.
  if (depth < 8 && interlaced) throw new Error(`interlaced with ${depth} bits per pixel: save it without interlacing`);
  const image = decodePng(bytes, { checkCrc: true });
  const { width, height } = image;
  const data = image.palette
    ? convertIndexedToRgb(image)
    : image.transparency
      ? withAlpha(image, eightBits(image))
      : eightBits(image);
  return { data, width, height };
}

function eightBits(image: DecodedPng): Uint8Array {
  const { data, depth } = image;
  if (depth < 8) return samples(image).map((v) => (v * 255) / (2 ** depth - 1));
  return depth === 16 ? Uint8Array.from(data, (v) => Math.round(v / 257)) : new Uint8Array(data);
}

/** The grey samples of 1, 2 or 4 bits, which fast-png leaves packed, each row from a byte of its own. */
function samples({ data, width, height, depth }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + Math.floor(bit / 8)];
    return (byte >> (8 - depth - (bit % 8))) & (2 ** depth - 1);
  });
}

/** The colour that tRNS names is transparent; it is compared before anything is rounded. */
function withAlpha(image: DecodedPng, values: Uint8Array): Uint8Array {
  const { channels, transparency = [] } = image;
  const raw = image.depth < 8 ? samples(image) : image.data;
  const out = new Uint8Array((values.length / channels) * (channels + 1));
  for (let i = 0; i < values.length / channels; i++) {
    let clear = true;
    for (let k = 0; k < channels; k++) {
      out[i * (channels + 1) + k] = values[i * channels + k];
      clear &&= raw[i * channels + k] === transparency[k];
    }
    out[i * (channels + 1) + channels] = clear ? 0 : 255;
  }
  return out;
}

function jpg(bytes: Uint8Array): Pixels {
  // jpeg-js' own limits would refuse the photos of present-day cameras.
  const limits = { maxResolutionInMP: 400, maxMemoryUsageInMB: 4096 };
  const image = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false, ...limits });
  // Not in jpeg-js' types: the EXIF segment from the second of its two leading zeros on.
  const { exifBuffer } = image as { exifBuffer?: Uint8Array };
  return upright(image, exifBuffer ? orientation(exifBuffer.subarray(1)) : 1);
}

/** Orientations 1 to 8 are a transposition, then a mirroring of each axis of the stored picture. */
function upright({ data, width, height }: Pixels, turn: number): Pixels {
  if (!(turn > 1 && turn <= 8)) return { data, width, height };
  const transposed = turn >= 5;
  const mirrorX = [2, 3, 7, 8].includes(turn);
  const mirrorY = [3, 4, 6, 7].includes(turn);
  const [w, h] = transposed ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  for (let i = 0; i < w * h; i++) {
    const [a, b] = transposed ? [Math.floor(i / w), i % w] : [i % w, Math.floor(i / w)];
    const x = mirrorX ? width - 1 - a : a;
    const y = mirrorY ? height - 1 - b : b;
    const at = 3 * (y * width + x);
    out.set(data.subarray(at, at + 3), 3 * i);
  }
  return { data: out, width: w, height: h };
}
