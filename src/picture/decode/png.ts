import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import { Unzlib } from "fflate";
import { joined, type Part, pngChunks } from "../image/parts.ts";
import type { Picture } from "../image/pixels.ts";
import { orientation, upright } from "./exif.ts";

/** PNG's colour types: the samples of a pixel, and of how many bits they may be. */
const KINDS: Readonly<Record<number, { readonly channels: number; readonly depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};
const PALETTE = 3;
/** The others say nothing about pixels, and fast-png would inflate some of them without a bound. */
const KEPT = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
/** The passes of an interlaced picture: where they begin, and their steps. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
/** Deflate grows by at most 1032: so many bytes become at most 4 MiB, after which they are counted. */
const STEP = 4096;

/**
 * The pixels of a PNG file whose size has been judged. Its compressed pixels must be exactly as many as its header
 * states.
 *
 * @throws Error that says what is wrong with it
 */
export function png(file: Uint8Array): Picture {
  const chunks = [...pngChunks(file)];
  if (chunks.at(-1)?.kind !== "IEND") throw new Error("it is cut off");
  const strange = chunks.find(({ kind }) => /^[A-Z]/.test(kind) && !KEPT.includes(kind));
  if (strange) throw new Error(`it has a part '${strange.kind}' without which it cannot be understood`);
  const { indexed, length } = headerOf(chunks);
  const found = inflatedLength(chunks, length);
  if (found !== length) throw new Error(`its pixels are ${found} bytes instead of ${length}`);
  // A palette that a picture of full colour suggests to poor screens would be taken for its own.
  const read = chunks.filter(({ kind }) => KEPT.includes(kind) && (kind !== "PLTE" || indexed));
  const image = decode(joined([file.subarray(0, 8), ...read.map(({ whole }) => whole)]), { checkCrc: true });
  const exif = chunks.find(({ kind }) => kind === "eXIf");
  return upright(pixelsOf(image), exif ? orientation(exif.data) : 1);
}

/** Whether there is a palette, and the bytes of all rows, each with the number of its filter before it. */
function headerOf([header, ...rest]: readonly Part<string>[]): { indexed: boolean; length: number } {
  const kinds = rest.map(({ kind }) => kind);
  if (header.data.length !== 13 || kinds.includes("IHDR")) throw new Error("it has not one header");
  const view = new DataView(header.data.buffer, header.data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colours, , , interlaced] = header.data.subarray(8);
  const { channels, depths } = KINDS[colours] ?? { channels: 0, depths: [] };
  if (!depths.includes(depth)) throw new Error(`its colours are of kind ${colours} with ${depth} bits, which is none`);
  if (interlaced > 1) throw new Error(`it is interlaced by way ${interlaced}, which is none`);
  // fast-png reads those as if they had whole bytes.
  if (depth < 8 && interlaced) throw new Error(`interlaced with ${depth} bits per pixel: save it without interlacing`);
  const indexed = colours === PALETTE;
  const [palettes, transparent] = ["PLTE", "tRNS"].map((name) => rest.filter(({ kind }) => kind === name));
  const palette = kinds.indexOf("PLTE");
  if (indexed && !(palettes.length === 1 && palettes[0].data.length <= 3 * 256 && palette < kinds.indexOf("IDAT")))
    throw new Error("its colours are those of a palette, and it has not one palette before its pixels");
  if (transparent.length > 1) throw new Error("it says more than once what is transparent");
  const length = (w: number, h: number) => (w > 0 ? h * (1 + Math.ceil((w * depth * channels) / 8)) : 0);
  const passes = interlaced ? ADAM7 : [[0, 0, 1, 1]];
  return {
    indexed,
    length: passes.reduce(
      (sum, [x, y, dx, dy]) => sum + length(Math.ceil((width - x) / dx), Math.max(0, Math.ceil((height - y) / dy))),
      0,
    ),
  };
}

/** How many bytes the compressed pixels are. Stops when they are more than `most`. */
function inflatedLength(chunks: readonly Part<string>[], most: number): number {
  let length = 0;
  const inflating = new Unzlib((part) => {
    length += part.length;
    if (length > most) throw new Error("it has more pixels than its header says");
  });
  for (const { data } of chunks.filter(({ kind }) => kind === "IDAT"))
    for (let at = 0; at < data.length; at += STEP) inflating.push(data.subarray(at, at + STEP));
  inflating.push(new Uint8Array(0), true);
  return length;
}

function pixelsOf(image: DecodedPng): Picture {
  const { width, height } = image;
  const data = image.palette ? convertIndexedToRgb(image) : eightBits(image);
  const rgba = rgbaOf(data, data.length / (width * height));
  // The colour that is transparent is compared before anything is rounded.
  if (image.transparency && !image.palette) clear(rgba, image);
  return { data: rgba, width, height };
}

/** Grey, grey and alpha, RGB or RGBA as RGBA. */
function rgbaOf(data: Uint8Array, channels: number): Picture["data"] {
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const rgba = new Uint8ClampedArray((data.length / channels) * 4);
  for (let to = 0, at = 0; to < rgba.length; to += 4, at += channels) {
    rgba[to] = data[at];
    rgba[to + 1] = data[at + green];
    rgba[to + 2] = data[at + blue];
    rgba[to + 3] = channels % 2 === 0 ? data[at + channels - 1] : 255;
  }
  return rgba;
}

function eightBits(image: DecodedPng): Uint8Array {
  const { data, depth } = image;
  if (depth < 8) return samples(image).map((v) => (v * 255) / (2 ** depth - 1));
  if (depth === 8) return data as Uint8Array;
  // From() would make a list of numbers first.
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.round(data[i] / 257);
  return out;
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

/** Makes the pixels of the colour that tRNS names transparent. */
function clear(rgba: Picture["data"], image: DecodedPng): void {
  const { channels, transparency = [] } = image;
  const raw = image.depth < 8 ? samples(image) : image.data;
  for (let i = 0; 4 * i < rgba.length; i++)
    if (raw.subarray(i * channels, (i + 1) * channels).every((value, k) => value === transparency[k]))
      rgba[4 * i + 3] = 0;
}
