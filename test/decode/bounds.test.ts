import jpeg from "jpeg-js";
import { describe, expect, test } from "vitest";
import { chunk, png, rowsOf } from "../../demo/worker/test/pictures.ts";
import { decodeImage } from "../../src/picture/decode/index.ts";
import { imageSize } from "../../src/picture/image/parts.ts";
import { LrpError } from "../../src/base/error.ts";

/** What is known from a header is judged before anything is decoded; what nobody reads is not unpacked. */

const [width, height] = [5, 3];
const grey = rowsOf(width, height, (x, y) => [50 * y + 7 * x]);
const pixels = Array.from({ length: width * height }, (_, i) => 50 * Math.floor(i / width) + 7 * (i % width));
const photo = jpeg.encode({ data: Buffer.alloc(4 * 24 * 17, 99), width: 24, height: 17 }, 80).data;
const behindStart = (...bytes: number[]) =>
  Buffer.concat([photo.subarray(0, 2), Buffer.from(bytes), photo.subarray(2)]);
/** The photo with a byte of its frame changed, counted from the marker. */
const frame = (at: number, value: number) => {
  const start = photo.findIndex((byte, i) => byte === 0xff && photo[i + 1] === 0xc0);
  return Buffer.from(photo.map((byte, i) => (i === start + at ? value : byte)));
};
const without = (file: Buffer, name: string) => {
  const at = file.indexOf(name) - 4;
  return Buffer.concat([file.subarray(0, at), file.subarray(at + 12 + file.readUInt32BE(at))]);
};

