import jpeg from "jpeg-js";
import { describe, expect, test } from "vitest";
import { chunk, png, rowsOf } from "../../demo/worker/test/pictures.ts";
import { decodeImage } from "../../src/entries/image.ts";
import golden from "./image_golden.json" with { type: "json" };
import { imageSize, webpChunks } from "../../src/picture/image/parts.ts";
import { LrpError } from "../../src/base/error.ts";

/** What is known from a header is judged before anything is decoded; what nobody reads is not unpacked. */

const [width, height] = [5, 3];
const grey = rowsOf(width, height, (x, y) => [50 * y + 7 * x]);
const pixels = Array.from({ length: width * height }, (_, i) => 50 * Math.floor(i / width) + 7 * (i % width)).flatMap(
  (v) => [v, v, v, 255],
);
const photo = jpeg.encode({ data: Buffer.alloc(4 * 24 * 17, 99), width: 24, height: 17 }, 80).data;
const behindStart = (...bytes: number[]) =>
  Buffer.concat([photo.subarray(0, 2), Buffer.from(bytes), photo.subarray(2)]);
/** The photo with a byte of its frame changed, counted from the marker. */
const frame = (at: number, value: number) => {
  const start = photo.findIndex((byte, i) => byte === 0xff && photo[i + 1] === 0xc0);
  return Buffer.from(photo.map((byte, i) => (i === start + at ? value : byte)));
};
const fileOf = (name: string) => Buffer.from(golden.find((one) => one.name === name)!.file, "base64");
/** A WebP file of those chunks. */
function riff(...chunks: readonly (readonly [kind: string, data: ArrayLike<number>])[]): Buffer {
  const parts = chunks.map(([kind, data]) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(data.length);
    return Buffer.concat([Buffer.from(kind), length, Buffer.from(data), Buffer.alloc(data.length % 2)]);
  });
  const all = Buffer.concat([Buffer.from("RIFF....WEBP"), ...parts]);
  all.writeUInt32LE(all.length - 8, 4);
  return all;
}
const chunksOf = (name: string) => [...webpChunks(fileOf(name))].map(({ kind, data }) => [kind, data] as const);
/** An extended header: flags, three bytes of nothing, width and height less 1 in three bytes each. */
const extended = (w: number, h: number, flags = 0) =>
  ["VP8X", [flags, 0, 0, 0, ...[w - 1, h - 1].flatMap((side) => [side & 255, (side >> 8) & 255, side >> 16])]] as const;
const [lossy] = chunksOf("WebP");
const [lossless] = chunksOf("WebP without loss");

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
  expect(imageSize(riff(lossy))).toEqual({ width: 11, height: 5 });
  expect(imageSize(riff(lossless))).toEqual({ width: 11, height: 5 });
  expect(imageSize(riff(extended(2 ** 24, 77), lossy))).toEqual({ width: 2 ** 24, height: 77 });
  expect(imageSize(riff(["EXIF", [1, 2]], lossy))).toBeUndefined();
  expect(imageSize(behindStart(0xff, 0xe2, 0, 6, 0xff, 0xc0, 0, 17))).toEqual({ width: 24, height: 17 });
  for (const other of ["", "GIF89a", "\x89PNG\r\n\x1a\n", "\xff\xd8\xff"])
    expect(imageSize(Buffer.from(other, "latin1"))).toBeUndefined();
});

describe("too many pixels", () => {
  test.each([
    ["a PNG", png({ width: 10001, height: 10000, rows: new Uint8Array(0) }), "10001 x 10000"],
    ["a PNG of one long row", png({ width: 2 ** 31 - 1, height: 1, rows: new Uint8Array(0) }), "2147483647 x 1"],
    ["a JPEG", Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0]), "65535 x 65535"],
    ["a WebP", riff(extended(16384, 16384)), "16384 x 16384"],
    ["a WebP without loss", riff(["VP8L", [0x2f, 255, 255, 255, 15]]), "16384 x 16384"],
    ["a lossy WebP", riff(["VP8 ", [0, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0xff]]), "16383 x 16383"],
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

  test("parts of a WebP that are none of its pixels", () => {
    const { data } = decodeImage(riff(lossy));
    const more = [
      ["ICCP", [1, 2, 3]],
      ["EXIF", [9]],
      ["XMP ", []],
      ["abcd", [0]],
    ] as const;
    expect(decodeImage(riff(extended(11, 5, 0x2c), ...more, lossy, ...more)).data).toEqual(data);
    expect(decodeImage(Buffer.concat([riff(lossless), Buffer.alloc(9, 1)])).data).toEqual(
      decodeImage(riff(lossless)).data,
    );
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
    const expected = Array.from({ length: width * height }, (_, i) => [i % width, Math.floor(i / width), 9, 255]);
    expect(Array.from(decodeImage(file).data)).toEqual(expected.flat());
  });
});

describe("pictures that are refused say why", () => {
  const palette = (size: number) => chunk("PLTE", Array(size).fill(1));
  const indexed = (...chunks: Uint8Array[]) => png({ width, height, colours: 3, rows: new Uint8Array(18), chunks });
  const rows = fileOf("JPEG of several rows of blocks");
  const shortened = Buffer.concat([rows.subarray(0, -99), rows.subarray(-2)]);
  const cmyk = fileOf("JPEG of CMYK");
  const unsaid = Buffer.concat([cmyk.subarray(0, 2), cmyk.subarray(4 + cmyk.readUInt16BE(4))]);
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
    ["pixels that end before the picture does", shortened, /its pixels are damaged/],
    [
      "an animated WebP",
      riff(extended(11, 5, 2), ["ANIM", [0, 0, 0, 0, 0, 0]], ["ANMF", lossy[1]]),
      /animated: save the frame/,
    ],
    ["a WebP without pixels", riff(extended(11, 5)), /its parts do not fit together/],
    ["a WebP of two pictures", riff(lossy, lossy), /its parts do not fit together/],
    ["a WebP of another size than it says", riff(extended(11, 6), lossy), /its parts do not fit together/],
    ["a WebP without loss of another size", riff(extended(12, 5), lossless), /its parts do not fit together/],
    [
      "a WebP whose length is another",
      Buffer.concat([riff(lossy, ["abcd", []]).subarray(0, -4), Buffer.alloc(4, 9)]),
      /its parts do not fit together/,
    ],
    ["a WebP whose pixels end too soon", riff([lossy[0], lossy[1].subarray(0, -20)]), /its pixels are damaged/],
    [
      "a WebP without loss that ends too soon",
      riff([lossless[0], lossless[1].subarray(0, -20)]),
      /its pixels are damaged/,
    ],
    ["a WebP that is cut off", riff(lossy, ["abcd", [1, 2, 3, 4]]).subarray(0, -3), /it is cut off/],
    ["a WebP that begins with another part", riff(["EXIF", []], lossy), /cut off before it says how large/],
    ["four colours of which nothing is said", unsaid, /it does not say what its four colours are/],
    ["cut off in its pixels", photo.subarray(0, -9), /it is cut off/],
    ["cut off in its frame", photo.subarray(0, 30), /cut off before it says how large/],
  ])("%s", (_, file, message) => {
    const { code, message: told } = failure(file);
    expect([code, told]).toEqual(["usage", expect.stringMatching(message)]);
  });
});
