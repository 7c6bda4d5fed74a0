/* Small pictures, arrays and sidecars, and how they are damaged so that a reader gets further than their checksums. */
import { crc32, deflateSync, inflateSync } from "node:zlib";
import { encode } from "fast-png";
import { unzipSync, zipSync } from "fflate";
import jpeg from "jpeg-js";
import { writeNpy } from "../../src/read/npy.ts";
import { jpegSegments, joined, pngChunks, webpChunks } from "../../src/picture/image/parts.ts";
import arrays from "../cli/npy_golden.json" with { type: "json" };
import golden from "../decode/image_golden.json" with { type: "json" };
import { damaged, type Draw } from "./mutate.ts";

const text = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const bytesOf = ({ file }: { readonly file: string }) => new Uint8Array(Buffer.from(file, "base64"));
const small = golden.filter(({ width, height }) => width * height <= 64 * 48);
const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7919) >> 3);

export const seeds = {
  png: [
    ...small.filter(({ name }) => !/^(JPEG|WebP)/.test(name)).map(bytesOf),
    encode({ width: 11, height: 5, channels: 3, data: ramp(165) }, { interlace: "Adam7" }),
  ],
  jpeg: [
    ...small.filter(({ name }) => name.startsWith("JPEG")).map(bytesOf),
    ...[
      [9, 7],
      [16, 3],
    ].map(([width, height]) => new Uint8Array(jpeg.encode({ width, height, data: ramp(4 * width * height) }, 60).data)),
  ],
  webp: small.filter(({ name }) => name.startsWith("WebP")).map(bytesOf),
  npy: [
    ...[[2, 3], [5], [], [1, 3, 4, 5]].map((dims) =>
      writeNpy({ dims, data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i / 3) }),
    ),
    ...arrays.filter(({ name }) => !/npz/.test(name)).map(bytesOf),
  ],
  npz: arrays.filter(({ name }) => /npz/.test(name)).map(bytesOf),
  sidecar: [
    { preprocess: "caffe", classes: ["cat", "dog"] },
    { preprocess: { resize: 256, crop: true, channels: "bgr", mean: [104, 117, 123], std: 1, maxPixels: 1e8 } },
    { preprocess: { resize: "exact", scale: 1 / 255 }, classes: ["\u001b[2J", "naïve", ""] },
  ].map(text),
};

