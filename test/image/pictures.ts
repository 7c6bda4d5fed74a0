import type { Pixels } from "../../src/picture/image/pixels.ts";

/** The picture that resize_golden.py draws too. */
export function noise(width: number, height: number, channels: number): Pixels {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const k = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / (channels * width));
    data[i] = x * x * 7 + y * 13 * (k + 1) + x * y * 5 + k * 31;
  }
  return { data, width, height };
}
