import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import { Unzlib } from "fflate";
import type { Pixels } from "relprop";
import { joined } from "./body.ts";
import { checkSize } from "./size.ts";

/** PNG's colour types: the samples of a pixel, and of how many bits they may be. */
const KINDS: Readonly<
  Record<number, { readonly name: string; readonly channels: number; readonly depths: readonly number[] }>
> = {
  0: { name: "grey", channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { name: "colour", channels: 3, depths: [8, 16] },
  3: { name: "palette", channels: 1, depths: [1, 2, 4, 8] },
  4: { name: "grey and alpha", channels: 2, depths: [8, 16] },
  6: { name: "colour and alpha", channels: 4, depths: [8, 16] },
};
/** The others say nothing about pixels, and fast-png would inflate some of them without a bound. */
const KEPT = ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"];
/** Deflate grows by at most 1032: so many bytes become at most 4 MiB, after which they are counted. */
const STEP = 4096;

interface Chunk {
  readonly name: string;
  /** With its length, name and checksum. */
  readonly whole: Uint8Array;
  readonly data: Uint8Array;
}

/**
 * The pixels of a PNG file. Nothing is allocated by what its header declares before that is checked, and the compressed
 * pixels must be exactly as many as it declares.
 *
 * @throws Error that says what is wrong with it; Refusal when it has too many pixels
 */
export function decodePng(file: Uint8Array): Pixels {
  const chunks = chunksOf(file).filter(({ name }) => KEPT.includes(name));
  const { kind, length } = headerOf(chunks);
  const found = inflatedLength(chunks, length);
  if (found !== length) throw new Error(`its pixels are ${found} bytes instead of ${length}`);
  // A palette that a picture of full colour suggests to poor screens would be taken for its own.
  const needed = chunks.filter(({ name }) => name !== "PLTE" || kind === "palette");
  const image = decode(joined([file.subarray(0, 8), ...needed.map(({ whole }) => whole)]), { checkCrc: true });
  return { data: eightBits(image), width: image.width, height: image.height };
}

function chunksOf(file: Uint8Array): Chunk[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= file.length && chunks.at(-1)?.name !== "IEND"; at += chunks.at(-1)!.whole.length) {
    const end = at + 12 + view.getUint32(at);
    if (end > file.length) break;
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    chunks.push({ name, whole: file.subarray(at, end), data: file.subarray(at + 8, end - 4) });
  }
  if (chunks.at(-1)?.name !== "IEND") throw new Error("it is cut off");
  return chunks;
}

/** The kind of picture, and the bytes of all its rows, each with the number of its filter before it. */
function headerOf([header, ...rest]: readonly Chunk[]): { readonly kind: string; readonly length: number } {
  const names = rest.map(({ name }) => name);
  if (header.name !== "IHDR" || header.data.length !== 13 || names.includes("IHDR"))
    throw new Error("it has not one header");
  const view = new DataView(header.data.buffer, header.data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colours, , , interlaced] = header.data.subarray(8);
  const kind = KINDS[colours];
  if (!kind?.depths.includes(depth))
    throw new Error(`its colours are of kind ${colours} with ${depth} bits, which is none`);
  if (kind.name === "palette" && !names.includes("PLTE")) throw new Error("it has no palette");
  if (interlaced) throw new Error("it is interlaced: save it without");
  checkSize(width, height);
  return { kind: kind.name, length: height * (1 + Math.ceil((width * depth * kind.channels) / 8)) };
}

/** How many bytes the compressed pixels are. Stops when they are more than `most`. */
function inflatedLength(chunks: readonly Chunk[], most: number): number {
  let length = 0;
  const inflating = new Unzlib((part) => {
    length += part.length;
    if (length > most) throw new Error("it has more pixels than its header says");
  });
  for (const { data } of chunks.filter(({ name }) => name === "IDAT"))
    for (let at = 0; at < data.length; at += STEP) inflating.push(data.subarray(at, at + STEP));
  inflating.push(new Uint8Array(0), true);
  return length;
}

function eightBits(image: DecodedPng): Uint8Array {
  const { data, depth, palette, transparency } = image;
  if (transparency) throw new Error("one of its colours is transparent: save it with an alpha channel");
  if (palette) return convertIndexedToRgb(image);
  const shades = 2 ** depth;
  // A grey picture of fewer bits is one with a palette of greys.
  if (depth < 8) {
    const greys = Array.from({ length: shades }, (_, i) => (255 * i) / (shades - 1)).map(
      (v): [number, number, number] => [v, v, v],
    );
    return convertIndexedToRgb({ ...image, palette: greys });
  }
  return depth === 16 ? new Uint8Array(data.map((v) => v >> 8)) : (data as Uint8Array);
}