function failure(file: Uint8Array, maxPixels?: number): LrpError {
  try {
    decodeImage(file, { name: "x", maxPixels });
  } catch (error) {
    if (error instanceof LrpError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("sizes are read from headers alone", () => {
  expect(imageSize(png({ width: 2 ** 31, height: 7, rows: new Uint8Array(0) }))).toEqual({ width: 2 ** 31, height: 7 });
  expect(imageSize(photo)).toEqual({ width: 24, height: 17 });
  expect(imageSize(behindStart(0xff, 0xe2, 0, 6, 0xff, 0xc0, 0, 17))).toEqual({ width: 24, height: 17 });
  for (const other of ["", "GIF89a", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff"])
    expect(imageSize(Buffer.from(other, "latin1"))).toBeUndefined();
});

describe("too many pixels", () => {
  test.each([
    ["a PNG", png({ width: 10001, height: 10000, rows: new Uint8Array(0) }), "10001 x 10000"],
    ["a PNG of one long row", png({ width: 2 ** 31 - 1, height: 1, rows: new Uint8Array(0) }), "2147483647 x 1"],
    ["a JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0]), "65535 x 65535"],
  ])("%s", (_, file, received) => {
    const { code, message } = failure(file);
    expect([code, message]).toEqual([
      "memory",
      `file 'x': expected at most 100000000 pixels, got ${received}. Make it smaller, or raise maxPixels.`,
    ]);
  });

  test("the limit is an option", () => {
    const file = png({ width, height, rows: grey });
    expect(Array.from(decodeImage(file, { maxPixels: 15 }).data)).toEqual(pixels);
    expect(failure(file, 14).code).toBe("memory");
    expect(decodeImage(photo, { maxPixels: 24 * 17 }).width).toBe(24);
    expect(failure(photo, 24 * 17 - 1).code).toBe("memory");
  });
});

describe("what nobody reads is left as it is", () => {
  test.each(["iCCP", "zTXt", "iTXt", "tEXt", "eXIf", "acTL", "fdAT", "prVt"])("a damaged %s", (name) => {
    const file = png({ width, height, rows: grey, chunks: [chunk(name, [97, 0, 0, 1, 2, 3])] });
    expect(Array.from(decodeImage(file).data)).toEqual(pixels);
  });

  test("segments of applications and comments", () => {
    const { data } = decodeImage(photo);
    for (const kind of [0xe0, 0xe1, 0xe2, 0xed, 0xef, 0xfe])
      expect(decodeImage(behindStart(0xff, kind, 0, 8, 74, 70, 73, 70, 0, 1)).data).toEqual(data);
  });

  test("bytes between segments and behind the end", () => {
    const { data } = decodeImage(photo);
    const behindFirst = 4 + photo[5];
    const stray = [photo.subarray(0, behindFirst), Buffer.from([1, 2, 3, 0xff, 0, 4]), photo.subarray(behindFirst)];
    expect(decodeImage(Buffer.concat(stray)).data).toEqual(data);
    expect(decodeImage(Buffer.concat([photo, Buffer.alloc(99, 255)])).data).toEqual(data);
  });

  test("a palette that a picture of full colour suggests", () => {
    const rows = rowsOf(width, height, (x, y) => [x, y, 9]);
    const file = png({ width, height, colours: 2, rows, chunks: [chunk("PLTE", [9, 9, 9])] });
    expect(Array.from(decodeImage(file).data)).toEqual(Array.from(rows).filter((_, i) => i % (1 + 3 * width) !== 0));
  });
});

describe("pictures that are refused say why", () => {
  const palette = (size: number) => chunk("PLTE", Array(size).fill(1));
  const indexed = (...chunks: Uint8Array[]) => png({ width, height, colours: 3, rows: new Uint8Array(18), chunks });
  const long = Buffer.concat([
    photo.subarray(0, -2),
    ...Array.from({ length: 100 }, () => Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1])),
    photo.subarray(-2),
  ]);

  test.each([
    ["no palette", indexed(), /those of a palette, and it has not one palette/],
    ["two palettes", indexed(palette(3), palette(3)), /has not one palette/],
    ["a palette of 257", indexed(palette(771)), /has not one palette/],
    ["transparent twice", indexed(palette(3), chunk("tRNS", [1]), chunk("tRNS", [1])), /more than once/],
    ["no chunk with pixels", without(png({ width, height, rows: grey }), "IDAT"), /a readable PNG/],
    ["more pixels", png({ width, height, rows: new Uint8Array(5e7) }), /more pixels than its header says/],
    ["fewer pixels", png({ width, height, rows: grey.subarray(1) }), /its pixels are 17 bytes instead of 18/],
    ["no pixels", png({ width: 0, height, rows: grey }), /it has no pixels/],
    ["colours of kind 5", png({ width, height, colours: 5, rows: grey }), /of kind 5 with 8 bits, which is none/],
    ["3 bits", png({ width, height, depth: 3, rows: grey }), /of kind 0 with 3 bits, which is none/],
    ["interlaced by way 2", png({ width, height, interlaced: 2, rows: grey }), /interlaced by way 2/],
    ["an unknown part", png({ width, height, rows: grey, chunks: [chunk("CgBI", [0])] }), /a part 'CgBI' without/],
    ["12 bits", frame(4, 12), /it has 12 bits per colour: save it with 8/],
    ["arithmetic coding", frame(1, 0xc9), /lossless, arithmetically coded or hierarchical/],
    ["two colours", frame(9, 2), /it has 2 colours/],
    ["no samples of a colour", frame(11, 0x01), /its parts do not fit together/],
    ["fifteen samples of a colour", frame(11, 0xf1), /its parts do not fit together/],
    ["no lines", frame(6, 0), /it has no pixels/],
    ["two frames", Buffer.concat([photo.subarray(0, 2), photo.subarray(2, -2), photo.subarray(2)]), /it has 2 frames/],
    ["a hundred scans too many", long, /it has 101 scans: 100 can be read/],
    ["cut off in its pixels", photo.subarray(0, -9), /it is cut off/],
    ["cut off in its frame", photo.subarray(0, 30), /cut off before it says how large/],
  ])("%s", (_, file, message) => {
    const { code, message: told } = failure(file);
    expect([code, told]).toEqual(["usage", expect.stringMatching(message)]);
  });
});