const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
/** Numbers at which a size is wrong. */
const SIZES = [0, 1, 2, 255, 256, 65535, 65536, 1e4, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** A list with one of it damaged, gone, there twice, or at another place. */
function rearranged<T>(list: readonly T[], draw: Draw, change: (one: T) => T): T[] {
  const at = draw.int(Math.max(1, list.length));
  const [before, after] = [list.slice(0, at), list.slice(at + 1)];
  const one = list[at];
  if (one === undefined) return [...list];
  return draw.of([
    () => [...before, change(one), ...after],
    () => [...before, change(one), ...after],
    () => [...before, ...after],
    () => [...before, one, one, ...after],
    () => [...before, ...after.slice(0, 1), one, ...after.slice(1)],
  ])();
}

interface Chunk {
  readonly kind: string;
  readonly data: Uint8Array;
}

const NAMES = "IHDR PLTE IDAT tRNS IEND iCCP zTXt iTXt tEXt acTL fcTL fdAT eXIf gAMA CgBI abcd".split(" ");

function chunkBytes({ kind, data }: Chunk): Uint8Array {
  const named = joined([Buffer.from(kind, "latin1"), data]);
  return joined([u32(data.length), named, u32(crc32(named))]);
}

function changedChunk({ kind, data }: Chunk, draw: Draw): Chunk {
  if (kind === "IHDR" && data.length === 13 && draw.chance(0.7)) {
    const header = Uint8Array.from(data);
    if (draw.chance(0.5)) header.set(u32(draw.chance(0.5) ? draw.int(40) : draw.of(SIZES)), 4 * draw.int(2));
    else header[8 + draw.int(5)] = draw.of([0, 1, 2, 3, 4, 6, 8, 16, draw.int(256)]);
    return { kind, data: header };
  }
  if (kind === "IDAT" && draw.chance(0.6)) {
    try {
      return { kind, data: deflateSync(damaged(inflateSync(data), draw), { level: draw.int(10) }) };
    } catch {
      // One of several, or damaged already.
    }
  }
  if (draw.chance(0.1)) return { kind: draw.of(NAMES), data };
  if (draw.chance(0.02)) return { kind, data: deflateSync(new Uint8Array(1 + draw.int(2 ** 22))) };
  return { kind, data: damaged(data, draw) };
}

export function changedPng(file: Uint8Array, draw: Draw): Uint8Array {
  if (draw.chance(0.15)) return damaged(file, draw);
  let chunks: Chunk[] = [...pngChunks(file)];
  for (let more = 1 + draw.int(3); more > 0; more--)
    chunks = rearranged(chunks, draw, (chunk) => changedChunk(chunk, draw));
  if (draw.chance(0.1))
    chunks.splice(draw.int(chunks.length + 1), 0, { kind: draw.of(NAMES), data: ramp(draw.int(99)) });
  return joined([file.subarray(0, 8), ...chunks.map(chunkBytes)]);
}

function changedSegment(segment: Uint8Array, draw: Draw): Uint8Array {
  const bytes = Uint8Array.from(segment);
  const isFrame = bytes[1] >= 0xc0 && bytes[1] <= 0xc2;
  if (isFrame && draw.chance(0.7) && bytes.length > 10) {
    const at = draw.of([4, 5, 6, 7, 8, 9, 10 + draw.int(bytes.length - 10)]);
    bytes[at] = draw.of([0, 1, 2, 3, 4, 8, 12, 0x11, 0x22, 0x41, draw.int(256)]);
    return bytes;
  }
  if (draw.chance(0.05)) bytes[1] = 0xc0 + draw.int(64);
  const head = bytes.subarray(0, 4);
  const data = damaged(bytes.subarray(4), draw);
  // The length of the scan's own header stays: behind it are the coded pixels.
  return head[1] === 0xda || head.length < 4
    ? joined([head, data])
    : joined([head.subarray(0, 2), u32(data.length + 2).slice(2), data]);
}

export function changedJpeg(file: Uint8Array, draw: Draw): Uint8Array {
  if (draw.chance(0.15)) return damaged(file, draw);
  let segments = [...jpegSegments(file)].map(({ whole }) => whole);
  for (let more = 1 + draw.int(3); more > 0; more--)
    segments = rearranged(segments, draw, (segment) => changedSegment(segment, draw));
  return joined([file.subarray(0, 2), ...segments]);
}

const WEBP = ["VP8X", "VP8 ", "VP8L", "ALPH", "EXIF", "ICCP", "ANIM", "ANMF", "XMP ", "abcd"];

function changedWebpChunk({ kind, data }: Chunk, draw: Draw): Chunk {
  if (draw.chance(0.1)) return { kind: draw.of(WEBP), data };
  // The header stays, so that the decoder gets as far as the codes behind it.
  const header = draw.chance(0.7) ? 10 : 0;
  return { kind, data: joined([data.subarray(0, header), damaged(data.subarray(header), draw)]) };
}

export function changedWebp(file: Uint8Array, draw: Draw): Uint8Array {
  if (draw.chance(0.15)) return damaged(file, draw);
  let chunks: Chunk[] = [...webpChunks(file)];
  for (let more = 1 + draw.int(3); more > 0; more--)
    chunks = rearranged(chunks, draw, (chunk) => changedWebpChunk(chunk, draw));
  const parts = chunks.map(({ kind, data }) =>
    joined([Buffer.from(kind, "latin1"), u32(data.length).reverse(), data, new Uint8Array(data.length % 2)]),
  );
  const length = parts.reduce((sum, part) => sum + part.length, 4);
  return joined([file.subarray(0, 4), u32(length).reverse(), file.subarray(8, 12), ...parts]);
}

export function changedNpz(file: Uint8Array, draw: Draw): Uint8Array {
  if (draw.chance(0.5)) return damaged(file, draw);
  const files = rearranged(Object.entries(unzipSync(file)), draw, ([name, one]): [string, Uint8Array] =>
    draw.chance(0.2) ? [draw.of(["input.npy", "constructor", "é"]), one] : [name, changedNpy(one, draw)],
  );
  const zipped = zipSync(Object.fromEntries(files), { level: draw.of([0, 9]) });
  return draw.chance(0.3) ? damaged(zipped, draw) : zipped;
}

export function changedNpy(file: Uint8Array, draw: Draw): Uint8Array {
  if (draw.chance(0.2)) return damaged(file, draw);
  const length = new DataView(file.buffer, file.byteOffset).getUint16(8, true);
  let header = Buffer.from(file.subarray(10, 10 + length)).toString("latin1");
  const part = draw.of([
    /'[<>|]\w\d'/,
    "False",
    "(",
    ")",
    "descr",
    "fortran_order",
    "shape",
    ",",
    ":",
    "}",
    /\d+/g,
  ] as const);
  const other = draw.of([
    "'<f8'",
    "'>f2'",
    "'|b1'",
    "'>i8'",
    "'<u4'",
    "True",
    "()",
    "(9,)",
    "((",
    "",
    "0",
    "1e9",
    "-1",
    "99999999999",
    "None",
    "\0",
    "'",
  ]);
  for (let more = draw.int(3); more >= 0; more--) header = header.replace(part, other);
  const version = draw.of([1, 1, 1, 2, 3, draw.int(256)]);
  const stated = draw.chance(0.8) ? header.length : draw.of(SIZES);
  const [a, b, c, d] = u32(stated);
  const size = version === 1 ? [d, c] : [d, c, b, a];
  const values = draw.chance(0.7) ? file.subarray(10 + length) : damaged(file.subarray(10 + length), draw);
  return joined([file.subarray(0, 6), [version, 0], size, Buffer.from(header, "latin1"), values]);
}

const ODD = [
  null,
  true,
  -1,
  0,
  1.5,
  Number.POSITIVE_INFINITY,
  "",
  "exact",
  "caffe",
  "__proto__",
  [],
  {},
  [null],
  { a: 1 },
  [[1]],
  2 ** 53,
];
const KEYS = ["preprocess", "classes", "resize", "crop", "mean", "std", "scale", "channels", "maxPixels", "__proto__"];

function changedValue(value: unknown, draw: Draw): unknown {
  if (typeof value !== "object" || value === null || draw.chance(0.3)) return draw.of(ODD);
  if (Array.isArray(value)) return rearranged(value, draw, (one) => changedValue(one, draw));
  const entries = rearranged(Object.entries(value), draw, ([key, one]): [string, unknown] =>
    draw.chance(0.3) ? [draw.of(KEYS), one] : [key, changedValue(one, draw)],
  );
  return Object.fromEntries(entries);
}

export function changedJson(file: Uint8Array, draw: Draw): Uint8Array {
  if (draw.chance(0.3)) return damaged(file, draw);
  if (draw.chance(0.02)) return text(draw.of(["[", '{"classes":', "[[],"]).repeat(1 + draw.int(20000)));
  let value: unknown = JSON.parse(new TextDecoder().decode(file));
  for (let more = draw.int(3); more >= 0; more--) value = changedValue(value, draw);
  return text(JSON.stringify(value) ?? "");
}
