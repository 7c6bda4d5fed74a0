import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { decode } from "fast-png";
import jpeg from "jpeg-js";

export const demo = join(import.meta.dirname, "../..");

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const u32 = (...values: number[]) => values.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]);

export function chunk(name: string, data: ArrayLike<number>): Uint8Array {
  const named = Uint8Array.from([...Buffer.from(name), ...Array.from(data)]);
  return Uint8Array.from([...u32(data.length), ...named, ...u32(crc32(named))]);
}

/** A PNG file of any kind, true or not. */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  readonly colours?: number;
  readonly interlaced?: number;
  /** Between the header and the pixels. */
  readonly chunks?: readonly Uint8Array[];
  /** All rows, with their filters. */
  readonly rows: Uint8Array;
}

export function png({ width, height, depth = 8, colours = 0, interlaced = 0, chunks = [], rows }: PngParts): Buffer {
  const header = chunk("IHDR", [...u32(width, height), depth, colours, 0, 0, interlaced]);
  return Buffer.concat([
    Uint8Array.from(SIGNATURE),
    header,
    ...chunks,
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", []),
  ]);
}

/** The rows of a picture whose pixels are so many bytes. */
export function rowsOf(width: number, height: number, pixel: (x: number, y: number) => readonly number[]): Uint8Array {
  return Uint8Array.from(
    Array.from({ length: height }, (_, y) => [
      0,
      ...Array.from({ length: width }, (_, x) => pixel(x, y)).flat(),
    ]).flat(),
  );
}

export const read = (name: string) => readFileSync(join(demo, name));
export const [three, seven] = ["three.png", "seven.png"].map(read);

/** How much ink of a drawn digit there is at a place, both in its own 28 x 28 pixels; 0 to 1, bilinear. */
function inkOf(file: Uint8Array): (x: number, y: number) => number {
  const { data } = decode(file);
  const at = (x: number, y: number) => (x < 0 || y < 0 || x > 27 || y > 27 ? 0 : data[28 * y + x] / 255);
  return (x, y) => {
    const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [a, b] = [x - 0.5 - left, y - 0.5 - top];
    const [upper, lower] = [top, top + 1].map((row) => (1 - a) * at(left, row) + a * at(left + 1, row));
    return (1 - b) * upper + b * lower;
  };
}

/** Where the square of the drawing lies in `photo`. */
export const PLACE = { left: 420, top: 130, side: 300 };
const PHOTO = { width: 900, height: 600 };

/** The grey of a photo of a digit in dark ink on paper that is lit from the left, with grain. */
function photo(file: Uint8Array): (x: number, y: number) => number {
  const ink = inkOf(file);
  return (x, y) => {
    const paper = 235 - (50 * x) / PHOTO.width;
    const grain = 6 * Math.sin(12.9898 * x + 78.233 * y);
    const [u, v] = [x - PLACE.left, y - PLACE.top].map((d) => ((d + 0.5) * 28) / PLACE.side);
    return Math.round(paper + grain - 160 * ink(u, v));
  };
}

/** As a camera that is held on its side stores it: the picture is turned by a quarter, and EXIF says 6. */
export function jpegPhoto(file: Uint8Array, turned: boolean): Buffer {
  const grey = photo(file);
  const [width, height] = turned ? [PHOTO.height, PHOTO.width] : [PHOTO.width, PHOTO.height];
  const data = Buffer.alloc(4 * width * height, 255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.fill(turned ? grey(PHOTO.width - 1 - y, x) : grey(x, y), 4 * (y * width + x), 4 * (y * width + x) + 3);
  const bytes = jpeg.encode({ data, width, height }, 90).data;
  const tiff = [0x4d, 0x4d, 0, 42, ...u32(8), 0, 1, 0x01, 0x12, 0, 3, ...u32(1), 0, 6, 0, 0, ...u32(0)];
  const exif = [...Buffer.from("Exif\0\0"), ...tiff];
  const segment = Uint8Array.from([0xff, 0xe1, 0, exif.length + 2, ...exif]);
  return turned ? Buffer.concat([bytes.subarray(0, 2), segment, bytes.subarray(2)]) : bytes;
}

export function pngPhoto(file: Uint8Array): Buffer {
  const { width, height } = PHOTO;
  const grey = photo(file);
  return png({ width, height, rows: rowsOf(width, height, (x, y) => [grey(x, y)]) });
}

/** The drawn digit in the other ways that a PNG may hold it. */
export function variants(file: Uint8Array): Record<string, Buffer> {
  const { data } = decode(file);
  const [width, height] = [28, 28];
  const at = (x: number, y: number) => data[28 * y + x];
  const bits = (x: number, y: number) =>
    Array.from({ length: 8 }, (_, k) => +(x + k < 28 && at(x + k, y) > 127)).reduce((a, b) => 2 * a + b, 0);
  return {
    "dark on light": png({ width, height, rows: rowsOf(28, 28, (x, y) => [255 - at(x, y)]) }),
    "16 bits": png({ width, height, depth: 16, rows: rowsOf(28, 28, (x, y) => [at(x, y), 0]) }),
    "1 bit": png({ width, height, depth: 1, rows: rowsOf(4, 28, (x, y) => [bits(8 * x, y)]) }),
    colour: png({ width, height, colours: 2, rows: rowsOf(28, 28, (x, y) => [at(x, y), at(x, y), at(x, y)]) }),
    "colour with a palette for poor screens": png({
      width,
      height,
      colours: 2,
      chunks: [chunk("PLTE", [9, 9, 9])],
      rows: rowsOf(28, 28, (x, y) => [at(x, y), at(x, y), at(x, y)]),
    }),
    palette: png({
      width,
      height,
      colours: 3,
      chunks: [chunk("PLTE", [0, 0, 0, 255, 255, 255])],
      rows: rowsOf(28, 28, (x, y) => [+(at(x, y) > 127)]),
    }),
    "black on nothing": png({ width, height, colours: 6, rows: rowsOf(28, 28, (x, y) => [0, 0, 0, at(x, y)]) }),
  };
}
