import { LrpError } from "../../base/error.ts";

/**
 * A picture of 8 bits per channel, row by row from the top: grey, grey + alpha, RGB or RGBA.
 * Which of them follows from `data.length / (width * height)`: 1, 2, 3 or 4. A canvas' `ImageData` is one.
 */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** A picture to look at: RGBA, row by row from the top. Fits `new ImageData(data, width)`. */
export interface Picture {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** The most pixels of a picture, unless it is said otherwise. */
export const MAX_PIXELS = 1e8;

/** @throws LrpError code "memory" before anything of that size is made */
export function checkPixels(where: string, width: number, height: number, most: number, made = ""): void {
  if (width * height <= most) return;
  throw new LrpError("memory", {
    where,
    expected: `at most ${most} pixels${made}`,
    received: `${width} x ${height}`,
    fix: "Make it smaller, or raise maxPixels.",
    mentions: [{ text: "maxPixels", option: "maxPixels" }],
  });
}

/** One channel of a picture. */
export interface Plane {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * The channels of a picture: red, green and blue for 3, grey for 1. Grey becomes colour by repetition and colour
 * becomes grey by ITU-R 601 luma, rounded as Pillow's `convert("L")` does. Where a picture is transparent, white
 * shows through, as on most pages.
 *
 * @throws LrpError code "usage" when `data` does not hold 1 to 4 values per pixel.
 */
export function planes(pixels: Pixels, count: 1 | 3): Plane[] {
  const { width, height } = pixels;
  const stored = channelCount(pixels);
  const colours = stored > 2 ? 3 : 1;
  const opaque = Array.from({ length: colours }, (_, k) => overWhite(pixels.data, stored, k));
  const data =
    count === 3 ? [0, 1, 2].map((k) => opaque[colours === 3 ? k : 0]) : [colours === 3 ? luma(opaque) : opaque[0]];
  return data.map((channel) => ({ data: channel, width, height }));
}

/** Three planes, or one shown as grey, as a picture. */
export function picture(parts: readonly Plane[]): Picture {
  const { width, height } = parts[0];
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let k = 0; k < 3; k++) {
    const channel = parts[parts.length === 3 ? k : 0].data;
    for (let i = 0; i < channel.length; i++) data[4 * i + k] = channel[i];
  }
  return { data, width, height };
}

/** @throws LrpError code "usage" for what is no picture */
export function channelCount({ data, width, height }: Pixels): number {
  const count = data.length / (width * height);
  if ([1, 2, 3, 4].includes(count)) return count;
  throw new LrpError("usage", {
    where: "picture",
    expected: "1 (grey), 2 (grey + alpha), 3 (RGB) or 4 (RGBA) values per pixel",
    received: `${data.length} values for ${width} x ${height} pixels`,
  });
}

function overWhite(data: Pixels["data"], stored: number, channel: number): Uint8Array {
  const out = new Uint8Array(data.length / stored);
  const alpha = stored % 2 === 0 ? stored - 1 : undefined;
  for (let i = 0, at = 0; i < out.length; i++, at += stored) {
    const value = data[at + channel];
    out[i] = alpha === undefined ? value : Math.round(255 + ((value - 255) * data[at + alpha]) / 255);
  }
  return out;
}

function luma([r, g, b]: readonly Uint8Array[]): Uint8Array {
  return r.map((red, i) => (19595 * red + 38470 * g[i] + 7471 * b[i] + 32768) >> 16);
}
