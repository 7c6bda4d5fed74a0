import { LrpError } from "../../base/error.ts";
import { joined } from "../image/parts.ts";
import type { Pixels } from "../image/pixels.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** PNG's colour types by number of channels: grey, grey + alpha, RGB, RGBA. */
const COLOUR_TYPES: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

/**
 * A picture as the bytes of a PNG file, without loss: 8 bits a channel, rows unfiltered. Source: PNG specification,
 * third edition.
 *
 * @param picture RGBA, RGB, grey + alpha or grey
 * @throws LrpError code "usage" (as rejection) when `data` does not hold 1 to 4 values per pixel.
 * @example
 * await writeFile("heatmap.png", await encodePng(heatmap(explanation.relevance)));
 */
export async function encodePng(picture: Pixels): Promise<Uint8Array<ArrayBuffer>> {
  const { data, width, height } = picture;
  const channels = data.length / (width * height);
  const colourType = COLOUR_TYPES[channels];
  if (colourType === undefined) {
    throw new LrpError("usage", {
      where: "encodePng",
      expected: "1, 2, 3 or 4 values per pixel",
      received: `${data.length} values for ${width} x ${height} pixels`,
    });
  }
  // Every row begins with the number of its filter, 0.
  const row = width * channels;
  const rows = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return joined([
    SIGNATURE,
    ...chunk("IHDR", [...bigEndian(width), ...bigEndian(height), 8, colourType, 0, 0, 0]),
    ...chunk("IDAT", await deflated(rows)),
    ...chunk("IEND", []),
  ]);
}

/** Compressed by the platform, in zlib's format. */
async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const { readable, writable } = new CompressionStream("deflate");
  const writer = writable.getWriter();
  // Not awaited: nothing is written before something reads.
  const written = Promise.all([writer.write(bytes), writer.close()]);
  const parts: Uint8Array[] = [];
  const reader = readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  await written;
  return joined(parts);
}

/** Length, name, data, and the checksum of name and data. */
function chunk(name: string, data: ArrayLike<number>): ArrayLike<number>[] {
  const checked = joined([Array.from(name, (c) => c.charCodeAt(0)), data]);
  return [bigEndian(data.length), checked, bigEndian(crc32(checked))];
}

const bigEndian = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}
