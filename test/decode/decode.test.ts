import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { LrpError } from "../../src/base/error.ts";
import { orientation } from "../../src/picture/decode/exif.ts";
import { decodeImage } from "../../src/entries/image.ts";
import golden from "./image_golden.json" with { type: "json" };

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

test.each(golden)("$name", ({ file, width, height, pixels }) => {
  const image = decodeImage(bytes(file), { name: "x" });
  expect(image).toEqual({ width, height, data: new Uint8ClampedArray(bytes(pixels)) });
});

test("a damaged picture leaves nothing behind for the next", () => {
  const files = golden
    .filter(({ name }) => /^(JPEG|WebP)/.test(name))
    .map((one) => ({ ...one, data: bytes(one.file) }));
  for (const { data, pixels } of [...files, ...files].reverse()) {
    expect(() => decodeImage(data.subarray(0, -20))).toThrow("it is cut off");
    const damaged = data.map((v, i) => (i > data.length - 30 && i < data.length - 9 ? v ^ 0x55 : v));
    try {
      decodeImage(damaged);
    } catch (error) {
      expect(error).toBeInstanceOf(LrpError);
    }
    expect(Buffer.from(decodeImage(data).data).toString("base64")).toBe(pixels);
  }
});

test("the orientation is one of several entries, in either order of bytes", () => {
  const short = (v: number, little: boolean) => (little ? [v & 255, v >> 8] : [v >> 8, v & 255]);
  const long = (v: number, little: boolean) => (little ? [...short(v, true), 0, 0] : [0, 0, ...short(v, false)]);
  for (const little of [true, false]) {
    const entry = (tag: number, v: number) => [
      ...short(tag, little),
      ...short(3, little),
      ...long(1, little),
      ...short(v, little),
      0,
      0,
    ];
    const exif = (...entries: number[][]) => {
      const head = [
        ...ascii(little ? "II" : "MM"),
        ...short(42, little),
        ...long(8, little),
        ...short(entries.length, little),
      ];
      return Uint8Array.from([...head, ...entries.flat(), ...long(0, little)]);
    };
    expect(orientation(exif(entry(0x0100, 3), entry(0x0101, 4), entry(0x0112, 6)))).toBe(6);
    expect(orientation(exif(entry(0x0100, 3), entry(0x0101, 4)))).toBe(1);
    expect(orientation(exif(entry(0x0112, 8)).subarray(0, 15))).toBe(1);
  }
});

test("a picture whose orientation is none of the eight stays as it is", () => {
  const jpeg = bytes(golden.find(({ name }) => name === "JPEG sampled 2x2")?.file ?? "");
  const upright = decodeImage(jpeg, { name: "x" });
  for (const turn of [0, 1, 9]) {
    const exif = [
      ...ascii("Exif\0\0MM"),
      0,
      42,
      0,
      0,
      0,
      8,
      0,
      1,
      0x01,
      0x12,
      0,
      3,
      0,
      0,
      0,
      1,
      0,
      turn,
      0,
      0,
      0,
      0,
      0,
      0,
    ];
    const turned = Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2, ...exif, ...jpeg.subarray(2)]);
    expect(decodeImage(turned, { name: "x" })).toEqual(upright);
  }
});

test("interlaced pictures", () => {
  const data = Uint8Array.from({ length: 3 * 11 * 5 }, (_, i) => i * 7);
  expect(
    decodeImage(encode({ data, width: 11, height: 5, channels: 3 }, { interlace: "Adam7" }), { name: "x" }).data,
  ).toEqual(
    Uint8ClampedArray.from({ length: 4 * 11 * 5 }, (_, i) => (i % 4 === 3 ? 255 : data[3 * (i >> 2) + (i % 4)])),
  );
});

describe("errors name the file and what it is", () => {
  const png = bytes(golden[0].file);
  const jpeg = bytes(golden.find(({ name }) => name === "JPEG sampled 2x2")?.file ?? "");
  const broken = png.slice();
  broken[50] ^= 255;
  const small = png.slice();
  small.set([1, 3, 0, 0, 1], 24);

  test.each([
    ["a cut-off PNG", png.subarray(0, 60), /^file 'x.png': expected a readable PNG picture, got one that is not/],
    ["a changed byte", broken, /^file 'x.png': expected a readable PNG picture/],
    ["interlaced 1 bit", small, /interlaced with 1 bits per pixel: save it without interlacing/],
    ["a cut-off JPEG", jpeg.subarray(0, jpeg.length / 2), /^file 'x.png': expected a readable JPEG picture/],
    [
      "GIF",
      ascii("GIF89a"),
      /^file 'x.png': expected a \.png, \.jpg or \.webp picture, got GIF\. Convert it to PNG\.$/,
    ],
    ["text", ascii("hello"), /got unknown content\.$/],
    ["one byte", ascii("\x89"), /got unknown content\.$/],
  ])("%s", (_, file, message) => expect(() => decodeImage(file, { name: "x.png" })).toThrow(message));
});
